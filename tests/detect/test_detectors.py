"""The real detectors on the public-domain portrait."""

import numpy as np
import pytest

from ganonymization import registry
from ganonymization.cli.demo import astronaut
from ganonymization.detect.base import DetectorOptions, detect_turned
from ganonymization.detect.blazeface import FAR, NEAR, BlazeFaceNetwork

EYES = (211, 103), (251, 103)  # read off the picture by hand


@pytest.fixture(scope="module", params=registry.DETECTORS)
def detector(request):
    return registry.load(registry.DETECTORS, request.param)(DetectorOptions())


def test_the_astronaut_is_found_once_with_her_eyes(detector):
    (face,) = detector(astronaut())
    left, top, right, bottom = face.box_xyxy
    for found, (x, y) in zip(face.eyes_px, EYES, strict=True):
        assert left < x < right
        assert top < y < bottom
        assert np.hypot(found[0] - x, found[1] - y) < 14


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_turned_picture_still_has_a_face(detector, quarters):
    image = np.ascontiguousarray(np.rot90(astronaut(), quarters))
    assert detect_turned(detector, image)


def test_an_empty_wall_has_no_face(detector):
    assert detector(np.full((120, 160, 3), 90, np.uint8)) == []


def test_options_are_obeyed():
    make = registry.load(registry.DETECTORS, "centerface")
    assert make(DetectorOptions(min_face_px=400))(astronaut()) == []
    assert make(DetectorOptions(min_score=0.999))(astronaut()) == []
    small = make(DetectorOptions(max_side_px=128))(astronaut())
    assert len(small) == 1


def test_blazeface_obeys_its_least_score():
    make = registry.load(registry.DETECTORS, "blazeface")
    (face,) = make(DetectorOptions())(astronaut())
    assert make(DetectorOptions(min_score=face.score + 1e-3))(astronaut()) == []
    assert len(make(DetectorOptions(min_score=face.score - 1e-3))(astronaut())) == 1


@pytest.mark.parametrize("reach", [NEAR, FAR], ids=lambda reach: reach.file)
def test_a_blazeface_drops_what_it_is_unsure_of(reach):
    fading = [np.uint8(astronaut() * share + 255 * (1 - share)) for share in (0.25, 0.1, 0.05, 0)]
    sure, least = (
        [score for faces in BlazeFaceNetwork(reach, least, 1)(fading) for _, score in faces]
        for least in (None, 0.05)
    )
    assert sure == [score for score in least if score >= reach.min_score]
    assert len(sure) < len(least)


def test_a_large_picture_is_searched_at_a_bounded_size():
    large = np.ascontiguousarray(np.kron(astronaut(), np.ones((6, 6, 1), np.uint8)))
    (face,) = registry.load(registry.DETECTORS, "centerface")(DetectorOptions())(large)
    assert abs(face.box_xyxy[0] / 6 - 182) < 12


@pytest.mark.shared
def test_every_face_of_the_group_pictures_is_found(shared):
    import json

    from ganonymization.io import images

    find = registry.load(registry.DETECTORS, "centerface")(DetectorOptions())
    boxes = json.loads((shared / "scenes" / "boxes.json").read_text())
    missed = []
    for name, marked in boxes.items():
        found = [d.box_xyxy for d in find(images.read(shared / "scenes" / name).pixels)]
        for left, top, width, height in marked:
            x, y = left + width / 2, top + height / 2
            if not any(b[0] < x < b[2] and b[1] < y < b[3] for b in found):
                missed.append((name, x, y))
    assert missed == []
    assert len(find(images.read(shared / "scenes" / "city.jpg").pixels)) >= 25
