import hashlib
from dataclasses import dataclass, field

import numpy as np
import pytest

from ganonymization.errors import InputError
from ganonymization.evaluation import look as looking
from ganonymization.evaluation.look import (
    ToObserve,
    look,
    observe_file,
    same_size,
    unchanged_shares,
)
from ganonymization.evaluation.observations import Observations
from ganonymization.evaluation.pairing import Pair
from ganonymization.evaluation.store import Store
from ganonymization.io import images
from ganonymization.io.images import Picture
from ganonymization.types import Skipped

RNG = np.random.default_rng(0)
BOX = np.array([[20, 20, 40, 60]], np.float32)
VERSION = "1 centerface fake"


def noise(shape=(80, 100, 3)):
    return RNG.integers(20, 235, shape, dtype=np.uint8)


def moved(pixels, levels):
    """Every channel some grey levels off, up or down."""
    return (pixels + levels * RNG.choice([-1, 1], pixels.shape)).astype(np.uint8)


@dataclass
class FakeObserver:
    """Sees one face in every picture, and remembers what it was asked."""

    asked: list
    blind: tuple = ()
    faceless: tuple = ()
    marked: list = field(default_factory=list)

    def __call__(self, files):
        for path, surroundings, marked_px in files:
            if marked_px is not None:
                self.marked.append((path.name, marked_px))
                yield {"embedding": marked_px[0].astype(np.float32)}
                continue
            self.asked.append((path.name, surroundings))
            if path.name in self.blind:
                yield Skipped(path, f"{path}: damaged", True)
                continue
            pixels = images.read(path).pixels
            seen = {
                "boxes": BOX,
                "size_hw": np.array(pixels.shape[:2], np.float32),
                "sharpness": pixels[:1, 0, 0].astype(np.float32),
                "landmarks_px": np.full((478, 3), pixels[0, 0, 0], np.float32),
            }
            if path.name in self.faceless:
                seen = {"boxes": BOX[:0], "size_hw": seen["size_hw"]}
            yield seen


@pytest.fixture
def folder(tmp_path):
    """Three originals and their outputs, all of another content."""
    for kind in ("original", "output"):
        for i in range(3):
            images.write(tmp_path / f"{kind}{i}.png", Picture(noise()))
    return tmp_path


@pytest.fixture
def pairs(folder):
    return [
        Pair(f"{i}.png", folder / f"original{i}.png", (folder / f"output{i}.png",))
        for i in range(3)
    ]


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "store.sqlite") as opened:
        yield opened


def looked(pairs, store, version=VERSION, blind=()):
    """What was seen, what was asked for, and how often progress was told."""
    observer, steps = FakeObserver([], blind), []
    found = look(pairs, observer, version, store, lambda: steps.append(1))
    return found, observer.asked, len(steps)


def test_originals_and_outputs_are_seen_side_by_side(pairs, store):
    found, asked, steps = looked(pairs, store)
    assert asked == [(f"{kind}{i}.png", kind == "original")
                     for i in range(3) for kind in ("original", "output")]  # fmt: skip
    assert steps == 6
    for pair, one in zip(pairs, found, strict=True):
        assert one.pair == pair
        assert one.problems == ()
        paths = (pair.original, pair.outputs[0])
        assert one.hashes == tuple(hashlib.sha256(p.read_bytes()).hexdigest() for p in paths)
        for path, values in zip(paths, (one.before, one.after), strict=True):
            assert values["sharpness"] == images.read(path).pixels[0, 0, 0]


def test_what_the_store_knows_is_not_asked_again(pairs, store):
    first, _, _ = looked(pairs, store)
    again, asked, steps = looked(pairs, store)
    assert asked == []
    assert steps == 6
    for a, b in zip(first, again, strict=True):
        assert a.hashes == b.hashes
        np.testing.assert_array_equal(a.before["boxes"], b.before["boxes"])
        assert (a.unchanged, a.surroundings) == (b.unchanged, b.surroundings)


def test_another_version_and_another_content_are_asked_anew(pairs, store):
    looked(pairs, store)
    assert len(looked(pairs, store, "2 centerface fake")[1]) == 6
    images.write(pairs[1].outputs[0], Picture(noise()))
    assert looked(pairs, store)[1] == [("output1.png", False)]


