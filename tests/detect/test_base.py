import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganonymization.detect.base import detect_turned, large_enough, merge, with_boxes
from ganonymization.types import Detection

boxes = st.tuples(st.floats(0, 80), st.floats(0, 80), st.floats(2, 40), st.floats(2, 40)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)
detections = st.lists(st.builds(Detection, boxes, st.floats(0, 1)), max_size=12)


@given(detections)
def test_every_box_is_accounted_for(found):
    kept = merge(found)
    told = [box for d in kept for box in (d.box_xyxy, *d.merged)]
    assert sorted(told) == sorted(d.box_xyxy for d in found)


@given(detections)
def test_merging_again_changes_nothing_and_order_does_not_matter(found):
    kept = merge(found)
    assert [d.box_xyxy for d in merge(kept)] == [d.box_xyxy for d in kept]
    if len({(d.score, d.box_xyxy) for d in found}) == len(found):
        assert [d.box_xyxy for d in merge(found[::-1])] == [d.box_xyxy for d in kept]


def test_the_best_of_overlapping_boxes_is_kept():
    best = Detection((0, 0, 10, 10), 0.9)
    worse, apart = Detection((1, 1, 11, 11), 0.5), Detection((50, 50, 55, 55), 0.3)
    inside = Detection((2, 2, 5, 5), 0.4)
    kept = merge([worse, apart, inside, best])
    assert [d.box_xyxy for d in kept] == [best.box_xyxy, apart.box_xyxy]
    assert set(kept[0].merged) == {worse.box_xyxy, inside.box_xyxy}


EYES = ((40.0, 40.0), (60.0, 40.0))


def test_a_looser_box_with_the_same_eyes_is_cut_to_what_is_near_the_best():
    """Some detectors' boxes hold the hair of turned heads."""
    best = Detection((30, 20, 70, 80), 0.9, EYES)
    loose = Detection((14, 22, 72, 85), 0.7, ((31.0, 42.0), (51.0, 40.0)))
    (kept,) = merge([best, loose])
    assert kept.box_xyxy == best.box_xyxy
    assert kept.merged == ((25, 22, 72, 85),)


@pytest.mark.parametrize(
    "best, other",
    [
        (Detection((30, 20, 70, 80), 0.9, EYES), Detection((14, 22, 72, 85), 0.7, None)),
        (
            Detection((30, 20, 70, 80), 0.9, EYES),
            Detection((14, 22, 72, 85), 0.7, ((22.0, 42.0), (46.0, 40.0))),
        ),
        (
            Detection((30, 20, 70, 80), 0.9, ((np.nan, 40.0), (60.0, 40.0))),
            Detection((14, 22, 72, 85), 0.7, EYES),
        ),
        (  # one point for both
            Detection((30, 20, 70, 80), 0.9, ((0.0, 0.0), (0.0, 0.0))),
            Detection((14, 22, 72, 85), 0.7, ((0.0, 0.0), (0.0, 0.0))),
        ),
        (  # a part of a face that is surer than the whole
            Detection((140, 150, 260, 260), 0.6, ((162.0, 190.0), (238.0, 190.0))),
            Detection((100, 100, 300, 350), 0.38, ((160.0, 190.0), (240.0, 190.0))),
        ),
        (  # two faces turned to each other
            Detection((0, 0, 100, 120), 0.9, ((45.0, 45.0), (85.0, 45.0))),
            Detection((46, 0, 146, 120), 0.8, ((61.0, 45.0), (101.0, 45.0))),
        ),
        (  # a best one that is not sure
            Detection((30, 20, 70, 80), 0.35, EYES),
            Detection((14, 22, 72, 85), 0.3, ((31.0, 42.0), (51.0, 40.0))),
        ),
    ],
)
def test_what_may_be_more_than_a_looser_box_is_held_whole(best, other):
    (kept,) = merge([best, other])
    assert kept.merged == (other.box_xyxy,)


def test_boxes_of_a_face_that_is_outscored_later_are_held_too():
    before = Detection((1, 1, 11, 11), 0.5, merged=((2, 2, 13, 13),))
    (kept,) = merge([before, Detection((0, 0, 10, 10), 0.9)])
    assert set(kept.merged) == {before.box_xyxy, *before.merged}


def test_a_small_peak_does_not_take_a_large_face_with_it():
    """Size is asked before boxes are merged."""
    face, peak = Detection((0, 0, 35, 35), 0.5), Detection((10, 10, 17, 17), 0.6)
    (kept,) = merge(large_enough([face, peak], 8))
    assert kept.box_xyxy == face.box_xyxy


def test_neighbours_are_not_merged():
    assert len(merge([Detection((0, 0, 10, 10), 0.9), Detection((8, 0, 18, 10), 0.8)])) == 2


@pytest.mark.parametrize("quarters", range(4))
def test_a_turned_picture_is_searched_and_boxes_come_back(quarters):
    """The detector sees a white block only where the picture stands upright."""
    upright = np.zeros((40, 60, 3), np.uint8)
    upright[5:15, 20:26] = 255
    turned = np.ascontiguousarray(np.rot90(upright, -quarters))

    def detector(image):
        if image.shape[:2] != (40, 60) or not image[5:15, 20:26].all():
            return []
        return [Detection((20, 5, 25, 14), 0.9, ((21, 8), (24, 8)), ((19, 4, 25, 14),))]

    (found,) = detect_turned(detector, turned)
    left, top, right, bottom = (round(v) for v in found.box_xyxy)
    assert turned[top : bottom + 1, left : right + 1].all()
    assert turned.sum() == turned[top : bottom + 1, left : right + 1].sum()
    for x, y in found.eyes_px:
        assert left <= x <= right
        assert top <= y <= bottom


def test_a_box_inside_out_is_refused():
    with pytest.raises(ValueError, match="left to right"):
        Detection((5, 0, 5, 9), 1)


def test_boxes_that_were_drawn_come_last_so_the_others_keep_their_places():
    found = [Detection((0, 0, 40, 40), 0.9), Detection((100, 0, 120, 20), 0.8)]
    drawn = [(200, 0, 210, 10), (300, 0, 390, 90), (102, 0, 120, 19)]
    faces = with_boxes(found, drawn)
    assert [face.box_xyxy for face in faces] == [f.box_xyxy for f in found] + drawn[:2]
    assert [face.score for face in faces] == [0.9, 0.8, 1.0, 1.0]
    assert faces[1].merged == (drawn[2],)
