import io
import zipfile

import numpy as np
import pytest
from PIL import Image as Pillow
from playwright.sync_api import expect

from ganonymization.cli.demo import astronaut

from .material import (
    CAMERA_FACE,
    FACE,
    REDRAWN,
    SECRET,
    camera_face,
    decoded,
    difference,
    encoded,
    file,
    no_face,
    two_faces,
    with_place,
)
from .steps import (
    all_done,
    camera_picture,
    changed_half,
    on_canvas,
    on_screen,
    result,
    saved,
    send,
)

pytestmark = pytest.mark.web


@pytest.fixture
def pair(page):
    """The page with a picture of two faces."""
    send(page, ("two.png", encoded(two_faces())))
    return page


def test_a_picture_comes_back_without_its_face(page):
    send(page, ("her.png", encoded(astronaut())))
    expect(page.get_by_test_id("queue-words")).to_have_text("1 face")
    after = result(page)
    assert after.shape == astronaut().shape
    assert difference(after[FACE], astronaut()[FACE]) > REDRAWN
    assert np.array_equal(after[400:], astronaut()[400:])


def test_the_screen_shows_the_result_and_nothing_of_the_original(page):
    send(page, ("her.png", encoded(astronaut())))
    page.get_by_test_id("numbers").uncheck()
    frame = page.get_by_test_id("frame")
    seen = np.asarray(Pillow.fromarray(on_screen(page, frame)).resize((512, 512)))
    assert difference(seen[FACE], result(page)[FACE]) < 4
    assert difference(seen[FACE], astronaut()[FACE]) > REDRAWN
    assert page.get_by_test_id("before").get_attribute("src") is None


def test_the_slider_shows_the_original_and_leaving_covers_it(page):
    send(page, ("her.png", encoded(astronaut())))
    page.get_by_test_id("slider").press("End")
    before = page.get_by_test_id("before")
    expect(before).to_be_visible()
    expect(before).to_have_js_property("naturalWidth", 512)
    page.get_by_test_id("tab-video").click()
    page.get_by_test_id("tab-picture").click()
    expect(before).to_be_hidden()
    expect(page.get_by_test_id("slider")).to_have_value("0")
    page.get_by_test_id("compare").uncheck()
    expect(page.get_by_test_id("slider")).to_be_hidden()


def test_two_faces_have_two_chips(pair):
    expect(pair.get_by_test_id("chip")).to_have_count(2)
    expect(pair.get_by_test_id("chip-outcome")).to_have_text(["New face", "New face"])
    expect(pair.get_by_test_id("boxes").locator(".box")).to_have_count(2)


@pytest.mark.parametrize("chip", [0, 1])
def test_another_face_changes_that_face_alone(pair, chip):
    before = result(pair)
    box = pair.get_by_test_id("boxes").locator(".box").nth(chip)
    on_left = box.evaluate("box => parseFloat(box.style.left) < 50")
    pair.get_by_test_id("chip-another").nth(chip).click()
    all_done(pair)
    assert changed_half(before, result(pair)) == (on_left, not on_left)


def test_a_kept_face_is_the_original_after_a_yes(pair):
    before = result(pair)
    keep = pair.get_by_test_id("chip-keep").first
    keep.click()
    pair.get_by_test_id("ask-no").click()
    expect(pair.get_by_test_id("ask")).to_be_hidden()
    assert np.array_equal(result(pair), before)
    keep.click()
    pair.get_by_test_id("ask-yes").click()
    expect(pair.get_by_test_id("chip-outcome")).to_have_text(["Kept as it is", "New face"])
    all_done(pair)
    after, halves = result(pair), (np.s_[:, :512], np.s_[:, 512:])
    kept = [np.array_equal(after[half], two_faces()[half]) for half in halves]
    untouched = [np.array_equal(after[half], before[half]) for half in halves]
    assert sorted(kept) == [False, True]
    assert untouched == kept[::-1]
    expect(pair.get_by_test_id("look")).to_contain_text("shows who it is")
    keep.click()
    expect(pair.get_by_test_id("chip-outcome")).to_have_text(["New face", "New face"])
    all_done(pair)
    assert np.array_equal(result(pair), before)


def test_a_covered_face_is_covered(pair):
    before = result(pair)
    pair.get_by_test_id("chip-fill").last.click()
    expect(pair.get_by_test_id("chip-outcome").last).to_contain_text("Covered")
    all_done(pair)
    assert sorted(changed_half(before, result(pair))) == [False, True]


def test_a_seed_repeats_a_result(page):
    page.get_by_test_id("picture-seed").fill("77")
    send(page, ("a.png", encoded(astronaut())))
    first = result(page)
    expect(page.get_by_test_id("facts")).to_contain_text("Seed 77")
    page.get_by_test_id("redo").click()
    all_done(page)
    assert np.array_equal(result(page), first)
    page.get_by_test_id("picture-seed").fill("78")
    page.get_by_test_id("redo").click()
    expect(page.get_by_test_id("facts")).to_contain_text("Seed 78")
    all_done(page)
    assert not np.array_equal(result(page), first)


@pytest.mark.parametrize(
    ("button", "kind", "name"),
    [("save-png", "PNG", "her-anon.png"), ("save-jpeg", "JPEG", "her-anon.jpg")],
)
def test_a_saved_picture_has_its_size_and_no_metadata(page, button, kind, name):
    sent = with_place(astronaut()[:, 50:450])
    assert SECRET.encode() in sent
    send(page, ("her.jpg", sent))
    path, suggested = saved(page.get_by_test_id(button))
    picture = Pillow.open(path)
    picture.load()
    assert (suggested, picture.format, picture.size) == (name, kind, (400, 512))
    assert not picture.getexif()
    assert not {"exif", "xmp", "comment"} & set(picture.info)
    assert SECRET.encode() not in path.read_bytes()