def test_what_was_seen_before_a_kill_is_kept(pairs, store):
    def killed(files):
        for i, values in enumerate(FakeObserver([])(files)):
            if i == 2:
                raise KeyboardInterrupt
            yield values

    with pytest.raises(KeyboardInterrupt):
        look(pairs, killed, VERSION, store, lambda: None)
    assert len(looked(pairs, store)[1]) == 4


def test_the_surroundings_of_an_original_that_was_passed_on_are_asked_for_once(pairs, store):
    """The same content as original and as output is looked at in both ways."""
    pairs[0].outputs[0].write_bytes(pairs[0].original.read_bytes())
    found, asked, _ = looked(pairs[:1], store)
    assert asked == [("original0.png", True), ("output0.png", False)]
    assert (found[0].unchanged, found[0].surroundings) == (1, 1)
    assert found[0].hashes[0] == found[0].hashes[1]


@pytest.mark.parametrize("which", ["original1.png", "output1.png"])
def test_what_cannot_be_read_is_left_out(pairs, store, which):
    found, _, steps = looked(pairs, store, blind=(which,))
    assert steps == 6
    assert [len(one.problems) for one in found] == [0, 1, 0]
    assert found[1].problems[0].unreadable
    assert found[1].problems[0].path.name == which
    assert (found[1].before is None, found[1].after is None) == (
        which == "original1.png", which == "output1.png"
    )  # fmt: skip
    assert np.isnan(found[1].unchanged)


def test_both_sides_that_cannot_be_read_are_told(pairs, store):
    found, _, _ = looked(pairs, store, blind=("original1.png", "output1.png"))
    assert [p.path.name for p in found[1].problems] == ["original1.png", "output1.png"]
    assert found[1].before is found[1].after is None


def test_what_could_not_be_read_is_asked_again_the_next_time(pairs, store):
    looked(pairs, store, blind=("output1.png",))
    assert looked(pairs, store)[1] == [("output1.png", False)]


def test_a_file_that_is_gone_is_left_out_and_not_asked_for(pairs, store):
    pairs[2].original.unlink()
    found, asked, _ = looked(pairs, store)
    assert len(asked) == 5
    assert found[2].before is None
    (problem,) = found[2].problems
    assert "cannot be read" in problem.reason
    assert found[2].hashes[0] == ""


def test_a_folder_against_itself_is_looked_at_in_both_ways(pairs, store):
    """One file as original and as output."""
    itself = Pair("0.png", pairs[0].original, (pairs[0].original,))
    (one,), asked, steps = looked([itself], store)
    assert sorted(asked) == [("original0.png", False), ("original0.png", True)]
    assert steps == 2
    assert (one.unchanged, one.surroundings) == (1, 1)


def test_a_recognisers_name_does_not_decide_what_is_asked(pairs, store):
    _, asked, _ = looked(pairs[:1], store, "1 centerface the original net.onnx")
    assert asked == [("original0.png", True), ("output0.png", False)]


def test_files_of_equal_content_are_asked_about_once(pairs, store):
    for pair in pairs[1:]:
        pair.outputs[0].write_bytes(pairs[0].outputs[0].read_bytes())
    found, asked, steps = looked(pairs, store)
    assert [surroundings for _, surroundings in asked] == [True, False, True, True]
    assert steps == 6
    sharpness = [one.after["sharpness"] for one in found]
    assert sharpness[0] == sharpness[1] == sharpness[2]


@pytest.fixture
def faceless(pairs, store):
    """A scene in which no face is found any more, and who was asked to find it all the same."""
    observer = FakeObserver([], faceless=("output1.png",))
    found = look(pairs, observer, VERSION, store, lambda: None)
    return found, observer.marked


def test_a_scene_without_a_face_is_read_where_the_original_one_was(pairs, faceless):
    found, ((name, marked_px),) = faceless
    assert name == "output1.png"
    np.testing.assert_array_equal(marked_px, found[1].before["landmarks_px"])
    np.testing.assert_array_equal(found[1].after["embedding"], marked_px[0])
    assert len(found[1].after["boxes"]) == 0
    assert "landmarks_px" not in found[1].after
    assert "embedding" not in found[0].after


def test_what_was_read_at_a_marked_place_is_not_asked_again(pairs, store, faceless):
    again = FakeObserver([])
    found = look(pairs, again, VERSION, store, lambda: None)
    assert again.marked == []
    np.testing.assert_array_equal(found[1].after["embedding"], faceless[0][1].after["embedding"])


