"""What became of a video: counts by track, and a strip of thumbnails."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..io import images
from ..io.files import write_bytes
from ..io.images import Picture
from ..types import Image
from .frames import Anonymized
from .kinds import REPORT, STRIP

_THUMBNAIL_PX = 160
_STRIP_COLUMNS = 10
_MOST_THUMBNAILS = 300  # five minutes; of longer videos the strip shows every n-th second


@dataclass
class TrackReport:
    """What became of one face.

    Attributes:
        first_s: When it was first seen, in seconds.
        last_s: When it was last seen.
        synthesized: Frames in which it was redrawn.
        filled: Frames in which it was covered.
        kept: Frames in which it was left as it was, as was asked for.
        kept_because: Why, or None.
    """

    first_s: float
    last_s: float
    synthesized: int = 0
    filled: int = 0
    kept: int = 0
    kept_because: str | None = None


@dataclass
class VideoReport:
    """What became of a video.

    Attributes:
        frames: Written, of all videos in the file.
        faces: Seen in all frames together.
        kept: Of them, those that were left as they were.
        seed: That it can be repeated with; None where it is secret.
        tracks: By number; those of the file's second video are "1:0", "1:1" and so on.
        filled_s: Times of the frames in which some face was covered rather than redrawn.
        reasons: How often each reason for a cover was given.
        sound: ``"none"``, ``"left out"``, ``"copied"`` or ``"coded anew"``.
        dropped: What the output does not hold of the input, as streams, in words.
        salvaged: Why the input ended early, or None.
        searched: Frames that were searched once more when they were drawn.
        covered_by_audit: Faces that only that search found: time, box, what became of them.

    Example:
        >>> report = anonymize_video("clip.mp4", "out.mp4", seed=7)
        >>> [track.synthesized for track in report.tracks.values()], report.sound
        ([3], 'none')
    """

    frames: int = 0
    faces: int = 0
    kept: int = 0
    seed: int | None = 0
    tracks: dict[int | str, TrackReport] = field(default_factory=dict)
    filled_s: list[float] = field(default_factory=list)
    reasons: dict[str, int] = field(default_factory=dict)
    sound: str = "none"
    dropped: list[str] = field(default_factory=list)
    salvaged: str | None = None
    searched: int = 0
    covered_by_audit: list[dict[str, Any]] = field(default_factory=list)

    def add(self, frame: Anonymized[int], time_s: float, video: int = 0) -> None:
        """Count a frame.

        Args:
            frame: What became of it.
            time_s: When it is shown.
            video: To which of the file's videos it belongs.
        """
        self.frames += 1
        self.faces += len(frame.result.faces) + len(frame.kept)
        self.searched += frame.result.audited
        self.kept += len(frame.kept)
        for number, reason in frame.kept.items():
            track = self._track(number, video, time_s)
            track.kept_because = reason
            track.kept += 1
        for number, face in zip(frame.tracks, frame.result.faces, strict=False):
            track = self._track(number, video, time_s)
            if face.synthesized:
                track.synthesized += 1
            else:
                track.filled += 1
                reason = face.outcome.removeprefix("filled: ")
                self.reasons[reason] = self.reasons.get(reason, 0) + 1
        for face in frame.result.faces[len(frame.tracks) :]:
            box = [round(v, 1) for v in face.box_xyxy]
            entry = {"time_s": round(time_s, 3), "box_xyxy": box, "outcome": face.outcome}
            self.covered_by_audit.append(entry | ({"video": video} if video else {}))
        if not all(face.synthesized for face in frame.result.faces):
            self.filled_s.append(round(time_s, 3))

    def _track(self, number: int, video: int, time_s: float) -> TrackReport:
        """The report of a track that is seen now."""
        name = f"{video}:{number}" if video else number
        track = self.tracks.setdefault(name, TrackReport(time_s, time_s))
        track.last_s = time_s
        return track

    def dropped_told(self) -> str:
        """What the output does not hold, in a line."""
        return f"dropped: {', '.join(self.dropped)}"

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


class Strip:
    """One thumbnail a second, of what was written."""

    def __init__(self) -> None:
        self._shown: list[NDArray[np.uint8]] = []  # as JPEG, for there may be many
        self._next_s, self._step_s = 0.0, 1.0

    def add(self, image: Image, time_s: float) -> None:
        """Show a frame, if it is time."""
        if time_s < self._next_s:
            return
        self._next_s = time_s + self._step_s
        height = max(1, round(_THUMBNAIL_PX * image.shape[0] / image.shape[1]))
        small = cv2.resize(image, (_THUMBNAIL_PX, height), interpolation=cv2.INTER_AREA)
        self._shown.append(np.asarray(cv2.imencode(".jpg", small)[1], np.uint8))
        if len(self._shown) > _MOST_THUMBNAILS:  # memory does not grow with the video
            self._shown, self._step_s = self._shown[::2], 2 * self._step_s

    def picture(self) -> Image:
        """All thumbnails in rows, (H, W, 3) uint8 RGB."""
        columns = min(_STRIP_COLUMNS, len(self._shown))
        strip: Image | None = None
        for number, jpeg in enumerate(self._shown):  # one at a time: all are many
            cell = np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), np.uint8)
            height, width = cell.shape[:2]
            if strip is None:
                rows = -(-len(self._shown) // columns)
                strip = np.zeros((rows * height, columns * width, 3), np.uint8)
            row, column = number // columns * height, number % columns * width
            strip[row : row + height, column : column + width] = cell
        assert strip is not None
        return strip


def write_report(path: Path, report: VideoReport, strip: Strip) -> None:
    """Write ``path.json`` and ``path.png``."""
    text = json.dumps(report.as_dict(), indent=1)
    write_bytes(path.with_name(path.name + REPORT), text.encode())
    images.write(path.with_name(path.name + STRIP), Picture(strip.picture()))
