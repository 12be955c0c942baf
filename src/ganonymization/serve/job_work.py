"""What jobs do: videos, animations and ZIPs, from the upload to the result."""

import io
import json
import math
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from ..errors import GanonymizationError, InputError
from ..io import images
from ..io.images import Picture
from ..picture_file import boxes_by_alpha, without_faces
from ..pipeline import Anonymizer
from ..result import Result
from ..types import Image
from ..video.file import VideoOptions, anonymize_video
from ..video.film import open_reader
from .decoder import Decoding
from .job import Job
from .job_checks import Watchdog, check_movie
from .settings import Limits

_ZIP_ENTRY_BYTES = 512  # of a directory, for each file that is allowed
PREVIEW_S = 3.0
_WORTH_A_PREVIEW = 2  # times as long
_ZIP_END_BYTES = 1 << 17  # in which a directory's end is looked for


def anonymize_movie(job: Job, limits: Limits, watchdog: Watchdog) -> None:
    """A video or animation.

    Raises:
        GanonymizationError: It cannot be read, or is larger than the server allows.
    """
    check_movie(job, limits, watchdog)
    with open_reader(job.source, max_pixels=limits.frame_pixels) as reader:
        reader.size_wh()
        job.total = reader.frames_told
        told_s = job.total / reader.rate if job.total else math.inf

    def advance() -> None:
        job.done += 1
        watchdog.check()
        if job.done > limits.frames:
            raise InputError(f"has more than {limits.frames} frames; send a shorter one")

    order = job.order
    options = VideoOptions(
        order.seed, sound=order.sound, added=order.added, max_pixels=limits.frame_pixels
    )
    anonymizer = job.load()
    if order.preview and job.kind == "video" and told_s > _WORTH_A_PREVIEW * PREVIEW_S:
        _preview(job, anonymizer, replace(options, seconds=PREVIEW_S), watchdog)
    report = anonymize_video(anonymizer, job.source, job.result, options, advance)
    job.faces, job.by_audit = report.faces, len(report.covered_by_audit)
    job.filled = sum(track.filled for track in report.tracks.values()) + job.by_audit


def _preview(job: Job, anonymizer: Anonymizer, options: VideoOptions, watchdog: Watchdog) -> None:
    """The first seconds, drawn with the same seed; the status tells when they are there."""
    try:
        anonymize_video(anonymizer, job.source, job.preview, options, watchdog.check)
    except GanonymizationError:  # the whole may have what its start lacks, or says what is wrong
        return
    job.previewed = 1
    watchdog.check()


def anonymize_zip(job: Job, limits: Limits, watchdog: Watchdog, decode: Decoding) -> None:
    """Each picture under its own name; others are skipped, and the manifest says so.

    Raises:
        InputError: The ZIP is damaged, or holds too many files.
    """
    anonymizer, lines = job.load(), []
    with _opened_zip(job.source, limits) as source, zipfile.ZipFile(job.result, "w") as result:
        members = [member for member in source.infolist() if not member.is_dir()]
        job.total = len(members)
        if job.total > limits.zip_files:
            raise InputError(f"holds more than {limits.zip_files} files; send fewer")
        names: set[str] = set()
        for member in members:
            watchdog.check()
            line = _refused(member, names)
            if line is None:
                line = _anonymize_member(job, anonymizer, source, member, result, limits, decode)
            if line["status"] != "failed":
                names.add(member.filename)
            lines.append(json.dumps({"file": member.filename} | line))
            job.done += 1
        result.writestr("manifest.jsonl", "".join(line + "\n" for line in lines))


class _Bounded(io.BufferedReader):
    """A file of which so much is read at once, until that is lifted."""

    most_bytes: int | None = None

    def read(self, size: int | None = -1) -> bytes:
        if self.most_bytes is not None and (size is None or size > self.most_bytes):
            raise InputError("its list of files is too long; send fewer")
        return super().read(size)


@contextmanager
def _opened_zip(path: Path, limits: Limits) -> Iterator[zipfile.ZipFile]:
    """Its directory, which is read as a whole and takes ten times its size, is bounded before."""
    with _Bounded(io.FileIO(path)) as file:
        file.most_bytes = max(_ZIP_END_BYTES, limits.zip_files * _ZIP_ENTRY_BYTES)
        try:
            opened = zipfile.ZipFile(file)
        except InputError:
            raise
        except Exception as error:  # it raises anything on files that were made to break it
            raise InputError("a damaged ZIP; make it anew") from error
        file.most_bytes = None
        with opened:
            yield opened


def _refused(member: zipfile.ZipInfo, names: set[str]) -> dict[str, Any] | None:
    """What the manifest says of a file in a ZIP that is not opened; None of others."""
    if member.filename in names:
        return {"status": "failed", "error": "the name comes twice"}
    if not _stays_inside(member.filename) or not images.is_picture(Path(member.filename)):
        return {"status": "not a picture"}
    if member.flag_bits & 1:
        return {"status": "failed", "error": "encrypted"}
    return None


def _anonymize_member(
    job: Job,
    anonymizer: Anonymizer,
    source: zipfile.ZipFile,
    member: zipfile.ZipInfo,
    result: zipfile.ZipFile,
    limits: Limits,
    decode: Decoding,
) -> dict[str, Any]:
    """What became of one file in a ZIP."""
    name = PurePosixPath(member.filename)
    try:
        content = _unpacked(source, member, limits)
        with decode(content, name.name, patient=True) as picture:
            boxes = boxes_by_alpha(anonymizer, picture)
            found = anonymizer(
                picture.pixels, seed=job.order.seed, name=member.filename, add_boxes=boxes
            )
            shown = _shown(picture, found)
            coded = None if shown is None else _coded(shown, images.WRITERS[name.suffix.lower()])
    except GanonymizationError as error:
        return {"status": "failed", "error": error.message}
    job.faces += len(found.faces)
    job.filled += sum(not face.synthesized for face in found.faces)
    job.by_audit += found.covered_by_audit
    if coded is None:
        return {"status": "no face"}
    result.writestr(zipfile.ZipInfo(member.filename), coded)
    status = "done" if found.faces else "no face"
    return {"status": status, "faces": len(found.faces), "by_audit": found.covered_by_audit}


def _stays_inside(name: str) -> bool:
    """Whether it leads out of no folder that it is unpacked in, whatever the system."""
    paths = PurePosixPath(name), PureWindowsPath(name)
    return not any(path.anchor or ".." in path.parts for path in paths)


def _unpacked(source: zipfile.ZipFile, member: zipfile.ZipInfo, limits: Limits) -> bytes:
    try:
        with source.open(member) as file:  # what a ZIP says of sizes may be a lie
            content = file.read(limits.unpacked_bytes + 1)
    except Exception as error:  # decompressors raise their own
        raise InputError("cannot be unpacked; make the ZIP anew") from error
    if len(content) > limits.unpacked_bytes:
        raise InputError("too large")
    return content


def _coded(picture: Picture, kind: str) -> bytes:
    file = io.BytesIO()
    try:
        images.encode(file, picture, kind)
    except Exception as error:  # encoders raise their own on pictures that a format cannot hold
        raise InputError(f"cannot be written as {kind}; give it another suffix") from error
    return file.getvalue()


def _shown(picture: Picture, found: Result[Image]) -> Picture | None:
    if found.image is not None:
        return without_faces(picture, found.image, found.composite_mask)
    return Picture(found.portraits[0]) if found.portraits else None
