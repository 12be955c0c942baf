"""What a caller gets back: a picture without its faces, in the kind that was handed over."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from .alpha import without_faces
from .errors import NoFaceError, OptionError
from .io import images
from .types import COVERED_BY_AUDIT, Face, Mask

if TYPE_CHECKING:
    from PIL import Image as Pillow

    from .types import Image

Kind = TypeVar("Kind")


@dataclass(frozen=True, repr=False)
class Result(Generic[Kind]):
    """A picture without its faces.

    Jupyter shows it as a picture; :meth:`save` writes it, :meth:`pil` gives it to Pillow.

    Attributes:
        image: The picture with every detected face redrawn or covered, of the kind that was handed
            over: an array like the one given, a Pillow image, a tensor, the bytes of a picture
            file; of a path (H, W, 3) uint8 RGB. None in portrait mode.
        portraits: In portrait mode, one head on black per face, (512, 512, 3) in that kind; else
            empty.
        faces: What became of each face, largest first.
        composite_mask: (H, W) bool; outside it ``image`` equals the input bit for bit. In portrait
            mode nothing is composed and it is all False.
        seed: That this result can be repeated with.
        timings_ms: Milliseconds by stage, over all faces.
        audited: ``image`` was searched once more, and what still showed a face was covered.
        dropped: Of a file: what it held beside the picture and the output does not, in words.
        pictures: What :meth:`save` writes: the scene, or a head of each face.
        source: The file it was read from, which is never replaced; or None.

    Example:
        >>> result = anonymize("portrait.jpg", seed=7)
        >>> result
        <Result: 1 of 1 faces redrawn, 512 x 512>
        >>> result.faces[0].outcome
        'synthesized'
        >>> result.save("out.jpg")
        [PosixPath('out.jpg')]
        >>> result.pil().size
        (512, 512)
    """

    image: Kind | None
    portraits: tuple[Kind, ...]
    faces: tuple[Face, ...]
    composite_mask: Mask
    seed: int
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    audited: bool = False
    dropped: tuple[str, ...] = ()
    pictures: tuple[images.Picture, ...] = ()
    source: Path | None = None

    def __repr__(self) -> str:
        height, width = self.composite_mask.shape
        drawn = sum(face.synthesized for face in self.faces)
        told = f"{drawn} of {len(self.faces)} faces redrawn" if self.faces else "no face found"
        heads = "" if self.image is not None else f", {len(self.portraits)} portraits"
        return f"<Result: {told}{heads}, {width} x {height}>"

    @property
    def covered_by_audit(self) -> int:
        """How many faces the audit had to cover."""
        return sum(face.outcome == COVERED_BY_AUDIT for face in self.faces)

    def pil(self, index: int = 0) -> "Pillow.Image":
        """The picture for Pillow, 8 bits a channel, grey or with alpha if it was.

        Args:
            index: In portrait mode, which of the heads.

        Raises:
            NoFaceError: Portrait mode found no face, so there is no head.
            OptionError: There are fewer heads.
        """
        return images.for_pillow(self._picture(index))

    def save(self, path: str | Path) -> list[Path]:
        """Write the picture without metadata, or each head: further ones as ``_1``, ``_2``.

        Args:
            path: Its suffix decides the format; missing folders are made.

        Returns:
            The files written.

        Raises:
            NoFaceError: Portrait mode found no face, so there is nothing to write.
            OutputError: The file is the input, or cannot be written.
        """
        self._picture(0)
        return images.write_numbered(Path(path), self.pictures, self.source)

    def _repr_png_(self) -> bytes | None:
        """For Jupyter."""
        if not self.pictures:
            return None
        file = io.BytesIO()
        self.pil().save(file, "PNG")
        return file.getvalue()

    def _picture(self, index: int) -> images.Picture:
        if not self.pictures:
            raise NoFaceError("no face found, so there is no portrait", "check the picture")
        if not 0 <= index < len(self.pictures):
            raise OptionError(f"there is no picture {index}: there are {len(self.pictures)}")
        return self.pictures[index]


def composed(picture: images.Picture, result: "Result[Image]") -> list[images.Picture]:
    """What became of a picture: the scene, or a portrait of each face."""
    if result.image is None:
        return [images.Picture(head, grey=picture.grey) for head in result.portraits]
    return [without_faces(picture, result.image, result.composite_mask)]
