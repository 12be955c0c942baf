"""Videos that are looked at: the first seconds, the whole, and the original beside them."""

import base64

import numpy as np
import pytest
from PIL import Image as Pillow
from playwright.sync_api import expect

from ..video.test_container import make_clip
from .material import CAMERA_FACE, RATE, REDRAWN, camera_face, decoded, difference, file
from .steps import until

pytestmark = pytest.mark.web

APART_S = 0.15  # what two videos that play in step may be apart
DONE_MS = 120_000
SHOWS_A_FRAME = 2  # readyState


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A second of a face with a tone, as MP4."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    make_clip(path, camera_face(), rate=RATE, tones=1)
    return path


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    """Ten seconds of a face, of few frames each."""
    path = tmp_path_factory.mktemp("clip") / "long.mp4"
    make_clip(path, camera_face()[::5] * 10, rate=6)
    return path


@pytest.fixture
def video(open_page):
    return open_page(tab="video")


def send(page, path):
    page.get_by_test_id("video-input").set_input_files(path)
    return page.get_by_test_id("job").filter(has_text=path.name)


def done(job):
    expect(job).to_have_attribute("data-state", "done", timeout=DONE_MS)


def shown(page, testid):
    """What a video shows, (480, 640, 3)."""
    film = page.get_by_test_id(testid)
    expect(film).to_be_visible()
    until(page, lambda: film.evaluate("film => film.readyState") >= SHOWS_A_FRAME, "a frame")
    url = film.evaluate(
        """film => {
          const canvas = document.createElement('canvas');
          [canvas.width, canvas.height] = [film.videoWidth, film.videoHeight];
          canvas.getContext('2d').drawImage(film, 0, 0);
          return canvas.toDataURL('image/png');
        }"""
    )
    return decoded(base64.b64decode(url.partition(",")[2]))


def times(page):
    """Where the two videos are, in seconds."""
    return page.evaluate(
        """() => ['film-before', 'film-after'].map(
          (name) => document.querySelector(`[data-testid=${name}]`).currentTime)"""
    )


def test_the_first_seconds_are_shown_before_the_whole_is_done(video, long):
    job = send(video, long)
    expect(video.get_by_test_id("film-title")).to_contain_text("first seconds", timeout=DONE_MS)
    assert job.get_attribute("data-state") == "running"
    expect(video.get_by_test_id("film-note")).to_contain_text("still being drawn")
    expect(video.get_by_test_id("film-clock")).to_have_text("0:00.0 of 0:03.0")
    seen = shown(video, "film-after")
    assert difference(seen[CAMERA_FACE], camera_face()[0][CAMERA_FACE]) > REDRAWN
    done(job)
    expect(video.get_by_test_id("film-title")).to_have_text("long.mp4")
    expect(video.get_by_test_id("film-clock")).to_have_text("0:00.0 of 0:10.0")


def test_who_looks_at_the_first_seconds_is_not_interrupted(video, long):
    job = send(video, long)
    expect(video.get_by_test_id("film-title")).to_contain_text("first seconds", timeout=DONE_MS)
    video.get_by_test_id("film-time").fill("1.5")
    done(job)
    expect(video.get_by_test_id("film-note")).to_contain_text("All of it is done")
    expect(video.get_by_test_id("film-title")).to_contain_text("first seconds")
    job.get_by_test_id("job-look").click()
    expect(video.get_by_test_id("film-title")).to_have_text("long.mp4")


def test_the_original_is_beside_it_only_when_asked_for_and_they_play_in_step(video, long):
    done(send(video, long))
    expect(video.get_by_test_id("film-clock")).to_contain_text("of 0:10.0")
    expect(video.get_by_test_id("film-before")).to_have_count(0)
    expect(video.get_by_text("Original, from your file")).to_be_hidden()
    video.get_by_test_id("film-both").check()
    expect(video.get_by_text("Original, from your file")).to_be_visible()
    expect(video.get_by_text("Anonymized", exact=True).last).to_be_visible()
    places = [video.get_by_test_id(name).bounding_box() for name in ("film-before", "film-after")]
    assert places[0]["x"] + places[0]["width"] <= places[1]["x"]
    assert places[0]["y"] == places[1]["y"]
    original, result = shown(video, "film-before"), shown(video, "film-after")
    face = camera_face()[0][CAMERA_FACE]
    assert difference(original[CAMERA_FACE], face) < REDRAWN / 2
    assert difference(result[CAMERA_FACE], face) > REDRAWN
    video.get_by_test_id("film-time").fill("4")
    until(video, lambda: times(video) == pytest.approx([4, 4], abs=0.01), "both at 4 s")
    video.get_by_test_id("film-play").click()
    expect(video.get_by_test_id("film-play")).to_have_text("Pause")
    until(video, lambda: min(times(video)) > 5, "both play")
    before, after = times(video)
    assert before == pytest.approx(after, abs=APART_S)
    video.get_by_test_id("film-play").click()
    expect(video.get_by_test_id("film-play")).to_have_text("Play")
    until(video, lambda: np.ptp(times(video)) < 0.01, "both stand at one place")


