"""Container by codec by orientation by sound by timing: every pair of them at least once.

Each film is a second long. Of every output the number of frames, their times, the sound, what is
said of it, the orientation, and the absence of a mark that was planted in the input are checked.
"""

import random
from fractions import Fraction
from itertools import combinations, product

import av
import cv2
import numpy as np
import pytest

from ganonymization.video.file import VideoOptions, anonymize_video

from .test_container import pictures, scraps, sound_packets, times, tone
from .test_frames import stages

MARK = "PLANTED-NAME"
LENGTH = 25
COVER = cv2.imencode(".jpg", np.random.default_rng(3).integers(0, 256, (64, 64, 3)))[1].tobytes()
"""A picture that nobody may find again."""
MS = Fraction(1, 1000)
AXES = {
    "container": (".mp4", ".mov", ".mkv", ".webm", ".avi", ".ts"),
    "out": (".mp4", ".mov", ".mkv", ".webm"),
    "codec": ("libx264", "libx265", "libvpx-vp9", "mpeg4", "mjpeg", "prores", "ffv1"),
    "turn": (0, 90, 180, 270),
    "sound": ("none", "aac", "libopus", "pcm_s16le", "flac", "two"),
    "timing": ("even", "29.97", "uneven", "doubled", "late"),
}
HELD = {
    ".mp4": {"libx264", "libx265", "libvpx-vp9", "mpeg4", "mjpeg"},
    ".mov": {"libx264", "libx265", "mpeg4", "mjpeg", "prores"},
    ".mkv": set(AXES["codec"]),
    ".webm": {"libvpx-vp9"},
    ".avi": {"mpeg4", "mjpeg", "ffv1"},
    ".ts": {"libx264", "libx265"},
}
HEARD = {
    ".mp4": {"aac", "libopus", "flac", "two"}, ".mov": {"aac", "pcm_s16le", "two"},
    ".mkv": {"aac", "libopus", "pcm_s16le", "flac", "two"}, ".webm": {"libopus"},
    ".avi": {"pcm_s16le"}, ".ts": {"aac", "two"},
}  # fmt: skip
PIX_FMT = {"mjpeg": "yuvj420p", "prores": "yuv422p10le"}


def possible(case):
    container, _, codec, turn, sound, timing = case
    exact = container in (".mp4", ".mov", ".mkv") and codec not in ("prores", "libvpx-vp9")
    return (
        codec in HELD[container]
        and (sound == "none" or sound in HEARD[container])
        and (turn == 0 or container in (".mp4", ".mov", ".mkv"))
        and (timing in ("even", "29.97") or exact)
        and (timing != "doubled" or (container == ".mkv" and codec == "mjpeg"))
        and not (timing == "29.97" and container in (".avi", ".ts"))
    )


def covering():
    """Cases that show every pair of values that can come together; greedily, not the fewest."""
    cases = [case for case in product(*AXES.values()) if possible(case)]
    random.Random(0).shuffle(cases)
    pairs = {case: set(combinations(enumerate(case), 2)) for case in cases}
    missing = set().union(*pairs.values())
    while missing:
        best = max(random.Random(len(missing)).sample(cases, min(400, len(cases))),
                   key=lambda case: len(pairs[case] & missing))  # fmt: skip
        if not pairs[best] & missing:
            best = max(cases, key=lambda case: len(pairs[case] & missing))
        missing -= pairs[best]
        yield best


def planned_times(timing):
    """Ticks, their unit, and the rate."""
    even = [40 * i for i in range(LENGTH)]
    return {
        "even": (list(range(LENGTH)), Fraction(1, 25), Fraction(25)),
        "29.97": (list(range(LENGTH)), Fraction(1001, 30000), Fraction(30000, 1001)),
        "uneven": ([t + (17 if i % 3 else 0) for i, t in enumerate(even)], MS, Fraction(25)),
        "doubled": ([t - (t % 160 == 120) * 40 for t in even], MS, Fraction(25)),
        "late": ([t + 5000 for t in even], MS, Fraction(25)),
    }[timing]


