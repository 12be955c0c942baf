"""What ``ganonymize evaluate`` does: reads who is who, anonymizes, looks, measures, reports."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..batch.execute import execute, in_threads
from ..batch.folder import FolderJob
from ..datasets import Table, read_dataset
from ..datasets.people import People, read_people
from ..errors import InputError, OptionError, OutputError
from ..io import images
from ..options import DetectorName
from ..recognize.recogniser import load_recogniser
from ..surrogate.shape_model import ShapeModel
from ..types import Skipped
from . import coverage, expression, geometry, identity, quality, report, traits
from .attackers import folds
from .expression_classifier import Classify, by_face
from .figures import Family, FamilyName, worst
from .geometry import require_attackers
from .observations import Looked, PairedObservations, Seen, in_processes, look
from .observer import VERSION, ObserverSpec
from .pairing import Pair, pair
from .store import Store

FAMILIES: tuple[FamilyName, ...] = (
    "identity", "expression", "traits", "geometry", "quality", "coverage",
)  # fmt: skip
GROUPS = ("gender", "sex", "ancestry", "ethnicity", "race", "age", "age_group", "skin")
_PRIVATE = "-private"
_SCENE = 0.5  # of what is around faces unchanged, in most pictures

Progress = Callable[[str, int], AbstractContextManager[Callable[[], None]]]
Landmarks = NDArray[np.float64]


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
        dataset: A kind of data set that tells all this by itself, or None.
        only: Families.
        against: Folders of other anonymizations of the same originals, by name.
        detector: Finds the faces that are looked at.
        recogniser: An ONNX file; None for dlib's.
        with_originals: Show them in the report.
        jobs: Processes that look at pictures.
        store: Keeps what was seen; None keeps it in the private folder.
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
        released: From landmarks to what the generator gets, or None where they are kept.
        withheld: Files that something was fitted on; they are not evaluated.
        settings: Told in the report, by name.
    """

    job: Callable[[Path, Path, frozenset[str]], FolderJob] | None
    released: Callable[[Landmarks], Landmarks] | None = None
    withheld: frozenset[str] = frozenset()
    settings: Mapping[str, str] = field(default_factory=dict)


def evaluate(
    request: Request,
    making: OutputSource | None,
    progress: Progress,
    classify: Classify = by_face,
) -> report.Report:
    """Evaluate an anonymization and write the report.

    Args:
        request: What to evaluate.
        making: How to anonymize; None where outputs are given.
        progress: Of a title and a length, calls back after each step.
        classify: Tells expressions.

    Raises:
        InputError: There are no pictures, or none shows a face.
        MissingExtraError: The extra ``eval`` is not installed.
        OptionError: There are neither outputs nor a way to make them.
        OutputError: The report cannot be written.
    """
    require_attackers()
    recogniser = load_recogniser(request.recogniser)  # its errors are told before any work
    _make_folder(request.out)
    table, left_out = read_table(request)
    withheld = making.withheld if making else frozenset()
    table = table.of(np.array([file not in withheld for file in table.files], bool))
    files = [str(file) for file in table.files]
    anonymized = request.anonymized or _anonymize(request, making, files, progress)
    pairs, stray = pair(request.originals, files, anonymized)
    looked, others = _look(request, recogniser.name, files, pairs, progress)
    sides, unseen = sides_of(table, looked)
    distances = {name: _distances(sides, looked, other) for name, other in others.items()}
    families = measure(request, sides, recogniser.same_person, distances,
                       making.released if making else None, classify)  # fmt: skip
    written = report.Report(
        worst([family.verdict for family in families]), tuple(families), sides,
        tuple(left_out + stray + unseen), _settings(request, recogniser.name, making),
    )  # fmt: skip
    report.write(written, request.out, request.originals if request.with_originals else None,
                 {p.file: p.outputs[0] for p in pairs if p.outputs})  # fmt: skip
    return written


def _look(
    request: Request, recogniser: str, files: list[str], pairs: list[Pair], progress: Progress
) -> tuple[list[Looked], dict[str, list[Looked]]]:
    """Every pair, and every pair with the outputs of other anonymizations, seen."""
    version = f"{VERSION} {request.detector} {recogniser}"
    observe = in_processes(ObserverSpec(request.recogniser, request.detector), request.jobs)
    with Store(request.store or request.private / "measurements.sqlite") as store:

        def seen(title: str, those: list[Pair]) -> list[Looked]:
            with progress(title, sum(1 + bool(each.outputs) for each in those)) as advance:
                return look(those, observe, version, store, advance)

        looked = seen("looking", pairs)
        return looked, {
            name: seen(f"looking at {name}", pair(request.originals, files, folder)[0])
            for name, folder in request.against.items()
        }


def measure(
    request: Request,
    sides: PairedObservations,
    same_person: float,
    others: Mapping[str, NDArray[np.float64]],
    released: Callable[[Landmarks], Landmarks] | None,
    classify: Classify,
) -> list[Family]:
    """The families that were asked for, in their order."""
    made: dict[FamilyName, Callable[[], Family]] = {
        "identity": lambda: identity.measure(sides, same_person, others),
        "expression": lambda: expression.measure(sides, classify),
        "traits": lambda: traits.measure(sides),
        "geometry": lambda: geometry.measure(sides, released),
        "quality": lambda: quality.measure(sides),
        "coverage": lambda: coverage.measure(sides),
    }
    return [made[name]() for name in FAMILIES if name in request.only]


