"""``ganonymize IN...`` with fakes: what is meant where no command is named."""

import io
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image as Pillow
from typer.testing import CliRunner

from ganonymization import cli
from ganonymization.cli import inputs, video
from ganonymization.cli.wanted import wanted_of
from ganonymization.config import AnonymizerConfig
from ganonymization.errors import InputError, OptionError, OutputError
from ganonymization.io import images
from ganonymization.io.images import Picture

from ..conftest import BlindLandmarker
from ..video.test_container import make_clip, pictures, seen_pictures
from ..video.test_frames import stages
from .test_commands import command_line


@pytest.fixture
def run(monkeypatch, make_anonymizer, tmp_path):
    """Run words in the folder of the inputs, with fakes in the place of the models."""
    monkeypatch.chdir(tmp_path)

    def load(config):
        faked = stages() if config.threads else {}  # for videos
        return make_anonymizer(mode=config.mode, **(faked | fakes))

    fakes: dict = {}

    def invoke(*words, given=None, **more):
        fakes.update(more)
        monkeypatch.setattr(AnonymizerConfig, "load", load)
        return CliRunner().invoke(cli.app, [str(word) for word in words], input=given)

    return invoke


@pytest.fixture
def source(tmp_path, picture):
    images.write(tmp_path / "a.jpg", Picture(picture))
    images.write(tmp_path / "b.png", Picture(picture))
    make_clip(tmp_path / "c.mp4", pictures(6), tones=1)
    return tmp_path


