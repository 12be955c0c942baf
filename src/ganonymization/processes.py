"""One machine, all of it: a folder's files, anonymized by processes of their own.

Threads of one process wait for each other in Python's code, the more the more cores there are. A
file whose process dies, as for lack of memory, is tried once more and then told; the others go on.
"""

import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait

from .batch import FolderJob
from .errors import WorkersError
from .manifest import Entry
from .plan import Planned

_TRIES = 2
_ENDS_S = 5.0


def run_in_processes(
    job: FolderJob, workers: int, report: Callable[[Entry], None], files: list[Planned]
) -> None:
    """Anonymize every file; errors of one file do not stop the others.

    Args:
        job: The folder; it is sent to the processes, so what makes the anonymizer must have a name.
        workers: How many processes; each holds the models.
        report: Called with each finished entry, in any order, after it stands in the manifest.
        files: Of :meth:`FolderJob.files`.

    Raises:
        WorkersError: The processes do not start.
        OutputError: The output folder or its manifest cannot be written.
        GanonymizationError: As the anonymizer does when it is made.
    """
    todo = job.pending(files, report)
    with job.out.manifest(job.shard) as manifest:
        for entry in _entries(job, todo, min(workers, len(todo))):
            manifest.add(entry)
            report(entry)


class _Worker:
    """A process, seen from the one that started it."""

    def __init__(self, job: FolderJob) -> None:
        context = get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(job, theirs), daemon=True)
        self.process.start()
        theirs.close()  # so that the pipe ends with the process
        self.ready, self.file, self.tries = False, Planned("", ""), 0

    def give(self, file: Planned, tries: int) -> None:
        """Send a file to anonymize."""
        self.file, self.tries = file, tries
        with suppress(OSError):  # it died; the next answer says so
            self.pipe.send(file)

    def answer(self) -> Entry | None:
        """The entry of the file; None once the models are loaded.

        Raises:
            EOFError: It died.
        """
        try:
            answer: Entry | None = self.pipe.recv()
        except OSError as error:
            raise EOFError from error
        return answer


def _entries(job: FolderJob, files: list[Planned], workers: int) -> Iterator[Entry]:
    """What becomes of the files, as they are done."""
    todo = deque((file, 1) for file in files)
    everyone = [_Worker(job) for _ in range(workers)]
    crew = {worker.pipe: worker for worker in everyone}
    try:
        while crew:
            for pipe in wait(list(crew)):
                worker = crew.pop(pipe)  # type: ignore[call-overload]
                try:
                    entry = worker.answer()
                except EOFError:
                    if not worker.ready:
                        raise _unstarted(job, worker) from None
                    if worker.tries < _TRIES:
                        todo.append((worker.file, worker.tries + 1))
                    else:
                        yield _died(job, worker)
                    worker = _Worker(job)
                    everyone.append(worker)
                    crew[worker.pipe] = worker
                    continue
                worker.ready = True
                if entry is not None:
                    yield entry
                if todo:
                    worker.give(*todo.popleft())
                    crew[worker.pipe] = worker
    finally:
        _end(everyone)


def _end(workers: list[_Worker]) -> None:
    """End processes with what they have in work."""
    for worker in workers:
        worker.pipe.close()
        worker.process.terminate()
    for worker in workers:
        worker.process.join(_ENDS_S)
        worker.process.kill()
        worker.process.join()


def _unstarted(job: FolderJob, worker: _Worker) -> WorkersError:
    """Why a process ended before its first file: made here, the anonymizer says it itself."""
    job.make_anonymizer()
    return WorkersError(
        f"a process ended before its first file ({_code(worker)}); give it more memory or fewer "
        "--jobs"
    )


def _died(job: FolderJob, worker: _Worker) -> Entry:
    error = (
        f"{job.source}/{worker.file.name}: the process that had it in work died {_TRIES} times "
        f"({_code(worker)}); is it too large for the memory?"
    )
    return job.failed(worker.file, error)


def _code(worker: _Worker) -> str:
    worker.process.join(_ENDS_S)
    code = worker.process.exitcode or 0
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _serve(job: FolderJob, pipe: Connection) -> None:
    """Anonymize one file after the other for the process at the pipe's other end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, who ends this
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # what is half written goes away
    threading.Thread(target=_end_with_parent, daemon=True).start()
    anonymizer = job.make_anonymizer()
    pipe.send(None)
    while True:
        try:
            file: Planned = pipe.recv()
        except EOFError:
            return
        pipe.send(job.one(anonymizer, file))


def _end_with_parent() -> None:
    """Leave no orphan behind a parent that was killed, not even one with a long video."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
