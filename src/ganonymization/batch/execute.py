"""The one loop of a folder job, whoever does the work: threads, processes or a Ray cluster."""

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, closing, contextmanager
from itertools import islice

from .folder import FolderJob
from .manifest import Entry
from .naming import Planned

Executor = Callable[[FolderJob, list[Planned]], AbstractContextManager[Iterator[Entry]]]
"""Loads the models when it is entered; gives an entry of each file, in any order."""

_WAITING = 4  # files submitted, by job


def execute(
    job: FolderJob, executor: Executor, files: list[Planned] | None = None
) -> Iterator[Entry]:
    """Anonymize every file of a job, or those given of :meth:`FolderJob.files`.

    Errors of one file do not stop the others.

    Yields:
        What became of each file, in any order, after it stands in the manifest.

    Raises:
        OutputError: The output folder or its manifest cannot be written.
        GanonymizationError: As the anonymizer does when it is made; nothing is written then.
    """
    files = job.files() if files is None else files
    done, todo = job.begin(), []
    for file in files:
        if job.is_done(file, done):
            yield done[file.name].skipped()
        else:
            todo.append(file)
    with executor(job, todo) as entries, closing(job.manifest()) as manifest:
        for entry in entries:
            manifest.add(entry)
            yield entry


def in_threads(jobs: int) -> Executor:
    """So many threads of this process, which share one anonymizer."""

    @contextmanager
    def run(job: FolderJob, files: list[Planned]) -> Iterator[Iterator[Entry]]:
        anonymizer = job.make_anonymizer()
        entries = _as_completed(lambda file: job.one(anonymizer, file), files, max(1, jobs))
        with closing(entries):
            yield entries

    return run


def _as_completed(
    work: Callable[[Planned], Entry], files: list[Planned], jobs: int
) -> Generator[Entry, None, None]:
    """Results as they come; only a few files are submitted at a time, however many there are."""
    rest, waiting = iter(files), set[Future[Entry]]()
    with ThreadPoolExecutor(jobs) as pool:
        try:
            while True:
                waiting |= {
                    pool.submit(work, file) for file in islice(rest, _WAITING * jobs - len(waiting))
                }
                if not waiting:
                    return
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        finally:
            pool.shutdown(cancel_futures=True)
