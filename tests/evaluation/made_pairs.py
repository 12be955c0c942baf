"""Originals and outputs that nobody looked at: numbers of simulated people."""

from dataclasses import replace

import numpy as np

from ganonymization.evaluation.observations import Observations, PairedObservations
from ganonymization.surrogate.shape_model import Posed

from ..simulated_people import simulated

NUMBERS = 16  # of the recogniser
CLASSES = ["happiness", "neutral", "surprise"]  # of the simulated people
BOX = np.array([[2, 2, 14, 14]], np.float32)


def same_expressions_of_nobody(people):
    """Everybody's expressions and poses on the first person's neutral face, (N, 478, 3)."""
    posed = Posed.of(people.landmarks_px)
    neutral = people.expression == "neutral"
    at_rest = [posed.frontal[neutral & (people.person == who)].mean(0) for who in people.person]
    return posed.posed(posed.frontal - np.array(at_rest) + at_rest[0])


def made_seen(landmarks_px, embedding, seed=0, files="a", **changes) -> Observations:
    """What would be seen of faces with these landmarks."""
    count = len(landmarks_px)
    rng = np.random.default_rng(seed)
    seen = Observations(
        sha256=np.array([f"{files}{i}" for i in range(count)]),
        faces=np.ones(count, np.int64),
        size_hw=np.full((count, 2), 16.0),
        landmarks_px=landmarks_px,
        embedding=embedding,
        context=embedding,
        gradients=rng.normal(0, 1, (count, 1568)).astype(np.float32),
        skin_tone_deg=rng.normal(30, 10, count),
        sharpness=np.full(count, 10.0),
    )
    return replace(seen, **changes)


def made_pairs(count=40, pictures=4, seed=0, **changes) -> PairedObservations:
    """A good anonymization: the expressions stay, and nothing tells who somebody was."""
    people = simulated(count, pictures, seed=seed)
    rng = np.random.default_rng(seed)
    number = np.unique(people.person, return_inverse=True)[1]
    whole = len(number)
    embedding = rng.normal(0, 0.1, (count, NUMBERS))[number]
    before = made_seen(
        people.landmarks_px, embedding + rng.normal(0, 0.01, (whole, NUMBERS)), 1, "original"
    )
    after = made_seen(
        same_expressions_of_nobody(people), rng.normal(0, 0.1, (whole, NUMBERS)), 2, "output"
    )
    pairs = PairedObservations(
        file=people.files,
        person=people.person,
        labels={"expression": people.expression},
        groups={},
        before=before,
        after=after,
        outputs=np.ones(whole, np.int64),
        unchanged=np.full(whole, np.nan),
        surroundings=np.full(whole, np.nan),
        original=np.array([f"originals/{file}" for file in people.files]),
        output=np.array([f"outputs/{file}" for file in people.files]),
        scene=False,
    )
    return replace(pairs, **changes)


def with_gender(pairs: PairedObservations, **changes) -> PairedObservations:
    """Every second person is female, and figures are broken down by it."""
    number = np.unique(pairs.person, return_inverse=True)[1]
    gender = np.array(["female", "male"])[number % 2]
    return replace(
        pairs, labels={**pairs.labels, "gender": gender}, groups={"gender": gender}, **changes
    )


def without_face(seen: Observations, chosen) -> Observations:
    """The same where no face was found in the chosen pictures."""
    gone = {}
    for name in ("landmarks_px", "embedding", "context", "gradients", "skin_tone_deg", "sharpness"):
        values = getattr(seen, name).copy()
        values[chosen] = np.nan
        gone[name] = values
    return replace(seen, faces=np.where(chosen, 0, seen.faces), **gone)


def without_output(pairs: PairedObservations, chosen) -> PairedObservations:
    """The same where the chosen originals have no output."""
    after = without_face(pairs.after, chosen)
    after = replace(after, sha256=np.where(chosen, "", after.sha256))
    return replace(
        pairs,
        after=after,
        outputs=np.where(chosen, 0, pairs.outputs),
        output=np.where(chosen, "", pairs.output),
    )


def copied(pairs: PairedObservations) -> PairedObservations:
    """The same where outputs are the originals."""
    return replace(pairs, after=pairs.before)


def told_by(classes, before, after):
    """A classifier that says so."""
    rows = np.eye(len(classes))
    spread = [
        np.array([rows[classes.index(c)] if c else np.full(len(classes), np.nan) for c in said])
        for said in (before, after)
    ]
    return lambda pairs: (classes, *spread)


def first_of(pairs: PairedObservations, count: int) -> np.ndarray:
    """(N,) bool, the first few pictures."""
    return np.arange(len(pairs.file)) < count
