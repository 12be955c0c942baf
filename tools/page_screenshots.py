"""Make the screenshots of the service's page for the docs.

    python tools/page_screenshots.py [--out docs/images]

docs/images/page-picture.png         a picture of two faces, half of it as it was
docs/images/page-edit.png            a box on its way, where a face may have been missed
docs/images/page-camera.png          a running camera
docs/images/page-camera-no-face.png  the same where it sees no face
docs/images/page-video.png           the first seconds of a job that runs, and one that is done
docs/images/page-phone.png           the picture on a phone
docs/images/page-dark.png            the picture in the dark scheme

Starts the service by itself, on the loopback. All that is shown is made from the public-domain
portrait. Needs the extras ``serve`` and ``web`` and Debian's Chromium.
"""

import argparse
import contextlib
import io
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import av
import cv2
import numpy as np
from PIL import Image as Pillow
from playwright.sync_api import Browser, Locator, Page, Playwright, expect, sync_playwright

from ganonymization.cli.demo import astronaut
from ganonymization.types import Image

OUT = Path(__file__).parent.parent / "docs" / "images"
SAMPLE = OUT.parents[1] / "src" / "ganonymization" / "serve" / "page" / "sample.mp4"
WIDTH, HEIGHT, RATE = 640, 480, 30
DESK = {"width": 1200, "height": 820}
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
TIMEOUT_MS = 120_000
MOST_BYTES = 300_000
COLOURS = 256  # of a picture that would be larger


@contextlib.contextmanager
def service() -> Iterator[str]:
    """A running service's address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [sys.executable, "-m", "ganonymization", "serve", "--port", str(port)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            with (
                contextlib.suppress(URLError, ConnectionError),
                urlopen(f"http://127.0.0.1:{port}/healthz"),
            ):
                break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait()


def before_camera(seconds: int) -> list[Image]:
    """The portrait, moving a little."""
    frames = []
    for i in range(seconds * RATE):
        turn = 2 * np.pi * i / RATE
        shift = np.array([[1.25, 0, 20 + 8 * np.sin(turn)], [0, 1.25, 5 * np.cos(turn) - 20]])
        frames.append(
            cv2.warpAffine(astronaut(), shift, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
        )
    return frames


def empty_room() -> list[Image]:
    """Nobody: a gradient."""
    ramp = np.linspace(60, 160, WIDTH * HEIGHT, dtype=np.float32).reshape(HEIGHT, WIDTH, 1)
    return [np.repeat(ramp, 3, 2).astype(np.uint8)] * RATE


def write_camera(path: Path, frames: list[Image]) -> Path:
    """What Chromium takes for a camera, YUV4MPEG2."""
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{RATE}:1 Ip A1:1 C420jpeg\n".encode())
        for frame in frames:
            file.write(b"FRAME\n" + cv2.cvtColor(frame, cv2.COLOR_RGB2YUV_I420).tobytes())
    return path


def write_video(path: Path, frames: list[Image]) -> Path:
    """An MP4."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    return path


def write_picture(path: Path, image: Image) -> Path:
    """A PNG."""
    Pillow.fromarray(image).save(path)
    return path


def launched(playwright: Playwright, camera: Path) -> Browser:
    """Chromium with a clip as its camera, which it names after the file."""
    return playwright.chromium.launch(
        executable_path=shutil.which("chromium"),
        args=[
            "--no-sandbox", "--use-fake-device-for-media-stream",
            "--use-fake-ui-for-media-stream", f"--use-file-for-fake-video-capture={camera}",
        ],
    )  # fmt: skip


def opened(browser: Browser, url: str, tab: str, **options: object) -> Page:
    """The page at a tab."""
    page = browser.new_page(**({"viewport": DESK} | options))
    page.goto(url)
    page.get_by_test_id(f"tab-{tab}").click()
    return page


