"""What the commands print while and after they anonymize."""

import json
import sqlite3
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from .. import seeds
from ..batch.execute import Executor, execute
from ..batch.folder import FolderJob, is_read
from ..batch.html_report import REPORT, write_report
from ..batch.manifest import Entry, Status
from ..errors import with_options
from ..options import OnNoFace
from ..picture_file import anonymize_file
from ..pipeline import Anonymizer
from ..types import COVERED_BY_AUDIT, Box, Result
from ..video.kinds import is_video
from .say import complain, say, warn

COVERED_BY_AUDIT_EXIT = 3

MEANINGS: dict[Status, str] = {
    "done": "every face that was found is redrawn",
    "filled": "every face that was found is redrawn or covered with a fill",
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


def _print_faces(source: Path, result: Result, written: list[Path]) -> None:
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
    files, counts, sums = job.files(), Counter[Status](), _Sums()
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    progress = Progress(*columns, console=Console(file=sys.stderr), disable=as_json)
    task = progress.add_task("", total=len(files))
    with _Lines() as lines:
        with ExitStack() as shown:
            for entry in execute(job, executor, files):
                if not (as_json or progress.live.is_started):  # after errors of the models
                    shown.enter_context(progress)
                counts[entry.status] += 1
                sums.add(entry, job.told_seed)
                if as_json:
                    lines.add(entry)
                else:
                    _print_problem(entry)
                progress.advance(task)
        write_report(job.out, MEANINGS, job.told_seed)
        if as_json:
            lines.print_all(job.told_seed, counts)
    if not as_json:
        for status, meaning in MEANINGS.items():
            if counts[status]:
                print(f"{counts[status]:7d}  {status:14s} {meaning}")
        for line in sums.lines(job.told_seed):
            say(line)
        seed = _seed_words(job.told_seed)
        say(f"{job.out}: {len(files)} files, {seed}, see {REPORT} and manifest*.jsonl")
    if counts["failed"] or (job.strict and counts["not a picture"]):
        return 1
    return COVERED_BY_AUDIT_EXIT if sums.covered else 0


@dataclass
class _Sums:
    """What a folder's table says beside statuses.

    Attributes:
        audited: Files whose outputs were searched once more.
        covered: Of them, those where a face was covered then.
        other_seed: Files that were done before with another seed.
    """

    audited: int = 0
    covered: int = 0
    other_seed: int = 0

    def add(self, entry: Entry, seed: int | None) -> None:
        self.audited += entry.audited
        self.covered += any(face["outcome"] == COVERED_BY_AUDIT for face in entry.faces)
        self.other_seed += entry.status == "skipped" and entry.seed not in (None, seed)

    def lines(self, seed: int | None) -> list[str]:
        told = []
        if self.audited:
            told.append(f"{self.audited:7d}  audited        searched once more: in {self.covered} "
                        "a face was missed at first and is covered")  # fmt: skip
        if self.other_seed:
            told.append(f"{self.other_seed:7d}  keep the seed of an earlier run; --overwrite does "
                        f"them again with {_seed_words(seed)}")  # fmt: skip
        return told


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
    if entry.dropped:
        warn(f"{entry.file}: dropped: {with_options(', '.join(entry.dropped))}")
    if entry.status == "no face":
        warn(f"{entry.file}: no face found")
    elif entry.status == "not a picture":
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

    def print_all(self, seed: int | None, counts: Counter[Status]) -> None:
        print(json.dumps({"seed": seed, "counts": counts})[:-1], end=', "files": [')
        for number, (line,) in enumerate(
            self._table.execute("SELECT line FROM entries ORDER BY file, rowid")
        ):
            print(", " * (number > 0), line, sep="", end="")
        print("]}")
