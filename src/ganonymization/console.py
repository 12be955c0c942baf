"""What the commands print while and after they anonymize."""

import json
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from . import seeds
from .batch import MANIFEST, Entry, FolderJob, Status, anonymize_file
from .options import OnNoFace
from .pipeline import Anonymizer
from .types import Result

_MEANINGS: dict[Status, str] = {
    "done": "every face redrawn",
    "filled": "every face redrawn or covered with a fill",
    "no face": "no face found",
    "skipped": "done before",
    "not a picture": "left out",
    "failed": "not written",
}


def anonymize_image(
    anonymizer: Anonymizer,
    source: Path,
    out: Path,
    seed: int | None,
    on_no_face: OnNoFace | None,
    max_pixels: int,
    as_json: bool,
) -> None:
    """Anonymize one file and print what became of it.

    Args:
        anonymizer: Decides mode and models.
        source: The picture.
        out: The file to write.
        seed: None draws a fresh one, which is printed.
        on_no_face: See :func:`ganonymization.batch.anonymize_file`.
        max_pixels: Larger pictures are refused.
        as_json: Print JSON instead of a sentence.

    Raises:
        GanonymizationError: As ``anonymize_file`` does.
    """
    result, written = anonymize_file(
        anonymizer, source, out, seed=seeds.fresh_seed() if seed is None else seed,
        name=source.name, on_no_face=on_no_face, max_pixels=max_pixels,
    )  # fmt: skip
    if not result.faces:
        passed = f"passed on as {written[0]}" if written else "nothing written"
        print(f"warning: {source}: no face found, {passed}", file=sys.stderr)
    if as_json:
        told = {
            "outputs": [str(path) for path in written],
            "seed": result.seed,
            "faces": [asdict(face) for face in result.faces],
            "timings_ms": dict(result.timings_ms),
        }
        print(json.dumps(told, indent=1))
    elif result.faces:
        _tell(source, result, written)


def _tell(source: Path, result: Result, written: list[Path]) -> None:
    for face in result.faces:
        if not face.synthesized:
            print(f"warning: {source}: face {face.index} {face.outcome}", file=sys.stderr)
    drawn = sum(face.synthesized for face in result.faces)
    names = ", ".join(str(path) for path in written)
    print(f"{names}: {drawn} of {len(result.faces)} faces redrawn, seed {result.seed}")


def anonymize_folder(job: FolderJob, jobs: int, as_json: bool) -> bool:
    """Run a folder job with a progress bar and print a table of what became of its files.

    Args:
        job: The folder.
        jobs: Pictures in work at a time.
        as_json: Print JSON instead of a table, and no bar.

    Returns:
        Whether every picture could be read and written.
    """
    entries: list[Entry] = []
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=sys.stderr), disable=as_json) as progress:
        task = progress.add_task("", total=len(job.files()))

        def report(entry: Entry) -> None:
            entries.append(entry)
            progress.advance(task)

        job.run(jobs, report)
    counts = Counter(entry.status for entry in entries)
    if as_json:
        files = [asdict(entry) for entry in entries]
        print(json.dumps({"seed": job.seed, "counts": counts, "files": files}))
    else:
        _tell_folder(job, entries, counts)
    return not counts["failed"]


def _tell_folder(job: FolderJob, entries: list[Entry], counts: Counter[Status]) -> None:
    for entry in entries:
        if entry.status == "failed":
            print(f"error: {entry.error}", file=sys.stderr)
        elif entry.status == "no face":
            print(f"warning: {entry.file}: no face found", file=sys.stderr)
        elif entry.status == "not a picture":
            print(f"warning: {entry.file}: not a kind of picture that is read", file=sys.stderr)
    for status, meaning in _MEANINGS.items():
        if counts[status]:
            print(f"{counts[status]:7d}  {status:14s} {meaning}")
    print(f"{job.out}: {len(entries)} files, seed {job.seed}, see {job.out / MANIFEST}")
