"""Videos that are no files: standard input and output, addresses, cameras."""

import contextlib
import io
import os
import socket
import sys
import threading
from fractions import Fraction
from types import SimpleNamespace

import av
import numpy as np
import pytest

from ganonymization.errors import GanonymizationError, InputError, OutputError, UnreadableError
from ganonymization.video import sources
from ganonymization.video.container import Reader, Timed
from ganonymization.video.pictures import Coding
from ganonymization.video.sources import is_live
from ganonymization.video.writer import Writer

from .test_container import damaged_clip, make_clip, pictures, seen_pictures, sound_packets, times
from .test_frames import within

SMALL_WH = (128, 96)


@contextlib.contextmanager
def piped(data):
    """The end of a pipe into which somebody writes this, as programs before ours do."""
    read, write = os.pipe()

    def feed():
        with contextlib.suppress(BrokenPipeError), os.fdopen(write, "wb") as end:
            end.write(data)

    thread = threading.Thread(target=feed, daemon=True)
    thread.start()
    with os.fdopen(read, "rb") as end:
        yield end
    thread.join(10)


@pytest.fixture
def standard_input(monkeypatch):
    """Sets what standard input holds."""
    with contextlib.ExitStack() as stack:

        def hold(data):
            end = stack.enter_context(piped(data))
            monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=end))

        yield hold


class Output(io.RawIOBase):
    """Standard output that goes into a pipe: it can only be written to."""

    def __init__(self, most=10**9):
        super().__init__()
        self.came, self.most = b"", most

    def write(self, content):
        if len(self.came) + len(content) > self.most:
            raise BrokenPipeError(32, "Broken pipe")
        self.came += bytes(content)
        return len(content)


@pytest.fixture
def standard_output(monkeypatch):
    """Puts something in the place of standard output, for pytest has its own there."""

    def replace(most=10**9):
        output = Output(most)
        monkeypatch.setattr(sys, "stdout", SimpleNamespace(buffer=output))
        return output

    return replace


@contextlib.contextmanager
def served(*pieces, hang_up=True):
    """An address on this machine where somebody sends this to whoever comes, once."""
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            with contextlib.suppress(OSError):
                caller, _ = server.accept()
                with caller:
                    for piece in pieces:
                        caller.sendall(piece)
                    if not hang_up:
                        done.wait(20)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"
        done.set()
        with contextlib.suppress(OSError):  # where nobody came
            server.shutdown(socket.SHUT_RDWR)
        thread.join(10)


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(sources, "_PATIENCE_S", 0.3)


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """One clip in containers that can be piped."""
    folder = tmp_path_factory.mktemp("clips")
    return {suffix: make_clip(folder / f"in{suffix}", pictures(20), tones=1)
            for suffix in (".mkv", ".ts")}  # fmt: skip


def all_of(source):
    """Frames and their times, in seconds."""
    with Reader(source) as reader:
        return [(timed.image, timed.pts * reader.time_base) for timed in reader.frames()]


def same(frames, path):
    expected = all_of(path)
    assert [time for _, time in frames] == [time for _, time in expected]
    pairs = zip(frames, expected, strict=True)
    assert all(np.array_equal(ours, theirs) for (ours, _), (theirs, _) in pairs)


class Ear:
    """Keeps packets of sound as a writer would take them."""

    def __init__(self):
        self.heard = []

    def take(self, packet):
        self.heard.append((bytes(packet), packet.pts * packet.time_base))


@pytest.mark.parametrize("suffix", [".mkv", ".ts"])
def test_standard_input_is_read_as_the_file_is(standard_input, clips, suffix):
    standard_input(clips[suffix].read_bytes())
    same(within(20, lambda: all_of("-")), clips[suffix])