def test_another_original_marks_another_place(pairs, store, faceless):
    images.write(pairs[1].original, Picture(noise()))
    again = FakeObserver([])
    (one,) = look(pairs[1:2], again, VERSION, store, lambda: None)
    assert [name for name, _ in again.marked] == ["output1.png"]
    np.testing.assert_array_equal(one.after["embedding"], one.before["landmarks_px"][0])


@pytest.mark.parametrize("hidden", [("original1.png",), ("original1.png", "output1.png")])
def test_without_a_face_in_the_original_no_place_is_marked(pairs, store, hidden):
    observer = FakeObserver([], faceless=hidden)
    look(pairs, observer, VERSION, store, lambda: None)
    assert observer.marked == []


def test_portraits_without_a_face_are_not_marked(pairs, store):
    images.write(pairs[1].outputs[0], Picture(noise((50, 50, 3))))
    observer = FakeObserver([], faceless=("output1.png",))
    found = look(pairs, observer, VERSION, store, lambda: None)
    assert observer.marked == []
    assert "embedding" not in found[1].after


def test_an_original_without_output_stands_alone(pairs, store):
    alone = Pair("0.png", pairs[0].original, ())
    (one,), asked, steps = looked([alone], store)
    assert asked == [("original0.png", True)]
    assert steps == 1
    assert one.after is None
    assert one.hashes[1] == ""
    assert np.isnan(one.unchanged) and np.isnan(one.surroundings)


def test_of_several_outputs_the_first_is_looked_at(pairs, store):
    both = Pair("0.png", pairs[0].original, (pairs[1].outputs[0], pairs[2].outputs[0]))
    assert looked([both], store)[1][1:] == [("output1.png", False)]


def test_outputs_of_another_size_show_no_scene(pairs, store, folder):
    images.write(folder / "output0.png", Picture(noise((50, 50, 3))))
    found, _, _ = looked(pairs, store)
    assert [np.isfinite(one.unchanged) for one in found] == [False, True, True]


def test_sizes_are_compared_in_both_directions():
    sizes = [{"size_hw": np.array(s, np.float32)} for s in ((4, 5), (4, 5), (4, 6), (6, 5))]
    assert [same_size(sizes[0], other) for other in sizes] == [True, True, False, False]


def test_a_copy_is_left_whole():
    pixels = noise()
    assert unchanged_shares(pixels, pixels.copy(), BOX) == (1, 1)


@pytest.mark.parametrize(("levels", "within", "around"), [(2, 1, 1), (3, 1, 1), (4, 0, 1),
                                                          (16, 0, 1), (17, 0, 0)])  # fmt: skip
def test_noise_of_some_grey_levels_is_no_change(levels, within, around):
    pixels = noise()
    assert unchanged_shares(pixels, moved(pixels, levels), BOX) == (within, around)


def test_a_redrawn_face_is_changed_within_and_left_around():
    pixels = noise()
    redrawn = pixels.copy()
    redrawn[20:61, 20:41] = 255 - redrawn[20:61, 20:41] // 2
    assert unchanged_shares(pixels, redrawn, BOX) == (0, 1)


def test_a_face_on_another_background_is_left_within_and_changed_around():
    pixels = noise()
    pasted = np.where(pixels > 127, 0, 255).astype(np.uint8)
    pasted[20:61, 20:41] = pixels[20:61, 20:41]
    assert unchanged_shares(pixels, pasted, BOX) == (1, 0)


def test_the_share_within_is_that_of_the_boxs_middle():
    """The middle half of 20 by 40 is 11 by 21 pixels; its upper 10 rows are changed."""
    pixels = noise()
    changed = pixels.copy()
    changed[:40, :] = moved(changed[:40, :], 50)
    within, _ = unchanged_shares(pixels, changed, BOX)
    assert within == pytest.approx(11 / 21)


def test_the_face_that_is_left_most_counts():
    pixels = noise()
    redrawn = moved(pixels, 50)
    second = np.array([[70, 10, 90, 40]], np.float32)
    redrawn[10:41, 70:91] = pixels[10:41, 70:91]
    assert unchanged_shares(pixels, redrawn, np.concatenate([BOX, second]))[0] == 1
    assert unchanged_shares(pixels, redrawn, np.concatenate([second, BOX]))[0] == 1
    assert unchanged_shares(pixels, redrawn, BOX)[0] == 0


