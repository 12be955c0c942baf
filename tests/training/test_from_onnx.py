import pytest
import torch

from ganonymization.errors import ModelError
from ganonymization.training.export import export
from ganonymization.training.from_onnx import load_exported
from ganonymization.training.losses import Networks
from ganonymization.training.networks import Generator


def drawn(generator: Generator) -> torch.Tensor:
    random = torch.Generator().manual_seed(0)
    x, style = torch.rand(2, 7, 64, 64, generator=random), torch.randn(2, 16, generator=random)
    with torch.inference_mode():
        return generator.eval()(x, style)


@pytest.mark.parametrize(("precision", "off"), [("fp32", 1e-6), ("fp16", 2e-3), ("int8", 0.1)])
def test_what_was_exported_comes_back(checkpoint, prepared, tmp_path, precision, off):
    out = tmp_path / "g.onnx"
    export(checkpoint, out, precision, 64, prepared)
    nets = Networks()
    nets.load_state_dict(torch.load(checkpoint, weights_only=True)["nets"])
    generator = Generator()
    before = (drawn(generator) - drawn(nets.average)).abs().max()
    load_exported(generator, str(out))
    after = (drawn(generator) - drawn(nets.average)).abs().max()
    assert after <= off
    assert before > 2 * after


def test_the_shipped_generator_can_be_gone_on_from():
    generator = Generator()
    load_exported(generator, "plain")
    weights = generator.state_dict()
    assert all(bool(w.isfinite().all()) and bool(w.abs().sum() > 0) for w in weights.values())


def test_files_that_are_no_generator_are_refused(tmp_path):
    (tmp_path / "x.onnx").write_bytes(b"no")
    with pytest.raises(ModelError, match="not an ONNX file"):
        load_exported(Generator(), str(tmp_path / "x.onnx"))
    with pytest.raises(ModelError, match="of another shape"):
        load_exported(Generator(widths=(8, 8, 8, 8), tail=8), "plain")
