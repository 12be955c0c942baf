from dataclasses import replace

from ganonymization import weights
from ganonymization.config import AnonymizerConfig


def test_whatever_decides_outputs_is_in_the_fingerprint(monkeypatch):
    """Donors and readers ship beside the generator: others of them make other outputs."""
    before = AnonymizerConfig().fingerprint()
    assert AnonymizerConfig().fingerprint() == before
    assert AnonymizerConfig(threads=2, device="cuda").fingerprint() == before
    for other in (
        AnonymizerConfig(age=60),
        AnonymizerConfig(skin="dark"),
        AnonymizerConfig(bank=weights.path_of("donors")),
    ):
        assert other.fingerprint() != before
    donors = replace(weights.NETWORKS["donors"], sha256="0" * 64)
    monkeypatch.setitem(weights.NETWORKS, "donors", donors)
    assert AnonymizerConfig().fingerprint() != before
