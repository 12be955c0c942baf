"""Whether traits go: sex, ancestry, age, glasses, or whatever a table tells of the originals."""

import numpy as np

from . import attackers, classifiers
from .arrays import Interval, Texts, Values
from .figures import Family, Figure, mean_figures
from .observations import PairedObservations
from .ranking import GALLERY, RANKS, ranks_of
from .statistics import correlation_interval, interval_over_people

_YES = 0.5
_LEAST = 20
_MOST_VALUES = 20  # a column with more is a name, not a trait
_TRUE = ("1", "yes", "true")


def trait_lost(before: Values, after: Values) -> Values:
    """Whether a trait that was seen in the original is no longer seen in the output, (N,) 0 or 1.

    Of pictures with p > 0.5 before, those with p <= 0.5 after; NaN for the others. Range of the
    mean: 0 to 1, higher is better for privacy. Source: Hellmann et al., "GANonymization", TOMM
    2024, section 4.3.
    """
    seen = np.isfinite(before) & np.isfinite(after) & (before > _YES)
    return np.where(seen, (after <= _YES).astype(np.float64), np.nan)


def skin_tone_kept(before: Values, after: Values, person: Texts) -> Interval:
    """Correlation of the cheeks' individual typology angle before and after.

    Range: -1 to 1; near 0 the skin tone is not passed on, near 1 it is. Scenes need it, for neck
    and hands show it beside the face. Source: Chardon et al. 1991.
    """
    return correlation_interval(before, after, person)


def context_rank(found: Values, person: Texts) -> Interval:
    """Share of people whom a recogniser names by what is around a face that is painted over.

    Range: 0 to 1, lower is better, chance is 1 / gallery; no anonymizer of faces changes it, for
    hair, ears and clothes stay in a scene. Two pictures of a person. Source: this project.
    """
    return interval_over_people(found, person)


METRICS = (trait_lost, skin_tone_kept, context_rank)


def measure(pairs: PairedObservations) -> Family:
    """Compare what is seen of traits before and after."""
    figures, pictures = _traits(pairs)
    lost = sorted((f for f in figures), key=lambda f: f.value)
    findings = []
    if lost:
        kept = ", ".join(f"{f.title} {f.value:.0%}" for f in lost[:3])
        findings.append(f"Of the traits, these go least often: {kept}.")
    else:
        findings.append("No traits are labelled; give --labels.")
    tone = np.isfinite(pairs.before.skin_tone_deg) & np.isfinite(pairs.after.skin_tone_deg)
    if tone.sum() >= _LEAST:
        angles = pairs.before.skin_tone_deg[tone], pairs.after.skin_tone_deg[tone]
        told = skin_tone_kept(*angles, pairs.person[tone])
        lost.append(Figure("skin_tone_kept", "skin tone passed on", *told, int(tone.sum())))
        if np.isfinite(told[0]):
            findings.append(f"Skin tone is passed on with r = {told[0]:.2f}.")
    if pairs.scene:
        lost += _context(pairs)
    return Family("traits", "info", tuple(findings), tuple(lost), METRICS, pictures)


def _traits(pairs: PairedObservations) -> tuple[list[Figure], dict[str, Values]]:
    figures: list[Figure] = []
    pictures: dict[str, Values] = {}
    for title, labels in questions(pairs).items():
        before, after = classifiers.cross_probabilities(
            pairs.before.embedding, [pairs.before.embedding, pairs.after.embedding],
            labels, pairs.person, ["no", "yes"],
        )  # fmt: skip
        lost = trait_lost(before[:, 1], after[:, 1])
        if np.isfinite(lost).sum() < _LEAST:
            continue
        by_chance = float((after[np.isfinite(after[:, 1]), 1] <= _YES).mean())
        figures += mean_figures(trait_lost, title, lost, pairs.person, {},
                                {"as often without it": by_chance})  # fmt: skip
        pictures[f"lost: {title}"] = lost
    return figures, pictures


def questions(pairs: PairedObservations) -> dict[str, Texts]:
    """Each trait as yes and no, (N,), of the columns that are no expression."""
    asked = {}
    for column, values in pairs.labels.items():
        if column == "expression":
            continue
        known = values != ""
        names = [str(name) for name in np.unique(values[known])]
        if set(map(str.lower, names)) <= {"0", "1", "-1", "yes", "no", "true", "false"}:
            told = {column: np.isin(np.char.lower(values), _TRUE)}
        elif len(names) <= _MOST_VALUES:
            told = {f"{column}: {name}": values == name for name in names}
        else:
            told = {}
        for title, yes in told.items():
            answers = np.where(known, np.where(yes, "yes", "no"), "")
            if len(classifiers.classes_of(answers, pairs.before.found)) == 2:
                asked[title] = answers
    return asked


def _context(pairs: PairedObservations) -> list[Figure]:
    """How often people are named by what is around their faces."""
    context, person = pairs.before.context, pairs.person
    seen = np.isfinite(context).all(1)
    if attackers.several(person, seen) < _LEAST:
        return []
    rows, found, size = [], [], GALLERY
    for draw in range(3):
        drawn = attackers.gallery_and_probes(person, pairs.expression, seen, draw)
        probes, probabilities, people = ranks_of(context, context, *drawn)
        rows.append(probes)
        found.append(probabilities[:, RANKS.index(1)])
        size = min(size, people)
    where = np.concatenate(rows)
    told = context_rank(np.concatenate(found), person[where])
    title = f"rank 1 of {size} by what is around the face"
    return [Figure("context_rank", title, *told, len(where), reference={"chance": 1 / size})]
