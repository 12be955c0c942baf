import json
import tracemalloc
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from ganonymization import Anonymizer, seeds
from ganonymization.cli.demo import astronaut
from ganonymization.errors import (
    FaceNotRedrawnError,
    InputError,
    OptionError,
    OutputError,
    UnreadableError,
)
from ganonymization.io import images
from ganonymization.result import Result
from ganonymization.types import Face
from ganonymization.video.file import VideoOptions, anonymize_video, check_video_output
from ganonymization.video.film import Film
from ganonymization.video.frames import Anonymized
from ganonymization.video.report import Strip, VideoReport
from ganonymization.video.writer import Writer

from ..conftest import box_of
from .test_container import (
    RATES,
    coloured,
    cut,
    damaged_clip,
    make_clip,
    pictures,
    scraps,
    seen_pictures,
    sound_packets,
    still_path,
    times,
)
from .test_frames import Fails, stages, within
from .test_tracking import BLUE, NO_LANDMARKS, SEEN, Disc, draw

SIZE_WH = (160, 96)


@pytest.fixture
def make(make_anonymizer):
    return lambda **options: make_anonymizer(**stages(**options))


@pytest.fixture
def source(tmp_path):
    return make_clip(tmp_path / "in.mp4", pictures(20), tones=1)


def anonymized(anonymizer, source, out, **options):
    """In a thread of its own, so that it cannot hang."""
    options = VideoOptions(**({"seed": 1} | options))
    return within(60, lambda: anonymize_video(anonymizer, source, out, options))


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def two_faces(length=12):
    return [
        draw(Disc(40 + i, 36, 14), Disc(120 - i, 44, 14, BLUE), size_wh=SIZE_WH)
        for i in range(length)
    ]


@pytest.mark.parametrize("kind", RATES)
def test_frames_and_their_times_and_the_sound_are_kept(make, tmp_path, kind):
    length = len(RATES[kind].get("pts", range(14)))
    source = make_clip(tmp_path / "in.mp4", pictures(length), tones=1, **RATES[kind])
    out = tmp_path / "out.mp4"
    report = anonymized(make(), source, out)
    assert report.frames == length
    assert times(out) == times(source)
    assert sound_packets(out) == sound_packets(source)
    with av.open(str(source)) as a, av.open(str(out)) as b:
        assert abs(a.duration - b.duration) <= 110_000


def test_the_face_is_replaced_and_the_rest_stays(make, tmp_path, source):
    before = seen_pictures(source)
    anonymized(make(), source, tmp_path / "out.mp4", crf=5)
    for old, new, disc in zip(
        before, seen_pictures(tmp_path / "out.mp4"), still_path(20), strict=True
    ):
        gap = np.abs(old.astype(int) - new).mean(axis=2)
        left, top, right, bottom = (round(v) for v in box_of(disc.landmarks_px))
        assert gap[top + 4 : bottom - 4, left + 4 : right - 4].mean() > 25
        far = np.ones(gap.shape, bool)
        far[max(0, top - 16) : bottom + 16, max(0, left - 16) : right + 16] = False
        assert gap[far].mean() < 2.5


@pytest.mark.parametrize("size_wh", [(160, 200), (160, 720)])
def test_what_lies_outside_of_all_composite_masks_survives(make, tmp_path, monkeypatch, size_wh):
    """Strong colours, so that another colour matrix in reading or writing would show."""
    clip = []
    for i in range(6):
        image = coloured(size_wh)
        image[:96, :128] = draw(Disc(50 + 2 * i, 40, 14, BLUE), size_wh=(128, 96))
        clip.append(image)
    source = make_clip(tmp_path / "in.mp4", clip, crf=4, colorspace=1 if size_wh[1] > 576 else 5)
    masks = []
    add = VideoReport.add

    def remember(self, frame, time_s, video=0):
        masks.append(frame.result.composite_mask)
        add(self, frame, time_s, video)

    monkeypatch.setattr(VideoReport, "add", remember)
    anonymized(make(), source, tmp_path / "out.mp4", crf=4)
    for original, written, mask in zip(
        clip, seen_pictures(tmp_path / "out.mp4"), masks, strict=True
    ):
        outside = ~cv2.dilate(mask.astype(np.uint8), np.ones((9, 9))).astype(bool)
        assert 0.3 < outside.mean() < 1
        gap = np.abs(original.astype(int) - written)[outside]
        assert gap.mean() < 3
        assert np.abs((original.astype(int) - written)[outside].mean(0)).max() < 3


