"""What ``ganonymize evaluate`` does: reads who is who, anonymizes, looks, measures, reports."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np

from ..batch.execute import execute, in_threads
from ..datasets import Table
from ..errors import InputError, OptionError, OutputError
from ..recognize.recogniser import load_recogniser
from ..types import Skipped
from . import coverage, expression, geometry, identity, quality, report, traits
from .arrays import Values
from .boxes import read_marks
from .expression_classifier import Classify, by_face
from .figures import Family, FamilyName, not_asked, worst
from .geometry import require_attackers
from .look import ObservedPair, in_processes, look
from .marked import Compared, compare
from .observations import Observations, PairedObservations
from .observer import VERSION, ObserverSpec
from .page import page
from .pairing import Pair, pair
from .request import FAMILIES, OutputSource, Request, read_table
from .store import Store

GROUPS = ("gender", "sex", "ancestry", "ethnicity", "race", "age", "age_group", "skin")
_SCENE = 0.5  # of what is around faces unchanged, in most pictures

Progress = Callable[[str, int], AbstractContextManager[Callable[[], None]]]


def evaluate(
    request: Request,
    source: OutputSource | None,
    progress: Progress,
    classify: Classify = by_face,
) -> report.EvaluationReport:
    """Evaluate an anonymization and write the report.

    Args:
        request: What to evaluate.
        source: How to anonymize; None where outputs are given.
        progress: Of a title and a length, calls back after each step.
        classify: Reads expressions.

    Raises:
        InputError: There are no pictures, or none shows a face.
        MissingExtraError: The extra ``eval`` is not installed.
        OptionError: There are neither outputs nor a way to make them.
        OutputError: The report cannot be written.
    """
    require_attackers()
    recogniser = load_recogniser(request.recogniser)  # its errors are raised before any work
    _make_folder(request.out)
    table, skipped = read_table(request)
    if source:
        table = table.of(np.array([file not in source.withheld for file in table.files], bool))
    files = [str(file) for file in table.files]
    anonymized = request.anonymized or _anonymize(request, source, files, progress)
    file_pairs, strays = pair(request.originals, files, anonymized)
    compared, unmarked = _compare(request, files, file_pairs, progress)
    observed, others = _look(request, recogniser.name, files, file_pairs, progress)
    pairs, unseen = pairs_of(table, observed)
    distances = {name: _distances(pairs, observed, other) for name, other in others.items()}
    released = source.released if source else None
    families = measure(
        request.only, pairs, recogniser.same_person, distances, released, classify, compared
    )
    written = report.EvaluationReport(
        worst([family.verdict for family in families], list(not_asked(families).values())),
        tuple(families), pairs,
        tuple(skipped + strays + unmarked + unseen), _settings(request, recogniser.name, source),
    )  # fmt: skip
    shown = {p.file: p.outputs[0] for p in file_pairs if p.outputs}
    originals = request.originals if request.with_originals else None
    report.write(written, request.out, page(written, originals, shown))
    return written


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out}: cannot be made ({error.strerror}); choose another") from error


def _anonymize(
    request: Request, source: OutputSource | None, files: list[str], progress: Progress
) -> Path:
    """Make the outputs; what was made before with the same settings is not made again."""
    if source is None or source.job is None:
        raise OptionError("give a folder of outputs, or say how to anonymize")
    out = request.private / "anonymized"
    job = source.job(request.originals, out, frozenset(files))
    planned = job.files()
    with progress("anonymizing", len(planned)) as advance:
        for _ in execute(job, in_threads(2), planned):
            advance()
    return out


def _compare(
    request: Request, files: list[str], file_pairs: list[Pair], progress: Progress
) -> tuple[Compared | None, list[Skipped]]:
    """Marked faces in the outputs, None without a table of them."""
    if request.boxes is None:
        return None, []
    marks, strays = read_marks(request.boxes, files)
    with progress("comparing with boxes", len(marks)) as advance:
        return compare(file_pairs, marks, advance), strays


def _look(
    request: Request, recogniser: str, files: list[str], file_pairs: list[Pair], progress: Progress
) -> tuple[list[ObservedPair], dict[str, list[ObservedPair]]]:
    """Every pair, and every pair with the outputs of other anonymizations, seen."""
    version = f"{VERSION} {request.detector} {recogniser}"
    observe = in_processes(ObserverSpec(request.recogniser, request.detector), request.jobs)
    with Store(request.store or request.private / "measurements.sqlite") as store:

        def look_at(title: str, those: list[Pair]) -> list[ObservedPair]:
            with progress(title, sum(1 + bool(each.outputs) for each in those)) as advance:
                return look(those, observe, version, store, advance)

        return look_at("looking", file_pairs), {
            name: look_at(f"looking at {name}", pair(request.originals, files, folder)[0])
            for name, folder in request.against.items()
        }


def measure(
    only: Sequence[FamilyName],
    pairs: PairedObservations,
    same_person: float,
    others: Mapping[str, Values],
    released: Callable[[Values], Values] | None,
    classify: Classify,
    compared: Compared | None,
) -> list[Family]:
    """The families that were asked for, in their order."""
    measures: dict[FamilyName, Callable[[], Family]] = {
        "identity": lambda: identity.measure(pairs, same_person, others),
        "expression": lambda: expression.measure(pairs, classify),
        "traits": lambda: traits.measure(pairs),
        "geometry": lambda: geometry.measure(pairs, released),
        "quality": lambda: quality.measure(pairs),
        "coverage": lambda: coverage.measure(pairs, compared),
    }
    return [measures[name]() for name in FAMILIES if name in only]


def _distances(
    pairs: PairedObservations, observed: Sequence[ObservedPair], other: Sequence[ObservedPair]
) -> Values:
    """From originals that show a face to their outputs of another anonymization, (N,)."""
    shown = [o.after for o, own in zip(other, observed, strict=True) if own.shows_face]
    before = pairs.before.embedding
    after = Observations.of([str(file) for file in pairs.file], shown, before.shape[1]).embedding
    return identity.distance_to_original(before, after)


def pairs_of(
    table: Table, observed: Sequence[ObservedPair]
) -> tuple[PairedObservations, list[Skipped]]:
    """Originals that show a face beside their outputs, and what else there was.

    Raises:
        InputError: No original shows a face with landmarks.
    """
    skipped = [problem for one in observed for problem in one.problems]
    skipped += [
        Skipped(one.pair.original, "no face found in the original", False)
        for one in observed
        if one.before is not None and not one.shows_face
    ]
    kept = np.array([one.shows_face for one in observed], bool)
    if not kept.any():
        raise InputError("no original shows a face; check the folder of the originals")
    rows = [one for one in observed if one.shows_face]
    before = Observations.of([one.hashes[0] for one in rows], [one.before for one in rows])
    if not before.found.any():
        raise InputError("no landmarks are found in any original; check the pictures")
    width = before.embedding.shape[1]
    after = Observations.of([one.hashes[1] for one in rows], [one.after for one in rows], width)
    table = table.of(kept)
    surroundings = np.array([one.surroundings for one in rows], float)
    there = np.isfinite(surroundings)
    # heads of the originals' size are no scenes: nothing around the faces is left
    scene = bool(there.mean() > _SCENE and np.median(surroundings[there]) > _SCENE)
    pairs = PairedObservations(
        file=table.files,
        person=np.where(table.person == "", table.files, table.person),
        labels=table.labels,
        groups={name: values for name, values in table.labels.items() if name.lower() in GROUPS},
        before=before,
        after=after,
        outputs=np.array([len(one.pair.outputs) for one in rows]),
        unchanged=np.array([one.unchanged for one in rows], float),
        surroundings=surroundings if scene else np.full_like(surroundings, np.nan),
        original=np.array([str(one.pair.original) for one in rows]),
        output=np.array([str(one.pair.outputs[0]) if one.pair.outputs else "" for one in rows]),
        scene=scene,
    )
    return pairs, skipped


def _settings(request: Request, recogniser: str, source: OutputSource | None) -> dict[str, str]:
    return {
        "originals": request.originals.name,
        "outputs": request.anonymized.name if request.anonymized else "made by this project",
        **(source.settings if source else {}),
        "recogniser": recogniser,
        "detector": request.detector,
    }
