"""Clips are of one colour a frame, of which a palette loses nothing."""

import gc
from fractions import Fraction
from itertools import accumulate

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageOps

from ganonymization.errors import InputError, OutputError, UnreadableError
from ganonymization.video.animation import AnimationReader, AnimationWriter
from ganonymization.video.container import Timed
from ganonymization.video.file import VideoOptions, anonymize_video
from ganonymization.video.kinds import ANIMATIONS

from .test_container import make_clip, pictures, times
from .test_frames import stages

GIF, WEBP = ANIMATIONS
WIDTH, HEIGHT = 48, 32
BOTH = pytest.mark.parametrize("suffix", ANIMATIONS)


def plain(*levels):
    """Frames, (H, W, 3) uint8."""
    return [np.full((HEIGHT, WIDTH, 3), (level, 255 - level, 90), np.uint8) for level in levels]


def make(path, images, duration=40, **options):
    """An animation as other programs write it; without loss."""
    first, *rest = (Pillow.fromarray(image) for image in images)
    options |= {"lossless": True} if path.suffix == WEBP else {}
    first.save(path, save_all=True, append_images=rest, duration=duration, **options)
    return path


def read(path):
    """Frames and their times in milliseconds."""
    with AnimationReader(path) as reader:
        frames = list(reader.frames())
    return [timed.image for timed in frames], [timed.pts for timed in frames]


def durations(path):
    """How long each frame stays, as Pillow tells it, in milliseconds."""
    told = []
    with Pillow.open(path) as opened:
        for number in range(opened.n_frames):
            opened.seek(number)
            opened.load()
            told.append(opened.info.get("duration", 0))
    return told


def loops(path):
    with Pillow.open(path) as opened:
        return opened.info.get("loop")


def write(path, images, pts=None, time_base=Fraction(1, 25), rate=Fraction(25), loop=0):
    with AnimationWriter(path, time_base, rate, loop, False) as writer:
        for i, image in enumerate(images):
            writer.write(Timed(image, i if pts is None else pts[i]))
    return path


def files(folder):
    return sorted(path.name for path in folder.iterdir())


@BOTH
def test_frames_are_read_as_they_are_with_their_times(tmp_path, suffix):
    clip = plain(0, 40, 80, 120, 250)
    path = make(tmp_path / f"a{suffix}", clip, [40, 80, 200, 1000, 30])
    images, times = read(path)
    assert times == [0, 40, 120, 320, 1320]
    for ours, theirs in zip(images, clip, strict=True):
        assert ours.dtype == np.uint8
        assert ours.flags.c_contiguous
        assert np.array_equal(ours, theirs)
    with AnimationReader(path) as reader:
        assert reader.time_base == Fraction(1, 1000)


@BOTH
def test_a_reader_tells_what_it_reads(tmp_path, suffix):
    path = make(tmp_path / f"a{suffix}", plain(0, 99, 200))
    with AnimationReader(path) as reader:
        assert (reader.name, reader.frames_told) == (str(path), 3)
        assert reader.size_wh() == (WIDTH, HEIGHT)
        assert reader.pixel_aspect == 1
        assert reader.audio == []


@BOTH
def test_frames_can_be_read_again(tmp_path, suffix):
    with AnimationReader(make(tmp_path / f"a{suffix}", plain(0, 99, 200))) as reader:
        first, again = ([timed.pts for timed in reader.frames()] for _ in range(2))
    assert first == again == [0, 40, 80]