def test_the_report_counts(make, tmp_path):
    clip = []
    for i in range(20):
        level = NO_LANDMARKS if 9 <= i < 12 else SEEN
        second = [Disc(120, 44, 14, BLUE, level)] if i >= 4 else []
        clip.append(draw(Disc(40 + i, 36, 14), *second, size_wh=SIZE_WH))
    source = make_clip(tmp_path / "in.mp4", clip)
    report = anonymized(make(), source, tmp_path / "out.mp4", seed=9)
    assert (report.frames, report.faces, report.seed, report.salvaged) == (20, 20 + 16 + 2, 9, None)
    one, two = report.tracks[0], report.tracks[1]
    assert (one.first_s, one.last_s, one.synthesized, one.filled) == (0, 19 / 25, 20, 0)
    assert (two.last_s, two.synthesized, two.filled) == (19 / 25, 13, 5)
    assert two.first_s == 2 / 25  # covered for two frames before it was detected
    assert report.filled_s == [0.08, 0.12, 0.36, 0.4, 0.44]
    assert sum(report.reasons.values()) == 5
    assert "not seen well enough" in next(iter(report.reasons))


def test_the_report_and_the_strip_lie_where_they_are_asked_for(make, tmp_path, source):
    report = anonymized(make(), source, tmp_path / "o" / "out.mp4", report=tmp_path / "r")
    assert files(tmp_path / "o") == ["out.mp4"]
    assert files(tmp_path / "r") == ["out.mp4.json", "out.mp4.png"]
    told = json.loads((tmp_path / "r" / "out.mp4.json").read_text())
    assert told == json.loads(json.dumps(report.as_dict()))
    assert told["frames"] == 20
    assert told["tracks"]["0"]["synthesized"] == 20
    assert told["seed"] == 1
    assert images.read(tmp_path / "r" / "out.mp4.png").pixels.shape == (120, 160, 3)


def cells(strip):
    """How many thumbnails of white frames a strip shows."""
    return int((strip.mean(axis=2) > 128).sum() / (160 * 40))


def strip_of(times_s):
    strip = Strip()
    white = np.full((40, 160, 3), 255, np.uint8)
    for time_s in times_s:
        strip.add(white, time_s)
    return strip


@pytest.mark.parametrize(
    ("seconds", "expected", "shape"),
    [(0.04, 1, (40, 160)), (0.96, 1, (40, 160)), (1.04, 2, (40, 320)), (9.5, 10, (40, 1600)),
     (10.5, 11, (80, 1600)), (35.0, 35, (160, 1600))],
)  # fmt: skip
def test_the_strip_has_a_cell_for_each_second(seconds, expected, shape):
    picture = strip_of([i / 25 for i in range(round(seconds * 25))]).picture()
    assert cells(picture) == expected
    assert picture.shape[:2] == shape


def test_the_strip_of_a_long_video_stays_small():
    strip, most = Strip(), 0
    white = np.full((40, 160, 3), 255, np.uint8)
    tracemalloc.start()
    for i in range(3000 * 2):
        strip.add(white, i / 2)
        most = max(most, len(strip._shown))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most <= 301
    assert peak < 0.5 * 301 * white.nbytes  # they are compressed
    assert 150 <= cells(strip.picture()) <= 301


def test_thumbnails_show_what_was_written(make, tmp_path):
    source = make_clip(tmp_path / "in.mp4", pictures(3), rate=1)
    anonymized(make(), source, tmp_path / "out.mp4", crf=4, report=tmp_path)
    strip = images.read(tmp_path / "out.mp4.png").pixels
    assert strip.shape == (120, 480, 3)
    for i, image in enumerate(seen_pictures(tmp_path / "out.mp4")):
        small = cv2.resize(image, (160, 120), interpolation=cv2.INTER_AREA).astype(int)
        assert np.abs(strip[:, 160 * i : 160 * (i + 1)] - small).mean() < 5


@pytest.mark.parametrize("tones", [0, 2])
def test_none_or_two_sounds(make, tmp_path, tones):
    source = make_clip(tmp_path / "in.mp4", pictures(8), tones=tones)
    anonymized(make(), source, tmp_path / "out.mp4")
    assert len(sound_packets(tmp_path / "out.mp4")) == tones
    assert sound_packets(tmp_path / "out.mp4") == sound_packets(source)