def made(path, codec, turn, sound, timing):
    """The film; its upper left is white, and a disc moves."""
    ticks, unit, rate = planned_times(timing)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height = 128, 96
        stream.pix_fmt = PIX_FMT.get(codec, "yuv420p")
        stream.time_base = stream.codec_context.time_base = unit
        quality = {"crf": "14", "x265-params": "log-level=error", "deadline": "realtime"}
        stream.options = {} if codec in ("prores", "ffv1", "mjpeg", "mpeg4") else quality
        if codec in ("mjpeg", "mpeg4"):
            stream.bit_rate = 8_000_000
        if codec == "libx264":
            stream.options["bf"] = "0" if path.suffix == ".avi" else "2"
        if turn:
            stream.set_display_rotation(turn)
        kinds = {"none": [], "two": ["aac", "aac"]}.get(sound, [sound])
        layout = {"layout": "mono", "rate": 48000}
        sounds = [container.add_stream(kind, **layout) for kind in kinds]
        for number, each in enumerate(sounds):
            each.metadata["language"] = ("ger", "eng")[number]
        for owner in (container, stream, *sounds):
            owner.metadata.update(title=MARK, comment=MARK, handler_name=MARK)
        if path.suffix in (".mp4", ".mov", ".mkv"):
            container.set_chapters([{"id": 0, "start": 0, "end": 500, "time_base": MS,
                                     "metadata": {"title": MARK}}])  # fmt: skip
        if path.suffix == ".mkv":
            container.add_attachment("a.txt", "text/plain", MARK.encode())
            container.add_attachment("cover.jpg", "image/jpeg", COVER)
        for i, image in enumerate(marked()):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame = frame.reformat(format=stream.pix_fmt, src_colorspace=5, dst_colorspace=5)
            frame.pts, frame.time_base = (40 * i if timing == "doubled" else ticks[i]), unit
            for packet in stream.encode(frame):
                if timing == "doubled":
                    packet.pts = packet.dts = ticks[packet.pts // 40]
                container.mux(packet)
            for each in sounds:
                container.mux(each.encode(as_coded(tone(i, 440, each), each)))
        for each in (stream, *sounds):
            container.mux(each.encode(None))
    return path


def as_coded(frame, stream):
    """In the samples that the codec takes."""
    context = stream.codec_context
    resampler = av.AudioResampler(context.format, context.layout, context.rate)
    (resampled,) = resampler.resample(frame)
    return resampled


def marked():
    images = pictures(LENGTH)
    for image in images:
        image[:20, :30] = 250
    return images


def expected_times(timing):
    ticks, unit, _ = planned_times(timing)
    at = [ticks[0]]
    for tick in ticks[1:]:
        at.append(max(tick, at[-1] + 1))
    return [tick * unit for tick in at]


@pytest.fixture
def make(make_anonymizer):
    return lambda: make_anonymizer(**stages())


CASES = sorted(covering())


def test_the_marks_are_in_the_inputs(tmp_path):
    for suffix in (".mp4", ".mov", ".mkv"):
        data = made(tmp_path / f"in{suffix}", "libx264", 0, "aac", "even").read_bytes()
        assert MARK.encode() in data
        assert (COVER[700:760] in data) == (suffix == ".mkv")


def test_every_value_is_tried():
    for place, values in enumerate(AXES.values()):
        assert {case[place] for case in CASES} == set(values)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_film_of_any_kind(make, tmp_path, case):
    container, suffix, codec, turn, sound, timing = case
    source = made(tmp_path / f"in{container}", codec, turn, sound, timing)
    out = tmp_path / "new" / f"out{suffix}"
    report = anonymize_video(make(), source, out, VideoOptions(1, crf=14))
    assert report.frames == report.faces == LENGTH
    at = times(out)
    assert len(at) == LENGTH
    tick = MS if container != ".ts" else 2 * MS
    start = times(source)[0] if container in (".ts", ".avi") else at[0]
    gaps = [abs((a - start) - (b - expected_times(timing)[0]))
            for a, b in zip(at, expected_times(timing), strict=True)]  # fmt: skip
    assert max(gaps) <= tick + Fraction(1, 90_000)
    check_sound(source, out, sound, report.sound)
    check_picture(out, turn)
    assert not scraps(tmp_path)
    for path in out.parent.iterdir():
        assert MARK.encode() not in path.read_bytes()
        assert COVER[700:760] not in path.read_bytes()


def check_sound(source, out, sound, told):
    heard, expected = sound_packets(out), sound_packets(source)
    assert len(heard) == len(expected) == {"none": 0, "two": 2}.get(sound, 1)
    assert told in (("none",) if sound == "none" else ("copied", "coded anew"))
    with av.open(str(out)) as container:
        languages = [stream.metadata.get("language") for stream in container.streams.audio]
    if source.suffix not in (".avi",):
        assert languages == ["ger", "eng"][: len(heard)]
    for ours, theirs in zip(heard, expected, strict=True):
        assert float(ours[-1][1] - ours[0][1]) == pytest.approx(
            float(theirs[-1][1] - theirs[0][1]), abs=0.06
        )
        if told == "copied" and sound in ("aac", "libopus", "two") and source.suffix != ".ts":
            assert [data for data, _ in ours] == [data for data, _ in theirs]


def check_picture(out, turn):
    with av.open(str(out)) as container:
        frame = next(container.decode(video=0))
        assert "DISPLAYMATRIX" not in frame.side_data
        shown = frame.to_ndarray(format="rgb24")
    expected = np.rot90(marked()[0], turn // 90)
    assert shown.shape == expected.shape
    corner = np.rot90(np.pad(np.ones((12, 20), bool), ((0, 84), (0, 108))), turn // 90)
    assert np.abs(shown[corner].astype(int) - expected[corner]).mean() < 14
