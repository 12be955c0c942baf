"""The audit finds what a planted detector misses, and nothing else."""

import dataclasses

import numpy as np
import pytest

from ganonymization import Anonymizer
from ganonymization.cli.demo import astronaut
from ganonymization.types import COVERED_BY_AUDIT, Detection
from ganonymization.video.audit import EVERY, FrameAudit
from ganonymization.video.frames import anonymize_frames

from ..conftest import FakeDetector, FakeLandmarker, FakeSynthesizer

FACE = (182, 59, 270, 177)


class Blind:
    """A detector that misses the frames it is told to; in the others it sees the face."""

    def __init__(self, misses):
        self.misses = misses

    def __call__(self, image):
        seen = image[0, 0, 0] not in self.misses and image.shape[:2] == (320, 400)
        return [Detection((92, 54, 180, 172), 0.9)] if seen else []


def frames(count):
    """The astronaut; the first pixel says which frame it is."""
    made = []
    for i in range(count):
        frame = astronaut()[5:325, 90:490].copy()
        frame[0, 0] = i
        made.append(frame)
    return made


def anonymized(misses, count=20, **options):
    anonymizer = Anonymizer(
        detector=Blind(misses), model=FakeSynthesizer(), privacy=None,
        **options,
    )  # fmt: skip
    clip = frames(count)
    made = anonymize_frames(anonymizer, ((f, i) for i, f in enumerate(clip)), 1, "a")
    return anonymizer, clip, made


def shows(clip, made):
    """Frames whose face is as it was."""
    middle = (slice(80, 150), slice(110, 165))
    return [i for i, (f, m) in enumerate(zip(clip, made, strict=True))
            if np.abs(f[middle].astype(int) - m.result.image[middle]).mean() < 8]  # fmt: skip


def test_what_a_blind_detector_misses_is_covered_in_every_frame():
    anonymizer, clip, made = anonymized(misses=range(256))
    made = list(made)
    assert shows(clip, made) == list(range(20))  # the plant works
    done = list(FrameAudit(anonymizer)(iter(made)))
    assert [frame.payload for frame in done] == list(range(20))
    assert shows(clip, done) == []
    for frame in done:
        assert [face.outcome for face in frame.result.faces] == [COVERED_BY_AUDIT]
        assert frame.result.audited
        outside = ~frame.result.composite_mask
        assert np.array_equal(frame.result.image[outside], clip[frame.payload][outside])
        assert 0.02 < frame.result.composite_mask.mean() < 0.4


def test_nothing_is_covered_where_nothing_was_missed():
    anonymizer, _, made = anonymized(misses=())
    made = list(made)
    done = list(FrameAudit(anonymizer)(iter(made)))
    assert [len(frame.result.faces) for frame in done] == [1] * 20
    assert all(np.array_equal(a.result.image, b.result.image)
               for a, b in zip(made, done, strict=True))  # fmt: skip
    searched = [frame.payload for frame in done if frame.result.audited]
    assert searched == [*range(0, 20, EVERY), 19]


def test_the_frames_around_a_track_s_end_are_searched():
    """It is there in frames 0 to 4 and its cover is held for a while."""
    anonymizer, _, made = anonymized(misses=())
    made = list(made)
    gone = [f if f.payload < 5 else dataclasses.replace(f, boxes={}) for f in made]
    done = list(FrameAudit(anonymizer)(iter(gone)))
    assert {4, 5} <= {frame.payload for frame in done if frame.result.audited}


def test_a_face_that_is_to_stay_is_left_alone():
    anonymizer, clip, made = anonymized(misses=range(256), count=9)
    done = list(FrameAudit(anonymizer, lambda box, payload: box[0] < 200)(made))
    assert shows(clip, done) == list(range(9))
    assert not any(frame.result.faces for frame in done)


def test_a_kept_face_is_left_alone():
    anonymizer, clip, _ = anonymized(misses=(), count=9)
    made = anonymize_frames(anonymizer, ((f, i) for i, f in enumerate(clip)), 1, "a",
                            keep=lambda frame: dict.fromkeys(frame.seen, "wanted"))  # fmt: skip
    done = list(FrameAudit(anonymizer)(made))
    assert shows(clip, done) == list(range(9))


def test_a_missed_face_raises_where_covers_are_not_wanted():
    from ganonymization import FaceNotRedrawnError

    anonymizer, _, made = anonymized(misses=range(256), count=3, on_failure="error")
    with pytest.raises(FaceNotRedrawnError):
        list(FrameAudit(anonymizer)(made))


def test_no_frames_give_none():
    anonymizer = Anonymizer(
        detector=FakeDetector(), landmarker=FakeLandmarker(), model=FakeSynthesizer(), privacy=None
    )
    assert list(FrameAudit(anonymizer)(iter([]))) == []
