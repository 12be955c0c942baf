"""Clocks that jump, stand still or restart; what is right is known from how the input was made."""

from fractions import Fraction
from itertools import pairwise
from types import SimpleNamespace

import av
import pytest

from ganonymization.errors import InputError
from ganonymization.video.container import Reader
from ganonymization.video.times import FrameTimes, Increasing, Timeline

from .test_container import make_clip, pictures, rewrite, sound_packets, times

MS = Fraction(1, 1000)


def packet(dts, pts=None, stream=0, duration=40, size=1):
    return SimpleNamespace(
        dts=dts, pts=dts if pts is None else pts, duration=duration, time_base=MS, size=size,
        stream=SimpleNamespace(index=stream),
    )  # fmt: skip


def placed(timeline, *packets):
    for each in packets:
        timeline.place(each)
    return [each.pts for each in packets]


def test_a_clock_that_restarts_goes_on():
    again = placed(Timeline("mpegts"), *(packet(t) for t in (1000, 1040, 1080, 500, 540)))
    assert again == [1000, 1040, 1080, 1120, 1160]


def test_a_clock_that_leaps_goes_on_and_a_pause_stays():
    ahead = placed(Timeline("mpegts"), *(packet(t) for t in (0, 40, 5000, 90_000, 90_040)))
    assert ahead == [0, 40, 5000, 5040, 5080]


def test_all_streams_share_one_clock():
    """The sound's restart is the picture's, however far either had come."""
    timeline = Timeline("mpegts")
    sent = [packet(1000), packet(1010, stream=1), packet(1040), packet(200), packet(205, stream=1)]
    assert placed(timeline, *sent) == [1000, 1010, 1040, 1080, 1085]


def test_other_containers_clocks_are_theirs():
    assert placed(Timeline("matroska,webm"), packet(1000), packet(0)) == [1000, 0]


def frame_times(name, step, *pts):
    frames = FrameTimes(name, step)
    return [frames.of(SimpleNamespace(pts=each)) for each in pts]


def test_equal_times_are_a_tick_apart_and_later_ones_stay():
    assert frame_times("matroska", 40, 0, 40, 40, 80, 120) == [0, 40, 41, 80, 120]


def test_missing_times_are_counted():
    assert frame_times("matroska", 40, None, None, 100, None) == [0, 40, 100, 140]


def test_times_before_zero_stay():
    assert frame_times("mov", 40, -80, -40, 0) == [-80, -40, 0]


def test_frames_of_containers_without_times_get_them_in_order():
    """Decoders give a B-frame the time of another one."""
    frames = FrameTimes("avi", 1)
    for dts in range(5):
        frames.sent(packet(dts))
    frames.sent(packet(5, size=0))  # a frame that is shown again has no packet
    assert [frames.of(SimpleNamespace(pts=pts)) for pts in (1, 2, 5, 4, 6)] == [0, 1, 2, 3, 4]


def test_packets_go_on_in_ticks_of_the_output():
    order = Increasing()
    sent = [packet(0), packet(21), packet(21), packet(22), packet(60)]
    for each in sent:
        order.place(each, Fraction(1, 48_000))
    at = [each.dts * each.time_base for each in sent]
    assert at == [0, 21 * MS, 21 * MS + Fraction(1, 48_000), 22 * MS, 60 * MS]
    order.place(packet(0, stream=1), Fraction(1, 48_000))  # another stream has its own


