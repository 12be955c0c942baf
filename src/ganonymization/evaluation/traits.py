"""Whether traits go: sex, ancestry, age, glasses, or whatever a table says of the originals."""

import numpy as np

from . import attackers, classifiers
from .arrays import Flags, Interval, Texts, Values
from .figures import Family, Figure, Missing, mean_figures, worst
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
    figures, pictures, missing = _traits(pairs)
    figures.sort(key=lambda figure: figure.value)
    kept = ", ".join(f"{f.title} {f.value:.0%}" for f in figures[:3])
    labelled = set(pairs.labels) - {"expression"}
    findings = [
        f"Of the traits, these go least often: {kept}."
        if figures
        else "No traits were measured."
        if labelled
        else "No traits are labelled; give --labels."
    ]
    if many := [name for name in labelled if len({*pairs.labels[name]} - {""}) > _MOST_VALUES]:
        findings.append(f"Of too many values to be traits: {', '.join(sorted(many))}.")
    before, after = pairs.before.skin_tone_deg, pairs.after.skin_tone_deg
    known = np.isfinite(before) & np.isfinite(after)
    if known.sum() >= _LEAST:
        tone = skin_tone_kept(before[known], after[known], pairs.person[known])
        figures.append(Figure("skin_tone_kept", "skin tone passed on", *tone, int(known.sum())))
        if np.isfinite(tone[0]):
            findings.append(f"Skin tone is passed on with r = {tone[0]:.2f}.")
    if pairs.scene:
        figures += _context(pairs)
    return Family("traits", worst(["info"], missing), tuple(findings), tuple(figures), METRICS,
                  pictures, missing=missing)  # fmt: skip


def _traits(
    pairs: PairedObservations,
) -> tuple[list[Figure], dict[str, Values], tuple[Missing, ...]]:
    figures: list[Figure] = []
    pictures: dict[str, Values] = {}
    asked, rare = questions(pairs)
    missing = [_rare(*counted) for counted in rare.items()]
    for title, labels in asked.items():
        before, after = classifiers.cross_probabilities(
            pairs.before.embedding, [pairs.before.embedding, pairs.after.embedding],
            labels, pairs.person, ["no", "yes"],
        )  # fmt: skip
        lost = trait_lost(before[:, 1], after[:, 1])
        seen = int(np.isfinite(lost).sum())
        if seen < _LEAST:
            missing.append(Missing(
                f"{title}: seen in {seen} originals whose outputs show a face",
                f"give {_LEAST} such pairs or more",
            ))  # fmt: skip
            continue
        by_chance = float((after[np.isfinite(after[:, 1]), 1] <= _YES).mean())
        figures += mean_figures(trait_lost, title, lost, pairs.person, {},
                                {"as often without it": by_chance})  # fmt: skip
        pictures[f"lost: {title}"] = lost
    return figures, pictures, tuple(missing)


def _rare(title: str, counts: str) -> Missing:
    return Missing(
        f"{title}: too few pictures with a face ({counts})",
        f"label {classifiers.LEAST_OF_CLASS} or more with it and as many without, or drop it",
    )


def questions(pairs: PairedObservations) -> tuple[dict[str, Texts], dict[str, str]]:
    """Each trait as yes and no, (N,), of the columns that are no expression.

    Beside them, by name, how many pictures there are of those that too few show or lack.
    """
    found, rare = {}, {}
    for column, values in pairs.labels.items():
        if column == "expression":
            continue
        known = values != ""
        names = [str(name) for name in np.unique(values[known])]
        traits: dict[str, Flags] = {}
        if set(map(str.lower, names)) <= {"0", "1", "-1", "yes", "no", "true", "false"}:
            traits[column] = np.isin(np.char.lower(values), _TRUE)
        elif len(names) <= _MOST_VALUES:
            traits = {f"{column}: {name}": values == name for name in names}
        for title, holds in traits.items():
            answers = np.where(known, np.where(holds, "yes", "no"), "")
            if len(classifiers.classes_of(answers, pairs.before.found)) == 2:
                found[title] = answers
            elif known.any():
                rare[title] = classifiers.unlearnt(answers, pairs.before.found, ())
    return found, rare


def _context(pairs: PairedObservations) -> list[Figure]:
    """How often people are named by what is around their faces."""
    context, person = pairs.before.context, pairs.person
    there: Flags = np.asarray(np.isfinite(context).all(1))
    if attackers.several(person, there) < _LEAST:
        return []
    found = [
        ranks_of(
            context,
            context,
            *attackers.gallery_and_probes(person, pairs.expression, there, draw),
        )
        for draw in range(3)
    ]
    probes = np.concatenate([rows for rows, _, _ in found])
    first = np.concatenate([probabilities[:, RANKS.index(1)] for _, probabilities, _ in found])
    size = min(GALLERY, *(people for *_, people in found))
    title = f"rank 1 of {size} by what is around the face"
    interval = context_rank(first, person[probes])
    return [Figure("context_rank", title, *interval, len(probes), reference={"chance": 1 / size})]
