"""Donors are moved by where their brows are seen, beside where the others' are."""

import numpy as np
import pytest

from ganonymization.errors import LandmarksError
from ganonymization.geometry import topology
from ganonymization.surrogate.shape_model import Posed
from ganonymization.training.refine import brows

from ...donors.conftest import bank_of

UP_EYES = (0.03, 0.01, -0.01)
BROWS = list(topology.EXPRESSIVE["brows"])


class DrawsItsInput:
    """Its picture is what it was asked for."""

    size_px = 256

    def wearing(self, bank):
        return self

    def __call__(self, inputs):
        return inputs


class SeesBrowsHigher:
    """By how much depends on the donor, and all are 0.1 too low."""

    def __call__(self, inputs):
        face = Posed.of(inputs.surrogate_px)
        found = face.frontal.copy()
        if inputs.worn.upper == len(UP_EYES):
            raise LandmarksError("no landmarks found")
        found[BROWS, 1] += 0.1 - UP_EYES[inputs.worn.upper]
        return face.posed(found)


@pytest.fixture
def found(monkeypatch):
    monkeypatch.setattr(brows.registry, "load", lambda names, name: SeesBrowsHigher)
    return brows.offsets(DrawsItsInput(), bank_of(len(UP_EYES) + 1))


def test_brows_move_by_what_is_seen_beside_all_donors(found):
    assert found.shape == (4, 478, 3)
    wanted = np.mean(UP_EYES) - np.array(UP_EYES)
    assert np.abs(found[:3][:, BROWS, 1] - wanted[:, None]).max() < 2e-3
    assert np.abs(found[:3][:, BROWS, 0]).max() < 2e-3


def test_skin_near_a_brow_goes_along_and_eyes_and_mouth_stay(found):
    between_brows, lid, lip = 9, 159, 13
    assert abs(found[0, between_brows, 1]) < abs(found[0, BROWS, 1]).min()
    assert np.abs(found[:, [lid, lip, topology.OUTER_EYE_LEFT]]).max() < 5e-3


def test_a_donor_in_whom_no_face_is_found_stays(found):
    assert not found[3].any()
