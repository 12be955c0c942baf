"""What is read of a video, which faces stay, boxes from elsewhere, and animations."""

import io
import json
import sys
from fractions import Fraction
from types import SimpleNamespace

import av
import numpy as np
import pytest
from PIL import Image as Pillow

from ganonymization.errors import GanonymizationError, InputError, OptionError, UnreadableError
from ganonymization.types import Detection
from ganonymization.video.animation import AnimationReader
from ganonymization.video.detections_json import read_boxes
from ganonymization.video.exclusions import Region
from ganonymization.video.file import check_video_output
from ganonymization.video.report import VideoReport

from ..conftest import box_of
from .test_animation import counted
from .test_container import make_clip, pictures, scraps, seen_pictures, sound_packets, times
from .test_file import SIZE_WH, anonymized, files
from .test_frames import stages
from .test_tracking import BLUE, NO_LANDMARKS, Disc, draw

LENGTH = 14
ALL = Region()


@pytest.fixture
def make(make_anonymizer):
    return lambda **options: make_anonymizer(**stages(**options))


def pair(i):
    """A face on the left and one on the right, in a frame."""
    return Disc(40 + i, 36, 14), Disc(120 - i, 44, 14, BLUE)


LEFT, RIGHT = Region((0, 0, 80, 96)), Region((80, 0, 160, 96))


@pytest.fixture
def source(tmp_path):
    clip = [draw(*pair(i), size_wh=SIZE_WH) for i in range(LENGTH)]
    return make_clip(tmp_path / "in.mp4", clip, tones=1)


@pytest.fixture
def results(monkeypatch):
    """What became of each frame, before it is coded."""
    frames, add = [], VideoReport.add

    def remember(self, frame, time_s, video=0):
        frames.append(frame)
        add(self, frame, time_s, video)

    monkeypatch.setattr(VideoReport, "add", remember)
    return frames


def inner(disc):
    """The middle of a face, in rows and columns."""
    left, top, right, bottom = (round(v) for v in box_of(disc.landmarks_px))
    return np.s_[top + 5 : bottom - 5, left + 5 : right - 5]


def kept_discs(source, results):
    """For each frame whether each face of the pair is as it was, bit for bit, or quite another."""
    told = []
    for i, (image, frame) in enumerate(zip(seen_pictures(source), results, strict=True)):
        gaps = [np.abs(image[inner(d)].astype(int) - frame.result.image[inner(d)]) for d in pair(i)]
        assert all(gap.max() == 0 or gap.mean() > 25 for gap in gaps), i
        told.append(tuple(bool(gap.max() == 0) for gap in gaps))
    return told


def test_without_options_no_face_stays(make, source, tmp_path, results):
    report = anonymized(make(), source, tmp_path / "out.mp4")
    assert kept_discs(source, results) == [(False, False)] * LENGTH
    assert report.kept == 0
    assert {track.kept_because for track in report.tracks.values()} == {None}


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"ignored": (LEFT,)}, (True, False)),
        ({"ignored": (RIGHT,)}, (False, True)),
        ({"ignored": (LEFT, RIGHT)}, (True, True)),
        ({"ignored": (ALL,)}, (True, True)),
        ({"only": (LEFT,)}, (False, True)),
        ({"only": (RIGHT,)}, (True, False)),
        ({"only": (LEFT, RIGHT)}, (False, False)),
        ({"only": (LEFT, RIGHT), "ignored": (LEFT,)}, (True, False)),
        ({"ignored": (Region((0, 0, 5, 5)),)}, (False, False)),
    ],
)
def test_faces_stay_by_where_they_are(make, source, tmp_path, results, options, kept):
    report = anonymized(make(), source, tmp_path / "out.mp4", **options)
    assert kept_discs(source, results) == [kept] * LENGTH
    assert (report.faces, report.kept) == (2 * LENGTH, sum(kept) * LENGTH)


def test_faces_stay_by_when_they_are_seen(make, source, tmp_path, results):
    """Up to the frame that is shown at the end of the time, without it."""
    ignored = (Region(None, 0.2, 0.4),)
    anonymized(make(), source, tmp_path / "out.mp4", ignored=ignored)
    assert kept_discs(source, results) == [(5 <= i < 10,) * 2 for i in range(LENGTH)]


def test_only_faces_in_a_place_and_time_are_anonymized(make, source, tmp_path, results):
    only = (Region(LEFT.box_xyxy, 0, 0.2),)
    anonymized(make(), source, tmp_path / "out.mp4", only=only)
    assert kept_discs(source, results) == [(i >= 5, True) for i in range(LENGTH)]


