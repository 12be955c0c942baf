"""A process that anonymizes one video or animation, with models of its own."""

import os
import pickle
import resource
from dataclasses import dataclass

from ..config import AnonymizerConfig
from ..errors import GanonymizationError
from ..pipeline import Anonymizer
from .child import Channel, Told, begun
from .job import Job, Order
from .job_checks import Watchdog
from .job_work import anonymize_movie
from .settings import Limits

PROGRESS = ("done", "total", "faces", "filled", "by_audit", "previewed")
_NICE = 10  # pictures, for which somebody waits, come first


@dataclass(frozen=True)
class Task:
    """What the server sends, as the only pickle; nothing of the file is in it.

    Attributes:
        config: Of the anonymizer.
        order: What was asked for.
        limits: Of the server.
    """

    config: AnonymizerConfig
    order: Order
    limits: Limits


def main() -> None:
    """Do what the server sends."""
    channel = begun(resource.RLIMIT_DATA)
    os.nice(_NICE)
    try:
        content = bytearray(channel.receive()["bytes"])
        channel.receive_into(memoryview(content))
        channel.send(_end(pickle.loads(content), channel))
    except (EOFError, OSError):  # the server has ended
        return


def _end(task: Task, channel: Channel) -> Told:
    """How it ended."""

    def load() -> Anonymizer:
        return task.order.of(task.config.load())

    job = Job(task.order, load)
    try:
        anonymize_movie(job, task.limits, _Reporter(job, task.limits, channel))
    except Exception as error:  # a bug's, too
        if _lacks_memory(error):
            return {"error": "needs too much memory; send a smaller one"}
        if isinstance(error, GanonymizationError):
            return {"error": error.message}
        return {"bug": type(error).__name__}
    return {"ended": True} | _progress(job)


def _lacks_memory(error: BaseException | None) -> bool:
    """Whether that is behind an error; each library has its own, and no thread begins then."""
    if error is None:
        return False
    told = isinstance(error, MemoryError | BlockingIOError) or "alloc" in str(error).lower()
    return told or _lacks_memory(error.__cause__ or error.__context__)


class _Reporter(Watchdog):
    """Tells the server at each step how far the work is."""

    def __init__(self, job: Job, limits: Limits, channel: Channel) -> None:
        super().__init__(job, limits)
        self._channel = channel

    def check(self) -> None:
        super().check()
        self._channel.send(_progress(self._job))


def _progress(job: Job) -> Told:
    return {name: getattr(job, name) for name in PROGRESS}
