import pytest

from ganonymization import weights
from ganonymization.donors.surroundings import Kind
from ganonymization.errors import OptionError
from ganonymization.synthesize.load import load

from ..donors.conftest import bank_of


@pytest.mark.parametrize("what", [{"asked": Kind(female=1.0)}, {"bank": "donors"}])
def test_a_model_without_donors_refuses_them(what):
    if "bank" in what:
        what = {"bank": weights.path_of("donors")}
    with pytest.raises(OptionError, match="has no donors"):
        load(weights.resolve("plain"), 1, **what)


def test_another_bank_is_worn(tmp_path):
    bank_of(3).save(tmp_path / "own.npz")
    refiner = load(weights.resolve("default"), 1, bank=tmp_path / "own.npz")
    assert len(refiner._bank) == 3
