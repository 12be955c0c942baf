"""Videos and animations, each in a process that can be ended and has its own bound of memory."""

import pickle

from ..config import AnonymizerConfig
from ..errors import InputError
from .child import Child, Told
from .job import Job
from .job_checks import Watchdog
from .movie_worker import PROGRESS, Task
from .settings import Limits

_LOOK_S = 0.25  # from one look whether the job is still wanted to the next
_MESSAGE_S = 5.0
_FILES = 2  # as large as a result: MP4's index is moved to its front


class MovieProcesses:
    """Does movies as :func:`ganonymization.serve.job_work.anonymize_movie`, in other processes.

    Args:
        config: Of the anonymizer.
    """

    def __init__(self, config: AnonymizerConfig) -> None:
        self._config = config

    def __call__(self, job: Job, limits: Limits, watchdog: Watchdog) -> None:
        """See there; what the process tells is written into ``job``.

        Raises:
            InputError: Alike; or it takes too much memory, or broke the process.
            JobCancelledError: Nobody wants it any more.
            OSError: No process begins.
        """
        task = pickle.dumps(Task(self._config, job.order, limits))
        child = Child("movie_worker", limits.movie_bytes, _FILES * limits.result_bytes)
        try:
            child.channel.send({"bytes": len(task)}, task)
            while not job_ended(job, self._told(child, watchdog)):
                pass
        except (EOFError, OSError, KeyError, TypeError, ValueError) as error:
            raise InputError(
                "needs too much memory, or breaks what decodes it; send a smaller one"
            ) from error
        finally:
            child.end()

    def _told(self, child: Child, watchdog: Watchdog) -> Told:
        watchdog.check()
        while not child.channel.comes(_LOOK_S):
            watchdog.check()
        return child.channel.receive(_MESSAGE_S)


def job_ended(job: Job, told: Told) -> bool:
    """Take over what a process tells of a job.

    Raises:
        InputError: It could not be done.
        RuntimeError: Of a bug.
    """
    if "error" in told:
        raise InputError(str(told["error"])[:1000])
    if "bug" in told:
        raise RuntimeError(str(told["bug"])[:100])
    for name in PROGRESS:
        setattr(job, name, int(told[name]))
    return "ended" in told