def test_times_are_those_of_the_video_not_frames_counted(make, tmp_path, results):
    pts = [0, 30, 70, 71, 130, 300, 310, 600, 601, 640, 700, 900, 1000, 1100]
    clip = [draw(*pair(i), size_wh=SIZE_WH) for i in range(LENGTH)]
    source = make_clip(tmp_path / "in.mp4", clip, pts=pts, time_base=Fraction(1, 600))
    ignored = (Region(None, 300 / 600, 640 / 600),)
    anonymized(make(), source, tmp_path / "out.mp4", ignored=ignored)
    assert kept_discs(source, results) == [(300 <= t < 640,) * 2 for t in pts]


def test_what_stays_is_seen_in_the_written_file(make, source, tmp_path):
    anonymized(make(), source, tmp_path / "out.mp4", ignored=(LEFT,), crf=4)
    frames = zip(seen_pictures(source), seen_pictures(tmp_path / "out.mp4"), strict=True)
    for i, (old, new) in enumerate(frames):
        gaps = [np.abs(old[inner(disc)].astype(int) - new[inner(disc)]).mean() for disc in pair(i)]
        assert gaps[0] < 4
        assert gaps[1] > 25


def test_a_keeper_of_people_is_asked_about_every_frame(make, source, tmp_path, results):
    """Its frames have the tracks and their sightings; what it names stays."""
    asked = []

    def keeper(frame):
        asked.append(frame.number)
        return {t: "a friend" for t, s in frame.seen.items() if s.box_xyxy[0] > 80}

    report = anonymized(make(), source, tmp_path / "out.mp4", people=keeper)
    assert asked == list(range(LENGTH))
    assert kept_discs(source, results) == [(False, True)] * LENGTH
    assert {t.kept_because for t in report.tracks.values()} == {None, "a friend"}


def test_people_and_regions_keep_together_and_people_are_told_first(
    make, source, tmp_path, results
):
    def keeper(frame):
        return {t: "a friend" for t, s in frame.seen.items() if s.box_xyxy[0] > 80}

    report = anonymized(make(), source, tmp_path / "a.mp4", people=keeper, ignored=(ALL,))
    assert kept_discs(source, results) == [(True, True)] * LENGTH
    because = {t.kept_because for t in report.tracks.values()}
    assert because == {"a friend", "in an ignored region"}


def test_a_face_that_cannot_be_drawn_can_stay(make, tmp_path):
    clip = [draw(Disc(60, 40, 14, level=NO_LANDMARKS), size_wh=SIZE_WH)] * 5
    source = make_clip(tmp_path / "in.mp4", clip)
    report = anonymized(make(on_failure="error"), source, tmp_path / "a.mp4", ignored=(ALL,))
    assert (report.faces, report.kept, report.filled_s) == (5, 5, [])


def test_the_report_tells_what_was_kept(make, source, tmp_path):
    """One face is kept for some frames and redrawn in the others."""
    ignored = (Region(LEFT.box_xyxy, 0.2, 0.4),)
    report = anonymized(make(), source, tmp_path / "out.mp4", ignored=ignored, report=tmp_path)
    told = json.loads((tmp_path / "out.mp4.json").read_text())
    assert told == json.loads(json.dumps(report.as_dict()))
    assert (told["frames"], told["faces"], told["kept"]) == (LENGTH, 2 * LENGTH, 5)
    of_kept = {"kept": 5, "synthesized": 9, "filled": 0, "kept_because": "in an ignored region"}
    of_other = {"kept": 0, "synthesized": 14, "filled": 0, "kept_because": None}
    times_s = {"first_s": 0.0, "last_s": 13 / 25}
    assert sorted(told["tracks"].values(), key=lambda t: -t["kept"]) == [
        times_s | of_kept,
        times_s | of_other,
    ]
    assert told["filled_s"] == []
    assert told["reasons"] == {}


def test_a_track_that_is_kept_at_the_end_is_told_to_its_end(make, source, tmp_path):
    report = anonymized(make(), source, tmp_path / "o.mp4", ignored=(Region(None, 0.3, 9),))
    assert [(t.first_s, t.last_s) for t in report.tracks.values()] == [(0, 13 / 25)] * 2
    report = anonymized(make(), source, tmp_path / "o.mp4", ignored=(Region(None, 0, 0.3),))
    assert [(t.first_s, t.last_s) for t in report.tracks.values()] == [(0, 13 / 25)] * 2


