"""The loaded models, and the threads that share them."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ..config import AnonymizerConfig
from ..detect.base import Detector, DetectorOptions
from ..detect.blazeface import BlazeFace
from ..options import Mode, Privacy
from ..pipeline import Anonymizer

Outcome = TypeVar("Outcome")


class BusyError(Exception):
    """Too many requests wait; come back later."""


class ModelPool:
    """One set of models for every request.

    Args:
        anonymizer: Loaded; its mode and privacy do not matter.
        camera_detector: Fast enough for a camera.
        workers: Threads that redraw.
        waiting: Requests that may wait for one.
    """

    def __init__(
        self, anonymizer: Anonymizer, camera_detector: Detector, workers: int = 2, waiting: int = 1
    ) -> None:
        self._anonymizer, self._camera_detector = anonymizer, camera_detector
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="redraw")
        self._open, self._most = 0, workers + waiting

    @property
    def loaded(self) -> Anonymizer:
        """The stages."""
        return self._anonymizer

    def anonymizer(self, mode: Mode, privacy: Privacy) -> Anonymizer:
        """The stages in a mode; nothing is loaded for that."""
        return self._anonymizer.using(mode=mode, privacy=privacy)

    def camera(self, mode: Mode, privacy: Privacy) -> Anonymizer:
        """The stages behind the fast detector."""
        return self._anonymizer.using(mode=mode, privacy=privacy, detector=self._camera_detector)

    @classmethod
    def load(cls, config: AnonymizerConfig, workers: int = 2, waiting: int = 1) -> "ModelPool":
        """Load the models; each call takes one core, for the workers share them.

        Args:
            config: Its mode and privacy do not matter.
            workers: Threads that redraw.
            waiting: Requests that may wait for one.

        Raises:
            GanonymizationError: As :class:`ganonymization.Anonymizer` does.
        """
        anonymizer = config.with_threads(1).load()
        return cls(anonymizer, BlazeFace(DetectorOptions()), workers, waiting)

    @property
    def waiting(self) -> int:
        """Requests that wait or are worked on."""
        return self._open

    def check_free(self) -> None:
        """Refuse a request early, before its picture is read.

        Raises:
            BusyError: Too many wait already.
        """
        if self._open >= self._most:
            raise BusyError

    async def run(self, work: Callable[[], Outcome], *, in_any_case: bool = False) -> Outcome:
        """Do something in one of the threads.

        Args:
            work: What to do.
            in_any_case: Wait however many do, as for a camera, which bounds its frames itself.

        Raises:
            BusyError: Too many wait already.
        """
        if not in_any_case:
            self.check_free()
        self._open += 1
        loop, job = asyncio.get_running_loop(), self._pool.submit(work)
        # counted until the thread is free, even if the client has gone meanwhile
        job.add_done_callback(lambda _: loop.call_soon_threadsafe(self._ended))
        return await asyncio.wrap_future(job)

    def _ended(self) -> None:
        self._open -= 1

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(cancel_futures=True)