@BOTH
def test_a_still_one_has_one_frame(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    Pillow.fromarray(plain(77)[0]).save(path, lossless=True)
    images, times = read(path)
    assert times == [0]
    assert np.array_equal(images[0], plain(77)[0])
    with AnimationReader(path) as reader:
        assert reader.frames_told == 1


def test_a_suffix_in_capitals_is_read_and_written(tmp_path):
    for name, kind in (("A.GIF", "GIF"), ("A.WEBP", "WEBP")):
        path = write(tmp_path / name, plain(0, 200))
        assert read(path)[1] == [0, 40]
        with Pillow.open(path) as opened:
            assert opened.format == kind


@pytest.mark.parametrize("mode", ["L", "1", "P"])
def test_frames_without_colour_are_read_as_colours(tmp_path, mode):
    first, *rest = (Pillow.fromarray(image).convert(mode) for image in plain(0, 255))
    first.save(tmp_path / "a.gif", save_all=True, append_images=rest, duration=40)
    images, _ = read(tmp_path / "a.gif")
    assert {image.shape for image in images} == {(HEIGHT, WIDTH, 3)}


def rgba(alpha, level=0):
    """Of one colour, and transparent on the left."""
    image = np.dstack([plain(level)[0], np.full((HEIGHT, WIDTH), 255, np.uint8)])
    image[:, : WIDTH // 2, 3] = alpha
    return image


@pytest.mark.parametrize(("suffix", "alpha"), [(GIF, 0), (WEBP, 0), (WEBP, 102)])
def test_white_shows_through_what_is_transparent(tmp_path, suffix, alpha):
    path = make(tmp_path / f"a{suffix}", [rgba(alpha, level) for level in (0, 50)], disposal=2)
    images, _ = read(path)
    for image, level in zip(images, (0, 50), strict=True):
        colour = plain(level)[0][0, 0].astype(float)
        through = colour * (alpha / 255) + 255 * (1 - alpha / 255)
        assert np.abs(image[:, : WIDTH // 2] - through).max() <= 1
        assert np.array_equal(image[:, WIDTH // 2 :], plain(level)[0][:, WIDTH // 2 :])


def test_what_a_frame_leaves_out_is_the_one_before(tmp_path):
    """As GIF files are made smaller: the second frame holds only what changed."""
    clip = plain(0, 0, 0)
    clip[1][5:9, 5:9] = (200, 10, 10)
    clip[2][20:24, 30:34] = (10, 10, 200)
    images, _ = read(make(tmp_path / "a.gif", clip, optimize=True))
    assert all(np.array_equal(a, b) for a, b in zip(images, clip, strict=True))


@BOTH
@pytest.mark.parametrize("duration", [0, [0, 0, 50]])
@pytest.mark.parametrize("told", [{}, {"disposal": 2}], ids=["untold", "zero"])
def test_frames_that_tell_no_duration_stay_a_tenth_of_a_second(tmp_path, suffix, duration, told):
    path = make(tmp_path / f"a{suffix}", plain(0, 99, 200), duration, **told)
    assert read(path)[1] == [0, 100, 200]
    with AnimationReader(path) as reader:
        assert float(reader.rate) == pytest.approx(10 if duration == 0 else 3 / 0.25)


def counted(suffix, again):
    """GIF counts how often it is shown again, WebP how often it is shown; 0 is without end."""
    return again + 1 if again and suffix == WEBP else again


@BOTH
@pytest.mark.parametrize("again", [0, 1, 3])
def test_how_often_it_is_shown_again_is_read_and_written(tmp_path, suffix, again):
    loop = counted(suffix, again)
    with AnimationReader(make(tmp_path / f"a{suffix}", plain(0, 99), loop=loop)) as reader:
        assert reader.loops == again
    assert loops(write(tmp_path / f"b{suffix}", plain(0, 99), loop=again)) == loop


def test_a_gif_that_is_not_shown_again_stays_so(tmp_path):
    with AnimationReader(make(tmp_path / "a.gif", plain(0, 99))) as reader:
        assert reader.loops is None
    assert loops(write(tmp_path / "b.gif", plain(0, 99), loop=None)) is None


def test_a_webp_that_is_not_shown_again_is_played_once(tmp_path):
    """WebP counts how often it is played, where GIF counts how often again."""
    assert loops(write(tmp_path / "b.webp", plain(0, 99), loop=None)) == 1


def test_a_webp_that_is_played_once_is_not_shown_again(tmp_path):
    with AnimationReader(make(tmp_path / "a.webp", plain(0, 99), loop=1)) as reader:
        assert reader.loops is None


def test_the_rate_is_that_of_the_frames(tmp_path):
    with AnimationReader(make(tmp_path / "a.gif", plain(0, 99, 200), 50)) as reader:
        assert reader.rate == 20


def test_the_rate_of_a_gif_is_the_mean(tmp_path):
    with AnimationReader(make(tmp_path / "a.gif", plain(0, 99, 200), [1000, 40, 40])) as reader:
        assert float(reader.rate) == pytest.approx(3 / 1.08)


def test_the_rate_of_a_webp_is_that_of_its_frames(tmp_path):
    with AnimationReader(make(tmp_path / "a.webp", plain(0, 99, 200), 40)) as reader:
        assert reader.rate == 25


NONE = {"empty": b"", "text": b"hello, this is none\n" * 99, "zeros": b"\0" * 999,
        "head": b"GIF89a", "riff": b"RIFF\x10\0\0\0WEBPVP8 "}  # fmt: skip


@BOTH
@pytest.mark.parametrize("kind", NONE)
def test_what_is_no_animation_is_told(tmp_path, suffix, kind):
    (tmp_path / f"a{suffix}").write_bytes(NONE[kind])
    with pytest.raises(UnreadableError, match=rf"a\{suffix}: not an animation"):
        AnimationReader(tmp_path / f"a{suffix}")


def test_a_video_under_a_wrong_name_is_told(tmp_path):
    make_clip(tmp_path / "a.mp4", pictures(2)).rename(tmp_path / "a.gif")
    with pytest.raises(UnreadableError, match=r"a\.gif: not an animation"):
        AnimationReader(tmp_path / "a.gif")


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "EPS"])
def test_a_picture_of_another_kind_is_told(tmp_path, kind):
    """EPS would run Ghostscript on what the file says."""
    Pillow.fromarray(plain(5)[0]).save(tmp_path / "a.gif", kind)
    with pytest.raises(UnreadableError):
        read(tmp_path / "a.gif")


def test_missing_files_and_folders_are_told(tmp_path):
    with pytest.raises(UnreadableError, match=r"none\.gif: no such file"):
        AnimationReader(tmp_path / "none.gif")
    (tmp_path / "folder.gif").mkdir()
    with pytest.raises(UnreadableError, match=r"folder\.gif"):
        AnimationReader(tmp_path / "folder.gif")


def noisy(path, length=6):
    """Frames that take so much room that a cut or scratch meets their pixels."""
    noise = np.random.default_rng(0).integers(0, 256, (length, HEIGHT, WIDTH, 3), np.uint8)
    return make(path, list(noise))


@BOTH
def test_what_comes_before_the_damage_is_handed_on(tmp_path, suffix):
    whole = noisy(tmp_path / f"whole{suffix}")
    data = bytearray(whole.read_bytes())
    place = int(0.55 * len(data))  # in the fourth of six
    data[place : place + 900] = b"\xff" * 900
    (tmp_path / f"damaged{suffix}").write_bytes(data)
    came = []
    told = rf"damaged\{suffix}: damaged after 0\.\d\d s"
    with AnimationReader(tmp_path / f"damaged{suffix}") as reader:
        with pytest.raises(InputError, match=told):
            came.extend(timed.image for timed in reader.frames())
    assert len(came) == 3
    assert all(np.array_equal(a, b) for a, b in zip(came, read(whole)[0], strict=False))


def test_a_gif_that_was_cut_off_in_a_frame_is_told(tmp_path):
    data = noisy(tmp_path / "a.gif").read_bytes()
    (tmp_path / "cut.gif").write_bytes(data[: int(0.58 * len(data))])
    with AnimationReader(tmp_path / "cut.gif") as reader:
        with pytest.raises(InputError, match=r"cut\.gif: damaged after 0\.\d\d s"):
            list(reader.frames())


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_webp_that_was_cut_off_cannot_be_read(tmp_path, share):
    data = noisy(tmp_path / "a.webp").read_bytes()
    (tmp_path / "cut.webp").write_bytes(data[: int(share * len(data))])
    with pytest.raises(UnreadableError, match=r"cut\.webp"):
        AnimationReader(tmp_path / "cut.webp")


@pytest.mark.parametrize("suffix", [".png", ".apng", ".avif"])
def test_animations_that_are_only_read(make_anonymizer, tmp_path, suffix):
    """Animated PNG and AVIF: every frame is anonymized, and its time kept."""
    options = {"quality": 95} if suffix == ".avif" else {"format": "PNG"}
    source = make(tmp_path / f"a{suffix}", pictures(5), [40, 80, 40, 200, 40], **options)
    for shown, image in zip(read(source)[0], pictures(5), strict=True):
        assert np.abs(shown.astype(int) - image).mean() < 3
    assert read(source)[1] == [0, 40, 120, 160, 360]
    report = anonymize_video(
        make_anonymizer(**stages()), source, tmp_path / "out.mp4", VideoOptions(1)
    )
    assert report.frames == report.faces == 5
    assert times(tmp_path / "out.mp4") == [Fraction(ms, 1000) for ms in (0, 40, 120, 160, 360)]


@pytest.mark.parametrize(("suffix", "share"), [(".png", 0.5), (".png", 0.95), (".avif", 0.7)])
def test_an_animated_picture_that_was_cut_off_is_told(tmp_path, suffix, share):
    data = noisy(tmp_path / f"a{suffix}").read_bytes()
    (tmp_path / f"cut{suffix}").write_bytes(data[: int(share * len(data))])
    with pytest.raises(InputError, match=rf"cut\{suffix}"):
        read(tmp_path / f"cut{suffix}")


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".webp", ".png"])
def test_animations_are_read_upright(tmp_path, suffix, orientation):
    tags = Pillow.Exif()
    tags[0x0112] = orientation
    images = [image[:80, :60] for image in pictures(2)]
    source = make(tmp_path / f"a{suffix}", images, exif=tags)
    with Pillow.open(source) as opened:
        upright = ImageOps.exif_transpose(opened).convert("RGB")
    assert np.array_equal(read(source)[0][0], np.asarray(upright))
    with AnimationReader(source) as reader:
        assert reader.size_wh() == upright.size


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_wherever_a_gif_is_cut_it_is_told(tmp_path):
    """Or what comes before the cut is handed on."""
    data = make(tmp_path / "a.gif", plain(0, 80, 160)).read_bytes()
    others = set()
    for length in range(0, len(data), 2):
        (tmp_path / "cut.gif").write_bytes(data[:length])
        try:
            read(tmp_path / "cut.gif")
        except InputError:
            continue
        except Exception as error:
            others.add(type(error))
    gc.collect()  # files that were left open, now rather than in another test
    assert others == set()


def test_a_gif_that_was_cut_off_between_two_frames_is_told(tmp_path):
    """What is missing there must not be lost in silence."""
    data = make(tmp_path / "a.gif", plain(0, 80, 160)).read_bytes()
    last = data.rindex(b"\x21\xf9\x04")  # where the third frame's control block starts
    (tmp_path / "cut.gif").write_bytes(data[:last])
    with pytest.raises(InputError):
        read(tmp_path / "cut.gif")


@BOTH
def test_what_is_written_has_the_frames_and_their_times(tmp_path, suffix):
    clip = plain(0, 60, 120, 180, 240)
    path = write(tmp_path / "new" / f"a{suffix}", clip, [0, 5, 6, 30, 31], Fraction(1, 100))
    assert durations(path) == [50, 10, 240, 10, 40]
    images, times = read(path)
    assert times == [0, 50, 60, 300, 310]
    for ours, theirs in zip(images, clip, strict=True):
        assert np.abs(ours.astype(int) - theirs).max() <= (0 if suffix == GIF else 4)
    assert files(tmp_path / "new") == [f"a{suffix}"]


def test_each_frame_of_a_gif_has_its_own_colours(tmp_path):
    """A palette for all would not hold two frames of 200 colours each."""
    ramps = []
    for channel in (0, 2):
        image = np.zeros((HEIGHT, 200, 3), np.uint8)
        image[..., channel] = np.arange(200) + 50
        ramps.append(image)
    images, _ = read(write(tmp_path / "a.gif", ramps))
    for ours, theirs in zip(images, ramps, strict=True):
        assert np.abs(ours.astype(int) - theirs).max() <= 3


@BOTH
def test_times_that_start_late_start_at_once(tmp_path, suffix):
    path = write(tmp_path / f"a{suffix}", plain(0, 99, 200), [5000, 5040, 5100], Fraction(1, 1000))
    assert durations(path) == [40, 60, 40]


@pytest.mark.parametrize(("suffix", "most_ms"), [(GIF, 5), (WEBP, 0.5)])
def test_times_do_not_drift(tmp_path, suffix, most_ms):
    """Thirty frames a second, of which GIF counts hundredths and WebP thousandths."""
    clip = plain(*(60 * i % 256 for i in range(90)))
    path = write(tmp_path / f"a{suffix}", clip, None, Fraction(1, 30), Fraction(30))
    told = durations(path)
    assert len(told) == 90
    starts = [0, *accumulate(told)]
    gaps = [abs(start - 1000 * i / 30) for i, start in enumerate(starts)]
    assert max(gaps) <= most_ms + 1e-9
    assert starts[-1] == 3000
    assert set(told) == ({30, 40} if suffix == GIF else {33, 34})
    assert read(path)[1] == starts[:-1]


@pytest.mark.parametrize("fps", [120, 240])
def test_a_gif_of_many_frames_a_second_lasts_as_long(tmp_path, fps):
    """A duration of 0 is shown for a tenth of a second, by browsers and by our reader."""
    clip = plain(*(2 * i for i in range(60)))
    path = write(tmp_path / "a.gif", clip, None, Fraction(1, fps), Fraction(fps))
    assert read(path)[1][-1] == pytest.approx(1000 * 59 / fps, abs=10)
    assert min(durations(path)) > 0


@BOTH
def test_the_last_frame_stays_as_long_as_the_rate_tells(tmp_path, suffix):
    path = write(tmp_path / f"a{suffix}", plain(0, 99), [0, 4], rate=Fraction(5))
    assert durations(path) == [160, 200]
    path = write(tmp_path / f"b{suffix}", plain(0), rate=Fraction(4))
    assert len(durations(path)) == 1


@BOTH
def test_what_goes_through_lasts_as_long(tmp_path, suffix):
    """Many animations rest on their last frame."""
    source = make(tmp_path / "in.gif", plain(0, 99, 200), [40, 80, 1500], loop=0)
    out = tmp_path / f"out{suffix}"
    with (
        AnimationReader(source) as reader,
        AnimationWriter(out, reader.time_base, reader.rate, reader.loops, False) as writer,
    ):
        for timed in reader.frames():
            writer.write(timed)
    assert durations(out) == [40, 80, 1500]


@pytest.mark.parametrize("source", ANIMATIONS)
@pytest.mark.parametrize("target", ANIMATIONS)
def test_what_goes_through_keeps_frames_times_and_loops(tmp_path, source, target):
    clip, loop = plain(0, 99, 200, 33), counted(source, 2)
    given = make(tmp_path / f"in{source}", clip, [100, 70, 200, 100], loop=loop)
    out = tmp_path / f"out{target}"
    with (
        AnimationReader(given) as reader,
        AnimationWriter(out, reader.time_base, reader.rate, reader.loops, False) as writer,
    ):
        for timed in reader.frames():
            writer.write(timed)
    assert durations(out) == [100, 70, 200, 100]
    assert loops(out) == counted(target, 2)
    for a, b in zip(read(out)[0], read(given)[0], strict=True):
        assert np.abs(a.astype(int) - b).max() <= 4


@BOTH
def test_frames_that_are_alike_last_together(tmp_path, suffix):
    """The formats put them together; none of their time is lost."""
    path = write(tmp_path / f"a{suffix}", plain(0, 0, 0, 99, 99))
    assert sum(durations(path)) == 200


@pytest.mark.parametrize(("has_sound", "told"), [(False, "none"), (True, "left out")])
def test_what_became_of_the_sound_is_told(tmp_path, has_sound, told):
    writer = AnimationWriter(tmp_path / "a.gif", Fraction(1, 25), Fraction(25), 0, has_sound)
    assert writer.sound_told == told


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit, InputError])
@pytest.mark.parametrize("after", [0, 1, 4])
def test_what_stops_in_the_middle_leaves_nothing(tmp_path, error, after):
    writer = AnimationWriter(tmp_path / "a.gif", Fraction(1, 25), Fraction(25), 0, False)
    with pytest.raises(error), writer:
        for i, image in enumerate(plain(0, 50, 100, 150, 200)):
            if i == after:
                raise error("stop")
            writer.write(Timed(image, i))
    assert files(tmp_path) == []


