"""What a detector misses is found in what would be written, and covered."""

import numpy as np
import pytest

from ganonymization import Anonymizer
from ganonymization.cli.demo import astronaut
from ganonymization.detect.audit import Audit, is_changed, looks_of_audit
from ganonymization.detect.multi_scale import looks
from ganonymization.errors import FaceNotRedrawnError

FACE = (182, 59, 270, 177)  # read off the picture by hand


def blind(image):
    """A detector that misses every face."""
    return []


@pytest.fixture(scope="module")
def audit():
    return Audit()


def mask(box=None):
    changed = np.zeros((512, 512), bool)
    if box:
        changed[box[1] : box[3], box[0] : box[2]] = True
    return changed


def test_a_face_that_did_not_change_is_found(audit):
    (missed,) = audit.missed(astronaut(), mask())
    x, y = missed.centre_px
    assert abs(x - 226) < 20
    assert abs(y - 118) < 25


def test_a_face_that_changed_or_may_stay_is_not(audit):
    assert audit.missed(astronaut(), mask(FACE)) == []
    assert audit.missed(astronaut(), mask(), spared=[FACE]) == []


def test_a_change_beside_the_face_does_not_count():
    assert not is_changed(FACE, mask((300, 59, 400, 177)))
    assert is_changed(FACE, mask(FACE))
    assert is_changed((600, 600, 700, 700), mask())


@pytest.mark.parametrize("shape", [(512, 512), (720, 1280), (3000, 4000)])
@pytest.mark.parametrize("tile_px", [1280, 640])
def test_the_audit_looks_at_all_at_other_scales_than_the_detector_and_at_less(shape, tile_px):
    first, again = looks(shape), looks_of_audit(shape, tile_px=tile_px)
    assert [a.is_whole for a in again] == [True] + [False] * (len(again) - 1)
    scales = [sorted({look.scale for look in some}) for some in (first, again)]
    assert all(b < a for a, b in zip(*scales, strict=True))
    for scale in scales[1][1:]:
        seen = np.zeros(shape, bool)
        for look in again:
            if look.scale == scale:
                left, top, right, bottom = look.window
                assert max(right - left, bottom - top) * scale <= tile_px + 1
                seen[top:bottom, left:right] = True
        assert seen.all()


def test_what_a_blind_detector_leaves_is_covered_and_told():
    result = Anonymizer(detector=blind)(astronaut(), seed=1)
    (face,) = result.faces
    assert result.audited
    assert result.covered_by_audit == 1
    assert face.outcome == "covered by the audit"
    assert not face.synthesized
    assert (result.image[100:140, 205:245] == 127).all()
    assert result.composite_mask[100:140, 205:245].all()


def test_without_an_audit_it_stays_and_nothing_is_confirmed():
    result = Anonymizer(detector=blind, audit=False)(astronaut(), seed=1)
    assert result.faces == ()
    assert not result.audited
    assert np.array_equal(result.image, astronaut())


def test_who_wants_an_error_gets_one():
    with pytest.raises(FaceNotRedrawnError, match="could not be redrawn"):
        Anonymizer(detector=blind, on_failure="error")(astronaut(), seed=1)


def test_a_redrawn_face_is_not_covered_again():
    result = Anonymizer()(astronaut(), seed=1)
    assert [face.outcome for face in result.faces] == ["synthesized"]
    assert result.audited


def test_a_box_drawn_by_hand_is_redrawn_or_covered():
    result = Anonymizer(detector=blind, audit=False)(
        astronaut(), seed=1, add_boxes=[FACE, (20, 300, 80, 380)]
    )
    assert sorted(face.outcome.split(":")[0] for face in result.faces) == ["filled", "synthesized"]
    assert result.composite_mask[340, 50]
    assert all(face.score == 1 for face in result.faces)
