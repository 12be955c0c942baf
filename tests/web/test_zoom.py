"""The picture from near: zoom, pan, the way to a face, and numbers that hide no head."""

import cv2
import numpy as np
import pytest
from playwright.sync_api import expect

from ganonymization.cli.demo import astronaut

from .material import encoded, two_faces
from .steps import on_screen, send, until

pytestmark = pytest.mark.web

FIT = "100 %"
HANDLE_PX = 32
BELOW_BADGES = np.s_[50:-60]  # and above the buttons of the zoom


@pytest.fixture
def pair(page):
    """The page with a picture of two faces."""
    send(page, ("two.png", encoded(two_faces())))
    return page


def frame(page):
    return page.get_by_test_id("frame").bounding_box()


def stage(page):
    return page.get_by_test_id("stage").bounding_box()


def middle(box):
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def covers(outer, inner):
    """Whether a box holds another, but for a pixel."""
    return all(
        outer[start] <= inner[start] + 1
        and outer[start] + outer[size] >= inner[start] + inner[size] - 1
        for start, size in (("x", "width"), ("y", "height"))
    )


def test_buttons_zoom_and_fit(pair):
    whole, words = frame(pair), pair.get_by_test_id("zoom-fit")
    expect(pair.get_by_test_id("zoom-out")).to_have_attribute("aria-disabled", "true")
    pair.get_by_test_id("zoom-in").click()
    expect(words).to_have_text("150 %")
    assert frame(pair)["width"] == pytest.approx(1.5 * whole["width"], abs=2)
    pair.get_by_test_id("zoom-out").click()
    expect(words).to_have_text(FIT)
    pair.get_by_test_id("zoom-in").click()
    words.click()
    assert all(frame(pair)[side] == whole[side] for side in ("x", "width", "height"))


def test_keys_zoom_and_move_and_stop_at_the_edge(pair):
    area = pair.get_by_test_id("stage")
    for _ in range(4):
        area.press("+")
    before = frame(pair)
    area.press("ArrowRight")
    assert frame(pair)["x"] == pytest.approx(before["x"] - 60, abs=1)
    for _ in range(60):
        area.press("ArrowRight")
    right = frame(pair)["x"] + frame(pair)["width"]
    assert right == pytest.approx(stage(pair)["x"] + stage(pair)["width"], abs=1)
    area.press("0")
    expect(pair.get_by_test_id("zoom-fit")).to_have_text(FIT)


def test_the_wheel_zooms_where_the_pointer_is_and_scrolls_the_page_without_ctrl(pair):
    box = pair.get_by_test_id("box").first
    at = middle(box.bounding_box())
    pair.mouse.move(*at)
    pair.mouse.wheel(0, -120)
    expect(pair.get_by_test_id("zoom-fit")).to_have_text(FIT)
    pair.keyboard.down("Control")
    pair.mouse.wheel(0, -300)
    pair.keyboard.up("Control")
    expect(pair.get_by_test_id("zoom-fit")).not_to_have_text(FIT)
    assert middle(box.bounding_box()) == pytest.approx(at, abs=4)
    pair.mouse.wheel(0, 2000)
    expect(pair.get_by_test_id("zoom-fit")).to_have_text(FIT)


def test_a_zoomed_picture_is_dragged(pair):
    for _ in range(4):
        pair.get_by_test_id("zoom-in").click()
    before, (x, y) = frame(pair), middle(stage(pair))
    pair.mouse.move(x + 60, y + 60)
    pair.mouse.down()
    pair.mouse.move(x + 20, y + 30, steps=4)
    pair.mouse.up()
    after = frame(pair)
    moved = after["x"] - before["x"], after["y"] - before["y"]
    assert moved == pytest.approx((-40, -30), abs=1)
    expect(pair.get_by_test_id("chip-select").first).to_have_attribute("aria-pressed", "false")


def test_two_fingers_zoom(pair):
    pair.get_by_test_id("stage").evaluate(
        """stage => {
          const { left, top, width, height } = stage.getBoundingClientRect();
          stage.setPointerCapture = () => {};
          const send = (kind, pointerId, away) => stage.dispatchEvent(new PointerEvent(kind, {
            bubbles: true, pointerId, pointerType: 'touch', button: 0,
            clientX: left + width / 2 + away, clientY: top + height / 2,
          }));
          send('pointerdown', 8, -40); send('pointerdown', 9, 40);
          send('pointermove', 8, -80); send('pointermove', 9, 80);
          send('pointerup', 8, -80); send('pointerup', 9, 80);
        }"""
    )
    expect(pair.get_by_test_id("zoom-fit")).to_have_text("200 %")


