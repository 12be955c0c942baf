"""The report's page: one HTML file, no scripts, nothing from elsewhere."""

import base64
import inspect
import io
from collections.abc import Callable, Mapping, Sequence
from html import escape
from importlib import metadata
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as Pillow

from ..errors import InputError
from ..io import images
from . import plots
from .figures import EVERYBODY, Family, FamilyName, Figure, Verdict, worst

if TYPE_CHECKING:
    from .report import Report

_WORST, _SAMPLES, _THUMBNAIL_PX = 12, 24, 144
_PACKAGES = ("ganonymization", "onnxruntime", "numpy", "scipy", "scikit-learn",
             "dlib-bin", "matplotlib")  # fmt: skip
_WORDS: Mapping[Verdict, str] = {
    "pass": "yes", "warn": "with reservations", "fail": "no", "info": "not asked",
}  # fmt: skip
_PLOTS: Mapping[FamilyName, tuple[Callable[[Family], str | None], ...]] = {
    "identity": (plots.attacks, plots.distances),
    "expression": (plots.classes,),
    "traits": (plots.traits,),
    "geometry": (plots.attacks,),
}
_SAFE: tuple[FamilyName, ...] = ("identity", "geometry", "coverage")
# Where each family looks for its worst pictures, and whether large is bad.
_WORST_BY = (("identity", "ranked first", True), ("expression", "pose error", True),
             ("coverage", "mixed up", True))  # fmt: skip


def page(report: "Report", originals: Path | None, outputs: Mapping[str, Path]) -> str:
    """The page.

    Args:
        report: What was found.
        originals: Their folder if they may be shown, else None.
        outputs: By original, what is shown of each.
    """
    families = {family.name: family for family in report.families}
    style = files("ganonymization.evaluation").joinpath("page.css").read_text()
    parts = [
        _first_screen(report, families),
        _shown("Worst cases", _worst_cases(report), report, originals, outputs),
        _shown("Samples, drawn at random", _samples(report), report, originals, outputs),
        *(_family(family) for family in report.families),
        _left_out(report),
        _method(report),
    ]
    return (
        "<!doctype html><html lang=en><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width'>"
        f"<title>Anonymization: {report.verdict}</title><style>{style}</style>"
        f"<main>{''.join(parts)}</main></html>"
    )


def _first_screen(report: "Report", families: Mapping[FamilyName, Family]) -> str:
    """Is it safe, is the expression kept, what failed."""
    safe = worst([families[name].verdict for name in _SAFE if name in families])
    kept = families["expression"].verdict if "expression" in families else "info"
    failed = [family for family in report.families if family.verdict in ("fail", "warn")]
    told = "".join(
        f"<li><b>{family.name}: {family.verdict}.</b> {escape(' '.join(family.findings))}"
        for family in failed
    )
    people = len(np.unique(report.sides.person))
    return (
        f"<header class={report.verdict}><h1>{report.verdict.upper()}</h1>"
        f"<p>{len(report.sides.file)} pictures with a face, {people} people, "
        f"{len(report.left_out)} left out</header><section class=tiles>"
        + _tile("Is it safe?", safe, [families[n] for n in _SAFE if n in families])
        + _tile("Is the expression kept?", kept,
                [families[n] for n in ("expression",) if n in families])
        + f"<div class=tile><h2>What failed?</h2><ul>{told or '<li>Nothing.'}</ul></div></section>"
    )  # fmt: skip


def _tile(question: str, verdict: Verdict, families: Sequence[Family]) -> str:
    said = "".join(f"<li>{escape(family.findings[0])}" for family in families)
    return (
        f"<div class='tile {verdict}'><h2>{question} <em>{_WORDS[verdict]}</em></h2>"
        f"<ul>{said}</ul></div>"
    )


def _family(family: Family) -> str:
    drawn = [draw(family) for draw in _PLOTS.get(family.name, ())]
    findings = "".join(f"<p>{escape(finding)}" for finding in family.findings)
    tables = "".join(
        f"<h3>{escape(name)}</h3>{_table([dict(row) for row in rows])}"
        for name, rows in family.tables.items()
    )
    return (
        f"<section id={family.name}><h2>{family.name} <em class={family.verdict}>"
        f"{family.verdict}</em></h2>{findings}"
        + "".join(f"<figure>{svg}</figure>" for svg in drawn if svg)
        + f"{_figures(family.figures)}{tables}</section>"
    )


