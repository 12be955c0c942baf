"""Sound alone goes from one container into another; a tone's pitch tells what became of it."""

from fractions import Fraction

import av
import numpy as np
import pytest

from ganonymization.video.audio import CopiedSound, RecodedSound, taken_over

PIECE_S = Fraction(1, 25)
CHANNELS = (1, 2, 3, 0.2, 5, 6)  # how much higher each is heard; the fourth is for low ones only


def sound(path, pitches=(440,), codec="flac", rate=48000, layout="mono", pieces=range(25)):
    """A file with a tone a track; see ``CHANNELS`` for the pitch of each of its channels."""
    with av.open(str(path), "w") as container:
        streams = [container.add_stream(codec, rate=rate, layout=layout) for _ in pitches]
        container.start_encoding()
        form = streams[0].codec_context.format
        for i in pieces:
            for stream, pitch in zip(streams, pitches, strict=True):
                piece = tone(i, pitch, rate, stream.layout, form)
                container.mux(stream.encode(piece))
        for stream in streams:
            container.mux(stream.encode(None))
    return path


def tone(i, pitch, rate, layout, form):
    length = int(rate * PIECE_S)
    t = (i * length + np.arange(length)) / rate
    sines = [
        0.3 * np.sin(2 * np.pi * pitch * times * t) for times in CHANNELS[: layout.nb_channels]
    ]
    samples = np.stack(sines).astype(np.float32)
    whole = av.AudioFrame.from_ndarray(samples, format="fltp", layout=layout.name)
    whole.sample_rate, whole.pts, whole.time_base = rate, i * length, Fraction(1, rate)
    (frame,) = av.AudioResampler(form, layout, rate).resample(whole)
    return frame


def through(source, out):
    """Take all sound over, as the writer does; what each track was taken over by."""
    with av.open(str(source)) as old, av.open(str(out), "w") as new:
        tracks = {stream.index: taken_over(stream, new) for stream in old.streams.audio}
        for packet in old.demux(*old.streams.audio):
            if packet.dts is not None:
                new.mux(tracks[packet.stream.index].packets(packet))
        for track in tracks.values():
            new.mux(track.rest())
    return [type(track) for track in tracks.values()]


def packets(path):
    """For each track what its packets hold."""
    with av.open(str(path)) as container:
        held = {stream.index: [] for stream in container.streams.audio}
        for packet in container.demux(*container.streams.audio):
            if packet.dts is not None:
                held[packet.stream.index].append(bytes(packet))
        return list(held.values())


def heard(path, track=0):
    """Samples, (channels, n), of a track, and the times of its first and last, in seconds."""
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=track))
    rate, channels = frames[0].sample_rate, frames[0].layout.nb_channels
    planes = [
        frame.to_ndarray() if frame.format.is_planar else frame.to_ndarray().reshape(-1, channels).T
        for frame in frames
    ]
    samples = np.concatenate(planes, axis=1).astype(float)
    return samples, rate, frames[0].time, frames[-1].time + frames[-1].samples / rate


def pitches(path, track=0):
    """The strongest frequency of each channel, in hertz."""
    samples, rate, *_ = heard(path, track)
    window = np.hanning(samples.shape[1])
    return [
        float(np.abs(np.fft.rfft(channel * window)).argmax() * rate / len(channel))
        for channel in samples
    ]


def codec(path, track=0):
    with av.open(str(path)) as container:
        return container.streams.audio[track].codec_context.name


@pytest.mark.parametrize(
    ("kind", "suffix", "out"),
    [("aac", ".mp4", ".mp4"), ("aac", ".mkv", ".mov"), ("aac", ".mp4", ".m4v"),
     ("aac", ".mp4", ".mkv"), ("libopus", ".mkv", ".webm"), ("libopus", ".webm", ".mp4"),
     ("libmp3lame", ".mkv", ".mp4"), ("ac3", ".mkv", ".mov"), ("flac", ".mkv", ".mkv")],
)  # fmt: skip
def test_what_the_container_can_hold_is_copied_to_the_bit(tmp_path, kind, suffix, out):
    source = sound(tmp_path / f"in{suffix}", codec=kind)
    assert through(source, tmp_path / f"out{out}") == [CopiedSound]
    assert packets(tmp_path / f"out{out}") == packets(source)
    assert len(packets(source)[0]) > 5
    assert codec(tmp_path / f"out{out}") == codec(source)


