"""Speed of the service: a camera in a real browser, and many clients at once.

    python benchmarks/serve.py [--camera-seconds 15] [--load-seconds 60] [--clients 32]
                               [--static-page web/dist]

Starts the service by itself, on the loopback, and prints one table. The camera is Chromium's fake
one, fed with a photograph (the demo's portrait) that moves a little, 640 x 480 at 30 frames a
second; the page's own meters are read. Needs the extras ``serve`` and ``web`` and Debian's
Chromium. The clients post one 512 x 512 picture again and again; a 429 is waited for as it says.
"""

import argparse
import contextlib
import functools
import http.client
import http.server
import io
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from ganonymization.cli.demo import astronaut

WIDTH, HEIGHT, RATE = 640, 480, 30
BUSY = 429
SOFTWARE_GL = ("--enable-unsafe-swiftshader", "--use-gl=angle", "--use-angle=swiftshader")


@contextlib.contextmanager
def service() -> Iterator[tuple[int, int]]:
    """A running service: its port and its process id."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [sys.executable, "-m", "ganonymization", "serve", "--port", str(port)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            with contextlib.suppress(OSError):
                if request(port, "GET", "/healthz")[0] == 200:
                    break
            time.sleep(0.1)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait()


def request(port: int, method: str, path: str, body: bytes | None = None) -> tuple[int, float]:
    """Status, and seconds that a 429 asks to wait."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request(method, path, body, {"Content-Type": "image/jpeg"} if body else {})
        answer = connection.getresponse()
        answer.read()
        return answer.status, float(answer.headers.get("Retry-After", 0))
    finally:
        connection.close()


def resident_mb(pid: int) -> float:
    """Memory that a process holds now, in megabytes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def picture() -> bytes:
    """The photograph, 512 x 512, as JPEG."""
    file = io.BytesIO()
    Image.fromarray(astronaut()).save(file, "JPEG", quality=92)
    return file.getvalue()


def post(port: int, body: bytes, until: float, spent: list[float], wrong: list[int]) -> None:
    """One client: posts, and waits where it is told to."""
    while (start := time.perf_counter()) < until:
        status, wait_s = request(port, "POST", "/v1/anonymize?format=jpeg", body)
        if status == 200:
            spent.append(time.perf_counter() - start)
        elif status == BUSY:
            time.sleep(min(wait_s, max(0.0, until - time.perf_counter())))
        else:
            wrong.append(status)


def clients(port: int, count: int, seconds: float) -> tuple[list[float], list[int]]:
    """Seconds of each success, and other statuses than 200 and 429."""
    spent: list[float] = []
    wrong: list[int] = []
    body, until = picture(), time.perf_counter() + seconds
    threads = [
        threading.Thread(target=post, args=(port, body, until, spent, wrong)) for _ in range(count)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return spent, wrong


def load(seconds: float, count: int) -> dict[str, float]:
    """One client, then many."""
    with service() as (port, pid):
        clients(port, 1, 3)  # warm
        single, _ = clients(port, 1, seconds / 3)
        clients(port, count, 5)
        before_mb = resident_mb(pid)
        spent, wrong = clients(port, count, seconds)
        after_mb = resident_mb(pid)
    one_s = statistics.median(single)
    p95_s = float(np.quantile(spent, 0.95))
    return {
        "one client, pictures/s": len(single) / (seconds / 3),
        "one client, median, ms": one_s * 1e3,
        f"{count} clients, pictures/s": len(spent) / seconds,
        "of the single client's rate": len(spent) / seconds / (len(single) / (seconds / 3)),
        "median of a success, ms": statistics.median(spent) * 1e3,
        "p95 of a success, ms": p95_s * 1e3,
        "p95 in single requests": p95_s / one_s,
        "answers that are no success and no 429": len(wrong),
        "memory before, MB": before_mb,
        "memory after, MB": after_mb,
    }


def moving_face(file: Path) -> None:
    """Two seconds of the photograph, moving a little, as YUV4MPEG2."""
    photograph = astronaut()
    with file.open("wb") as out:
        out.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{RATE}:1 Ip A1:1 C420jpeg\n".encode())
        for i in range(2 * RATE):
            turn = np.pi * i / RATE
            shift = np.array([[1.25, 0, 20 + 12 * np.sin(turn)], [0, 1.25, 6 * np.cos(turn) - 20]])
            frame = cv2.warpAffine(
                photograph, shift, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE
            )
            out.write(b"FRAME\n" + cv2.cvtColor(frame, cv2.COLOR_RGB2YUV_I420).tobytes())


@contextlib.contextmanager
def chromium(clip: Path, *options: str) -> Iterator[Any]:
    """A page of Chromium whose camera is a clip."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=[
                "--no-sandbox", "--use-fake-device-for-media-stream",
                "--use-fake-ui-for-media-stream", f"--use-file-for-fake-video-capture={clip}",
                *options,
            ],
        )  # fmt: skip
        yield browser.new_page()
        browser.close()