def files(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def new(folder, before):
    return sorted(set(files(folder)) - set(before))


def test_a_picture_becomes_one_beside_it(run, source):
    before = files(source)
    answer = run("a.jpg", "--seed", 4)
    assert answer.exit_code == 0, answer.output
    assert answer.output == "a-anon.jpg: 1 of 1 faces redrawn, seed 4; audited\n"
    assert new(source, before) == ["a-anon.jpg"]


def test_options_may_come_first(run, source):
    assert run("--seed", 4, "a.jpg").exit_code == 0
    assert run("--mode", "portrait", "b.png").exit_code == 0
    assert images.read(source / "b-anon.png").pixels.shape == (512, 512, 3)


def test_several_inputs_of_all_kinds_become_theirs(run, source):
    shutil.copytree(source, source / "photos")
    before = files(source)
    answer = run("a.jpg", "b.png", "c.mp4", "--seed", 4)
    assert answer.exit_code == 0, answer.output
    assert new(source, before) == ["a-anon.jpg", "b-anon.png", "c-anon.mp4"]
    assert answer.stdout == "3 files beside their inputs: 8 of 8 faces redrawn; seed 4\n"
    a, b = (images.read(source / name).pixels for name in ("a-anon.jpg", "b-anon.png"))
    assert np.abs(a.astype(int) - b).mean() > 1  # unrelated faces


def test_a_folder_becomes_one_beside_it_with_reports_of_its_own(run, source, monkeypatch):
    from ganonymization.batch import run_processes
    from ganonymization.batch.execute import in_threads

    monkeypatch.setattr(run_processes, "in_processes", in_threads)  # where the fakes are
    (source / "photos").mkdir()
    shutil.copy(source / "a.jpg", source / "photos")
    assert run("photos").exit_code == 0
    assert files(source / "photos-anon") == ["a.jpg"]
    assert files(source / "photos-anon-report") == ["manifest.jsonl", "report.html"]
    assert run("photos", "-o", "out", "--no-report").exit_code == 0
    assert files(source / "out") == ["a.jpg"] and not (source / "out-report").exists()
    answer = run("photos", "b.png", "-o", "both")
    assert answer.exit_code == 0
    assert files(source / "both") == ["b.png", "photos/a.jpg"]
    page = (source / "both-report" / "photos" / "report.html").read_text()
    assert 'src="../../both/photos/a.jpg"' in page
    assert "1  skipped" in run("photos", "b.png", "-o", "both").output
    (source / "photos" / "bad.jpg").write_bytes(b"")
    assert run("photos", "b.png").exit_code == 1


@pytest.mark.parametrize("words", [["films"], ["folder", "films"]])
def test_videos_of_a_folder_are_written_as_asked(run, source, monkeypatch, words):
    from ganonymization.batch import run_processes
    from ganonymization.batch.execute import in_threads

    monkeypatch.setattr(run_processes, "in_processes", in_threads)  # where the fakes are
    made = stages()
    (source / "films").mkdir()
    shutil.copy(source / "c.mp4", source / "films")

    def written():
        with av.open(source / "films-anon" / "c.mp4") as film:
            return film.streams.video[0].codec_context.name

    assert run(*words, **made).exit_code == 0
    assert written() == "h264"
    again = run(*words, "--codec", "h265", "--crf", 40, **made)
    assert again.exit_code == 0, again.output
    assert written() == "hevc"  # what was done otherwise is done again
    assert "1  skipped" in run(*words, "--codec", "h265", "--crf", 40, **made).output


@pytest.mark.parametrize("out", ["new/", "there", "there/"])
def test_a_folder_as_output_works(run, source, out):
    (source / "there").mkdir()
    assert run("a.jpg", "-o", out).exit_code == 0
    assert run("image", "b.png", out).exit_code == 0
    assert run("video", "c.mp4", out).exit_code == 0
    assert files(source / out) == ["a.jpg", "b.png", "c.mp4"]


def test_several_inputs_make_the_output_a_folder(run, source):
    answer = run("a.jpg", "b.png", "-o", "new", "--seed", 1)
    assert answer.stdout == "2 files in new: 2 of 2 faces redrawn; seed 1\n"
    assert files(source / "new") == ["a.jpg", "b.png"]
    with pytest.raises(OptionError, match="give a folder"):
        raise run("a.jpg", "b.png", "-o", "c.mp4").exception


@pytest.mark.parametrize(
    ("words", "error", "told"),
    [
        (["none.jpg"], InputError, "none.jpg: no such file; check the path"),
        (["imagee"], InputError, "no such file or command; see ganonymize --help"),
        (["a.jpg", "out.jpg"], InputError, "to write there, say --out out.jpg"),
        (["a.jpg", "-o", "a.jpg"], OutputError, "is the input"),
        (["a.jpg", "b.png", "-o", "."], OutputError, "is the input"),
        (["a.jpg", "-o", "x.xyz"], OutputError, "cannot be written as '.xyz'"),
        (["a.jpg", "sub/a.jpg", "-o", "new"], OutputError, "would both be written"),
        (["a.jpg", "-"], OptionError, "give it alone"),
        (["a.jpg", "--watch"], OptionError, "single folder"),
        (["c.mp4", "--codec", "h266"], OptionError, "there are h264"),
        (["folder", "sub", "--codec", "h266"], OptionError, "there are h264"),
        (["sub", "--seconds", "3"], OptionError, "not for folders"),
    ],
)
def test_what_cannot_be_is_told_before_the_models_load(monkeypatch, source, words, error, told):
    def never(*_):
        raise AssertionError("the models are loaded")

    monkeypatch.chdir(source)
    monkeypatch.setattr(AnonymizerConfig, "load", never)
    (source / "sub").mkdir()
    shutil.copy(source / "a.jpg", source / "sub")
    before = files(source)
    answer = CliRunner().invoke(cli.app, words)
    assert type(answer.exception) is error
    assert told in str(answer.exception)
    assert files(source) == before


def test_what_fails_does_not_stop_the_others(run, source):
    (source / "bad.jpg").write_bytes(b"bad")
    answer = run("a.jpg", "bad.jpg", "b.png", "--seed", 1)
    assert answer.exit_code == 1
    assert "error: bad.jpg: not a picture" in answer.stderr
    assert answer.stdout.endswith("2 of 2 faces redrawn; 1 failed; seed 1\n")
    assert (source / "b-anon.png").is_file()


def test_outputs_of_a_run_before_are_no_inputs(run, source):
    run("a.jpg", "b.png")
    before = files(source)
    answer = run("a.jpg", "a-anon.jpg", "b.png", "b-anon.png")
    assert answer.exit_code == 0
    assert answer.stderr.count("left out") == 2
    assert files(source) == before
    for name in ("photos", "photos-anon", "photos-anon-report", "a-anon-report"):
        (source / name).mkdir()
    folders = ["photos", "photos-anon", "photos-anon-report", "a.jpg", "a-anon-report"]
    assert [each.source for each in wanted_of(folders, None)] == ["photos", "a.jpg"]
    assert run("a-anon.jpg").exit_code == 0  # alone it is meant
    assert (source / "a-anon-anon.jpg").is_file()


def test_covers_are_one_closing_line(run, source):
    answer = run("a.jpg", "b.png", "--seed", 1, landmarker=BlindLandmarker())
    assert answer.stdout == (
        "2 files beside their inputs: 0 of 2 faces redrawn, 2 covered: no landmarks found; seed 1\n"
    )
    assert "warning" not in answer.output


def test_the_report_is_written_on_demand_into_a_folder_of_its_own(run, source):
    before = files(source)
    assert run("a.jpg", "c.mp4", "--report").exit_code == 0
    assert new(source, before) == [
        "a-anon-report/a-anon.jpg.json", "a-anon.jpg", "c-anon-report/c-anon.mp4.json",
        "c-anon-report/c-anon.mp4.png", "c-anon.mp4",
    ]  # fmt: skip
    told = json.loads((source / "a-anon-report" / "a-anon.jpg.json").read_text())
    assert told["faces"][0]["outcome"] == "synthesized"
    assert run("a.jpg", "c.mp4", "--report", "-o", "new").exit_code == 0
    assert files(source / "new") == ["a.jpg", "c.mp4"]  # and nothing that looks like a result
    told = files(source / "new-report")
    assert told == ["a.jpg.json", "c.mp4.json", "c.mp4.png"]
    assert run("video", "c.mp4", "alone/", "--report").exit_code == 0
    assert files(source / "alone-report") == ["c.mp4.json", "c.mp4.png"]
    assert run("b.png", "--report").exit_code == 0
    assert (source / "b-anon-report" / "b-anon.png.json").is_file()


def test_json_tells_of_each_input(run, source):
    told = json.loads(run("a.jpg", "c.mp4", "--json", "--seed", 3).stdout)
    assert told["seed"] == 3
    assert [each["file"] for each in told["files"]] == ["a.jpg", "c.mp4"]
    assert [each["outputs"] for each in told["files"]] == [["a-anon.jpg"], ["c-anon.mp4"]]


def bytes_of(path, kind):
    file = io.BytesIO()
    Pillow.open(path).save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize("words", [["-"], ["-", "-o", "-"], ["image", "-"], ["image", "-", "-"]])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "AVIF"])
