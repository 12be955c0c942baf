import pytest
import torch

from ganonymization.errors import OutputError
from ganonymization.training import run_dir


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), RuntimeError("PytorchStreamWriter failed")]
)
def test_a_full_disk_leaves_the_last_checkpoint(tmp_path, monkeypatch, error):
    path = tmp_path / "checkpoint.pt"
    run_dir.save_checkpoint(path, {"step": torch.tensor(1)})

    def fail(state, file):
        file.write(b"half")
        raise error

    monkeypatch.setattr(torch, "save", fail)
    with pytest.raises(OutputError, match="cannot be written"):
        run_dir.save_checkpoint(path, {"step": torch.tensor(2)})
    monkeypatch.undo()
    assert run_dir.read_checkpoint(path)["step"] == 1
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_no_checkpoint_is_none(tmp_path):
    assert run_dir.read_checkpoint(tmp_path / "checkpoint.pt") is None