def test_sound_can_be_left_out(make, tmp_path, source):
    anonymized(make(), source, tmp_path / "out.mp4", sound=False)
    assert sound_packets(tmp_path / "out.mp4") == []
    assert times(tmp_path / "out.mp4") == times(source)


def test_a_turned_video_is_anonymized_upright(make, tmp_path):
    """The file holds the frames lying; they are seen upright, and so are their faces."""
    lying = [np.ascontiguousarray(np.rot90(image, -1)) for image in pictures(8)]
    source = make_clip(tmp_path / "in.mp4", lying, rotation=90)
    report = anonymized(make(), source, tmp_path / "out.mp4")
    assert report.tracks[0].synthesized == 8
    with av.open(str(tmp_path / "out.mp4")) as container:
        first = next(container.decode(video=0))
        assert (first.width, first.height, first.rotation) == (128, 96, 0)


def test_odd_sizes_and_ten_bits(make, tmp_path):
    odd = make_clip(tmp_path / "odd.mp4", pictures(5, (127, 95)), pix_fmt="yuv444p")
    deep = make_clip(tmp_path / "deep.mp4", pictures(5), pix_fmt="yuv420p10le")
    for source, shape in ((odd, (95, 127, 3)), (deep, (96, 128, 3))):
        report = anonymized(make(), source, tmp_path / "out.mp4")
        assert report.tracks[0].synthesized == 5
        assert {image.shape for image in seen_pictures(tmp_path / "out.mp4")} == {shape}


def test_webm_is_written(make, tmp_path):
    source = make_clip(tmp_path / "in.mp4", pictures(6), tones=1, audio_codec="libopus")
    report = anonymized(make(), source, tmp_path / "out.webm")
    assert report.frames == 6
    with av.open(str(tmp_path / "out.webm")) as container:
        assert container.streams.video[0].codec_context.name in ("vp9", "libvpx-vp9")
    assert len(seen_pictures(tmp_path / "out.webm")) == 6
    heard, expected = sound_packets(tmp_path / "out.webm"), sound_packets(source)
    assert [data for data, _ in heard[0]] == [data for data, _ in expected[0]]


def test_webm_without_sound_takes_any_input(make, tmp_path, source):
    assert anonymized(make(), source, tmp_path / "out.webm", sound=False).frames == 20


def test_portraits_are_written_as_a_video(make, tmp_path):
    source = make_clip(tmp_path / "in.mp4", two_faces(5))
    anonymizer = make(mode="portrait", portrait_size_px=64)
    report = anonymized(anonymizer, source, tmp_path / "out.mp4")
    assert report.frames == 5
    assert {image.shape for image in seen_pictures(tmp_path / "out.mp4")} == {(64, 64, 3)}


def test_a_portrait_of_nobody_is_black(make, tmp_path):
    source = make_clip(tmp_path / "in.mp4", [draw(size_wh=SIZE_WH)] * 4)
    anonymizer = make(mode="portrait", portrait_size_px=64)
    anonymized(anonymizer, source, tmp_path / "out.mp4")
    assert max(image.max() for image in seen_pictures(tmp_path / "out.mp4")) < 8


def test_the_portrait_is_the_first_tracks():
    heads = tuple(np.full((4, 4, 3), i, np.uint8) for i in range(3))
    result = Result(None, heads, (), np.zeros((4, 4), bool), 1)
    film = Film(0, None, (4, 4), VideoOptions(1))
    assert film._shown(Anonymized(result, (7, 2, 5), 0)) is heads[1]


def test_a_video_of_nobody_passes(make, tmp_path):
    source = make_clip(tmp_path / "in.mp4", [draw(size_wh=SIZE_WH)] * 6)
    report = anonymized(make(), source, tmp_path / "out.mp4", crf=4)
    assert (report.frames, report.faces, report.tracks) == (6, 0, {})
    pairs = zip(seen_pictures(source), seen_pictures(tmp_path / "out.mp4"), strict=True)
    assert all(np.abs(a.astype(int) - b).mean() < 2 for a, b in pairs)


def test_the_seed_and_the_name_decide(make, tmp_path, source):
    def first(out, **options):
        anonymized(make(), source, tmp_path / out, **options)
        return seen_pictures(tmp_path / out)[0]

    a, b, c = first("a.mp4"), first("b.mp4"), first("c.mp4", seed=2)
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


