"""Attacks: who is ranked first in a gallery, over parts of the people and random pictures."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import numpy as np

from ..errors import InputError
from . import attackers
from .arrays import Flags, Interval, Rows, Texts, Values
from .figures import EVERYBODY, Figure, mean_figures
from .statistics import distances, interval_over_people, rank_probabilities

Spaces = Mapping[str, tuple[Values, Values]]
Found = tuple[Rows, Values, int]

GALLERY = 100
RANKS = (1, 5, 10)
_ROUNDS = 5


def share_ranked(found: Values, person: Texts) -> Interval:
    """Share of probes (N,) whose person is among the first k of a gallery.

    Galleries are of 100 people, or of all where there are fewer. Range: 0 to 1, lower is better;
    chance is k / people. A missing output counts at chance.
    Source: cumulative match characteristic, ISO/IEC 19795-1.
    """
    return interval_over_people(found, person)


def ranks_of(galleries: Values, probes: Values, gallery: Rows, probe: Rows) -> Found:
    """How probably probes are found: their rows, the probabilities, people in the full gallery.

    Of features (N, D) of all pictures as they stand in galleries and as they are looked for, and
    (P,) rows of the same people in either.
    """
    known = np.isfinite(galleries[gallery]).all(1)
    gaps = distances(np.nan_to_num(probes[probe]), np.nan_to_num(galleries[gallery]))
    gaps[:, ~known] = np.inf  # people without a picture are never nearest
    own = np.where(known & np.isfinite(probes[probe]).all(1), np.diag(gaps), np.nan)
    np.fill_diagonal(gaps, np.nan)
    return probe, rank_probabilities(own, gaps, GALLERY, RANKS), len(gallery)


def choices(person: Texts, expression: Texts, chosen: Flags) -> list[tuple[Rows, Rows]]:
    """Several random galleries and probes of the chosen pictures, rows of both."""
    return [
        attackers.gallery_and_probes(person, expression, chosen, draw) for draw in range(_ROUNDS)
    ]


def cross_attack(
    person: Texts, expression: Texts, seen: Flags, spaces: Callable[[Flags], Spaces]
) -> dict[str, list[Found]]:
    """Attack each third of the people with what was learnt from the others.

    Each half where thirds would make galleries of fewer than 100 people.

    Args:
        person: (N,).
        expression: (N,), a neutral picture is looked for by another one where there is one.
        seen: (N,) the pictures that may be used.
        spaces: From the pictures to learn from, (N,), features of galleries and of probes, (N, D)
            each, by the attack's name.

    Returns:
        For each attack what was found; none where too few people have two pictures.
    """
    part = attackers.folds(person, 3 if attackers.several(person, seen) >= 3 * GALLERY else 2)
    found: dict[str, list[Found]] = {}
    for attacked in range(int(part.max(initial=0)) + 1):
        chosen = seen & (part == attacked)
        with suppress(InputError):  # too few people; the caller says that there is no figure
            draws = choices(person, expression, chosen)
            for name, (galleries, probes) in spaces(seen & (part != attacked)).items():
                found.setdefault(name, []).extend(
                    ranks_of(galleries, probes, *rows) for rows in draws
                )
    return found


def people_attacked(found: Mapping[str, list[Found]], person: Texts) -> dict[str, int]:
    """How many people each attack looked for."""
    return {
        name: len(np.unique(person[np.concatenate([rows for rows, *_ in parts])]))
        for name, parts in found.items()
    }


def ranked_figures(
    name: str, parts: list[Found], person: Texts, groups: Mapping[str, Texts]
) -> list[Figure]:
    """Shares found at each rank, the first also by group."""
    where = np.concatenate([rows for rows, _, _ in parts])
    found = np.concatenate([found for _, found, _ in parts])
    sizes = [min(GALLERY, people) for *_, people in parts]
    size = min(sizes)
    figures = []
    for k, rank in enumerate(RANKS):
        figures += mean_figures(
            share_ranked, f"rank {rank} of {size}, {name}", found[:, k], person[where],
            {kind: values[where] for kind, values in groups.items()} if rank == 1 else {},
            {"chance": float(np.average([min(rank / each, 1) for each in sizes],
                                        weights=[len(rows) for rows, *_ in parts]))},
        )  # fmt: skip
    return figures


def first_ranked(figures: Sequence[Figure]) -> dict[str, Figure]:
    """Everybody's share at rank 1 by the attack's name."""
    return {
        f.title.partition(", ")[2]: f for f in figures
        if f.metric == "share_ranked" and f.title.startswith("rank 1 ") and f.group == EVERYBODY
    }  # fmt: skip
