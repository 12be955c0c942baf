"""``ganonymize video`` with regions, people, boxes, pipes, and what stops it."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

from ganonymization import cli
from ganonymization.cli import video
from ganonymization.config import AnonymizerConfig
from ganonymization.errors import InputError, OptionError, OutputError, UnreadableError
from ganonymization.io import images
from ganonymization.io.images import Picture
from ganonymization.recognize import recogniser
from ganonymization.video.animation import AnimationReader
from ganonymization.video.detections_json import read_boxes

from ..video.test_container import damaged_clip, make_clip, pictures, scraps, sound_packets, times
from ..video.test_frames import stages, within
from ..video.test_streams import served
from ..video.test_tracking import BLUE, Disc, draw
from .test_commands import ROOT, command_line

SIZE_WH = (160, 96)
ONE, OTHER = Disc(45, 40, 26), Disc(118, 50, 26, BLUE)  # large enough for a recogniser


@pytest.fixture
def run(monkeypatch, make_anonymizer):
    """Run the command with fakes in the place of the models."""

    def invoke(*words, given=None):
        anonymizer = make_anonymizer(**stages())
        monkeypatch.setattr(AnonymizerConfig, "load", lambda _: anonymizer)
        return CliRunner().invoke(cli.app, ["video", *map(str, words)], input=given)

    return invoke


@pytest.fixture
def without_models(monkeypatch):
    """Run the command where nothing may be loaded."""

    def never(*_, **__):
        raise AssertionError("the models are loaded")

    monkeypatch.setattr(AnonymizerConfig, "load", never)
    monkeypatch.setattr(recogniser, "load_recogniser", never)
    return lambda *words: CliRunner().invoke(cli.app, ["video", *map(str, words)])


@pytest.fixture
def source(tmp_path):
    return make_clip(tmp_path / "in.mp4", pictures(8), tones=1)


@pytest.fixture
def pair(tmp_path):
    return make_clip(tmp_path / "pair.mp4", [draw(ONE, OTHER, size_wh=SIZE_WH)] * 12)


def told(answer):
    """The report, from ``--json``."""
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)


def warnings_in(answer):
    return [line for line in answer.stderr.splitlines() if line.startswith("warning: ")]


WRONG = ["1,2,3", "a,b,c,d", "", "@5", "@6-5", "3,2,1,4", "1,2,3,4@5"]


@pytest.mark.parametrize("option", ["--ignore-box", "--only-box"])
@pytest.mark.parametrize("text", WRONG)
def test_wrong_regions_are_told_before_the_models_load(
    without_models, source, tmp_path, option, text
):
    answer = without_models(source, tmp_path / "out.mp4", option, "0,0,9,9", option, text)
    assert isinstance(answer.exception, OptionError)
    assert repr(text) in str(answer.exception)
    assert not list(tmp_path.glob("out*"))


def test_a_wrong_region_is_one_line_and_exit_code_one(source, tmp_path):
    answer = command_line("video", source, tmp_path / "out.mp4", "--ignore-box", "1,2,3")
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert re.fullmatch(r"error: '1,2,3': give X1,Y1,X2,Y2 .*\n", answer.stderr)


BOXES = {
    "none.json": (None, UnreadableError, r"none\.json: cannot be read"),
    "text.json": ("hello", InputError, r"text\.json: not JSON"),
    "form.json": ("[]", InputError, r"form\.json: has no list"),
    "face.json": ('{"frames": [[], [{}]]}', InputError, r"face\.json: frame 1: a face needs"),
}


@pytest.mark.parametrize("name", BOXES)
def test_wrong_boxes_are_told_before_the_models_load(without_models, source, tmp_path, name):
    content, error, pattern = BOXES[name]
    if content is not None:
        (tmp_path / name).write_text(content)
    answer = without_models(source, tmp_path / "out.mp4", "--boxes", tmp_path / name)
    assert type(answer.exception) is error
    assert re.search(pattern, str(answer.exception))


@pytest.mark.parametrize(
    ("given", "out", "error"),
    [("none.gif", "out.txt", OptionError), ("-", "out.txt", OptionError),
     ("rtsp://127.0.0.1:1/a", "folder.gif", OptionError), ("in.mp4", "in.mp4", OutputError)],
)  # fmt: skip
def test_wrong_outputs_are_told_before_the_models_load(
    without_models, source, tmp_path, given, out, error
):
    (tmp_path / "folder.gif").mkdir()
    place = given if given.startswith(("-", "rtsp")) else tmp_path / given
    assert isinstance(without_models(place, tmp_path / out).exception, error)


@pytest.mark.parametrize("words", [["--seconds", "0"], ["--seconds", "-1"], ["--seconds", "x"]])
def test_seconds_that_make_no_sense_are_a_wrong_call(run, source, tmp_path, words):
    answer = run(source, tmp_path / "out.mp4", *words)
    assert answer.exit_code == 2
    assert "--seconds" in answer.stderr


def test_only_so_many_seconds_are_read(run, source, tmp_path):
    report = told(run(source, tmp_path / "out.mp4", "--seconds", 0.125, "--json"))
    assert report["frames"] == 4
    assert len(times(tmp_path / "out.mp4")) == 4


def test_regions_whose_faces_stay_can_be_given_again_and_again(run, pair, tmp_path):
    words = ("--ignore-box", "0,0,80,96@0-0.2", "--ignore-box", "@0.3-9")
    report = told(run(pair, tmp_path / "out.mp4", "--json", *words))
    assert (report["faces"], report["kept"]) == (24, 5 + 2 * 4)
    report = told(run(pair, tmp_path / "out.mp4", "--json", "--only-box", "0,0,80,96"))
    assert (report["faces"], report["kept"]) == (24, 12)
    report = told(run(pair, tmp_path / "out.mp4", "--json"))
    assert report["kept"] == 0


def test_faces_that_stay_are_a_warning(run, pair, tmp_path):
    """Nobody is to overlook that somebody can be recognised."""
    answer = run(pair, tmp_path / "out.mp4", "--ignore-box", "0,0,80,96")
    assert answer.exit_code == 0
    (line,) = warnings_in(answer)
    assert re.fullmatch(
        r"warning: left as they were: track [01] in 12 frames, in an ignored region", line
    )
    assert "12 of 24 faces redrawn" in answer.stdout


class ByColour:
    """Who a disc is: its colour."""

    same_person = 1.2

    def __call__(self, image, landmarks_px):
        x, y = landmarks_px[:, :2].mean(0).round().astype(int)
        return image[y, x] / 100.0


def test_a_person_stays_where_the_recogniser_is_sure(run, monkeypatch, pair, tmp_path):
    asked = []
    monkeypatch.setattr(
        recogniser, "load_recogniser", lambda path: asked.append(path) or ByColour()
    )
    images.write(tmp_path / "me.png", Picture(draw(Disc(100, 60, 30, BLUE))))
    answer = run(pair, tmp_path / "out.mp4", "--keep-person", tmp_path / "me.png", "--json")
    report = told(answer)
    assert asked == [None]
    assert (report["faces"], report["kept"]) == (24, 4)
    (line,) = warnings_in(answer)
    assert line.endswith("in 4 frames, me.png, by the recogniser")


def test_a_picture_of_several_people_is_refused(run, monkeypatch, pair, tmp_path):
    monkeypatch.setattr(recogniser, "load_recogniser", lambda path: ByColour())
    images.write(tmp_path / "us.png", Picture(draw(ONE, OTHER)))
    answer = run(pair, tmp_path / "out.mp4", "--keep-person", tmp_path / "us.png")
    assert isinstance(answer.exception, InputError)
    assert "us.png: 2 faces" in str(answer.exception)
    assert not list(tmp_path.glob("out*"))


def test_no_recogniser_is_loaded_unless_a_person_is_to_stay(run, monkeypatch, pair, tmp_path):
    def never(path):
        raise AssertionError("the recogniser is loaded")

    monkeypatch.setattr(recogniser, "load_recogniser", never)
    assert run(pair, tmp_path / "out.mp4").exit_code == 0


def test_boxes_go_out_and_come_in(run, pair, tmp_path):
    report = told(run(pair, tmp_path / "a.mp4", "--export-boxes", tmp_path / "b.json", "--json"))
    assert [len(faces) for faces in read_boxes(tmp_path / "b.json")] == [2] * 12
    again = told(run(pair, tmp_path / "c.mp4", "--boxes", tmp_path / "b.json", "--json"))
    assert again["faces"] == report["faces"] == 24
    (tmp_path / "none.json").write_text(json.dumps({"frames": [[]] * 12}))
    without = told(run(pair, tmp_path / "d.mp4", "--boxes", tmp_path / "none.json", "--json"))
    assert without["faces"] == 0


def test_too_few_boxes_are_an_error(run, pair, tmp_path):
    (tmp_path / "few.json").write_text(json.dumps({"frames": [[]] * 5}))
    answer = run(pair, tmp_path / "out.mp4", "--boxes", tmp_path / "few.json")
    assert isinstance(answer.exception, InputError)
    assert "5 frames" in str(answer.exception)
    assert not list(tmp_path.glob("out*"))
    assert not scraps(tmp_path)


@pytest.mark.parametrize("out", ["out.gif", "out.webp"])
def test_an_animation_of_a_video_with_sound_is_a_warning(run, source, tmp_path, out):
    answer = run(source, tmp_path / out)
    assert answer.exit_code == 0
    assert warnings_in(answer) == [f"warning: {source}: dropped: sound 1 (aac)"]
    assert warnings_in(run(source, tmp_path / out, "--no-audio")) == []
    again = run(tmp_path / out, tmp_path / f"again{out}")
    assert not any("sound" in line for line in warnings_in(again))
    with AnimationReader(tmp_path / f"again{out}") as reader:
        assert reader.frames_told == 8


def test_a_video_without_its_sound_is_no_warning(run, source, tmp_path):
    assert warnings_in(run(source, tmp_path / "out.mp4", "--no-audio")) == []


@pytest.mark.parametrize("words", [(), ("--json",), ("--ignore-box", "0,0,999,999")])
def test_nothing_but_the_video_is_on_the_output(run, tmp_path, words):
    source = make_clip(tmp_path / "in.mkv", pictures(8), tones=1)
    answer = run(source, "-", "--seed", 4, *words)
    assert answer.exit_code == 0
    assert answer.stdout_bytes.startswith(b"\x1a\x45\xdf\xa3")  # Matroska's first bytes
    (tmp_path / "out.mkv").write_bytes(answer.stdout_bytes)
    assert times(tmp_path / "out.mkv") == times(source)
    assert sound_packets(tmp_path / "out.mkv") == sound_packets(source)
    for word in (b"faces redrawn", b"warning: ", b"seed 4", b'"tracks"'):
        assert word not in answer.stdout_bytes
    if "--json" in words:
        assert json.loads(answer.stderr[answer.stderr.index("{") :])["frames"] == 8
    else:
        assert "-: 8 frames, 1 track" in answer.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"in.mkv", "out.mkv"}


def test_from_standard_input_to_standard_output(run, tmp_path):
    source = make_clip(tmp_path / "in.mkv", pictures(8), tones=1)
    answer = run("-", "-", given=source.read_bytes())
    assert answer.exit_code == 0
    (tmp_path / "out.mkv").write_bytes(answer.stdout_bytes)
    assert times(tmp_path / "out.mkv") == times(source)
    assert "8 of 8 faces redrawn" in answer.stderr


def test_standard_input_that_is_no_video_is_told(run, tmp_path):
    answer = run("-", tmp_path / "out.mp4", given=b"hello\n" * 999)
    assert isinstance(answer.exception, UnreadableError)
    assert list(tmp_path.iterdir()) == []


def test_what_is_salvaged_onto_the_output_is_still_an_error(run, tmp_path):
    answer = run(damaged_clip(tmp_path), "-", "--salvage")
    assert answer.exit_code == 1
    assert "error: " in answer.stderr
    assert answer.stdout_bytes.startswith(b"\x1a\x45\xdf\xa3")
    assert b"error" not in answer.stdout_bytes


def test_an_address_is_anonymized(run, tmp_path):
    source = make_clip(tmp_path / "in.ts", pictures(8), tones=1)
    with served(source.read_bytes()) as address:
        answer = within(30, lambda: run_in_thread(run, address, tmp_path / "out.mp4"))
    assert "8 of 8 faces redrawn" in answer.stdout
    assert len(times(tmp_path / "out.mp4")) == 8


def test_an_address_without_an_output_is_shown_on_a_page(run, monkeypatch, tmp_path):
    opened = []
    monkeypatch.setattr(video.webbrowser, "open", opened.append)
    monkeypatch.setenv("DISPLAY", ":0")
    source = make_clip(tmp_path / "in.ts", pictures(8))
    with served(source.read_bytes()) as address:
        answer = within(30, lambda: run_in_thread(run, address))
    assert answer.exit_code == 0, answer.output
    (page,) = opened
    assert page.startswith("http://127.0.0.1:") and page in answer.stderr
    assert re.search(r"[1-8] frames shown, none kept", answer.stdout)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.ts"]


def run_in_thread(run, *words):
    """Signals can be caught in the first thread only."""
    real = signal.signal
    signal.signal = lambda *_: signal.SIG_DFL
    try:
        return run(*words)
    finally:
        signal.signal = real


@pytest.fixture
def old_handlers():
    """Puts back what becomes of signals; in the background, Ctrl-C may have been ignored."""
    kinds = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(kind) for kind in kinds]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: pytest.fail("it would have been killed"))
    yield
    for kind, handler in zip(kinds, before, strict=True):
        signal.signal(kind, handler)


def test_ctrl_c_ends_the_input_of_what_has_no_end(old_handlers):
    with video.until_stopped(True) as stopped:
        assert not stopped.is_set()
        os.kill(os.getpid(), signal.SIGINT)
        assert stopped.is_set()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_is_as_before_after_an_error(old_handlers):
    with pytest.raises(RuntimeError), video.until_stopped(True):
        raise RuntimeError("stop")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_stops_at_once_what_has_an_end(old_handlers):
    with pytest.raises(KeyboardInterrupt):
        with video.until_stopped(False) as stopped:
            assert not stopped.is_set()
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(5)


def test_a_stream_that_is_stopped_is_written_to_where_it_was(run, monkeypatch, source, tmp_path):
    """What came before Ctrl-C is whole, and no error."""
    asked = []

    @contextlib.contextmanager
    def after_five(live):
        assert live is False
        yield SimpleNamespace(is_set=lambda: asked.append(1) or len(asked) > 5)

    monkeypatch.setattr(video, "until_stopped", after_five)
    report = told(run(source, tmp_path / "out.mp4", "--json"))
    assert report["frames"] == len(times(tmp_path / "out.mp4")) == 5


@pytest.mark.parametrize(
    ("given", "live"), [("in.mp4", False), ("-", False), ("tcp://127.0.0.1:1", True)]
)
def test_only_what_has_no_end_is_ended_by_ctrl_c(monkeypatch, run, source, tmp_path, given, live):
    asked = []

    @contextlib.contextmanager
    def remember(live):
        asked.append(live)
        yield SimpleNamespace(is_set=lambda: False)

    monkeypatch.setattr(video, "until_stopped", remember)
    place = tmp_path / given if given == "in.mp4" else given
    run(place, tmp_path / "out.mp4", given=b"")
    assert asked == [live]


def test_a_stop_by_the_system_ends_as_ctrl_c_does(old_handlers, monkeypatch):
    """Whatever is half written is cleaned up on the way."""
    cleaned = []
    monkeypatch.setattr(cli, "_silence_native_code", lambda: None)

    def work():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)
        finally:
            cleaned.append(1)

    with pytest.raises(SystemExit) as stop:
        cli.run(work)
    assert stop.value.code == 143
    assert cleaned == [1]


# The command as its own process, with the fakes of these tests in the place of the models.
WITH_FAKES = """
import signal
from ganonymization import cli
from ganonymization.config import AnonymizerConfig
from ganonymization.pipeline import Anonymizer
from tests.conftest import FakeSynthesizer
from tests.video.test_frames import stages
AnonymizerConfig.load = lambda config: Anonymizer(model=FakeSynthesizer(), **stages())
signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore it
cli.main()
"""


def started(*words, **options):
    return subprocess.Popen(
        [sys.executable, "-c", WITH_FAKES, "video", *map(str, words)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, **options,
    )  # fmt: skip


def until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.02)


def ended(process):
    """Its exit code and what it said, without hanging."""
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err.decode()


@pytest.mark.parametrize(
    ("kind", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)], ids=["term", "int"]
)
def test_what_is_stopped_amid_a_video_leaves_nothing(tmp_path, kind, code):
    """It waits for more on its standard input when the signal comes."""
    source = make_clip(tmp_path / "in.mkv", pictures(100), tones=1).read_bytes()
    process = started("-", tmp_path / "out" / "a.mp4")
    with process:
        process.stdin.write(source[: int(0.8 * len(source))])
        process.stdin.flush()
        until(lambda: scraps(tmp_path) or process.poll() is not None)
        assert scraps(tmp_path)
        process.send_signal(kind)
        returned, out, err = ended(process)
    assert returned == code, err
    assert list((tmp_path / "out").iterdir()) == []
    assert out == b""
    assert "Traceback" not in err


def test_a_video_comes_through_a_real_pipe(tmp_path):
    """And standard output holds nothing else."""
    source = make_clip(tmp_path / "in.mkv", pictures(8), tones=1)
    with started("-", "-") as process:
        code, out, err = within(60, lambda: ended_with(process, source.read_bytes()))
    assert code == 0, err
    (tmp_path / "out.mkv").write_bytes(out)
    assert times(tmp_path / "out.mkv") == times(source)
    assert sound_packets(tmp_path / "out.mkv") == sound_packets(source)
    assert "8 of 8 faces redrawn" in err


def ended_with(process, given):
    out, err = process.communicate(given, timeout=60)
    return process.returncode, out, err.decode()


def test_nobody_at_the_other_end_is_one_line_and_exit_code_one(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (40, 96, 128, 3), dtype=np.uint8)
    source = make_clip(tmp_path / "in.mkv", list(noise), crf=1)
    with started(source, "-", "--crf", "1") as process:
        process.stdout.read(1000)
        process.stdout.close()
        err = process.stderr.read().decode()
        process.wait(60)
    assert process.returncode == 1, err
    assert "error: -: cannot be written" in err
    assert "Traceback" not in err


@pytest.mark.slow
def test_the_real_command_leaves_nothing_when_the_system_stops_it(tmp_path):
    """With the shipped models, as ``kill`` and service managers stop it."""
    source = make_clip(tmp_path / "in.mp4", pictures(1, (640, 480)) * 150)
    with subprocess.Popen(
        [sys.executable, "-m", "ganonymization", "video", str(source), str(tmp_path / "out.mp4")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT,
    ) as process:  # fmt: skip
        until(lambda: scraps(tmp_path) or process.poll() is not None)
        assert scraps(tmp_path)
        process.terminate()
        returned, _, err = ended(process)
    assert returned == 143, err
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]
    assert "Traceback" not in err


def test_the_options_are_listed_and_explained():
    text = CliRunner().invoke(cli.app, ["video", "--help"], env={"COLUMNS": "200"}).output
    for option in ("--seconds", "--ignore-box", "--only-box", "--keep-person", "--boxes",
                   "--export-boxes"):  # fmt: skip
        assert option in text