def read_table(request: Request) -> tuple[Table, list[Skipped]]:
    """Who is on which picture, from all tables that are given.

    Raises:
        InputError: There are no pictures, or a table lacks a column.
        OptionError: A data set and a table are given.
    """
    if request.dataset is not None:
        if request.people or request.labels:
            raise OptionError("--dataset tells people and labels itself; leave the tables out")
        table, left_out = read_dataset(request.originals, request.dataset)
    elif request.people is not None or request.labels is not None:
        first = request.people or request.labels
        table, left_out = read_dataset(request.originals, "index", first)
    else:
        found = [path for path in images.walk(request.originals) if images.is_picture(path)]
        names = np.array([p.relative_to(request.originals).as_posix() for p in found], np.str_)
        blank = np.full(len(names), "")
        table, left_out = Table(request.originals, names, blank, blank, {}), []
    if request.labels is not None and request.people is not None:
        more, problems = read_dataset(request.originals, "index", request.labels)
        table, left_out = _joined(table, more), [*left_out, *problems]
    if not len(table.files):
        raise InputError(f"{request.originals}: no pictures to evaluate")
    return table, left_out


def withheld(
    request: Request, fit: Callable[[People], ShapeModel]
) -> tuple[ShapeModel, frozenset[str]]:
    """Fit a shape model on a third of the people, and name all their pictures.

    Raises:
        OptionError: Nobody told who is on which picture.
    """
    if request.people is None:
        raise OptionError("--fit needs --people, to fit on some people and evaluate others")
    people, _ = read_people(request.originals, request.people)
    chosen = folds(people.person) == 0
    table, _ = read_table(request)
    fitted = np.unique(people.person[chosen])
    files = table.files[np.isin(table.person, fitted)]
    return fit(people.of(chosen)), frozenset(str(file) for file in files)


def _joined(table: Table, more: Table) -> Table:
    """A table with the labels of another one, by file."""
    row = {file: i for i, file in enumerate(more.files)}
    labels = dict(table.labels)
    for column, values in more.labels.items():
        labels[column] = np.array(
            [values[row[file]] if file in row else "" for file in table.files], np.str_
        )
    return replace(table, labels=labels)


def _anonymize(
    request: Request, making: OutputSource | None, files: list[str], progress: Progress
) -> Path:
    """Make the outputs; what was made before with the same settings is not made again."""
    if making is None or making.job is None:
        raise OptionError("give a folder of outputs, or say how to anonymize")
    out = request.private / "anonymized"
    job = making.job(request.originals, out, frozenset(files))
    files_of_job = job.files()
    with progress("anonymizing", len(files_of_job)) as advance:
        for _ in execute(job, in_threads(2), files_of_job):
            advance()
    return out


def _distances(
    sides: PairedObservations, looked: Sequence[Looked], other: Sequence[Looked]
) -> NDArray[np.float64]:
    """From originals that show a face to their outputs of another anonymization, (N,)."""
    shown = [o.after for o, own in zip(other, looked, strict=True) if _shows_face(own)]
    before = sides.before.embedding
    after = Seen.of([str(file) for file in sides.file], shown, before.shape[1]).embedding
    return identity.distance_to_original(before, after)


def _shows_face(one: Looked) -> bool:
    return one.before is not None and len(one.before["boxes"]) > 0


def sides_of(table: Table, looked: Sequence[Looked]) -> tuple[PairedObservations, list[Skipped]]:
    """Originals that show a face beside their outputs, and what else there was.

    Raises:
        InputError: No original shows a face with landmarks.
    """
    left_out = [problem for one in looked for problem in one.problems]
    left_out += [
        Skipped(one.pair.original, "no face found in the original", False)
        for one in looked
        if one.before is not None and not _shows_face(one)
    ]
    kept = np.array([_shows_face(one) for one in looked], bool)
    if not kept.any():
        raise InputError("no original shows a face; check the folder of the originals")
    rows = [one for one, shown in zip(looked, kept, strict=True) if shown]
    person = np.where(table.person == "", table.files, table.person)[kept]
    labels = {column: values[kept] for column, values in table.labels.items()}
    before = Seen.of([one.hashes[0] for one in rows], [one.before for one in rows])
    if not before.found.any():
        raise InputError("no landmarks are found in any original; check the pictures")
    width = before.embedding.shape[1]
    after = Seen.of([one.hashes[1] for one in rows], [one.after for one in rows], width)
    shares = np.array([(one.unchanged, one.surroundings) for one in rows])
    there = np.isfinite(shares[:, 1])
    # heads of the originals' size are no scenes: nothing around the faces is left
    scene = bool(there.any() and np.median(shares[there, 1]) > _SCENE and there.mean() > _SCENE)
    unchanged, surroundings = shares.T
    surroundings = surroundings if scene else np.full_like(surroundings, np.nan)
    sides = PairedObservations(
        table.files[kept], person, labels,
        {column: values for column, values in labels.items() if column.lower() in GROUPS},
        before, after, np.array([len(one.pair.outputs) for one in rows]), unchanged, surroundings,
        np.array([str(one.pair.original) for one in rows]),
        np.array([str(one.pair.outputs[0]) if one.pair.outputs else "" for one in rows]),
        scene,
    )  # fmt: skip
    return sides, left_out


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out}: cannot be made ({error.strerror}); choose another") from error


def _settings(request: Request, recogniser: str, making: OutputSource | None) -> dict[str, str]:
    made = dict(making.settings) if making else {}
    return {
        "originals": request.originals.name,
        "outputs": request.anonymized.name if request.anonymized else "made by this project",
        **made,
        "recogniser": recogniser,
        "detector": request.detector,
    }
