"""What jobs may be: checked before a file is decoded, and again at each step of the work."""

import time
from contextlib import suppress
from pathlib import Path

import av
from PIL import Image as Pillow

from ..errors import InputError
from ..onnx_session import InterruptedWork
from ..video.sources import CONTAINERS_READ
from .job import Job
from .settings import Limits


class JobCancelledError(Exception):
    """Nobody wants the job any more."""


class Watchdog:
    """Ends work that is not wanted, takes too long, or writes too much.

    Args:
        job: That begins now.
        limits: Of the server.
    """

    def __init__(self, job: Job, limits: Limits) -> None:
        self._job, self._limits = job, limits
        self._deadline = time.monotonic() + limits.job_s

    def check(self) -> None:
        """Whether to go on.

        Raises:
            InputError: It takes too long, or the result becomes too large.
            JobCancelledError: Nobody wants it any more.
        """
        job = self._job
        if job.stop.is_set():
            raise JobCancelledError
        if time.monotonic() > self._deadline:
            raise InputError("takes too long; send a shorter one")
        if _written_bytes(job) > self._limits.result_bytes:
            raise InputError("its result becomes too large; send less")

    def interrupt(self) -> None:
        """As :meth:`check`, within the drawing of a picture: it is given up, not covered.

        Raises:
            InterruptedWork: The job is not wanted any more.
        """
        if self._job.stop.is_set():
            raise InterruptedWork


def _written_bytes(job: Job) -> int:
    total = 0
    for path in job.folder.iterdir():
        if path != job.source:
            with suppress(FileNotFoundError):  # complete, it has got its final name meanwhile
                total += path.stat().st_size
    return total


def check_movie(job: Job, limits: Limits, watchdog: Watchdog) -> None:
    """Refuse a video or animation by what it says of itself, before its frames are decoded.

    Raises:
        InputError: It is none, or too large.
    """
    try:
        if job.kind == "animation":
            allowed = _animation_fits(job.source, limits, watchdog)
        else:
            allowed = _video_fits(job.source, limits)
    except (InputError, JobCancelledError, MemoryError):
        raise
    except Exception as error:  # decoders raise anything on files that were made to break them
        raise InputError("not a video or animation that can be read; send another") from error
    if not allowed:
        raise InputError("larger or longer than this server allows; send a smaller one")


def _animation_fits(path: Path, limits: Limits, watchdog: Watchdog) -> bool:
    with Pillow.open(path, formats=("GIF", "WEBP")) as opened:
        largest, number = 0, 0
        while True:
            watchdog.check()
            try:
                opened.seek(number)  # the number of a GIF's frames is not known before
            except EOFError:
                return True
            number += 1
            largest = max(largest, opened.width * opened.height)  # later frames may enlarge it
            if largest > limits.frame_pixels or number > limits.frames:
                return False
            if largest * number > limits.animation_pixels:
                return False


def _video_fits(path: Path, limits: Limits) -> bool:
    known = {"format_whitelist": CONTAINERS_READ, "max_pixels": str(limits.frame_pixels)}
    with av.open(f"file:{path}", options=known, metadata_errors="replace") as opened:
        videos = opened.streams.video
        pixels = sum(stream.width * stream.height for stream in videos)  # all are in work at once
        frames = sum(stream.frames for stream in videos)
        return bool(videos) and pixels <= limits.frame_pixels and frames <= limits.frames
