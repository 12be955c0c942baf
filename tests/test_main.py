"""The published project's commands, word for word."""

import numpy as np
import pytest

from ganonymization.cli.demo import astronaut
from ganonymization.io import images
from ganonymization.io.images import Picture

from .cli.test_commands import command_line
from .synthesize.test_pix2pix import published  # noqa: F401

SCRIPT = ("main.py",)


@pytest.fixture
def source(tmp_path):
    images.write(tmp_path / "in" / "sub" / "a.png", Picture(astronaut()))
    return tmp_path / "in" / "sub" / "a.png"


@pytest.mark.slow
def test_anonymize_image(source, tmp_path):
    out = tmp_path / "new" / "out.png"
    answer = command_line(
        "anonymize_image", "--model_file", "default", "--input_file", source, "--output_file", out,
        "--img_size", 256, "--align", "True", "--device", -1, script=SCRIPT,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    head = images.read(out).pixels
    assert head.shape == (256, 256, 3)
    assert head[:8, :8].mean() < 40  # a head on black
    assert [p.name for p in out.parent.iterdir()] == ["out.png"]


@pytest.mark.slow
def test_anonymize_directory(source, tmp_path):
    out = tmp_path / "out"
    answer = command_line(
        "anonymize_directory", "--model_file", "default", "--input_directory", source.parents[1],
        "--output_directory", out, script=SCRIPT,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    assert images.read(out / "sub" / "a.png").pixels.shape == (512, 512, 3)


def test_a_bare_output_name_works_and_errors_are_one_line(tmp_path):
    answer = command_line(
        "anonymize_image", "--model_file", "none.ckpt", "--input_file", "x.jpg",
        "--output_file", "bare_name.jpg", script=SCRIPT,
    )  # fmt: skip
    assert answer.returncode == 1
    assert (
        answer.stderr
        == "error: none.ckpt: no such model file; give a file or one of: default, plain\n"
    )


@pytest.mark.parametrize(
    ("option", "value"), [("--device", "-2"), ("--img_size", "3"), ("--align", "perhaps")]
)
def test_values_that_make_no_sense_are_refused(option, value):
    answer = command_line(
        "anonymize_image", "--model_file", "m", "--input_file", "a.jpg", "--output_file", "b.jpg",
        option, value, script=SCRIPT,
    )  # fmt: skip
    assert answer.returncode != 0
    assert value in answer.stderr


def test_help_names_the_published_commands():
    told = command_line("--help", script=SCRIPT).stdout
    assert "anonymize_image" in told
    assert "anonymize_directory" in told
    assert "preprocess" in told
    assert "train_pix2pix" in told
    assert "train_classifier" in told


@pytest.mark.slow
def test_a_published_checkpoint_is_read(source, published, tmp_path):  # noqa: F811
    """Its weights are a test pattern, so no face comes of it and the fill stands in."""
    out = tmp_path / "out.png"
    answer = command_line(
        "anonymize_image", "--model_file", published, "--input_file", source,
        "--output_file", out, script=SCRIPT,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    assert images.read(out).pixels.shape == (512, 512, 3)
    assert "no face is seen in what was drawn" in answer.stdout + answer.stderr


@pytest.mark.slow
def test_preprocess_and_train_as_published(source, tmp_path):
    images.write(source.parent / "none.png", Picture(astronaut()[:40, :40].copy()))
    answer = command_line(
        "preprocess", "--input_path", source.parents[1], "--img_size", 256, "--test_size", 0,
        "--output_dir", tmp_path / "data", "--num_workers", 1, script=SCRIPT,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith("train 1, val 0, test 0 faces in")
    assert "left out" in answer.stderr
    answer = command_line(
        "train_pix2pix", "--data_dir", tmp_path / "data", "--dataset_name", "FacialLandmarks478",
        "--log_dir", tmp_path / "log", "--models_dir", tmp_path / "models",
        "--output_dir", tmp_path / "out", "--n_epochs", 1, "--n_cpu", 0, "--device", -1,
        script=SCRIPT,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    assert [p.name for p in (tmp_path / "models").iterdir()] == ["epoch=1-step=2.ckpt"]


@pytest.mark.slow
def test_train_classifier_as_published(tmp_path):
    """Eight pictures of either class in the published layout; the matrix is of ``val``."""
    rows = []
    for number in range(20):
        name, split = f"{number}.jpg", ("train", "val")[number >= 16]
        level = 200 if number % 2 else 50
        images.write(
            tmp_path / "data" / split / name, Picture(np.full((40, 40, 3), level, np.uint8))
        )
        rows.append(f"{number},{name},{int(number >= 16)},{number % 2},{1 - number % 2}")
    lines = [",image_path,split,bright,dark", *rows, "20,lost.jpg,0,1,0"]
    (tmp_path / "data" / "labels.csv").write_text("\n".join(lines) + "\n")
    words = (
        "train_classifier", "--data_dir", tmp_path / "data", "--output_dir", tmp_path / "out",
        "--n_epochs", 1, "--batch_size", 8, "--num_workers", 0, "--device", -1, "--size", "atto",
    )  # fmt: skip
    answer = command_line(*words, "--num_classes", 3, script=SCRIPT)
    assert answer.returncode == 1
    assert "error: 3 classes were expected, but the data have 2: bright, dark" in answer.stderr
    answer = command_line(*words, "--num_classes", 2, script=SCRIPT)
    assert answer.returncode == 0, answer.stderr
    assert "lost.jpg: no such picture" in answer.stderr
    assert "pictures: train 16, val 4, test 0; the report is about val" in answer.stdout
    assert (tmp_path / "out" / "data_classification_report.txt").exists()
    with np.load(tmp_path / "out" / "result_pred_label.npz") as kept:
        assert kept["label"].tolist() == [[0, 1], [1, 0]] * 2