def test_leaving_the_tab_puts_the_original_away(video, clip):
    done(send(video, clip))
    video.get_by_test_id("film-both").check()
    expect(video.get_by_test_id("film-before")).to_be_visible()
    video.get_by_test_id("tab-picture").click()
    video.get_by_test_id("tab-video").click()
    expect(video.get_by_test_id("film-both")).not_to_be_checked()
    expect(video.get_by_test_id("film-before")).to_have_count(0)


def test_the_view_is_closed_and_goes_with_its_job(video, clip):
    job = send(video, clip)
    done(job)
    film = video.get_by_test_id("film")
    expect(film).to_be_visible()
    video.get_by_test_id("film-close").click()
    expect(film).to_be_hidden()
    job.get_by_test_id("job-look").click()
    expect(film).to_be_visible()
    job.get_by_test_id("job-stop").click()
    expect(film).to_be_hidden()


def test_a_page_that_no_longer_has_the_original_says_so(video, clip):
    done(send(video, clip))
    video.reload()
    job = video.get_by_test_id("job").filter(has_text=clip.name)
    job.get_by_test_id("job-look").click()
    expect(video.get_by_test_id("film-note")).to_contain_text("no longer on this page")
    expect(video.get_by_test_id("film-both")).to_be_disabled()
    shown(video, "film-after")


def test_an_animation_is_shown_beside_its_original(video, tmp_path):
    path = tmp_path / "moving.gif"
    first, *rest = [Pillow.fromarray(frame) for frame in camera_face()[::10]]
    first.save(path, save_all=True, append_images=rest, duration=200, loop=0)
    done(send(video, path))
    expect(video.get_by_test_id("film-after")).to_have_js_property("naturalWidth", 640)
    expect(video.get_by_test_id("film-play")).to_be_hidden()
    video.get_by_test_id("film-both").check()
    expect(video.get_by_test_id("film-before")).to_have_js_property("naturalWidth", 640)


def test_an_original_that_the_browser_cannot_play_is_told(video, clip):
    done(send(video, clip))
    video.evaluate(
        """() => {
          const real = URL.createObjectURL;
          URL.createObjectURL = () => real.call(URL, new Blob(['words'], { type: 'video/mp4' }));
        }"""
    )
    video.get_by_test_id("film-both").click()  # not check: a failure may uncheck it at once
    expect(video.get_by_test_id("film-note")).to_contain_text("cannot show the original")
    expect(video.get_by_test_id("film-both")).to_be_disabled()
    expect(video.get_by_test_id("film-before")).to_have_count(0)


@pytest.mark.parametrize(("tab", "item"), [("picture", "queue-item"), ("video", "job")])
def test_a_sample_is_tried_at_once(open_page, tab, item):
    page = open_page(tab=tab)
    page.get_by_test_id(f"{tab}-sample").click()
    done(page.get_by_test_id(item))
    words = page.get_by_test_id("queue-words" if tab == "picture" else "job-words")
    expect(words).to_contain_text(
        "1 face" if tab == "picture" else "70 frames, 70 faces, 0 covered"
    )
    expect(page.get_by_test_id(f"{tab}-sample")).to_be_hidden()


@pytest.mark.parametrize("tab", ["picture", "video"])
def test_a_sample_that_does_not_come_is_told(open_page, tab):
    page = open_page(tab=tab)
    page.watch.expected.append("Failed to load resource")
    page.route("**/page/sample.*", lambda route: route.abort())
    page.get_by_test_id(f"{tab}-sample").click()
    told = page.get_by_test_id("picture-note" if tab == "picture" else "video-error")
    expect(told).to_contain_text("The sample did not come")


def test_what_is_chosen_is_explained(open_page):
    page = open_page()
    for tab in ("picture", "camera", "video"):
        page.get_by_test_id(f"tab-{tab}").click()
        for choice in ("mode-scene", "mode-portrait", "privacy-balanced", "privacy-high"):
            card = page.locator("label", has=page.get_by_test_id(f"{tab}-{choice}"))
            words = card.locator("small").inner_text()
            assert words.endswith(".") and words.count(".") == 1
            pictures = card.locator("img")
            expect(pictures).to_have_count(1 if "mode" in choice else 0)
            for picture in pictures.all():
                expect(picture).to_have_js_property("naturalWidth", 160)


@pytest.mark.parametrize("tab", ["picture", "video"])
def test_nothing_that_cannot_be_used_is_shown_before_there_is_something(open_page, tab):
    page = open_page(tab=tab)
    expect(page.get_by_test_id(f"{tab}-sample")).to_be_visible()
    assert page.locator(f"#{tab} :is(button, input):visible:disabled").count() == 0
    area = page.get_by_test_id(f"{tab}-drop").bounding_box()
    assert area["height"] > page.viewport_size["height"] / 3
    page.get_by_test_id(f"{tab}-input").set_input_files(
        [file("her.png" if tab == "picture" else "broken.mp4", b"words")]
    )
    if tab == "picture":
        page.watch.expected.append("422")
    expect(page.get_by_test_id("queue-item" if tab == "picture" else "job")).to_have_count(1)
    assert page.get_by_test_id(f"{tab}-drop").bounding_box()["height"] < 100
