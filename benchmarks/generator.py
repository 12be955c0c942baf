"""Generators side by side: geometry, expression, who is recognised, how real, how seamless.

    python benchmarks/generator.py default old=OLD.onnx paper=PAPER.onnx \
        --portraits FOLDER --people FOLDER --train FOLDER --out REPORT.json

PORTRAITS holds pictures of one face each, whose file names tell the gender and a number: odd ones
are reported, even ones (--even) are for choosing. PEOPLE and TRAIN have an index.csv with a column
``file``, PEOPLE also ``person``. The landmarks are the sources' own, or with --privacy surrogates;
seeds are random. A face that was filled, or is seen more than 0.25 outer-eye distances off, counts
as not found again. Distances are in outer-eye distances.
"""

import argparse
import csv
import json
import re
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ganonymization import Anonymizer, FaceError
from ganonymization.detect.base import detect_turned
from ganonymization.evaluation.statistics import (
    distances,
    frechet,
    interval_over_people,
    rank_probabilities,
)
from ganonymization.geometry import transforms
from ganonymization.geometry.wall import RING, Place, Wall
from ganonymization.io import images
from ganonymization.landmarks.search import find_landmarks
from ganonymization.recognize.recogniser import DlibRecogniser
from ganonymization.types import Image

MOUTH, EYES = (13, 14), ((159, 145), (386, 374))
GALLERY = 102  # people
ELSEWHERE_EYES = 0.25
Points = NDArray[np.float64]


@dataclass
class Source:
    """One picture with its largest face."""

    path: Path
    group: dict[str, str]
    person: str
    image: Image
    landmarks_px: Points
    features: NDArray[np.float64] | None = None


@dataclass
class Measured:
    """What came of the sources that had a face, in one mode of one model."""

    found: dict[str, float] = field(default_factory=dict)
    error: dict[str, float] = field(default_factory=dict)
    openings: dict[str, tuple[float, ...]] = field(default_factory=dict)
    seam: dict[str, tuple[float, float]] = field(default_factory=dict)
    features: dict[str, NDArray[np.float64]] = field(default_factory=dict)


def eyes_px(points: Points) -> float:
    """The outer-eye distance, told from the whole pose."""
    return (
        1000
        / transforms.scale_of(transforms.generator_crop(points, 1000))
        / transforms.CROP_SIDE_EYES
    )


def openings(points: Points) -> tuple[float, float]:
    """Mouth and mean eye opening, in outer-eye distances."""

    def gap(a: int, b: int) -> float:
        return float(np.linalg.norm(points[a, :2] - points[b, :2])) / eyes_px(points)

    return gap(*MOUTH), (gap(*EYES[0]) + gap(*EYES[1])) / 2


def skin_tone(image: Image, points: Points) -> str:
    """Light, medium or dark by the individual typology angle of the cheeks (Chardon 1991)."""
    lab = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    places = np.round(points[[50, 280, 101, 330], :2]).astype(int)
    inside = places[(places >= 0).all(1) & (places < image.shape[1::-1]).all(1)]
    if not len(inside):
        return "unknown"
    light, _, yellow = np.median([lab[y, x] for x, y in inside], axis=0)
    angle = np.degrees(np.arctan2(light - 50, yellow))
    return "light skin" if angle > 41 else "medium skin" if angle > 10 else "dark skin"


def seam_gradients(
    before: Image, after: Image, points: Points, asked: Points, size: int
) -> tuple[float, float]:
    """Mean gradient across the mask's outer edge before and after, in grey levels a pixel."""
    crop_from_image = transforms.generator_crop(points, size)
    held = transforms.apply(crop_from_image, np.concatenate([points, asked]))
    place = Place(Wall.around(held), crop_from_image, size)
    window = place.window(before.shape, RING * 1.1)
    radius = place.radius(window)
    ring = np.abs(radius - RING) < 0.06
    down, right = np.gradient(radius)
    length = np.hypot(down, right) + 1e-6

    def across(image: Image) -> float:
        grey = cv2.cvtColor(np.ascontiguousarray(image[window]), cv2.COLOR_RGB2GRAY)
        y, x = np.gradient(grey.astype(np.float64))
        return float(np.abs((y * down + x * right) / length)[ring].mean())

    return (across(before), across(after)) if ring.any() else (0.0, 0.0)


def read_sources(folder: Path, anonymizer: Anonymizer, numbers: str, limit: int) -> list[Source]:
    """Pictures whose face and landmarks are found; the others are named."""
    rows = {p.name: {} for p in sorted(folder.iterdir()) if images.is_picture(p)}
    if (folder / "index.csv").exists():
        with (folder / "index.csv").open() as file:
            rows = {row["file"]: row for row in csv.DictReader(file)}
    sources, lost = [], []
    for name, row in rows.items():
        told = re.search(r"(\d+)", name)
        if numbers != "all" and told and (int(told[1]) % 2 == 1) != (numbers == "odd"):
            continue
        image = images.read(folder / name).pixels
        try:
            (detection, *_) = detect_turned(anonymizer._detector, image) or [None]
            if detection is None:
                raise FaceError("no face")
            points = find_landmarks(image, detection, anonymizer.landmarks)
        except FaceError:
            lost.append(name)
            continue
        group = {k: v for k, v in row.items() if k in ("gender", "ancestry", "expression") and v}
        if name.split("-")[0] in ("female", "male"):
            group["gender"] = name.split("-")[0]
        if np.ptp(image.astype(int), axis=2).mean() > 8:
            group["skin"] = skin_tone(image, points)
        sources.append(Source(folder / name, group, row.get("person", name), image, points))
        if limit and len(sources) >= limit:
            break
    print(
        f"{folder.name}: {len(sources)} faces; landmarks not found in the source: {lost or 'none'}"
    )
    return sources


