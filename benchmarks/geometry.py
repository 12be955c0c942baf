"""What the landmarks that are released tell of the person, and what is left of the expression.

    python benchmarks/geometry.py PEOPLE --faces PREPARED --turns 1 2 [--drawn] [--figure FILE.png]

PEOPLE is a folder with an index.csv (file, person, expression). The people are split into thirds:
on one the shape model is fitted, from another the attackers learn (on landmarks released in the
same way), the last is attacked. Turn 0, 1 or 2 says which third that is; the figures are means over
the turns. Settings were chosen on turn 0, so a report leaves it out. --drawn also attacks the
landmarks found again in heads drawn from the surrogates.
"""

import argparse
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganonymization import Anonymizer, FaceError
from ganonymization.datasets.people import People, read_people
from ganonymization.evaluation import geometry as g
from ganonymization.evaluation.attackers import folds, several
from ganonymization.io import images
from ganonymization.surrogate.shape_model import ExpressionCoder, ShapeModel
from ganonymization.training import layout, shape_faces, shape_fit

LEAK_WEIGHTS = dict(
    sorted(
        {"0.1": 0.1, "0.25": 0.25, "1": 1.0, "10": 10.0, **shape_fit.LEAK_WEIGHTS}.items(),
        key=lambda named: named[1],
    )
)
LINEAR_CODES = (3, 5, 8, 12, 20)
Released = NDArray[np.float64]


def linear_coder(people: People, singles: NDArray[np.float64], codes: int) -> ShapeModel:
    """Regions weighed equally, leading within-person directions: no thresholds, nothing learnt."""
    faces = shape_faces.Faces.of(people, singles)
    weights = shape_fit.coordinate_weights(faces.within())
    kept = shape_fit.principal(faces.within() * weights, codes)
    coder = ExpressionCoder(kept * weights, np.full(codes, 1e-9), kept / weights)
    nobody = np.zeros((1, faces.mean.size))
    return ShapeModel(faces.mean, faces.pose_terms, nobody, {"balanced": coder})


def released(model: ShapeModel, name: str, landmarks: NDArray[np.float64], seed: int) -> Released:
    """The landmarks that a coder releases, all of them as the same nobody's."""
    only = dataclasses.replace(model, coders={"balanced": model.coders[name]})
    return g.aligned(only.surrogate(landmarks, seed))


def drawn(
    model: ShapeModel, name: str, people: People, folder: Path, wanted: NDArray[np.bool_]
) -> tuple[Released, NDArray[np.bool_]]:
    """The landmarks found again in heads drawn from the surrogates, and in which of them."""
    only = dataclasses.replace(model, coders={"balanced": model.coders[name]})
    anonymizer = Anonymizer(mode="portrait", detector="blazeface", shape=only)
    found: list[NDArray[np.float64]] = []
    seen = wanted.copy()
    for i in np.flatnonzero(wanted):
        result = anonymizer(images.read(folder / people.files[i]).pixels, seed=1)
        try:
            if not result.faces or not result.faces[0].synthesized:
                raise FaceError("not drawn")
            found.append(anonymizer.landmarks(result.portraits[0]))
        except FaceError:
            seen[i] = False
    return g.aligned(np.stack(found)), seen


def figures(
    before: Released, after: Released, people: People, part: NDArray[np.int64]
) -> dict[str, float]:
    """All figures of one release on one split: part 2 attacks, part 0 is attacked."""
    attack, test = part == 2, part == 0
    told = {kind: g.rank1(after, people, attack, test, kind)[0] for kind in ("lda", "mlp")}
    person, expression = people.person, people.expression
    kept = g.expression_kept(before, after, person, expression, test)
    told |= {region: value[0] for region, value in kept.items()}
    right = g.classified(after, person, expression, ~test, test)
    return told | {"classified": right[0]}


