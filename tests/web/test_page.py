from pathlib import Path

import pytest
from playwright.sync_api import expect

from ganonymization.cli.demo import astronaut

from .material import encoded, file, no_face, two_faces
from .steps import all_done, camera_picture, on_screen, send, until

pytestmark = pytest.mark.web

AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
TABS = ["picture", "camera", "video"]
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
BUTTONS = "button:visible:not([disabled], [aria-disabled=true]):not([inert] *)"
MOST_TABS = 24
MOST_HIGH_PX = 64  # of a control whose words are not broken into letters
SENTENCE_PX = 24


def fill(page, tab):
    """Bring something into a tab, so that all its controls are there."""
    page.get_by_test_id(f"tab-{tab}").click()
    if tab == "picture":
        send(page, ("a picture with rather a long name.png", encoded(two_faces())))
    elif tab == "camera":
        page.get_by_test_id("camera-start").click()
        camera_picture(page)
    else:
        page.get_by_test_id("video-input").set_input_files([file("broken.mp4", b"words")])
        expect(page.get_by_test_id("job").first).to_have_attribute("data-state", "failed")


@pytest.mark.parametrize("tab", TABS)
def test_a_phone_shows_all_controls_without_scrolling_sideways(open_page, tab):
    page = open_page(**PHONE)
    fill(page, tab)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    controls = page.locator(f"{BUTTONS}, a.button:visible, select:visible, .choice .card:visible")
    assert controls.count() >= 10
    for control in controls.all():
        control.scroll_into_view_if_needed()
        box = control.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 390
        explained = control.evaluate("element => element.matches('.card')")
        most_px = MOST_HIGH_PX + explained * SENTENCE_PX
        assert box["width"] >= 24 and 24 <= box["height"] <= most_px
    for control in page.locator(BUTTONS).all():
        control.click(trial=True)


def serious(page):
    """What axe finds."""
    found = page.evaluate("() => axe.run()")
    assert len(found["passes"]) > 10
    return [
        (violation["id"], [node["html"] for node in violation["nodes"]])
        for violation in found["violations"]
        if violation["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("tab", TABS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(open_page, tab, scheme):
    page = open_page(color_scheme=scheme, tab=tab)
    page.evaluate(AXE.read_text())
    assert serious(page) == []
    fill(page, tab)
    if tab == "picture":
        page.get_by_test_id("chip-select").first.click()
        page.get_by_test_id("slider").fill("50")
        assert serious(page) == []
        page.get_by_test_id("edit").click()
        page.get_by_test_id("layer").press("Enter")
    elif tab == "video":
        page.get_by_test_id("video-sample").evaluate("button => button.click()")
        expect(page.get_by_test_id("job").first).to_have_attribute("data-state", "done")
        page.get_by_test_id("film-both").check()
        expect(page.get_by_test_id("film-before")).to_be_visible()
    assert serious(page) == []


def test_the_dark_scheme_is_dark(open_page):
    light, dark = (
        on_screen(page, page.locator("body"))
        for page in (open_page(color_scheme="light"), open_page(color_scheme="dark"))
    )
    assert light.mean() > 200
    assert dark.mean() < 60


def focused(page):
    return page.evaluate("() => document.activeElement.dataset.testid ?? ''")


def press_until(page, testid):
    """Tab until an element has the focus."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if focused(page) == testid:
            return
    raise AssertionError(f"{testid} is not reached; the focus is on {focused(page)!r}")


def test_tabs_and_upload_work_with_the_keyboard(open_page):
    page = open_page()
    choosers = []
    page.on("filechooser", lambda chooser: choosers.append(chooser))
    page.reload()
    press_until(page, "tab-picture")
    for key, tab in (
        ("ArrowRight", "camera"), ("ArrowRight", "video"), ("ArrowRight", "picture"),
        ("End", "video"), ("ArrowLeft", "camera"), ("Home", "picture"),
    ):  # fmt: skip
        page.keyboard.press(key)
        assert focused(page) == f"tab-{tab}"
        expect(page.get_by_test_id(f"panel-{tab}")).to_be_visible()
        expect(page.locator("[role=tabpanel]:visible")).to_have_count(1)
    press_until(page, "picture-choose")
    page.keyboard.press("Enter")
    until(page, lambda: choosers, "a file dialog")
    choosers[0].set_files([file("her.png", encoded(astronaut()))])
    all_done(page)
    press_until(page, "queue-select")


def test_a_question_is_answered_with_the_keyboard(page):
    send(page, ("her.png", encoded(astronaut())))
    page.get_by_test_id("chip-keep").press("Enter")
    expect(page.get_by_test_id("ask-no")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("ask")).to_be_hidden()
    expect(page.get_by_test_id("chip-keep")).to_be_focused()
    expect(page.get_by_test_id("chip-outcome")).to_have_text("New face")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("ask-no")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_test_id("ask-yes")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("chip-outcome")).to_have_text("Kept as it is")


def test_the_focus_is_never_behind_the_picture(open_page):
    page = open_page(viewport={"width": 390, "height": 700})
    send(page, ("two.png", encoded(two_faces())))
    page.get_by_test_id("redo").focus()
    passed = []
    while (name := focused(page)) != "slider":
        assert page.evaluate(
            """() => {
              const { left, top, width, height } = document.activeElement.getBoundingClientRect();
              const seen = document.elementFromPoint(left + width / 2, top + height / 2);
              return document.activeElement.contains(seen);
            }"""
        ), f"{name} is hidden after {passed}"
        passed.append(name)
        page.keyboard.press("Shift+Tab")
    assert {"chip-fill", "redo", "save-png", "compare"} <= set(passed)


def test_a_seed_that_is_none_is_told(page):
    seed = page.get_by_test_id("picture-seed")
    seed.fill("seven")
    page.get_by_test_id("picture-input").set_input_files([file("a.png", encoded(no_face()))])
    expect(page.get_by_test_id("picture-note")).to_contain_text("A seed is a whole number")
    expect(page.get_by_test_id("queue-item")).to_have_count(0)
    expect(seed).to_be_focused()


def test_a_tab_has_an_address(open_page, server):
    page = open_page(tab="video")
    assert page.url == f"{server.url}/#video"
    page.reload()
    expect(page.get_by_test_id("panel-video")).to_be_visible()


def test_the_token_is_asked_for(open_page, own_server):
    server = own_server("--token", "open sesame")
    page = open_page(server.url)
    page.watch.expected.append("401")
    expect(page.get_by_test_id("token-form")).to_be_visible()
    page.get_by_test_id("token-field").fill("wrong")
    page.get_by_test_id("token-use").click()
    expect(page.locator("#token-words")).to_contain_text("refused")
    page.get_by_test_id("token-field").fill("open sesame")
    page.get_by_test_id("token-use").click()
    expect(page.get_by_test_id("token-form")).to_be_hidden()
    send(page, ("her.png", encoded(astronaut())))
    page.get_by_test_id("tab-camera").click()
    page.get_by_test_id("camera-start").click()
    camera_picture(page)
