"""Hugging Face data sets on disk, as ``save_to_disk`` of a Dataset or DatasetDict writes them.

Pictures are replaced; labels, features, split names and order stay as they are. A row whose picture
cannot be made is skipped whole, and reported; a column that may show a face otherwise is refused.

The Arrow and JSON files are read and written directly. So nothing is decoded into a cache, looked
up in the network or sent to anybody, and no original is ever written to a disk.
"""

import hashlib
import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError, OutputError, UnreadableError
from ..io.files import atomic_folder, atomic_path, write_bytes
from .huggingface_columns import Part, arrow, holds_picture, part_of, redrawn
from .samples import DatasetReport, SampleJob

_DICT, _STATE, _INFO = "dataset_dict.json", "state.json", "dataset_info.json"
_BATCH_ROWS, _BATCH_BYTES = 100, 64 << 20  # written together


def is_dataset(folder: Path) -> bool:
    """Whether ``save_to_disk`` wrote the folder."""
    return any((folder / name).is_file() for name in (_DICT, _STATE, _INFO))


def anonymize_rows(job: SampleJob, source: Path, out: Path) -> list[DatasetReport]:
    """Anonymize the pictures of a data set that ``save_to_disk`` wrote.

    Under the output's name there is a whole data set or nothing new; a data set there is replaced.
    Split, row, column and a face's place decide with the seed who the face becomes.

    Returns:
        A report for each split; rows that were skipped are named by their numbers in the input.

    Raises:
        MissingExtraError: pyarrow is not installed.
        UnreadableError: The data set is damaged; save it anew.
        InputError: It has no pictures, or a column that may show a face otherwise; remove that.
        OutputError: The output cannot be written, is the input, or holds something else.
    """
    pa, out = arrow(), out.resolve()
    _check_output(source.resolve(), out)
    splits, reports = _splits(source), []
    try:
        with atomic_folder(out) as temporary:
            for split in splits:
                reports.append(_write_split(job, split, temporary / split.place))
            if (source / _DICT).is_file():
                write_bytes(temporary / _DICT, (source / _DICT).read_bytes())
    except pa.ArrowException as error:
        raise OutputError(f"{out}: cannot be written ({error})") from error
    return reports


def _check_output(source: Path, out: Path) -> None:
    """Refuse an output before any work is done, and never replace what is no data set."""
    if out == source:
        raise OutputError(f"{out}: is the input; give another name")
    if out.is_relative_to(source) or source.is_relative_to(out):
        raise OutputError(f"{out}: input and output lie in one another; give another name")
    if out.is_file() or (out.is_dir() and any(out.iterdir()) and not is_dataset(out)):
        raise OutputError(f"{out}: is there and no data set; give another name")


@dataclass(frozen=True)
class _Split:
    """A folder of Arrow files, and what their columns are.

    ``place`` is its name in the data set, empty for one without splits; ``state`` is what
    ``state.json`` says. Without files it has no columns.
    """

    name: str
    place: str
    folder: Path
    state: dict[str, Any]
    files: list[str]
    columns: dict[str, Part]


def _splits(source: Path) -> list[_Split]:
    """Every split, checked before the first picture is read."""
    try:
        if (source / _DICT).is_file():
            names = [_file_name(name) for name in _json(source / _DICT)["splits"]]
            splits = [_split(source / name, name, name) for name in names]
        else:
            name = _json(source / _STATE)["_split"]
            splits = [_split(source, "data" if name is None else str(name), "")]
    except (LookupError, TypeError, AttributeError) as error:
        raise UnreadableError(f"{source}: damaged ({error!r}); save the data set anew") from error
    return splits


def _split(folder: Path, name: str, place: str) -> _Split:
    state, features = _json(folder / _STATE), _json(folder / _INFO)["features"]
    files = [_file_name(file["filename"]) for file in state["_data_files"]]
    columns: dict[str, Part] = {}
    for file in files:
        schema = _schema(folder / file)
        found = {
            each.name: part_of((each.name,), features[each.name], each.type) for each in schema
        }
        if columns and columns != found:
            raise UnreadableError(f"{folder / file}: has other columns; save the data set anew")
        columns = found
        if not any(map(holds_picture, columns.values())):
            raise InputError(
                f"{folder}: no column of pictures; ds.cast_column(NAME, datasets.Image()) makes one"
            )
    return _Split(name, place, folder, state, files, columns)


def _file_name(name: str) -> str:
    if Path(name).name != name or name == "..":
        raise UnreadableError(f"{name!r} in the data set's JSON is no name of a file or folder")
    return name


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UnreadableError(f"{path}: missing or damaged; save the data set anew") from error


def _write_split(job: SampleJob, split: _Split, folder: Path) -> DatasetReport:
    """Write a split's files, synced."""
    report = DatasetReport(split.name)

    def redraw(content: bytes, name: str) -> bytes:
        return job.redrawn(content, name, report)

    def make(number: str, row: Any) -> Any:
        arrays = [
            redrawn(split.columns[name], values, f"{split.name}/{number}/{name}", redraw)
            for name, values in zip(row.schema.names, row.columns, strict=True)
        ]
        return arrow().RecordBatch.from_arrays(arrays, schema=row.schema)

    folder.mkdir(exist_ok=True)
    numbers, digest = map(str, itertools.count()), hashlib.sha256()
    for file in split.files:
        rows = ((next(numbers), row) for row in _rows(split.folder / file))
        _write_rows(folder / file, _schema(split.folder / file), job.made(rows, make, report))
        with (folder / file).open("rb") as written:
            digest.update(hashlib.file_digest(written, "sha256").digest())
    state = split.state | {"_fingerprint": digest.hexdigest()[:16]}  # caches go by it
    write_bytes(folder / _STATE, json.dumps(state, indent=2, sort_keys=True).encode())
    write_bytes(folder / _INFO, (split.folder / _INFO).read_bytes())
    return report


def _write_rows(path: Path, schema: Any, rows: Iterator[Any]) -> None:
    pa = arrow()
    with (
        atomic_path(path) as temporary,
        temporary.open("wb") as file,
        pa.ipc.new_stream(file, schema) as stream,
    ):
        held, size = [], 0
        for row in rows:
            held.append(row)
            size += row.nbytes
            if len(held) == _BATCH_ROWS or size >= _BATCH_BYTES:
                stream.write_batch(pa.concat_batches(held))
                held, size = [], 0
        if held:
            stream.write_batch(pa.concat_batches(held))


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """An Arrow file as a stream of record batches."""
    pa = arrow()
    try:
        with pa.memory_map(str(path)) as file, pa.ipc.open_stream(file) as stream:
            yield stream
    except (OSError, pa.ArrowException) as error:
        raise UnreadableError(f"{path}: damaged ({error}); save the data set anew") from error


def _schema(path: Path) -> Any:
    with _opened(path) as stream:
        return stream.schema


def _rows(path: Path) -> Iterator[Any]:
    """Record batches of one row each."""
    with _opened(path) as stream:
        for batch in stream:
            batch.validate(full=True)  # offsets that lead elsewhere would show other memory
            yield from (batch.slice(i, 1) for i in range(batch.num_rows))