def test_sound_comes_from_standard_input_too(standard_input, clips):
    standard_input(clips[".mkv"].read_bytes())
    ear = Ear()
    with Reader("-") as reader:
        assert (reader.name, len(reader.audio)) == ("-", 1)
        assert reader.size_wh() == SMALL_WH
        assert len(list(reader.frames(ear))) == 20
    assert ear.heard == sound_packets(clips[".mkv"])[0]


def test_a_file_as_standard_input_is_read(monkeypatch, clips):
    """As with ``<``; it can be searched."""
    with clips[".mkv"].open("rb") as file:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=file))
        same(all_of("-"), clips[".mkv"])


def test_what_is_not_made_for_streaming_is_told(standard_input, tmp_path):
    """An MP4 file with its index at the end."""
    noise = np.random.default_rng(0).integers(0, 256, (12, 96, 128, 3), dtype=np.uint8)
    clip = make_clip(tmp_path / "in.mp4", list(noise), crf=1)
    assert clip.stat().st_size > 100_000
    standard_input(clip.read_bytes())
    with pytest.raises(InputError, match="standard input: not made for streaming"):
        within(20, lambda: all_of("-"))


def test_damage_in_standard_input_is_told_as_in_a_file(standard_input, tmp_path):
    standard_input(damaged_clip(tmp_path).read_bytes())
    with pytest.raises(InputError, match=r"^-: damaged after \d"):
        within(20, lambda: all_of("-"))


def test_a_file_that_is_damaged_from_the_start_is_not_called_standard_input(tmp_path):
    whole = make_clip(tmp_path / "in.mp4", pictures(4), muxing={"movflags": "+faststart"})
    data = bytearray(whole.read_bytes())
    start = data.index(b"mdat") + 4
    data[start:] = b"\xff" * (len(data) - start)
    (tmp_path / "bad.mp4").write_bytes(data)
    with pytest.raises(InputError, match=r"bad\.mp4: ") as told:
        all_of(tmp_path / "bad.mp4")
    assert "standard input" not in str(told.value)


@pytest.mark.parametrize("data", [b"", b"hello, this is no video\n" * 3000, b"\0" * 70_000])
def test_standard_input_that_is_no_video_is_told(standard_input, data):
    standard_input(data)
    with pytest.raises(InputError, match=r"^(-|standard input): "):
        within(20, lambda: all_of("-"))