def test_kept_faces_have_no_portrait(make, source, tmp_path):
    """The head of the other one is shown; of none, black."""
    anonymizer = make(mode="portrait", portrait_size_px=64)
    anonymized(anonymizer, source, tmp_path / "a.mp4", ignored=(LEFT,))
    assert max(image.max() for image in seen_pictures(tmp_path / "a.mp4")) > 50
    anonymized(anonymizer, source, tmp_path / "b.mp4", ignored=(ALL,))
    assert max(image.max() for image in seen_pictures(tmp_path / "b.mp4")) < 8


def sound_ends_s(path):
    (packets,) = sound_packets(path)
    return float(packets[-1][1])


@pytest.fixture
def longer(tmp_path):
    return make_clip(tmp_path / "in.mp4", pictures(50), tones=1)


@pytest.mark.parametrize(("seconds", "frames"), [(0.5, 13), (0.01, 1), (2, 50), (99, 50)])
def test_so_many_seconds_are_read(make, longer, tmp_path, seconds, frames):
    report = anonymized(make(), longer, tmp_path / "out.mp4", seconds=seconds)
    assert report.frames == frames
    assert times(tmp_path / "out.mp4") == times(longer)[:frames]
    assert report.salvaged is None
    assert sound_ends_s(tmp_path / "out.mp4") < seconds + 0.2


def test_what_comes_after_the_seconds_may_be_damaged(make, tmp_path):
    fast = make_clip(tmp_path / "f.mp4", pictures(50), crf=1, muxing={"movflags": "+faststart"})
    data = fast.read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: int(0.8 * len(data))])
    assert anonymized(make(), tmp_path / "cut.mp4", tmp_path / "o.mp4", seconds=0.5).frames == 13
    with pytest.raises(InputError):
        anonymized(make(), tmp_path / "cut.mp4", tmp_path / "o2.mp4", seconds=2)


LATE = {"pts": [5000 + 40 * i for i in range(12)], "time_base": Fraction(1, 1000)}


def test_the_seconds_of_a_video_that_starts_late_are_its_own(make, tmp_path):
    """As of MPEG-TS, whose times go on for days."""
    source = make_clip(tmp_path / "in.mp4", pictures(12), **LATE)
    assert anonymized(make(), source, tmp_path / "out.mp4", seconds=0.3).frames == 8


def test_the_frame_at_the_end_of_the_seconds_is_not_read(make, tmp_path):
    source = make_clip(tmp_path / "in.mp4", pictures(14))
    assert anonymized(make(), source, tmp_path / "out.mp4", seconds=0.4).frames == 10


@pytest.mark.parametrize("after", [1, 7])
@pytest.mark.parametrize("out", ["out.mp4", "out.gif"])
def test_a_stop_ends_the_video_and_what_came_before_is_whole(make, longer, tmp_path, after, out):
    asked = []

    def stop():
        asked.append(1)
        return len(asked) > after

    report = anonymized(make(), longer, tmp_path / out, stop=stop)
    assert report.frames == after
    assert files(tmp_path) == ["in.mp4", out]
    if out == "out.mp4":
        assert times(tmp_path / out) == times(longer)[:after]
        assert sound_packets(tmp_path / out)[0]


@pytest.mark.parametrize("out", ["out.mp4", "out.gif"])
def test_a_stop_before_the_first_frame_is_told_and_leaves_nothing(make, longer, tmp_path, out):
    with pytest.raises(GanonymizationError):
        anonymized(make(), longer, tmp_path / out, stop=lambda: True)
    assert files(tmp_path) == ["in.mp4"]


def test_boxes_that_were_exported_give_the_same_faces(make, source, tmp_path, results):
    first = anonymized(make(), source, tmp_path / "a.mp4", export_boxes=tmp_path / "b.json")
    boxes = read_boxes(tmp_path / "b.json")
    assert [len(faces) for faces in boxes] == [2] * LENGTH
    for i, faces in enumerate(boxes):
        expected = sorted(box_of(disc.landmarks_px) for disc in pair(i))
        found = sorted(face.box_xyxy for face in faces)
        assert np.abs(np.subtract(found, expected)).max() < 3
    again = anonymized(make(detector=Blind()), source, tmp_path / "c.mp4", boxes=boxes)
    assert (again.faces, again.reasons) == (first.faces, {})
    assert set(again.tracks) == set(first.tracks)
    for a, b in zip(results[:LENGTH], results[LENGTH:], strict=True):
        for track in (0, 1):
            gap = np.subtract(a.boxes[track].box_xyxy, b.boxes[track].box_xyxy)
            assert np.abs(gap).max() < 3
        assert a.result.faces[0].seed == b.result.faces[0].seed


