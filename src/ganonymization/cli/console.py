"""What the commands print while and after they anonymize."""

import json
import sqlite3
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from .. import seeds
from ..batch.execute import Executor, execute
from ..batch.folder import FolderJob, is_read
from ..batch.html_report import REPORT, write_report
from ..batch.manifest import MEANINGS, Entry, Status
from ..batch.report import FolderReport
from ..errors import with_options
from ..options import OnNoFace
from ..picture_file import anonymize_file
from ..pipeline import Anonymizer
from ..result import Result
from ..types import Box, Image
from ..video.kinds import is_video
from .say import complain, say, warn

COVERED_BY_AUDIT_EXIT = 3


def anonymize_image(
    anonymizer: Anonymizer,
    source: Path,
    out: Path,
    seed: int | None,
    on_no_face: OnNoFace | None,
    max_pixels: int,
    as_json: bool,
    add_boxes: Sequence[Box] = (),
) -> bool:
    """Anonymize one file and print what became of it; the seed None draws a fresh one.

    Returns:
        Whether the audit had to cover a face.

    Raises:
        GanonymizationError: As ``anonymize_file`` does.
    """
    result, written = anonymize_file(
        anonymizer, source, out, seed=seeds.fresh_seed() if seed is None else seed,
        name=source.name, on_no_face=on_no_face, max_pixels=max_pixels,
        add_boxes=add_boxes,
    )  # fmt: skip
    if result.dropped:
        warn(f"{source}: dropped: {', '.join(result.dropped)}")
    if not result.faces:
        passed = f"passed on as {written[0]}" if written else "nothing written"
        warn(f"{source}: no face found, {passed}")
    if as_json:
        answer = {
            "outputs": [str(path) for path in written],
            "seed": result.seed,
            "audited": result.audited,
            "dropped": result.dropped,
            "faces": [asdict(face) for face in result.faces],
            "timings_ms": dict(result.timings_ms),
        }
        print(json.dumps(answer, indent=1))
    elif result.faces:
        _print_faces(source, result, written)
    return bool(result.covered_by_audit)


def _print_faces(source: Path, result: Result[Image], written: list[Path]) -> None:
    for face in result.faces:
        if not face.synthesized:
            warn(f"{source}: face {face.index} {face.outcome}")
    drawn = sum(face.synthesized for face in result.faces)
    names = ", ".join(str(path) for path in written)
    audit = _audit_words(result.audited, result.covered_by_audit)
    say(f"{names}: {drawn} of {len(result.faces)} faces redrawn, seed {result.seed}{audit}")


def _audit_words(audited: bool, covered: int) -> str:
    """What the audit says of one output."""
    if not audited:
        return ""
    return f"; {covered} missed at first, covered by the audit" if covered else "; audited"


def anonymize_folder(job: FolderJob, executor: Executor, as_json: bool) -> int:
    """Run a folder job with a progress bar and print a table of what became of its files.

    JSON is printed without a bar.

    Returns:
        The exit code: 1 where a file could not be read or written, or in a strict job was left out;
        else 3 where the audit covered a face, else 0.
    """
    files, report = job.files(), FolderReport(str(job.out), job.told_seed, strict=job.strict)
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    progress = Progress(*columns, console=Console(file=sys.stderr), disable=as_json)
    task = progress.add_task("", total=len(files))
    with _Lines() as lines:
        with ExitStack() as shown:
            for entry in execute(job, executor, files):
                if not (as_json or progress.live.is_started):  # after errors of the models
                    shown.enter_context(progress)
                report.add(entry)
                if as_json:
                    lines.add(entry)
                else:
                    _print_problem(entry)
                progress.advance(task)
        write_report(job)
        if as_json:
            lines.print_all(job.told_seed, report.counts)
    if not as_json:
        for line in _table(report):
            say(line)
        where = f", see {job.report}/{REPORT}" if job.reports else ""
        say(f"{job.out}: {len(files)} files, {_seed_words(job.told_seed)}{where}")
    return report.exit_code


def _table(report: FolderReport) -> list[str]:
    """What a folder's lines at the end say."""
    told = [f"{report.counts[status]:7d}  {status:14s} {meaning}"
            for status, meaning in MEANINGS.items() if report.counts.get(status)]  # fmt: skip
    if report.audited:
        told.append(
            f"{report.audited:7d}  audited        searched once more: in "
            f"{report.covered_by_audit} a face was missed at first and is covered"
        )
    if report.dropped:
        told.append(f"{report.dropped:7d}  held more      {with_options(_most_dropped(report))}")
    if report.other_seed:
        told.append(
            f"{report.other_seed:7d}  keep the seed of an earlier run; --overwrite does "
            f"them again with {_seed_words(report.seed)}"
        )
    return told


def _most_dropped(report: FolderReport) -> str:
    """What outputs do not hold, by how often."""
    return "dropped: " + ", ".join(
        f"{what} ({count})" for what, count in report.dropped_kinds.most_common(5)
    )


def _seed_words(seed: int | None) -> str:
    return "a secret seed" if seed is None else f"seed {seed}"


def plan_folder(job: FolderJob, as_json: bool) -> None:
    """Print what a folder job would do; nothing is read but names, and nothing is written."""
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


def _print_problem(entry: Entry) -> None:
    if entry.status == "failed":
        complain(with_options(entry.error or ""))
        return
    if entry.status == "not a picture":
        warn(f"{entry.file}: not a kind of picture or video that is read")


class _Lines:
    """Entries for JSON, on the disk until all are known: there may be millions."""

    def __enter__(self) -> Self:
        self._table = sqlite3.connect("")  # a temporary file
        self._table.execute("CREATE TABLE entries (file BLOB, line TEXT)")
        return self

    def __exit__(self, *_: object) -> None:
        self._table.close()

    def add(self, entry: Entry) -> None:
        name = entry.file.encode("utf-8", "surrogatepass")  # in the order of the text
        line = entry.line().decode().rstrip()
        self._table.execute("INSERT INTO entries VALUES (?, ?)", (name, line))

    def print_all(self, seed: int | None, counts: dict[Status, int]) -> None:
        print(json.dumps({"seed": seed, "counts": counts})[:-1], end=', "files": [')
        for number, (line,) in enumerate(
            self._table.execute("SELECT line FROM entries ORDER BY file, rowid")
        ):
            print(", " * (number > 0), line, sep="", end="")
        print("]}")
