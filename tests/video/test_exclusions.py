"""A face's colour is who it is: the fake recogniser reads it off, a hundredth a level."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganonymization.errors import InputError, OptionError, UnreadableError
from ganonymization.io import images
from ganonymization.io.images import Picture
from ganonymization.video import exclusions
from ganonymization.video.exclusions import KeptPeople, Region, Regions, both
from ganonymization.video.sightings import Sighting
from ganonymization.video.waiting import Frame

from ..conftest import face_landmarks
from .test_frames import stages
from .test_tracking import BLUE, NO_LANDMARKS, Disc, draw

LARGE, SMALL = 24.5, 23.5  # between the outer eye corners, in pixels
MIDDLE_Y, ROOM = 60, 100  # where faces are, and how much of the width each has


class Recogniser:
    """Reads who a face is off the pixel in its middle."""

    same_person = 1.2  # so faces are kept nearer than 0.9, and 0.2 nearer than others

    def __init__(self):
        self.calls = 0

    def __call__(self, image, landmarks_px):
        self.calls += 1
        corners = landmarks_px[[33, 263], :2]
        x, y = corners.mean(0).round().astype(int)
        return image[y, x] / 100.0


def frame(number, faces, cut=False, eyes_px=LARGE, hidden=()):
    """A frame whose faces are so far from the person at 0: a distance, or three numbers."""
    image, seen = np.full((120, 1000, 3), 255, np.uint8), {}
    for track, who in faces.items():
        x = ROOM // 2 + ROOM * track
        numbers = (who, 0, 0) if isinstance(who, float) else who
        image[MIDDLE_Y, x] = np.round(100 * np.array(numbers))
        points = face_landmarks((x, MIDDLE_Y), eyes_px)
        if track in hidden:
            seen[track] = Sighting(Sighting.of(points, 0.9).box_xyxy, None, 0.9)
        else:
            seen[track] = Sighting.of(points, 0.9)
    return Frame(image, number, number, seen, starts_shot=cut)


def one_person(recogniser=None):
    return KeptPeople(recogniser or Recogniser(), ["me.jpg"], [np.zeros(3)])


def kept_in(people, frames):
    """For each frame the tracks that stay."""
    return [set(people(each)) for each in frames]


def clip(faces, length=24):
    """The same faces in every frame; a list of distances tells one for each of the looks."""
    return [
        frame(i, {t: d[i // 4] if isinstance(d, list) else d for t, d in faces.items()})
        for i in range(length)
    ]


def frames_with(kept, track=0):
    return [i for i, tracks in enumerate(kept) if track in tracks]


PATIENT = settings(deadline=None)  # whatever else the machine does
NUMBERS = st.integers(0, 4000).map(lambda n: n / 4)


@PATIENT
@given(NUMBERS, NUMBERS, NUMBERS, NUMBERS)
def test_what_is_given_as_corners_is_read(x1, y1, width, height):
    x2, y2 = x1 + width + 1, y1 + height + 1
    assert Region.parse(f"{x1},{y1},{x2},{y2}") == Region((x1, y1, x2, y2))


@PATIENT
@given(NUMBERS, NUMBERS)
def test_what_is_given_as_times_is_read(start, length):
    end = start + length + 0.25
    assert Region.parse(f"@{start}-{end}") == Region(None, start, end)
    assert Region.parse(f"1,2,3,4@{start}-{end}") == Region((1, 2, 3, 4), start, end)


@PATIENT
@given(st.text("0123456789.,@- x", max_size=24))
def test_whatever_is_given_is_a_region_that_holds_something_or_an_error(text):
    try:
        region = Region.parse(text)
    except OptionError as error:
        assert repr(text) in str(error)
        return
    assert region.start_s < region.end_s
    if region.box_xyxy is not None:
        left, top, right, bottom = region.box_xyxy
        assert left < right
        assert top < bottom


def test_the_form_in_the_help_is_read():
    assert Region.parse("0,0,640,360@12.5-60") == Region((0, 0, 640, 360), 12.5, 60)
    assert Region.parse(" 0, 0, 640, 360 @ 12.5 - 60 ") == Region((0, 0, 640, 360), 12.5, 60)
    assert Region.parse("1,2,3,4") == Region((1, 2, 3, 4), 0, float("inf"))


@pytest.mark.parametrize(
    "text",
    ["", " ", "@", "@5", "@5-", "@-5", "5-6", "1,2,3", "1,2,3,4,5", "1,2,3,4@", "1,2,3,4@5",
     "-1,2,3,4", "1;2;3;4", "a,b,c,d", "1,2,3,4@5-6@7-8", "@5-6,1,2,3,4", "nan,0,1,1", "0,0,inf,1",
     "1e2,0,200,1", "1.,2,3,4", ".5,2,3,4", "1,2,3,4\n", "@1:00-2:00"],
)  # fmt: skip
def test_other_forms_are_refused(text):
    with pytest.raises(OptionError, match="give X1,Y1,X2,Y2") as told:
        Region.parse(text)
    assert repr(text) in str(told.value)


@pytest.mark.parametrize(
    "text", ["3,2,3,4", "4,2,3,4", "1,4,3,4", "1,5,3,4", "@5-5", "@6-5", "1,2,3,4@6-5"]
)
def test_what_runs_backwards_is_refused(text):
    with pytest.raises(OptionError, match="must lie behind the first"):
        Region.parse(text)


@pytest.mark.parametrize(
    ("middle", "held"),
    [((10, 20), True), ((9.5, 20), False), ((10, 19.5), False), ((29.5, 49.5), True),
     ((30, 20), False), ((10, 50), False), ((15, 30), True)],
)  # fmt: skip
def test_a_region_holds_faces_whose_middle_lies_in_it(middle, held):
    """Left and upper edges belong to it, right and lower ones do not."""
    x, y = middle
    region = Region((10, 20, 30, 50))
    assert region.holds((x - 40, y - 5, x + 40, y + 5), 3.0) is held


@pytest.mark.parametrize(
    ("time_s", "held"), [(1.99, False), (2, True), (3.99, True), (4, False), (5, False)]
)
def test_a_region_holds_faces_from_its_start_up_to_its_end(time_s, held):
    assert Region(None, 2, 4).holds((0, 0, 9, 9), time_s) is held
    assert Region((0, 0, 9, 9), 2, 4).holds((0, 0, 9, 9), time_s) is held
    assert not Region((0, 0, 9, 9), 2, 4).holds((20, 0, 29, 9), time_s)


def test_a_region_without_end_holds_always():
    assert Region((0, 0, 9, 9)).holds((0, 0, 9, 9), 1e9)
    assert Region().holds((0, 0, 9, 9), 0)


@PATIENT
@given(NUMBERS, NUMBERS, st.integers(1, 40))
def test_regions_side_by_side_hold_each_face_once(x, y, side):
    """None is lost, and none counted twice, where two regions meet."""
    face, split = (x, y, x + side, y + side), (x + side / 2, y + side / 2)
    parts = [
        Region((left, top, right, bottom))
        for left, right in ((0, split[0]), (split[0], 9999))
        for top, bottom in ((0, split[1]), (split[1], 9999))
        if left < right and top < bottom
    ]
    assert sum(part.holds(face, 0) for part in parts) == 1


def boxed(*middles, payload=0):
    seen = {t: Sighting((x - 5, 0, x + 5, 9), None, 0.9) for t, x in enumerate(middles)}
    return Frame(np.zeros((9, 9, 3), np.uint8), payload, 0, seen)


LEFT, RIGHT = Region((0, 0, 50, 99)), Region((50, 0, 100, 99))
MIDDLE = Region((40, 0, 60, 99))


@pytest.mark.parametrize(
    ("ignored", "only", "kept"),
    [
        ([], [], {}),
        ([LEFT], [], {0: "ignored", 1: "ignored"}),
        ([LEFT, RIGHT], [], {0: "ignored", 1: "ignored", 2: "ignored", 3: "ignored"}),
        ([], [LEFT], {2: "outside", 3: "outside"}),
        ([], [LEFT, RIGHT], {}),
        ([MIDDLE], [LEFT], {1: "ignored", 2: "ignored", 3: "outside"}),
    ],
)
def test_faces_are_kept_by_where_they_are(ignored, only, kept):
    told = Regions(ignored, only, lambda frame: 0.0)(boxed(10, 45, 55, 90))
    reasons = {"ignored": "in an ignored region", "outside": "outside of the regions asked for"}
    assert told == {track: reasons[word] for track, word in kept.items()}


def test_regions_ask_for_the_time_of_the_frame():
    """Outside of the time asked for, every face stays."""
    second, frames = [Region(None, 1, 2)], [boxed(10, payload=i) for i in (24, 25, 49, 50)]
    only = Regions([], second, lambda frame: frame.payload / 25)
    assert [0 in only(each) for each in frames] == [True, False, False, True]
    ignored = Regions(second, [], lambda frame: frame.payload / 25)
    assert [0 in ignored(each) for each in frames] == [False, True, True, False]


def test_a_face_stays_after_three_good_looks_in_a_row():
    """One of the faces is looked at in every fourth frame."""
    people = one_person()
    looks = []
    for each in clip({0: 0.3}, 14):
        kept = people(each)
        looks.append((people.recogniser.calls, kept))
    assert [calls for calls, _ in looks] == [1] * 4 + [2] * 4 + [3] * 4 + [4] * 2
    assert [kept for _, kept in looks] == [{}] * 8 + [{0: "me.jpg, by the recogniser"}] * 6


def test_nobody_is_kept_without_a_person():
    assert kept_in(KeptPeople(Recogniser(), [], []), clip({0: 0.0}, 20)) == [set()] * 20


@pytest.mark.parametrize(
    ("distance", "kept"), [(0.0, True), (0.89, True), (0.9, False), (1.1, False)]
)
def test_a_face_stays_only_well_below_the_recognisers_own_distance(distance, kept):
    """Its own is 1.2; three quarters of that are asked for."""
    assert any(kept_in(one_person(), clip({0: distance}))) is kept


@pytest.mark.parametrize(("distance", "kept"), [(0.74, True), (0.75, False)])
def test_a_face_just_as_far_as_asked_for_does_not_stay(distance, kept):
    recogniser = Recogniser()
    recogniser.same_person = 1.0
    assert any(kept_in(one_person(recogniser), clip({0: distance}))) is kept


def test_the_worst_of_the_three_looks_decides():
    for bad in range(3):
        distances = [0.1] * 3
        distances[bad] = 0.95
        assert frames_with(kept_in(one_person(), clip({0: distances}, 12))) == []


def test_a_later_look_that_fails_takes_it_back():
    distances = [0.1, 0.1, 0.1, 0.1, 0.95, 0.1, 0.1, 0.1]
    kept = frames_with(kept_in(one_person(), clip({0: distances}, 32)))
    assert kept == [*range(8, 16), *range(28, 32)]


@pytest.mark.parametrize("bad", [1, 2])
def test_a_look_that_gives_no_number_fails(bad):
    class Broken(Recogniser):
        def __call__(self, image, landmarks_px):
            numbers = super().__call__(image, landmarks_px)
            return numbers * np.nan if self.calls == bad + 1 else numbers

    assert frames_with(kept_in(one_person(Broken()), clip({0: 0.1}, 12))) == []


@pytest.mark.parametrize(
    ("other", "kept"), [(0.3, False), (0.49, False), (0.51, True), (0.95, True), (2.5, True)]
)
def test_a_face_stays_only_if_no_other_is_nearly_as_near(other, kept):
    """A sixth of the recogniser's distance, 0.2, must lie between them."""
    told = kept_in(one_person(), clip({0: 0.3, 1: other}))
    assert frames_with(told) == (list(range(8, 24)) if kept else [])
    assert frames_with(told, 1) == []


