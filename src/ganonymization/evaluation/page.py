"""The report's page: one HTML file, no scripts, nothing from elsewhere."""

import base64
import inspect
import io
from collections.abc import Callable, Mapping, Sequence
from html import escape
from importlib import metadata
from importlib.resources import files
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from ..errors import InputError
from ..io import images
from . import plots
from .figures import EVERYBODY, Family, FamilyName, Figure, Verdict, not_asked, worst
from .report import EvaluationReport

_WORST, _SAMPLES, _THUMBNAIL_PX = 12, 24, 144
_MOST_ROWS = 50
_PACKAGES = ("ganonymization", "onnxruntime", "numpy", "scipy", "scikit-learn",
             "dlib-bin", "matplotlib")  # fmt: skip
_WORDS: Mapping[Verdict, str] = {
    "pass": "yes", "warn": "with reservations", "fail": "no", "inconclusive": "inconclusive",
}  # fmt: skip
_PLOTS: Mapping[FamilyName, tuple[Callable[[Family], str | None], ...]] = {
    "identity": (plots.attacks, plots.distances),
    "expression": (plots.classes,),
    "traits": (plots.traits,),
    "geometry": (plots.attacks,),
}
_SAFE: tuple[FamilyName, ...] = ("identity", "geometry", "coverage")
# By which column each family finds its worst pictures; large is bad.
_WORST_BY: Mapping[FamilyName, str] = {
    "identity": "ranked first", "expression": "pose error", "coverage": "mixed up",
}  # fmt: skip


def page(report: EvaluationReport, originals: Path | None, outputs: Mapping[str, Path]) -> str:
    """The page.

    Args:
        report: What was found.
        originals: Their folder if they may be shown, else None.
        outputs: By original, what is shown of each.
    """
    families = {family.name: family for family in report.families}
    style = files("ganonymization.evaluation").joinpath("page.css").read_text()
    drawn = np.random.default_rng(0).permutation(len(report.pairs.file))[:_SAMPLES]
    samples = [(int(i), "") for i in drawn]
    parts = [
        _first_screen(report, families),
        _shown("Worst cases", _worst_cases(report), report, originals, outputs),
        _shown("Samples, drawn at random", samples, report, originals, outputs),
        *(_family(family) for family in report.families),
        _skipped(report),
        _method(report),
    ]
    return (
        "<!doctype html><html lang=en><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width'>"
        f"<title>Anonymization: {report.verdict}</title><style>{style}</style>"
        f"<main>{''.join(parts)}</main></html>"
    )


def _first_screen(report: EvaluationReport, families: Mapping[FamilyName, Family]) -> str:
    """Is it safe, is the expression kept, what failed."""
    failures = "".join(
        f"<li><b>{family.name}: {family.verdict}.</b> {escape(' '.join(family.findings))}"
        for family in report.families
        if family.verdict in ("fail", "warn")
    )
    unknown = "".join(
        f"<li><b>{family}:</b> {escape(what)}. {escape(remedy[:1].upper() + remedy[1:])}."
        for family, (what, remedy) in report.missing
    )
    people = len(np.unique(report.pairs.person))
    return (
        f"<header class={report.verdict}><h1>{report.verdict.upper()}</h1>"
        f"<p>{len(report.pairs.file)} pictures with a face, {people} people, "
        f"{len(report.skipped)} left out; {escape(report.rests_on)}</header><section class=tiles>"
        + _tile("Is it safe?", _SAFE, families)
        + _tile("Is the expression kept?", ("expression",), families)
        + f"<div class=tile><h2>What failed?</h2><ul>{failures or '<li>Nothing.'}</ul></div>"
        f"<div class=tile><h2>What was not measured?</h2><ul>{unknown or '<li>Nothing.'}</ul></div>"
        "</section>"
    )  # fmt: skip


def _tile(question: str, names: Sequence[FamilyName], families: Mapping[FamilyName, Family]) -> str:
    asked = [families[name] for name in names if name in families]
    lacking = [m for name, m in not_asked(asked).items() if name in names]
    verdict = worst([family.verdict for family in asked], lacking)
    findings = "".join(f"<li>{escape(family.findings[0])}" for family in asked)
    return (
        f"<div class='tile {verdict}'><h2>{question} <em>{_WORDS[verdict]}</em></h2>"
        f"<ul>{findings}</ul></div>"
    )


def _family(family: Family) -> str:
    drawn = [draw(family) for draw in _PLOTS.get(family.name, ())]
    findings = "".join(f"<p>{escape(finding)}" for finding in family.findings)
    tables = "".join(
        f"<h3>{escape(name)}</h3>{_listed(rows, f'{family.name}-{name}.csv')}"
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


def _listed(rows: Sequence[Mapping[str, object]], file: str) -> str:
    """The first rows; the file has all."""
    more = len(rows) - _MOST_ROWS
    return _table(rows[:_MOST_ROWS]) + (f"<p>and {more} more, see {file}" if more > 0 else "")


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


def _worst_cases(report: EvaluationReport) -> list[tuple[int, str]]:
    """Rows of pictures and what is bad about them, the worst of each kind first."""
    found: list[tuple[int, str]] = []
    families = {family.name: family for family in report.families}
    for name, column in _WORST_BY.items():
        values = families[name].pictures.get(column) if name in families else None
        if values is not None:
            worst_first = np.argsort(np.where(np.isfinite(values), -values, np.inf))
            found += [
                (int(i), f"{column}: {values[i]:.2f}")
                for i in worst_first[: _WORST // len(_WORST_BY)]
                if values[i] > 0
            ]
    return found


def _shown(
    title: str, rows: Sequence[tuple[int, str]], report: EvaluationReport, originals: Path | None,
    outputs: Mapping[str, Path],
) -> str:  # fmt: skip
    cells = []
    for i, why in rows:
        file = str(report.pairs.file[i])
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


def _skipped(report: EvaluationReport) -> str:
    rows = [{"file": path.name, "why": reason} for path, reason, _ in report.skipped]
    return f"<section><h2>Left out</h2>{_listed(rows, 'left-out.csv') or '<p>Nothing.'}</section>"


def _method(report: EvaluationReport) -> str:
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
