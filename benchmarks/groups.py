"""Whom does the generator serve, and whom less well? Scenes by sex, age, skin and expression.

    python benchmarks/groups.py --faces FACES_HD --prepared PREPARED --portraits PORTRAITS \
        [--model default] [--seeds 2]

FACES_HD has an index.csv with file, sex, age_estimate; PREPARED is FACES_HD prepared with readings:
of its faces those that were never trained on are used, without the donors among them. PORTRAITS
holds pictures of one face each, whose names begin with female or male.

Redrawn: faces that were not covered instead. Label kept: the reader sees the same expression as in
the original. Gaze: median angle between where irises look before and after, by the iris's place
between the lids' corners on an eyeball of 0.8 of an eye's width. Tone: median distance in CIELAB of
the skin from the original's.
"""

import argparse
import csv
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganonymization import Anonymizer
from ganonymization.geometry.skin import skin_lab
from ganonymization.io import images
from ganonymization.surrogate.expression_reading import EXPRESSIONS, ExpressionReader

from held_out_donors import bank_without, held_out  # isort: skip

IRISES = ((468, 33, 133), (473, 362, 263))  # centre, and the corners of its eye from left to right
EYEBALL = 0.4  # radius, in widths of an eye
Points = NDArray[np.float64]


@dataclass
class Seen:
    """A face and its new one."""

    groups: tuple[str, ...]
    redrawn: bool
    label_kept: bool = False
    gaze_deg: float = np.nan
    tone: float = np.nan


def gaze_deg(points: Points) -> Points:
    """Mean (right, down) of both irises in degrees from the middle of the eye, (2,)."""
    angles = []
    for iris, left, right in IRISES:
        across = (points[right] - points[left])[:2]
        width = float(np.linalg.norm(across))
        along = across / width
        offset = points[iris, :2] - (points[left, :2] + points[right, :2]) / 2
        turned = np.array([offset @ along, offset @ np.array([-along[1], along[0]])])
        angles.append(np.degrees(np.arcsin(np.clip(turned / (EYEBALL * width), -1, 1))))
    return np.asarray(np.mean(angles, 0))


def pictures(a: argparse.Namespace) -> list[tuple[Path, str, float]]:
    """Path, sex and age (0 where nobody knows) of each picture."""
    rows = {r["file"]: r for r in csv.DictReader((a.faces / "index.csv").open())}
    found = [
        (a.faces / name, rows[name]["sex"][:1], float(rows[name]["age_estimate"] or 0))
        for name in sorted(held_out(a.prepared))
    ]
    return found + [
        (path, path.name[0], 0.0) for path in images.walk(a.portraits) if images.is_picture(path)
    ]


def groups_of(sex: str, age: float, ita_deg: float, label: str) -> tuple[str, ...]:
    """All that a face belongs to."""
    skin = "skin light" if ita_deg > 41 else "skin dark" if ita_deg < 10 else "skin medium"
    years = (
        () if not age else (("under 30" if age < 30 else "30 to 50" if age <= 50 else "over 50"),)
    )
    sexes = {"f": ("women",), "m": ("men",)}.get(sex, ())
    return ("all", *sexes, *years, skin, label)


def main() -> None:
    """Print a table, a row for each group."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("faces", "prepared", "portraits"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--model", default="default")
    parser.add_argument("--seeds", type=int, default=2)
    a = parser.parse_args()
    scratch, bank = tempfile.TemporaryDirectory(), None
    if a.model == "default":
        bank = bank_without(held_out(a.prepared), Path(scratch.name) / "donors.npz")
    anonymizer = Anonymizer(model=a.model, audit=False, bank=bank)
    finder = Anonymizer(model="plain")
    reader, seen = ExpressionReader(), list[Seen]()
    for path, sex, age in pictures(a):
        image = images.read(path).pixels
        found = finder.locate(image)
        if not found or found[0].landmarks_px is None:
            continue
        points = found[0].landmarks_px
        light, _, yellow = tone = skin_lab(image, points)
        label = int(reader(image, points).argmax())
        ita_deg = float(np.degrees(np.arctan2(light - 50, yellow)))
        groups = groups_of(sex, age, ita_deg, EXPRESSIONS[label])
        for seed in range(a.seeds):
            result = anonymizer(image, seed=seed, name=path.name)
            assert result.image is not None
            again = finder.locate(result.image)
            if not result.faces[0].synthesized or not again or again[0].landmarks_px is None:
                seen.append(Seen(groups, False))
                continue
            new = again[0].landmarks_px
            kept = int(reader(result.image, new).argmax()) == label
            gaze = float(np.linalg.norm(gaze_deg(new) - gaze_deg(points)))
            gap = float(np.linalg.norm(skin_lab(result.image, new) - tone))
            seen.append(Seen(groups, True, kept, gaze, gap))
    print("| group | faces | redrawn | label kept | gaze, median degrees | tone, median CIELAB |")
    print("| --- | --- | --- | --- | --- | --- |")
    for group in dict.fromkeys(name for one in seen for name in one.groups):
        ones = [one for one in seen if group in one.groups]
        drawn = [one for one in ones if one.redrawn]
        print(
            f"| {group} | {len(ones) // a.seeds} | {len(drawn) / len(ones):.2f} | "
            f"{np.mean([one.label_kept for one in drawn]):.2f} | "
            f"{np.median([one.gaze_deg for one in drawn]):.1f} | "
            f"{np.median([one.tone for one in drawn]):.1f} |"
        )


if __name__ == "__main__":
    main()
