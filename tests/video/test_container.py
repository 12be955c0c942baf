"""Clips are made here: a disc that moves, as a face that the fakes see, and a tone."""

import subprocess
import sys
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest

from ganonymization.errors import InputError, OutputError, UnreadableError
from ganonymization.video.container import Reader
from ganonymization.video.kinds import CONTAINERS
from ganonymization.video.pictures import Coding
from ganonymization.video.writer import Writer

from .test_tracking import Disc, draw

SMALL_WH = (128, 96)
RATE = 25


def still_path(length):
    return [Disc(40 + 2 * i, 40, 14) for i in range(length)]


def pictures(length=20, size_wh=SMALL_WH):
    return [draw(disc, size_wh=size_wh) for disc in still_path(length)]


def make_clip(
    path,
    images,
    *,
    pts=None,
    time_base=None,
    rate=RATE,
    tones=0,
    codec="libx264",
    audio_codec="aac",
    pix_fmt="yuv420p",
    rotation=0,
    colorspace=None,
    metadata=None,
    crf=12,
    muxing=None,
):  # fmt: skip
    """Write a video as other programs would; times in units of ``time_base``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = images[0].shape[:2]
    with av.open(str(path), "w", options=muxing or {}) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt = width, height, pix_fmt
        stream.options = {"crf": str(crf)} if codec != "mpeg4" else {"qscale": "2"}
        if time_base is not None:
            stream.time_base = stream.codec_context.time_base = time_base
        if colorspace is not None:
            stream.codec_context.colorspace = colorspace
        if rotation:
            stream.set_display_rotation(rotation)
        sounds = [container.add_stream(audio_codec, rate=48000, layout="mono")
                  for _ in range(tones)]  # fmt: skip
        for owner in (container, stream, *sounds):
            owner.metadata.update(metadata or {})
        for i, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            matrix = 5 if colorspace in (None, 6) else colorspace
            frame = frame.reformat(format=pix_fmt, src_colorspace=matrix, dst_colorspace=matrix)
            frame.pts = i if pts is None else pts[i]
            frame.time_base = time_base or 1 / Fraction(rate)
            container.mux(stream.encode(frame))
            for j, sound in enumerate(sounds):
                container.mux(sound.encode(tone(i, 440 * (j + 1), sound)))
        for any_stream in (stream, *sounds):
            container.mux(any_stream.encode(None))
    return path


def tone(i, pitch, stream):
    """A twenty-fifth of a second."""
    length = 48000 // RATE
    t = (i * length + np.arange(length)) / 48000
    sine = (0.3 * np.sin(2 * np.pi * pitch * t)).astype(np.float32)[None]
    if stream.codec_context.name == "libopus":
        frame = av.AudioFrame.from_ndarray(sine, format="flt", layout="mono")
    else:
        frame = av.AudioFrame.from_ndarray(sine, format="fltp", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = 48000, i * length, Fraction(1, 48000)
    return frame


def times(path):
    """When each frame is shown, in seconds, exactly."""
    with av.open(str(path)) as container:
        return [frame.pts * frame.time_base for frame in container.decode(video=0)]


def sound_packets(path):
    """For each sound stream what its packets hold and when they are heard."""
    with av.open(str(path)) as container:
        streams = container.streams.audio
        held = {stream.index: [] for stream in streams}
        for packet in container.demux(*streams) if streams else ():
            if packet.dts is not None:
                time_s = packet.pts * packet.time_base
                held[packet.stream.index].append((bytes(packet), time_s))
        return list(held.values())


def seen_pictures(path):
    """As a player shows them, turned."""
    with Reader(path) as reader:
        return [timed.image for timed in reader.frames()]


def scraps(folder):
    return [path.name for path in folder.rglob("*") if ".part" in path.name]


def rewrite(source, out, sound=True, change=lambda image: image, codec="libx264", crf=12):
    """Through the reader and the writer, with nothing between."""
    with Reader(source) as reader:
        first = seen_pictures(source)[0]
        size_wh = (first.shape[1], first.shape[0])
        with Writer(out, [Coding(reader, size_wh, codec, crf)], sound) as writer:
            for timed in reader.frames(writer if sound else None):
                writer.write(replace(timed, image=change(timed.image)))
    return out


VARIABLE = [0, 30, 70, 71, 130, 300, 310, 600, 601, 640, 700, 1000]
RATES = {
    "25": {},
    "29.97": {"rate": Fraction(30000, 1001)},
    "59.94": {"rate": Fraction(60000, 1001)},
    "variable": {"pts": VARIABLE, "time_base": Fraction(1, 600)},
    "late": {"pts": [5000 + 40 * i for i in range(12)], "time_base": Fraction(1, 1000)},
}


@pytest.mark.parametrize("container", [".mp4", ".mov", ".m4v"])
@pytest.mark.parametrize("kind", RATES)
def test_every_frame_keeps_its_time(tmp_path, kind, container):
    source = make_clip(tmp_path / "in.mp4", pictures(12), **RATES[kind])
    out = rewrite(source, tmp_path / f"out{container}")
    assert times(out) == times(source)
    assert len(times(out)) == 12


@pytest.mark.parametrize("container", [".mkv", ".webm"])
@pytest.mark.parametrize("kind", RATES)
def test_every_frame_keeps_its_time_to_the_millisecond(tmp_path, kind, container):
    """These containers count in milliseconds."""
    source = make_clip(tmp_path / "in.mp4", pictures(12), **RATES[kind])
    codec = "libvpx-vp9" if container == ".webm" else "libx264"
    out = rewrite(source, tmp_path / f"out{container}", codec=codec, crf=30)
    assert len(times(out)) == 12
    for a, b in zip(times(out), times(source), strict=True):
        assert abs(a - b) <= Fraction(1, 1000)


@pytest.mark.parametrize("kind", ["25", "29.97", "variable"])
def test_a_matroska_file_keeps_its_times_in_any_container(tmp_path, kind):
    source = make_clip(tmp_path / "in.mkv", pictures(12), **RATES[kind])
    for suffix in (".mp4", ".mkv"):
        assert times(rewrite(source, tmp_path / f"out{suffix}")) == times(source)


@pytest.mark.parametrize("kind", ["25", "29.97", "variable"])
def test_the_whole_lasts_as_long(tmp_path, kind):
    source = make_clip(tmp_path / "in.mp4", pictures(12), **RATES[kind])
    out = rewrite(source, tmp_path / "out.mp4")
    with av.open(str(source)) as a, av.open(str(out)) as b:
        # In microseconds; how long the last frame stays, the file of variable rate does not tell.
        assert abs(a.duration - b.duration) <= (40_000 if kind != "variable" else 110_000)
        assert a.streams.video[0].start_time == b.streams.video[0].start_time
        if kind != "variable":
            assert a.streams.video[0].average_rate == b.streams.video[0].average_rate


@pytest.mark.parametrize("tones", [1, 2])
@pytest.mark.parametrize("container", [".mp4", ".mov", ".mkv"])
def test_sound_is_copied_to_the_bit(tmp_path, tones, container):
    source = make_clip(tmp_path / "in.mp4", pictures(), tones=tones)
    out = rewrite(source, tmp_path / f"out{container}")
    heard, expected = sound_packets(out), sound_packets(source)
    shift = times(out)[0] - times(source)[0]  # Matroska has no time before 0
    assert len(heard) == tones
    assert len(expected[0]) > 10
    for ours, theirs in zip(heard, expected, strict=True):
        assert [data for data, _ in ours] == [data for data, _ in theirs]
        gaps = [abs(a - b - shift) for (_, a), (_, b) in zip(ours, theirs, strict=True)]
        assert max(gaps) <= (0 if container != ".mkv" else Fraction(1, 1000))
    if tones == 2:
        assert heard[0] != heard[1]


def test_sound_can_be_dropped(tmp_path):
    source = make_clip(tmp_path / "in.mp4", pictures(), tones=1)
    out = rewrite(source, tmp_path / "out.mp4", sound=False)
    assert sound_packets(out) == []
    assert len(times(out)) == 20


def test_a_silent_video_stays_silent(tmp_path):
    source = make_clip(tmp_path / "in.mp4", pictures())
    assert sound_packets(rewrite(source, tmp_path / "out.mp4")) == []


def corner_marked():
    """Frames whose upper left corner is white."""
    images = pictures(4)
    for image in images:
        image[:24, :32] = 250
    return images


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_a_turned_video_comes_out_upright_and_without_a_flag(tmp_path, degrees):
    """What a player shows of the input is what the output is."""
    source = make_clip(tmp_path / "in.mp4", corner_marked(), rotation=degrees)
    with av.open(str(source)) as container:
        (told, *_) = (frame.rotation for frame in container.decode(video=0))
    assert told % 360 == degrees
    # FFmpeg counts the angle counterclockwise, as rot90 does.
    expected = np.rot90(corner_marked()[0], degrees // 90)
    for path in (source, rewrite(source, tmp_path / "out.mp4")):
        shown = seen_pictures(path)[0]
        assert shown.shape == expected.shape
        assert np.abs(shown.astype(int) - expected).mean() < 4
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert {frame.rotation for frame in container.decode(video=0)} == {0}


@pytest.mark.parametrize("size_wh", [(127, 95), (128, 95), (127, 96)])
@pytest.mark.parametrize("container", [".mp4", ".webm"])
def test_odd_sizes_stay(tmp_path, size_wh, container):
    source = make_clip(tmp_path / "in.mp4", pictures(4, size_wh), pix_fmt="yuv444p")
    codec = "libvpx-vp9" if container == ".webm" else "libx264"
    out = rewrite(source, tmp_path / f"out{container}", codec=codec, crf=10)
    for a, b in zip(seen_pictures(source), seen_pictures(out), strict=True):
        assert a.shape == b.shape == (size_wh[1], size_wh[0], 3)
        assert np.abs(a.astype(int) - b).mean() < 4


def test_ten_bits_are_read(tmp_path):
    source = make_clip(tmp_path / "in.mp4", pictures(4), pix_fmt="yuv420p10le")
    shown = seen_pictures(rewrite(source, tmp_path / "out.mp4"))
    assert np.abs(shown[0].astype(int) - pictures(4)[0]).mean() < 3


def coloured(size_wh):
    """Large patches of strong colours, of which a wrong matrix would show."""
    width, height = size_wh
    image = np.zeros((height, width, 3), np.uint8)
    colours = [(200, 40, 40), (40, 170, 60), (150, 60, 170), (190, 180, 60), (128, 128, 128)]
    for i, colour in enumerate(colours):
        image[:, i * width // 5 : (i + 1) * width // 5] = colour
    return image


BELOW, ABOVE = (160, 96), (160, 720)


@pytest.mark.parametrize("size_wh", [BELOW, (160, 576), (160, 578), ABOVE])
def test_colours_are_the_same_after_writing(tmp_path, size_wh):
    """The reader by itself would not notice: the frames of the source are known here."""
    image = coloured(size_wh)
    source = make_clip(tmp_path / "in.mp4", [image] * 2, colorspace=1 if size_wh[1] > 576 else 5)
    read = seen_pictures(source)[0]
    assert np.abs(read.astype(int) - image).mean() < 1.5
    written = seen_pictures(rewrite(source, tmp_path / "out.mp4"))[0]
    assert np.abs(written.astype(int) - image).mean() < 3  # a wrong matrix would make it 6


@pytest.mark.parametrize(("size_wh", "told"), [(BELOW, 1), (ABOVE, 5), (BELOW, 5), (ABOVE, 1)])
def test_the_file_says_how_its_colours_are_coded(tmp_path, size_wh, told):
    image = coloured(size_wh)
    source = make_clip(tmp_path / "in.mp4", [image] * 2, colorspace=told)
    assert np.abs(seen_pictures(source)[0].astype(int) - image).mean() < 2
    out = rewrite(source, tmp_path / "out.mp4")
    with av.open(str(out)) as container:
        codes = {int(frame.colorspace) for frame in container.decode(video=0)}
    assert codes == {1 if size_wh[1] > 576 else 5}


def test_an_untagged_file_is_taken_for_what_its_size_tells(tmp_path):
    for size_wh, matrix in ((BELOW, 5), (ABOVE, 1)):
        image = coloured(size_wh)
        path = tmp_path / f"{size_wh[1]}.mp4"
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=25)
            stream.width, stream.height = size_wh
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            coded = frame.reformat(format="yuv420p", src_colorspace=matrix, dst_colorspace=matrix)
            coded.colorspace, coded.pts = 2, 0
            container.mux(stream.encode(coded))
            container.mux(stream.encode(None))
        assert np.abs(seen_pictures(path)[0].astype(int) - image).mean() < 2


def test_full_range_is_read(tmp_path):
    """As telephones and cameras write it."""
    image = coloured(BELOW)
    source = make_clip(tmp_path / "in.mp4", [image] * 2, pix_fmt="yuvj420p")
    with av.open(str(source)) as container:
        assert {int(frame.color_range) for frame in container.decode(video=0)} == {2}
    assert np.abs(seen_pictures(source)[0].astype(int) - image).mean() < 2
    out = rewrite(source, tmp_path / "out.mp4")
    assert np.abs(seen_pictures(out)[0].astype(int) - image).mean() < 3


SECRETS = {"title": "my secret title", "location": "+48.1372+011.5755/",
           "comment": "secret comment", "artist": "secret artist",
           "creation_time": "2021-05-04T03:02:01Z", "handler_name": "secret handler"}  # fmt: skip


@pytest.mark.parametrize("container", [".mp4", ".mkv", ".mov"])
def test_metadata_is_dropped(tmp_path, container):
    source = make_clip(tmp_path / "in.mp4", pictures(4), tones=1, metadata=SECRETS)
    assert b"secret title" in source.read_bytes()
    with av.open(str(source)) as opened:
        assert opened.metadata["location"].startswith("+48.1")
    out = rewrite(source, tmp_path / f"out{container}")
    written = out.read_bytes()
    for secret in (b"secret", b"+48.1", b"loci", b"2021-05-04"):
        assert secret not in written
    with av.open(str(out)) as opened:
        owners = (opened, *opened.streams)
        told = {key.lower() for owner in owners for key in owner.metadata}
    assert not told & {"title", "location", "location-eng", "comment", "artist", "creation_time"}


def cut(source, out, share):
    data = source.read_bytes()
    out.write_bytes(data[: int(len(data) * share)])
    return out


def damaged_clip(tmp_path):
    """Noise in the middle third of a clip that has its index in front, as downloads have it."""
    rng = np.random.default_rng(0)
    images = list(rng.integers(0, 256, (45, 96, 128, 3), dtype=np.uint8))
    whole = make_clip(tmp_path / "whole.mp4", images, muxing={"movflags": "+faststart"})
    data = np.frombuffer(whole.read_bytes(), np.uint8).copy()
    third = len(data) // 3
    data[third : 2 * third] = rng.integers(0, 256, third, dtype=np.uint8)
    (tmp_path / "damaged.mp4").write_bytes(data.tobytes())
    return tmp_path / "damaged.mp4"


def test_what_comes_before_the_damage_is_handed_on(tmp_path):
    came = []
    with Reader(damaged_clip(tmp_path)) as reader:
        with pytest.raises(InputError, match=r"damaged\.mp4: damaged"):
            came.extend(timed.image for timed in reader.frames())
    whole = seen_pictures(tmp_path / "whole.mp4")
    assert 3 < len(came) < 30
    assert all(np.array_equal(a, b) for a, b in zip(came, whole, strict=False))


def test_a_file_without_its_index_cannot_be_read(tmp_path):
    source = make_clip(tmp_path / "in.mp4", pictures(20))
    with pytest.raises(UnreadableError, match=r"cut\.mp4"):
        Reader(cut(source, tmp_path / "cut.mp4", 0.5))


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi", "a.bin"])
@pytest.mark.parametrize("data", [b"", b"\0" * 5000, b"hello, this is no video\n" * 300])
def test_what_is_no_video_cannot_be_read(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=name.replace(".", r"\.")), Reader(tmp_path / name) as r:
        list(r.frames())


def test_sound_alone_is_no_video(tmp_path):
    path = tmp_path / "a.m4a"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=48000, layout="mono")
        for i in range(10):
            container.mux(stream.encode(tone(i, 440, stream)))
        container.mux(stream.encode(None))
    with pytest.raises(UnreadableError, match="no pictures"):
        Reader(path)


def test_missing_files_and_folders_are_told(tmp_path):
    for path in (tmp_path / "none.mp4", tmp_path):
        with pytest.raises(UnreadableError, match="no such file"):
            Reader(path)


def test_a_reader_tells_rate_and_frames(tmp_path):
    source = make_clip(tmp_path / "in.mp4", pictures(12), rate=Fraction(30000, 1001), tones=2)
    with Reader(source) as reader:
        assert reader.rate == Fraction(30000, 1001)
        assert reader.frames_told == 12
        assert len(reader.audio) == 2


def started(tmp_path, name="out.mp4"):
    source = make_clip(tmp_path / "in.mp4", pictures(6), tones=1)
    reader = Reader(source)
    return reader, Writer(tmp_path / name, [Coding(reader, SMALL_WH, "libx264", 20)])


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, OutputError])
@pytest.mark.parametrize("after", [0, 1, 4])
def test_what_stops_in_the_middle_leaves_nothing(tmp_path, error, after):
    reader, writer = started(tmp_path)
    with reader, pytest.raises(error), writer:
        for i, timed in enumerate(reader.frames(writer)):
            if i == after:
                assert after == 0 or scraps(tmp_path)
                raise error("stop")
            writer.write(timed)
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_nothing_has_the_name_before_it_is_whole(tmp_path):
    reader, writer = started(tmp_path)
    (tmp_path / "out.mp4").write_bytes(b"old")
    with reader, writer:
        for timed in reader.frames(writer):
            writer.write(timed)
            assert (tmp_path / "out.mp4").read_bytes() == b"old"
    assert len(times(tmp_path / "out.mp4")) == 6
    assert not scraps(tmp_path)


def test_a_failed_rewrite_leaves_the_old_file(tmp_path):
    reader, writer = started(tmp_path)
    (tmp_path / "out.mp4").write_bytes(b"old")
    with reader, pytest.raises(RuntimeError), writer:
        raise RuntimeError("stop")
    assert (tmp_path / "out.mp4").read_bytes() == b"old"
    assert not scraps(tmp_path)


@pytest.mark.parametrize("codec", ["nonsense"])
def test_a_codec_that_cannot_do_it_is_told_and_leaves_nothing(tmp_path, codec):
    source = make_clip(tmp_path / "in.mp4", pictures(3))
    with pytest.raises(OutputError, match=r"out\.mp4"):
        rewrite(source, tmp_path / "out.mp4", codec=codec)
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    source = make_clip(tmp_path / "in.mp4", pictures(3))
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="cannot be written"):
        rewrite(source, tmp_path / "file" / "out.mp4")


def test_folders_are_made(tmp_path):
    source = make_clip(tmp_path / "in.mp4", pictures(3))
    assert len(times(rewrite(source, tmp_path / "a" / "b" / "out.mp4"))) == 3


def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch):
    reader, writer = started(tmp_path)

    def full(self, packets):
        raise OutputError("no space left")

    monkeypatch.setattr(Writer, "_mux", full)
    with reader, pytest.raises(OutputError, match="no space left"), writer:
        for timed in reader.frames(writer):
            writer.write(timed)
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_every_container_that_is_promised_can_be_written(tmp_path, suffix):
    source = make_clip(tmp_path / "in.mp4", pictures(10))
    codec = "libvpx-vp9" if suffix == ".webm" else "libx264"
    out = rewrite(source, tmp_path / f"out{suffix}", codec=codec)
    assert len(seen_pictures(out)) == 10


@pytest.mark.parametrize("suffix", [".mp4", ".MP4", ".Mov", ".m4v"])
def test_the_index_comes_first(tmp_path, suffix):
    """A player need not load the whole file to start."""
    source = make_clip(tmp_path / "in.mp4", pictures(3))
    data = rewrite(source, tmp_path / f"out{suffix}").read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")


def test_a_link_stays_and_its_target_is_replaced(tmp_path):
    source = make_clip(tmp_path / "in.mp4", pictures(3))
    (tmp_path / "real").mkdir()
    (tmp_path / "link.mp4").symlink_to(tmp_path / "real" / "out.mp4")
    rewrite(source, tmp_path / "link.mp4")
    assert (tmp_path / "link.mp4").is_symlink()
    assert len(times(tmp_path / "real" / "out.mp4")) == 3


def test_a_lower_crf_is_better_and_larger(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (10, 96, 128, 3), dtype=np.uint8)
    source = make_clip(tmp_path / "in.mp4", list(noise), crf=1)
    for codec, suffix in (("libx264", ".mp4"), ("libvpx-vp9", ".webm")):
        sizes = [rewrite(source, tmp_path / f"{crf}{suffix}", codec=codec, crf=crf).stat().st_size
                 for crf in (5, 45)]  # fmt: skip
        assert sizes[0] > 1.5 * sizes[1], codec


def test_the_module_is_not_loaded_before_it_is_needed():
    """FFmpeg takes its time; pictures do not need it."""
    code = "import sys, ganonymization, ganonymization.cli; print('av' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert told.stdout.strip() == "False", told.stderr


def test_the_frame_count_of_the_reader_is_what_it_yields(tmp_path):
    """Frames that a decoder holds back come at the end: B-frames and threads delay some."""
    source = make_clip(tmp_path / "in.mp4", pictures(30))
    with Reader(source) as reader:
        came = [timed.pts for timed in reader.frames()]
    assert came == [512 * i for i in range(30)]


@pytest.mark.parametrize("share", [0.5, 0.8])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
def test_a_truncated_file_is_told(tmp_path, share, suffix):
    codec = "libvpx-vp9" if suffix == ".webm" else "libx264"
    source = make_clip(
        tmp_path / f"in{suffix}",
        pictures(40),
        codec=codec,
        crf=1,
        muxing={"movflags": "+faststart"} if suffix == ".mp4" else None,
    )
    damaged = cut(source, tmp_path / f"cut{suffix}", share)
    with Reader(damaged) as reader, pytest.raises(InputError, match="cut"):
        assert len(list(reader.frames())) < 40


@pytest.mark.parametrize("codec", ["png", "aac"])
def test_a_codec_that_cannot_do_it_is_told(tmp_path, codec):
    source = make_clip(tmp_path / "in.mp4", pictures(3))
    with pytest.raises(OutputError):
        rewrite(source, tmp_path / "out.mp4", codec=codec)


def test_an_interrupt_while_the_end_is_written_leaves_nothing(tmp_path, monkeypatch):
    reader, writer = started(tmp_path)

    class Stopped:
        def __init__(self, stream):
            self._stream = stream

        def __getattr__(self, name):
            return getattr(self._stream, name)

        def encode(self, frame=None):
            if frame is None:
                raise KeyboardInterrupt
            return self._stream.encode(frame)

    with pytest.raises(KeyboardInterrupt):
        with reader, writer:
            (pictures,) = writer._videos
            pictures._stream = Stopped(pictures._stream)
            for timed in reader.frames(writer):
                writer.write(timed)
    assert scraps(tmp_path) == []


def test_smpte170m_in_a_large_video(tmp_path):
    image = coloured((160, 720))
    source = make_clip(tmp_path / "in.mp4", [image] * 2, colorspace=6)
    assert np.abs(seen_pictures(source)[0].astype(int) - image).mean() < 2


def test_pixels_that_are_not_square_stay_so(tmp_path):
    path = tmp_path / "in.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height = SMALL_WH
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
        for i, image in enumerate(pictures(3)):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuv420p")
            frame.pts = i
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with av.open(str(path)) as a:
        assert a.streams.video[0].sample_aspect_ratio == Fraction(4, 3)
    with av.open(str(rewrite(path, tmp_path / "out.mp4"))) as b:
        assert b.streams.video[0].sample_aspect_ratio == Fraction(4, 3)


def test_avi_is_read_in_order(tmp_path):
    source = make_clip(tmp_path / "in.avi", pictures(12))
    with Reader(source) as reader:
        pts = [timed.pts for timed in reader.frames()]
    assert pts == sorted(pts)


def test_text_is_no_video(tmp_path):
    (tmp_path / "notes.txt").write_text("hello\n" * 100)
    with pytest.raises(InputError), Reader(tmp_path / "notes.txt") as reader:
        list(reader.frames())


def test_a_colon_in_a_relative_name(tmp_path, monkeypatch):
    """FFmpeg takes "12:30.mp4" for the protocol "12"; give it absolute paths or file:."""
    make_clip(tmp_path / "in.mp4", pictures(3)).rename(tmp_path / "12:30.mp4")
    monkeypatch.chdir(tmp_path)
    from pathlib import Path

    assert len(seen_pictures(Path("12:30.mp4"))) == 3