def test_of_a_person_and_a_lookalike_neither_stays():
    assert not any(kept_in(one_person(), clip({0: 0.1, 1: 0.2})))
    assert not any(kept_in(one_person(), clip({0: 0.2, 1: 0.1})))
    assert not any(kept_in(one_person(), clip({0: 0.1, 1: 0.1})))


def test_every_other_face_counts_not_only_the_next():
    faces = {0: 0.3, 1: 2.0, 2: 0.4, 3: 2.0}
    assert not any(kept_in(one_person(), clip(faces)))
    assert frames_with(kept_in(one_person(), clip(faces | {2: 2.0}))) == list(range(8, 24))


def test_the_nearest_of_a_lookalikes_looks_counts_to_the_end_of_the_shot():
    """It is like the person in one look, in no other."""
    distances = [2.0, 2.0, 2.0, 0.4, 2.0, 2.0, 2.0]
    kept = frames_with(kept_in(one_person(), clip({0: 0.3, 1: distances}, 28)))
    assert kept == [8, 9, 10, 11]


def test_a_lookalike_who_comes_takes_it_back_at_once():
    """Its first look is in its first frame."""
    frames = [frame(i, {0: 0.3} | ({1: 0.4} if i >= 10 else {})) for i in range(20)]
    assert frames_with(kept_in(one_person(), frames)) == [8, 9]


