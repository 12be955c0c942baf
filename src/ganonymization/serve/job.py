"""A video, an animation or a ZIP on its way: its state, its files, and what clients see of it."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ..options import Mode, Privacy
from ..pipeline import Anonymizer
from ..video.added_boxes import AddedBox

JobState = Literal["queued", "running", "done", "failed", "cancelled"]
Kind = Literal["video", "animation", "zip"]
_RESULTS = {"video": "anonymized.mp4", "animation": "anonymized.webp", "zip": "anonymized.zip"}


@dataclass(frozen=True)
class Order:
    """What was asked for.

    Attributes:
        folder: The job's own, in the private one.
        seed: Of the run.
        kind: What was sent.
        mode: See :class:`ganonymization.Anonymizer`, as of those that follow.
        privacy: See there.
        thorough: See there.
        audit: See there.
        sound: Copy it.
        preview: Of a video: draw its first seconds before the whole.
        added: Boxes of faces that a detector misses; a ZIP has none.
    """

    folder: Path
    seed: int
    kind: Kind = "video"
    mode: Mode = "scene"
    privacy: Privacy = "balanced"
    thorough: bool = False
    audit: bool = True
    sound: bool = True
    preview: bool = False
    added: tuple[AddedBox, ...] = ()

    def of(self, anonymizer: Anonymizer) -> Anonymizer:
        """The anonymizer that does it."""
        return anonymizer.using(
            mode=self.mode, privacy=self.privacy, thorough=self.thorough, audit=self.audit
        )


@dataclass
class Job:
    """A video, an animation or a ZIP on its way.

    Attributes:
        order: What was asked for.
        load: Gives the anonymizer.
        id: Cannot be guessed; who has it has the job.
        owner: Who is shown it in a list; "" nobody.
        state: How far it is.
        done: Frames or pictures.
        total: Of them; 0 where that is not known.
        faces: Found.
        filled: Of them, covered rather than redrawn.
        by_audit: Of those, found only when the result was searched once more.
        previewed: 1 once the preview is there.
        error: What went wrong.
        ended: When, by the monotonic clock.
        stop: Set once nobody wants it any more.
    """

    order: Order
    load: Callable[[], Anonymizer]
    id: str = ""
    owner: str = ""
    state: JobState = "queued"
    done: int = 0
    total: int = 0
    faces: int = 0
    filled: int = 0
    by_audit: int = 0
    previewed: int = 0
    error: str | None = None
    ended: float | None = None
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def kind(self) -> Kind:
        """What was sent."""
        return self.order.kind

    @property
    def folder(self) -> Path:
        """Its own, in the private one."""
        return self.order.folder

    @property
    def source(self) -> Path:
        """What was sent."""
        return self.folder / ("upload.gif" if self.kind == "animation" else "upload")

    @property
    def result(self) -> Path:
        """What became of it."""
        return self.folder / _RESULTS[self.kind]

    @property
    def preview(self) -> Path:
        """The first seconds of what becomes of a video."""
        return self.folder / "preview.mp4"

    def status(self, keep_s: float) -> dict[str, Any]:
        """For JSON, as :class:`~.answers.JobAnswer` describes it."""
        left_s = keep_s if self.ended is None else max(0, self.ended + keep_s - time.monotonic())
        shown = ("id", "kind", "state", "done", "total", "error", "faces", "filled", "by_audit")
        told = {name: getattr(self, name) for name in shown}
        return told | {"preview": bool(self.previewed), "expires_s": round(left_s)}


_STILLS = (b"avif", b"heic", b"heix", b"mif1")  # of what shares its outline with MP4


def kind_of(start: bytes) -> Kind | None:
    """What a file is, by its first bytes; None of a picture.

    Args:
        start: The first 4096; a PNG tells there whether it is an animation.
    """
    if start.startswith(b"PK\x03\x04"):
        return "zip"
    still = start.startswith((b"\xff\xd8\xff", b"BM", b"II*\0", b"MM\0*"))
    still |= start.startswith(b"\x89PNG") and b"acTL" not in start
    still |= start[:4] == b"RIFF" and start[8:12] == b"WEBP" and not _moves(start)
    still |= start[4:8] == b"ftyp" and start[8:12] in _STILLS
    if still:
        return None
    moving = start.startswith((b"GIF8", b"RIFF")) and start[8:12] != b"AVI "
    return "animation" if moving else "video"


def _moves(webp: bytes) -> bool:
    """Whether a WebP says that it is an animation."""
    return webp[12:16] == b"VP8X" and bool(webp[20:21]) and bool(webp[20] & 2)
