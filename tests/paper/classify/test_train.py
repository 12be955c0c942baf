"""Whole runs of a speck of a network on dark and bright squares."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from ganonymization.cli import classify
from ganonymization.datasets.table import Table
from ganonymization.errors import InputError, ModelError, OptionError, OutputError
from ganonymization.io import images
from ganonymization.io.images import Picture
from ganonymization.paper.classify import network, train
from ganonymization.paper.classify.classifier import load_classifier
from ganonymization.paper.classify.network import Labels, Size
from ganonymization.paper.classify.settings import ClassifierSettings
from ganonymization.paper.classify.task import ClassifierTask, check_monitor, loss_of
from ganonymization.paper.classify.train import train_classifier

NAN = float("nan")
QUICK = ClassifierSettings(
    size="speck", learning_rate=0.02, batch_size=8, n_epochs=4, num_workers=0, accelerator="cpu"
)


@pytest.fixture(scope="module", autouse=True)
def speck():
    with pytest.MonkeyPatch.context() as patch:
        size = Size((1, 1, 1, 1), (8, 8, 16, 16), 0.0, 32, 0.1)
        patch.setitem(network.SIZES, "speck", size)
        yield


@pytest.fixture(scope="module")
def squares(tmp_path_factory) -> Table:
    """Sixty people on a picture each, every other one bright; of the last three nothing is known.

    ``Bright`` and ``Dark`` tell the same; where one is not known, the other is.
    """
    folder = tmp_path_factory.mktemp("squares")
    rng = np.random.default_rng(0)
    bright = np.arange(60) % 2 == 1
    for number in range(60):
        level = 190 if bright[number] else 60
        pixels = rng.normal(level, 15, (32, 32, 3)).clip(0, 255).astype(np.uint8)
        images.write(folder / f"{number}.png", Picture(pixels))
    files = np.array([f"{i}.png" for i in range(60)])
    blank = np.array([""] * 60)
    columns = {
        "expression": np.where(bright, "bright", "dark"),
        "Bright": np.where(bright, "1", "0"),
        "Dark": np.where(bright, "0", "1"),
    }
    for values in columns.values():
        values[57:] = ""
    columns["Bright"][:5] = columns["Dark"][5:10] = ""
    return Table(folder, files, blank, blank, columns)


@pytest.fixture(scope="module")
def run(squares, tmp_path_factory):
    """A trained classifier and its folder."""
    out = tmp_path_factory.mktemp("run")
    return train_classifier(squares, out, QUICK), out


def level(value):
    return np.full((32, 32, 3), value, np.uint8)


def test_it_learns_what_is_bright(run):
    trained, out = run
    kept = load_classifier(out)
    assert kept.classes == ("bright", "dark")
    assert kept.column == "expression"
    shares = kept([level(190), level(60)])
    assert shares[0, 0] > 0.8
    assert shares[1, 1] > 0.8
    np.testing.assert_allclose(trained.classifier([level(190), level(60)]), shares, atol=1e-6)


def test_it_reports_on_people_it_has_not_seen(run, squares):
    trained, out = run
    assert trained.pictures == {"train": 39, "val": 9, "test": 9}  # of 57 that are known
    assert trained.reported_on == "test"
    assert "report is about test" in trained.summary()
    with np.load(out / "result_pred_label.npz") as kept:
        told = dict(line.split(",") for line in (out / "split.csv").read_text().splitlines()[1:])
        assert {told[name] for name in kept["files"]} == {"test"}
        assert len(told) == 57
        assert kept["pred"].shape == kept["label"].shape == (9, 2)
    matrix = json.loads((out / "confusion_matrix.json").read_text())
    assert np.trace(matrix["counts"]) >= 8


def test_the_best_checkpoint_is_kept_and_is_the_classifier(run):
    _, out = run
    names = {p.name for p in (out / "models").iterdir()}
    assert len(names) == 2
    best = next(iter(names - {"last.ckpt"}))
    content = torch.load(out / "models" / best, weights_only=True)
    weight = load_classifier(out).network.model.classifier.weight
    assert torch.equal(content["state_dict"]["network.model.classifier.weight"], weight)
    assert any((out / "logs").iterdir())


def test_several_columns_are_learned_where_they_are_known(squares, tmp_path):
    settings = dataclasses.replace(QUICK, columns=("Bright", "Dark"), monitor="val_accuracy")
    trained = train_classifier(squares, tmp_path, settings)
    kept = load_classifier(tmp_path)
    assert kept.multi_label
    assert kept.column == ""
    np.testing.assert_array_equal(kept([level(190), level(60)]) > 0.5, np.eye(2, dtype=bool))
    assert sum(trained.pictures.values()) == 57


def test_a_run_goes_on(squares, tmp_path):
    """Two epochs and two more, with a whole folder that was moved between."""
    train_classifier(squares, tmp_path / "a", dataclasses.replace(QUICK, n_epochs=2))
    (tmp_path / "a").rename(tmp_path / "b")
    train_classifier(squares, tmp_path / "b", QUICK)
    last = torch.load(tmp_path / "b" / "models" / "last.ckpt", weights_only=True)
    assert last["epoch"] == 3
    before = (tmp_path / "b" / "model.safetensors").read_bytes()
    train_classifier(squares, tmp_path / "b", QUICK)  # is over
    assert (tmp_path / "b" / "model.safetensors").read_bytes() == before


def test_a_run_of_other_classes_is_not_gone_on_with(run, squares):
    _, out = run
    settings = dataclasses.replace(QUICK, columns=("Bright", "Dark"))
    with pytest.raises(ModelError, match="a run with the classes bright, dark"):
        train_classifier(squares, out, settings)


def test_it_stops_early(squares, tmp_path, capsys):
    """A rate that moves nothing makes nothing better."""
    settings = dataclasses.replace(
        QUICK, learning_rate=1e-30, n_epochs=50, early_stop_n=2, monitor="val_top_1_acc",
        save_top_k=0,
    )  # fmt: skip
    train_classifier(squares, tmp_path, settings)
    told = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in told] == ["epoch 0", "epoch 1", "epoch 2"]
    assert len(list((tmp_path / "models").glob("epoch*"))) == 3  # 0 keeps all


def test_unknown_labels_are_masked_out_of_the_loss():
    logits, weights = torch.tensor([[2.0, -1.0], [0.5, 3.0]]), torch.tensor([2.0, 0.5])
    wanted = torch.tensor([[1.0, NAN], [0.0, 1.0]])
    known = [
        2 * torch.tensor(1 + np.exp(-2.0)).log(), torch.tensor(1 + np.exp(0.5)).log(),
        0.5 * torch.tensor(1 + np.exp(-3.0)).log(),
    ]  # fmt: skip
    found = loss_of(logits, wanted, weights, multi_label=True)
    torch.testing.assert_close(found.double(), torch.stack(known).mean())
    logits.requires_grad_(True)
    loss_of(logits, wanted, weights, multi_label=True).backward()
    assert logits.grad is not None
    assert logits.grad[0, 1] == 0
    assert torch.isfinite(logits.grad).all()


def test_class_weights_count_in_the_loss():
    logits = torch.tensor([[2.0, -1.0], [0.5, 3.0], [9.0, 9.0]])
    wanted = torch.tensor([[1.0, 0.0], [1.0, 0.0], [NAN, NAN]])
    first, second = torch.nn.functional.cross_entropy(
        logits[:2], torch.tensor([0, 0]), reduction="none"
    )
    even = loss_of(logits, wanted, torch.ones(2), multi_label=False)
    torch.testing.assert_close(even, (first + second) / 2)
    wanted[1] = torch.tensor([0.0, 1.0])
    other = torch.nn.functional.cross_entropy(logits[1:2], torch.tensor([1]))
    found = loss_of(logits, wanted, torch.tensor([3.0, 1.0]), multi_label=False)
    torch.testing.assert_close(found, (3 * first + other) / 4)


def test_the_balance_of_classes_reaches_the_task(squares, tmp_path, monkeypatch):
    seen = []

    class Watched(ClassifierTask):
        def __init__(self, network, labels, weights, learning_rate):
            seen.append(weights)
            super().__init__(network, labels, weights, learning_rate)

    monkeypatch.setattr(train, "ClassifierTask", Watched)
    few = squares.of(np.isin(np.arange(60) % 8, [0, 1, 2, 3, 4, 6]))
    split = np.resize(["train", "val", "test"], len(few.files))
    few = dataclasses.replace(few, split=split)
    train_classifier(few, tmp_path, dataclasses.replace(QUICK, n_epochs=1))
    known = (split == "train") & (few.labels["expression"] != "")
    counts = [(few.labels["expression"][known] == name).sum() for name in ("bright", "dark")]
    np.testing.assert_allclose(seen[0], [known.sum() / 2 / count for count in counts])


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"num_classes": 7}, "7 classes were expected, but the data have 2: bright, dark"),
        ({"monitor": "val_accuracy"}, "these classes have val_loss, val_top_1_acc"),
        ({"metric_mode": "max"}, "would keep the worst val_loss; give min"),
        ({"size": "huge"}, "none of"),
        ({"accelerator": "quantum"}, "no such device"),
    ],
)
def test_options_that_do_not_fit(squares, tmp_path, changes, told):
    with pytest.raises(OptionError, match=told):
        train_classifier(squares, tmp_path, dataclasses.replace(QUICK, **changes))


@pytest.mark.parametrize(
    "changes", [{"learning_rate": 0.0}, {"batch_size": 0}, {"save_top_k": -1}, {"n_epochs": 0}]
)
def test_settings_that_make_no_sense(changes):
    with pytest.raises(OptionError):
        dataclasses.replace(QUICK, **changes)


def test_accuracies_are_monitored_upwards():
    assert check_monitor("val_top_1_acc", None, multi_label=False) == "max"
    assert check_monitor("val_loss", "min", multi_label=True) == "min"


def test_data_that_cannot_be_learned(squares, tmp_path):
    with pytest.raises(InputError, match="no label column 'mood'"):
        train_classifier(squares, tmp_path, dataclasses.replace(QUICK, columns=("mood",)))
    bright = squares.of(squares.labels["expression"] == "bright")
    with pytest.raises(InputError, match="needs two classes"):
        train_classifier(bright, tmp_path, QUICK)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_broken_picture_is_named(squares, tmp_path, workers):
    files = squares.files.astype("U9")
    files[:40] = "none.png"
    broken = dataclasses.replace(squares, files=files)
    with pytest.raises(InputError, match=r"^.*none\.png: no such file; check the path$"):
        train_classifier(broken, tmp_path, dataclasses.replace(QUICK, num_workers=workers))


def test_a_folder_that_cannot_be_written_is_told(squares, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="choose another place"):
        train_classifier(squares, tmp_path / "file" / "run", QUICK)


def test_the_commands(squares, tmp_path):
    lines = [f"{f},{e}" for f, e in zip(squares.files, squares.labels["expression"], strict=True)]
    index = tmp_path / "index.csv"
    index.write_text("\n".join(["file,expression", *lines]) + "\n")

    def command(*words):
        answer = CliRunner().invoke(classify.app, [str(word) for word in words])
        assert answer.exit_code == 0, answer.output
        return answer.output

    run = tmp_path / "run"
    told = command(
        "train", squares.folder, run, "--index", index, "--size", "speck", "--epochs", 3,
        "--learning-rate", 0.02, "--batch", 8, "--workers", 0, "--accelerator", "cpu",
    )  # fmt: skip
    assert "pictures: train 39, val 9, test 9" in told
    said = command("predict", run, squares.folder, tmp_path / "said", "--index", index)
    assert "60 pictures, 57 with a known label" in said
    assert (tmp_path / "said" / "confusion_matrix.csv").exists()
    said = command("predict", run, squares.folder, tmp_path / "plain", "--unlabelled")
    assert "no report; see result_pred_label.npz" in said
    assert not (tmp_path / "plain" / "confusion_matrix.csv").exists()


def test_labels_are_told_apart():
    assert Labels(("a",), True, "") != Labels(("a",), False, "")
