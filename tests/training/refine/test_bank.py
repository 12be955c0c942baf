import csv

import cv2
import numpy as np
import pytest

from ganonymization.donors.bank import DonorBank
from ganonymization.donors.sheet import contact_sheet, summary
from ganonymization.errors import InputError
from ganonymization.landmarks.face_finder import FoundFace
from ganonymization.synthesize.refiner import Refiner
from ganonymization.training.refine import bank as building

from ...conftest import face_landmarks
from ...donors.conftest import bank_of
from ...synthesize.test_refiner import FakeSession

REFINER = Refiner(FakeSession(), 64, bank_of(1))


class FakeFinder:
    """Sees the canonical face in every picture, turned away in those named so."""

    def largest(self, path):
        points = face_landmarks((128, 128), 90)
        if "turned" in path.name:
            points[:, 0] += 40 * (points[:, 2] > np.median(points[:, 2]))
            points[1, 0] -= 60
        image = np.random.default_rng(len(path.name)).integers(0, 256, (256, 256, 3), np.uint8)
        return FoundFace(cv2.GaussianBlur(image, (0, 0), 2), points)


@pytest.fixture
def table(tmp_path, monkeypatch):
    monkeypatch.setattr(building, "FaceFinder", FakeFinder)
    path = tmp_path / "table.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["file", "source", "licence", "sex", "age_estimate", "person"])
        rows.writerow(["a.png", "drawn", "CC0 1.0", "f", "31", "ann"])
        rows.writerow(["bb.png", "drawn", "MIT", "m", "", ""])
        rows.writerow(["turned.png", "drawn", "MIT", "m", "40", ""])
        rows.writerow(["none.png", "drawn", "", "m", "40", ""])
    return path


def test_a_folder_becomes_a_bank(table, tmp_path):
    outcomes = building.build(tmp_path, table, tmp_path / "b.npz", REFINER)
    assert outcomes == {"donor": 2, "turned away": 1, "no licence stated": 1}
    bank = DonorBank.load(tmp_path / "b.npz")
    assert bank.files.tolist() == ["a.png", "bb.png"]
    assert bank.people.tolist() == ["ann", "bb.png"]
    assert bank.years.tolist() == [31, 0] and bank.sexes.tolist() == ["f", "m"]
    assert bank.licences.tolist() == ["CC0 1.0", "MIT"]
    texture = bank.texture(0).astype(int)
    assert abs(texture.mean() - 127) < 6  # delit: about a middle grey
    assert np.abs(texture - texture.mean(2, keepdims=True)).mean() < texture.std()
    assert summary(bank)[0] == "2 donors, 2 people"
    assert "ages: 30 to 40 1, unknown 1" in summary(bank)
    assert contact_sheet(bank).shape == (96, 1920, 3)


def test_a_table_without_licences_is_refused(table, tmp_path):
    table.write_text("file,source\na.png,drawn\n")
    with pytest.raises(InputError, match="licence"):
        building.build(tmp_path, table, tmp_path / "b.npz", REFINER)
    assert not (tmp_path / "b.npz").exists()


def test_a_bank_of_nobody_is_not_written(table, tmp_path):
    table.write_text("file,source,licence\nturned.png,drawn,MIT\n")
    with pytest.raises(InputError, match="frontal"):
        building.build(tmp_path, table, tmp_path / "b.npz", REFINER)
    assert not (tmp_path / "b.npz").exists()


def test_the_layout_is_symmetric_and_inside():
    from ganonymization.geometry import topology

    layout = building.mesh_layout([face_landmarks((90, 80), 50, 0.3) for _ in range(3)])
    twin = layout[topology.mirror()] * [-1, 1, 1] + [building.TEXTURE_PX, 0, 0]
    assert np.allclose(layout, twin, atol=1e-6)
    assert layout[:, :2].min() >= 3.9 and layout[:, :2].max() <= building.TEXTURE_PX - 3.9


def test_a_shadow_on_one_side_goes_and_what_both_sides_have_stays():
    size, blank = 224, np.zeros((224, 224), np.uint8)
    face = np.full((size, size, 3), 128, np.uint8)
    face[40:52, 50:90] = face[40:52, -90:-50] = 70  # brows
    shaded = face.copy()
    shaded[120:170, 120:150] = 80  # a nose's shadow
    out = building.evenly_lit(shaded, blank)
    assert abs(int(out[145, 135, 0]) - 128) < 20
    assert abs(int(out[46, 70, 0]) - 70) < 12 and abs(int(out[46, -70, 0]) - 70) < 12
    eyes = blank.copy()
    eyes[115:175, 115:155] = 255
    assert np.abs(building.evenly_lit(shaded, eyes)[145, 135].astype(int) - 80).max() <= 1


def test_a_donors_landmarks_go_where_its_brows_are_seen(table, tmp_path, monkeypatch):
    from ganonymization.geometry import topology

    brows = list(topology.EXPRESSIVE["brows"])
    moved = np.zeros((2, 478, 3))
    moved[1][brows, 1] = -0.1
    seen = []
    texture = building._texture
    monkeypatch.setattr(building, "offsets", lambda refiner, bank: moved)
    monkeypatch.setattr(
        building, "_texture", lambda d, layout: seen.append(d.landmarks_px) or texture(d, layout)
    )
    building.build(tmp_path, table, tmp_path / "b.npz", REFINER)
    before, after = np.array(seen[:2]), np.array(seen[2:])
    assert np.allclose(before[0], after[0])
    up = (before - after)[1][:, 1]
    assert np.allclose(up[brows], 9, atol=0.5)  # a tenth of 90 px
    assert np.abs(np.delete(up, brows)).max() < 1e-6