class Blind:
    """Sees none, so that only what it is told can be found."""

    def __call__(self, image):
        return []


def test_exported_boxes_tell_tracks_and_kept_faces_too(make, source, tmp_path):
    out = tmp_path / "new" / "b.json"
    report = anonymized(make(), source, tmp_path / "a.mp4", export_boxes=out, ignored=(LEFT,))
    told = json.loads(out.read_text())["frames"]
    assert report.kept == LENGTH
    assert {tuple(sorted(face["track"] for face in faces)) for faces in told} == {(0, 1)}
    assert {face["score"] for faces in told for face in faces} == {0.9}


def test_nothing_else_is_written_unless_asked_for(make, source, tmp_path):
    anonymized(make(), source, tmp_path / "a.mp4")
    assert files(tmp_path) == ["a.mp4", "in.mp4"]


def test_boxes_from_elsewhere_are_anonymized_and_nothing_else(make, source, tmp_path, results):
    """The detector would see both faces."""
    boxes = [[Detection(box_of(pair(i)[0].landmarks_px), 1.0)] for i in range(LENGTH)]
    report = anonymized(make(), source, tmp_path / "a.mp4", boxes=boxes)
    assert report.faces == LENGTH
    assert kept_discs(source, results) == [(False, True)] * LENGTH


def test_a_box_where_no_face_is_seen_is_covered(make, source, tmp_path):
    boxes = [[Detection((10, 60, 30, 90), 1.0)] for _ in range(LENGTH)]
    report = anonymized(make(), source, tmp_path / "a.mp4", boxes=boxes, crf=4)
    assert (report.faces, report.tracks[0].filled) == (LENGTH, LENGTH)
    frames = zip(seen_pictures(source), seen_pictures(tmp_path / "a.mp4"), strict=True)
    assert all(np.abs(a[65:85, 14:26].astype(int) - b[65:85, 14:26]).mean() > 10 for a, b in frames)


@pytest.mark.parametrize("told", [0, 1, LENGTH - 1])
@pytest.mark.parametrize("out", ["out.mp4", "out.gif"])
@pytest.mark.parametrize("salvage", [False, True])
def test_too_few_boxes_are_an_error_and_leave_nothing(make, source, tmp_path, told, out, salvage):
    """Salvage is of damaged videos."""
    options = {"boxes": [[]] * told, "export_boxes": tmp_path / "b.json", "salvage": salvage}
    with pytest.raises(InputError, match=f"boxes tell of {told} frames"):
        anonymized(make(), source, tmp_path / out, **options)
    assert files(tmp_path) == ["in.mp4"]


def test_more_boxes_than_frames_are_no_trouble(make, source, tmp_path):
    report = anonymized(make(), source, tmp_path / "a.mp4", boxes=[[]] * 99)
    assert (report.frames, report.faces) == (LENGTH, 0)


def animation(path, length=6, duration=40, **options):
    """Two faces that move, as an animation; without loss but for a GIF's colours."""
    clip = [Pillow.fromarray(draw(*pair(i), size_wh=SIZE_WH)) for i in range(length)]
    options |= {"lossless": True} if path.suffix == ".webp" else {}
    clip[0].save(path, save_all=True, append_images=clip[1:], duration=duration, **options)
    return path


def shown(path):
    """Frames and times, in milliseconds, of an animation."""
    with AnimationReader(path) as reader:
        frames = list(reader.frames())
        return [timed.image for timed in frames], [timed.pts for timed in frames]


@pytest.mark.parametrize("given", [".gif", ".webp"])
@pytest.mark.parametrize("out", [".gif", ".webp"])
def test_an_animation_is_anonymized(make, tmp_path, results, given, out):
    loop = counted(given, 2)
    source = animation(tmp_path / f"in{given}", duration=[100, 40, 70, 300, 40, 100], loop=loop)
    report = anonymized(make(), source, tmp_path / f"out{out}")
    assert (report.frames, report.faces, report.kept, report.sound) == (6, 12, 0, "none")
    assert {t.synthesized for t in report.tracks.values()} == {6}
    images, times_ms = shown(tmp_path / f"out{out}")
    assert times_ms == [0, 100, 140, 210, 510, 550]
    with AnimationReader(tmp_path / f"out{out}") as reader:
        assert reader.loops == 2
    for image, frame in zip(images, results, strict=True):
        assert np.abs(image.astype(int) - frame.result.image).mean() < 6
    for i, (old, new) in enumerate(zip(shown(source)[0], images, strict=True)):
        for disc in pair(i):
            assert np.abs(old[inner(disc)].astype(int) - new[inner(disc)]).mean() > 25
        assert np.abs(old[80:].astype(int) - new[80:]).mean() < 6
    assert files(tmp_path) == [f"in{given}", f"out{out}"]


