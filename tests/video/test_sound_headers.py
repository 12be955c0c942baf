"""A mark is planted wherever a sound track can hold one; no output may hold it."""

import struct
from fractions import Fraction

import av
import pytest

from ganonymization.video.sound_headers import bare, clean_header

from .test_audio import heard, pitches, sound, tone
from .test_audio import through as sound_through
from .test_container import make_clip, pictures, rewrite

MARK = b"NAME-OF-A-PERSON"
COVER = b"METADATA_BLOCK_PICTURE=" + 60 * MARK


def lace(length):
    return b"\xff" * (length // 255) + bytes([length % 255])


def comments(*texts):
    held = b"".join(struct.pack("<I", len(text)) + text for text in texts)
    return b"\x03vorbis" + struct.pack("<I", 4) + b"test" + struct.pack("<I", len(texts)) + held


def vorbis(path, planted=()):
    """A second of a tone; its header's comments are replaced by ``planted``."""
    with av.open(str(path.with_suffix(".tmp.mkv")), "w") as container:
        options = {"strict": "experimental"}
        stream = container.add_stream("vorbis", rate=48000, layout="stereo", options=options)
        form = stream.codec_context.format
        for i in range(25):
            container.mux(stream.encode(tone(i, 440, 48000, stream.layout, form)))
        container.mux(stream.encode(None))
    with av.open(str(path.with_suffix(".tmp.mkv"))) as old, av.open(str(path), "w") as new:
        source = old.streams.audio[0]
        copy = new.add_stream_from_template(source)
        head, _, setup = split(source.codec_context.extradata)
        text = comments(*planted) + b"\x01"
        header = b"\x02" + lace(len(head)) + lace(len(text)) + head + text + setup
        copy.codec_context.extradata = header
        for packet in old.demux(source):
            if packet.dts is not None:
                packet.stream = copy
                new.mux(packet)
    return path


def split(header):
    place, lengths = 1, []
    for _ in range(2):
        length = 0
        while header[place] == 255:
            length, place = length + 255, place + 1
        lengths.append(length + header[place])
        place += 1
    first, second = place + lengths[0], place + sum(lengths)
    return header[place:first], header[first:second], header[second:]


@pytest.mark.parametrize("out", [".mkv", ".mp4", ".webm"])
def test_the_comments_and_the_cover_in_a_vorbis_header_are_dropped(tmp_path, out):
    source = vorbis(tmp_path / "in.mkv", [b"ARTIST=" + MARK, COVER])
    assert source.read_bytes().count(MARK) > 60
    sound_through(source, tmp_path / f"out{out}")
    assert MARK not in (tmp_path / f"out{out}").read_bytes()
    assert pitches(tmp_path / f"out{out}") == pytest.approx([440, 880], abs=2)


def test_cleaning_a_vorbis_header_changes_nothing_but_the_comments(tmp_path):
    with av.open(str(vorbis(tmp_path / "in.mkv", [COVER]))) as container:
        header = container.streams.audio[0].codec_context.extradata
    head, text, setup = split(clean_header("vorbis", header))
    assert (head, setup) == (split(header)[0], split(header)[2])
    assert text == b"\x03vorbis" + bytes(8) + b"\x01"


def test_a_vorbis_header_that_holds_too_much_is_not_copied(tmp_path):
    with av.open(str(vorbis(tmp_path / "in.mkv"))) as container:
        header = container.streams.audio[0].codec_context.extradata
    assert clean_header("vorbis", header) is not None
    assert clean_header("vorbis", header + bytes(20_000)) is None
    assert clean_header("vorbis", header[:40]) is None
    assert clean_header("vorbis", b"\x02\xff") is None


def test_flac_and_opus_headers_are_cut_to_what_decoders_read():
    info = bytes(range(34))
    assert clean_header("flac", info + MARK) == info
    assert clean_header("flac", b"fLaC\x00\x00\x00\x22" + info + MARK) == info
    head = b"OpusHead\x01\x02" + bytes(9)
    assert clean_header("libopus", head + MARK) == head
    surround = b"OpusHead\x01\x06" + bytes(8) + b"\x01" + b"\x04\x02" + bytes(6)
    assert clean_header("opus", surround + MARK) == surround


def test_headers_of_unknown_kinds_are_kept_only_where_they_are_short():
    assert clean_header("aac", b"\x11\x90") == b"\x11\x90"
    assert clean_header("aac", None) == b""
    assert clean_header("wmav2", 8 * MARK) is None


def test_a_long_header_makes_the_sound_coded_anew(tmp_path):
    """AAC's may hold a comment."""
    source = sound(tmp_path / "plain.mkv", codec="aac")
    with av.open(str(source)) as old, av.open(str(tmp_path / "in.mkv"), "w") as new:
        copy = new.add_stream_from_template(old.streams.audio[0])
        copy.codec_context.extradata = old.streams.audio[0].codec_context.extradata + 5 * MARK
        for packet in old.demux(audio=0):
            if packet.dts is not None:
                packet.stream = copy
                new.mux(packet)
    assert MARK in (tmp_path / "in.mkv").read_bytes()
    sound_through(tmp_path / "in.mkv", tmp_path / "out.mkv")
    assert MARK not in (tmp_path / "out.mkv").read_bytes()
    assert pitches(tmp_path / "out.mkv") == pytest.approx([440], abs=2)


def test_tags_between_the_packets_of_mp3_are_dropped(tmp_path):
    source = sound(tmp_path / "plain.mkv", codec="libmp3lame")
    with av.open(str(source)) as old, av.open(str(tmp_path / "in.mkv"), "w") as new:
        copy = new.add_stream_from_template(old.streams.audio[0])
        for number, packet in enumerate(old.demux(audio=0)):
            if packet.dts is None:
                continue
            if number == 4:
                tag = av.Packet(b"ID3\x04" + 4 * MARK)
                tag.pts, tag.dts, tag.time_base = packet.pts, packet.dts, packet.time_base
                tag.stream = copy
                new.mux(tag)
            packet.stream = copy
            new.mux(packet)
    assert MARK in (tmp_path / "in.mkv").read_bytes()
    sound_through(tmp_path / "in.mkv", tmp_path / "out.mkv")
    assert MARK not in (tmp_path / "out.mkv").read_bytes()
    assert heard(tmp_path / "out.mkv")[3] == pytest.approx(1, abs=0.05)


def test_what_hangs_on_a_packet_is_dropped_but_not_how_much_of_it_is_heard(tmp_path):
    source = sound(tmp_path / "in.mkv", codec="libopus")
    with av.open(str(source)) as container:
        first = next(container.demux(audio=0))
        assert first.has_sidedata("skip_samples")
        kept = bare(first)
    assert [each.data_type for each in kept.iter_sidedata()] == ["skip_samples"]
    assert (bytes(kept), kept.pts, kept.time_base) == (bytes(first), first.pts, first.time_base)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
def test_no_mark_of_any_container_survives(tmp_path, suffix):
    """In the tags of file and tracks, the chapters and, in Matroska, an attachment."""
    source = make_clip(tmp_path / "plain.mp4", pictures(6), tones=1, metadata={"title": "x"})
    text = MARK.decode()
    with av.open(str(source)) as old, av.open(str(tmp_path / f"in{suffix}"), "w") as new:
        copies = {s.index: new.add_stream_from_template(s) for s in old.streams}
        for owner in (new, *copies.values()):
            owner.metadata.update(title=text, comment=text, handler_name=text)
        chapter = {"id": 1, "start": 0, "end": 100, "time_base": Fraction(1, 1000),
                   "metadata": {"title": text}}  # fmt: skip
        new.set_chapters([chapter])
        if suffix == ".mkv":
            new.add_attachment("cover.jpg", "image/jpeg", 20 * MARK)
        for packet in old.demux():
            if packet.dts is not None:
                packet.stream = copies[packet.stream.index]
                new.mux(packet)
    assert (tmp_path / f"in{suffix}").read_bytes().count(MARK) >= 2
    for out in (".mp4", ".mkv", ".mov"):
        rewrite(tmp_path / f"in{suffix}", tmp_path / f"out{out}")
        assert MARK not in (tmp_path / f"out{out}").read_bytes()
