"""What data sets of either kind have in common: samples anonymized one by one, and counted."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from ..errors import GanonymizationError, InputError
from ..io import images
from ..picture_file import anonymize_bytes
from ..pipeline import Anonymizer

Sample = TypeVar("Sample")
Made = TypeVar("Made")


@dataclass
class DatasetReport:
    """What became of the samples of one shard or split: how many were written, and their faces.

    ``filled`` faces were covered rather than redrawn; ``without_face`` counts pictures;
    ``left_out`` says why samples are missing, by their names or row numbers.
    """

    name: str
    samples: int = 0
    faces: int = 0
    filled: int = 0
    without_face: int = 0
    left_out: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SampleJob:
    """How the samples of a data set are anonymized.

    Attributes:
        anonymizer: In portrait mode the head of the largest face replaces a picture, and samples
            with a picture without a face are skipped, for a copy would show whatever the detector
            missed.
        seed: Of the run; with a picture's name and a face's place it decides who the face becomes.
        max_pixels: Larger pictures are refused.
        advance: Called after each sample.
    """

    anonymizer: Anonymizer
    seed: int
    max_pixels: int = images.DEFAULT_MAX_PIXELS
    advance: Callable[[], None] = lambda: None

    def made(
        self,
        samples: Iterable[tuple[str, Sample]],
        make: Callable[[str, Sample], Made],
        report: DatasetReport,
    ) -> Iterator[Made]:
        """What is made of samples, given with their names; those that cannot be made are skipped.

        The report counts them, and says why others are missing.
        """
        for name, sample in samples:
            try:
                made = make(name, sample)
            except GanonymizationError as error:
                report.left_out[name] = str(error)
            else:
                report.samples += 1
                yield made
            self.advance()

    def redrawn(
        self, content: bytes, name: str, report: DatasetReport, kind: str | None = None
    ) -> bytes:
        """A picture file's bytes, anonymized; its faces are counted in the report.

        ``kind`` is Pillow's name of the format to write; None writes the one that was read.

        Raises:
            GanonymizationError: The picture cannot be read or written, or shows no face in
                portrait mode; skip the sample.
        """
        result, made = anonymize_bytes(
            self.anonymizer, content, seed=self.seed, name=name, max_pixels=self.max_pixels,
            kind=kind,
        )  # fmt: skip
        report.faces += len(result.faces)
        report.filled += sum(not face.synthesized for face in result.faces)
        report.without_face += not result.faces
        if not made:
            raise InputError(f"{name}: no face found")
        return made[0]
