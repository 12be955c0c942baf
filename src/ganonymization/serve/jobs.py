"""All jobs: worked on one after the other, kept for a while, then gone."""

import logging
import secrets
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from ..errors import GanonymizationError
from ..onnx_session import InterruptedWork, interruptible
from ..pipeline import Anonymizer
from .decoder import Decoding
from .job import Job, JobState, Order
from .job_checks import JobCancelledError, Watchdog
from .job_work import anonymize_movie, anonymize_zip
from .model_pool import BusyError
from .settings import Limits

Movies = Callable[[Job, Limits, Watchdog], None]


class Jobs:
    """All jobs; one thread works on them in turn.

    Args:
        folder: Private.
        limits: What is refused, and for how long results are kept.
        decode: Of the pictures of a ZIP.
        movies: Does videos and animations, as :func:`~.job_work.anonymize_movie`.
    """

    def __init__(
        self, folder: Path, limits: Limits, decode: Decoding, movies: Movies = anonymize_movie
    ) -> None:
        self._folder, self._limits, self._decode = folder, limits, decode
        self._movies = movies
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="job")

    def reserve(self, order: Order, load: Callable[[], Anonymizer], owner: str = "") -> Job:
        """A new job with an empty folder, before its file has come.

        Args:
            order: What was asked for; its folder is made here.
            load: See :class:`Job`.
            owner: Alike.

        Raises:
            BusyError: Too many wait already.
        """
        self.expire()
        with self._lock:
            if sum(job.ended is None for job in self._jobs.values()) >= self._limits.jobs:
                raise BusyError
            number = secrets.token_hex(16)
            order = replace(order, folder=self._folder / number)
            job = Job(order, load, number, owner)
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
        watchdog = Watchdog(job, self._limits)
        try:
            if job.kind == "zip":
                with interruptible(watchdog.interrupt):
                    anonymize_zip(job, self._limits, watchdog, self._decode)
            else:
                self._movies(job, self._limits, watchdog)
            watchdog.check()
            self._end(job, "done")
        except (JobCancelledError, InterruptedWork):
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