def test_a_lookalike_who_has_gone_still_counts_in_the_shot():
    frames = [frame(i, {0: 0.3} | ({1: 0.4} if i < 6 else {})) for i in range(30)]
    assert not any(kept_in(one_person(), frames))


def test_a_lookalike_does_not_stay_when_the_person_turns_away():
    """As none stays when the person leaves: the docstring speaks of any face in the shot."""
    frames = [frame(i, {0: 0.1, 1: 0.4}, hidden=(0,) if i >= 14 else ()) for i in range(30)]
    assert frames_with(kept_in(one_person(), frames), 1) == []


def test_a_person_who_has_gone_is_not_kept():
    frames = [frame(i, {0: 0.3} if i < 10 else {1: 2.0}) for i in range(16)]
    assert kept_in(one_person(), frames)[8:] == [{0}] * 2 + [set()] * 6


def test_a_cut_forgets():
    frames = [frame(i, {0: 0.3}, cut=i in (0, 11)) for i in range(24)]
    assert frames_with(kept_in(one_person(), frames)) == [8, 9, 10, *range(19, 24)]


def test_a_cut_forgets_the_lookalike_too():
    frames = [frame(i, {0: 0.3} | ({1: 0.4} if i < 5 else {}), cut=i in (0, 5)) for i in range(20)]
    assert frames_with(kept_in(one_person(), frames)) == list(range(13, 20))


