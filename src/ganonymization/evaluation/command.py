"""What ``ganonymize evaluate`` does around the measures: read people, release, attack, write."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from .. import images
from ..errors import InputError, OutputError
from ..options import Privacy
from ..people import People, read_people
from ..shape import ShapeModel
from ..types import LeftOut
from . import geometry
from .geometry import Interval, Thirds

_TURNS = 3
_SEED = 1  # one nobody for all: different ones would hide people from the attackers


@dataclass(frozen=True)
class GeometryReport:
    """What landmarks tell, as they are and as they are released: mean and 95 % interval.

    Attributes:
        pictures: How many were used.
        people: How many people are on them.
        gallery: People that the attackers choose from.
        rank1: By attacker, then ``"as they are"`` and ``"released"``.
        expression_kept: By region; empty where expressions are not labelled.
        classified: Balanced accuracy of an expression classifier, as they are and released; empty
            where too few expressions are labelled.
    """

    pictures: int
    people: int
    gallery: int
    rank1: dict[str, dict[str, Interval]]
    expression_kept: dict[str, Interval]
    classified: dict[str, Interval]

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)

    def table(self) -> str:
        """For people."""
        lines = [f"{self.pictures} pictures of {self.people} people; galleries of {self.gallery}"]
        for attacker, found in self.rank1.items():
            told = ", ".join(f"{name} {_told(value)}" for name, value in found.items())
            lines.append(f"rank 1, {attacker} attacker: {told}, chance {1 / self.gallery:.3f}")
        for region, value in self.expression_kept.items():
            lines.append(f"expression kept, {region}: {_told(value)}")
        told = ", ".join(f"{name} {_told(value)}" for name, value in self.classified.items())
        lines.append(f"expressions told apart: {told or 'too few are labelled'}")
        return "\n".join(lines)


def _told(value: Interval) -> str:
    mean, low, high = value
    return f"{mean:.3f} [{low:.3f}, {high:.3f}]"


def evaluate_geometry(
    folder: Path,
    index: Path,
    out: Path,
    privacy: Privacy | None = "balanced",
    shape: ShapeModel | None = None,
    fit: Callable[[People], ShapeModel] | None = None,
) -> tuple[GeometryReport, list[LeftOut]]:
    """Attack landmarks as they are, and as they are released.

    Each third of the people is attacked once; attackers learn from the others, or, when the model
    is fitted anew on one third, from the last alone.

    Args:
        folder: Pictures of people.
        index: Who is on them, see :func:`ganonymization.people.read_people`.
        out: ``metrics.json`` is written here.
        privacy: How they are released; None releases them as they are.
        shape: Releases them; None for the shipped model. It must not have been fitted on them.
        fit: Fits a shape model on some of the people instead.

    Raises:
        InputError: There are too few people.
        MissingExtraError: The extra ``eval`` is not installed.
        OutputError: The report cannot be written.
    """
    geometry.require_attackers()
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out}: cannot be made ({error.strerror}); choose another") from error
    people, left_out = read_people(folder, index)
    report = _report(people, privacy, shape or ShapeModel.load(), fit)
    text = json.dumps({"geometry": report.as_dict()}, indent=1)
    images.write_whole(out / "metrics.json", lambda file: file.write(text.encode()))
    return report, left_out


def _report(
    people: People,
    privacy: Privacy | None,
    shape: ShapeModel,
    fit: Callable[[People], ShapeModel] | None,
) -> GeometryReport:
    before = geometry.aligned(people.landmarks_px)
    found: dict[str, list[Interval]] = {}
    gallery = geometry.GALLERY

    def add(name: str, value: Interval) -> None:
        found.setdefault(name, []).append(value)

    for turn in range(_TURNS):
        parts = Thirds.of(people.person, turn)
        after, fitted = before, fit is not None and privacy is not None
        if not fitted:
            parts = Thirds(parts.test & False, parts.fit | parts.attack, parts.test)
        if privacy is not None:
            model = fit(people.of(parts.fit)) if fit is not None else shape
            surrogates = model.surrogate(people.landmarks_px, _SEED, privacy)
            after = geometry.aligned(surrogates)
        gallery = min(gallery, geometry.gallery_size(people, parts))
        for name, surface in (("as they are", before), ("released", after)):
            add(f"lda {name}", geometry.rank1(surface, people, parts, "lda"))
            add(f"mlp {name}", geometry.rank1(surface, people, parts, "mlp"))
            with suppress(InputError):  # too few labels in this third; the table says so
                add(f"classified {name}", geometry.classified(surface, people, parts))
        with suppress(InputError):
            for region, value in geometry.expression_kept(before, after, people, parts).items():
                add(region, value)
    names = ("as they are", "released")
    # what could not be told of every third is not told
    means = {name: _mean(values) for name, values in found.items() if len(values) == _TURNS}
    return GeometryReport(
        len(people.files), len(np.unique(people.person)), gallery,
        {a: {name: means[f"{a} {name}"] for name in names} for a in ("lda", "mlp")},
        {region: means[region] for region in geometry.REGIONS if region in means},
        {n: means[f"classified {n}"] for n in names if f"classified {n}" in means},
    )  # fmt: skip


def _mean(values: list[Interval]) -> Interval:
    """Of the turns; the people of each are other ones, so the variances of their errors add up."""
    mean, low, high = np.array(values).T
    below, above = (np.sqrt((gap**2).sum()) / len(values) for gap in (mean - low, high - mean))
    middle = float(mean.mean())
    return middle, middle - float(below), middle + float(above)