@pytest.mark.parametrize("by", ["click", "keyboard", "picture"])
@pytest.mark.parametrize("at", [0, 1])
def test_a_face_that_is_chosen_is_looked_at_closely_and_again_it_is_not(pair, at, by):
    card = pair.get_by_test_id("chip-select").nth(at)
    box = pair.get_by_test_id("box").nth(at)

    def choose():
        if by == "click":
            card.click()
        elif by == "keyboard":
            card.press("Enter")
        else:
            pair.mouse.click(*middle(box.bounding_box()))

    small = box.bounding_box()
    choose()
    expect(card).to_have_attribute("aria-pressed", "true")
    near = box.bounding_box()
    assert near["height"] > 2 * small["height"] and covers(stage(pair), near)
    choose()
    expect(pair.get_by_test_id("zoom-fit")).to_have_text(FIT)
    expect(card).to_have_attribute("aria-pressed", "false")


def test_a_zoom_stays_for_another_face_and_goes_for_another_picture(pair):
    pair.get_by_test_id("chip-select").first.click()
    near = pair.get_by_test_id("zoom-fit").inner_text()
    pair.get_by_test_id("chip-another").first.click()
    expect(pair.get_by_test_id("view")).to_have_attribute("aria-busy", "false")
    expect(pair.get_by_test_id("zoom-fit")).to_have_text(near)
    send(pair, ("her.png", encoded(astronaut())))
    pair.get_by_test_id("queue-select").last.click()
    expect(pair.get_by_test_id("zoom-fit")).to_have_text(FIT)


def test_the_slider_stays_in_sight_and_cuts_where_it_stands(pair):
    pair.get_by_test_id("chip-select").first.click()
    slider = pair.get_by_test_id("slider")
    assert covers(stage(pair), slider.bounding_box())
    area = pair.get_by_test_id("stage")
    covered = on_screen(pair, area)
    slider.fill("50")
    expect(pair.get_by_test_id("before")).to_be_visible()
    expect(pair.get_by_test_id("before")).to_have_js_property("complete", True)
    expect(pair.get_by_test_id("cut").get_by_text("Original")).to_be_visible()
    expect(pair.get_by_test_id("cut").get_by_text("Anonymized")).to_be_visible()
    differs = (on_screen(pair, area) != covered)[BELOW_BADGES].any((0, 2))
    half = len(differs) // 2
    assert differs[: half - HANDLE_PX].mean() > 0.2 and not differs[half + HANDLE_PX :].any()
    slider.fill("0")
    expect(pair.get_by_test_id("before")).to_be_hidden()


def crowd(rows, columns):
    """The portrait's head and shoulders many times."""
    head = cv2.resize(astronaut()[:300, 100:350], (120, 144), interpolation=cv2.INTER_AREA)
    return np.tile(head, (rows, columns, 1))


def shares_room(a, b):
    return all(
        a[start] < b[start] + b[size] and b[start] < a[start] + a[size]
        for start, size in (("x", "width"), ("y", "height"))
    )


def head(box):
    """A face with its hair and chin."""
    wide, high = box["width"], box["height"]
    return {
        "x": box["x"] - 0.25 * wide, "y": box["y"] - 0.5 * high,
        "width": 1.5 * wide, "height": 1.6 * high,
    }  # fmt: skip


@pytest.mark.parametrize("picture", [two_faces(), crowd(3, 6)], ids=["two", "crowd"])
def test_numbers_hide_no_head(page, picture):
    send(page, ("people.png", encoded(picture)))
    tags = [tag for tag in page.get_by_test_id("tag").all() if tag.is_visible()]
    heads = [head(box.bounding_box()) for box in page.get_by_test_id("box").all()]
    assert len(heads) >= 2 and len(tags) >= len(heads) / 2
    for tag in tags:
        place = tag.bounding_box()
        assert not any(shares_room(place, each) for each in heads)
        assert covers(frame(page), place)
    page.get_by_test_id("numbers").uncheck()
    expect(page.get_by_test_id("tag").first).to_be_hidden()


def test_a_number_for_which_there_is_no_room_comes_with_the_zoom(page):
    send(page, ("crowd.png", encoded(np.tile(crowd(1, 1)[20:100, 20:95], (6, 9, 1)))))
    shown = page.locator("[data-testid=tag]:visible")
    few = shown.count()
    assert few < page.get_by_test_id("tag").count()
    for _ in range(5):
        page.get_by_test_id("zoom-in").click()
    until(page, lambda: shown.count() > few, "more numbers")
