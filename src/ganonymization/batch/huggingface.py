"""Hugging Face data sets on disk, as ``save_to_disk`` of a Dataset or DatasetDict writes them.

Pictures are replaced; labels, features, split names and order stay as they are. A row whose picture
cannot be made is left out whole, and told; a column that may show a face otherwise is refused.

The files are read and written themselves, Arrow streams beside JSON. So nothing is decoded into a
cache, looked up in the network or told to anybody, and no original is ever written to a disk.
"""

import hashlib
import io
import itertools
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

from ..errors import GanonymizationError, InputError, OutputError, UnreadableError
from ..io import images
from ..pipeline import Anonymizer
from .huggingface_columns import Part, arrow, holds_picture, part_of
from .webdataset import Report, anonymized

_DICT, _STATE, _INFO = "dataset_dict.json", "state.json", "dataset_info.json"
_BATCH_ROWS, _BATCH_BYTES = 100, 64 << 20  # written together
_SOUNDS = {"format_whitelist": "aac,aiff,flac,matroska,mov,mp3,ogg,wav"}  # no playlists


def is_dataset(folder: Path) -> bool:
    """Whether ``save_to_disk`` wrote the folder."""
    return any((folder / name).is_file() for name in (_DICT, _STATE, _INFO))


def anonymize_rows(
    anonymizer: Anonymizer,
    source: Path,
    out: Path,
    *,
    seed: int,
    max_pixels: int = images.DEFAULT_MAX_PIXELS,
    advance: Callable[[], None] = lambda: None,
) -> list[Report]:
    """Anonymize the pictures of a data set.

    Args:
        anonymizer: In portrait mode the head of the largest face replaces a picture, and rows with
            a picture without a face are left out, for a copy would show whatever the detector
            missed.
        source: The folder that ``save_to_disk`` wrote.
        out: The folder to write; under its name there is a whole data set or nothing new. A data
            set that is there is replaced.
        seed: Of the run; with split, row, column and a face's place it decides who the face
            becomes.
        max_pixels: Larger pictures are refused.
        advance: Called after each row.

    Returns:
        A report for each split; rows that were left out are named by their numbers in the input.

    Raises:
        MissingExtraError: pyarrow is not installed.
        UnreadableError: The data set is damaged; save it anew.
        InputError: It has no pictures, or a column that may show a face otherwise; remove that.
        OutputError: The output cannot be written, is the input, or holds something else.
    """
    pa, out = arrow(), out.resolve()
    _check_output(source.resolve(), out)
    splits = _splits(source)
    temporary = out.parent / f".{secrets.token_hex(8)}.part"
    try:
        temporary.mkdir(parents=True)
        reports = []
        for split in splits:
            made = _Redrawing(anonymizer, seed, max_pixels, Report(split.name), advance)
            _write_split(split, temporary / split.place, made)
            reports.append(made.report)
        if (source / _DICT).is_file():
            _write(temporary / _DICT, (source / _DICT).read_bytes())
        _put(temporary, out)
    except (OSError, pa.ArrowException) as error:
        reason = getattr(error, "strerror", None) or error
        raise OutputError(f"{out}: cannot be written ({reason})") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return reports


def _check_output(source: Path, out: Path) -> None:
    """Refuse an output before any work is done, and never replace what is no data set."""
    if out == source:
        raise OutputError(f"{out}: is the input; give another name")
    if out.is_relative_to(source) or source.is_relative_to(out):
        raise OutputError(f"{out}: input and output lie in one another; give another name")
    if out.is_file() or (out.is_dir() and any(out.iterdir()) and not is_dataset(out)):
        raise OutputError(f"{out}: is there and no data set; give another name")


def _put(temporary: Path, out: Path) -> None:
    """Give a finished folder its name; what had it goes away after that."""
    if not out.exists():
        temporary.rename(out)
        return
    former = out.parent / f".{secrets.token_hex(8)}.part"
    out.rename(former)
    try:
        temporary.rename(out)
    except BaseException:
        former.rename(out)
        raise
    shutil.rmtree(former, ignore_errors=True)


@dataclass(frozen=True)
class _Split:
    """A folder of Arrow files.

    Attributes:
        name: For seeds and messages.
        place: Its folder's name in the data set; empty for a data set without splits.
        folder: Where it lies.
        state: What ``state.json`` says.
        files: The Arrow files' names, in order.
        columns: By their names; empty if there is no file.
    """

    name: str
    place: str
    folder: Path
    state: dict[str, Any]
    files: list[str]
    columns: dict[str, Part]


@dataclass(frozen=True)
class _Redrawing:
    """How pictures are redrawn, and what became of them."""

    anonymizer: Anonymizer
    seed: int
    max_pixels: int
    report: Report
    advance: Callable[[], None]

    def picture(self, content: bytes, name: str) -> bytes:
        """A picture file's bytes, anonymized, in the same format."""
        return anonymized(self.anonymizer, content, name, self.seed, self.max_pixels, self.report)


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


def _write_split(split: _Split, folder: Path, redrawing: _Redrawing) -> None:
    """Write a split's files, synced; rows that cannot be made are told in the report."""
    folder.mkdir(exist_ok=True)
    numbers, digest = itertools.count(), hashlib.sha256()
    for file in split.files:
        rows = _made_rows(split, file, numbers, redrawing)
        _write_rows(folder / file, _schema(split.folder / file), rows)
        with (folder / file).open("rb") as written:
            digest.update(hashlib.file_digest(written, "sha256").digest())
    state = split.state | {"_fingerprint": digest.hexdigest()[:16]}  # caches go by it
    _write(folder / _STATE, json.dumps(state, indent=2, sort_keys=True).encode())
    _write(folder / _INFO, (split.folder / _INFO).read_bytes())