def test_standard_input_that_ends_early_is_told(standard_input, clips):
    data = clips[".mkv"].read_bytes()
    standard_input(data[: len(data) // 2])
    with Reader("-") as reader, pytest.raises(InputError, match="cut off after"):
        list(reader.frames())


def copied_to_output(source, sound=True):
    with Reader(source) as reader:
        with Writer(None, [Coding(reader, reader.size_wh(), "libx264", 12)], sound) as writer:
            for timed in reader.frames(writer if sound else None):
                writer.write(timed)
    return writer


def test_standard_output_gets_matroska(standard_output, clips, tmp_path):
    output = standard_output()
    writer = copied_to_output(clips[".mkv"])
    assert str(writer.path) == "-"
    (tmp_path / "out.mkv").write_bytes(output.came)
    with av.open(str(tmp_path / "out.mkv")) as container:
        assert "matroska" in container.format.name
    assert times(tmp_path / "out.mkv") == times(clips[".mkv"])
    assert sound_packets(tmp_path / "out.mkv") == sound_packets(clips[".mkv"])
    pairs = zip(seen_pictures(tmp_path / "out.mkv"), seen_pictures(clips[".mkv"]), strict=True)
    assert all(np.abs(a.astype(int) - b).mean() < 4 for a, b in pairs)


def test_sound_can_be_kept_from_standard_output(standard_output, clips, tmp_path):
    output = standard_output()
    copied_to_output(clips[".mkv"], sound=False)
    (tmp_path / "out.mkv").write_bytes(output.came)
    assert sound_packets(tmp_path / "out.mkv") == []
    assert len(times(tmp_path / "out.mkv")) == 20


def test_frames_come_to_standard_output_before_the_end(standard_output, tmp_path):
    """Whoever watches need not wait for all of a video without end."""
    output, noise = standard_output(), np.random.default_rng(0)
    source = make_clip(tmp_path / "in.mkv", pictures(2))
    with Reader(source) as reader, Writer(None, [Coding(reader, SMALL_WH, "mpeg4", 1)]) as writer:
        for i in range(20):
            image = noise.integers(0, 256, (96, 128, 3), dtype=np.uint8)
            writer.write(Timed(image, 40 * i))
        assert len(output.came) > 50_000


def test_what_goes_out_comes_in(standard_output, standard_input, clips, tmp_path):
    """Two of us in a row."""
    first, _ = standard_output(), copied_to_output(clips[".mkv"])
    standard_input(first.came)
    second, _ = standard_output(), within(20, lambda: copied_to_output("-"))
    (tmp_path / "out.mkv").write_bytes(second.came)
    assert times(tmp_path / "out.mkv") == times(clips[".mkv"])
    assert sound_packets(tmp_path / "out.mkv") == sound_packets(clips[".mkv"])


@pytest.mark.parametrize("most", [0, 3000])
def test_nobody_at_the_other_end_is_told(standard_output, clips, most):
    standard_output(most)
    with pytest.raises(OutputError, match="-: cannot be written"):
        copied_to_output(clips[".mkv"])


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_what_stops_a_stream_is_raised_as_it_is(standard_output, clips, error):
    standard_output()
    with Reader(clips[".mkv"]) as reader, pytest.raises(error, match="stop"):
        with Writer(None, [Coding(reader, reader.size_wh(), "libx264", 12)]) as writer:
            for i, timed in enumerate(reader.frames(writer)):
                if i == 7:
                    raise error("stop")
                writer.write(timed)


@pytest.mark.parametrize("suffix", [".mkv", ".ts"])
def test_an_address_is_read_to_its_end(clips, suffix):
    with served(clips[suffix].read_bytes()) as address:
        same(within(20, lambda: all_of(address)), clips[suffix])


def test_sound_comes_from_an_address_too(clips):
    ear = Ear()
    with served(clips[".ts"].read_bytes()) as address, Reader(address) as reader:
        assert reader.name == address
        assert reader.size_wh() == SMALL_WH
        assert len(within(20, lambda: list(reader.frames(ear)))) == 20
    assert [data for data, _ in ear.heard] == [data for data, _ in sound_packets(clips[".ts"])[0]]


def test_what_an_address_sends_in_pieces_is_read(clips):
    data = clips[".ts"].read_bytes()
    pieces = [data[i : i + 1000] for i in range(0, len(data), 1000)]
    with served(*pieces) as address:
        same(within(20, lambda: all_of(address)), clips[".ts"])


def test_an_address_that_does_not_answer_is_told(impatient):
    with served(hang_up=False) as address:
        with pytest.raises(UnreadableError, match=address):
            within(8, lambda: Reader(address))


def test_an_address_that_falls_silent_is_told(impatient, clips):
    """What came before is handed on."""
    came, data = [], clips[".ts"].read_bytes()
    with served(data[: len(data) // 2], hang_up=False) as address:
        with Reader(address) as reader, pytest.raises(InputError, match=f"{address}: damaged"):
            within(8, lambda: came.extend(timed.image for timed in reader.frames()))
    assert 2 < len(came) < 20
    whole = seen_pictures(clips[".ts"])
    assert all(np.array_equal(a, b) for a, b in zip(came, whole, strict=False))


def test_an_address_that_sends_something_else_is_told(impatient):
    with served(b"HTTP/1.1 200 OK\r\n\r\nhello" * 400) as address:
        with pytest.raises(UnreadableError, match=address):
            within(8, lambda: Reader(address))


@pytest.mark.parametrize("kind", ["tcp", "rtsp", "http"])
def test_an_address_where_nobody_is_is_told(impatient, kind):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"{kind}://127.0.0.1:{server.getsockname()[1]}"
    with pytest.raises(UnreadableError, match=address):
        within(8, lambda: Reader(address))


@pytest.mark.parametrize("source", ["nonsense://a/b", "/dev/video97", "/dev/video/none"])
def test_an_address_or_camera_that_is_none_is_told(impatient, source):
    with pytest.raises(UnreadableError, match=source):
        within(8, lambda: Reader(source))


@pytest.fixture
def asked(monkeypatch):
    """What FFmpeg is asked to open."""
    calls = []

    def refuse(source, **options):
        calls.append((source, options))
        raise av.error.TimeoutError(110, "Connection timed out")

    monkeypatch.setattr(sources.av, "open", refuse)
    return calls


@pytest.mark.parametrize(
    ("platform", "driver"), [("linux", "v4l2"), ("darwin", "avfoundation"), ("win32", "dshow")]
)
def test_a_camera_is_asked_in_the_systems_way_and_not_for_ever(
    monkeypatch, asked, platform, driver
):
    monkeypatch.setattr(sources.sys, "platform", platform)
    with pytest.raises(UnreadableError, match=r"/dev/video0: .*timed out"):
        Reader("/dev/video0")
    ((source, options),) = asked
    assert (source, options["format"]) == ("/dev/video0", driver)
    assert 0 < options["timeout"] <= 30


def test_an_address_is_not_waited_for_for_ever(asked):
    """RTSP goes over TCP, for over UDP frames are lost."""
    with pytest.raises(UnreadableError, match=r"rtsp://here/a: .*timed out"):
        Reader("rtsp://here/a")
    ((source, options),) = asked
    assert source == "rtsp://here/a"
    assert options["options"] == {"rtsp_transport": "tcp", "max_pixels": "120000000"}
    assert 0 < options["timeout"] <= 30


@pytest.mark.parametrize(
    ("source", "live"),
    [("rtsp://here/a", True), ("http://here/a.mp4", True), ("/dev/video0", True),
     ("-", False), ("a.mp4", False), ("/home/dev/video.mp4", False), ("video0", False)],
)  # fmt: skip
def test_addresses_and_cameras_have_no_end(source, live):
    assert is_live(source) is live


def test_the_size_is_told_without_losing_a_frame_or_a_packet(clips):
    """Packets of sound come before the first frame; they are kept with it."""
    ear = Ear()
    with Reader(clips[".mkv"]) as reader:
        assert reader.size_wh() == SMALL_WH
        kept = [type(each) for each in reader._waiting]
        assert kept.count(Timed) == 1
        assert len(kept) > 2
        assert reader.size_wh() == SMALL_WH
        assert [type(each) for each in reader._waiting] == kept
        frames = [(timed.image, timed.pts * reader.time_base) for timed in reader.frames(ear)]
    same(frames, clips[".mkv"])
    assert ear.heard == sound_packets(clips[".mkv"])[0]


def test_sound_is_taken_before_the_frame_that_it_came_before(clips):
    order = []
    with Reader(clips[".mkv"]) as plain, Reader(clips[".mkv"]) as sized:
        sized.size_wh()
        for reader in (plain, sized):
            taken = []
            ear = SimpleNamespace(take=lambda packet, taken=taken: taken.append(packet.pts))
            taken.extend(("frame", timed.pts) for timed in reader.frames(ear))
            order.append(taken)
    assert order[0] == order[1]
    assert len(order[0]) > 40


def test_the_size_is_told_amid_the_frames_too(clips):
    with Reader(clips[".mkv"]) as reader:
        frames = reader.frames()
        came = [next(frames).pts for _ in range(5)]
        assert reader.size_wh() == SMALL_WH
        came += [timed.pts for timed in reader.frames()]
        assert len(came) == 20
        with pytest.raises(InputError, match="has no frames"):
            reader.size_wh()
    assert came == sorted(set(came))


def test_the_size_of_a_turned_video_is_that_of_what_is_seen(tmp_path):
    source = make_clip(tmp_path / "in.mp4", pictures(3), rotation=90)
    with Reader(source) as reader:
        assert reader.size_wh() == (96, 128)


def test_the_size_of_a_video_of_no_frames_is_told(tmp_path):
    with av.open(str(tmp_path / "in.mkv"), "w") as container:
        video = container.add_stream("libx264", rate=25)
        video.width, video.height = SMALL_WH
        sound = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 8000, 0, Fraction(1, 8000)
        container.mux(sound.encode(frame))
    with Reader(tmp_path / "in.mkv") as reader, pytest.raises(InputError, match=r"in\.mkv: "):
        reader.size_wh()


@pytest.mark.parametrize(
    ("out", "tones", "sound", "told"),
    [("a.mp4", 1, True, "copied"), ("a.webm", 1, True, "coded anew"),
     ("a.webm", 2, True, "coded anew"), ("a.mp4", 1, False, "left out"),
     ("a.mp4", 0, True, "none"), ("a.mp4", 0, False, "none")],
)  # fmt: skip
def test_a_writer_tells_what_becomes_of_the_sound(tmp_path, out, tones, sound, told):
    source = make_clip(tmp_path / "in.mkv", pictures(4), tones=tones)
    codec = "libvpx-vp9" if out == "a.webm" else "libx264"
    with Reader(source) as reader:
        with Writer(tmp_path / out, [Coding(reader, SMALL_WH, codec, 30)], sound) as writer:
            for timed in reader.frames(writer if sound else None):
                writer.write(timed)
    assert writer.sound_told == told
    if told == "coded anew":  # to its end
        with av.open(str(tmp_path / out)) as container:
            heard_s = sum(frame.samples for frame in container.decode(audio=0)) / 48000
        assert heard_s >= 0.16
    assert len(sound_packets(tmp_path / out)) == (tones if sound else 0)


def test_pictures_and_sound_may_come_from_two_threads(tmp_path, clips):
    with Reader(clips[".mkv"]) as reader:
        ear = Ear()
        ear.take = ear.heard.append
        frames = list(reader.frames(ear))
        with Writer(tmp_path / "a.mkv", [Coding(reader, SMALL_WH, "libx264", 12)]) as writer:
            sound = threading.Thread(target=lambda: [writer.take(packet) for packet in ear.heard])
            sound.start()
            for timed in frames:
                writer.write(timed)
            sound.join(10)
    assert times(tmp_path / "a.mkv") == times(clips[".mkv"])
    assert sound_packets(tmp_path / "a.mkv") == sound_packets(clips[".mkv"])


def with_damaged_sound(tmp_path):
    """Some packets of sound turned inside out."""
    source = make_clip(tmp_path / "in.mkv", pictures(20), tones=1)
    data = source.read_bytes()
    for packet, _ in sound_packets(source)[0][5:12]:
        assert data.count(packet) == 1
        data = data.replace(packet, bytes(255 - value for value in packet))
    (tmp_path / "damaged.mkv").write_bytes(data)
    return tmp_path / "damaged.mkv"


def test_damaged_sound_is_copied_as_it_is(tmp_path):
    source = with_damaged_sound(tmp_path)
    with Reader(source) as reader:
        with Writer(tmp_path / "out.mkv", [Coding(reader, SMALL_WH, "libx264", 20)]) as writer:
            for timed in reader.frames(writer):
                writer.write(timed)
    assert sound_packets(tmp_path / "out.mkv") == sound_packets(source)


def test_damaged_sound_that_is_coded_anew_is_told(tmp_path):
    source = with_damaged_sound(tmp_path)
    with Reader(source) as reader, pytest.raises(GanonymizationError):
        with Writer(tmp_path / "out.webm", [Coding(reader, SMALL_WH, "libvpx-vp9", 40)]) as writer:
            for timed in reader.frames(writer):
                writer.write(timed)
    assert not (tmp_path / "out.webm").exists()