def test_a_zip_holds_all_pictures_of_the_queue(page):
    send(
        page, ("her.png", encoded(astronaut())), ("her.png", encoded(two_faces())),
        ("nobody.png", encoded(no_face(320, 200))),
    )  # fmt: skip
    expect(page.get_by_test_id("queue-item")).to_have_count(3)
    expect(page.get_by_test_id("queue-words")).to_have_text(["1 face", "2 faces", "No face found"])
    expect(page.get_by_test_id("picture-status")).to_have_text("3 of 3 pictures done.")
    path, name = saved(page.get_by_test_id("picture-zip"))
    assert name == "anonymized.zip"
    with zipfile.ZipFile(path) as packed:
        assert packed.testzip() is None
        sizes = {n: Pillow.open(io.BytesIO(packed.read(n))).size for n in packed.namelist()}
        first = decoded(packed.read("her-anon.png"))
    assert sizes == {
        "her-anon.png": (512, 512),
        "her-anon-2.png": (1024, 512),
        "nobody-anon.png": (320, 200),
    }
    assert np.array_equal(first, result(page))


def test_a_picture_of_the_queue_is_looked_at_and_removed(page):
    send(page, ("one.png", encoded(astronaut())), ("two.png", encoded(two_faces())))
    page.get_by_test_id("queue-select").nth(1).click()
    expect(page.get_by_test_id("chip")).to_have_count(2)
    page.get_by_test_id("queue-remove").nth(1).click()
    expect(page.get_by_test_id("queue-name")).to_have_text(["one.png"])
    expect(page.get_by_test_id("chip")).to_have_count(1)
    expect(page.get_by_test_id("picture-clear")).to_be_hidden()
    send(page, ("two.png", encoded(two_faces())))
    page.get_by_test_id("picture-clear").click()
    expect(page.get_by_test_id("queue-item")).to_have_count(0)
    expect(page.get_by_test_id("view")).to_be_hidden()
    expect(page.get_by_test_id("save-png")).to_be_disabled()
    expect(page.get_by_test_id("picture-sample")).to_be_visible()


def test_portraits_are_heads(page):
    page.get_by_test_id("picture-mode-portrait").check()
    send(page, ("two.png", encoded(two_faces())))
    expect(page.get_by_test_id("chip")).to_have_count(2)
    expect(page.get_by_test_id("chip-keep").first).to_be_hidden()
    for senseless in ("compare", "numbers", "edit"):
        expect(page.get_by_test_id(senseless)).to_be_hidden()
    first = result(page)
    assert first.shape[0] == first.shape[1]
    page.get_by_test_id("chip-select").nth(1).click()
    assert not np.array_equal(result(page), first)


def test_no_face_is_told(page):
    send(page, ("nobody.png", encoded(no_face())))
    expect(page.get_by_test_id("look")).to_contain_text("No face was found")
    assert np.array_equal(result(page), no_face())


def test_what_is_no_picture_is_told(page):
    page.watch.expected.append("422")
    page.get_by_test_id("picture-input").set_input_files([file("words.txt", b"words")])
    expect(page.get_by_test_id("picture-note")).to_contain_text("1 file left out")
    page.get_by_test_id("picture-input").set_input_files([file("broken.png", b"words")])
    expect(page.get_by_test_id("queue-item")).to_have_attribute("data-state", "failed")
    error = page.get_by_test_id("picture-error")
    expect(error).to_contain_text("not a picture that can be read")
    expect(error).to_contain_text("a video or GIF to the Video tab")
    expect(page.get_by_test_id("save-png")).to_be_hidden()


@pytest.mark.parametrize("event", ["drop", "paste"])
def test_pictures_are_dropped_and_pasted(page, event):
    page.get_by_test_id("picture-drop").evaluate(
        """(zone, [event, bytes]) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([Uint8Array.from(bytes)], 'her.png', { type: 'image/png' }));
          const options = { bubbles: true, cancelable: true };
          zone.dispatchEvent(event === 'drop'
            ? new DragEvent('drop', { ...options, dataTransfer: transfer })
            : new ClipboardEvent('paste', { ...options, clipboardData: transfer }));
        }""",
        [event, list(encoded(astronaut()[:256, 100:350]))],
    )
    all_done(page)
    expect(page.get_by_test_id("queue-words")).to_have_text("1 face")


def test_a_still_of_the_camera_is_anonymized_and_never_shown(page):
    page.get_by_test_id("picture-take").click()
    aimed = camera_picture(page, "take-canvas")
    page.get_by_test_id("take-now").click()
    all_done(page)
    expect(page.get_by_test_id("queue-words")).to_have_text("1 face")
    expect(page.get_by_test_id("compare")).to_be_disabled()
    expect(page.get_by_test_id("chip-keep")).to_be_hidden()
    after = result(page)
    assert after.shape == aimed.shape
    faces = [frame[CAMERA_FACE] for frame in camera_face()]
    assert min(difference(after[CAMERA_FACE], face) for face in faces) > REDRAWN


def test_a_still_without_a_face_is_withheld(open_page, no_face_clip):
    page = open_page(clip=no_face_clip)
    page.get_by_test_id("picture-take").click()
    expect(page.get_by_test_id("take-words")).to_have_text("No face")
    assert len(np.unique(on_canvas(page, "take-canvas").reshape(-1, 3), axis=0)) == 1
    page.get_by_test_id("take-now").click()
    all_done(page)
    expect(page.get_by_test_id("stage-words")).to_contain_text("the picture is not shown")
    expect(page.get_by_test_id("save-png")).to_be_disabled()
    expect(page.get_by_test_id("frame")).to_be_hidden()