@pytest.mark.parametrize("given", [".gif", ".webp"])
def test_an_animation_becomes_a_video(make, tmp_path, given):
    source = animation(tmp_path / f"in{given}", duration=[100, 40, 70, 300, 40, 100])
    report = anonymized(make(), source, tmp_path / "out.mp4")
    assert (report.frames, report.sound) == (6, "none")
    expected = [Fraction(ms, 1000) for ms in (0, 100, 140, 210, 510, 550)]
    assert times(tmp_path / "out.mp4") == expected
    assert report.tracks[0].last_s == 0.55


@pytest.mark.parametrize("out", [".gif", ".webp"])
def test_a_video_becomes_an_animation_without_end(make, source, tmp_path, out):
    report = anonymized(make(), source, tmp_path / f"out{out}")
    assert (report.frames, report.sound) == (LENGTH, "left out")
    images, times_ms = shown(tmp_path / f"out{out}")
    assert times_ms == [40 * i for i in range(LENGTH)]
    assert images[0].shape == (96, 160, 3)
    with AnimationReader(tmp_path / f"out{out}") as reader:
        assert reader.loops == 0


def test_options_work_for_animations_too(make, tmp_path, results):
    source = animation(tmp_path / "in.webp")
    report = anonymized(
        make(), source, tmp_path / "out.gif", seconds=0.125, ignored=(LEFT,),
        export_boxes=tmp_path / "b.json",
    )  # fmt: skip
    assert (report.frames, report.kept) == (4, 4)
    assert len(read_boxes(tmp_path / "b.json")) == 4
    assert len(shown(tmp_path / "out.gif")[0]) == 4
    for i, (old, frame) in enumerate(zip(shown(source)[0][:4], results, strict=True)):
        assert np.array_equal(old[inner(pair(i)[0])], frame.result.image[inner(pair(i)[0])])


def test_portraits_can_be_an_animation(make, tmp_path):
    anonymizer = make(mode="portrait", portrait_size_px=64)
    report = anonymized(anonymizer, animation(tmp_path / "in.gif"), tmp_path / "out.webp")
    assert report.frames == 6
    assert {image.shape for image in shown(tmp_path / "out.webp")[0]} == {(64, 64, 3)}


def damaged_animation(tmp_path):
    """Noise in a frame of a GIF."""
    noise = np.random.default_rng(0).integers(0, 256, (6, 96, 160, 3), np.uint8)
    first, *rest = (Pillow.fromarray(image) for image in noise)
    first.save(tmp_path / "in.gif", save_all=True, append_images=rest, duration=40)
    data = bytearray((tmp_path / "in.gif").read_bytes())
    place = int(0.55 * len(data))
    data[place : place + 2000] = b"\xff" * 2000
    (tmp_path / "in.gif").write_bytes(data)
    return tmp_path / "in.gif"


def test_a_damaged_animation_is_told_and_leaves_nothing(make, tmp_path):
    with pytest.raises(InputError, match=r"in\.gif: damaged after .* `salvage`"):
        anonymized(make(), damaged_animation(tmp_path), tmp_path / "out.gif")
    assert files(tmp_path) == ["in.gif"]


def test_what_comes_before_the_damage_of_an_animation_is_salvaged(make, tmp_path):
    source = damaged_animation(tmp_path)
    report = anonymized(make(), source, tmp_path / "out.gif", salvage=True)
    assert report.frames == 3
    assert "in.gif: damaged after" in report.salvaged
    assert len(shown(tmp_path / "out.gif")[0]) == 3


@pytest.mark.parametrize("data", [b"", b"hello"])
def test_what_is_no_animation_is_told(make, tmp_path, data):
    (tmp_path / "in.gif").write_bytes(data)
    with pytest.raises(UnreadableError, match=r"in\.gif"):
        anonymized(make(), tmp_path / "in.gif", tmp_path / "out.gif")
    assert files(tmp_path) == ["in.gif"]


