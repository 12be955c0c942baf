import pytest

from ganonymization.errors import OptionError
from ganonymization.video.added_boxes import AddedBox
from ganonymization.video.tracking import Tracker

from .test_tracking import UNDETECTED, Disc, DiscLandmarker, covers, draw


@pytest.mark.parametrize(
    ("text", "box"),
    [
        ("1,2,30,40", AddedBox((1, 2, 31, 42))),
        (" 1, 2.5, 30, 40 ", AddedBox((1, 2.5, 31, 42.5))),
        ("1,2,30,40,0.5,2", AddedBox((1, 2, 31, 42), 0.5, 2)),
    ],
)
def test_a_box_is_read(text, box):
    assert AddedBox.parse(text) == box


@pytest.mark.parametrize(
    "text", ["", "1,2,3", "1,2,3,4,5", "1,2,0,4", "1,2,3,0", "1,2,3,4,2,2", "a,b,c,d", "1,2,3,-4"]
)
def test_what_is_no_box_is_refused(text):
    with pytest.raises(OptionError):
        AddedBox.parse(text)


def test_a_box_is_there_for_its_time():
    box = AddedBox((0, 0, 1, 1), 1, 2)
    assert [box.is_at(t) for t in (0.9, 1, 1.9, 2)] == [False, True, True, False]
    assert AddedBox((0, 0, 1, 1)).is_at(1e6)


@pytest.mark.parametrize("level", [UNDETECTED, 0])
def test_a_face_that_no_detector_sees_is_covered_by_its_box(level):
    """With landmarks it is redrawn; where not even they are found its box is covered."""
    disc = Disc(100, level=level) if level else None
    clip = [draw(disc) if disc else draw() for _ in range(30)]
    box = (80.0, 35.0, 120.0, 85.0)
    tracker = Tracker(
        lambda image, number: [], DiscLandmarker(),
        added=lambda number: [box] if 10 <= number < 20 else [],
    )  # fmt: skip
    frames = []
    for i, image in enumerate(clip):
        frames += tracker.feed(image, i)
    frames += tracker.finish()
    for i in range(10, 20):
        assert covers(frames[i], Disc(100)) is not None, i
        boxes = [b for s in frames[i].seen.values() for b in (s.box_xyxy, *s.merged)]
        assert any(abs(a - b) < 1 for a, b in zip(min(boxes), box, strict=True)), i
        assert any(s.landmarks_px is not None for s in frames[i].seen.values()) == bool(level)
    assert not any(frame.seen for frame in frames[:7]) or level == UNDETECTED
