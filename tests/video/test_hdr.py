"""High dynamic range; what is right stands in ITU-R BT.2408: white paper has 203 nits."""

from fractions import Fraction

import av
import numpy as np
import pytest

from ganonymization.errors import InputError
from ganonymization.io.high_range import HLG, PQ, Range
from ganonymization.video.container import Reader
from ganonymization.video.file import VideoOptions, anonymize_video
from ganonymization.video.hdr import colour_codes

from ..conftest import box_of
from .test_container import pictures, seen_pictures, still_path, times
from .test_frames import stages

X265 = "log-level=error"
RANGES = {"pq": Range(PQ, wide=True), "hlg": Range(HLG, wide=True)}


@pytest.fixture
def make(make_anonymizer):
    return lambda **options: make_anonymizer(**stages(), **options)


def level(share):
    return np.full((1, 1, 3), round(share * 65535), np.uint16)


@pytest.mark.parametrize(("name", "share"), [("pq", 0.5806), ("hlg", 0.75)])
def test_white_paper_is_nearly_white_and_brighter_light_is_not_lost(name, share):
    light = RANGES[name]
    white, lamp = (int(light.standard(level(each))[0, 0, 1]) for each in (share, share + 0.15))
    assert 240 <= white <= 246
    assert white < lamp <= 255
    assert light.standard(level(0)).max() == 0


@pytest.mark.parametrize(("name", "share", "nits"), [("pq", 0.4402, 50.0), ("hlg", 0.5, 50.7)])
def test_darker_light_is_as_bright_as_it_was(name, share, nits):
    """Below the knee nothing is compressed: the value is sRGB's of nits by 203."""
    linear = nits / 203
    expected = 255 * (1.055 * linear ** (1 / 2.4) - 0.055)
    assert RANGES[name].standard(level(share))[0, 0, 0] == pytest.approx(expected, abs=1.5)


@pytest.mark.parametrize("light", [*RANGES.values(), Range(PQ, wide=False)])
def test_a_standard_picture_comes_back(light):
    pixels = np.random.default_rng(0).integers(0, 246, (60, 60, 3), dtype=np.uint8)
    assert np.abs(light.standard(light.deep(pixels)).astype(int) - pixels).max() <= 1


def test_what_is_drawn_is_never_brighter_than_a_lamp():
    assert RANGES["pq"].deep(np.full((1, 1, 3), 255, np.uint8)).max() < 0.76 * 65535  # 1000 nits


def test_codes_are_the_sources_or_standard_ones():
    assert colour_codes((9, PQ), deep=True) == (9, PQ)
    assert colour_codes((9, PQ), deep=False) == (1, 1)
    assert colour_codes((12, 13), deep=False) == (12, 13)


def hdr_clip(path, name, length=8):
    """A disc that moves, in ten bits; its pictures as ordinary screens should show them."""
    light = RANGES[name]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx265", rate=25)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p10le"
        stream.options = {"crf": "4", "x265-params": X265}
        context = stream.codec_context
        context.color_primaries, context.color_trc, context.colorspace = 9, light.transfer, 9
        for i, image in enumerate(pictures(length)):
            frame = av.VideoFrame.from_ndarray(light.deep(image), format="rgb48le")
            frame = frame.reformat(format="yuv420p10le", src_colorspace=9, dst_colorspace=9)
            frame.colorspace, frame.color_primaries, frame.color_trc = 9, 9, light.transfer
            frame.pts, frame.time_base = i, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def tags(path):
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
        codes = int(frame.color_primaries), int(frame.color_trc), int(frame.colorspace)
        return frame.format.name, *codes


def levels(path):
    """Frames in full depth."""
    with av.open(str(path)) as container:
        return [
            frame.reformat(format="rgb48le", src_colorspace=9, dst_colorspace=9).to_ndarray()
            for frame in container.decode(video=0)
        ]


