"""What a detector at one scale misses: close-ups, the dark, dots; and what it takes for a face."""

import cv2
import numpy as np
import pytest

from ganonymization.cli.demo import astronaut
from ganonymization.detect import legible
from ganonymization.detect.base import DetectorOptions
from ganonymization.detect.finder import Finder
from ganonymization.types import Detection

FACE = (182, 59, 270, 177)  # read off the picture by hand
CENTRE = (226, 118)


@pytest.fixture(scope="module")
def find():
    return Finder(DetectorOptions(threads=1))


def holds(detection, x, y):
    left, top, right, bottom = detection.box_xyxy
    return left < x < right and top < y < bottom


def dots(pixels):
    """A halftone print at twice the size."""
    grey = cv2.resize(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), None, fx=2, fy=2)
    y, x = np.mgrid[: grey.shape[0], : grey.shape[1]]
    screen = 0.5 + 0.25 * (np.cos((x + y) * np.pi / 4) + np.cos((x - y) * np.pi / 4))
    return np.repeat(np.uint8((grey / 255 > screen) * 255)[..., None], 3, 2)


@pytest.mark.parametrize("width", [88, 70, 52])
@pytest.mark.parametrize("side", [640, 1600])
def test_a_face_larger_than_the_picture_is_found(find, width, side):
    x, y, half = 226, 122, width // 2
    close = astronaut()[y - half : y + half, x - half : x + half]
    found = find(cv2.resize(close, (side, side), interpolation=cv2.INTER_CUBIC))
    assert any(holds(d, side / 2, side / 2) and d.side_px > 0.6 * side for d in found)


def test_a_face_at_three_hundredths_of_its_brightness_is_found(find):
    found = find(np.uint8(np.round(astronaut() * 0.03)))
    assert any(holds(d, *CENTRE) for d in found)


def test_a_face_printed_in_dots_is_found(find):
    printed = dots(astronaut())
    assert legible.is_dotted(printed)
    assert any(holds(d, 2 * CENTRE[0], 2 * CENTRE[1]) for d in find(printed))


def test_photographs_and_plain_walls_are_not_dotted():
    assert not legible.is_dotted(astronaut())
    assert not legible.is_dotted(np.full((300, 300, 3), 90, np.uint8))


def test_a_bright_picture_is_searched_as_it_is():
    assert legible.stretched(astronaut()) is astronaut() or np.array_equal(
        legible.stretched(astronaut()), astronaut()
    )
    flat = legible.stretched(np.uint8(astronaut() * 0.1 + 60))
    assert np.ptp(flat) > 180


def test_a_doubtful_face_is_confirmed_and_a_doubtful_fold_is_not(find):
    picture = astronaut()
    ask = find.second_opinion.confirmed
    face, fold = Detection(FACE, 0.1), Detection((60, 400, 148, 518), 0.45)
    assert ask(picture, [face, fold]) == [face]


def test_what_lies_on_a_chest_must_be_seen_well(find):
    """A faint face below a sure one is taken for a fold; without the sure one it stays."""
    below = cv2.GaussianBlur(astronaut(), (0, 0), 7)
    doubtful = Detection(FACE, 0.25)
    sure = Detection((182, -60, 270, 20), 0.9)
    alone = find.second_opinion.confirmed(below, [doubtful])
    beneath = find.second_opinion.confirmed(below, [doubtful], [sure])
    assert len(beneath) <= len(alone)
    assert find.second_opinion.confirmed(astronaut(), [doubtful], [sure]) == [doubtful]


def test_a_glance_tells_whether_somebody_is_new_in_parts_of_a_picture(find):
    frame = np.full((720, 1280, 3), 120, np.uint8)
    frame[300:600, 700:1000] = cv2.resize(astronaut(), (300, 300), interpolation=cv2.INTER_AREA)
    x, y = 700 + CENTRE[0] * 300 / 512, 300 + CENTRE[1] * 300 / 512
    here, elsewhere = (slice(290, 450), slice(760, 920)), (slice(0, 200), slice(0, 200))
    asked = []

    def is_known(detection):
        asked.append(detection)
        return False

    assert find.glance(frame, [elsewhere, here], is_known)
    assert any(holds(d, x, y) for d in asked)
    assert not find.glance(frame, [elsewhere], is_known)
    assert not find.glance(frame, [here], lambda detection: True)


def test_with_a_least_score_nothing_is_asked_again(find, monkeypatch):
    plain = Finder(DetectorOptions(min_score=0.4, threads=1))
    monkeypatch.setattr(plain.second_opinion, "confirmed", None)
    (face,) = plain(astronaut())
    assert holds(face, *CENTRE)


@pytest.mark.parametrize("least", [0.02, 0.2])
def test_a_least_score_changes_no_look(least):
    """Close-ups, the dark and dots are seen with it as without."""
    plain = Finder(DetectorOptions(min_score=least, threads=1))
    close = cv2.resize(astronaut()[87:157, 191:261], (1600, 1600), interpolation=cv2.INTER_CUBIC)
    assert any(holds(d, 800, 800) and d.side_px > 960 for d in plain(close))
    assert any(holds(d, *CENTRE) for d in plain(np.uint8(np.round(astronaut() * 0.03))))
    assert any(holds(d, 2 * CENTRE[0], 2 * CENTRE[1]) for d in plain(dots(astronaut())))
    assert all(d.score >= least for d in plain(close))


def test_a_thorough_look_finds_who_stands_on_the_head_beside_who_does_not():
    picture = np.full((400, 900, 3), 120, np.uint8)
    head = astronaut()[:400, 60:400]
    picture[:, :340], picture[:, 500:840] = head, head[::-1, ::-1]
    upright, turned = (166, 118), (500 + 339 - 166, 399 - 118)
    found = Finder(DetectorOptions(thorough=True))(picture)
    for x, y in (upright, turned):
        assert any(holds(d, x, y) for d in found)


def test_a_small_face_on_a_flat_page_is_found(find):
    """Stretching the tones of the page clips those of the face."""
    page = np.full((900, 900, 3), 190, np.uint8)
    head = cv2.resize(
        astronaut()[:400, 60:400], None, fx=0.27, fy=0.27, interpolation=cv2.INTER_AREA
    )
    page[400 : 400 + head.shape[0], 300 : 300 + head.shape[1]] = head
    assert any(holds(d, 300 + 166 * 0.27, 400 + 118 * 0.27) for d in find(page))