def camera(seconds: float) -> dict[str, float]:
    """What the page's meters say, medians over the time after the first seconds."""
    with tempfile.TemporaryDirectory() as folder, service() as (port, _):
        clip = Path(folder) / "camera.y4m"
        moving_face(clip)
        with chromium(clip) as page:
            page.goto(f"http://127.0.0.1:{port}/")
            page.get_by_test_id("tab-camera").click()
            page.get_by_test_id("camera-start").click()
            page.wait_for_timeout(5000)
            rates, latencies = [], []
            for _ in range(round(seconds)):
                page.wait_for_timeout(1000)
                rates.append(number(page.get_by_test_id("camera-fps").inner_text()))
                latencies.append(number(page.get_by_test_id("camera-latency").inner_text()))
    return {
        "camera in Chromium, frames/s": statistics.median(rates),
        "latency, ms": statistics.median(latencies),
    }


class _Isolated(http.server.SimpleHTTPRequestHandler):
    """Files, with the headers that let a page use threads."""

    def end_headers(self) -> None:
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        super().end_headers()

    def log_message(self, *_: object) -> None:
        pass


def static_page(folder: Path, seconds: float) -> dict[str, float]:
    """Frames a second of the page that needs no server."""
    handler = functools.partial(_Isolated, directory=str(folder))
    with (
        tempfile.TemporaryDirectory() as scratch,
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        clip = Path(scratch) / "camera.y4m"
        moving_face(clip)
        with chromium(clip, *SOFTWARE_GL) as page:
            page.goto(f"http://127.0.0.1:{server.server_address[1]}/")
            page.locator("#camera").click(timeout=120_000)
            page.wait_for_timeout(8000)
            rates = []
            for _ in range(round(seconds)):
                page.wait_for_timeout(1000)
                rates.append(number(page.locator("#rate").inner_text()))
        server.shutdown()
    return {"static page in Chromium, frames/s": statistics.median(rates)}


def number(text: str) -> float:
    """Of a meter; a dash is nothing shown."""
    digits = "".join(c for c in text if c.isdigit() or c == ".")
    return float(digits) if digits else 0.0


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--camera-seconds", type=float, default=15)
    parser.add_argument("--load-seconds", type=float, default=60)
    parser.add_argument("--static-page", type=Path, help="made by 'make web'")
    parser.add_argument("--clients", type=int, default=32)
    arguments = parser.parse_args()
    rows: dict[str, float] = {}
    if arguments.camera_seconds:
        rows |= camera(arguments.camera_seconds)
    if arguments.static_page:
        rows |= static_page(arguments.static_page, arguments.camera_seconds or 15)
    if arguments.load_seconds:
        rows |= load(arguments.load_seconds, arguments.clients)
    print("| what | measured |\n| --- | --- |")
    for name, value in rows.items():
        print(f"| {name} | {value:.4g} |")


if __name__ == "__main__":
    main()
