"""Privacy against expression of everything that we have, and of what people use instead.

    python benchmarks/privacy.py PEOPLE --faces PREPARED --work FOLDER [--paper FILE] [--docs docs]

PEOPLE is a folder with an index.csv (file, person, expression). The shape model is fitted anew on a
third of the people; all methods are evaluated on the others. What is made lies under FOLDER, so
that a stopped run goes on. --docs writes the table into results.md and the plot beside it.
"""

import argparse
import json
import shutil
import sys
from collections.abc import Callable
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from ganonymization import Anonymizer, registry
from ganonymization.batch.execute import execute, in_threads
from ganonymization.batch.folder import FolderJob
from ganonymization.batch.storage import LocalStorage
from ganonymization.detect.base import DetectorOptions, detect_turned
from ganonymization.evaluation import geometry, identity
from ganonymization.evaluation.command import evaluate
from ganonymization.evaluation.figures import EVERYBODY
from ganonymization.evaluation.ranking import first_ranked
from ganonymization.evaluation.request import OutputSource, Request, withheld
from ganonymization.io import images
from ganonymization.io.images import Picture
from ganonymization.surrogate.shape_model import ShapeModel
from ganonymization.training.shape_command import fitter_beside
from ganonymization.types import Image

FAMILIES = ("identity", "expression", "geometry", "quality", "coverage")
MARKER = "<!-- made by benchmarks/privacy.py -->"
COLUMNS = (
    "strongest attacker", "trained attacker", "by landmarks", "expressions read",
    "read by landmarks", "learnt anew", "mouth", "brows, eyes", "faces found", "verdict",
)  # fmt: skip


@contextmanager
def progress(title: str, total: int):
    """No bar: the log is for later."""
    print(f"  {title}: {total}", file=sys.stderr, flush=True)
    yield lambda: None


