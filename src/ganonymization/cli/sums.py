"""What became of several inputs, in a line."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..result import Result
from ..video.report import VideoReport
from .console import counted, image_as_dict, redrawn


@dataclass
class Sums:
    """What became of several inputs."""

    files: int = 0
    faces: int = 0
    drawn: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    by_audit: int = 0
    without_face: int = 0
    dropped: int = 0
    failed: int = 0
    lines: list[dict[str, Any]] = field(default_factory=list)

    def add_picture(self, source: str, result: Result[Any], names: list[str]) -> None:
        """Count a picture that was written as ``names``."""
        drawn, faces, reasons = counted(result)
        self._add(drawn, faces, reasons, result.covered_by_audit, bool(result.dropped))
        self.lines.append({"file": source} | image_as_dict(result, names))

    def add_video(self, source: str, report: VideoReport, target: Path) -> None:
        """Count a video that was written as ``target``."""
        drawn = sum(track.synthesized for track in report.tracks.values())
        covered = len(report.covered_by_audit)
        self._add(drawn, report.faces, Counter(report.reasons), covered, bool(report.dropped))
        self.lines.append({"file": source, "outputs": [str(target)]} | report.as_dict())

    def _add(
        self, drawn: int, faces: int, reasons: Counter[str], by_audit: int, dropped: bool
    ) -> None:
        self.files += 1
        self.drawn, self.faces = self.drawn + drawn, self.faces + faces
        self.reasons += reasons
        self.by_audit += by_audit
        self.without_face += not faces
        self.dropped += dropped

    def told(self, seed: int, where: str) -> str:
        """The closing line."""
        parts = [f"{self.files} files {where}: {redrawn(self.drawn, self.faces, self.reasons)}"]
        for count, what in (
            (self.by_audit, "missed at first, covered by the audit"),
            (self.without_face, "without a face"),
            (self.dropped, "not held whole, see --json"),
            (self.failed, "failed"),
        ):
            if count:
                parts.append(f"{count} {what}")
        return "; ".join([*parts, f"seed {seed}"])