@pytest.mark.parametrize("name", RANGES)
def test_high_range_is_read_as_screens_show_it(tmp_path, name):
    source = hdr_clip(tmp_path / "in.mp4", name)
    assert tags(source) == ("yuv420p10le", 9, RANGES[name].transfer, 9)
    for shown, image in zip(seen_pictures(source), pictures(8), strict=True):
        assert np.abs(shown.astype(int) - image).mean() < 4


@pytest.mark.parametrize("name", RANGES)
def test_it_becomes_standard_and_says_so(make, tmp_path, name):
    source = hdr_clip(tmp_path / "in.mp4", name)
    report = anonymize_video(make(), source, tmp_path / "out.mp4", VideoOptions(1))
    assert report.dropped == ["high dynamic range (tone-mapped; `hdr` keeps it, `sdr` is silent)"]
    assert tags(tmp_path / "out.mp4") == ("yuv420p", 1, 1, 5)
    corner = np.s_[-20:, -30:]
    for shown, image in zip(seen_pictures(tmp_path / "out.mp4"), pictures(8), strict=True):
        assert np.abs(shown[corner].astype(int) - image[corner]).mean() < 4
    quiet = anonymize_video(
        make(), source, tmp_path / "a.mp4", VideoOptions(1, hdr=False, strict=True)
    )
    assert quiet.dropped == []
    with pytest.raises(InputError, match="high dynamic range"):
        anonymize_video(make(), source, tmp_path / "b.mp4", VideoOptions(1, strict=True))


@pytest.mark.parametrize("out", [".mp4", ".mkv", ".webm"])
@pytest.mark.parametrize("name", RANGES)
def test_it_is_kept_if_that_is_asked_for(make, tmp_path, name, out):
    """Outside of faces light is as it was; within it is another face's."""
    source = hdr_clip(tmp_path / "in.mp4", name)
    options = VideoOptions(1, hdr=True, crf=6, strict=True)
    report = anonymize_video(make(), source, tmp_path / f"out{out}", options)
    assert (report.frames, report.dropped) == (8, [])
    assert tags(tmp_path / f"out{out}") == ("yuv420p10le", 9, RANGES[name].transfer, 9)
    assert len(times(tmp_path / f"out{out}")) == 8
    for new, old, disc in zip(
        levels(tmp_path / f"out{out}"), levels(source), still_path(8), strict=True
    ):
        gap = np.abs(new.astype(int) - old).mean(axis=2) / 65535
        assert gap[-16:, -30:].mean() < 0.01
        left, top, right, bottom = (round(v) for v in box_of(disc.landmarks_px))
        assert gap[top + 4 : bottom - 4, left + 4 : right - 4].mean() > 0.05


def test_heads_on_black_and_animations_have_standard_range(make, tmp_path):
    source = hdr_clip(tmp_path / "in.mp4", "pq")
    for mode, name in (("portrait", "head.mp4"), ("scene", "out.gif")):
        report = anonymize_video(
            make(mode=mode), source, tmp_path / name, VideoOptions(1, hdr=True)
        )
        assert [each[:18] for each in report.dropped] == ["high dynamic range"]
    assert tags(tmp_path / "head.mp4")[0] == "yuv420p"


def test_wide_colours_of_standard_range_keep_their_tags(make, tmp_path):
    """Of BT.2020 without a high range, as broadcasts have it."""
    with av.open(str(tmp_path / "in.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p10le"
        context = stream.codec_context
        context.color_primaries, context.color_trc, context.colorspace = 9, 14, 9
        for i, image in enumerate(pictures(4)):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame = frame.reformat(format="yuv420p10le", src_colorspace=9, dst_colorspace=9)
            frame.colorspace, frame.color_primaries, frame.color_trc, frame.pts = 9, 9, 14, i
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with Reader(tmp_path / "in.mp4") as reader:
        shown = next(reader.frames()).image
        assert reader.colour_codes == (9, 14)
    assert np.abs(shown.astype(int) - pictures(1)[0]).mean() < 3
    anonymize_video(make(), tmp_path / "in.mp4", tmp_path / "out.mp4", VideoOptions(1))
    assert tags(tmp_path / "out.mp4")[1:3] == (9, 14)
