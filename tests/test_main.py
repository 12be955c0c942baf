"""The published project's commands, word for word."""

import pytest

from ganonymization import images
from ganonymization.demo import astronaut
from ganonymization.images import Picture

from .test_cli import command_line

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
    assert answer.stderr == "error: none.ckpt: no such model file; give a file or one of: default\n"


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
