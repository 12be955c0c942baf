"""Where the time of a picture goes, as stacked bars in an SVG file.

    python benchmarks/stages.py --json STAGES.json
    python tools/performance_bar.py STAGES.json docs/images/stages.svg

A bar is a row of a table there: the stages' shares of its time, which stands behind it. What the
rows' totals have beyond their stages is *other*.
"""

import argparse
import json
from dataclasses import dataclass
from html import escape
from pathlib import Path

COLOURS = {  # Okabe and Ito's, which the colour-blind tell apart
    "read": "#999999", "detect": "#0072b2", "landmarks": "#56b4e9", "shape": "#000000",
    "synthesize": "#e69f00", "composite": "#cc79a7", "check": "#009e73", "write": "#d55e00",
    "other": "#dddddd",
}  # fmt: skip
DARK = {"detect", "shape", "write"}  # white letters on these
LABEL_PX, BAR_PX, TOTAL_PX, MARGIN_PX = 190, 520, 80, 12
ROW_PX, GAP_PX = 22, 5
SHOWN_SHARE = 0.055  # narrower parts bear no number


@dataclass(frozen=True)
class Bar:
    """A row.

    Attributes:
        name: Before it.
        parts_ms: By stage.
        total_ms: Of all.
    """

    name: str
    parts_ms: dict[str, float]
    total_ms: float


def bars(rows: dict[str, dict[str, float]]) -> list[Bar]:
    """The rows of a table, with what no stage took.

    Medians of stages may add up to more than the median of the whole; then the sum is the whole.
    """
    made = []
    for name, row in rows.items():
        parts = {stage: row[stage] for stage in COLOURS if row.get(stage, 0) > 0}
        parts["other"] = max(0.0, row["total"] - sum(parts.values()))
        made.append(Bar(name, parts, sum(parts.values())))
    return made


def text(x: float, y: float, words: str, style: str = "") -> str:
    """A line of text."""
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(words)}</text>'


def drawn(bar: Bar, y: float) -> list[str]:
    """A bar with its name before and its milliseconds behind."""
    baseline = y + ROW_PX * 0.68
    lines = [text(LABEL_PX - 8, baseline, bar.name, 'text-anchor="end"')]
    x = float(LABEL_PX)
    for stage, spent_ms in bar.parts_ms.items():
        width = BAR_PX * spent_ms / bar.total_ms
        lines.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{ROW_PX}" '
            f'fill="{COLOURS[stage]}"><title>{stage} {spent_ms:.1f} ms</title></rect>'
        )
        if width >= SHOWN_SHARE * BAR_PX:
            fill = "#fff" if stage in DARK else "#000"
            style = f'text-anchor="middle" fill="{fill}"'
            lines.append(text(x + width / 2, baseline, f"{spent_ms:.0f}", style))
        x += width
    return [*lines, text(LABEL_PX + BAR_PX + 8, baseline, f"{bar.total_ms:.0f} ms")]


def legend(stages: list[str], y: float) -> list[str]:
    """A square and a name for each stage."""
    lines, step = [], (LABEL_PX + BAR_PX + TOTAL_PX - 2 * MARGIN_PX) / len(stages)
    for i, stage in enumerate(stages):
        x = MARGIN_PX + i * step
        lines.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="12" height="12" fill="{COLOURS[stage]}"/>'
        )
        lines.append(text(x + 16, y + 10.5, stage))
    return lines


def picture(tables: dict[str, list[Bar]], machine: str) -> str:
    """The whole drawing."""
    seen = {stage for table in tables.values() for bar in table for stage in bar.parts_ms}
    lines = legend([stage for stage in COLOURS if stage in seen], MARGIN_PX)
    y = MARGIN_PX + 28.0
    for title, table in tables.items():
        lines.append(text(MARGIN_PX, y + 14, title, 'font-weight="bold"'))
        y += 22
        for bar in table:
            lines += drawn(bar, y)
            y += ROW_PX + GAP_PX
        y += 8
    lines.append(text(MARGIN_PX, y + 10, f"milliseconds; {machine}", 'fill="#555"'))
    width, height = LABEL_PX + BAR_PX + TOTAL_PX, y + 22
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:.0f}" '
        f'width="{width}" height="{height:.0f}" font-family="sans-serif" font-size="12">'
    )
    background = '<rect width="100%" height="100%" fill="#fff"/>'
    return "\n".join([head, background, *lines, "</svg>\n"])


def main() -> None:
    """Draw and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stages", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    told = json.loads(arguments.stages.read_text())
    tables = {title: bars(rows) for title, rows in told["tables"].items()}
    arguments.out.write_text(picture(tables, told["machine"]))


if __name__ == "__main__":
    main()