def test_an_error_amid_an_animation_leaves_nothing(make, source, tmp_path):
    def keeper(frame):
        if frame.number == 8:
            raise RuntimeError("out of memory")
        return {}

    with pytest.raises(RuntimeError, match="out of memory"):
        anonymized(make(), source, tmp_path / "out.gif", people=keeper)
    assert files(tmp_path) == ["in.mp4"]
    with pytest.raises(RuntimeError, match="out of memory"):
        anonymized(make(), source, tmp_path / "out.mp4", people=keeper)
    assert files(tmp_path) == ["in.mp4"]


@pytest.mark.parametrize(
    ("out", "tones", "sound", "told"),
    [("out.mp4", 0, True, "none"), ("out.mp4", 0, False, "none"), ("out.mp4", 1, True, "copied"),
     ("out.mp4", 1, False, "left out"), ("out.webm", 2, True, "coded anew"),
     ("out.webp", 1, False, "left out"), ("out.webp", 0, True, "none")],
)  # fmt: skip
def test_the_report_tells_what_became_of_the_sound(make, tmp_path, out, tones, sound, told):
    source = make_clip(tmp_path / "in.mp4", pictures(4), tones=tones)
    report = anonymized(make(), source, tmp_path / out, sound=sound, report=tmp_path)
    assert report.sound == told
    assert json.loads((tmp_path / f"{out}.json").read_text())["sound"] == told
    if not out.endswith(".webp"):
        assert len(sound_packets(tmp_path / out)) == (tones if sound else 0)


def test_sound_that_nobody_can_decode_is_dropped_and_told(make, tmp_path):
    data = make_clip(tmp_path / "whole.mkv", pictures(4), tones=1).read_bytes()
    (tmp_path / "in.mkv").write_bytes(data.replace(b"A_AAC", b"A_XYZ"))
    report = anonymized(make(), tmp_path / "in.mkv", tmp_path / "out.mkv")
    assert (report.frames, report.sound) == (4, "left out")
    assert report.dropped == ["sound 1 (unknown kind)"]
    with pytest.raises(InputError, match=r"sound 1 \(unknown kind\)"):
        anonymized(make(), tmp_path / "in.mkv", tmp_path / "strict.mkv", strict=True)
    assert not (tmp_path / "strict.mkv").exists()


def test_a_video_without_usable_sound_can_do_without(make, tmp_path):
    data = make_clip(tmp_path / "whole.mkv", pictures(4), tones=1).read_bytes()
    (tmp_path / "in.mkv").write_bytes(data.replace(b"A_AAC", b"A_XYZ"))
    report = anonymized(make(), tmp_path / "in.mkv", tmp_path / "out.mkv", sound=False)
    assert (report.frames, report.sound, report.dropped) == (4, "left out", [])
    assert not scraps(tmp_path)


def test_a_stream_is_anonymized_onto_standard_output(make, source, tmp_path, monkeypatch):
    """Nothing is written beside it."""
    made = make_clip(tmp_path / "in.mkv", pictures(8), tones=1).read_bytes()
    (tmp_path / "in.mkv").unlink()
    source.unlink()
    output = io.BytesIO()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(made)))
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(buffer=output))
    report = anonymized(make(), "-", None)
    monkeypatch.undo()
    assert (report.frames, report.faces, report.sound) == (8, 8, "copied")
    assert files(tmp_path) == []
    with av.open(io.BytesIO(output.getvalue())) as container:
        assert sum(1 for _ in container.decode(video=0)) == 8


def test_what_can_be_written_is_told(tmp_path):
    for name in ("a.gif", "a.webp", "A.GIF", "new/a.webp"):
        check_video_output(tmp_path / "none.mp4", tmp_path / name)
    check_video_output("-", None)
    (tmp_path / "old.mp4").write_bytes(b"old")
    check_video_output("rtsp://here/a", tmp_path / "old.mp4")
    for name in ("a.apng", "a.png", "a"):
        with pytest.raises(OptionError, match=r"\.webm, \.gif, \.webp"):
            check_video_output("-", tmp_path / name)


@pytest.mark.parametrize("end", ["", ".json", ".png"])
def test_boxes_are_not_exported_over_what_is_written(make, source, tmp_path, end):
    boxes = tmp_path / f"out.mp4{end}"
    with pytest.raises(OptionError, match="name another file"):
        anonymized(make(), source, tmp_path / "out.mp4", export_boxes=boxes, report=tmp_path)
    assert files(tmp_path) == ["in.mp4"]