def blurred(part: Image) -> Image:
    """A box blur of half the box, as common redaction tools have it."""
    size = (max(part.shape[1] // 2, 1), max(part.shape[0] // 2, 1))
    return cv2.blur(part, size)


def pixelated(part: Image) -> Image:
    """Twenty squares across, as common redaction tools have it."""
    h, w = part.shape[:2]
    small = cv2.resize(
        part, (min(20, w), max(1, min(20, w) * h // w)), interpolation=cv2.INTER_AREA
    )
    return cv2.resize(small, (w, h), interpolation=cv2.INTER_NEAREST)


def solid(part: Image) -> Image:
    """Black."""
    return np.zeros_like(part)


def covered(
    image: Image, detect: Callable[[Image], list], cover: Callable[[Image], Image]
) -> Image:
    """Every detected face's ellipse, grown by 1.3, covered."""
    out = image.copy()
    for detection in detect_turned(detect, image):
        left, top, right, bottom = detection.box_xyxy
        centre = np.array([(left + right) / 2, (top + bottom) / 2])
        half = 0.65 * np.array([right - left, bottom - top])
        low = np.maximum(centre - half, 0).astype(int)
        high = np.minimum(centre + half + 1, image.shape[1::-1]).astype(int)
        where = slice(low[1], high[1]), slice(low[0], high[0])
        inside = np.zeros(image.shape[:2], np.uint8)
        cv2.ellipse(inside, (tuple(map(float, centre)), tuple(map(float, 2 * half)), 0), 1, -1)
        out[where] = np.where(inside[where][..., None] > 0, cover(out[where]), out[where])
    return out


def cover_all(cover: Callable[[Image], Image], source: Path, out: Path, files: list[str]) -> None:
    """A redaction tool on every file."""
    detect = registry.load(registry.DETECTORS, "blazeface")(DetectorOptions())
    for file in files:
        if not (out / file).is_file():
            picture = images.read(source / file)
            images.write(out / file, Picture(covered(picture.pixels, detect, cover)))


def copy_all(source: Path, out: Path, files: list[str]) -> None:
    """Nothing is done."""
    for file in files:
        (out / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / file, out / file)


def redraw_all(options: dict[str, object], source: Path, out: Path, files: list[str]) -> None:
    """Ours, or the paper's network."""
    job = FolderJob(lambda: Anonymizer(detector="blazeface", **options),
                    LocalStorage(source), LocalStorage(out), 1,
                    settings=repr(sorted((k, str(v)) for k, v in options.items() if k != "shape")),
                    chosen=frozenset(files))  # fmt: skip
    failed = [entry.file for entry in execute(job, in_threads(2)) if entry.status == "failed"]
    if failed:
        print(f"  failed: {failed}", file=sys.stderr)


def methods(shape: ShapeModel, paper: str | None) -> dict[str, Callable[..., None]]:
    """By name, from (source, out, files) to outputs."""
    made: dict[str, Callable[..., None]] = {
        "nothing": copy_all,
        "blur": partial(cover_all, blurred),
        "pixelate": partial(cover_all, pixelated),
        "solid": partial(cover_all, solid),
    }
    for mode in ("portrait", "scene"):
        for name, privacy in (("balanced", "balanced"), ("high", "high"), ("keep-shape", None)):
            options = {"mode": mode, "privacy": privacy, "shape": shape}
            made[f"ours, {mode}, {name}"] = partial(redraw_all, options)
    if paper:
        options = {"mode": "portrait", "privacy": None, "model": paper}
        made["the paper's network"] = partial(redraw_all, options)
    return made


def row(report) -> dict[str, object]:
    """What the table shows of a report."""
    families = {family.name: family for family in report.families}
    ranks = first_ranked(families["identity"].figures)
    ranks.pop(identity.FLOOR, None)
    which = max(ranks, key=lambda name: ranks[name].value)
    strongest, trained = ranks[which], ranks.get("trained")
    shapes = first_ranked(families["geometry"].figures)
    found = {f.title: f for family in report.families for f in family.figures
             if f.group == EVERYBODY}  # fmt: skip

    def value(title: str) -> float:
        return found[title].value if title in found else float("nan")

    regions = [
        value(f"expression kept, {region}, {geometry.AGAIN}") for region in ("brows", "eyes")
    ]
    return {
        "strongest attacker": [strongest.value, strongest.low, strongest.high],
        "which": which,
        "trained attacker": [trained.value, trained.low, trained.high] if trained else None,
        "by landmarks": max(
            (f.value for name, f in shapes.items() if name.endswith(geometry.AGAIN)),
            default=float("nan"),
        ),
        "expressions read": value("labels read from outputs") / value("labels read from originals"),
        "read by landmarks": value("labels read from outputs, by landmarks alone")
        / value("labels read from originals, by landmarks alone"),
        "learnt anew": value("labels read from outputs, learnt from outputs")
        / value("labels read from originals"),
        "mouth": value("mouth opening"),
        "brows, eyes": regions,
        "faces found": value("face found in the output"),
        "verdict": report.verdict,
        "verdicts": {family.name: family.verdict for family in report.families},
        "pictures": len(report.pairs.file),
        "people": len(np.unique(report.pairs.person)),
    }


def cell(value: object) -> str:
    """A figure as the table has it."""
    if isinstance(value, list) and len(value) == 3:
        return f"{value[0]:.3f} ({value[1]:.3f} to {value[2]:.3f})"
    if isinstance(value, list):
        return " / ".join("-" if v is None or np.isnan(v) else f"{v:.2f}" for v in value)
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def table(rows: dict[str, dict[str, object]]) -> str:
    """Markdown."""
    lines = ["| | " + " | ".join(COLUMNS) + " |", "| --- " * (len(COLUMNS) + 1) + "|"]
    for name, found in rows.items():
        cells = [cell(found.get(column)) for column in COLUMNS]
        cells[0] += f", {found['which']}"
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def plot(rows: dict[str, dict[str, object]], path: Path) -> None:
    """The strongest attacker against the expressions that are read."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.4), layout="constrained")
    axis = figure.subplots()
    for name, found in rows.items():
        value, low, high = found["strongest attacker"]
        x = 100 * found["expressions read"]
        colour = "#2b6cb0" if name.startswith("ours") else "#718096"
        marker = "s" if "scene" in name else "o"
        axis.plot([x, x], [100 * low, 100 * high], color=colour, linewidth=1)
        axis.plot(x, 100 * value, marker, color=colour)
        left = name.startswith("ours, portrait")  # scenes and portraits lie side by side
        axis.annotate(
            name.removeprefix("ours, "), (x, 100 * value), xytext=(-5 if left else 5, 4),
            textcoords="offset points", fontsize=8, ha="right" if left else "left",
        )  # fmt: skip
    axis.axhline(1, color="black", linewidth=0.8, linestyle=":")
    axis.set_yscale("log")
    axis.set_xlabel("expression labels read from outputs, % of those read from originals")
    axis.set_ylabel("people named by the strongest attacker, %")
    axis.grid(alpha=0.3)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def main() -> None:
    """Evaluate every method and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("people", type=Path)
    parser.add_argument("--faces", type=Path, required=True, help="a prepared folder")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--paper", help="the paper's network, trained by main.py train_pix2pix")
    parser.add_argument("--only", nargs="+", help="some of the methods")
    parser.add_argument("--docs", type=Path)
    arguments = parser.parse_args()
    results = arguments.work / "privacy.json"
    rows = json.loads(results.read_text()) if results.is_file() else {}
    request = Request(
        arguments.people, arguments.work, people=arguments.people / "index.csv", only=FAMILIES,
        detector="blazeface",
    )  # fmt: skip
    shape, kept_out = withheld(request, fitter_beside(arguments.faces))
    files = [
        path.relative_to(arguments.people).as_posix()
        for path in images.walk(arguments.people)
        if images.is_picture(path) and path.relative_to(arguments.people).as_posix() not in kept_out
    ]
    for name, make in methods(shape, arguments.paper).items():
        if name in rows or (arguments.only and name not in arguments.only):
            continue
        print(name, flush=True)
        folder = name.replace(", ", "-").replace(" ", "-").replace("'", "")
        outputs = arguments.work / "outputs" / folder
        make(arguments.people, outputs, files)
        asked = Request(
            arguments.people, arguments.work / "reports" / folder, outputs, request.people,
            only=FAMILIES, detector="blazeface", store=arguments.work / "measurements.sqlite",
        )  # fmt: skip
        report = evaluate(asked, OutputSource(None, withheld=kept_out), progress)
        rows[name] = row(report)
        results.write_text(json.dumps(rows, indent=1))
        print(table({name: rows[name]}), flush=True)
    print(table(rows))
    if arguments.docs:
        plot(rows, arguments.docs / "images" / "privacy.png")
        page = arguments.docs / "results.md"
        before, _, rest = page.read_text().partition(MARKER)
        _, _, after = rest.partition(MARKER)
        page.write_text(f"{before}{MARKER}\n\n{table(rows)}\n\n{MARKER}{after}")


if __name__ == "__main__":
    main()