def test_who_the_new_face_is_depends_on_the_videos_name(make, tmp_path, source, monkeypatch):
    told = set()
    add = VideoReport.add

    def remember(self, frame, time_s, video=0):
        told.update(face.seed for face in frame.result.faces)
        add(self, frame, time_s, video)

    monkeypatch.setattr(VideoReport, "add", remember)
    anonymized(make(), source, tmp_path / "out.mp4", seed=5)
    assert told == {seeds.face_seed(5, "in.mp4", 0)}


def test_a_lower_crf_is_larger_and_the_usual_one_lies_between(make, tmp_path, source):
    sizes = []
    for crf in (0, None, 45):
        anonymized(make(), source, tmp_path / "out.mp4", crf=crf, sound=False)
        sizes.append((tmp_path / "out.mp4").stat().st_size)
    assert sizes[0] > 1.5 * sizes[1] > 1.5 * 1.2 * sizes[2]


def test_progress_is_told_for_every_frame(make, tmp_path, source):
    steps = []
    options = VideoOptions(seed=1)
    anonymize_video(make(), source, tmp_path / "out.mp4", options, lambda: steps.append(1))
    assert len(steps) == 20


def test_damage_is_told_and_leaves_nothing(make, tmp_path):
    damaged = damaged_clip(tmp_path)
    with pytest.raises(InputError, match=r"damaged\.mp4.*`salvage`"):
        anonymized(make(), damaged, tmp_path / "o" / "out.mp4")
    assert files(tmp_path / "o") == []


def test_what_comes_before_the_damage_is_salvaged(make, tmp_path):
    damaged = damaged_clip(tmp_path)
    report = anonymized(
        make(), damaged, tmp_path / "o" / "out.mp4", salvage=True, report=tmp_path / "o"
    )
    assert 3 < report.frames < 30
    assert "damaged.mp4" in report.salvaged
    assert len(seen_pictures(tmp_path / "o" / "out.mp4")) == report.frames
    assert json.loads((tmp_path / "o" / "out.mp4.json").read_text())["salvaged"]
    assert not scraps(tmp_path)


def test_salvage_changes_nothing_for_a_whole_video(make, tmp_path, source):
    report = anonymized(make(), source, tmp_path / "out.mp4", salvage=True)
    assert report.salvaged is None
    assert times(tmp_path / "out.mp4") == times(source)


@pytest.mark.parametrize("data", [b"", b"no video\n" * 500, b"\0" * 9999])
@pytest.mark.parametrize("salvage", [False, True])
def test_what_is_no_video_is_told(make, tmp_path, data, salvage):
    (tmp_path / "in.mp4").write_bytes(data)
    with pytest.raises(UnreadableError, match=r"in\.mp4"):
        anonymized(make(), tmp_path / "in.mp4", tmp_path / "out.mp4", salvage=salvage)
    assert files(tmp_path) == ["in.mp4"]


def test_a_missing_input_is_told(make, tmp_path):
    with pytest.raises(UnreadableError, match=r"none\.mp4"):
        anonymized(make(), tmp_path / "none.mp4", tmp_path / "out.mp4")
    assert files(tmp_path) == []


def test_sound_alone_is_told(make, tmp_path):
    whole = make_clip(tmp_path / "in.mkv", pictures(5), tones=1)
    with av.open(str(whole)) as read, av.open(str(tmp_path / "sound.mkv"), "w") as write:
        copied = write.add_stream_from_template(read.streams.audio[0])
        for packet in read.demux(audio=0):
            if packet.dts is not None:
                packet.stream = copied
                write.mux(packet)
    with pytest.raises(UnreadableError, match="no pictures"):
        anonymized(make(), tmp_path / "sound.mkv", tmp_path / "out.mp4")


@pytest.mark.parametrize("mode", ["scene", "portrait"])
def test_a_video_of_no_frames_is_told(make, tmp_path, mode):
    """A stream of pictures that are none: only the sound has packets."""
    path = tmp_path / "in.mkv"
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25)
        video.width, video.height = 128, 96
        sound = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 8000, 0, Fraction(1, 8000)
        container.mux(sound.encode(frame))
    with pytest.raises(InputError, match=r"in\.mkv"):
        anonymized(make(mode=mode), path, tmp_path / "out.mp4")
    assert files(tmp_path) == ["in.mkv"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OutputError, MemoryError])
