"""Whether people are still recognised, by attackers that are not made of straw.

* *naive*: compares the anonymized face with a gallery of originals;
* *same picture*: the same, and the very original is in the gallery;
* *parrot*: anonymizes the gallery in the same way (Newton, Sweeney and Malin, "Preserving privacy
  by de-identifying face images", TKDE 2005);
* *trained*: moreover learns from anonymized pictures of other people what still sets
  people apart (Fisher's discriminants of the recogniser's numbers);
* *trained, originals*: learns from both kinds, and searches originals.

People are split in parts; each is attacked by what was learnt from the others.
"""

from collections.abc import Mapping

import numpy as np

from . import attackers
from .arrays import Flags, Texts, Values
from .figures import Family, Figure, Missing, graded, mean_figures, worst
from .observations import PairedObservations
from .ranking import (
    GALLERY,
    RANKS,
    Found,
    cross_attack,
    first_ranked,
    people_attacked,
    ranked_figures,
    share_ranked,
)
from .statistics import distances, paired_test, rank_probabilities

FALSE_ACCEPTS = (1e-2, 1e-3)
FLOOR = "originals by originals"
OWN_PICTURE = "same picture"
_LIMITS = 0.1, 0.25
_STRANGERS = 20_000


def recognisable(rank1: float, chance: float, floor: float) -> float:
    """Share of what is recognised in originals that still is: (r - chance) / (floor - chance).

    Range: 0 at chance to 1 as in originals, lower is better; NaN where originals are recognised
    no better than at chance, for then the attacker proves nothing. Source: this project.
    """
    return (rank1 - chance) / (floor - chance) if floor > 2 * chance else float("nan")


def still_recognised(
    title: str, found: Figure, floor: float, limits: tuple[float, float]
) -> Figure:
    """How recognisable people are to an attack, with the limits to pass and to warn."""
    chance = found.reference["chance"]
    value, low, high = (
        recognisable(v, chance, floor) for v in (found.value, found.low, found.high)
    )
    reference = {"pass": limits[0], "warn": limits[1]}
    return Figure("recognisable", title, value, low, high, found.count, reference=reference)


def distance_to_original(before: Values, after: Values) -> Values:
    """Euclidean distance of the recogniser's numbers of an original and its output, (N,).

    Range: 0 to about 1.4, higher is better. NaN without an output.
    Source: Hellmann et al., "GANonymization", TOMM 2024, section 4.1.
    """
    gaps: Values = np.linalg.norm(before - after, axis=1)
    return gaps


def called_same_person(gaps: Values, threshold: float) -> Values:
    """Whether a recogniser calls original and output one person, (N,) 0 or 1.

    Range of the mean: 0 to 1, lower is better. At the recogniser's own threshold.
    Source: true accept rate, ISO/IEC 19795-1.
    """
    known = np.isfinite(gaps) & np.isfinite(threshold)  # without strangers there is no threshold
    return np.where(known, (gaps < threshold).astype(np.float64), np.nan)


def true_accepts(
    genuine: Values, impostor: Values, false_accept_rate: float
) -> tuple[Values, float]:
    """Whether outputs pass for their original where a share of strangers does, (N,) 0 or 1.

    Beside it the threshold. Range of the mean: 0 to 1, lower is better; chance is the share of
    strangers. Source: TAR at FAR, ISO/IEC 19795-1.

    Args:
        genuine: (N,) distances of originals and their outputs.
        impostor: (M,) distances of originals and outputs of other people.
        false_accept_rate: Share of strangers that pass; it sets the threshold.
    """
    there = impostor[np.isfinite(impostor)]
    threshold = float(np.quantile(there, false_accept_rate)) if len(there) else float("nan")
    return called_same_person(genuine, threshold), threshold


METRICS = (share_ranked, recognisable, distance_to_original, called_same_person, true_accepts)