def again(image: Image, expected: Points, anonymizer: Anonymizer) -> Points | None:
    """Landmarks found in an output as in any new picture, in the face nearest to the expected."""
    middle = expected[:, :2].mean(0)
    found = detect_turned(anonymizer._detector, image)
    found.sort(key=lambda detection: float(np.linalg.norm(detection.centre_px - middle)))
    try:
        return find_landmarks(image, found[0], anonymizer.landmarks) if found else None
    except FaceError:
        return None


def asked_for(points: Points, anonymizer: Anonymizer, seed: int) -> Points:
    """The landmarks that the generator was given, in picture pixels."""
    crop_from_image = transforms.generator_crop(points, 256)
    surrogate_px = anonymizer.surrogate(transforms.apply(crop_from_image, points), seed)
    return transforms.apply(transforms.inverse(crop_from_image), surrogate_px)


def measure(
    sources: list[Source], anonymizer: Anonymizer, recogniser: DlibRecogniser, seed: int
) -> Measured:
    """Anonymize every source and look at it again."""
    out = Measured()
    side_eyes = anonymizer._synthesizer.crop_side_eyes
    for source in sources:
        name = source.path.name
        result = anonymizer(source.image, seed=seed, name=name)
        out.found[name] = 0.0
        if not result.faces or not result.faces[0].synthesized:
            continue
        points = source.landmarks_px
        asked = asked_for(points, anonymizer, result.faces[0].seed)
        if result.image is None:
            picture = result.portraits[0]
            crop_from_image = transforms.generator_crop(points, picture.shape[0], side_eyes)
            expected = transforms.apply(crop_from_image, asked)
        else:
            picture, expected = result.image, asked
            size = anonymizer._synthesizer.size_px
            out.seam[name] = seam_gradients(source.image, picture, points, asked, size)
        seen = again(picture, expected, anonymizer)
        if seen is None:
            continue
        gap = np.linalg.norm(seen[:468, :2] - expected[:468, :2], axis=1).mean()
        if gap > ELSEWHERE_EYES * eyes_px(expected):
            continue
        out.found[name] = 1.0
        out.error[name] = float(gap) / eyes_px(expected)
        out.openings[name] = (*openings(points), *openings(seen))
        if result.image is None:
            out.features[name] = recogniser(picture, seen)
    return out


def interval(values: list[float] | NDArray[np.float64]) -> tuple[float, float, float]:
    """Mean of pictures, each of another person, and its 95 % interval."""
    return interval_over_people(np.array(values), np.arange(len(values)).astype(str))


def summary(
    measured: Measured, sources: list[Source], train_features: NDArray[np.float64] | None
) -> dict[str, object]:
    """The figures of one table cell."""
    figures: dict[str, object] = {
        "pictures": len(measured.found),
        "found": interval(list(measured.found.values())),
    }
    if not measured.error:
        return figures | {"groups": {}}
    figures["error"] = interval(list(measured.error.values()))
    gaps = np.array(list(measured.openings.values()))
    figures["mouth_r"] = float(np.corrcoef(gaps[:, 0], gaps[:, 2])[0, 1])
    figures["eyes_r"] = float(np.corrcoef(gaps[:, 1], gaps[:, 3])[0, 1])
    if measured.seam:
        before, after = np.array(list(measured.seam.values())).T
        figures["seam"] = float(after.mean() / before.mean())
        figures["seam_median"] = float(np.median(after[before > 0] / before[before > 0]))
    if measured.features:
        figures |= identity(measured, sources)
        drawn = np.array(list(measured.features.values()))
        if train_features is not None:
            figures["frechet"] = frechet(drawn, train_features)
            figures["frechet_heads"] = len(drawn)
    figures["groups"] = by_group(measured, sources)
    return figures


def identity(measured: Measured, sources: list[Source]) -> dict[str, object]:
    """How often the source is ranked first, one picture per person; missing faces at chance."""
    chosen: dict[str, Source] = {}
    for source in sources:
        chosen.setdefault(source.person, source)
    missing = np.full(128, np.nan)
    probes = np.array([measured.features.get(s.path.name, missing) for s in chosen.values()])
    gallery = np.array([s.features for s in chosen.values()])
    figures: dict[str, object] = {}
    others = distances(np.nan_to_num(probes), gallery)
    own = np.where(np.isfinite(probes).all(1), np.diag(others), np.nan)
    np.fill_diagonal(others, np.nan)
    for people in sorted({min(GALLERY, len(gallery)), len(gallery)}):
        share = interval(rank_probabilities(own, others, people, (1,))[:, 0])
        figures[f"rank1_of_{people}"] = share
        figures[f"times_chance_of_{people}"] = share[0] * people
    gaps = np.linalg.norm(probes - gallery, axis=1)
    same = np.nan_to_num(gaps, nan=np.inf) < DlibRecogniser.same_person
    figures["same_person"] = interval(same.astype(float))
    return figures