def test_plain_samples_are_copied_to_the_bit(tmp_path):
    """The containers cut them into packets of their own."""
    source = sound(tmp_path / "in.mkv", codec="pcm_s16le", layout="stereo")
    assert through(source, tmp_path / "out.mov") == [CopiedSound]
    assert b"".join(*packets(tmp_path / "out.mov")) == b"".join(*packets(source))


@pytest.mark.parametrize("layout", ["mono", "stereo", "5.1"])
@pytest.mark.parametrize(
    ("kind", "out", "name"), [("flac", ".m4v", "aac"), ("flac", ".webm", "opus"),
                              ("aac", ".webm", "opus"), ("libopus", ".m4v", "aac")]
)  # fmt: skip
def test_other_sound_is_coded_anew_and_sounds_the_same(tmp_path, kind, out, name, layout):
    """It starts and ends when it did, and each channel has its own pitch."""
    source = sound(tmp_path / "in.mkv", codec=kind, layout=layout)
    assert through(source, tmp_path / f"out{out}") == [RecodedSound]
    assert codec(tmp_path / f"out{out}") == name
    expected = pitches(source)
    assert len(expected) == {"mono": 1, "stereo": 2, "5.1": 6}[layout]
    assert pitches(tmp_path / f"out{out}") == pytest.approx(expected, abs=2)
    (_, _, start, end), (_, _, first, last) = heard(tmp_path / f"out{out}"), heard(source)
    assert start == pytest.approx(first, abs=0.03)
    assert end == pytest.approx(last, abs=0.03)


def test_the_pitch_that_is_measured_is_the_tones(tmp_path):
    assert pitches(sound(tmp_path / "in.mkv", (440,), layout="stereo")) == [440, 880]
    assert heard(tmp_path / "in.mkv")[2:] == (0, 1)


@pytest.mark.parametrize("rate", [8000, 22050, 32000, 44100, 96000])
def test_any_rate_becomes_one_that_opus_knows(tmp_path, rate):
    source = sound(tmp_path / "in.mkv", rate=rate)
    through(source, tmp_path / "out.webm")
    samples, new_rate, _, end = heard(tmp_path / "out.webm")
    assert new_rate == 48000
    assert samples.shape[1] == pytest.approx(48000, abs=1000)
    assert end == pytest.approx(1, abs=0.02)
    assert pitches(tmp_path / "out.webm") == pytest.approx([440], abs=2)


@pytest.mark.parametrize("rate", [22050, 44100, 48000])
def test_aac_keeps_its_rate(tmp_path, rate):
    source = sound(tmp_path / "in.mkv", rate=rate)
    through(source, tmp_path / "out.m4v")
    _, new_rate, _, end = heard(tmp_path / "out.m4v")
    assert new_rate == rate
    assert end == pytest.approx(1, abs=0.05)
    assert pitches(tmp_path / "out.m4v") == pytest.approx([440], abs=2)


@pytest.mark.parametrize("out", ["out.webm", "out.m4v"])
def test_high_pitches_are_kept(tmp_path, out):
    """They would be lost at a lower rate."""
    source = sound(tmp_path / "in.mkv", (15_000,))
    through(source, tmp_path / out)
    assert pitches(tmp_path / out) == pytest.approx([15_000], abs=2)


def test_all_that_was_heard_is_coded(tmp_path):
    """What the encoder and the resampler hold back at the end is part of it."""
    source = sound(tmp_path / "in.mkv", pieces=range(3), rate=44100)
    for out in ("out.webm", "out.m4v"):
        through(source, tmp_path / out)
        samples, rate, _, end = heard(tmp_path / out)
        assert end >= 0.12
        assert np.abs(samples[0, int(0.1 * rate) : int(0.118 * rate)]).max() > 0.1


@pytest.mark.parametrize("out", [".webm", ".m4v"])
def test_sound_that_starts_late_still_does(tmp_path, out):
    source = sound(tmp_path / "in.mkv", pieces=range(10, 25), codec="flac")
    through(source, tmp_path / f"out{out}")
    samples, rate, start, end = heard(tmp_path / f"out{out}")
    loud = np.abs(samples[0]) > 0.1
    assert start + int(loud.argmax()) / rate == pytest.approx(0.4, abs=0.03)
    assert end == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("out", [".webm", ".m4v"])
def test_a_gap_stays_a_gap(tmp_path, out):
    """So that what comes after it is not heard too early."""
    source = sound(tmp_path / "in.mkv", pieces=[*range(8), *range(40, 50)], codec="aac")
    through(source, tmp_path / f"out{out}")
    assert heard(tmp_path / f"out{out}")[3] == pytest.approx(heard(source)[3], abs=0.05)


