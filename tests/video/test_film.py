"""Files of several videos, as cameras that look both ways write them: each is anonymized."""

from fractions import Fraction

import av
import numpy as np
import pytest

from ganonymization.errors import InputError
from ganonymization.video.container import Reader
from ganonymization.video.exclusions import Region
from ganonymization.video.file import VideoOptions, anonymize_video
from ganonymization.video.film import _MOST_VIDEOS

from .test_container import pictures, scraps, sound_packets, tone
from .test_frames import stages

FRONT = {"rate": Fraction(25), "size": (128, 96), "length": 20}
BACK = {"rate": Fraction(30000, 1001), "size": (160, 112), "length": 30}


@pytest.fixture
def make(make_anonymizer):
    return lambda **options: make_anonymizer(**stages(), **options)


def made(path, videos, codec="libx264", tones=1):
    """A film of several videos, each of its own size and rate."""
    with av.open(str(path), "w") as container:
        streams = []
        for video in videos:
            stream = container.add_stream(codec, rate=video["rate"])
            stream.width, stream.height = video["size"]
            stream.pix_fmt, stream.options = "yuv420p", {"crf": "12"}
            if codec == "mpeg4":
                stream.bit_rate = 8_000_000
            stream.time_base = stream.codec_context.time_base = 1 / video["rate"]
            streams.append(stream)
        sounds = [container.add_stream("aac", rate=48000, layout="mono") for _ in range(tones)]
        for sound in sounds:
            for i in range(20):
                container.mux(sound.encode(tone(i, 440, sound)))
        for stream, video in zip(streams, videos, strict=True):
            for i, image in enumerate(pictures(video["length"], size_wh=video["size"])):
                frame = av.VideoFrame.from_ndarray(image, format="rgb24")
                frame = frame.reformat(format="yuv420p", src_colorspace=5, dst_colorspace=5)
                frame.pts, frame.time_base = i, 1 / video["rate"]
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        for sound in sounds:
            container.mux(sound.encode(None))
    return path


def shown(path, video):
    with Reader(path, video=video) as reader:
        return [(timed.pts * reader.time_base, timed.image) for timed in reader.frames()]


def differences(source, out, video):
    """Of each frame, its times and how much the disc and a corner have changed."""
    for (at, before), (then, after) in zip(shown(source, video), shown(out, video), strict=True):
        change = np.abs(before.astype(int) - after)
        yield at, then, np.percentile(change[20:60, 20:120], 95), change[-16:, -16:].mean()


@pytest.mark.parametrize(("kind", "suffix", "codec"), [
    (".mkv", ".mkv", "libx264"), (".mp4", ".mp4", "libx264"), (".mp4", ".mov", "mpeg4"),
    (".ts", ".mp4", "libx264"), (".mkv", ".webm", "libx264"), (".mp4", ".mkv", "libx265"),
])  # fmt: skip
def test_each_video_of_a_file_is_anonymized(make, tmp_path, kind, suffix, codec):
    source, out = made(tmp_path / f"in{kind}", [FRONT, BACK], codec), tmp_path / f"out{suffix}"
    report = anonymize_video(make(), source, out, VideoOptions(1, crf=8))
    assert (report.dropped, report.frames, report.faces) == ([], 50, 50)
    assert list(report.tracks) == [0, "1:0"]
    assert [report.tracks[name].synthesized for name in report.tracks] == [20, 30]
    tick = 0 if {kind, suffix} <= {".mp4", ".mov"} else Fraction(1, 900)
    late = shown(source, 0)[0][0] - shown(out, 0)[0][0]
    for video in (0, 1):
        for at, then, face, corner in differences(source, out, video):
            assert abs((at - then) - late) <= tick
            assert face > 15
            assert corner < 4
    assert len(sound_packets(out)) == 1
    assert [path.name for path in tmp_path.iterdir() if path != source] == [out.name]