def measure(
    pairs: PairedObservations, same_person: float, others: Mapping[str, Values] | None = None
) -> Family:
    """Attack, verify, and compare with other anonymizations.

    Args:
        pairs: What was seen.
        same_person: The recogniser's threshold.
        others: By name, (N,) distances to the original of the pictures anonymized in another way.
    """
    gaps = distance_to_original(pairs.before.embedding, pairs.after.embedding)
    accepted = called_same_person(gaps, same_person)
    figures = pairs.mean_figures(distance_to_original, "distance to the own original", gaps)
    figures += pairs.mean_figures(
        called_same_person, "called the same person", accepted, {"threshold": same_person}
    )
    figures += _verification(pairs, gaps)
    found = {OWN_PICTURE: [_own_picture(pairs)], **_attacks(pairs)}
    for name, parts in found.items():
        figures += ranked_figures(name, parts, pairs.person, pairs.groups)
    left, finding, missing = _judged(figures)
    others = others or {}  # the paper's test, corrected for how many are compared
    table: list[dict[str, object]] = [
        {"against": name, **paired_test(gaps, other, comparisons=len(others))}
        for name, other in others.items()
    ]
    looked_for = people_attacked(found, pairs.person)
    looked_for.pop(FLOOR, None)  # no attack
    return Family(
        "identity", worst([graded(left.value, *_LIMITS)], missing), (finding,),
        (left, *figures), METRICS,
        {"distance": gaps, "ranked first": found[OWN_PICTURE][0][1][:, 0]},
        {"compared": table} if table else {}, missing, looked_for,
    )  # fmt: skip


def _verification(pairs: PairedObservations, gaps: Values) -> list[Figure]:
    rng = np.random.default_rng(0)
    one, other = rng.integers(0, len(gaps), (2, _STRANGERS))
    strangers = pairs.person[one] != pairs.person[other]
    impostor = distance_to_original(
        pairs.before.embedding[one[strangers]], pairs.after.embedding[other[strangers]]
    )
    figures = []
    for rate in FALSE_ACCEPTS:
        accepted, threshold = true_accepts(gaps, impostor, rate)
        figures += mean_figures(
            true_accepts, f"accepted where {rate:g} of strangers are", accepted, pairs.person, {},
            {"chance": rate, "threshold": threshold},
        )  # fmt: skip
    return figures


def _own_picture(pairs: PairedObservations) -> Found:
    """Each output against its very original, among one original of each other person."""
    before, after = pairs.before.embedding, pairs.after.embedding
    seen = np.flatnonzero(np.isfinite(before).all(1))
    names, first = np.unique(pairs.person[seen], return_index=True)
    others = distances(np.nan_to_num(after), before[seen[first]])
    others[pairs.person[:, None] == names[None]] = np.nan
    own = distance_to_original(before, after)
    return np.arange(len(own)), rank_probabilities(own, others, GALLERY, RANKS), len(names)


def _attacks(pairs: PairedObservations) -> dict[str, list[Found]]:
    before, after, person = pairs.before.embedding, pairs.after.embedding, pairs.person

    def spaces(learnt: Flags) -> dict[str, tuple[Values, Values]]:
        untrained = {FLOOR: (before, before), "naive": (before, after), "parrot": (after, after)}
        if not attackers.can_learn(person, learnt):
            return untrained
        return untrained | _trained(before, after, person, learnt)

    there: Flags = np.asarray(np.isfinite(before).all(1))
    return cross_attack(person, pairs.expression, there, spaces)


def _trained(
    before: Values, after: Values, person: Texts, learnt: Flags
) -> dict[str, tuple[Values, Values]]:
    released = attackers.learnt_features(after, person, learnt)
    twice = np.concatenate([before, after])
    both = attackers.learnt_features(twice, np.tile(person, 2), np.tile(learnt, 2))
    return {
        "trained": (released, released),
        "trained, originals": (both[: len(before)], both[len(before) :]),
    }


def _judged(figures: list[Figure]) -> tuple[Figure, str, tuple[Missing, ...]]:
    """How recognisable people are to the strongest attacker, in words, and what is missing."""
    first = first_ranked(figures)
    floor = first.pop(FLOOR, None)
    # the very original would always be found
    tops = {name: 1.0 if floor is None or name == OWN_PICTURE else floor.value for name in first}
    title = "recognisable, strongest attacker"
    left = {n: still_recognised(title, f, tops[n], _LIMITS) for n, f in first.items()}
    # a recogniser that knows nobody in the originals proves nothing, whatever it says of outputs
    strongest = max(left, key=lambda name: (np.isnan(left[name].value), left[name].value))
    found = first[strongest]
    times = found.value / found.reference["chance"]
    finding = (
        f"The strongest attacker ({strongest}) names {found.value:.1%} of people, "
        f"{times:.1f} times chance; of originals {tops[strongest]:.1%}."
    )
    missing: tuple[Missing, ...] = ()
    if "trained" not in first:
        missing = (attackers.UNTRAINED,)
    elif floor is not None and np.isnan(left["naive"].value):
        missing = (Missing(
            "the recogniser knows nobody in the originals, so it proves little here",
            "give larger pictures of the faces, or another --recogniser",
        ),)  # fmt: skip
    return left[strongest], finding, missing