@pytest.mark.parametrize(
    ("out", "kinds"), [(".mkv", [CopiedSound] * 2), (".webm", [RecodedSound] * 2)]
)
def test_two_tracks_stay_two(tmp_path, out, kinds):
    source = sound(tmp_path / "in.mkv", (440, 1000), codec="aac")
    assert through(source, tmp_path / f"out{out}") == kinds
    for track, pitch in enumerate((440, 1000)):
        assert pitches(tmp_path / f"out{out}", track) == pytest.approx([pitch], abs=2)
    if kinds[0] is CopiedSound:
        assert packets(tmp_path / f"out{out}") == packets(source)


def test_a_track_can_have_another_place(tmp_path):
    """Here the second becomes the only one."""
    source = sound(tmp_path / "in.mkv", (440, 1000), codec="aac")
    for out in ("out.mp4", "out.webm"):
        with av.open(str(source)) as old, av.open(str(tmp_path / out), "w") as new:
            track = taken_over(old.streams.audio[1], new)
            for packet in old.demux(audio=1):
                if packet.dts is not None:
                    new.mux(track.packets(packet))
            new.mux(track.rest())
        assert pitches(tmp_path / out) == pytest.approx([1000], abs=2)


def test_one_track_is_copied_and_another_coded_anew(tmp_path):
    sound(tmp_path / "a.mkv", (440,), codec="aac")
    sound(tmp_path / "b.mkv", (1000,), codec="libopus")
    parts = [av.open(str(tmp_path / name)) for name in ("a.mkv", "b.mkv")]
    with parts[0], parts[1], av.open(str(tmp_path / "in.mkv"), "w") as both:
        streams = [both.add_stream_from_template(part.streams.audio[0]) for part in parts]
        for part, stream in zip(parts, streams, strict=True):
            for packet in part.demux(audio=0):
                if packet.dts is not None:
                    packet.stream = stream
                    both.mux(packet)
    assert through(tmp_path / "in.mkv", tmp_path / "out.webm") == [RecodedSound, CopiedSound]
    assert packets(tmp_path / "out.webm")[1] == packets(tmp_path / "in.mkv")[1]
    assert pitches(tmp_path / "out.webm", 0) == pytest.approx([440], abs=2)
    assert [codec(tmp_path / "out.webm", i) for i in (0, 1)] == ["opus", "opus"]


def test_a_track_without_a_packet_is_none_the_worse(tmp_path):
    """As of a file that was stopped at once."""
    source = sound(tmp_path / "in.mkv")
    with av.open(str(source)) as old, av.open(str(tmp_path / "out.webm"), "w") as new:
        track = taken_over(old.streams.audio[0], new)
        new.start_encoding()
        assert list(track.rest()) == []


def test_sound_of_an_unknown_kind_is_not_taken_over(tmp_path):
    data = sound(tmp_path / "in.mkv", codec="aac").read_bytes()
    (tmp_path / "odd.mkv").write_bytes(data.replace(b"A_AAC", b"A_XYZ"))
    with av.open(str(tmp_path / "odd.mkv")) as odd:
        assert odd.streams.audio[0].codec_context is None
        with av.open(str(tmp_path / "out.mkv"), "w") as new:
            assert taken_over(odd.streams.audio[0], new) is None


@pytest.mark.parametrize("layout", ["mono", "stereo"])
def test_pcm_without_a_layout_becomes_aac(tmp_path, layout):
    """As in Matroska, AVI and WAV."""
    source = sound(tmp_path / "in.mkv", codec="pcm_s16le", layout=layout)
    assert through(source, tmp_path / "out.m4v") == [RecodedSound]
    assert pitches(tmp_path / "out.m4v") == pytest.approx(pitches(source), abs=2)


@pytest.mark.parametrize("layout", ["mono", "stereo"])
def test_pcm_without_a_layout_becomes_opus(tmp_path, layout):
    source = sound(tmp_path / "in.mkv", codec="pcm_s16le", layout=layout)
    assert through(source, tmp_path / "out.webm") == [RecodedSound]
    assert pitches(tmp_path / "out.webm") == pytest.approx(pitches(source), abs=2)


@pytest.mark.parametrize("kind", ["libopus", "flac"])
def test_what_mov_cannot_hold_is_coded_anew(tmp_path, kind):
    """So no WebM with sound becomes a MOV."""
    source = sound(tmp_path / "in.mkv", codec=kind)
    assert through(source, tmp_path / "out.mov") == [RecodedSound]
    assert pitches(tmp_path / "out.mov") == pytest.approx([440], abs=2)
