"""``ganonymize video`` in this process with fakes, and in another one as users run it."""

import json

import av
import numpy as np
import pytest
from typer.testing import CliRunner

from ganonymization import cli
from ganonymization.config import AnonymizerConfig
from ganonymization.errors import (
    InputError,
    OptionError,
    OutputError,
    UnreadableError,
    with_options,
)

from ..video.test_container import (
    damaged_clip,
    make_clip,
    pictures,
    seen_pictures,
    sound_packets,
    times,
)
from ..video.test_frames import stages
from ..video.test_tracking import NO_LANDMARKS, Disc, draw
from .test_commands import command_line


@pytest.fixture
def run(monkeypatch, make_anonymizer):
    """Run the command with fakes in the place of the models."""

    def invoke(*words, **fakes):
        anonymizer = make_anonymizer(**stages(**fakes))
        monkeypatch.setattr(AnonymizerConfig, "load", lambda _: anonymizer)
        return CliRunner().invoke(cli.app, ["video", *map(str, words)])

    return invoke


@pytest.fixture
def source(tmp_path):
    return make_clip(tmp_path / "in.mp4", pictures(8), tones=1)


def test_it_writes_and_tells(run, source, tmp_path):
    answer = run(source, tmp_path / "out.mp4", "--seed", 4)
    assert answer.exit_code == 0
    told = answer.stdout.replace("\n", " ")
    assert (
        f"{tmp_path / 'out.mp4'}: 8 frames, 1 track, 8 of 8 faces redrawn, 2 frames audited: "
        in told
    )
    assert "0 faces covered, seed 4" in told
    assert "warning" not in answer.output
    assert times(tmp_path / "out.mp4") == times(source)
    assert sound_packets(tmp_path / "out.mp4") == sound_packets(source)


def test_json_alone_is_on_the_output(run, source, tmp_path):
    answer = run(source, tmp_path / "out.mp4", "--seed", 4, "--json", "--report")
    assert answer.exit_code == 0
    told = json.loads(answer.stdout)
    assert told == json.loads((tmp_path / "out-report" / "out.mp4.json").read_text())
    assert (told["frames"], told["faces"], told["seed"], told["salvaged"]) == (8, 8, 4, None)


def test_a_seed_repeats_and_a_fresh_one_is_told(run, source, tmp_path):
    seeds = set()
    for name, words in (("a", []), ("b", []), ("c", ["--seed", 3]), ("d", ["--seed", 3])):
        answer = run(source, tmp_path / f"{name}.mp4", "--json", *words)
        seeds.add(json.loads(answer.stdout)["seed"])
    assert len(seeds) == 3
    a, b, c, d = (seen_pictures(tmp_path / f"{name}.mp4")[0] for name in "abcd")
    assert np.array_equal(c, d)
    assert not np.array_equal(a, b)


def test_no_faces_are_a_warning(run, tmp_path):
    source = make_clip(tmp_path / "in.mp4", [draw(size_wh=(128, 96))] * 5)
    answer = run(source, tmp_path / "out.mp4")
    assert answer.exit_code == 0
    assert "no face found in any frame" in answer.stderr
    assert "0 of 0 faces redrawn" in answer.stdout
    told = run(source, tmp_path / "out.mp4", "--json")
    assert json.loads(told.stdout)["faces"] == 0
    assert "no face found in any frame" in told.stderr


def test_covered_faces_are_in_the_closing_line(run, tmp_path):
    clip = [draw(Disc(60, 40, 14, level=NO_LANDMARKS), size_wh=(128, 96))] * 5
    source = make_clip(tmp_path / "in.mp4", clip)
    answer = run(source, tmp_path / "out.mp4")
    assert answer.exit_code == 0
    assert "0 of 5 faces redrawn, 5 covered: not seen well enough" in answer.stdout
    assert "warning" not in answer.output


