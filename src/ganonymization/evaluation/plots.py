"""The report's pictures, as SVG."""

import io
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from .figures import Family, Figure
from .identity import FLOOR
from .ranking import first_ranked

_BLUE, _GREY, _LIGHT = "#2b6cb0", "#718096", "#cbd5e0"


def attacks(family: Family) -> str | None:
    """Rank 1 of every attack with its interval, chance, and what originals give."""
    first = first_ranked(family.figures)
    if not first:
        return None
    names, found = list(first), list(first.values())
    order = np.argsort([f.value for f in found])
    colours = [_GREY if names[i] in (FLOOR, "lda, as they are", "mlp, as they are") else _BLUE
               for i in order]  # fmt: skip
    figure = _bars([names[i] for i in order], [found[i] for i in order], colours)
    axis = figure.axes[0]
    chance = [100 * found[i].reference["chance"] for i in order]
    axis.plot(chance, np.arange(len(order)), "k|", markersize=9)
    axis.set_xlabel("people named first, % (stroke: chance; grey: originals)")
    return _svg(figure)


def classes(family: Family) -> str | None:
    """F1, kappa and mean change of probability of each expression, as in the paper."""
    rows = family.tables.get("classes", [])
    if not rows:
        return None
    figure, axis = _axes(0.5 + 0.42 * len(rows))
    places = np.arange(len(rows))
    keys = ("kappa", "F1 learnt from outputs", "mean |change of p|")
    for k, (key, colour) in enumerate(zip(keys, (_BLUE, "#38a169", "#dd6b20"), strict=True)):
        values = [float(str(row[key])) for row in rows]
        axis.barh(places + 0.25 * (k - 1), values, 0.23, color=colour, label=key)
    axis.set_yticks(places, [str(row["expression"]) for row in rows], parse_math=False)
    axis.legend(frameon=False, fontsize=8)
    return _svg(figure)


def traits(family: Family) -> str | None:
    """The share of each trait that is lost, sorted; the paper's bar chart."""
    found = sorted((f for f in family.figures if f.metric == "trait_lost"), key=lambda f: f.value)
    if not found:
        return None
    figure = _bars([f.title for f in found], found, [_BLUE] * len(found))
    axis = figure.axes[0]
    expected = [100 * f.reference["as often without it"] for f in found]
    axis.plot(expected, np.arange(len(found)), "k|", markersize=9)
    axis.set_xlabel("seen before and no longer after, % (stroke: as often in all outputs)")
    return _svg(figure)


def distances(family: Family) -> str | None:
    """How far outputs are from their originals, and where a recogniser says: the same person."""
    gaps = family.pictures.get("distance")
    if gaps is None or not np.isfinite(gaps).any():
        return None
    figure, axis = _axes(1.8)
    axis.hist(gaps[np.isfinite(gaps)], bins=40, color=_BLUE)
    threshold = family.figure("called the same person").reference["threshold"]
    axis.axvline(threshold, color="black", linewidth=0.8, linestyle=":")
    axis.set_xlabel("distance to the own original (dotted: nearer is the same person)")
    axis.set_ylabel("pictures")
    return _svg(figure)


def _bars(names: Sequence[str], found: Sequence[Figure], colours: Sequence[str]) -> Any:
    figure, axis = _axes(0.6 + 0.26 * len(names))
    values = np.array([100 * f.value for f in found])
    places = np.arange(len(names))
    axis.barh(places, values, color=colours)
    axis.hlines(places, [100 * f.low for f in found], [100 * f.high for f in found], color=_GREY)
    axis.set_yticks(np.arange(len(names)), names, parse_math=False)
    return figure


def _axes(height: float) -> tuple[Any, Any]:
    from matplotlib.figure import Figure as Canvas  # no pyplot: it keeps figures alive

    canvas = Canvas(figsize=(7, max(height, 1.4)), layout="constrained")
    axis = canvas.subplots()
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(labelsize=8)
    axis.grid(axis="x", color=_LIGHT, linewidth=0.5)
    axis.set_axisbelow(True)
    return canvas, axis


def _svg(figure: Any) -> str:
    import matplotlib

    file = io.StringIO()
    # text stays text: the reader's browser has the letters of every script
    with matplotlib.rc_context({"svg.fonttype": "none"}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")
        figure.savefig(file, format="svg", metadata={"Date": None})
    text = file.getvalue()
    return text[text.index("<svg") :]
