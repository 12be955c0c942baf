"""What commands do around the fit of a shape model: read people, write the model."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..datasets.people import People, read_people
from ..errors import OptionError, OutputError
from ..io.files import atomic_path
from ..surrogate.shape_model import ShapeModel
from ..types import Skipped
from . import layout
from .shape_fit import fit_shape


def fit_and_save(
    folder: Path, index: Path, out: Path, prepared: Path | None = None
) -> list[Skipped]:
    """Fit a shape model on pictures grouped by person, and write it.

    ``index`` is the table of :func:`~ganonymization.datasets.people.read_people`; a prepared folder
    gives further faces.

    Returns:
        Pictures that gave no landmarks.

    Raises:
        InputError: There are too few people with several pictures.
        OptionError: ``out`` is no ``.npz`` file.
        OutputError: The file cannot be written.
    """
    if out.suffix != ".npz" or out.resolve() == index.resolve():
        raise OptionError(f"{out}: give a file that ends in .npz")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out.parent}: cannot be made ({error.strerror})") from error
    people, skipped = read_people(folder, index)
    fit = fit_shape if prepared is None else fitter_beside(prepared)
    arrays: dict[str, Any] = dict(fit(people).arrays())
    with atomic_path(out) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)  # to a name it would add a suffix
    return skipped


def fitter_beside(prepared: Path) -> Callable[[People], ShapeModel]:
    """What fits a model on some people and the further faces of a prepared folder.

    Raises:
        InputError: The folder is not a prepared one.
    """
    singles, readings = layout.load(prepared, "landmarks.npy"), None
    if (prepared / "readings.npy").exists():
        readings = layout.load(prepared, "readings.npy")
        taught = ~layout.load(prepared, "held_out.npy")
        singles, readings = singles[taught], readings[taught]
    return lambda people: fit_shape(people, singles, readings=readings)
