"""Videos and ZIPs: worked on one after the other, kept for a while, then gone."""

import io
import json
import logging
import secrets
import shutil
import threading
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, Literal

import av
from PIL import Image as Pillow

from .. import seeds
from ..errors import GanonymizationError, InputError
from ..io import images
from ..io.images import Picture
from ..picture_file import without_faces
from ..pipeline import Anonymizer
from ..video.file import VideoOptions, anonymize_video, open_reader
from .engine import BusyError
from .settings import Limits

JobState = Literal["queued", "running", "done", "failed", "cancelled"]
Kind = Literal["video", "animation", "zip"]
_RESULTS = {"video": "anonymized.mp4", "animation": "anonymized.webp", "zip": "anonymized.zip"}

# What FFmpeg may take an upload for. Others are playlists, which name further files of this
# machine, or text that it would draw.
_CONTAINERS = (
    "mov,matroska,avi,apng,mpegts,mpeg,mpegvideo,flv,asf,ogg,mxf,nut,ivf,dv,h264,hevc,m4v,rm,wtv,"
    "yuv4mpegpipe"
)


class _CancelledError(Exception):
    """The client has thought better of it."""


@dataclass
class Job:
    """A video or ZIP on its way.

    Attributes:
        id: Cannot be guessed.
        kind: What was sent.
        folder: Its own, in the private one.
        make: Gives the stages.
        seed: Of the run.
        sound: Copy it.
        state: How far it is.
        done: Frames or pictures.
        total: Of them; 0 where that is not known.
        faces: Seen.
        filled: Of them, covered rather than redrawn.
        error: What went wrong.
        ended: When, by the monotonic clock.
        stop: Asks for its end.
    """

    id: str
    kind: Kind
    folder: Path
    make: Callable[[], Anonymizer]
    seed: int
    sound: bool = True
    state: JobState = "queued"
    done: int = 0
    total: int = 0
    faces: int = 0
    filled: int = 0
    error: str | None = None
    ended: float | None = None
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def source(self) -> Path:
        """What was sent."""
        return self.folder / ("upload.gif" if self.kind == "animation" else "upload")

    @property
    def result(self) -> Path:
        """What became of it."""
        return self.folder / _RESULTS[self.kind]

    def told(self, keep_s: float) -> dict[str, Any]:
        """For JSON."""
        left = keep_s if self.ended is None else max(0, self.ended + keep_s - time.monotonic())
        return {
            "id": self.id, "kind": self.kind, "state": self.state, "done": self.done,
            "total": self.total, "error": self.error, "faces": self.faces, "filled": self.filled,
            "expires_s": round(left),
        }  # fmt: skip


class Jobs:
    """All jobs; one thread works on them in turn.

    Args:
        folder: Private.
        limits: What is refused, and for how long results are kept.
    """

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._folder, self._limits = folder, limits
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="job")

    def reserve(self, kind: Kind, make: Callable[[], Anonymizer], seed: int, sound: bool) -> Job:
        """A new job with an empty folder, before its file has come.

        Raises:
            BusyError: Too many wait already.
        """
        self.expire()
        with self._lock:
            if sum(job.ended is None for job in self._jobs.values()) >= self._limits.jobs:
                raise BusyError
            number = secrets.token_hex(16)
            job = Job(number, kind, self._folder / number, make, seed, sound)
            job.folder.mkdir(mode=0o700)
            self._jobs[number] = job
        return job

    def start(self, job: Job) -> None:
        """Its file is there: work on it when its turn comes."""
        self._thread.submit(self._work, job)

    def get(self, number: str) -> Job | None:
        """A job, or None."""
        self.expire()
        return self._jobs.get(number)

    def all(self) -> list[Job]:
        """Every job, oldest first."""
        self.expire()
        return list(self._jobs.values())

    def remove(self, job: Job) -> None:
        """Cancel a job, and forget one that has ended."""
        with self._lock:  # it does not begin meanwhile
            job.stop.set()
            waits = job.state == "queued"
        if waits:
            self._end(job, "cancelled")
        elif job.ended is not None:
            with self._lock:
                self._jobs.pop(job.id, None)
            shutil.rmtree(job.folder, ignore_errors=True)

    def drop(self, job: Job) -> None:
        """Forget a job whose file never came."""
        with self._lock:
            self._jobs.pop(job.id, None)
        shutil.rmtree(job.folder, ignore_errors=True)

    def expire(self) -> None:
        """Forget jobs that ended long ago."""
        now = time.monotonic()
        for job in list(self._jobs.values()):
            if job.ended is not None and now - job.ended > self._limits.keep_s:
                self.remove(job)

    def close(self) -> None:
        """End all work."""
        for job in list(self._jobs.values()):
            job.stop.set()
        self._thread.shutdown(cancel_futures=True)

    def _work(self, job: Job) -> None:
        with self._lock:
            if job.stop.is_set():
                return
            job.state = "running"
        deadline = time.monotonic() + self._limits.job_s
        try:
            if job.kind == "zip":
                _anonymize_zip(job, self._limits, deadline)
            else:
                _anonymize_movie(job, self._limits, deadline)
            _check(job, self._limits, deadline)
            self._end(job, "done")
        except _CancelledError:
            self._end(job, "cancelled")
        except GanonymizationError as error:
            job.error = error.message.replace(f"{job.source}: ", "").replace(str(job.folder), "")
            self._end(job, "failed")
        except Exception as error:  # a bug: the server lives on; logs tell nothing of the file
            logging.getLogger(__name__).error("a job failed: %s", type(error).__name__)
            job.error = "the server failed; its log names the kind of error"
            self._end(job, "failed")

    def _end(self, job: Job, state: JobState) -> None:
        job.source.unlink(missing_ok=True)
        if state != "done":
            shutil.rmtree(job.folder, ignore_errors=True)
        job.ended = time.monotonic()
        job.state = state  # last, for who sees it may remove the job


