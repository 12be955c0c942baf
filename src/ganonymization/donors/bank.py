"""A bank of donors: delit textures on one mesh, each with its expression and its person.

One NumPy file (``.npz``):

format       "ganonymization-bank-2"
layout_px    (478, 3) float32, the mesh in texture pixels; mouth and eyes are open
size_px      side of a texture
webp, ends   the textures' files one after another, uint8, and where each ends, (N,) int64
readings     (N, 7) float32, shares of neutral, happy, sad, angry, fearful, disgusted, surprised
openings     (N, 2) float32, of mouth and eyes in outer-eye distances
folds        (6, 224, 224) int8, see :mod:`ganonymization.donors.folds`; (0, 224, 224) for none
styles       (N, 16) float32, of the generator's style space; (0, 16) where nobody read them
years, sexes (N,) float32 and (N,) "f", "m" or "", as a model or a source says
skin_ita_deg (N,) float32, the individual typology angle of the skin as it was lit
people       (N,), equal where two pictures show one person
files, sources, licences  (N,) of the pictures that they were made from
"""

import zipfile
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from ..geometry import topology
from ..types import Image
from . import folds

FORMAT = "ganonymization-bank-2"
READINGS = 7
_COLUMNS = (
    "readings", "openings", "years", "sexes", "skin_ita_deg", "people", "files", "sources",
    "licences",
)  # fmt: skip
_KEPT_TEXTURES = 64
_FOLDS = (folds.SIZE_PX, folds.SIZE_PX)


@dataclass(frozen=True, eq=False)
class DonorBank:
    """Donors; see the module for shapes.

    Attributes:
        layout_px: (478, 3).
        size_px: Side of a texture.
        webp: All files, (B,) uint8.
        ends: (N,).
        readings: (N, 7).
        openings: (N, 2).
        folds: (6, 224, 224) or (0, 224, 224).
        styles: (N, 16) or (0, 16).
        years: (N,).
        sexes: (N,).
        skin_ita_deg: (N,).
        people: (N,).
        files: (N,).
        sources: (N,).
        licences: (N,).
    """

    layout_px: NDArray[np.float32]
    size_px: int
    webp: NDArray[np.uint8]
    ends: NDArray[np.int64]
    readings: NDArray[np.float32]
    openings: NDArray[np.float32]
    folds: NDArray[np.int8]
    styles: NDArray[np.float32]
    years: NDArray[np.float32]
    sexes: NDArray[np.str_]
    skin_ita_deg: NDArray[np.float32]
    people: NDArray[np.str_]
    files: NDArray[np.str_]
    sources: NDArray[np.str_]
    licences: NDArray[np.str_]

    def __post_init__(self) -> None:
        object.__setattr__(self, "texture", lru_cache(_KEPT_TEXTURES)(self._decoded))

    @property
    def female(self) -> NDArray[np.float64]:
        """(N,), 1 for a woman, 0 for a man, 0.5 where nobody says."""
        return np.select([self.sexes == "f", self.sexes == "m"], [1.0, 0.0], 0.5)

    def __len__(self) -> int:
        return len(self.ends)

    @classmethod
    def load(cls, path: Path) -> "DonorBank":
        """Open a bank.

        Raises:
            ModelError: The file is no bank, damaged, or of another version; build it anew.
        """
        try:
            with path.open("rb") as content, np.load(content, allow_pickle=False) as file:
                kind = str(file["format"])
                arrays = {name: file[name] for name in cls.__dataclass_fields__}
        except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise ModelError(
                f"{path}: not a bank of donors; make one with 'ganonymize bank build'"
            ) from error
        bank = cls(**(arrays | {"size_px": int(arrays["size_px"])}))
        if kind != FORMAT or not bank._fits():
            raise ModelError(
                f"{path}: a damaged bank or one of another version ({kind!r}, not {FORMAT!r}); "
                "make it anew with 'ganonymize bank build'"
            )
        return bank

    def without(self, people: Collection[str]) -> "DonorBank":
        """The bank without some people, all their pictures; folds stay what all taught.

        Args:
            people: Of :attr:`people`.

        Raises:
            ModelError: Nobody is left; leave somebody in.
        """
        kept = np.nonzero(~np.isin(self.people, list(people)))[0]
        if len(kept) == 0:
            raise ModelError("the bank without these people has no donor; leave somebody in")
        parts = np.split(self.webp, self.ends[:-1])
        files = [parts[donor] for donor in kept]
        arrays: dict[str, Any] = {name: getattr(self, name)[kept] for name in _COLUMNS}
        arrays["webp"] = np.concatenate([*files, self.webp[:0]])
        arrays["ends"] = np.cumsum([len(file) for file in files], dtype=np.int64)
        arrays["styles"] = self.styles[kept] if len(self.styles) else self.styles
        return replace(self, **arrays)

    def save(self, path: Path) -> None:
        """Write the file; textures are compressed already."""
        arrays = {name: getattr(self, name) for name in self.__dataclass_fields__}
        with path.open("wb") as file:
            np.savez(file, format=FORMAT, **arrays)

    def _fits(self) -> bool:
        count = len(self.ends)
        return (
            count > 0
            and self.layout_px.shape == (topology.LANDMARK_COUNT, 3)
            and self.readings.shape == (count, READINGS)
            and all(len(getattr(self, name)) == count for name in _COLUMNS)
            and len(self.styles) in (0, count)
            and self.folds.dtype == np.int8
            and self.folds.shape in ((0, *_FOLDS), (READINGS - 1, *_FOLDS))
            and bool((np.diff(self.ends, prepend=0) > 0).all())
            and int(self.ends[-1]) == len(self.webp)
            and all(np.isfinite(a).all() for a in (self.layout_px, self.readings, self.openings))
        )

    def _decoded(self, donor: int) -> Image:
        """A delit texture, (size_px, size_px, 3) uint8 RGB; the last ones are kept decoded.

        Raises:
            ModelError: Its file is damaged.
        """
        start = int(self.ends[donor - 1]) if donor else 0
        picture = cv2.imdecode(self.webp[start : int(self.ends[donor])], cv2.IMREAD_COLOR)
        if picture is None or picture.shape[:2] != (self.size_px, self.size_px):
            raise ModelError(f"donor {donor} of the bank is damaged; install or build it anew")
        return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)

    texture = _decoded  # with a memory, once it is made
