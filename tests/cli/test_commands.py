"""The commands in this process with fakes, and in another one as users run them."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from ganonymization import cli, weights
from ganonymization.cli.demo import astronaut
from ganonymization.config import AnonymizerConfig
from ganonymization.errors import MissingExtraError, ModelError, OptionError
from ganonymization.evaluation import geometry
from ganonymization.io import images
from ganonymization.io.images import Picture
from ganonymization.surrogate.shape_model import ShapeModel
from ganonymization.training import shape_command, shape_fit
from ganonymization.types import Skipped

from ..conftest import BlindLandmarker
from ..simulated_people import simulated
from ..test_pipeline import NoDetector

ROOT = Path(__file__).parents[2]
COMMANDS = [command.name or command.callback.__name__ for command in cli.app.registered_commands]


def command_line(*words, script=("-m", "ganonymization")):
    return subprocess.run(
        [sys.executable, *script, *map(str, words)], capture_output=True, text=True, cwd=ROOT
    )


@pytest.fixture
def run(monkeypatch, make_anonymizer):
    """Run a command with fakes in the place of the models."""

    def invoke(*words, **fakes):
        monkeypatch.setattr(AnonymizerConfig, "load", lambda _: make_anonymizer(**fakes))
        here = ["--engine", "threads"] if words[0] == "folder" else []  # where the fakes are
        return CliRunner().invoke(cli.app, [*(str(word) for word in words), *here])

    return invoke


@pytest.fixture
def source(tmp_path, picture):
    images.write(tmp_path / "in" / "a.png", Picture(picture))
    return tmp_path / "in" / "a.png"


def test_image_writes_and_tells(run, source, tmp_path, picture):
    answer = run("image", source, tmp_path / "out.png", "--seed", 4)
    assert answer.exit_code == 0
    assert "1 of 1 faces redrawn, seed 4" in answer.output
    assert not np.array_equal(images.read(tmp_path / "out.png").pixels, picture)


def test_image_tells_a_fill(run, source, tmp_path):
    answer = run("image", source, tmp_path / "out.png", landmarker=BlindLandmarker())
    assert answer.exit_code == 0
    assert "0 of 1 faces redrawn, 1 covered: no landmarks found, seed" in answer.output
    assert "warning" not in answer.output


def test_image_as_json(run, source, tmp_path):
    told = json.loads(run("image", source, tmp_path / "o.png", "--seed", 4, "--json").stdout)
    assert told["seed"] == 4
    assert told["faces"][0]["outcome"] == "synthesized"
    assert told["outputs"] == [str(tmp_path / "o.png")]


def test_image_warns_of_no_face(run, source, tmp_path):
    answer = run("image", source, tmp_path / "out.png", detector=NoDetector())
    assert answer.exit_code == 0
    assert "warning" in answer.output
    assert "no face found" in answer.output


def test_folder_tells_each_status_and_fails_for_failures(run, source, tmp_path):
    assert run("folder", source.parent, tmp_path / "out").exit_code == 0
    (source.parent / "bad.png").write_bytes(b"")
    answer = run("folder", source.parent, tmp_path / "out")
    assert answer.exit_code == 1
    assert "bad.png: the file is empty" in answer.output
    for word in ("skipped", "failed", "out-report/report.html"):
        assert word in answer.output
    told = json.loads(run("folder", source.parent, tmp_path / "out", "--json").stdout)
    assert told["counts"] == {"skipped": 1, "failed": 1}


def test_the_setting_reaches_the_library(monkeypatch, make_anonymizer, source, tmp_path):
    asked = []
    monkeypatch.setattr(
        AnonymizerConfig, "load", lambda config: asked.append(config) or make_anonymizer()
    )
    for words in ([], ["--privacy", "high"], ["--keep-shape"]):
        assert CliRunner().invoke(
            cli.app, ["image", str(source), str(tmp_path / "o.png"), *words]
        ).exit_code == 0  # fmt: skip
    assert [config.privacy for config in asked] == ["balanced", "high", None]
    both = ["image", str(source), str(tmp_path / "o.png"), "--keep-shape", "--privacy", "high"]
    answer = CliRunner().invoke(cli.app, both)
    assert isinstance(answer.exception, OptionError)


def test_evaluate_asks_for_its_extra_before_it_reads(monkeypatch, tmp_path):
    monkeypatch.setattr(geometry, "find_spec", lambda name: None)
    words = ["evaluate", str(tmp_path), str(tmp_path), "--people", "none.csv"]
    answer = CliRunner().invoke(cli.app, words)
    assert isinstance(answer.exception, MissingExtraError)
    assert "the extra eval: pip install" in str(answer.exception)


def test_fit_shape_tells_what_it_left_out(monkeypatch, tmp_path):
    left_out = [Skipped(tmp_path / "b.png", "no face found", False)]
    monkeypatch.setattr(shape_command, "read_people", lambda f, i: (simulated(45), left_out))
    monkeypatch.setattr(shape_fit, "_STEPS", 2)
    out = tmp_path / "mine.npz"
    words = ["fit-shape", str(tmp_path), str(out), "--people", str(tmp_path / "i.csv")]
    answer = CliRunner().invoke(cli.app, words)
    assert answer.exit_code == 0
    assert "b.png: no face found" in answer.stderr
    assert ShapeModel.load(out).people.shape[0] == 10


def test_models_lists_the_shipped_ones():
    told = json.loads(CliRunner().invoke(cli.app, ["models", "--json"]).stdout)
    assert told[0]["name"] == "default"
    assert told[0]["bytes"] > 1e6
    assert "refiner.onnx" in CliRunner().invoke(cli.app, ["models"]).stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_has_help(name):
    import typer.main

    command = typer.main.get_command(cli.app).commands[name]
    assert command.help
    assert all(p.help for p in command.params if p.name != "help"), name


@pytest.mark.slow
def test_a_folder_is_the_same_whoever_does_it(tmp_path):
    for name in ("a.jpg", "b.jpg"):
        images.write(tmp_path / "in" / name, Picture(astronaut()))
    for engine in ("processes", "threads", "ray"):
        words = tmp_path / "in", tmp_path / engine, "--seed", 1, "--engine", engine
        answer = command_line("folder", *words)
        assert answer.returncode == 0, answer.stderr
        assert "2  done" in answer.stdout
    for engine in ("threads", "ray"):
        for name in ("a.jpg", "b.jpg"):
            made = (tmp_path / engine / name).read_bytes()
            assert made == (tmp_path / "processes" / name).read_bytes()


def test_every_command_is_documented():
    told = (ROOT / "docs" / "commands.md").read_text()
    for name in COMMANDS:
        assert f"ganonymize {name}" in told


BAD = {
    "missing input": (["image", "none.jpg", "{out}/b.jpg"], "none.jpg: no such file"),
    "folder as file": (["image", "src", "{out}/b.jpg"], "src: a folder"),
    "wrong suffix": (["image", "README.md", "{out}/b.xyz"], "b.xyz"),
    "no picture": (["image", "README.md", "{out}/b.jpg"], "README.md: not a picture"),
    "file as folder": (["folder", "README.md", "{out}"], "README.md: not a folder"),
    "address without Ray": (["folder", "src", "{out}", "--address", "auto"], "is for --engine ray"),
    "GPUs on Ray": (["folder", "src", "{out}", "--engine", "ray", "--device", "cuda"], "CPU alone"),
    "no store": (["folder", "nosuch://x", "{out}"], "nosuch://x"),
    "an empty store": (["folder", "memory://x", "{out}"], "memory://x: nothing is there"),
    "folder without model": (["folder", "docs", "{out}/b", "--model", "none.onnx"], "none.onnx"),
    "unknown model": (["image", "README.md", "{out}/b.jpg", "--model", "none.onnx"], "none.onnx"),
    "no onnx": (["image", "x.jpg", "{out}/b.jpg", "--model", "README.md"], "README.md: not a read"),
    "foreign onnx": (["image", "x.jpg", "{out}/b.jpg", "--model", "{foreign}"], "centerface.onnx"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BAD)
def test_bad_calls_end_with_one_clear_line(tmp_path, name):
    foreign = weights.path_of("centerface")
    words, expected = BAD[name]
    answer = command_line(*(w.format(out=tmp_path, foreign=foreign) for w in words))
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert len(answer.stderr.splitlines()) == 1, answer.stderr
    assert answer.stderr.startswith("error: ")
    assert expected in answer.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_traceback_is_shown_on_demand(tmp_path):
    answer = command_line("image", "none.jpg", tmp_path / "b.xyz", "--debug")
    assert answer.returncode == 1
    assert "Traceback" in answer.stderr
    assert "Traceback" not in command_line("image", "none.jpg", tmp_path / "b.xyz").stderr


def test_unknown_options_say_so():
    answer = command_line("image", "a.jpg", "b.jpg", "--mode", "nonsense")
    assert answer.returncode == 2
    assert "nonsense" in answer.stderr


def test_missing_torch_prints_the_install_line(monkeypatch):
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    answer = CliRunner().invoke(cli.app, ["train", "a", "b"])
    assert "the extra train: pip install" in str(answer.exception)


def test_our_errors_become_one_line_and_exit_code_one(monkeypatch, capsys):
    def fail():
        raise ModelError("m.onnx: broken; export it anew")

    monkeypatch.setattr(cli, "_silence_native_code", lambda: None)
    with pytest.raises(SystemExit) as stop:
        cli.run(fail)
    assert stop.value.code == 1
    assert capsys.readouterr().err == "error: m.onnx: broken; export it anew\n"


def test_a_dry_run_tells_and_writes_nothing(run, source, tmp_path):
    (source.parent / "notes.txt").write_text("hello")
    answer = run("folder", source.parent, tmp_path / "out", "--dry-run")
    assert answer.exit_code == 0 and not (tmp_path / "out").exists()
    assert "1  pictures" in answer.output and "1  left out" in answer.output
    run("folder", source.parent, tmp_path / "out")
    told = run("folder", source.parent, tmp_path / "out", "--dry-run", "--json")
    assert json.loads(told.output) == {"done before": 1, "left out": 1}


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1", "a/b", "1/2/3", "-1/2"])
def test_shards_that_are_none_are_refused(run, source, tmp_path, shard):
    answer = run("folder", source.parent, tmp_path / "out", "--shard", shard)
    assert isinstance(answer.exception, OptionError) and "--shard" in str(answer.exception)


def test_a_shard_has_a_manifest_of_its_own(run, source, tmp_path):
    for i in (1, 2):
        assert run("folder", source.parent, tmp_path / "out", "--shard", f"{i}/2").exit_code == 0
    assert (tmp_path / "out-report" / "manifest-1-of-2.jsonl").is_file()
    assert (tmp_path / "out" / "a.png").is_file()


def test_a_strict_folder_fails_where_a_file_is_not_read(run, source, tmp_path):
    assert run("folder", source.parent, tmp_path / "out").exit_code == 0
    (source.parent / "notes.txt").write_text("hello")
    assert run("folder", source.parent, tmp_path / "out").exit_code == 0
    answer = run("folder", source.parent, tmp_path / "out", "--strict")
    assert answer.exit_code == 1
    assert "notes.txt: not a kind" in answer.output
