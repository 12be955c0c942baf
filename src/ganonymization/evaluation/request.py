"""What to evaluate, and who is on which picture."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ..batch.folder import FolderJob
from ..datasets import Table, read_dataset
from ..datasets.folder import read_unlabelled
from ..datasets.people import People, read_people
from ..errors import OptionError
from ..options import DetectorName
from ..surrogate.shape_model import ShapeModel
from ..types import Skipped
from .arrays import Values
from .attackers import folds
from .figures import FamilyName

FAMILIES: tuple[FamilyName, ...] = (
    "identity", "expression", "traits", "geometry", "quality", "coverage",
)  # fmt: skip
_PRIVATE = "-private"


@dataclass(frozen=True)
class Request:
    """What to evaluate.

    Attributes:
        originals: Folder.
        out: Folder of the report. Beside it a folder of the same name and ``-private`` keeps what
            must not be passed on: what recognisers read, and outputs made here.
        anonymized: Folder of the outputs; None makes them here.
        people: CSV with the columns file and person, or None where each picture is of another one.
        labels: CSV with the column file and further ones, such as expression or gender, or None.
        dataset: A kind of data set that has all this itself, or None.
        only: Families.
        against: Folders of other anonymizations of the same originals, by name.
        detector: Finds the faces that are looked at.
        recogniser: An ONNX file; None for dlib's.
        with_originals: Show them in the report.
        jobs: Processes that look at pictures.
        store: Keeps what was seen; None keeps it in the private folder.
        boxes: Table of marked faces for coverage, or None.
    """

    originals: Path
    out: Path
    anonymized: Path | None = None
    people: Path | None = None
    labels: Path | None = None
    dataset: str | None = None
    only: Sequence[FamilyName] = FAMILIES
    against: Mapping[str, Path] = field(default_factory=dict)
    detector: DetectorName = "centerface"
    recogniser: Path | None = None
    with_originals: bool = False
    jobs: int = 2
    store: Path | None = None
    boxes: Path | None = None

    @property
    def private(self) -> Path:
        """The folder of what must not be passed on."""
        out = self.out.resolve()
        return out.with_name(out.name + _PRIVATE)


@dataclass(frozen=True)
class OutputSource:
    """How outputs are made where none are given.

    Attributes:
        job: From the folder of originals, the folder to write and the files, a job; None where
            outputs are given.
        released: From landmarks (M, 478, 3) to what the generator gets, or None where they are
            kept.
        withheld: Files that something was fitted on; they are not evaluated.
        settings: For the report, by name.
    """

    job: Callable[[Path, Path, frozenset[str]], FolderJob] | None
    released: Callable[[Values], Values] | None = None
    withheld: frozenset[str] = frozenset()
    settings: Mapping[str, str] = field(default_factory=dict)


def read_table(request: Request) -> tuple[Table, list[Skipped]]:
    """Who is on which picture, from all tables that are given.

    Raises:
        InputError: There are no pictures, or a table lacks a column.
        OptionError: A data set and a table are given.
    """
    folder, people, labels = request.originals, request.people, request.labels
    if request.dataset is not None:
        if people or labels:
            raise OptionError(
                f"a data set of the kind {request.dataset} knows its people and labels itself",
                "give `dataset`, or `people` and `labels`",
            )
        table, skipped = read_dataset(folder, request.dataset)
    elif people is not None or labels is not None:
        table, skipped = read_dataset(folder, "index", people or labels)
    else:
        table, skipped = read_unlabelled(folder)
    if people is not None and labels is not None:
        more, problems = read_dataset(folder, "index", labels)
        table, skipped = _joined(table, more), [*skipped, *problems]
    return table, skipped


def withheld(
    request: Request, fit: Callable[[People], ShapeModel]
) -> tuple[ShapeModel, frozenset[str]]:
    """Fit a shape model on a third of the people, and name all their pictures.

    Raises:
        OptionError: It is not known who is on which picture.
    """
    if request.people is None:
        raise OptionError(
            "a shape model is fitted on some people and evaluated on others", "give `people`"
        )
    people, _ = read_people(request.originals, request.people)
    chosen = folds(people.person) == 0
    table, _ = read_table(request)
    fitted = np.unique(people.person[chosen])
    files = table.files[np.isin(table.person, fitted)]
    return fit(people.of(chosen)), frozenset(str(file) for file in files)


def _joined(table: Table, more: Table) -> Table:
    """A table with the labels of another one, by file."""
    row = {file: i for i, file in enumerate(more.files)}
    labels = {
        column: np.array([values[row[f]] if f in row else "" for f in table.files], np.str_)
        for column, values in more.labels.items()
    }
    return replace(table, labels={**table.labels, **labels})
