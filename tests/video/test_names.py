"""Names that files have on people's machines, and what is done before any work begins."""

import os
import sys
import threading
from itertools import pairwise
from pathlib import Path

import pytest

from ganonymization.errors import OutputError
from ganonymization.video.container import Reader
from ganonymization.video.file import VideoOptions, anonymize_video, check_video_output
from ganonymization.video.kinds import CONTAINERS, READ_ONLY, is_video, written_as

from .test_container import make_clip, pictures, scraps, times
from .test_frames import stages

NAMES = {
    "latin-1": os.fsdecode(b"caf\xe9"), "escapes": "a\x1b[31mb\nc", "colon": "file:a?b#c%20",
    "dash": "-a", "long": 245 * "v", "wide": 80 * "\u6f22",
}  # fmt: skip


@pytest.fixture
def make(make_anonymizer):
    return lambda: make_anonymizer(**stages())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_any_name_that_the_disk_takes_is_read_and_written(make, tmp_path, name, suffix):
    if sys.platform != "linux" and name in ("latin-1", "escapes"):
        pytest.skip("this disk takes no such name")
    folder = tmp_path / NAMES[name][:40]
    folder.mkdir()
    made = make_clip(tmp_path / f"in{suffix}", pictures(4), tones=1)
    source = made.rename(folder / (NAMES[name] + suffix))
    out = folder / "new" / source.name
    report = anonymize_video(make(), source, out, VideoOptions(1, report=out.parent))
    assert report.frames == 4
    with Reader(out) as reader:
        assert len(list(reader.frames())) == 4
    assert sorted(os.listdir(out.parent)) == sorted(out.name + end for end in ("", ".json", ".png"))


def test_a_name_too_long_for_its_report_is_refused_before_the_work(make, tmp_path):
    source = make_clip(tmp_path / "in.mp4", pictures(4))
    out = tmp_path / (247 * "v" + ".mp4")
    with pytest.raises(OutputError, match="cannot be written"):
        anonymize_video(make(), source, out, VideoOptions(1, report=tmp_path))
    assert os.listdir(tmp_path) == ["in.mp4"]


def test_boxes_that_cannot_be_written_are_told_before_the_work(make, tmp_path):
    source = make_clip(tmp_path / "in.mp4", pictures(4))
    options = VideoOptions(1, export_boxes=tmp_path)
    with pytest.raises(OutputError, match="is a folder"):
        anonymize_video(make(), source, tmp_path / "out.mp4", options)
    assert os.listdir(tmp_path) == ["in.mp4"]


@pytest.mark.parametrize("end", ["", ".json", ".png"])
def test_no_link_leads_back_to_the_original(tmp_path, end):
    source = make_clip(tmp_path / "in.mp4", pictures(2))
    (tmp_path / f"out.mp4{end}").symlink_to(source)
    with pytest.raises(OutputError, match="is the input"):
        check_video_output(source, tmp_path / "out.mp4", tmp_path)


def test_a_pipe_gets_the_whole_video(make, tmp_path):
    source = make_clip(tmp_path / "in.mp4", pictures(4))
    pipe, read = tmp_path / "out.mp4", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()), daemon=True)
    reader.start()
    anonymize_video(make(), source, pipe, VideoOptions(1))
    reader.join(20)
    (tmp_path / "copy.mp4").write_bytes(read[0])
    assert pipe.is_fifo() and len(times(tmp_path / "copy.mp4")) == 4
    assert not scraps(tmp_path)


@pytest.mark.parametrize("suffix", READ_ONLY)
def test_what_is_only_read_is_written_as_mp4(suffix):
    assert is_video(Path(f"a{suffix.upper()}"))
    assert written_as(f"sub/a{suffix}") == f"sub/a{suffix}.mp4"


@pytest.mark.parametrize("name", [f"a{suffix}" for suffix in (*CONTAINERS, ".gif", ".jpg", ".txt")])
def test_other_names_stay(name):
    assert written_as(name) == name


CODECS = {".avi": "mpeg4", ".ts": "mpeg2video", ".mpg": "mpeg2video", ".wmv": "wmv2",
          ".3gp": "libx264", ".flv": "flv1", ".mxf": "mpeg2video", ".m2ts": "libx264",
          ".vob": "mpeg2video"}  # fmt: skip


@pytest.mark.parametrize("suffix", CODECS)
def test_every_kind_is_read_frame_by_frame(make, tmp_path, suffix):
    source = make_clip(tmp_path / f"in{suffix}", pictures(12), codec=CODECS[suffix])
    report = anonymize_video(make(), source, tmp_path / "out.mp4", VideoOptions(1))
    at = times(tmp_path / "out.mp4")
    assert report.frames == len(at) == 12
    steps = [float(b - a) for a, b in pairwise(at)]
    assert steps == pytest.approx([0.04] * 11, abs=0.002)
