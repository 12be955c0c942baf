"""What a prepared folder holds.

    crops.npy           (N, 288, 288, 5) uint8: R, G, B, the head's opacity, 255 inside the picture
    landmarks.npy       (N, 478, 3) float32 in pixels of those crops
    chroma.npy          (N,) float32, the mean spread of R, G and B: near 0 for grey photographs
    skin_ita_deg.npy    (N,) float32, the individual typology angle of the cheeks
    files.txt           the pictures, a line each

``crops.npy`` is written last: where it lies, the folder is complete.
"""

from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

PREPARED_SIZE_PX = 288
CHANNELS = 5
GENERATOR_SIZE_PX = 256  # of the middle of a prepared crop


def is_prepared(folder: Path) -> bool:
    """Whether a folder is a complete prepared one."""
    return (folder / "crops.npy").exists()


def load(folder: Path, name: str, mmap_mode: Literal["r"] | None = None) -> NDArray[Any]:
    """One array of a prepared folder; ``mmap_mode="r"`` maps it instead of reading it.

    Raises:
        InputError: The folder is not a prepared one.
    """
    try:
        return np.asanyarray(np.load(folder / name, mmap_mode=mmap_mode))
    except (OSError, ValueError, EOFError) as error:
        raise InputError(
            f"{folder}: no prepared folder ({name} cannot be read); make one with "
            "'ganonymize prepare'"
        ) from error