@pytest.mark.parametrize("after", [0, 7])
def test_a_writer_that_fails_leaves_nothing(make, tmp_path, source, monkeypatch, error, after):
    write, count = Writer.write, []

    def failing(self, timed):
        count.append(1)
        if len(count) > after:
            raise error("stop")
        write(self, timed)

    monkeypatch.setattr(Writer, "write", failing)
    with pytest.raises(error, match="stop"):
        anonymized(make(), source, tmp_path / "out.mp4")
    assert files(tmp_path) == ["in.mp4"]


def test_an_interrupt_between_two_frames_leaves_nothing(make, tmp_path, source):
    count = []

    def interrupt():
        count.append(1)
        if len(count) == 9:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        options = VideoOptions(seed=1)
        anonymize_video(make(), source, tmp_path / "out.mp4", options, interrupt)
    assert files(tmp_path) == ["in.mp4"]


@pytest.mark.parametrize("stage", ["detector", "landmarker"])
def test_a_stage_that_fails_leaves_nothing(make, tmp_path, source, stage):
    anonymizer = make(**{stage: Fails(stages()[stage], 2)})
    with pytest.raises(RuntimeError, match="out of memory"):
        anonymized(anonymizer, source, tmp_path / "out.mp4")
    assert files(tmp_path) == ["in.mp4"]


def test_a_face_that_must_be_redrawn_and_is_not_leaves_nothing(make, tmp_path):
    clip = [draw(Disc(60, 40, 14, level=NO_LANDMARKS), size_wh=SIZE_WH)] * 6
    source = make_clip(tmp_path / "in.mp4", clip)
    with pytest.raises(FaceNotRedrawnError):
        anonymized(make(on_failure="error"), source, tmp_path / "out.mp4")
    assert files(tmp_path) == ["in.mp4"]


def test_an_unknown_codec_leaves_nothing(make, tmp_path, source):
    with pytest.raises(OptionError, match="nonsense: no such codec here; there are h264"):
        anonymized(make(), source, tmp_path / "out.mp4", codec="nonsense")
    assert files(tmp_path) == ["in.mp4"]


def test_outputs_that_make_no_sense_are_refused(make, tmp_path, source):
    before = source.read_bytes()
    (tmp_path / "link.mp4").symlink_to(source)
    (tmp_path / "hard.mp4").hardlink_to(source)
    (tmp_path / "folder.mp4").mkdir()
    for name in ("in.mp4", "link.mp4", "hard.mp4"):
        with pytest.raises(OutputError, match="is the input"):
            anonymized(make(), source, tmp_path / name)
    with pytest.raises(OutputError, match="is a folder"):
        anonymized(make(), source, tmp_path / "folder.mp4")
    for name in ("out.txt", "out", "out.png", "out.mp3"):
        with pytest.raises(OptionError, match=r"videos are written as \.mp4"):
            anonymized(make(), source, tmp_path / name)
    assert source.read_bytes() == before
    assert files(tmp_path) == ["folder.mp4", "hard.mp4", "in.mp4", "link.mp4"]


def test_outputs_that_make_sense_are_not_refused(tmp_path):
    for name in ("out.mp4", "OUT.MP4", "a.mov", "new/a.mkv", "a.webm", "a.m4v"):
        check_video_output(tmp_path / "none.mp4", tmp_path / name)


def test_a_suffix_in_capitals_works(make, tmp_path, source):
    anonymized(make(), source, tmp_path / "OUT.MP4")
    assert times(tmp_path / "OUT.MP4") == times(source)


def frame_of(*outcomes, tracks=None):
    faces = tuple(Face(i, (0, 0, 9, 9), 0.9, o, 1) for i, o in enumerate(outcomes))
    result = Result(None, (), faces, np.zeros((4, 4), bool), 1)
    return Anonymized(result, tuple(range(len(faces)) if tracks is None else tracks), 0)


