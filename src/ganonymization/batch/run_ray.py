"""Many machines: the files of a folder, anonymized by the workers of a Ray cluster.

Names go out, entries of the manifest come back; pictures never pass through Ray. A worker reads
from the input folder and writes to the output folder itself, so both must be in everybody's reach.
When a node dies, the files it had in work are given to others; a file that was finished but not
reported is made again, the same bit for bit, over itself.
"""

import json
import logging
import os
import secrets
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import MissingExtraError, OptionError, WorkersError
from .execute import Executor
from .folder import FolderJob
from .manifest import Entry
from .naming import Planned

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BLOCK_FILES = (16, 64)  # reported together, and done again when a node dies with them
_WORKER_BLOCKS = 50  # or larger ones if there are many more, for Ray keeps books of each
_LOCAL_STORE_BYTES = 128 << 20  # names and entries are all that lies in it
_ANSWERS_S = 5.0
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # a worker has one core


def on_ray(address: str | None = None, workers: int | None = None) -> Executor:
    """The workers of a Ray cluster; the job and what makes the anonymizer are sent to them.

    Args:
        address: Of a cluster, as ``auto`` or ``10.0.0.1:6379``; None starts one in this machine
            for as long as it takes.
        workers: How many, a core each; None takes every core.

    Raises:
        MissingExtraError: When it is entered: Ray is not installed.
        OptionError: No cluster answers there.
        WorkersError: It gave up, as when its first node dies; run again, what is done stays.
    """

    @contextmanager
    def run(job: FolderJob, files: list[Planned]) -> Iterator[Iterator[Entry]]:
        job.make_anonymizer()  # what is wrong with it is one error, here
        job = replace(job, source=job.source.absolute(), out=job.out.absolute())
        with _cluster(address, workers) as (cores, environment):
            yield _entries(job, files, workers or cores, environment)

    return run


class _ModelHolder:
    """Holds the models of one worker."""

    def __init__(self, job: FolderJob) -> None:
        self._job, self._anonymizer = job, job.make_anonymizer()

    def __call__(self, batch: "dict[str, NDArray[np.object_]]") -> dict[str, list[str]]:
        """Anonymize the files of a block; both columns hold JSON, for names may be no text."""
        entries = (self._job.one(self._anonymizer, _file(text)) for text in batch["file"])
        return {"entry": [entry.line().decode() for entry in entries]}


def _entries(
    job: FolderJob, files: list[Planned], workers: int, environment: dict[str, str]
) -> Iterator[Entry]:
    """What becomes of the files, block by block as they are done."""
    if not files:
        return
    from ray import data
    from ray.exceptions import RayError

    context = data.DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = False
    least, most = _BLOCK_FILES
    size = min(most, max(least, len(files) // (workers * _WORKER_BLOCKS)))
    size = min(size, -(-len(files) // workers))
    rows = data.from_items(
        [{"file": _text(file)} for file in files], override_num_blocks=-(-len(files) // size)
    )
    made = rows.map_batches(
        _ModelHolder,
        fn_constructor_args=(job,),
        batch_size=None,
        compute=data.ActorPoolStrategy(min_size=1, max_size=workers, initial_size=workers),
        num_cpus=1,
        runtime_env={"env_vars": _ONE_THREAD | environment},
    )
    try:
        for row in made.iter_rows():
            yield Entry.of(json.loads(row["entry"]), job.key)
    except RayError as error:
        reason = str(error).strip().splitlines()
        raise WorkersError(
            f"the Ray cluster gave up ({reason[-1] if reason else type(error).__name__}); "
            "run again, what is done stays"
        ) from error


def _text(file: Planned) -> str:
    return json.dumps(asdict(file) | {"taken": sorted(file.taken)})


def _file(text: str) -> Planned:
    facts = json.loads(text)
    return Planned(**facts | {"taken": frozenset(facts["taken"])})


@contextmanager
def _cluster(address: str | None, workers: int | None) -> Iterator[tuple[int, dict[str, str]]]:
    """A connection; how many cores lie behind it, and what workers find in their environment."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # it would tell its makers
    if address is None:  # on the loopback, and for who has its token
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
        os.environ.setdefault(
            "RAY_AUTH_TOKEN", secrets.token_hex(32)
        )  # else one in the user's home
    with tempfile.TemporaryDirectory(prefix="ray-") as scratch:
        try:
            import ray
            import ray.data
        except ImportError as error:
            raise MissingExtraError("many machines", "scale") from error
        if address is not None:
            _check_answers(address)
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        alone: dict[str, Any] = {
            "num_cpus": workers, "include_dashboard": False,
            "object_store_memory": _LOCAL_STORE_BYTES, "_temp_dir": scratch,
        }  # fmt: skip
        home = {} if address else _home(Path(scratch))
        before = {name: os.environ[name] for name in home if name in os.environ}
        try:
            with _environment(home):
                ray.init(
                    address or "local", log_to_driver=False, logging_level=logging.ERROR,
                    **({} if address else alone),
                )  # fmt: skip
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise _no_answer(address, error) from error
        try:
            resources = ray.cluster_resources()  # type: ignore[no-untyped-call]
            yield max(1, int(resources.get("CPU", 1))), before
        finally:
            ray.shutdown()


def _home(scratch: Path) -> dict[str, str]:
    """A home for the processes of a cluster, in which stands where they run.

    Ray's dashboard, which cannot be left out, else asks the metadata addresses of three clouds
    whether it runs there, also where nothing is to be reported.
    """
    (scratch / "ray_bootstrap_config.yaml").write_text("provider: {type: local}\n")
    return {"HOME": str(scratch)}


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Variables for the processes that are started while it lasts."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _check_answers(address: str) -> None:
    """Refuse an address where nobody listens; Ray itself would try for minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon or not port.isdecimal():
        return  # as auto
    try:
        socket.create_connection((host, int(port)), _ANSWERS_S).close()
    except (OSError, OverflowError) as error:
        raise _no_answer(address, error) from error


def _no_answer(address: str | None, error: Exception) -> OptionError:
    return OptionError(f"{address}: no Ray cluster answers ({error})", "check `address`")