def test_a_face_that_is_not_seen_well_is_forgotten():
    """Then it is looked at in the first frame in which it is seen well again."""
    frames = [frame(i, {0: 0.3}, hidden=(0,) if i in (10, 11) else ()) for i in range(28)]
    people = one_person()
    assert frames_with(kept_in(people, frames)) == [8, 9, *range(20, 28)]
    assert people.recogniser.calls == 3 + 4


def test_a_face_that_is_too_small_is_forgotten():
    frames = [frame(i, {0: 0.3}, eyes_px=SMALL if i == 10 else LARGE) for i in range(28)]
    assert frames_with(kept_in(one_person(), frames)) == [8, 9, *range(19, 28)]


def test_a_face_that_is_always_small_is_never_looked_at():
    people = one_person()
    assert not any(kept_in(people, [frame(i, {0: 0.0}, eyes_px=SMALL) for i in range(20)]))
    assert people.recogniser.calls == 0


def test_a_hidden_face_beside_the_person_does_not_forget_the_person():
    frames = [frame(i, {0: 0.3, 1: 2.0}, hidden=(1,) if i > 9 else ()) for i in range(16)]
    assert frames_with(kept_in(one_person(), frames)) == list(range(8, 16))


ANN, BEN = (0.0, 0.0, 0.0), (2.5, 0.0, 0.0)


def two_people():
    return KeptPeople(Recogniser(), ["ann.jpg", "ben.jpg"], [np.array(ANN), np.array(BEN)])


def test_several_people_stay_each_by_their_name():
    people = two_people()
    frames = [frame(i, {0: (0.1, 0, 0), 3: (2.4, 0, 0), 5: (0, 2.5, 0)}) for i in range(9)]
    told = [people(each) for each in frames]
    assert told[:8] == [{}] * 8
    assert told[8] == {0: "ann.jpg, by the recogniser", 3: "ben.jpg, by the recogniser"}


