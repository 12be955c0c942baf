"""What the commands print while and after they anonymize."""

import json
import sqlite3
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from .. import seeds
from ..batch.execute import Executor, execute
from ..batch.folder import FolderJob, is_read
from ..batch.html_report import REPORT, write_report
from ..batch.manifest import MEANINGS, Entry, Status
from ..batch.report import FolderReport
from ..errors import OutputError, with_options
from ..io import images
from ..io.files import write_bytes
from ..options import OnNoFace
from ..picture_file import anonymize_bytes, anonymize_file
from ..pipeline import Anonymizer
from ..result import Result
from ..types import Box
from ..video.kinds import is_video
from .say import complain, say, warn

COVERED_BY_AUDIT_EXIT = 3
_STREAM = "standard input"


def anonymize_image(
    anonymizer: Anonymizer,
    source: Path | None,
    out: Path | None,
    seed: int | None,
    on_no_face: OnNoFace | None,
    max_pixels: int,
    as_json: bool,
    add_boxes: Sequence[Box] = (),
    report: Path | None = None,
) -> bool:
    """Anonymize one picture and print what became of it; the seed None draws a fresh one.

    Args:
        anonymizer: That does it.
        source: A file; None for standard input.
        out: A file; None for standard output, and words go to the error stream then.
        seed: Of the run.
        on_no_face: As for ``anonymize_file``, as the others are.
        max_pixels: Larger pictures are refused.
        as_json: Print JSON.
        add_boxes: Of faces that the detector misses.
        report: A folder to write the JSON into, too.

    Returns:
        Whether the audit had to cover a face.

    Raises:
        GanonymizationError: As ``anonymize_file`` does.
    """
    seed = seeds.fresh_seed() if seed is None else seed
    if source is not None and out is not None:
        result, written = anonymize_file(
            anonymizer, source, out, seed=seed, name=source.name, on_no_face=on_no_face,
            max_pixels=max_pixels, add_boxes=add_boxes,
        )  # fmt: skip
        names = [str(path) for path in written]
    else:
        content = sys.stdin.buffer.read() if source is None else images.content_of(source)
        name = _STREAM if source is None else source.name
        kind = None if out is None else images.kind_of(out)
        result, made = anonymize_bytes(
            anonymizer, content, seed=seed, name=name, max_pixels=max_pixels, kind=kind,
            on_no_face=on_no_face, add_boxes=add_boxes,
        )  # fmt: skip
        names = _poured(made, out)
    told = _STREAM if source is None else str(source)
    if result.dropped:
        warn(f"{told}: dropped: {', '.join(result.dropped)}")
    if not result.faces:
        passed = f"passed on as {names[0]}" if names else "nothing written"
        warn(f"{told}: no face found, {passed}")
    if report is not None:
        write_image_report(report, out, result, names)
    stream = sys.stderr if out is None else sys.stdout
    if as_json:
        print(json.dumps(image_as_dict(result, names), indent=1), file=stream)
    elif result.faces:
        audit = _audit_words(result.audited, result.covered_by_audit)
        say(f"{', '.join(names)}: {redrawn(*counted(result))}, seed {result.seed}{audit}", stream)
    return bool(result.covered_by_audit)


def _poured(made: list[bytes], out: Path | None) -> list[str]:
    """Write picture files that were made in memory, and say where."""
    if out is not None:
        for path, content in zip(images.numbered(out, len(made)), made, strict=True):
            write_bytes(path, content)
        return [str(path) for path in images.numbered(out, len(made))]
    if len(made) > 1:
        raise OutputError(f"standard output takes one picture; these are {len(made)}: name a file")
    for content in made:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    return ["standard output"] * len(made)


def write_image_report(
    folder: Path, out: Path | None, result: Result[Any], names: list[str]
) -> None:
    """Write what became of a picture into the folder of its reports.

    Raises:
        OutputError: It cannot be written.
    """
    text = json.dumps(image_as_dict(result, names), indent=1)
    name = "picture" if out is None else out.name
    write_bytes(folder / f"{name}.json", text.encode())


def image_as_dict(result: Result[Any], names: list[str]) -> dict[str, Any]:
    """What became of a picture, for JSON."""
    return {
        "outputs": names,
        "seed": result.seed,
        "audited": result.audited,
        "dropped": result.dropped,
        "faces": [asdict(face) for face in result.faces],
        "timings_ms": dict(result.timings_ms),
    }


def counted(result: Result[Any]) -> tuple[int, int, Counter[str]]:
    """Faces redrawn, all faces, and why others are covered, by how often."""
    outcomes = [face.outcome for face in result.faces]
    reasons = Counter(
        outcome.removeprefix("filled: ") for outcome in outcomes if outcome.startswith("filled")
    )
    return outcomes.count("synthesized"), len(outcomes), reasons


def redrawn(drawn: int, faces: int, reasons: Mapping[str, int]) -> str:
    """The middle of a closing line."""
    covered = sum(reasons.values())
    why = ", ".join(
        f"{reason} ({count})" if len(reasons) > 1 else reason
        for reason, count in Counter(reasons).most_common()
    )
    return f"{drawn} of {faces} faces redrawn" + (f", {covered} covered: {why}" if covered else "")


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
    files = job.files()
    return tell_folder(job, execute(job, executor, files), len(files), as_json)


def tell_folder(job: FolderJob, entries: Iterable[Entry], total: int | None, as_json: bool) -> int:
    """Print what becomes of a folder's files, as :func:`anonymize_folder` does.

    Args:
        job: That is run.
        entries: What became of each file; Ctrl-C ends them, where nobody knows how many come.
        total: Of files; None where nobody knows.
        as_json: Print JSON.
    """
    report = FolderReport(str(job.out), job.told_seed, strict=job.strict)
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    hidden = as_json or total is None
    progress = Progress(*columns, console=Console(file=sys.stderr), disable=hidden)
    task = progress.add_task("", total=total)
    with _Lines() as lines:
        with ExitStack() as shown:
            for entry in entries:
                if not (hidden or progress.live.is_started):  # after errors of the models
                    shown.enter_context(progress)
                report.add(entry)
                if as_json:
                    lines.add(entry)
                else:
                    _print_problem(entry)
                    if total is None and entry.outputs:
                        say(", ".join(f"{job.out}/{name}" for name in entry.outputs))
                progress.advance(task)
        write_report(job)
        if as_json:
            lines.print_all(job.told_seed, report.counts)
    if not as_json:
        for line in _table(report):
            say(line)
        where = f", see {job.report}/{REPORT}" if job.reports else ""
        say(f"{job.out}: {report.files} files, {_seed_words(job.told_seed)}{where}")
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
    if report.covered_before:
        told.append(
            f"{report.covered_before:7d}  seen before    done in an earlier run: a face was missed "
            "at first and is covered; look at these"
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
