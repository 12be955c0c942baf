"""A camera on a page of this machine: what it shows has no faces but new ones."""

import html
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import cv2
import numpy as np

from ..result import Result
from ..types import Image
from .container import Timed
from .live import LiveAnonymizer

_QUALITY = 85
_PATIENCE_S = 5.0
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>body {{ margin: 0; background: #111; display: grid; place-items: center; height: 100vh; }}
img {{ max-width: 100vw; max-height: 100vh; }}</style>
<img src="stream" alt="The camera, with new faces"></html>"""


class Screen:
    """The newest picture, for whoever looks."""

    def __init__(self) -> None:
        self._changed, self._jpeg, self._number = threading.Condition(), b"", 0

    def show(self, image: Image) -> None:
        """Show a picture, (H, W, 3) uint8 RGB."""
        bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        coded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1]
        with self._changed:
            self._jpeg, self._number = np.asarray(coded).tobytes(), self._number + 1
            self._changed.notify_all()

    def pictures(self) -> Iterator[bytes]:
        """JPEGs, each once, the newest that there is; it ends where none comes for long."""
        seen = 0
        while (newest := self._after(seen)) is not None:
            seen, jpeg = newest
            yield jpeg

    def _after(self, seen: int) -> tuple[int, bytes] | None:
        with self._changed:
            if self._changed.wait_for(lambda: self._number > seen, _PATIENCE_S):
                return self._number, self._jpeg
        return None


@contextmanager
def shown(screen: Screen, title: str, port: int = 0) -> Iterator[str]:
    """While it lasts, a page at an address of this machine that nobody guesses; yields it.

    Args:
        screen: What to show.
        title: Of the page.
        port: To listen on; 0 takes a free one.
    """
    root = f"/{secrets.token_urlsafe(16)}/"
    page = _PAGE.format(title=html.escape(title)).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == root:
                self._begin("text/html; charset=utf-8")
                self.wfile.write(page)
            elif self.path == f"{root}stream":
                self._begin("multipart/x-mixed-replace; boundary=frame")
                self._stream()
            else:
                self.send_error(HTTPStatus.NOT_FOUND)

        def _begin(self, kind: str) -> None:
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", kind)
            self.send_header("Cache-Control", "no-store")
            self.end_headers()

        def _stream(self) -> None:
            try:
                for jpeg in screen.pictures():
                    head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}"
                    self.wfile.write(head.encode() + b"\r\n\r\n" + jpeg + b"\r\n")
            except OSError:
                return  # the page was closed

        def log_message(self, *_: Any) -> None:
            """Nothing: the terminal is the command's."""

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}{root}"
        finally:
            server.shutdown()
            thread.join()


def show_live(
    frames: Iterator[Timed], live: LiveAnonymizer, screen: Screen, stop: Callable[[], bool]
) -> int:
    """Show the newest of a camera's frames, without its faces, until it ends.

    Args:
        frames: Of the camera, as they come.
        live: Anonymizes them.
        screen: Shows them.
        stop: Asked before each frame whether to end.

    Returns:
        How many were shown.

    Raises:
        GanonymizationError: As ``frames`` do.
    """
    newest = _Newest(frames)
    count = 0
    while not stop():
        image = newest.take()
        if image is None:
            break
        screen.show(_without_faces(image, live(image)))
        count += 1
    newest.end()
    return count


def _without_faces(image: Image, result: Result[Image] | None) -> Image:
    """What may be shown; black where no face was found, for one that is missed is the one there."""
    if result is None:
        return np.zeros_like(image)
    if result.image is not None:
        return result.image
    return result.portraits[0] if result.portraits else np.zeros_like(image)


class _Newest:
    """Reads frames in a thread of its own, so that none waits for those before it to be drawn."""

    def __init__(self, frames: Iterator[Timed]) -> None:
        self._changed, self._ended = threading.Condition(), False
        self._image: Image | None = None
        self._error: Exception | None = None
        threading.Thread(target=self._read, args=(frames,), daemon=True).start()

    def take(self) -> Image | None:
        """The newest frame that was not taken yet; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._image is not None or self._ended)
            image, self._image = self._image, None
            if image is None and self._error is not None:
                raise self._error
            return image

    def end(self) -> None:
        """Read no more."""
        self._ended = True

    def _read(self, frames: Iterator[Timed]) -> None:
        error: Exception | None = None
        try:
            for timed in frames:
                with self._changed:
                    self._image = timed.image
                    self._changed.notify_all()
                if self._ended:
                    return
        except Exception as problem:
            error = problem
        finally:
            with self._changed:
                self._ended, self._error = True, error
                self._changed.notify_all()
