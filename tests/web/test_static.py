"""The page that needs no server, beside the package, on the same landmarks."""

import functools
import http.server
import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

pytestmark = pytest.mark.web

ROOT = Path(__file__).parents[2]
DIST = ROOT / "web" / "dist"
TIMEOUT_MS = 240_000


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def static_url():
    """The page as ``make web`` builds it, with what the package gives for the same faces."""
    words = [str(DIST / "assets"), "--fixtures", str(DIST / "fixtures")]
    subprocess.run([sys.executable, str(ROOT / "tools" / "web_assets.py"), *words], check=True)
    subprocess.run([shutil.which("node"), "copy.mjs", "--tests"], cwd=DIST.parent, check=True)
    handler = functools.partial(Quiet, directory=str(DIST))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


@pytest.fixture
def report(chromium, face_clip, static_url):
    from playwright.sync_api import expect

    page = chromium.before(face_clip).new_page()
    page.goto(f"{static_url}test/compare.html")
    expect(page.locator("#state")).to_have_text("done", timeout=TIMEOUT_MS)
    told = json.loads(page.locator("#report").inner_text())
    page.close()
    return told


def test_the_browser_gives_what_the_package_gives(report):
    worst = report["worst"]
    assert len(report["faces"]) >= 3
    assert worst["seeds_agree"] and worst["wall_holds"] and all(report["closed"].values())
    assert worst["surrogate_px"]["max"] < 1e-3
    assert worst["condition"]["mean"] < 2
    assert min(worst[name] for name in ("generator_db", "drawn_db", "head_db", "scene_db")) >= 30
