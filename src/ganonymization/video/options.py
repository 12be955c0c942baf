"""What may be asked for of a video."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ..io.images import DEFAULT_MAX_PIXELS
from .added_boxes import AddedBox
from .detections_json import Frames
from .exclusions import Keeper, Region


@dataclass(frozen=True)
class VideoOptions:
    """How a video is written.

    Attributes:
        seed: Of the run.
        codec: Of the pictures, as FFmpeg names it; None for the container's usual one.
        crf: Constant rate factor, lower is better; None for the codec's usual one.
        sound: Copy it. A voice identifies, too.
        subtitles: Copy them and the chapters. They may name people.
        strict: Refuse a video of which something would be dropped.
        hdr: Keep high dynamic range, in ten bits; False makes it standard, and None, too, but
            tells so.
        salvage: Of a damaged input keep what comes before the damage.
        seconds: Of the input are read; None reads all.
        stop: Asked before each frame whether to end there, as for a camera, which has no end.
        ignored: Regions whose faces stay.
        only: Regions outside of which faces stay, if there are any.
        people: Says which faces stay for who they are, or None.
        boxes: Detections from elsewhere, a list for each frame; None looks for faces.
        export_boxes: A file to write all faces' boxes to, or None.
        added: Boxes of faces that a detector misses.
        tells_seed: The report tells the seed.
        max_pixels: Of a frame; a video with a larger one is refused.
        report: A folder for ``NAME.json``, which tells what became of each face, and ``NAME.png``,
            a frame for each second of what was written; None writes none.
    """

    seed: int
    codec: str | None = None
    crf: int | None = None
    sound: bool = True
    subtitles: bool = False
    strict: bool = False
    hdr: bool | None = None
    salvage: bool = False
    seconds: float | None = None
    stop: Callable[[], bool] = lambda: False
    ignored: tuple[Region, ...] = ()
    only: tuple[Region, ...] = ()
    people: Keeper | None = None
    boxes: Frames | None = None
    export_boxes: Path | None = None
    added: tuple[AddedBox, ...] = ()
    tells_seed: bool = True
    max_pixels: int = DEFAULT_MAX_PIXELS
    report: Path | None = None

    def of_further(self) -> "VideoOptions":
        """The same for a file's other videos: boxes, regions and people are the first one's."""
        return replace(
            self, ignored=(), only=(), people=None, boxes=None, export_boxes=None, added=()
        )
