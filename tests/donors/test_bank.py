from dataclasses import replace

import numpy as np
import pytest

from ganonymization.donors.bank import DonorBank
from ganonymization.errors import ModelError

from .conftest import SIZE, bank_of


def test_a_bank_comes_back_from_its_file(bank, tmp_path):
    bank.save(tmp_path / "b.npz")
    again = DonorBank.load(tmp_path / "b.npz")
    assert len(again) == 30
    assert np.array_equal(again.readings, bank.readings)
    assert again.licences.tolist() == ["CC0 1.0"] * 30
    texture = again.texture(7)
    assert texture.shape == (SIZE, SIZE, 3) and abs(float(texture.mean()) - 74) < 2
    assert again.texture(7) is texture  # kept decoded


def test_what_is_no_bank_is_refused(tmp_path):
    (tmp_path / "words.npz").write_text("no")
    np.savez(tmp_path / "other.npz", layout_px=np.zeros(3))
    for name in ("words.npz", "other.npz", "missing.npz"):
        with pytest.raises(ModelError, match="bank build"):
            DonorBank.load(tmp_path / name)


@pytest.mark.parametrize(
    "damage",
    [
        {"readings": np.zeros((3, 7), np.float32)},
        {"readings": np.full((30, 7), np.nan, np.float32)},
        {"layout_px": np.zeros((468, 3), np.float32)},
        {"ends": np.zeros(30, np.int64)},
        {"licences": np.array(["MIT"])},
        {"styles": np.zeros((5, 16), np.float32)},
        {"folds": np.zeros((7, 224, 224), np.int8)},
        {"folds": np.zeros((6, 224, 224), np.float32)},
    ],
    ids=lambda damage: next(iter(damage)),
)
def test_a_damaged_bank_is_refused(damage, tmp_path):
    bank_of(30, **damage).save(tmp_path / "b.npz")
    with pytest.raises(ModelError, match="anew"):
        DonorBank.load(tmp_path / "b.npz")


def test_a_cut_file_is_refused(bank, tmp_path):
    bank.save(tmp_path / "b.npz")
    content = (tmp_path / "b.npz").read_bytes()
    (tmp_path / "b.npz").write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelError):
        DonorBank.load(tmp_path / "b.npz")


def test_a_damaged_texture_is_told(bank):
    noise = bank_of(30, webp=np.zeros_like(bank.webp))
    with pytest.raises(ModelError, match="donor 3"):
        noise.texture(3)


def test_a_bank_without_some_people_has_all_others_textures(bank):
    twins = replace(bank, people=np.array(["a", "b"] * 15))
    alone = twins.without({"a"})
    assert len(alone) == 15 and set(alone.people) == {"b"}
    for donor in range(15):
        assert np.array_equal(alone.texture(donor), twins.texture(2 * donor + 1))
    assert alone.files.tolist() == twins.files[1::2].tolist()


def test_a_bank_without_anybody_is_refused(bank):
    with pytest.raises(ModelError, match="no donor"):
        bank.without(set(bank.people))


def test_a_bank_without_people_is_saved_and_opened(bank, tmp_path):
    bank.without({"p3"}).save(tmp_path / "smaller.npz")
    found = DonorBank.load(tmp_path / "smaller.npz")
    assert len(found) == len(bank) - 1 and "p3" not in found.people
