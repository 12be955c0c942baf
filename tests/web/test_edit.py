"""Faces that were missed, and covers that are not wanted: by pointer and by keyboard."""

import re

import cv2
import numpy as np
import pytest
from playwright.sync_api import expect

from ganonymization.cli.demo import astronaut

from .material import encoded, no_face, two_faces
from .steps import all_done, on_canvas, result, send

pytestmark = pytest.mark.web

PLACE = np.s_[200:280, 100:180]  # rows and columns
MANY = 27


def crowd():
    """The portrait's head many times, each of its own tone."""
    head = cv2.resize(astronaut()[20:220, 126:326], (120, 120), interpolation=cv2.INTER_AREA)
    heads = [np.uint8(head * (0.7 + 0.01 * i)) for i in range(MANY)]
    return np.vstack([np.hstack(heads[row : row + 9]) for row in (0, 9, 18)])


@pytest.fixture
def nobody(page):
    """The page with a picture in which nobody is found, in the mode that edits faces."""
    send(page, ("nobody.png", encoded(no_face())))
    page.get_by_test_id("edit").click()
    return page


@pytest.fixture
def pair(page):
    """The page with a picture of two faces, in the mode that edits faces."""
    send(page, ("two.png", encoded(two_faces())))
    page.get_by_test_id("edit").click()
    return page


def dragged(page, start, end):
    """Drag over the picture, from x, y to x, y in its pixels."""
    box = page.get_by_test_id("layer").bounding_box()
    scale = box["width"] / 640
    for (x, y), then in ((start, page.mouse.down), (end, page.mouse.up)):
        page.mouse.move(box["x"] + x * scale, box["y"] + y * scale, steps=4)
        then()
    all_done(page)


def changed(page, original):
    return (result(page) != original).any(-1)


def test_a_box_that_is_drawn_over_the_picture_is_covered_and_can_be_removed(nobody):
    dragged(nobody, (100, 200), (180, 280))
    expect(nobody.get_by_test_id("chip-outcome")).to_contain_text("Covered")
    differs = changed(nobody, no_face())
    assert differs[PLACE].mean() > 0.7
    assert not differs[:150].any() and not differs[:, 260:].any()
    nobody.get_by_test_id("chip-remove").click()
    expect(nobody.get_by_test_id("chip")).to_have_count(0)
    all_done(nobody)
    assert np.array_equal(result(nobody), no_face())


def test_a_box_is_drawn_by_keyboard(nobody):
    layer, words = nobody.get_by_test_id("layer"), nobody.get_by_test_id("edit-words")
    expect(layer).to_be_focused()
    layer.press("Enter")  # 96 pixels in the middle
    expect(words).to_have_text(re.compile("Box of 96 . 96 pixels at 272, 192"))
    layer.press("ArrowLeft")
    layer.press("Shift+ArrowDown")
    expect(words).to_have_text(re.compile("Box of 96 . 115 pixels at 262, 182"))
    layer.press("Enter")
    all_done(nobody)
    expect(nobody.get_by_test_id("chip-outcome")).to_contain_text("Covered")
    assert changed(nobody, no_face())[200:280, 280:340].all()
    layer.press("ArrowUp")
    expect(nobody.get_by_test_id("draft")).to_be_visible()
    layer.press("Escape")
    expect(nobody.get_by_test_id("draft")).to_be_hidden()
    layer.press("Escape")
    expect(layer).to_be_hidden()
    expect(nobody.get_by_test_id("edit")).to_be_focused()


def test_a_click_on_a_cover_keeps_the_face_after_a_yes_and_another_takes_it_back(pair):
    before = result(pair)
    at = pair.get_by_test_id("box").first.bounding_box()
    middle = at["x"] + at["width"] / 2, at["y"] + at["height"] / 2
    pair.mouse.click(*middle)
    pair.get_by_test_id("ask-yes").click()
    expect(pair.get_by_test_id("chip-outcome").first).to_have_text("Kept as it is")
    all_done(pair)
    kept = (result(pair) == two_faces()).all(-1)
    assert sorted([kept[:, :512].all(), kept[:, 512:].all()]) == [False, True]
    pair.mouse.click(*middle)
    expect(pair.get_by_test_id("chip-outcome").first).to_have_text("New face")
    all_done(pair)
    assert np.array_equal(result(pair), before)


