"""What people's machines make, row by row of the table of outcomes in docs/video.md."""

from fractions import Fraction

import av
import numpy as np
import pytest

from ganonymization.video.container import Reader
from ganonymization.video.file import VideoOptions, anonymize_video

from .test_container import make_clip, pictures, rewrite, seen_pictures, sound_packets, times
from .test_frames import stages


@pytest.fixture
def make(make_anonymizer):
    return lambda: make_anonymizer(**stages())


@pytest.mark.parametrize(("codec", "suffix", "pix_fmt"), [
    ("libvpx-vp9", ".webm", "yuva420p"), ("libvpx", ".webm", "yuva420p"),
    ("ffv1", ".mkv", "bgra"), ("prores_ks", ".mov", "yuva444p10le"), ("png", ".mov", "rgba"),
])  # fmt: skip
def test_hidden_pixels_are_not_shown(make, tmp_path, codec, suffix, pix_fmt):
    """White is."""
    source = tmp_path / f"in{suffix}"
    with av.open(str(source), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 128, 96, pix_fmt
        stream.options = {"crf": "10", "auto-alt-ref": "0"} if suffix == ".webm" else {}
        pixels = np.full((96, 128, 4), (40, 60, 200, 255), np.uint8)
        pixels[:, 64:, 3] = 0
        for i in range(4):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgba").reformat(format=pix_fmt)
            frame.pts = i
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    report = anonymize_video(make(), source, tmp_path / "out.mp4", VideoOptions(1))
    assert (report.frames, report.dropped) == (4, ["transparency"])
    for image in seen_pictures(tmp_path / "out.mp4"):
        assert np.abs(image[:, :56].astype(int) - (40, 60, 200)).mean() < 6
        assert image[:, 72:].min() > 245


@pytest.mark.parametrize(("codec", "pix_fmt"), [
    ("ffv1", "yuv422p"), ("ffv1", "yuv444p"), ("ffv1", "yuv444p12le"), ("ffv1", "gray12le"),
    ("libx264", "yuv422p10le"), ("libx264", "yuv444p"), ("libx265", "yuv422p10le"),
    ("libx265", "yuv420p12le"), ("libx265", "yuv422p12le"), ("prores_ks", "yuv444p10le"),
])  # fmt: skip
def test_other_samplings_and_depths(make, tmp_path, codec, pix_fmt):
    source = make_clip(tmp_path / "in.mkv", pictures(6), codec=codec, pix_fmt=pix_fmt)
    with av.open(str(source)) as container:
        kind = next(container.decode(video=0)).format.name
        assert kind == pix_fmt or codec == "prores_ks"  # decoded as deeper than it is
    report = anonymize_video(make(), source, tmp_path / "out.mp4", VideoOptions(1))
    assert report.frames == len(times(tmp_path / "out.mp4")) == 6
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.streams.video[0].codec_context.pix_fmt == "yuv420p"
    if pix_fmt != "gray12le":
        read = seen_pictures(source)[0]
        assert np.abs(read.astype(int) - pictures(1)[0]).mean() < 4


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_240_frames_a_second(make, tmp_path, suffix):
    source = make_clip(tmp_path / "in.mp4", pictures(40)[:24] * 5, rate=240)
    out = tmp_path / f"out{suffix}"
    assert anonymize_video(make(), source, out, VideoOptions(1)).frames == 120
    gaps = [abs(a - b) for a, b in zip(times(out), times(source), strict=True)]
    assert max(gaps) <= (Fraction(1, 1000) if suffix == ".mkv" else 0)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm", ".gif"])
def test_one_frame(make, tmp_path, suffix):
    source = make_clip(tmp_path / "in.mp4", pictures(1), tones=1)
    report = anonymize_video(make(), source, tmp_path / f"out{suffix}", VideoOptions(1))
    assert report.frames == report.faces == 1
    assert (tmp_path / f"out{suffix}").stat().st_size > 0


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
def test_six_hours(make, tmp_path, suffix):
    """A frame each two minutes, in units of 1/240,000 s: more than 32 bits hold."""
    ticks = [120 * 240_000 * i for i in range(181)]
    source = make_clip(tmp_path / "in.mp4", pictures(20)[:1] * 181, pts=ticks,
                       time_base=Fraction(1, 240_000), tones=1)  # fmt: skip
    assert ticks[-1] > 2**32
    report = anonymize_video(make(), source, tmp_path / f"out{suffix}", VideoOptions(1))
    assert report.tracks[0].last_s == 6 * 3600
    at = times(tmp_path / f"out{suffix}")
    if suffix in (".mp4", ".mov"):
        assert at == times(source)
    assert float(at[-1] - at[0]) == pytest.approx(6 * 3600, abs=0.002)


def test_the_times_of_a_transport_stream_that_wrap(make, tmp_path):
    """Its clock has 33 bits, 26.5 hours, and may begin just before their end."""
    plain = make_clip(tmp_path / "plain.ts", pictures(20), tones=1)
    late = make_clip(tmp_path / "in.ts", pictures(20), tones=1,
                     muxing={"output_ts_offset": str((2**33 - 36_000) / 90_000)})  # fmt: skip
    report = anonymize_video(make(), late, tmp_path / "out.mp4", VideoOptions(1))
    assert report.frames == 20
    at, expected = times(tmp_path / "out.mp4"), times(plain)
    assert [t - at[0] for t in at] == [t - expected[0] for t in expected]
    starts = [
        sound_packets(path)[0][0][1] - times(path)[0] for path in (tmp_path / "out.mp4", plain)
    ]
    assert abs(starts[0] - starts[1]) < 0.03


ORIENTED = b"\x00\x00\x00\x01\x06\x2f\x03\x08\x00\x14\x80"
"""H.264's display orientation: a quarter turn, counterclockwise (ITU-T H.264, D.1.27)."""


def test_orientation_that_frames_say_themselves(tmp_path):
    """As of a phone that is turned while it films; later frames fit into the first one's size."""
    plain = make_clip(tmp_path / "plain.ts", pictures(8))
    with av.open(str(plain)) as old, av.open(str(tmp_path / "turned.ts"), "w") as new:
        copy = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux():
            if packet.dts is None:
                continue
            data = bytes(packet)
            assert data.startswith(b"\x00\x00\x00\x01\x09")
            turned = av.Packet(data[:6] + ORIENTED + data[6:])
            turned.pts, turned.dts, turned.time_base = packet.pts, packet.dts, packet.time_base
            turned.is_keyframe, turned.stream = packet.is_keyframe, copy
            new.mux(turned)
    both = plain.read_bytes() + (tmp_path / "turned.ts").read_bytes()
    (tmp_path / "in.ts").write_bytes(both)
    with av.open(str(tmp_path / "in.ts")) as container:
        told = [frame.rotation % 360 for frame in container.decode(video=0)]
    assert told == [0] * 8 + [90] * 8
    shown = seen_pictures(tmp_path / "in.ts")
    assert {image.shape for image in shown} == {(96, 128, 3)}
    assert not shown[12][:, :20].any()  # black beside the picture, which is taller now
    assert shown[12][48, 60].any()
    assert len(seen_pictures(rewrite(tmp_path / "in.ts", tmp_path / "out.mp4"))) == 16


@pytest.mark.slow
def test_8k(make, tmp_path):
    image = np.full((4320, 7680, 3), 90, np.uint8)
    image[:96, :128] = pictures(1)[0]
    source = make_clip(tmp_path / "in.mp4", [image] * 2, crf=20)
    report = anonymize_video(make(), source, tmp_path / "out.mp4", VideoOptions(1))
    assert report.frames == 2
    with Reader(tmp_path / "out.mp4") as reader:
        assert reader.size_wh() == (7680, 4320)