@pytest.mark.parametrize("box", [(-30, -20, 20, 30), (85, 60, 130, 110), (-50, 20, 200, 60)])
def test_boxes_that_stick_out_of_the_picture_are_looked_at_inside(box):
    pixels = noise()
    boxes = np.array([box], np.float32)
    assert unchanged_shares(pixels, pixels, boxes)[0] == 1
    assert unchanged_shares(pixels, moved(pixels, 50), boxes)[0] == 0


@pytest.mark.parametrize("box", [(-80, 20, -40, 60), (20, -80, 60, -40), (200, 10, 240, 50)])
def test_a_box_beside_the_picture_tells_nothing(box):
    pixels = noise()
    assert unchanged_shares(pixels, pixels, np.array([box], np.float32)) == (0, 1)


def test_a_face_that_fills_the_picture_has_no_surroundings():
    pixels = noise()
    within, around = unchanged_shares(pixels, pixels, np.array([[0, 0, 100, 80]], np.float32))
    assert within == 1
    assert np.isnan(around)


def observation(**changes):
    return {
        "boxes": np.zeros((2, 4), np.float32),
        "size_hw": np.array([8, 9], np.float32),
        "landmarks_px": np.full((478, 3), 2, np.float32),
        "embedding": np.arange(5, dtype=np.float32),
        "gradients": np.ones(1568, np.float32),
        "skin_tone_deg": np.array([30], np.float32),
        "sharpness": np.array([4], np.float32),
        **changes,
    }


def test_observations_are_stacked():
    blind = {"boxes": np.zeros((0, 4), np.float32), "size_hw": np.array([3, 4], np.float32)}
    stacked = Observations.of(["a", "b", ""], [observation(), blind, None])
    np.testing.assert_array_equal(stacked.sha256, ["a", "b", ""])
    np.testing.assert_array_equal(stacked.faces, [2, 0, 0])
    np.testing.assert_array_equal(stacked.size_hw, [[8, 9], [3, 4], [np.nan, np.nan]])
    np.testing.assert_array_equal(stacked.found, [True, False, False])
    np.testing.assert_array_equal(stacked.embedding[0], np.arange(5))
    np.testing.assert_array_equal(stacked.skin_tone_deg, [30, np.nan, np.nan])
    assert stacked.embedding.shape == stacked.context.shape == (3, 5)
    assert np.isnan(stacked.context).all()
    assert stacked.gradients.shape == (3, 1568)


def test_the_surroundings_are_stacked_too():
    stacked = Observations.of(["a"], [observation(context=np.full(5, 7, np.float32))])
    np.testing.assert_array_equal(stacked.context, [[7] * 5])


def test_a_picture_that_is_nowhere_is_not_found():
    assert not Observations.of([""], [None]).found.any()


class EchoingObserver:
    """Tells what it was given."""

    def __call__(self, image, surroundings):
        return {"mean": image.mean(), "surroundings": surroundings}

    def marked(self, image, landmarks_px):
        return {"mean": image.mean(), "marked": landmarks_px}


@dataclass(frozen=True)
class FakeEye:
    """Loads an observer that tells what it was given."""

    name: str

    def load(self):
        LOADED.append(self.name)
        return EchoingObserver()


LOADED: list[str] = []


def test_an_eye_is_loaded_once_and_reads_files(folder):
    path = folder / "original0.png"
    mean = images.read(path).pixels.mean()
    for surroundings in (True, False):
        told = observe_file(FakeEye("once"), ToObserve(path, surroundings))
        assert told == {"mean": mean, "surroundings": surroundings}
    assert observe_file(FakeEye("once"), ToObserve(path, False, "there")) == {
        "mean": mean, "marked": "there"
    }  # fmt: skip
    assert LOADED == ["once"]
    looking._observer.cache_clear()


def test_an_unreadable_file_is_left_out_with_the_reason(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no picture")
    path, reason, unreadable = observe_file(FakeEye("unread"), ToObserve(tmp_path / "a.png", True))
    looking._observer.cache_clear()
    assert (path, unreadable) == (tmp_path / "a.png", True)
    with pytest.raises(InputError) as raised:
        images.read(path)
    assert reason == str(raised.value)
