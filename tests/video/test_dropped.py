"""Streams beside the video: kept with what is said of them, or told; nothing vanishes."""

import json
from fractions import Fraction

import av
import pytest
from av.stream import Disposition

from ganonymization.errors import InputError, UnreadableError
from ganonymization.video.container import Reader
from ganonymization.video.file import VideoOptions, anonymize_video

from .test_container import make_clip, pictures, times
from .test_frames import stages

TEXT = "her name is Ada"
MS = Fraction(1, 1000)


@pytest.fixture
def make(make_anonymizer):
    return lambda: make_anonymizer(**stages())


def with_others(path, *, subtitles=None, videos=1, sounds=(), chapters=0):
    """A film with further streams."""
    plain = make_clip(path.with_suffix(".plain.mp4"), pictures(20), tones=max(1, len(sounds)))
    with av.open(str(plain)) as old, av.open(str(path), "w") as new:
        copies = [new.add_stream_from_template(old.streams.video[0]) for _ in range(videos)]
        tones = [new.add_stream_from_template(s) for s in old.streams.audio[: len(sounds)]]
        for copy, (language, disposition) in zip(tones, sounds, strict=True):
            copy.metadata["language"], copy.disposition = language, disposition
        texts = [new.add_stream(subtitles)] if subtitles else []
        for stream in texts:
            stream.metadata["language"] = "ger"
            stream.codec_context.subtitle_header = HEADER
        new.set_chapters([{"id": i, "start": 100 * i, "end": 100 * i + 100,
                           "time_base": MS, "metadata": {"title": f"{TEXT} {i}"}}
                          for i in range(chapters)])  # fmt: skip
        new.start_encoding()
        for stream in texts:
            new.mux(said(stream))
        for packet in old.demux():
            if packet.dts is None:
                continue
            to = copies if packet.stream.type == "video" else tones[packet.stream.index - 1 :][:1]
            for copy in to:
                again = av.Packet(bytes(packet))
                again.pts, again.dts, again.time_base = packet.pts, packet.dts, packet.time_base
                again.duration, again.is_keyframe = packet.duration, packet.is_keyframe
                again.stream = copy
                new.mux(again)
    return path


HEADER = (
    b"[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: Name, Fontname, Fontsize, "
    b"PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, "
    b"StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, "
    b"MarginL, MarginR, MarginV, Encoding\nStyle: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,"
    b"0,0,100,100,0,0,1,1,0,2,10,10,10,1\n\n[Events]\nFormat: Layer, Start, End, Style, Name, "
    b"MarginL, MarginR, MarginV, Effect, Text\n"
)


def boxes(data, start, end):
    """Of an MP4: kind, place and length of each."""
    while start < end:
        length = int.from_bytes(data[start : start + 4])
        yield data[start + 4 : start + 8], start, length
        start += length


def with_cover(path, *, first, video=True):
    """An MP4 with a cover picture, which stands first where its tags do."""
    film = make_clip(path.with_suffix(".plain.mp4"), pictures(20))
    with av.open(str(film)) as old, av.open(str(path), "w") as new:
        copy = new.add_stream_from_template(old.streams.video[0]) if video else None
        cover = new.add_stream("mjpeg", rate=25)
        cover.width, cover.height, cover.pix_fmt = 128, 96, "yuvj420p"
        cover.disposition = Disposition.attached_pic
        picture = av.VideoFrame.from_ndarray(pictures(1)[0], format="rgb24")
        new.mux(cover.encode(picture.reformat(format="yuvj420p")) + cover.encode(None))
        for packet in old.demux() if video else ():
            if packet.dts is not None:
                packet.stream = copy
                new.mux(packet)
    if first:
        data = path.read_bytes()
        ((_, start, length),) = (box for box in boxes(data, 0, len(data)) if box[0] == b"moov")
        order = {b"mvhd": 0, b"udta": 1}
        inner = sorted(boxes(data, start + 8, start + length), key=lambda b: order.get(b[0], 2))
        path.write_bytes(data[: start + 8] + b"".join(data[at : at + n] for _, at, n in inner)
                         + data[start + length :])  # fmt: skip
    return path


def said(stream):
    stream.codec_context.time_base = MS
    line = f"0,0,Default,,0,0,0,,{TEXT}".encode()
    packet = stream.codec_context.encode_subtitle(
        av.subtitles.subtitle.SubtitleSet.create(line, 0, 400, 100)
    )
    packet.stream, packet.time_base = stream, MS
    packet.pts = packet.dts = 100
    packet.duration = 400
    return packet


def kinds(path):
    with av.open(str(path)) as container:
        return [(s.type, s.metadata.get("language"), s.disposition) for s in container.streams]


def texts(path):
    with av.open(str(path)) as container:
        (stream,) = container.streams.subtitles
        return [
            (each.dialogue.decode(), packet.pts * packet.time_base, packet.duration)
            for packet in container.demux(stream)
            for each in (packet.decode() if packet.size else ())
        ]