def test_a_report_tells_tracks_times_and_reasons():
    report, none_kept = VideoReport(seed=4), {"kept": 0, "kept_because": None}
    report.add(frame_of("synthesized", "filled: dark", tracks=(3, 8)), 0.5)
    report.add(frame_of("filled: dark", tracks=(8,)), 1.25)
    report.add(frame_of(), 2.0)
    report.add(frame_of("synthesized", "filled: far", tracks=(8, 9)), 3.0)
    assert json.loads(json.dumps(report.as_dict())) == {
        "frames": 4,
        "faces": 5,
        "kept": 0,
        "seed": 4,
        "tracks": {
            "3": {"first_s": 0.5, "last_s": 0.5, "synthesized": 1, "filled": 0} | none_kept,
            "8": {"first_s": 0.5, "last_s": 3.0, "synthesized": 1, "filled": 2} | none_kept,
            "9": {"first_s": 3.0, "last_s": 3.0, "synthesized": 0, "filled": 1} | none_kept,
        },
        "filled_s": [0.5, 1.25, 3.0],
        "reasons": {"dark": 2, "far": 1},
        "sound": "none",
        "dropped": [],
        "searched": 0,
        "covered_by_audit": [],
        "salvaged": None,
    }


@pytest.mark.slow
def test_an_astronaut_who_moves_is_one_nobody_in_all_frames(tmp_path):
    """With the shipped models: her head on a drawn background."""
    head = astronaut()[20:240, 130:320]
    y, x = np.mgrid[:320, :320]
    ground = np.stack([90 + x // 5, 120 + y // 6, 150 - x // 6], -1).astype(np.uint8)
    clip = []
    for i in range(30):
        image = ground.copy()
        image[40 + i : 260 + i, 20 + 3 * i : 210 + 3 * i] = head
        clip.append(image)
    source = make_clip(tmp_path / "in.mp4", clip, tones=1)
    report = anonymize_video(
        Anonymizer(threads=1), source, tmp_path / "out.mp4", VideoOptions(seed=1)
    )
    assert report.frames == 30
    assert set(report.tracks) == {0}
    assert (report.tracks[0].synthesized, report.tracks[0].filled) == (30, 0)
    written = seen_pictures(tmp_path / "out.mp4")
    assert len(written) == 30
    assert times(tmp_path / "out.mp4") == times(source)
    assert sound_packets(tmp_path / "out.mp4") == sound_packets(source)
    for i, (old, new) in enumerate(zip(clip, written, strict=True)):
        face = np.s_[40 + i + 60 : 40 + i + 140, 20 + 3 * i + 70 : 20 + 3 * i + 125]
        assert np.abs(old[face].astype(int) - new[face]).mean() > 8, i


def test_a_report_with_a_covered_face_can_be_written():
    report = VideoReport()
    report.add(frame_of("filled: dark"), 0.5)
    assert json.loads(json.dumps(report.as_dict()))["reasons"] == {"dark": 1}


def test_a_truncated_file_is_no_video_unless_salvaged(tmp_path, make_anonymizer):
    source = make_clip(tmp_path / "in.mp4", pictures(40), crf=1, muxing={"movflags": "+faststart"})
    damaged = cut(source, tmp_path / "cut.mp4", 0.6)
    anonymizer = make_anonymizer(**stages())
    report = anonymize_video(anonymizer, damaged, tmp_path / "a.mp4", VideoOptions(1, salvage=True))
    assert report.frames < 40
    assert report.salvaged
    with pytest.raises(InputError, match="`salvage`"):
        anonymize_video(anonymizer, damaged, tmp_path / "b.mp4", VideoOptions(1))


def test_the_strip_of_a_video_that_starts_late():
    assert cells(strip_of([100 + i / 25 for i in range(50)]).picture()) == 2


def test_the_strip_of_a_video_with_a_gap():
    assert cells(strip_of([0, 0.5] + [60 + i / 25 for i in range(25)]).picture()) == 2


def test_sound_that_webm_cannot_hold_is_coded_anew(tmp_path, make_anonymizer):
    source = make_clip(tmp_path / "in.mp4", pictures(25), tones=1)
    out = tmp_path / "out.webm"
    report = anonymize_video(make_anonymizer(**stages()), source, out, VideoOptions(1))
    assert report.sound == "coded anew"
    with av.open(str(source)) as old, av.open(str(out)) as new:
        assert new.streams.audio[0].codec_context.name == "opus"
        seconds = [
            sum(frame.samples for frame in movie.decode(audio=0)) / movie.streams.audio[0].rate
            for movie in (old, new)
        ]
    assert seconds[1] == pytest.approx(seconds[0], abs=0.06)
