import contextlib
import re

import av
import numpy as np
import pytest
from playwright.sync_api import Error, expect

from .material import CAMERA_FACE, HEIGHT, REDRAWN, WIDTH, camera_face, decoded, difference
from .steps import (
    camera_on_screen,
    camera_picture,
    is_panel,
    on_canvas,
    panel_on_screen,
    saved,
    until,
)

pytestmark = pytest.mark.web

NOTHING = "\N{EN DASH}"  # on a meter
BACKGROUND = np.s_[300:460:4, 40:600:4]


@pytest.fixture
def camera(open_page):
    """The page with a running camera that sees a face."""
    page = open_page(tab="camera")
    page.get_by_test_id("camera-start").click()
    camera_picture(page)
    return page


def is_nobody(seen):
    """The camera's picture, but for the face."""
    assert seen.shape == (HEIGHT, WIDTH, 3)
    return nearest(seen, BACKGROUND) < 4 and nearest(seen, CAMERA_FACE) > REDRAWN


def nearest(seen, part):
    """How far the nearest of the camera's frames is."""
    return min(difference(seen[part], frame[part]) for frame in camera_face())


def is_live(page):
    return not is_panel(on_canvas(page))


def test_the_canvas_shows_the_camera_without_its_face(camera):
    for _ in range(3):
        assert is_nobody(camera_picture(camera))
        camera.wait_for_timeout(300)
    until(camera, lambda: is_nobody(camera_on_screen(camera)), "the same on the screen")
    expect(camera.get_by_test_id("camera-live")).to_be_visible()


@pytest.mark.parametrize(("name", "most"), [("camera-fps", 60), ("camera-latency", 5000)])
def test_frames_and_latency_are_shown(camera, name, most):
    def shown():
        text = camera.get_by_test_id(name).text_content()
        return text != NOTHING and 0 < float(text) < most

    until(camera, shown, name)


def test_the_camera_is_named_and_stopped(camera):
    expect(camera.get_by_test_id("camera-device")).to_be_enabled()
    expect(camera.get_by_test_id("camera-device").locator("option")).not_to_have_count(0)
    camera.get_by_test_id("camera-stop").click()
    expect(camera.get_by_test_id("camera-words")).to_have_text("Camera off")
    assert panel_on_screen(camera) and is_panel(on_canvas(camera))
    expect(camera.get_by_test_id("camera-fps")).to_have_text(NOTHING)
    expect(camera.get_by_test_id("camera-live")).to_be_hidden()


def test_landmarks_are_drawn_on_black(camera):
    camera.get_by_test_id("camera-view-landmarks").check()
    until(camera, lambda: is_live(camera) and np.median(on_canvas(camera)) == 0, "a mesh on black")


def test_portraits_are_drawn_in_place_of_the_scene(camera):
    camera.get_by_test_id("camera-mode-portrait").check()

    def is_square():
        seen = on_canvas(camera)
        return not is_panel(seen) and seen.shape[0] == seen.shape[1]

    until(camera, is_square, "a head")


def test_another_face_is_another(camera):
    before = camera_picture(camera)
    camera.get_by_test_id("camera-another").click()

    def is_another():
        seen = on_canvas(camera)
        return not is_panel(seen) and difference(seen[CAMERA_FACE], before[CAMERA_FACE]) > 4

    until(camera, is_another, "another face")


def test_a_frozen_picture_stays_and_can_be_saved(camera):
    freeze = camera.get_by_test_id("camera-freeze")

    def is_frozen():  # while the server is slow there may be no picture to freeze
        with contextlib.suppress(Error):
            freeze.click(timeout=1000)
        return freeze.get_attribute("aria-pressed") == "true"

    until(camera, is_frozen, "a frozen picture")
    expect(camera.get_by_test_id("camera-badge")).to_be_visible()
    held = on_canvas(camera)
    camera.wait_for_timeout(1000)
    assert np.array_equal(on_canvas(camera), held)
    assert is_nobody(held)
    path, name = saved(camera.get_by_test_id("camera-still"))
    assert name.endswith("-anon.png")
    assert np.array_equal(decoded(path.read_bytes()), held)
    freeze.click()
    expect(camera.get_by_test_id("camera-badge")).to_be_hidden()
    camera_picture(camera)


def test_a_recording_can_be_played(camera):
    record = camera.get_by_test_id("camera-record")
    record.click()
    expect(record).to_have_text("Stop recording")
    expect(camera.get_by_test_id("camera-clock")).to_have_text(re.compile("0:0[2-9]"))
    record.click()
    expect(camera.get_by_test_id("camera-recording")).to_be_visible()
    path, name = saved(camera.get_by_test_id("camera-recording"))
    assert name.endswith("-anon.webm")
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        assert not container.streams.audio
    assert len(frames) >= 3
    shown = [frame for frame in frames if nearest(frame, BACKGROUND) < 6]
    assert shown
    assert all(is_nobody(frame) for frame in shown[:: max(1, len(shown) // 5)])


def test_without_a_face_there_is_a_panel(open_page, no_face_clip):
    page = open_page(tab="camera", clip=no_face_clip)
    assert panel_on_screen(page) and is_panel(on_canvas(page))
    page.get_by_test_id("camera-start").click()
    assert is_panel(on_canvas(page))
    expect(page.get_by_test_id("camera-words")).to_have_text("No face")
    for _ in range(10):
        assert is_panel(on_canvas(page))
        assert panel_on_screen(page)
        page.wait_for_timeout(200)
    expect(page.get_by_test_id("camera-still")).to_be_disabled()


def test_a_server_that_hangs_or_dies_leaves_a_panel_until_it_is_back(open_page, own_server):
    server = own_server()
    page = open_page(server.url, tab="camera")
    page.watch.expected += ["WebSocket connection to", "ERR_CONNECTION_REFUSED"]
    words = page.get_by_test_id("camera-words")

    server.halt()
    page.get_by_test_id("camera-start").click()
    expect(words).to_have_text("Connecting")
    page.wait_for_timeout(1000)
    assert panel_on_screen(page) and is_panel(on_canvas(page))
    server.resume()
    assert is_nobody(camera_picture(page))

    server.halt()
    expect(words).to_have_text("No answer")
    assert panel_on_screen(page) and is_panel(on_canvas(page))
    server.resume()
    camera_picture(page)

    server.kill()
    expect(words).to_contain_text("Trying again")
    assert panel_on_screen(page) and is_panel(on_canvas(page))
    expect(page.get_by_test_id("camera-fps")).to_have_text(NOTHING)
    server.start()
    assert is_nobody(camera_picture(page))


def test_a_refused_camera_is_told(open_page):
    page = open_page(tab="camera")
    page.evaluate(
        """() => {
          navigator.mediaDevices.getUserMedia = () =>
            Promise.reject(new DOMException('no', 'NotAllowedError'));
        }"""
    )
    page.get_by_test_id("camera-start").click()
    expect(page.get_by_test_id("camera-words")).to_contain_text("was not allowed")
    assert panel_on_screen(page)
    expect(page.get_by_test_id("camera-start")).to_be_enabled()
