import re

import pytest

from ganonymization import weights
from ganonymization.errors import ModelError

ALL = [*weights.SHIPPED.values(), *weights.NETWORKS.values()]


@pytest.mark.parametrize("model", ALL, ids=lambda m: m.name)
def test_shipped_files_are_what_the_tables_say(model):
    assert weights.sha256_of(model.path) == model.sha256
    assert model.path.stat().st_size <= 16_000_000
    card = model.path.with_suffix(".md").read_text()
    made = "Training" if model.name in weights.SHIPPED else "Conversion"
    for heading in ("Data", made, "Measured", "Must not be used for", "Licence"):
        assert re.search(rf"^## .*{heading}", card, re.M), heading
    licence = card.partition("## Licence")[2]
    assert model.licence in licence


def test_the_notice_names_every_network_of_others():
    notice = (weights.NETWORKS["facemesh"].path.parent / "NOTICE.md").read_text()
    for model in weights.NETWORKS.values():
        assert re.search(rf"^\| `{re.escape(model.file)}` .*\| {model.licence} \|$", notice, re.M)


def test_a_changed_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "_FOLDER", tmp_path)
    with pytest.raises(ModelError, match="missing"):
        weights.resolve("default")
    (tmp_path / "refiner.onnx").write_bytes(b"other")
    with pytest.raises(ModelError, match="sha256"):
        weights.resolve("default")


def test_unknown_names_and_folders_are_refused(tmp_path):
    with pytest.raises(ModelError, match="default"):
        weights.resolve("nonsense")
    with pytest.raises(ModelError, match="folder"):
        weights.resolve(str(tmp_path))


def test_a_file_is_taken_as_it_is(tmp_path):
    (tmp_path / "mine.onnx").write_bytes(b"x")
    assert weights.resolve(str(tmp_path / "mine.onnx")) == tmp_path / "mine.onnx"