def test_two_nobodies_of_a_file_differ(make, tmp_path):
    source = made(tmp_path / "in.mkv", [FRONT, FRONT])
    anonymize_video(make(), source, tmp_path / "out.mkv", VideoOptions(1, crf=4))
    first, second = (shown(tmp_path / "out.mkv", video)[9][1] for video in (0, 1))
    assert np.abs(first.astype(int) - second)[30:50, 45:70].mean() > 10


def test_what_one_video_is_asked_for_is_not_done_to_another(make, tmp_path):
    """Regions, boxes and people are given for the first: in others every face goes."""
    source, out = made(tmp_path / "in.mkv", [FRONT, BACK]), tmp_path / "out.mkv"
    everywhere, boxes = Region.parse("0,0,128,96"), tmp_path / "boxes.json"
    options = VideoOptions(1, ignored=(everywhere,), export_boxes=boxes)
    report = anonymize_video(make(), source, out, options)
    assert report.tracks[0].kept == 20
    assert report.tracks["1:0"].synthesized == 30
    assert boxes.read_text().count("box_xyxy") == 20


def test_the_shorter_video_may_end_first(make, tmp_path):
    source = made(tmp_path / "in.mkv", [FRONT | {"length": 4}, BACK, FRONT | {"length": 1}])
    report = anonymize_video(make(), source, tmp_path / "out.mkv", VideoOptions(1))
    assert [len(shown(tmp_path / "out.mkv", video)) for video in range(3)] == [4, 30, 1]
    assert report.frames == 35


def test_a_damaged_second_video_ends_with_an_error_or_is_salvaged(make, tmp_path):
    source = made(tmp_path / "in.mp4", [FRONT, BACK], codec="mpeg4")
    with av.open(str(source)) as container:
        stream = container.streams.video[1]
        places = [packet.pos for packet in container.demux(stream) if packet.size]
    data = bytearray(source.read_bytes())
    data[places[12] : places[12] + 60] = bytes(60)
    source.write_bytes(data)
    with pytest.raises(InputError, match=r"in\.mp4: damaged after"):
        anonymize_video(make(), source, tmp_path / "out.mp4", VideoOptions(1))
    assert not (tmp_path / "out.mp4").exists()
    assert not scraps(tmp_path)
    report = anonymize_video(make(), source, tmp_path / "out.mp4", VideoOptions(1, salvage=True))
    assert report.salvaged.startswith(str(source))
    assert [len(shown(tmp_path / "out.mp4", video)) for video in (0, 1)] == [20, 12]


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_an_animation_has_one_video(make, tmp_path, suffix):
    source, out = made(tmp_path / "in.mkv", [FRONT, BACK]), tmp_path / f"out{suffix}"
    report = anonymize_video(make(), source, out, VideoOptions(1))
    assert report.dropped == ["video 1 (h264)", "sound 2 (aac)"]
    with pytest.raises(InputError, match=r"dropped: video 1 \(h264\)"):
        anonymize_video(make(), source, tmp_path / f"no{suffix}", VideoOptions(1, strict=True))


def test_a_portrait_has_one_video(make, tmp_path):
    source = made(tmp_path / "in.mkv", [FRONT, BACK])
    anonymizer = make(mode="portrait", portrait_size_px=64)
    report = anonymize_video(anonymizer, source, tmp_path / "out.mkv", VideoOptions(1))
    assert report.dropped == ["video 1 (h264)"]


def test_very_many_videos_are_dropped_and_told(make, tmp_path):
    short = FRONT | {"length": 2}
    source = made(tmp_path / "in.mkv", [short] * (_MOST_VIDEOS + 1), tones=0)
    report = anonymize_video(make(), source, tmp_path / "out.mkv", VideoOptions(1))
    assert report.dropped == [f"video {_MOST_VIDEOS} (h264)"]
    assert report.frames == 2 * _MOST_VIDEOS