def test_damage_is_an_error(run, tmp_path):
    answer = run(damaged_clip(tmp_path), tmp_path / "out.mp4")
    assert isinstance(answer.exception, InputError)
    assert "--salvage keeps" in with_options(str(answer.exception))
    assert not list(tmp_path.glob("out*"))


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_what_is_salvaged_is_written_and_still_an_error(run, tmp_path, words):
    answer = run(damaged_clip(tmp_path), tmp_path / "out.mp4", "--salvage", *words)
    assert answer.exit_code == 1
    assert "error:" in answer.stderr
    assert "damaged.mp4: damaged" in answer.stderr
    assert len(seen_pictures(tmp_path / "out.mp4")) > 3
    if words:
        assert "damaged.mp4" in json.loads(answer.stdout)["salvaged"]


def test_sound_can_be_dropped(run, source, tmp_path):
    assert run(source, tmp_path / "out.mp4", "--no-audio").exit_code == 0
    assert sound_packets(tmp_path / "out.mp4") == []


def test_codec_and_crf_reach_the_writer(run, source, tmp_path):
    out, sizes = tmp_path / "out.mkv", []
    for crf in (5, 40):
        words = ("--crf", crf, "--codec", "libx265", "--no-audio", "--seed", 1)
        assert run(source, out, *words).exit_code == 0
        sizes.append(out.stat().st_size)
    assert sizes[0] > 1.3 * sizes[1]
    with av.open(str(out)) as container:
        assert container.streams.video[0].codec_context.name == "hevc"
    answer = run(source, tmp_path / "new.mp4", "--codec", "nonsense")
    assert isinstance(answer.exception, OptionError)
    assert run(source, tmp_path / "new.mp4", "--crf", 64).exit_code == 2


def test_the_settings_reach_the_library(monkeypatch, make_anonymizer, source, tmp_path):
    asked = []

    def load(config):
        asked.append(config)
        return make_anonymizer(**stages())

    monkeypatch.setattr(AnonymizerConfig, "load", load)
    for words in ([], ["--privacy", "high", "--detect-size", "320"], ["--keep-shape"]):
        words = ["video", str(source), str(tmp_path / "o.mp4"), *words]
        assert CliRunner().invoke(cli.app, words).exit_code == 0
    assert [config.privacy for config in asked] == ["balanced", "high", None]
    assert [config.detector_options.max_side_px for config in asked] == [640, 320, 640]


@pytest.mark.parametrize(
    ("given", "out", "error", "told"),
    [
        ("in.mp4", "in.mp4", OutputError, "is the input"),
        ("in.mp4", "out.txt", OptionError, "videos are written as"),
        ("in.mp4", "out", OptionError, "videos are written as"),
        ("none.mp4", "out.mp4", UnreadableError, "no such file"),
        ("text.mp4", "out.mp4", UnreadableError, "not a video"),
    ],
)
def test_what_cannot_work_is_told_before_the_models_load(
    monkeypatch, source, tmp_path, given, out, error, told
):
    def never(*_, **__):
        raise AssertionError("the models are loaded")

    monkeypatch.setattr(AnonymizerConfig, "load", never)
    (tmp_path / "text.mp4").write_text("hello\n" * 99)
    answer = CliRunner().invoke(cli.app, ["video", str(tmp_path / given), str(tmp_path / out)])
    assert isinstance(answer.exception, error)
    assert told in str(answer.exception)


def test_an_error_is_one_line_and_exit_code_one(source, tmp_path):
    answer = command_line("video", source, tmp_path / "out.txt")
    assert answer.returncode == 1
    assert answer.stderr.startswith("error: ")
    assert answer.stderr.count("\n") == 1
    assert answer.stdout == ""


def test_it_is_listed_and_explained():
    told = CliRunner().invoke(cli.app, ["video", "--help"]).output
    for option in ("--salvage", "--no-audio", "--codec", "--crf", "--seed", "--json"):
        assert option in told
