import re
import shutil
from importlib.util import find_spec

import pytest

from .material import camera_face, camera_no_face, write_y4m
from .server import Server

if find_spec("playwright") is None:
    collect_ignore_glob = ["test_*.py"]

TIMEOUT_MS = 90_000  # a short video on a busy machine
OPTIONS = [
    "--no-sandbox",
    "--force-color-profile=srgb",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]


class Chromium:
    """One browser at a time; another camera needs another one."""

    def __init__(self, playwright):
        self._kind = playwright.chromium
        self._browser = self._clip = None

    def before(self, clip):
        """The browser whose camera shows a clip."""
        if clip != self._clip:
            self.close()
            self._browser = self._kind.launch(
                executable_path=shutil.which("chromium"),
                args=[*OPTIONS, f"--use-file-for-fake-video-capture={clip}"],
            )
            self._clip = clip
        return self._browser

    def close(self):
        if self._browser is not None:
            self._browser.close()
        self._browser = self._clip = None


class Watch:
    """What a page must not do: complain, or ask anybody else.

    Attributes:
        expected: Patterns of complaints that a test brings about.
    """

    def __init__(self, page, url):
        self.expected = []
        self._complaints, self._strangers = [], []
        self._own = (url, url.replace("http", "ws", 1), f"blob:{url}", "data:")
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self._complaints.append(str(error)))
        page.on("request", lambda request: self._asked(request.url))
        page.on("websocket", lambda socket: self._asked(socket.url))

    def _heard(self, message):
        if message.type in ("error", "warning"):
            self._complaints.append(message.text)

    def _asked(self, url):
        if not url.startswith(self._own):
            self._strangers.append(url)

    def check(self):
        """Nothing but what was expected."""
        known = re.compile("|".join(self.expected) or "(?!)")
        assert [words for words in self._complaints if not known.search(words)] == []
        assert self._strangers == []


@pytest.fixture(scope="session")
def chromium():
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=TIMEOUT_MS)
    with sync_playwright() as playwright:
        browser = Chromium(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def face_clip(tmp_path_factory):
    return write_y4m(tmp_path_factory.mktemp("camera") / "face.y4m", camera_face())


@pytest.fixture(scope="session")
def no_face_clip(tmp_path_factory):
    return write_y4m(tmp_path_factory.mktemp("camera") / "no-face.y4m", camera_no_face())


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """The server of all tests that do not harm it."""
    started = Server(tmp_path_factory.mktemp("uploads"))
    try:
        yield started.start()
    finally:
        started.stop()


@pytest.fixture
def own_server(tmp_path):
    """Start a server for one test, with more options."""
    started = []

    def start(*words):
        started.append(Server(tmp_path, *words))
        return started[-1].start()

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def open_page(chromium, face_clip, own_server, request):
    """Open a server's page; at the end it must have asked nobody else and complained of nothing.

    Asks for `own_server` so that pages are closed before their servers end.
    """
    opened = []

    def open_(url=None, tab="picture", clip=face_clip, **options):
        url = url or request.getfixturevalue("server").url
        context = chromium.before(clip).new_context(**options)
        context.set_default_timeout(TIMEOUT_MS)
        page = context.new_page()
        page.watch = Watch(page, url)
        opened.append((context, page.watch))
        page.goto(f"{url}/")
        page.get_by_test_id(f"tab-{tab}").click()
        return page

    yield open_
    for context, _ in opened:
        context.close()
    for _, watch in opened:
        watch.check()


@pytest.fixture
def page(open_page):
    return open_page()
