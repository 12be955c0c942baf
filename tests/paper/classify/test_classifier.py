"""The network: kept and read alone, without the internet; its probabilities; its pictures."""

import json
import socket

import numpy as np
import pytest
import torch
import transformers

from ganonymization.errors import InputError, ModelError, OptionError
from ganonymization.paper.classify import network
from ganonymization.paper.classify.classifier import Classifier, fit_picture, load_classifier
from ganonymization.paper.classify.network import Labels, Size, new_network, save_classifier

EXPRESSIONS = Labels(("happy", "neutral", "sad"), False, "expression")
ATTRIBUTES = Labels(("Smiling", "Male"), True, "")


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    """Any attempt to reach another machine fails the test."""

    def refuse(*_, **__):
        raise AssertionError("the internet was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setitem(network.SIZES, "speck", Size((1, 1, 1, 1), (8, 8, 16, 16), 0.0, 32, 0.1))


@pytest.fixture
def pictures():
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (h, w, 3), np.uint8) for h, w in ((32, 32), (50, 40), (20, 90))]


def speck(labels, **options):
    torch.manual_seed(3)
    return new_network(labels, "speck", **options)


@pytest.mark.parametrize("labels", [EXPRESSIONS, ATTRIBUTES])
def test_a_kept_classifier_is_the_same_again(labels, pictures, tmp_path):
    network = speck(labels, size_px=40)
    before = Classifier(network)(pictures)
    save_classifier(network, tmp_path / "kept")
    assert {p.name for p in (tmp_path / "kept").iterdir()} == {"config.json", "model.safetensors"}
    again = load_classifier(tmp_path / "kept")
    np.testing.assert_array_equal(again(pictures), before)
    assert (again.classes, again.multi_label, again.column) == (
        labels.classes, labels.multi_label, labels.column,
    )  # fmt: skip
    assert again.size_px == 40
    assert before.dtype == np.float64
    assert before.shape == (3, len(labels.classes))


def test_its_normalisation_is_kept(pictures, tmp_path):
    save_classifier(speck(EXPRESSIONS), tmp_path)
    usual = load_classifier(tmp_path)(pictures)
    told = json.loads((tmp_path / "config.json").read_text())
    told["pixel_mean"] = [0.1, 0.9, 0.5]
    (tmp_path / "config.json").write_text(json.dumps(told))
    assert not np.allclose(load_classifier(tmp_path)(pictures), usual)


def test_probabilities(pictures):
    shares = Classifier(speck(EXPRESSIONS))(pictures)
    np.testing.assert_allclose(shares.sum(1), 1)
    network = speck(ATTRIBUTES)
    torch.nn.init.constant_(network.model.classifier.bias, 3.0)
    torch.nn.init.zeros_(network.model.classifier.weight)
    np.testing.assert_allclose(Classifier(network)(pictures), 1 / (1 + np.exp(-3)), rtol=1e-6)


def test_no_picture_and_many(pictures):
    classifier = Classifier(speck(EXPRESSIONS))
    assert classifier([]).shape == (0, 3)
    many = classifier(pictures * 20)
    np.testing.assert_allclose(many[:3], many[-3:], atol=1e-6)


def test_grey_is_read_as_rgb_and_no_picture_is_refused(pictures):
    classifier = Classifier(speck(EXPRESSIONS))
    grey = pictures[0][..., 0]
    np.testing.assert_array_equal(classifier([grey]), classifier([np.stack([grey] * 3, 2)]))
    with pytest.raises(InputError, match="uint8"):
        classifier([pictures[0] / 255])


def test_the_central_square_is_seen():
    picture = np.zeros((10, 30, 3), np.uint8)
    picture[:, 10:20] = 200
    assert (fit_picture(picture, 5) == 200).all()
    assert (fit_picture(picture, 20)[5:15, 5:15] == 200).all()


def test_training_can_start_from_kept_weights(tmp_path):
    save_classifier(speck(EXPRESSIONS, size_px=48), tmp_path)
    first = load_classifier(tmp_path).network
    begun = new_network(ATTRIBUTES, weights=tmp_path)
    assert begun.labels == ATTRIBUTES
    assert begun.size_px == 48
    assert begun.model.classifier.weight.shape == (2, 16)
    for name, tensor in begun.model.convnext.state_dict().items():
        assert torch.equal(tensor, first.model.convnext.state_dict()[name])


def test_foreign_weights_are_begun_from_but_are_no_classifier(tmp_path):
    config = transformers.ConvNextConfig(depths=[1] * 4, hidden_sizes=[8] * 4)
    transformers.ConvNextForImageClassification(config).save_pretrained(tmp_path)
    assert new_network(EXPRESSIONS, weights=tmp_path).size_px == 224
    with pytest.raises(ModelError, match="classify train --weights"):
        load_classifier(tmp_path)


def test_wrong_folders_are_told(tmp_path):
    with pytest.raises(ModelError, match=r"no config\.json"):
        load_classifier(tmp_path / "none")
    with pytest.raises(ModelError, match=r"no config\.json"):
        new_network(EXPRESSIONS, weights=tmp_path / "facebook" / "convnext")
    save_classifier(speck(EXPRESSIONS), tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"x" * 100)
    with pytest.raises(ModelError, match="not a ConvNeXt"):
        load_classifier(tmp_path)


def test_weights_of_another_network_are_told(tmp_path):
    save_classifier(speck(EXPRESSIONS), tmp_path)
    told = json.loads((tmp_path / "config.json").read_text())
    told["depths"] = [1, 1, 2, 1]
    (tmp_path / "config.json").write_text(json.dumps(told))
    with pytest.raises(ModelError, match="tensors are missing"):
        load_classifier(tmp_path)
    with pytest.raises(ModelError, match="tensors are missing"):
        new_network(EXPRESSIONS, weights=tmp_path)


def test_only_a_download_is_allowed_to_fetch(monkeypatch):
    asked = []

    def pretrained(source, **options):
        asked.append((source, options["local_files_only"]))
        raise OSError("fetched nothing")

    monkeypatch.setattr(network._Config, "from_pretrained", pretrained)
    with pytest.raises(ModelError, match="fetched nothing"):
        new_network(EXPRESSIONS, download="facebook/convnext-base-224")
    assert asked == [("facebook/convnext-base-224", False)]


def test_options_that_make_no_sense(tmp_path):
    with pytest.raises(OptionError, match="none of atto"):
        new_network(EXPRESSIONS, "huge")
    with pytest.raises(OptionError, match="32 to 1024"):
        new_network(EXPRESSIONS, "speck", size_px=8)
    with pytest.raises(OptionError, match="contradict"):
        new_network(EXPRESSIONS, weights=tmp_path, download="x")
    save_classifier(speck(EXPRESSIONS), tmp_path)
    if not torch.cuda.is_available():
        with pytest.raises(OptionError, match="try cpu"):
            load_classifier(tmp_path, "cuda")