def keep(page: Page, file: Path) -> None:
    """Write the whole page."""
    page.evaluate("() => scrollTo(0, 0)")
    # With other words Playwright adds a style, which the page's policy refuses.
    shown = page.locator("body").screenshot(caret="initial", animations="allow")
    picture = Pillow.open(io.BytesIO(shown)).convert("RGB")
    picture.save(file, optimize=True)
    if file.stat().st_size > MOST_BYTES:
        picture.quantize(COLOURS, kmeans=4).save(file, optimize=True)
    print(f"{file}: {file.stat().st_size / 1000:.0f} kB")
    page.close()


def with_pictures(page: Page, files: list[Path]) -> Page:
    """Send pictures and show half of the first as it was."""
    page.get_by_test_id("picture-seed").fill("5")
    page.get_by_test_id("picture-input").set_input_files(files)
    open_ones = page.locator("[data-testid=queue-item]:not([data-state=done])")
    expect(page.get_by_test_id("queue-item")).to_have_count(len(files))
    expect(open_ones).to_have_count(0)
    page.get_by_test_id("slider").fill("50")
    expect(page.get_by_test_id("before")).to_have_js_property("complete", True)
    page.get_by_test_id("save-png").focus()
    page.mouse.move(0, 0)
    return page


def editing(page: Page) -> Page:
    """Begin a box by the keyboard."""
    page.get_by_test_id("edit").click()
    layer = page.get_by_test_id("layer")
    for key in ("Enter", "ArrowDown", "ArrowDown", "ArrowDown"):
        layer.press(key)
    return page


def with_camera(page: Page, ready: Locator, seconds: float) -> Page:
    """Start the camera and let the meters settle."""
    page.get_by_test_id("camera-start").click()
    expect(ready).to_be_visible()
    page.wait_for_timeout(1000 * seconds)
    return page


def with_jobs(page: Page, short: Path, long: Path) -> Page:
    """A job that is done, and one on its way."""
    jobs = page.get_by_test_id("job")
    page.get_by_test_id("video-input").set_input_files(short)
    expect(jobs.first).to_have_attribute("data-state", "done")
    page.get_by_test_id("video-input").set_input_files(long)
    expect(page.get_by_test_id("film-title")).to_contain_text("sample.mp4: its first seconds")
    page.get_by_test_id("film-both").check()
    page.get_by_test_id("film-time").fill("1")
    expect(jobs.first.get_by_test_id("job-words")).to_contain_text(" of ")
    return page


def main() -> None:
    """Write all seven."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT)
    out = parser.parse_args().out.resolve()
    expect.set_options(timeout=TIMEOUT_MS)
    with (
        tempfile.TemporaryDirectory() as folder, service() as url, contextlib.chdir(folder),
        sync_playwright() as playwright,
    ):  # fmt: skip
        made = Path()
        portrait = astronaut()
        files = [
            write_picture(made / "two.png", np.hstack([portrait[:420, 60:420]] * 2)),
            write_picture(made / "portrait.png", portrait),
        ]
        browser = launched(playwright, write_camera(made / "camera.y4m", before_camera(1)))
        keep(with_pictures(opened(browser, url, "picture"), files), out / "page-picture.png")
        edited = editing(with_pictures(opened(browser, url, "picture"), files[:1]))
        keep(edited, out / "page-edit.png")
        dark = opened(browser, url, "picture", color_scheme="dark")
        keep(with_pictures(dark, files), out / "page-dark.png")
        phone = opened(browser, url, "picture", **PHONE)
        keep(with_pictures(phone, files[1:]), out / "page-phone.png")
        page = opened(browser, url, "camera")
        keep(with_camera(page, page.get_by_text("Freeze"), 4), out / "page-camera.png")
        page = opened(browser, url, "video")
        short = write_video(made / "walk.mp4", before_camera(1))
        keep(with_jobs(page, short, SAMPLE), out / "page-video.png")
        browser.close()
        browser = launched(playwright, write_camera(made / "camera.y4m", empty_room()))
        page = opened(browser, url, "camera")
        keep(with_camera(page, page.get_by_text("No face"), 2), out / "page-camera-no-face.png")
        browser.close()


if __name__ == "__main__":
    main()