def _write(path: Path, content: bytes) -> None:
    images.write_whole(path, lambda file: file.write(content))


def _write_rows(path: Path, schema: Any, rows: Iterator[Any]) -> None:
    pa = arrow()
    with path.open("xb") as file:
        with pa.ipc.new_stream(file, schema) as stream:
            held, size = [], 0
            for row in rows:
                held.append(row)
                size += row.nbytes
                if len(held) == _BATCH_ROWS or size >= _BATCH_BYTES:
                    stream.write_batch(pa.concat_batches(held))
                    held, size = [], 0
            if held:
                stream.write_batch(pa.concat_batches(held))
        file.flush()
        os.fsync(file.fileno())


def _schema(path: Path) -> Any:
    """The columns of an Arrow file and their types.

    Raises:
        UnreadableError: Missing, or damaged.
    """
    pa = arrow()
    try:
        with pa.memory_map(str(path)) as file, pa.ipc.open_stream(file) as stream:
            return stream.schema
    except (OSError, pa.ArrowException) as error:
        raise UnreadableError(f"{path}: damaged ({error}); save the data set anew") from error


def _rows(path: Path) -> Iterator[Any]:
    """The rows of an Arrow file, record batches of one row each.

    Raises:
        UnreadableError: Missing, or damaged.
    """
    pa = arrow()
    try:
        with pa.memory_map(str(path)) as file, pa.ipc.open_stream(file) as stream:
            for batch in stream:
                batch.validate(full=True)  # offsets that lead elsewhere would show other memory
                yield from (batch.slice(i, 1) for i in range(batch.num_rows))
    except (OSError, pa.ArrowException) as error:
        raise UnreadableError(f"{path}: damaged ({error}); save the data set anew") from error


def _made_rows(
    split: _Split, file: str, numbers: Iterator[int], redrawing: _Redrawing
) -> Iterator[Any]:
    """Rows with other pictures; those that cannot be made are told in the report."""
    report = redrawing.report
    for row in _rows(split.folder / file):
        number = next(numbers)
        try:
            made = _made_row(split, row, f"{split.name}/{number}", redrawing)
        except GanonymizationError as error:
            report.left_out[str(number)] = str(error)
        else:
            report.samples += 1
            yield made
        redrawing.advance()


def _made_row(split: _Split, row: Any, name: str, redrawing: _Redrawing) -> Any:
    arrays = [
        _made(split.columns[column], values, f"{name}/{column}", redrawing)
        for column, values in zip(row.schema.names, row.columns, strict=True)
    ]
    return arrow().RecordBatch.from_arrays(arrays, schema=row.schema)


def _made(part: Part, values: Any, name: str, redrawing: _Redrawing) -> Any:
    """A value with its pictures replaced.

    Args:
        part: What it holds.
        values: An Arrow array of one value.
        name: For messages and seeds.
        redrawing: Makes the pictures.

    Raises:
        GanonymizationError: A picture cannot be made, or a sound holds pictures.
    """
    pa = arrow()
    if part.what == "label":
        return values
    if values.null_count:
        return pa.nulls(1, values.type)  # without the bytes that may lie under it
    if part.what == "list":
        return _made_list(part.parts[""], values, name, redrawing)
    if part.what == "struct":
        fields = [
            _made(part.parts[each.name], values.field(i), f"{name}/{each.name}", redrawing)
            for i, each in enumerate(values.type)
        ]
        return pa.StructArray.from_arrays(fields, fields=list(values.type))
    content = _content(values[0].as_py(), name)
    if part.what == "picture":
        content = redrawing.picture(content, name)
    else:
        _check_sound(content, name)
    # Without a path: Dataset.from_list would take a file of that name rather than these bytes,
    # and that is the original where somebody keeps it
    return pa.array([{"bytes": content, "path": None}], values.type)


def _made_list(part: Part, values: Any, name: str, redrawing: _Redrawing) -> Any:
    pa, kind, items = arrow(), values.type, values.flatten()
    made = [_made(part, items.slice(i, 1), f"{name}/{i}", redrawing) for i in range(len(items))]
    joined = pa.concat_arrays(made) if made else pa.array([], kind.value_type)
    if pa.types.is_fixed_size_list(kind):
        return pa.FixedSizeListArray.from_arrays(joined, type=kind)
    if pa.types.is_large_list(kind):
        ends = pa.array([0, len(items)], pa.int64())
        return pa.LargeListArray.from_arrays(ends, joined, type=kind)
    ends = pa.array([0, len(items)], pa.int32())
    return pa.ListArray.from_arrays(ends, joined, type=kind)


def _content(value: dict[str, Any], name: str) -> bytes:
    """The bytes of a picture or sound, or those of the file that it names."""
    content, path = value["bytes"], value["path"]
    if content is not None:
        return bytes(content)
    try:
        if path is not None and Path(path).is_file():
            return Path(path).read_bytes()
    except OSError as error:
        raise UnreadableError(f"{name}: {path} cannot be read ({error.strerror})") from error
    raise UnreadableError(f"{name}: holds no bytes, and there is no file {path!r}")


def _check_sound(content: bytes, name: str) -> None:
    """Refuse sounds with pictures beside them, as covers of songs or a video's.

    Raises:
        InputError: There are some, or it is no sound that can be read.
    """
    try:
        with av.open(io.BytesIO(content), options=_SOUNDS, metadata_errors="replace") as sound:
            kinds = {stream.type for stream in sound.streams}
    except (av.error.FFmpegError, ValueError) as error:
        raise UnreadableError(f"{name}: no sound that can be read ({error})") from error
    if kinds != {"audio"}:
        raise InputError(f"{name}: may show a face, for it holds more than sound")