def test_a_lookalike_of_one_person_does_not_take_back_another():
    people = two_people()
    frames = [
        frame(i, {0: (0.1, 0, 0), 1: (2.4, 0, 0), 2: (2.4, 0.1, 0)}) for i in range(12)
    ]  # fmt: skip
    assert kept_in(people, frames) == [set()] * 8 + [{0}] * 4


def test_two_pictures_of_one_person_are_no_trouble():
    people = KeptPeople(Recogniser(), ["a.jpg", "b.jpg"], [np.zeros(3), np.array([0.1, 0, 0])])
    assert frames_with(kept_in(people, clip({0: 0.05, 1: 2.0}))) == list(range(8, 24))


class ByColour:
    """Who a disc is: its colour."""

    same_person = 1.2

    def __call__(self, image, landmarks_px):
        x, y = landmarks_px[:, :2].mean(0).round().astype(int)
        return image[y, x] / 100.0


@pytest.fixture
def anonymizer(make_anonymizer):
    return make_anonymizer(**stages())


def written(path, *discs):
    images.write(path, Picture(draw(*discs)))
    return path


def test_people_are_taken_from_a_picture_each(anonymizer, tmp_path):
    red, blue = Disc(80, 50, 24), Disc(150, 55, 22, BLUE)
    pictures = [written(tmp_path / "r.png", red), written(tmp_path / "b.png", blue)]
    people = KeptPeople.of(pictures, anonymizer, ByColour())
    assert people.names == ["r.png", "b.png"]
    assert np.allclose(people.faces, [[2.3, 0.2, 0.2], [0.2, 0.2, 2.3]], atol=0.02)
    assert people.recogniser.same_person == 1.2


def test_people_of_pictures_stay_where_they_are_seen(anonymizer, tmp_path):
    picture = written(tmp_path / "b.png", Disc(60, 50, 26, BLUE))
    people = KeptPeople.of([picture], anonymizer, ByColour())
    pair = {0: Disc(60, 50, 26), 1: Disc(170, 60, 26, BLUE)}
    seen = {track: Sighting.of(disc.landmarks_px, 0.9) for track, disc in pair.items()}
    frames = [Frame(draw(*pair.values()), i, i, seen, i == 0) for i in range(12)]
    assert kept_in(people, frames) == [set()] * 8 + [{1}] * 4


@pytest.mark.parametrize(
    ("discs", "told"),
    [((), "0 faces"), ((Disc(60), Disc(160, colour=BLUE)), "2 faces"),
     ((Disc(80, level=NO_LANDMARKS),), "1 faces")],
)  # fmt: skip
def test_a_picture_must_show_one_face_well(anonymizer, tmp_path, discs, told):
    good = written(tmp_path / "good.png", Disc(80))
    with pytest.raises(InputError, match=rf"bad\.png: {told} found") as error:
        KeptPeople.of([good, written(tmp_path / "bad.png", *discs)], anonymizer, ByColour())
    assert "good.png" not in str(error.value)


def test_a_picture_that_cannot_be_read_is_told(anonymizer, tmp_path):
    with pytest.raises(UnreadableError, match=r"none\.png"):
        KeptPeople.of([tmp_path / "none.png"], anonymizer, ByColour())


def test_both_keep_what_any_keeps_and_the_first_says_why():
    keeper = both([lambda f: {1: "a", 2: "a"}, lambda f: {2: "b", 3: "b"}, lambda f: {}])
    assert keeper(boxed()) == {1: "a", 2: "a", 3: "b"}
    assert both([])(boxed(10)) == {}


def test_both_ask_every_keeper_about_every_frame():
    """People are looked at although a region keeps them already."""
    people = one_person()
    keeper = both([lambda f: {0: "here"} if f.number < 9 else {}, people])
    told = [keeper(each) for each in clip({0: 0.3}, 12)]
    assert told == [{0: "here"}] * 9 + [{0: "me.jpg, by the recogniser"}] * 3


def test_the_smallest_size_is_of_the_eyes_distance():
    assert exclusions._large_enough(face_landmarks((0, 0), LARGE, 0.7))
    assert not exclusions._large_enough(face_landmarks((0, 0), SMALL, 0.7))
