"""A folder that files come into: whatever is new and whole is anonymized, again and again."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from .execute import Executor, execute
from .folder import FolderJob
from .manifest import Entry
from .storage import Stamp

_LOOK_S = 2.0
_OLD_S = 10.0  # without a change, a file is not being copied


def watch(
    job: FolderJob,
    executor: Executor,
    stop: Callable[[float], bool],
    look_s: float = _LOOK_S,
) -> Iterator[Entry]:
    """Anonymize what is in a folder and what comes into it, each as soon as it does not grow.

    A file is looked at once, however it ends, and again when it has changed.

    Args:
        job: The folder; its anonymizer should be loaded only once.
        executor: Does the files that have come since the last look.
        stop: Waits so many seconds, and says whether to end.
        look_s: From one look to the next.

    Yields:
        What became of each file, but for those that were done before, if the audit covered nothing
        in them.

    Raises:
        GanonymizationError: As :func:`execute` does.
    """
    before: dict[str, Stamp] = {}
    told: dict[str, Stamp] = {}
    while True:
        now = _stamps(job)
        settled = {
            name for name, stamp in now.items()
            if told.get(name) != stamp and (before.get(name) == stamp or _is_old(stamp))
        }  # fmt: skip
        if settled:
            for entry in execute(replace(job, chosen=settled), executor):
                if entry.status != "skipped" or entry.faces:
                    yield entry
            told |= {name: now[name] for name in settled}
        before = now
        if stop(look_s):
            return


def _stamps(job: FolderJob) -> dict[str, Stamp]:
    stamps = {}
    for file in job.files():
        try:
            stamps[file.name] = job.source.stamp(file.name)
        except OSError:
            continue  # it went away since it was listed
    return stamps


def _is_old(stamp: Stamp) -> bool:
    return 0 <= stamp.mtime_ns < time.time_ns() - _OLD_S * 1e9