def test_doubled_frame_times_do_not_move_later_frames(tmp_path):
    doubled = [0, 40, 80, 120, 120, 160, 200, 240, 240, 280, 320, 360]
    source = make_clip(
        tmp_path / "in.mkv", pictures(12), pts=[40 * i for i in range(12)], time_base=MS,
        codec="mjpeg", pix_fmt="yuvj420p",
    )  # fmt: skip
    with av.open(str(source)) as old, av.open(str(tmp_path / "doubled.mkv"), "w") as new:
        copy = new.add_stream_from_template(old.streams.video[0])
        sent = [each for each in old.demux() if each.dts is not None]
        for each, at in zip(sent, doubled, strict=True):
            each.pts = each.dts = at
            each.stream = copy
            new.mux(each)
    expected = [MS * (t + (i in (4, 8))) for i, t in enumerate(doubled)]
    for suffix in (".mkv", ".mp4"):
        assert times(rewrite(tmp_path / "doubled.mkv", tmp_path / f"out{suffix}")) == expected


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
def test_doubled_sound_times_are_written(tmp_path, suffix):
    source = make_clip(tmp_path / "in.mkv", pictures(30), tones=1)
    with av.open(str(source)) as old, av.open(str(tmp_path / "doubled.mkv"), "w") as new:
        copies = {s.index: new.add_stream_from_template(s) for s in old.streams}
        number, last = 0, None
        for each in old.demux():
            if each.pts is None:
                continue
            if each.stream.type == "audio":
                number += 1
                if number == 12:
                    each.pts = each.dts = last
                last = each.dts
            each.stream = copies[each.stream.index]
            new.mux(each)
    out = rewrite(tmp_path / "doubled.mkv", tmp_path / f"out{suffix}")
    (heard,), (expected,) = sound_packets(out), sound_packets(tmp_path / "doubled.mkv")
    assert [data for data, _ in heard] == [data for data, _ in expected]
    assert heard[-1][1] - heard[0][1] == pytest.approx(expected[-1][1] - expected[0][1], abs=0.002)
    at = [time for _, time in heard]
    assert at == sorted(at)


@pytest.mark.parametrize("codec", ["libx264", "mpeg2video"])
def test_joined_transport_streams_are_one_video(tmp_path, codec):
    one = make_clip(tmp_path / "one.ts", pictures(20), tones=1, codec=codec)
    (tmp_path / "two.ts").write_bytes(2 * one.read_bytes())
    out = rewrite(tmp_path / "two.ts", tmp_path / "out.mkv")
    at = times(out)
    assert len(at) == 40
    steps = [b - a for a, b in pairwise(at)]
    assert max(steps) < 0.2
    assert min(steps) > 0.02
    (heard,) = sound_packets(out)
    assert float(heard[-1][1] - at[-1]) == pytest.approx(0, abs=0.15)


def remuxed_with_a_long_end(source, out, lasts_s):
    with av.open(str(source)) as old, av.open(str(out), "w") as new:
        stream = old.streams.video[0]
        copy = new.add_stream_from_template(stream)
        sent = [each for each in old.demux(stream) if each.dts is not None]
        sent[-1].duration = int(lasts_s / stream.time_base)
        for each in sent:
            each.stream = copy
            new.mux(each)
    return out


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
def test_a_last_frame_that_stands_is_no_damage_and_stands_as_long(tmp_path, suffix):
    plain = make_clip(tmp_path / "plain.mp4", pictures(6), codec="mpeg4")
    source = remuxed_with_a_long_end(plain, tmp_path / f"in{suffix}", 2)
    with av.open(str(source)) as container:
        assert container.duration == pytest.approx(2_200_000, abs=50_000)
    out = rewrite(source, tmp_path / "out.mp4")
    assert len(times(out)) == 6
    with av.open(str(out)) as container:
        assert container.duration == pytest.approx(2_200_000, abs=5_000)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_file_whose_end_is_missing_is_still_cut_off(tmp_path, suffix):
    """As above, but the last frames are missing although the file tells of them."""
    muxing = {"movflags": "+faststart"} if suffix == ".mp4" else None
    whole = make_clip(tmp_path / f"in{suffix}", pictures(40), crf=1, muxing=muxing)
    data = whole.read_bytes()
    (tmp_path / f"cut{suffix}").write_bytes(data[: int(0.7 * len(data))])
    with Reader(tmp_path / f"cut{suffix}") as reader, pytest.raises(InputError, match="cut off"):
        list(reader.frames())


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_avi_frames_are_as_far_apart_as_they_were(tmp_path, codec):
    source = make_clip(tmp_path / "in.avi", pictures(20), codec=codec)
    at = times(rewrite(source, tmp_path / "out.mp4"))
    assert [b - a for a, b in pairwise(at)] == [Fraction(1, 25)] * 19