def by_group(measured: Measured, sources: list[Source]) -> dict[str, dict[str, object]]:
    """Found again and landmark error for each known group."""
    members = defaultdict(list)
    for source in sources:
        for kind, value in source.group.items():
            members[f"{kind}: {value}"].append(source.path.name)
    return {
        group: {
            "pictures": len(names),
            "found": float(np.mean([measured.found[n] for n in names])),
            "error": interval([measured.error[n] for n in names if n in measured.error]),
        }
        for group, names in sorted(members.items())
        if any(n in measured.error for n in names)
    }


def features_of(sources: list[Source], recogniser: DlibRecogniser) -> NDArray[np.float64]:
    """Of all sources, kept in them too."""
    for source in sources:
        source.features = recogniser(source.image, source.landmarks_px)
    return np.array([source.features for source in sources])


def told(value: object) -> str:
    """A figure, with its interval if it has one."""
    if isinstance(value, (list, tuple)):
        mean, low, high = value
        return f"{mean:.4f} [{low:.4f}, {high:.4f}]"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def markdown(report: dict[str, dict[str, object]]) -> str:
    """One table for each set of pictures, a column for each model and mode, then the groups."""
    lines = []
    for folder in dict.fromkeys(key.split(" / ")[1] for key in report):
        cells = {key: cell for key, cell in report.items() if key.split(" / ")[1] == folder}
        heads = [" ".join(key.split(" / ")[::2]) for key in cells]
        rows = dict.fromkeys(name for cell in cells.values() for name in cell if name != "groups")
        lines += [
            "",
            f"| {folder} | " + " | ".join(heads) + " |",
            "| --- " * (len(cells) + 1) + "|",
        ]
        for row in rows:
            values = [told(cell[row]) if row in cell else "" for cell in cells.values()]
            lines.append(f"| {row} | " + " | ".join(values) + " |")
        groups = dict.fromkeys(name for cell in cells.values() for name in cell["groups"])
        for group in groups:
            values = []
            for cell in cells.values():
                figures = cell["groups"].get(group)
                values.append(
                    f"{told(figures['error'])}, n {figures['pictures']}" if figures else ""
                )
            lines.append(f"| error, {group} | " + " | ".join(values) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measure every model on every set, print as it goes and write one JSON file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+", help="a shipped name, or NAME=FILE")
    parser.add_argument("--portraits", type=Path)
    parser.add_argument("--people", type=Path)
    parser.add_argument("--train", type=Path, help="for the Frechet distance")
    parser.add_argument("--even", action="store_true", help="choose on even portraits instead")
    parser.add_argument("--limit", type=int, default=0, help="so many pictures of PEOPLE")
    parser.add_argument("--privacy", choices=("keep-shape", "balanced", "high"),
                        default="keep-shape")  # fmt: skip
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--out", type=Path, default=Path("generator.json"))
    arguments = parser.parse_args()
    recogniser = DlibRecogniser()
    first = Anonymizer(detector="blazeface")
    train_features = None
    if arguments.train:
        train = read_sources(arguments.train, first, "all", 0)
        train_features = features_of(train, recogniser)
    sets = []
    for folder, numbers, limit in (
        (arguments.portraits, "even" if arguments.even else "odd", 0),
        (arguments.people, "all", arguments.limit),
    ):
        if folder:
            sources = read_sources(folder, first, numbers, limit)
            features_of(sources, recogniser)
            sets.append((folder.name, sources))
    report: dict[str, dict[str, object]] = {}
    for model in arguments.models:
        name, _, file = model.partition("=")
        name, file = (name, file) if file else ("", name)
        privacy = None if arguments.privacy == "keep-shape" else arguments.privacy
        portrait = Anonymizer(model=file, mode="portrait", detector="blazeface", privacy=privacy)
        modes = [portrait]
        if portrait._synthesizer.draws_scenes:
            modes.append(portrait.using(mode="scene"))
        for folder_name, sources in sets:
            for anonymizer in modes:
                measured = measure(sources, anonymizer, recogniser, arguments.seed)
                key = f"{name or file} / {folder_name} / {anonymizer.mode}"
                report[key] = summary(measured, sources, train_features)
                print(key)
                for measure_name, value in report[key].items():
                    if measure_name != "groups":
                        print(f"  {measure_name}: {value}")
                for group, value in report[key]["groups"].items():
                    print(f"    {group}: {value}")
                arguments.out.write_text(json.dumps(report, indent=1))
    print(markdown(report))


if __name__ == "__main__":
    main()
