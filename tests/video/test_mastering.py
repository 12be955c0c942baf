"""HDR10's static metadata come out as they went in; dynamic ones are told."""

import struct
from dataclasses import astuple

import av
import pytest

from ganonymization.video.container import Reader
from ganonymization.video.file import VideoOptions, anonymize_video
from ganonymization.video.mastering import Display, Mastering, mastering_of

from . import test_hdr
from .test_frames import stages

DISPLAY = Display((0.68, 0.32), (0.265, 0.69), (0.15, 0.06), (0.3127, 0.329), 0.005, 1000.0)
LIGHT = Mastering(DISPLAY, (800, 300))


@pytest.fixture
def make(make_anonymizer):
    return lambda: make_anonymizer(**stages())


class Frame:
    """As a decoder would hand it on."""

    def __init__(self, **side_data):
        self.side_data = side_data


def packed(has_points=1, has_light=1, shares=(3, 7) * 8, darkest=1, brightest=1000):
    return struct.pack("=22i", *shares, darkest, 10, brightest, 1, has_points, has_light)


def close(one, other):
    flat = [[v for part in astuple(d) for v in (part if isinstance(part, tuple) else [part])]
            for d in (one, other)]  # fmt: skip
    return flat[0] == pytest.approx(flat[1], abs=1e-4)


def seen(path):
    with av.open(str(path)) as container:
        return mastering_of(next(container.decode(video=0)))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov", ".webm"])
def test_what_is_said_of_the_light_is_kept(make, tmp_path, monkeypatch, suffix):
    monkeypatch.setattr(
        test_hdr, "X265", LIGHT.options("libx265")["x265-params"]
    )  # as a mastering house would
    source = test_hdr.hdr_clip(tmp_path / "in.mp4", "pq")
    assert close(seen(source).display, DISPLAY)
    out = tmp_path / f"out{suffix}"
    report = anonymize_video(make(), source, out, VideoOptions(1, hdr=True, strict=True))
    assert report.dropped == []
    assert close(seen(out).display, DISPLAY)
    assert seen(out).light == LIGHT.light
    anonymize_video(make(), source, tmp_path / "sdr.mp4", VideoOptions(1))
    assert seen(tmp_path / "sdr.mp4") == Mastering()


def test_a_film_that_says_nothing_says_nothing(make, tmp_path):
    source = test_hdr.hdr_clip(tmp_path / "in.mp4", "hlg")
    anonymize_video(make(), source, tmp_path / "out.mp4", VideoOptions(1, hdr=True))
    assert seen(source) == seen(tmp_path / "out.mp4") == Mastering()


@pytest.mark.parametrize("options", [
    {"has_points": 0}, {"has_light": 0}, {"shares": (9, 7) * 8}, {"shares": (3, 0) * 8},
    {"brightest": 20_000}, {"darkest": 20_000}, {"shares": (-3, 7) * 8},
])  # fmt: skip
def test_numbers_that_no_display_has_are_not_passed_on(options):
    assert mastering_of(Frame(MASTERING_DISPLAY_METADATA=packed())).display is not None
    assert mastering_of(Frame(MASTERING_DISPLAY_METADATA=packed(**options))).display is None


@pytest.mark.parametrize("data", [b"", struct.pack("=2I", 0, 5), struct.pack("=2I", 9, 2**20)])
def test_light_that_no_film_has_is_not_passed_on(data):
    assert mastering_of(Frame(CONTENT_LIGHT_LEVEL=data)).light is None


def test_dynamic_metadata_is_told(make, tmp_path, monkeypatch):
    source = test_hdr.hdr_clip(tmp_path / "in.mp4", "pq")
    with Reader(source) as reader:
        reader.size_wh()
        assert not reader.mastering.dynamic
    assert mastering_of(Frame(DYNAMIC_HDR_PLUS=b"")).dynamic
    monkeypatch.setattr("ganonymization.video.container.mastering_of",
                        lambda frame: Mastering(dynamic=True))  # fmt: skip
    report = anonymize_video(make(), source, tmp_path / "out.mp4", VideoOptions(1, hdr=True))
    assert report.dropped == ["dynamic metadata (HDR10+, Dolby Vision)"]