@BOTH
def test_nothing_has_the_name_before_it_is_whole(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError):
        with AnimationWriter(path, Fraction(1, 25), Fraction(25), 0, False) as writer:
            writer.write(Timed(plain(9)[0], 0))
            raise RuntimeError("stop")
    assert path.read_bytes() == b"old"
    write(path, plain(0, 99))
    assert len(read(path)[0]) == 2
    assert files(tmp_path) == [path.name]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_stop_while_the_file_is_written_leaves_nothing(tmp_path, monkeypatch, error):
    def stop(self, file, **options):
        file.write(b"GIF89a")
        raise error("the disk is full")

    monkeypatch.setattr(Pillow.Image, "save", stop)
    with pytest.raises(OutputError if error is OSError else error, match="the disk is full"):
        write(tmp_path / "a.gif", plain(0, 99))
    assert files(tmp_path) == []


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match=r"a\.gif: cannot be written"):
        write(tmp_path / "file" / "a.gif", plain(0, 99))


@pytest.mark.parametrize("more", [b"\n", b"\0" * 9, b"trailer;" * 20])
def test_what_lies_behind_a_whole_gif_does_not_matter(tmp_path, more):
    path = make(tmp_path / "a.gif", plain(0, 80, 160))
    path.write_bytes(path.read_bytes() + more)
    assert len(read(path)[0]) == 3


@pytest.mark.parametrize("suffix", [GIF, WEBP])
def test_what_alpha_draws_is_not_written(tmp_path, suffix):
    """In white over white, say, as a face may be drawn: it would be seen over another colour."""
    image = np.full((HEIGHT, WIDTH, 4), 255, np.uint8)
    image[:, : WIDTH // 2, 3] = 0
    path = make(tmp_path / f"a{suffix}", [image, image[:, ::-1].copy()], disposal=2)
    with (
        AnimationReader(path) as reader,
        AnimationWriter(tmp_path / f"b{suffix}", reader.time_base, reader.rate, 0, False) as writer,
    ):
        for timed in reader.frames():
            writer.write(timed)
    with Pillow.open(tmp_path / f"b{suffix}") as written:
        for number in range(written.n_frames):
            written.seek(number)
            assert (np.asarray(written.convert("RGBA")) == 255).all()