def test_a_pipe_of_a_picture_gives_one_of_its_kind(run, source, words, kind):
    before = files(source)
    answer = run(*words, "--seed", 4, given=bytes_of(source / "b.png", kind))
    assert answer.exit_code == 0, answer.output
    made = Pillow.open(io.BytesIO(answer.stdout_bytes))
    assert (made.format, made.size) == (kind, (128, 128))
    assert answer.stderr == "standard output: 1 of 1 faces redrawn, seed 4; audited\n"
    assert files(source) == before


def test_pipes_and_files_mix(run, source):
    given = (source / "b.png").read_bytes()
    assert run("-", "-o", "o.jpg", given=given).exit_code == 0
    with Pillow.open(source / "o.jpg") as made:
        assert made.format == "JPEG"
    answer = run("a.jpg", "-o", "-")
    assert Pillow.open(io.BytesIO(answer.stdout_bytes)).format == "JPEG"
    assert isinstance(run("-", "-o", "./", given=given).exception, OptionError)
    assert isinstance(run("-", given=b"hello").exception, InputError)


def test_a_pipe_of_a_video_gives_one(run, source):
    answer = run("-", given=make_clip(source / "d.mkv", pictures(4)).read_bytes())
    assert answer.exit_code == 0, answer.output
    (source / "o.mkv").write_bytes(answer.stdout_bytes)
    assert len(seen_pictures(source / "o.mkv")) == 4


def test_a_pipe_works_between_real_processes(source):
    with (source / "a.jpg").open("rb") as given:
        answer = subprocess.run(
            [sys.executable, "-m", "ganonymization", "-", "--on-no-face", "copy"],
            stdin=given, capture_output=True,
        )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    assert Pillow.open(io.BytesIO(answer.stdout)).size == (128, 128)


@pytest.mark.parametrize("kind", ["webp", "png"])
def test_an_animation_is_done_as_one(run, source, kind):
    first, *rest = (Pillow.fromarray(image) for image in pictures(4))
    first.save(source / f"d.{kind}", save_all=True, append_images=rest)
    answer = run(f"d.{kind}")
    assert answer.exit_code == 0, answer.output
    assert "4 frames" in answer.stdout
    made = Pillow.open(source / ("d-anon.webp" if kind == "webp" else "d-anon.png.webp"))
    assert made.n_frames == 4
    made.close()


def test_a_video_given_to_image_is_told_where_it_belongs(run, source):
    answer = run("image", "c.mp4", "o.mp4")
    assert "use 'ganonymize video'" in str(answer.exception)
    answer = run("video", "a.jpg", "o.mp4")
    assert "a.jpg: a picture; use 'ganonymize image'" in str(answer.exception)


