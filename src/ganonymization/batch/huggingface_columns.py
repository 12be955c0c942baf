"""What columns of a Hugging Face data set hold, and their values with other pictures."""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import av

from ..errors import InputError, MissingExtraError, UnreadableError

Redraw = Callable[[bytes, str], bytes]
"""From a picture file and a name for messages and seeds to a file without faces."""


_LABELS = {"Value", "ClassLabel", "Translation", "TranslationVariableLanguages", "Json"}
_LISTS = {"List", "LargeList", "Sequence"}
_SOUNDS = {"format_whitelist": "aac,aiff,flac,matroska,mov,mp3,ogg,wav"}  # no playlists
_POINT = 4  # numbers in a box; points have fewer


def arrow() -> Any:
    """The module ``pyarrow``.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        import pyarrow
    except ImportError as error:
        raise MissingExtraError("a Hugging Face data set", "datasets") from error
    return pyarrow


@dataclass(frozen=True)
class Part:
    """What a column, or a part of one, holds.

    Attributes:
        what: ``label`` is copied; lists and structs hold a picture or sound somewhere.
        parts: Of a struct by their names; of a list under ``""``.
    """

    what: Literal["label", "picture", "sound", "list", "struct"]
    parts: "dict[str, Part]" = field(default_factory=dict)


def holds_picture(part: Part) -> bool:
    """Whether a picture is somewhere in a column."""
    return part.what == "picture" or any(map(holds_picture, part.parts.values()))


def part_of(path: tuple[str, ...], feature: Any, kind: Any) -> Part:
    """Tell what a column or a part of it holds.

    Args:
        path: The column's name, and those of the structs' fields within.
        feature: As ``dataset_info.json`` has it.
        kind: Its Arrow type.

    Raises:
        InputError: It may show a face, and is no picture that can be anonymized; remove it.
    """
    types, name = arrow().types, _feature_name(feature)
    if name in ("Image", "Audio"):
        if _is_file(kind):
            return Part("picture" if name == "Image" else "sound")
    elif name == "struct" and types.is_struct(kind):
        return _struct(path, feature, kind)
    elif name in _LISTS:
        inner = feature[0] if isinstance(feature, list) else feature["feature"]
        if types.is_struct(kind):  # of old: a list of structs, stored as a struct of lists
            lists = {key: {"_type": "List", "feature": each} for key, each in inner.items()}
            return _struct(path, lists, kind)
        if _is_list(kind):
            item = part_of(path, inner, kind.value_type)
            if item.what != "label":
                return Part("list", {"": item})
            if not _may_show(kind):
                return item
    elif name in _LABELS and not _may_show(kind):
        return Part("label")
    raise InputError(
        f"column {'.'.join(path)!r} ({name}, {kind}) may show a face and is no picture that can be "
        f"anonymized: remove it by ds.remove_columns([{path[0]!r}]) and save the data set anew"
    )


def _feature_name(feature: Any) -> str:
    if isinstance(feature, list):  # of old
        return "List"
    name = feature.get("_type", {})  # a field may have this name, too
    return name if isinstance(name, str) else "struct"


def _struct(path: tuple[str, ...], features: dict[str, Any], kind: Any) -> Part:
    parts = {
        each.name: part_of((*path, each.name), features[each.name], each.type) for each in kind
    }
    labels = all(part.what == "label" for part in parts.values())
    return Part("label") if labels else Part("struct", parts)


def _is_file(kind: Any) -> bool:
    pa = arrow()
    fields = {"bytes": pa.binary(), "path": pa.string()}
    return bool(
        pa.types.is_struct(kind)
        and kind.num_fields == len(fields)
        and {each.name: each.type for each in kind} == fields
    )


def _is_list(kind: Any) -> bool:
    types = arrow().types
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def _may_show(kind: Any) -> bool:
    """Whether values of an Arrow type can be pixels or files.

    Numbers on their own, in lists, and in lists of boxes or points are none; lists of bytes, lists
    of lists of numbers of any length, and deeper ones are.
    """
    types = arrow().types
    if types.is_struct(kind):
        return any(_may_show(each.type) for each in kind)
    if _is_list(kind):
        item = kind.value_type
        if _is_list(item):
            short = types.is_fixed_size_list(item) and item.list_size <= _POINT
            if _is_list(item.value_type) or (_is_number(item.value_type) and not short):
                return True
        return types.is_int8(item) or types.is_uint8(item) or _may_show(item)
    text = types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)
    other = types.is_null(kind) or types.is_boolean(kind) or types.is_temporal(kind)
    return not (text or other or _is_number(kind) or kind == arrow().json_())


def _is_number(kind: Any) -> bool:
    types = arrow().types
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind))


def redrawn(part: Part, values: Any, name: str, redraw: Redraw) -> Any:
    """An Arrow array of one value with its pictures replaced; the name is for messages and seeds.

    Raises:
        GanonymizationError: A picture cannot be made, or a sound holds pictures.
    """
    pa = arrow()
    if part.what == "label":
        return values
    if values.null_count:
        return pa.nulls(1, values.type)  # without the bytes that may lie under it
    if part.what == "list":
        return _redrawn_list(part.parts[""], values, name, redraw)
    if part.what == "struct":
        fields = [
            redrawn(part.parts[each.name], values.field(i), f"{name}/{each.name}", redraw)
            for i, each in enumerate(values.type)
        ]
        return pa.StructArray.from_arrays(fields, fields=list(values.type))
    content = _content(values[0].as_py(), name)
    if part.what == "picture":
        content = redraw(content, name)
    else:
        _check_sound(content, name)
    # Without a path: Dataset.from_list would take a file of that name rather than these bytes,
    # and that is the original where somebody keeps it
    return pa.array([{"bytes": content, "path": None}], values.type)


def _redrawn_list(part: Part, values: Any, name: str, redraw: Redraw) -> Any:
    pa, kind, items = arrow(), values.type, values.flatten()
    made = [redrawn(part, items.slice(i, 1), f"{name}/{i}", redraw) for i in range(len(items))]
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
    """Refuse sounds with pictures beside them, as covers of songs or a video's."""
    try:
        with av.open(io.BytesIO(content), options=_SOUNDS, metadata_errors="replace") as sound:
            kinds = {stream.type for stream in sound.streams}
    except (av.error.FFmpegError, ValueError) as error:
        raise UnreadableError(f"{name}: no sound that can be read ({error})") from error
    if kinds != {"audio"}:
        raise InputError(f"{name}: may show a face, for it holds more than sound")
