"""What the commands print while and after they anonymize."""

import json
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from .. import seeds
from ..batch.folder import FolderJob, is_read
from ..batch.html_report import REPORT, write_report
from ..batch.manifest import Entry, Status
from ..batch.naming import Planned
from ..errors import with_options
from ..options import OnNoFace
from ..picture_file import anonymize_file
from ..pipeline import Anonymizer
from ..types import Result
from ..video.file import is_video

Run = Callable[[Callable[[Entry], None], list[Planned]], None]

MEANINGS: dict[Status, str] = {
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
        on_no_face: See :func:`ganonymization.picture_file.anonymize_file`.
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


def anonymize_folder(job: FolderJob, run: Run, as_json: bool) -> bool:
    """Run a folder job with a progress bar and print a table of what became of its files.

    Args:
        job: The folder.
        run: Does it: what to call with each entry, and the files.
        as_json: Print JSON instead of a table, and no bar.

    Returns:
        Whether every picture could be read and written.
    """
    files, told = job.files(), _Told(as_json)
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    progress = Progress(*columns, console=Console(file=sys.stderr), disable=as_json)
    task = progress.add_task("", total=len(files))

    with ExitStack() as shown:

        def report(entry: Entry) -> None:
            if not progress.live.is_started:  # an error before that shall be the only line
                shown.enter_context(progress)
            told.add(entry)
            progress.advance(task)

        run(report, files)
    write_report(job.out, MEANINGS, job.seed)
    if as_json:
        print(
            json.dumps(
                {"seed": job.seed, "counts": told.counts, "files": sorted(told.files, key=_file)}
            )
        )
    else:
        told.print_counts()
        print(f"{job.out}: {len(files)} files, seed {job.seed}, see {REPORT} and "
              "manifest*.jsonl")  # fmt: skip
    return not told.counts["failed"]


def plan_folder(job: FolderJob, as_json: bool) -> None:
    """Print what a folder job would do.

    Args:
        job: The folder; nothing is read of it but names, and nothing is written.
        as_json: Print JSON instead of a table.
    """
    files, done = job.files(), {} if job.overwrite else job.done_before()
    counts: Counter[str] = Counter()
    for file in files:
        if not is_read(file.name):
            counts["left out"] += 1
        elif job.is_done(file, done):
            counts["done before"] += 1
        else:
            counts["videos" if is_video(Path(file.name)) else "pictures"] += 1
    if as_json:
        print(json.dumps(counts))
        return
    for what in ("pictures", "videos", "done before", "left out"):
        print(f"{counts[what]:7d}  {what}")


def _file(entry: dict[str, object]) -> str:
    return str(entry["file"])


class _Told:
    """What became of the files, counted, and told as it happens."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self.counts: Counter[Status] = Counter()
        self.files: list[dict[str, object]] = []  # kept for JSON alone: there may be millions

    def add(self, entry: Entry) -> None:
        self.counts[entry.status] += 1
        if self._as_json:
            self.files.append(asdict(entry))
        elif entry.status == "failed":
            print(f"error: {with_options(entry.error or '')}", file=sys.stderr)
        elif entry.status == "no face":
            print(f"warning: {entry.file}: no face found", file=sys.stderr)
        elif entry.status == "not a picture":
            print(f"warning: {entry.file}: not a kind of picture or video that is read",
                  file=sys.stderr)  # fmt: skip

    def print_counts(self) -> None:
        for status, meaning in MEANINGS.items():
            if self.counts[status]:
                print(f"{self.counts[status]:7d}  {status:14s} {meaning}")