def main() -> None:
    """Print the table, write it as JSON, and draw the curve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("people", type=Path)
    parser.add_argument("--faces", type=Path, required=True, help="a prepared folder")
    parser.add_argument("--turns", type=int, nargs="+", default=[0, 1, 2], help="splits")
    parser.add_argument("--drawn", action="store_true")
    parser.add_argument("--figure", type=Path)
    parser.add_argument("--out", type=Path, default=Path("geometry.json"))
    arguments = parser.parse_args()
    people, left_out = read_people(arguments.people, arguments.people / "index.csv")
    print(f"{len(people.files)} pictures, left out {len(left_out)}")
    singles = layout.load(arguments.faces, "landmarks.npy").astype(np.float64)
    before = g.aligned(people.landmarks_px)
    rows: dict[str, list[dict[str, float]]] = {}

    def add(name: str, part: NDArray[np.int64], release: Callable[[], Released]) -> None:
        row = figures(before, release(), people, part)
        rows.setdefault(name, []).append(row)
        print(name, {k: round(v, 3) for k, v in row.items()}, flush=True)

    for turn in arguments.turns:
        part = (folds(people.person) - turn) % 3
        print(f"turn {turn}: galleries of {several(people.person, part == 0)} people, at most 100")
        fitted = people.of(part == 1)
        model = shape_fit.fit_shape(fitted, singles, LEAK_WEIGHTS)
        add("as they are", part, lambda: before)
        closed = dataclasses.replace(model.coders["balanced"], threshold=np.full(10, 1e9))
        bare = dataclasses.replace(model, coders={"balanced": closed})
        add("pose, openings and gaze alone", part,
            lambda m=bare: released(m, "balanced", people.landmarks_px, 1))  # fmt: skip
        for codes in LINEAR_CODES:
            linear = linear_coder(fitted, singles, codes)
            add(f"linear {codes}", part,
                lambda m=linear: released(m, "balanced", people.landmarks_px, 1))  # fmt: skip
        for name in LEAK_WEIGHTS:
            add(name, part, lambda n=name, m=model: released(m, n, people.landmarks_px, 1))
        for name in ("balanced", "high") if arguments.drawn else ():
            wanted = part != 1
            after, seen = drawn(model, name, people, arguments.people, wanted)
            print(f"{name}: {(wanted & ~seen).sum()} heads without landmarks")
            row = figures(before[seen], after, people.of(seen), part[seen])
            rows.setdefault(f"{name}, drawn", []).append(row)
        arguments.out.write_text(json.dumps(rows, indent=1))
    table(rows)
    if arguments.figure:
        curve(rows, arguments.figure)


def table(rows: dict[str, list[dict[str, float]]]) -> None:
    """Means over the splits, as markdown."""
    names = list(next(iter(rows.values()))[0])
    print(
        "\n| released | " + " | ".join(names) + " | of raw |\n" + "| --- " * (len(names) + 2) + "|"
    )
    raw = np.mean([row["lda"] for row in rows["as they are"]])
    for name, found in rows.items():
        means = {k: float(np.mean([row[k] for row in found])) for k in names}
        strongest = max(means["lda"], means["mlp"])
        cells = [f"{value:.3f}" for value in means.values()] + [f"1/{raw / strongest:.1f}"]
        print(f"| {name} | " + " | ".join(cells) + " |")


def curve(rows: dict[str, list[dict[str, float]]], path: Path) -> None:
    """Privacy against expression, a point for each release."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(10, 4.2), sharey=True)
    for axis, regions in zip(axes, (("face",), ("brows", "eyes", "mouth")), strict=True):
        for kind, marker in (("linear", "s--"), ("ours", "o-")):
            chosen = [n for n in rows if (n.startswith("linear") if kind == "linear" else
                                          n in LEAK_WEIGHTS)]  # fmt: skip
            x = [np.mean([np.mean([row[r] for r in regions]) for row in rows[n]]) for n in chosen]
            y = [100 * np.mean([max(row["lda"], row["mlp"]) for row in rows[n]]) for n in chosen]
            axis.plot(x, y, marker, label="region-weighed linear model" if kind == "linear" else
                      "this project")  # fmt: skip
            for name, a, b in zip(chosen, x, y, strict=True):
                if name in ("balanced", "high") or kind == "linear":
                    axis.annotate(name.removeprefix("linear "), (a, b), fontsize=8,
                                  xytext=(4, 4), textcoords="offset points")  # fmt: skip
        raw = 100 * np.mean([max(row["lda"], row["mlp"]) for row in rows["as they are"]])
        axis.plot([1], [raw], "k*", markersize=10, label="as they are (the paper)")
        axis.set_xlabel("expression kept, " + ", ".join(regions))
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("rank 1 among about 100 people, %")
    axes[0].axhline(1, color="grey", linewidth=0.8)
    axes[0].legend()
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