NONE = Disposition(0)
SOUNDS = (("ger", Disposition.default), ("eng", Disposition.comment))


def test_languages_and_purposes_of_sound_are_kept(make, tmp_path):
    source = with_others(tmp_path / "in.mkv", sounds=SOUNDS)
    report = anonymize_video(make(), source, tmp_path / "out.mkv", VideoOptions(1))
    assert report.dropped == []
    assert kinds(tmp_path / "out.mkv")[1:] == [("audio", *each) for each in SOUNDS]


def test_a_language_that_is_none_is_not_passed_on(make, tmp_path):
    source = with_others(tmp_path / "in.mkv", sounds=(("Ada Lovelace", NONE),))
    anonymize_video(make(), source, tmp_path / "out.mkv", VideoOptions(1))
    assert b"Ada" in source.read_bytes()
    assert b"Ada" not in (tmp_path / "out.mkv").read_bytes()


def test_further_streams_are_told_and_refused_if_that_is_asked_for(make, tmp_path):
    source = with_others(tmp_path / "in.mkv", subtitles="srt", chapters=3)
    report = anonymize_video(make(), source, tmp_path / "out.mkv", VideoOptions(1, report=tmp_path))
    expected = ["subtitles 1 (srt, ger)", "3 chapters"]
    assert report.dropped == expected
    assert json.loads((tmp_path / "out.mkv.json").read_text())["dropped"] == expected
    assert [kind for kind, *_ in kinds(tmp_path / "out.mkv")] == ["video"]
    assert TEXT.encode() not in (tmp_path / "out.mkv").read_bytes()
    with pytest.raises(InputError, match=r"in\.mkv: dropped: subtitles 1 \(srt, ger\), 3"):
        anonymize_video(make(), source, tmp_path / "no.mkv", VideoOptions(1, strict=True))
    assert sorted(path.name for path in tmp_path.glob("*no*")) == []


@pytest.mark.parametrize(
    ("kind", "suffix", "out"),
    [("srt", ".mkv", ".mkv"), ("srt", ".mkv", ".mp4"), ("srt", ".mkv", ".webm"),
     ("ass", ".mkv", ".mkv"), ("ass", ".mkv", ".mov"), ("mov_text", ".mp4", ".mkv"),
     ("mov_text", ".mp4", ".mp4"), ("webvtt", ".webm.mkv", ".webm")],
)  # fmt: skip
def test_subtitles_are_kept_if_that_is_asked_for(make, tmp_path, kind, suffix, out):
    source = with_others(tmp_path / f"in{suffix}", subtitles=kind, chapters=2)
    report = anonymize_video(
        make(), source, tmp_path / f"out{out}", VideoOptions(1, subtitles=True, strict=True)
    )
    assert report.dropped == []
    said_there = texts(tmp_path / f"out{out}")
    assert [(text, float(at)) for text, at, _ in said_there if text] == [(TEXT, 0.1)]
    with av.open(str(tmp_path / f"out{out}")) as container:
        assert container.streams.subtitles[0].metadata["language"] == "ger"
        titles = [chapter["metadata"]["title"] for chapter in container.chapters()]
    assert titles == [f"{TEXT} 0", f"{TEXT} 1"]


@pytest.mark.parametrize("first", [True, False])
def test_a_cover_picture_is_no_video(make, tmp_path, first):
    source = with_cover(tmp_path / "in.mp4", first=first)
    with av.open(str(source)) as container:
        assert bool(container.streams[0].disposition & Disposition.attached_pic) == first
        cover = bytes(next(container.demux(container.streams[0 if first else 1])))
    assert cover[-200:-100] in source.read_bytes()
    report = anonymize_video(make(), source, tmp_path / "out.mp4", VideoOptions(1))
    assert report.frames == len(times(tmp_path / "out.mp4")) == 20
    assert report.dropped == [f"cover picture {0 if first else 1} (mjpeg)"]
    assert cover[-200:-100] not in (tmp_path / "out.mp4").read_bytes()
    assert [kind for kind, *_ in kinds(tmp_path / "out.mp4")] == ["video"]


def test_a_cover_alone_is_no_video(tmp_path):
    with pytest.raises(UnreadableError, match="has no pictures"):
        Reader(with_cover(tmp_path / "in.mp4", first=False, video=False))


def test_what_an_animation_cannot_hold_is_told(make, tmp_path):
    source = with_others(tmp_path / "in.mkv", sounds=SOUNDS, subtitles="srt")
    report = anonymize_video(make(), source, tmp_path / "out.gif", VideoOptions(1))
    assert report.dropped == ["sound 1 (aac, ger)", "sound 2 (aac, eng)", "subtitles 3 (srt, ger)"]
    report = anonymize_video(make(), source, tmp_path / "out.gif", VideoOptions(1, sound=False))
    assert report.dropped == ["subtitles 3 (srt, ger)"]
