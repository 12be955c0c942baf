"""Writes what was measured: ``metrics.json``, tables, and a page."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..io.text import write_csv, write_text
from ..types import Skipped
from .figures import EVERYBODY, Family, FamilyName, Figure, Missing, Verdict, not_asked
from .observations import PairedObservations

_TABLES = ("expression-classes.csv", "identity-compared.csv", "coverage-boxes.csv")


@dataclass(frozen=True)
class EvaluationReport:
    """All that was found.

    Attributes:
        verdict: The worst of the families'.
        families: In their order.
        pairs: What was looked at.
        skipped: Pictures and rows that were not.
        settings: How, by name.
    """

    verdict: Verdict
    families: tuple[Family, ...]
    pairs: PairedObservations
    skipped: tuple[Skipped, ...]
    settings: Mapping[str, str]

    @property
    def missing(self) -> list[tuple[FamilyName, Missing]]:
        """What was not measured, by family."""
        within = [(family.name, each) for family in self.families for each in family.missing]
        return [*within, *not_asked(self.families).items()]

    @property
    def rests_on(self) -> str:
        """Who looked for how many people."""
        return " / ".join(
            f"{family.name} attacked by "
            + "; ".join(f"{name} ({people} people)" for name, people in family.attackers.items())
            for family in self.families
            if family.attackers
        ) or "nobody was attacked"  # fmt: skip

    def as_dict(self) -> dict[str, Any]:
        """For JSON; what could not be measured is null."""
        return {
            "verdict": self.verdict,
            "pictures": len(self.pairs.file),
            "people": len(np.unique(self.pairs.person)),
            "left_out": len(self.skipped),
            "attackers": {f.name: dict(f.attackers) for f in self.families if f.attackers},
            "not_measured": [{"family": name, **each._asdict()} for name, each in self.missing],
            "settings": dict(self.settings),
            "families": {
                family.name: {
                    "verdict": family.verdict,
                    "findings": list(family.findings),
                    "figures": [_without_nan(asdict(figure)) for figure in family.figures],
                }
                for family in self.families
            },
        }

    def table(self) -> str:
        """For people: the verdicts, what was found, and the figures over everybody."""
        lines = [f"{self.verdict.upper()}: {len(self.pairs.file)} pictures of "
                 f"{len(np.unique(self.pairs.person))} people; {self.rests_on}"]  # fmt: skip
        lines += [f"not measured: {name}: {what}; {remedy}"
                  for name, (what, remedy) in self.missing]  # fmt: skip
        for family in self.families:
            lines += ["", f"{family.name}: {family.verdict}"]
            lines += [f"  {finding}" for finding in family.findings]
            lines += [
                f"  {with_interval(f):28s} {f.title}"
                for f in family.figures
                if f.group == EVERYBODY
            ]
        return "\n".join(lines)


def with_interval(figure: Figure) -> str:
    """The value with its interval."""
    if math.isnan(figure.value):
        return "not measured"
    if math.isnan(figure.low):
        return f"{figure.value:.3f}"
    return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"


def write(report: EvaluationReport, out: Path, html: str) -> None:
    """Write every file of a report, its page among them.

    Raises:
        OutputError: A file cannot be written.
    """
    write_text(out / "metrics.json", json.dumps(report.as_dict(), indent=1, allow_nan=False))
    _write_rows(out / "figures.csv", [
        {"family": family.name, **{k: v for k, v in asdict(figure).items() if k != "reference"},
         "reference": "; ".join(f"{k} {v:.4g}" for k, v in figure.reference.items())}
        for family in report.families for figure in family.figures
    ])  # fmt: skip
    _write_rows(out / "pictures.csv", _pictures(report))
    skipped = [{"file": str(path), "reason": reason} for path, reason, _ in report.skipped]
    _write_rows(out / "left-out.csv", skipped)
    for name in _TABLES:  # those of families that were not asked for this time are stale
        (out / name).unlink(missing_ok=True)
    for family in report.families:
        for name, rows in family.tables.items():
            _write_rows(out / f"{family.name}-{name}.csv", rows)
    write_text(out / "report.html", html)


def _pictures(report: EvaluationReport) -> list[dict[str, object]]:
    """A row for each picture, with what every family measured on it."""
    columns = {
        f"{family.name}: {name}": values
        for family in report.families
        for name, values in family.pictures.items()
    }
    pairs = report.pairs
    return [
        {"file": pairs.file[i], "person": pairs.person[i],
         **{name: "" if np.isnan(values[i]) else f"{values[i]:.4f}"
            for name, values in columns.items()}}
        for i in range(len(pairs.file))
    ]  # fmt: skip


def _write_rows(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Rows of equal keys as CSV; an empty file without any."""
    if rows:
        write_csv(path, rows[0], (row.values() for row in rows), line_end="\r\n")
    else:
        write_text(path, "")


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nan(inside) for name, inside in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value
