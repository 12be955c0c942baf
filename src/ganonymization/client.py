"""A client of the service; it needs nothing but Python, neither models nor NumPy."""

import json
import os
import time
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from .errors import GanonymizationError, InputError
from .io.files import atomic_path

_LOOK_S = 1.0
_PATIENCE_S = 300.0  # for a single answer
_BUSY = 429


class Client:
    """Asks a server that ``ganonymize serve`` runs.

    Args:
        address: Of the server.
        token: That it asks for, or None.

    Example:
        >>> client = Client("http://127.0.0.1:8000", token="SECRET")
        >>> content = client.anonymize("portrait.jpg", privacy="high")  # doctest: +SKIP
        >>> job = client.anonymize_file("clip.mp4", "out.mp4", sound=False)  # doctest: +SKIP
    """

    def __init__(self, address: str = "http://127.0.0.1:8000", token: str | None = None) -> None:
        self._address = address.rstrip("/")
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}

    def anonymize(self, picture: str | Path | bytes, **options: Any) -> bytes:
        """A picture without its faces; waits while the server is busy.

        Args:
            picture: A file, or what it holds.
            options: As the API has them, by name: ``mode``, ``privacy``, ``seed``, ``format``, …

        Returns:
            The picture file.

        Raises:
            InputError: The server refuses it; the message says why.
            GanonymizationError: It does not answer, or fails.
        """
        content = picture if isinstance(picture, bytes) else Path(picture).read_bytes()
        with self._answer("POST", "/v1/anonymize", content, options) as answer:
            return answer.read()

    def anonymize_file(
        self, source: str | Path, out: str | Path, *, wait_s: float = 4 * 3600, **options: Any
    ) -> dict[str, Any]:
        """A video, an animation, or a ZIP of pictures.

        Args:
            source: The file.
            out: To write; an MP4, WebP or ZIP.
            wait_s: For it to be done.
            options: As the API has them, by name: ``mode``, ``privacy``, ``seed``, ``sound``, …

        Returns:
            The job as the API tells it at the end: counts of frames and faces.

        Raises:
            InputError: The server refuses it, or cannot do it; the message says why.
            OutputError: ``out`` cannot be written.
            GanonymizationError: The server does not answer, or takes too long.
        """
        job = self._job("POST", "/v1/jobs", Path(source), options)
        place, ends = f"/v1/jobs/{job['id']}", time.monotonic() + wait_s
        try:
            while job["state"] in ("queued", "running"):
                if time.monotonic() > ends:
                    raise GanonymizationError(f"{source}: is not done after {wait_s:.0f} s")
                time.sleep(_LOOK_S)
                job = self._job("GET", place)
            if job["state"] != "done":
                raise InputError(f"{source}: {job['error'] or job['state']}")
            with atomic_path(Path(out)) as temporary, temporary.open("wb") as file:
                with self._answer("GET", f"{place}/result") as answer:
                    while part := answer.read(1 << 20):
                        file.write(part)
        finally:
            self._job("DELETE", place)  # nothing of it stays there
        return job

    def _job(self, method: str, path: str, *more: Any) -> dict[str, Any]:
        with self._answer(method, path, *more) as answer:
            job: dict[str, Any] = json.load(answer)
            return job

    def _answer(
        self, method: str, path: str, body: bytes | Path | None = None,
        options: dict[str, Any] | None = None,
    ) -> IO[bytes]:  # fmt: skip
        words = {
            k: str(v).lower() if isinstance(v, bool) else v for k, v in (options or {}).items()
        }
        address = f"{self._address}{path}?{urlencode(words, doseq=True)}".rstrip("?")
        while True:
            try:
                return self._once(method, address, body)
            except HTTPError as error:
                if error.code != _BUSY:
                    raise _told(error) from error
                time.sleep(float(error.headers.get("Retry-After", 1)))
            except (URLError, TimeoutError, ConnectionError) as error:
                raise GanonymizationError(
                    f"{self._address}: no answer ({error}); is 'ganonymize serve' running there?"
                ) from error

    def _once(self, method: str, address: str, body: bytes | Path | None) -> IO[bytes]:
        headers = dict(self._headers)
        if not isinstance(body, Path):
            request = Request(address, body, headers, method=method)
            answer: IO[bytes] = urlopen(request, timeout=_PATIENCE_S)
            return answer
        with body.open("rb") as file:
            headers["Content-Length"] = str(os.fstat(file.fileno()).st_size)
            request = Request(address, file, headers, method=method)
            answer = urlopen(request, timeout=_PATIENCE_S)
            return answer


def _told(error: HTTPError) -> GanonymizationError:
    """What the server says."""
    try:
        words = str(json.load(error)["error"])
    except (ValueError, KeyError, TypeError):
        words = f"status {error.code}"
    return (InputError if error.code < 500 else GanonymizationError)(words)
