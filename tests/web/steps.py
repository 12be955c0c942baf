"""What a person does on the page, and what is there to be seen."""

import base64
import time
from pathlib import Path

import cv2
import numpy as np
from playwright.sync_api import expect

from .material import HEIGHT, WIDTH, decoded, file

PANEL = (0x3D, 0x48, 0x56)
AFTER_STEP_MS = 100
WITHIN_S = 30


def send(page, *files):
    """Choose pictures, and wait until all of the queue is done."""
    page.get_by_test_id("picture-input").set_input_files([file(*pair) for pair in files])
    all_done(page)


def all_done(page):
    """Wait until no picture is on its way."""
    items = page.get_by_test_id("queue-item")
    expect(items.first).to_be_visible()
    expect(page.locator("[data-testid=queue-item]:not([data-state=done])")).to_have_count(0)
    expect(page.get_by_test_id("view")).to_have_attribute("aria-busy", "false")


def saved(button):
    """Click, and give the path and name of what is downloaded."""
    with button.page.expect_download() as download:
        button.click()
    return Path(download.value.path()), download.value.suggested_filename


def result(page):
    """The picture that comes with Save PNG."""
    return decoded(saved(page.get_by_test_id("save-png"))[0].read_bytes())


def on_canvas(page, testid="camera-canvas"):
    """A canvas's pixels."""
    url = page.get_by_test_id(testid).evaluate("canvas => canvas.toDataURL('image/png')")
    return decoded(base64.b64decode(url.partition(",")[2]))


def on_screen(page, locator):
    """What the screen shows of an element."""
    # With other words Playwright adds a style, which the page's policy refuses.
    return decoded(locator.screenshot(caret="initial", animations="allow"))


def is_panel(pixels):
    """Nothing but the panel's colour."""
    return bool((pixels == PANEL).all())


def camera_stage(page):
    return page.locator(".stage.finder").filter(has=page.get_by_test_id("camera-canvas"))


def camera_on_screen(page):
    """The camera's picture as the screen shows it, (480, 640, 3)."""
    seen = on_screen(page, camera_stage(page))
    half, middle = round(seen.shape[0] * WIDTH / HEIGHT / 2), seen.shape[1] // 2
    return cv2.resize(seen[:, middle - half : middle + half], (WIDTH, HEIGHT))


def panel_on_screen(page):
    """Whether the stage shows the panel and nothing else but its words."""
    stage = camera_stage(page)
    box, words = stage.bounding_box(), page.get_by_test_id("camera-words").bounding_box()
    seen = on_screen(page, stage).copy()
    if words is not None:
        left, top = round(words["x"] - box["x"]), round(words["y"] - box["y"])
        right, bottom = left + round(words["width"]) + 1, top + round(words["height"]) + 1
        seen[top:bottom, left:right] = PANEL
    corners = 12  # they are round
    return is_panel(seen[corners:-corners]) and is_panel(seen[:, corners:-corners])


def until(page, true, what):
    """Wait until something is true that Playwright cannot wait for."""
    end = time.monotonic() + WITHIN_S
    while not true():
        assert time.monotonic() < end, f"not within {WITHIN_S} s: {what}"
        page.wait_for_timeout(AFTER_STEP_MS)


def camera_picture(page, testid="camera-canvas"):
    """Wait for a picture and give it."""
    seen = []

    def shown():
        seen.append(on_canvas(page, testid))
        return not is_panel(seen[-1])

    until(page, shown, "a camera picture")
    return seen[-1]


def changed_half(before, after):
    """Which halves of two pictures differ: left, right."""
    differs = (before != after).any(-1)
    middle = differs.shape[1] // 2
    return bool(np.any(differs[:, :middle])), bool(np.any(differs[:, middle:]))