def test_a_face_is_kept_by_keyboard_in_the_picture(pair):
    box = pair.get_by_test_id("box").nth(1)
    box.focus()
    expect(pair.get_by_test_id("chip").nth(1)).to_have_class("chip lit")
    box.press("Enter")
    pair.get_by_test_id("ask-yes").click()
    expect(pair.get_by_test_id("chip-outcome").nth(1)).to_have_text("Kept as it is")


def test_an_added_face_changes_nothing_of_the_others(pair):
    before = result(pair)
    pair.get_by_test_id("chip-fill").nth(1).click()
    expect(pair.get_by_test_id("chip-outcome").nth(1)).to_contain_text("Covered")
    all_done(pair)
    layer = pair.get_by_test_id("layer")
    layer.press("Enter")
    layer.press("Enter")
    expect(pair.get_by_test_id("chip")).to_have_count(3)
    all_done(pair)
    expect(pair.get_by_test_id("chip-outcome").first).to_have_text("New face")
    expect(pair.get_by_test_id("chip-outcome").nth(1)).to_contain_text("as was asked for")
    alike = (result(pair) == before).all(-1)
    assert sorted([alike[:, :400].all(), alike[:, 624:].all()]) == [False, True]


def test_the_original_is_put_away_while_faces_are_edited(pair):
    expect(pair.get_by_test_id("slider")).to_be_hidden()
    pair.get_by_test_id("edit").click()
    expect(pair.get_by_test_id("slider")).to_be_visible()
    expect(pair.get_by_test_id("layer")).to_be_hidden()
    assert pair.get_by_test_id("box").first.evaluate("box => box.closest('[inert]') !== null")


def test_cards_show_new_faces_and_stand_out_with_their_boxes(pair):
    pair.get_by_test_id("edit").click()
    shown = on_canvas_of(pair, 0)
    at = pair.get_by_test_id("box").first
    left, right = at.evaluate("box => [parseFloat(box.style.left), parseFloat(box.style.width)]")
    x = round((left + right / 2) * 1024 / 100)
    middle = result(pair)[118 - 30 : 118 + 30, x - 30 : x + 30].mean((0, 1))
    assert np.abs(shown[24:72, 24:72].mean((0, 1)) - middle).max() < 25
    pair.get_by_test_id("chip").nth(1).hover()
    expect(pair.get_by_test_id("box").nth(1)).to_have_class("box lit")
    frame = at.bounding_box()
    pair.mouse.move(frame["x"] + 5, frame["y"] + 5)
    expect(pair.get_by_test_id("chip").first).to_have_class("chip lit")
    expect(pair.get_by_test_id("chip").nth(1)).to_have_class("chip")


def on_canvas_of(page, number):
    """A card's picture."""
    page.get_by_test_id("chip-thumb").nth(number).evaluate(
        "canvas => canvas.dataset.testid = 'one'"
    )
    seen = on_canvas(page, "one")
    page.get_by_test_id("one").evaluate("canvas => canvas.dataset.testid = 'chip-thumb'")
    return seen


def test_twenty_seven_faces_stay_usable(page):
    send(page, ("crowd.png", encoded(crowd())))
    cards = page.get_by_test_id("chip")
    assert cards.count() >= MANY
    area = page.get_by_test_id("chips").bounding_box()
    assert area["height"] < 450
    last = cards.last
    fill = last.get_by_test_id("chip-fill")
    expect(fill).to_be_hidden()
    last.get_by_test_id("chip-select").click()
    fill.click()
    expect(last.get_by_test_id("chip-outcome")).to_contain_text("Covered")
    page.get_by_test_id("zoom-fit").click()
    at = page.get_by_test_id("box").first.bounding_box()
    page.mouse.move(at["x"] + at["width"] / 2, at["y"] + at["height"] / 2)
    expect(cards.first).to_be_in_viewport()
