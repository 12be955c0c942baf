"""One machine, all of it: a folder's files, anonymized by processes of their own.

Threads of one process wait for each other in Python's code. A file whose process dies, as for lack
of memory, is tried once more and then fails; the others go on.
"""

import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait

from ..errors import WorkersError
from .execute import Executor
from .folder import FolderJob
from .manifest import Entry
from .naming import Planned

_TRIES = 2
_ENDS_S = 5.0


def in_processes(workers: int) -> Executor:
    """So many processes with models of their own.

    The job is sent to them, so what makes the anonymizer must have a name.

    Raises:
        WorkersError: When it is entered: the processes do not start.
    """

    @contextmanager
    def run(job: FolderJob, files: list[Planned]) -> Iterator[Iterator[Entry]]:
        crew = [_Process(job) for _ in range(min(workers, len(files)))]
        try:
            for process in crew:
                _await_models(job, process)
            yield _entries(job, crew, files)
        finally:
            _end(crew)

    return run


class _Process:
    """A process, seen from the one that started it."""

    def __init__(self, job: FolderJob) -> None:
        context = get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(job, theirs), daemon=True)
        self.process.start()
        theirs.close()  # so that the pipe ends with the process
        self.file, self.tries = Planned("", ""), 0

    def give(self, file: Planned, tries: int) -> None:
        """Send a file to anonymize."""
        self.file, self.tries = file, tries
        with suppress(OSError):  # it died; the next answer shows it
            self.pipe.send(file)

    def answer(self) -> Entry:
        """The entry of the file; of none once the models are loaded.

        Raises:
            EOFError: It died.
        """
        try:
            answer: Entry = self.pipe.recv()
        except OSError as error:
            raise EOFError from error
        return answer


def _entries(job: FolderJob, crew: list[_Process], files: list[Planned]) -> Iterator[Entry]:
    """What becomes of the files, as they are done; workers that died are replaced in the crew."""
    todo = deque((file, 1) for file in files)
    idle, busy = list(crew), dict[Connection, _Process]()
    while todo or busy:
        while todo and idle:
            worker = idle.pop()
            worker.give(*todo.popleft())
            busy[worker.pipe] = worker
        for pipe in wait(list(busy)):
            worker = busy.pop(pipe)  # type: ignore[call-overload]
            try:
                yield worker.answer()
            except EOFError:
                if worker.tries < _TRIES:
                    todo.append((worker.file, worker.tries + 1))
                else:
                    yield _died(job, worker)
                worker = _Process(job)
                crew.append(worker)
                _await_models(job, worker)
            idle.append(worker)


def _await_models(job: FolderJob, worker: _Process) -> None:
    """Return once a process has its models."""
    try:
        worker.answer()
    except EOFError:
        job.make_anonymizer()  # raises what is wrong with it
        raise WorkersError(
            f"a process ended before its first file ({_code(worker)})",
            "give it more memory or fewer `jobs`",
        ) from None


def _end(workers: list[_Process]) -> None:
    """End processes with what they have in work."""
    for worker in workers:
        worker.pipe.close()
        worker.process.terminate()
    for worker in workers:
        worker.process.join(_ENDS_S)
        worker.process.kill()
        worker.process.join()


def _died(job: FolderJob, worker: _Process) -> Entry:
    error = (
        f"{job.source}/{worker.file.name}: the process that had it in work died {_TRIES} times "
        f"({_code(worker)}); is it too large for the memory?"
    )
    return job.failed(worker.file, error)


def _code(worker: _Process) -> str:
    worker.process.join(_ENDS_S)
    code = worker.process.exitcode or 0
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _serve(job: FolderJob, pipe: Connection) -> None:
    """Anonymize one file after the other for the process at the pipe's other end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, who ends this
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # what is half written goes away
    threading.Thread(target=_end_with_parent, daemon=True).start()
    anonymizer = job.make_anonymizer()
    pipe.send(Entry("", "skipped"))  # ready
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
        os.kill(os.getpid(), signal.SIGTERM)  # what was fetched goes away, too
        time.sleep(_ENDS_S)
        os._exit(1)