def kind_of(start: bytes) -> Kind:
    """What a file is, told from its first bytes."""
    if start.startswith(b"PK\x03\x04"):
        return "zip"
    return (
        "animation" if start.startswith((b"GIF8", b"RIFF")) and start[8:12] != b"AVI " else "video"
    )


def _check(job: Job, limits: Limits, deadline: float) -> None:
    """Whether to go on.

    Raises:
        InputError: It takes too long, or the result becomes too large.
        _CancelledError: Nobody wants it any more.
    """
    if job.stop.is_set():
        raise _CancelledError
    if time.monotonic() > deadline:
        raise InputError("takes too long; send a shorter one")
    written = (path.stat().st_size for path in job.folder.iterdir() if path != job.source)
    if sum(written) > limits.result_bytes:
        raise InputError("its result becomes too large; send less")


def _check_movie(job: Job, limits: Limits) -> None:
    """Refuse a file by what it says of itself, before its frames are decoded.

    Raises:
        InputError: It is no movie, or too large.
    """
    fits = _animation_fits if job.kind == "animation" else _video_fits
    try:
        allowed = fits(job.source, limits)
    except Exception as error:  # decoders raise anything on files that were made to break them
        raise InputError("not a video or animation that can be read; send another") from error
    if not allowed:
        raise InputError("larger or longer than this server allows; send a smaller one")


def _animation_fits(path: Path, limits: Limits) -> bool:
    with Pillow.open(path, formats=("GIF", "WEBP")) as opened:
        frames: int = getattr(opened, "n_frames", 1)
        for number in range(frames):
            opened.seek(number)
            width, height = opened.size  # that a GIF's later frames may enlarge
            if width * height * frames > limits.animation_pixels:
                return False
        return width * height <= limits.pixels and frames <= limits.frames


def _video_fits(path: Path, limits: Limits) -> bool:
    known = {"format_whitelist": _CONTAINERS}
    with av.open(f"file:{path}", options=known, metadata_errors="replace") as opened:
        stream = opened.streams.video[0]
        return stream.width * stream.height <= limits.pixels and stream.frames <= limits.frames


def _anonymize_movie(job: Job, limits: Limits, deadline: float) -> None:
    _check_movie(job, limits)
    with open_reader(job.source) as reader:
        width, height = reader.size_wh()
        job.total = reader.frames_told
    if width * height > limits.pixels:
        raise InputError("larger than this server allows; send a smaller one")

    def advance() -> None:
        job.done += 1
        _check(job, limits, deadline)
        if job.done > limits.frames:
            raise InputError(f"has more than {limits.frames} frames; send a shorter one")

    report = anonymize_video(
        job.make(), job.source, job.result, VideoOptions(job.seed, sound=job.sound), advance
    )
    job.faces = report.faces
    job.filled = sum(track.filled for track in report.tracks.values())


def _anonymize_zip(job: Job, limits: Limits, deadline: float) -> None:
    """Each picture under its own name; what is none is left out, and told."""
    anonymizer, lines = job.make(), []
    with _opened_zip(job.source) as source, zipfile.ZipFile(job.result, "w") as result:
        members = [member for member in source.infolist() if not member.is_dir()]
        job.total = len(members)
        if job.total > limits.zip_files:
            raise InputError(f"holds more than {limits.zip_files} files; send fewer")
        written: set[str] = set()
        for member in members:
            _check(job, limits, deadline)
            if member.filename in written:
                line: dict[str, Any] = {"status": "failed", "error": "the name comes twice"}
            else:
                line = _anonymize_member(job, anonymizer, source, member, result, limits)
            if line["status"] != "failed":
                written.add(member.filename)
            lines.append(json.dumps({"file": member.filename} | line))
            job.done += 1
        result.writestr("manifest.jsonl", "".join(line + "\n" for line in lines))


def _opened_zip(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except Exception as error:  # it raises anything on files that were made to break it
        raise InputError("a damaged ZIP; make it anew") from error


def _anonymize_member(
    job: Job,
    anonymizer: Anonymizer,
    source: zipfile.ZipFile,
    member: zipfile.ZipInfo,
    result: zipfile.ZipFile,
    limits: Limits,
) -> dict[str, Any]:
    """What became of one file in a ZIP."""
    name = PurePosixPath(member.filename)
    if not _stays_inside(member.filename) or not images.is_picture(Path(name.name)):
        return {"status": "not a picture"}
    if member.flag_bits & 1:
        return {"status": "failed", "error": "encrypted"}
    try:
        content = _unpacked(source, member, limits)
        picture = images.decode(io.BytesIO(content), name.name, limits.pixels)
        found = anonymizer(picture.pixels, seed=job.seed, name=member.filename)
        shown = _shown(picture, anonymizer, found)
        coded = None if shown is None else _coded(shown, images.WRITERS[name.suffix.lower()])
    except GanonymizationError as error:
        return {"status": "failed", "error": error.message}
    job.faces += len(found.faces)
    job.filled += sum(not face.synthesized for face in found.faces)
    if coded is None:
        return {"status": "no face"}
    result.writestr(zipfile.ZipInfo(member.filename), coded)
    return {"status": "done" if found.faces else "no face", "faces": len(found.faces)}


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


def _shown(picture: Picture, anonymizer: Anonymizer, found: Any) -> Picture | None:
    if found.image is not None:
        return without_faces(picture, found.image, found.composite_mask)
    return Picture(found.portraits[0]) if found.portraits else None


def new_seed(seed: int | None) -> int:
    """The one asked for, or a fresh one."""
    return seeds.fresh_seed() if seed is None else seed