def _figures(figures: Sequence[Figure]) -> str:
    """Everybody's figures in one table, groups in another that is folded."""
    everybody = [_row(f) for f in figures if f.group == EVERYBODY]
    groups = [{"group": f.group, **_row(f)} for f in figures if f.group != EVERYBODY]
    folded = f"<details><summary>By group</summary>{_table(groups)}</details>" if groups else ""
    return _table(everybody) + folded


def _row(figure: Figure) -> dict[str, object]:
    def number(value: float) -> str:
        return "" if np.isnan(value) else f"{value:.3f}"

    interval = f"{number(figure.low)} to {number(figure.high)}" if figure.low == figure.low else ""
    against = ", ".join(f"{name} {value:.3g}" for name, value in figure.reference.items())
    return {"figure": figure.title, "value": number(figure.value) or "not measured",
            "95 % interval": interval, "n": figure.count or "", "hold against": against,
            "defined as": figure.metric}  # fmt: skip


def _table(rows: Sequence[Mapping[str, object]]) -> str:
    if not rows:
        return ""
    head = "".join(f"<th>{escape(str(name))}" for name in rows[0])

    def cell(value: object) -> str:
        if isinstance(value, float):
            return "" if np.isnan(value) else f"{value:.4g}"
        return escape(str(value))

    body = "".join("<tr>" + "".join(f"<td>{cell(value)}" for value in row.values()) for row in rows)
    return f"<table><tr>{head}{body}</table>"


def _worst_cases(report: "Report") -> list[tuple[int, str]]:
    """Rows of pictures and what is bad about them, the worst of each kind first."""
    found: list[tuple[int, str]] = []
    each = _WORST // len(_WORST_BY)
    for name, column, large in _WORST_BY:
        values = next((f.pictures.get(column) for f in report.families if f.name == name), None)
        if values is None or not np.isfinite(values).any():
            continue
        order = np.argsort(np.where(np.isfinite(values), -values if large else values, np.inf))
        found += [(int(i), f"{column}: {values[i]:.2f}") for i in order[:each] if values[i] > 0]
    return found


def _samples(report: "Report") -> list[tuple[int, str]]:
    count = len(report.sides.file)
    drawn = np.random.default_rng(0).permutation(count)[:_SAMPLES]
    return [(int(i), "") for i in drawn]


def _shown(
    title: str, rows: Sequence[tuple[int, str]], report: "Report", originals: Path | None,
    outputs: Mapping[str, Path],
) -> str:  # fmt: skip
    cells = []
    for i, why in rows:
        file = str(report.sides.file[i])
        before = _thumbnail(originals / file) if originals else ""
        after = _thumbnail(outputs[file]) if file in outputs else "no output"
        cells.append(f"<figure>{before}{after}<figcaption>{escape(file)} {escape(why)}"
                     "</figcaption></figure>")  # fmt: skip
    note = "" if originals else "<p>Outputs only; originals are shown with --with-originals."
    return f"<section><h2>{title}</h2>{note}<div class=faces>{''.join(cells)}</div></section>"


def _thumbnail(path: Path) -> str:
    try:
        picture = Pillow.fromarray(images.read(path).pixels)
    except InputError as error:
        return escape(str(error))
    picture.thumbnail((_THUMBNAIL_PX, _THUMBNAIL_PX))
    file = io.BytesIO()
    picture.save(file, "WEBP", quality=80)
    data = base64.b64encode(file.getvalue()).decode()
    return f"<img alt='' src='data:image/webp;base64,{data}'>"


def _left_out(report: "Report") -> str:
    rows = [{"file": left.path.name, "why": left.reason} for left in report.left_out[:50]]
    more = len(report.left_out) - len(rows)
    rest = f"<p>and {more} more, see left-out.csv" if more > 0 else ""
    return f"<section><h2>Left out</h2>{_table(rows) or '<p>Nothing.'}{rest}</section>"


def _method(report: "Report") -> str:
    metrics = {m.__name__: m for family in report.families for m in family.metrics}
    definitions = "".join(
        f"<dt>{name}<dd>{escape(definition(metric))}" for name, metric in metrics.items()
    )
    versions = [{"package": name, "version": _version(name)} for name in _PACKAGES]
    settings = [{"setting": name, "value": value} for name, value in report.settings.items()]
    return (
        f"<section><h2>Method</h2>{_table(settings)}<dl>{definitions}</dl>"
        f"<h2>Versions</h2>{_table(versions)}</section>"
    )


def definition(metric: Callable[..., object]) -> str:
    """What a metric's docstring says before its arguments."""
    text = inspect.getdoc(metric) or ""
    return text.partition("\n\nArgs:")[0].partition("\n\nReturns:")[0].replace("\n", " ")


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
