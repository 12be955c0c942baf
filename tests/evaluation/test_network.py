from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ganonymization.evaluation import appearance, expression
from ganonymization.evaluation.network import by_network
from ganonymization.io import images
from ganonymization.io.images import Picture

from ..conftest import face_landmarks
from .made_pairs import first_of, made_pairs, without_face, without_output


class FakeNetwork:
    """Tells light pictures from dark ones."""

    classes = ("dark", "light")

    def __init__(self):
        self.batches = []

    def __call__(self, pictures, /):
        self.batches.append(list(pictures))
        light = np.array([picture.mean() / 255 for picture in pictures])
        return np.stack([1 - light, light], axis=1)


@pytest.fixture
def pairs(tmp_path):
    """Forty originals, the darker the earlier, and outputs that are lighter by 40 grey levels."""
    made = made_pairs(40, 1)
    face = np.repeat(face_landmarks((64, 64), 30)[None], 40, 0)
    paths = {}
    for kind, more in (("original", 0), ("output", 40)):
        paths[kind] = np.array([str(tmp_path / f"{kind}{i}.png") for i in range(40)])
        for i, path in enumerate(paths[kind]):
            shade = np.full((128, 128, 3), 5 * i + more, np.uint8)
            images.write(tmp_path / path, Picture(shade))
    return replace(
        made,
        before=replace(made.before, landmarks_px=face),
        after=replace(made.after, landmarks_px=face),
        **paths,
    )


def test_originals_and_outputs_are_asked_about(pairs):
    classes, before, after = by_network(FakeNetwork.classes, FakeNetwork())(pairs)
    assert classes == ["dark", "light"]
    np.testing.assert_allclose(before[:, 1], 5 * np.arange(40) / 255)
    np.testing.assert_allclose(after[:, 1], (5 * np.arange(40) + 40) / 255)


def test_pictures_come_in_batches_of_levelled_crops(pairs):
    network = FakeNetwork()
    by_network(network.classes, network)(pairs)
    assert [len(batch) for batch in network.batches] == [32, 8, 32, 8]
    assert {picture.shape for batch in network.batches for picture in batch} == {(224, 224, 3)}


def test_the_crop_is_the_face(pairs):
    network = FakeNetwork()
    pixels = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    path = pairs.original[0]
    images.write(Path(path), Picture(pixels))
    by_network(network.classes, network)(pairs)
    expected = appearance.face_crop(pixels, pairs.before.landmarks_px[0])
    np.testing.assert_array_equal(network.batches[0][0], expected)


def test_what_shows_no_face_is_not_asked_about(pairs):
    network = FakeNetwork()
    gone = first_of(pairs, 10)
    lacking = without_output(pairs, gone)  # they have no path that could be read
    lacking = replace(lacking, before=without_face(lacking.before, first_of(pairs, 3)))
    _, before, after = by_network(network.classes, network)(lacking)
    np.testing.assert_array_equal(np.isnan(before).any(1), first_of(pairs, 3))
    np.testing.assert_array_equal(np.isnan(after).all(1), gone)
    assert sum(map(len, network.batches)) == 37 + 30


def test_a_network_takes_the_place_of_the_classifier(pairs):
    labels = np.where(np.arange(40) < 26, "dark", "light")
    labelled = replace(pairs, labels={"expression": labels})
    family = expression.measure(labelled, by_network(FakeNetwork.classes, FakeNetwork()))
    assert [row["expression"] for row in family.tables["classes"]] == ["dark", "light"]
    assert family.figure("labels read from originals").value == pytest.approx(1)
    assert family.figure("probability change").value == pytest.approx(40 / 255)