def test_a_camera_is_shown_on_a_page_unless_it_is_recorded(run, source, monkeypatch):
    shown = []
    for module in (video, inputs):
        monkeypatch.setattr(video, "show_camera", lambda config, place, seed: shown.append(place))
        assert module
    monkeypatch.setattr(sys, "platform", "linux")
    assert run("video", "0").exit_code == 0
    assert run("1").exit_code == 0
    assert run("video", "rtsp://127.0.0.1:1/a").exit_code == 0
    assert shown == ["/dev/video0", "/dev/video1", "rtsp://127.0.0.1:1/a"]
    (source / "0").mkdir()
    assert not isinstance(run("0", "--no-report").exception, AssertionError)
    assert len(shown) == 3  # a folder of that name is meant


@pytest.mark.skipif(sys.platform != "linux", reason="cameras have other names elsewhere")
def test_a_camera_that_is_not_there_is_told_with_those_that_are(run):
    answer = run("video", "87")
    assert "/dev/video87: no such camera; there is " in str(answer.exception)


def test_an_address_of_a_store_is_a_folder(run, source, monkeypatch):
    from ganonymization.batch import run_processes
    from ganonymization.batch.execute import in_threads

    monkeypatch.setattr(run_processes, "in_processes", in_threads)
    (source / "photos").mkdir()
    shutil.copy(source / "a.jpg", source / "photos")
    answer = run(f"file://{source}/photos", "-o", f"file://{source}/out")
    assert answer.exit_code == 0, answer.output
    assert files(source / "out") == ["a.jpg"]
    assert "nothing is there" in str(run("memory://nowhere", "-o", "memory://x").exception)


@pytest.mark.parametrize("name", ["a.heic", "a.heif", "a.jfif", "a.mpo", "a.avif", "a.tif"])
def test_pictures_of_all_kinds_are_read(run, source, picture, name):
    images.write(source / name, Picture(picture))
    answer = run(name)
    assert answer.exit_code == 0, answer.output
    assert "1 of 1 faces redrawn" in answer.output
    assert images.read(source / name.replace("a.", "a-anon.")).pixels.shape == (128, 128, 3)


@pytest.mark.parametrize(
    ("suffix", "kind", "codec"),
    [(".avi", "avi", "mpeg4"), (".mts", "mpegts", "libx264"), (".3gp", "3gp", "h263")],
)
def test_videos_of_all_kinds_are_read(run, source, suffix, kind, codec):
    frames = [cv2.resize(image, (352, 288)) for image in pictures(4)]
    with av.open(str(source / f"v{suffix}"), "w", format=kind) as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 352, 288, "yuv420p"
        for image in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    answer = run(f"v{suffix}")
    assert answer.exit_code == 0, answer.output
    assert len(seen_pictures(source / f"v-anon{suffix}.mp4")) == 4


@pytest.mark.slow
@pytest.mark.parametrize("words", [["photos"], ["folder", "photos", "photos-anon"]])
def test_a_watched_folder_is_done_until_ctrl_c(source, words):
    """In a process of its own, with the real models."""
    (source / "photos").mkdir()
    shutil.copy(source / "a.jpg", source / "photos")
    out = source / "photos-anon"
    process = subprocess.Popen(
        [sys.executable, "-m", "ganonymization", *words, "--watch"], cwd=source, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        for name in ("a.jpg", "new.jpg"):
            end = time.monotonic() + 60
            while not (out / name).exists() and time.monotonic() < end:
                time.sleep(0.1)
            shutil.copy(source / "a.jpg", source / "photos" / "new.jpg")
        process.send_signal(signal.SIGINT)
        told, problems = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0, problems
    assert files(out) == ["a.jpg", "new.jpg"]
    assert "photos-anon/new.jpg" in told and "photos-anon: 2 files, a secret seed" in told


def test_version():
    from ganonymization import __version__

    assert CliRunner().invoke(cli.app, ["--version"]).output == f"ganonymize {__version__}\n"


def test_a_wrong_call_is_one_line(tmp_path):
    answer = command_line(tmp_path / "none.jpg")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr == f"error: {tmp_path / 'none.jpg'}: no such file; check the path\n"


def test_no_words_show_the_help():
    answer = CliRunner().invoke(cli.app, [])
    assert "ganonymize photo.jpg" in answer.output
    assert Path(cli.__file__).exists()
