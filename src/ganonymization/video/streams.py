"""Which of a file's streams are taken, and what the others are called in messages."""

import re
from dataclasses import dataclass
from typing import Any

from av.stream import Disposition

_PICTURES = Disposition.attached_pic | Disposition.timed_thumbnails
_NAMES = {"audio": "sound", "subtitle": "subtitles", "video": "video", "attachment": "attachment"}
_LANGUAGE = re.compile(r"[a-z]{2,3}")  # ISO 639; anything else may be anything


@dataclass(frozen=True)
class Streams:
    """A file's streams.

    Attributes:
        video: The chosen one.
        further: The other videos.
        audio: Of any kind.
        subtitles: Of any kind.
        dropped: All others, in words.
    """

    video: Any
    further: list[Any]
    audio: list[Any]
    subtitles: list[Any]
    dropped: tuple[str, ...]


def chosen(container: Any, number: int = 0) -> Streams | None:
    """Sort the streams of an open file; None where it has no such video.

    Cover pictures and thumbnails are no video, wherever they stand.

    Args:
        container: The file.
        number: Of the video that is chosen, from 0 on.
    """
    videos = [stream for stream in container.streams.video if _is_video(stream)]
    if number >= len(videos):
        return None
    video, further = videos[number], videos[:number] + videos[number + 1 :]
    audio, subtitles = list(container.streams.audio), list(container.streams.subtitles)
    held = _chapter_tracks(container)  # told of as chapters
    taken = held | {stream.index for stream in (*videos, *audio, *subtitles)}
    others = [stream for stream in container.streams if stream.index not in taken]
    return Streams(video, further, audio, subtitles, tuple(map(described, others)))


def _chapter_tracks(container: Any) -> set[int]:
    """MP4 keeps the titles of chapters as a track of text."""
    if not (container.format.name.startswith("mov") and container.chapters()):
        return set()
    return {stream.index for stream in container.streams.data if stream.name == "bin_data"}


def described(stream: Any) -> str:
    """A stream in words: ``"sound 2 (aac, ger)"``, counted as FFmpeg does."""
    cover = stream.type == "video" and bool(stream.disposition & _PICTURES)
    kind = "cover picture" if cover else _NAMES.get(stream.type, "data")
    context = stream.codec_context
    about = [] if stream.type == "data" else ["unknown kind" if context is None else context.name]
    about += [code for code in (_language(stream),) if code]
    return f"{kind} {stream.index}" + (f" ({', '.join(about)})" if about else "")


def retold(source: Any, stream: Any) -> None:
    """Say of a stream that is written what was said of its source: language and purpose."""
    if code := _language(source):
        stream.metadata["language"] = code
    if source.disposition:
        stream.disposition = source.disposition & ~_PICTURES


def _language(stream: Any) -> str | None:
    code: str = stream.metadata.get("language", "und")
    return code if _LANGUAGE.fullmatch(code) and code != "und" else None


def _is_video(stream: Any) -> bool:
    return stream.codec_context is not None and not stream.disposition & _PICTURES
