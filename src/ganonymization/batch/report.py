"""What became of a folder, counted while it is done."""

from collections import Counter
from dataclasses import dataclass, field

from ..types import COVERED_BY_AUDIT
from .manifest import Entry, Status

_MOST_NAMED = 1000


@dataclass
class FolderReport:
    """What became of a folder.

    Attributes:
        out: The folder that was written.
        seed: Of the run; None where it is secret.
        counts: Files by what became of them: ``done``, ``filled`` (some faces are covered rather
            than redrawn), ``no face``, ``skipped`` (done before), ``failed``, ``not a picture``.
        faces: In pictures.
        covered: Of them, those that were covered rather than redrawn.
        tracks: Faces that were followed through videos.
        audited: Files whose outputs were searched once more.
        covered_by_audit: Of them, those where a face was covered then.
        covered_before: Files done in an earlier run, where a face was covered then.
        other_seed: Files that were done before with another seed.
        dropped: Files whose outputs do not hold everything, as streams or the film of a motion
            photo.
        dropped_kinds: In words, how often each of that was dropped.
        failed: Why files could not be done, by their names; at most a thousand.
        left_out: Files that are neither pictures nor videos; at most a thousand.
        strict: What is left out makes the exit code 1.

    Example:
        >>> report = anonymize_folder("photos", "anonymized", seed=7)
        >>> report.counts, report.faces, report.failed
        ({'done': 1}, 1, {})
        >>> report.exit_code
        0
    """

    out: str
    seed: int | None
    counts: dict[Status, int] = field(default_factory=dict)
    faces: int = 0
    covered: int = 0
    tracks: int = 0
    audited: int = 0
    covered_by_audit: int = 0
    covered_before: int = 0
    other_seed: int = 0
    dropped: int = 0
    dropped_kinds: Counter[str] = field(default_factory=Counter)
    failed: dict[str, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    strict: bool = False

    def add(self, entry: Entry) -> None:
        """Count a file."""
        self.counts[entry.status] = self.counts.get(entry.status, 0) + 1
        outcomes = Counter(face["outcome"] for face in entry.faces)
        if entry.status == "skipped":
            self.covered_before += outcomes[COVERED_BY_AUDIT] > 0
            self.other_seed += entry.seed not in (None, self.seed)
            return
        self.faces += 0 if entry.tracks else len(entry.faces)
        self.covered += 0 if entry.tracks else len(entry.faces) - outcomes["synthesized"]
        self.tracks += len(entry.tracks)
        self.audited += entry.audited
        self.covered_by_audit += outcomes[COVERED_BY_AUDIT] > 0
        self.dropped += bool(entry.dropped)
        self.dropped_kinds.update(entry.dropped)
        if entry.status == "failed" and len(self.failed) < _MOST_NAMED:
            self.failed[entry.file] = entry.error or ""
        elif entry.status == "not a picture" and len(self.left_out) < _MOST_NAMED:
            self.left_out.append(entry.file)

    @property
    def files(self) -> int:
        """How many there were."""
        return sum(self.counts.values())

    @property
    def exit_code(self) -> int:
        """The command's: 1 where a file failed or, if strict, was left out; else 3 or 0.

        It is 3 where the audit had to cover a face that was missed at first, now or in an earlier
        run: look at these.
        """
        if self.counts.get("failed") or (self.strict and self.counts.get("not a picture")):
            return 1
        return 3 if self.covered_by_audit or self.covered_before else 0
