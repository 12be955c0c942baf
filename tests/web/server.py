"""The real server, as a process of its own."""

import contextlib
import signal
import socket
import subprocess
import sys
import time
from urllib.error import URLError
from urllib.request import urlopen

START_S = 60


class Server:
    """``ganonymize serve`` on a free port of this machine.

    Args:
        folder: For uploads.
        words: More options.
    """

    def __init__(self, folder, *words):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._words = ["--port", str(port), "--folder", str(folder), *words]
        self._process = None

    def start(self):
        """Come back once it answers."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ganonymization", "serve", *self._words],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            assert self._process.poll() is None, "the server ended at once"
            with contextlib.suppress(URLError, ConnectionError), urlopen(f"{self.url}/healthz"):
                return self
            time.sleep(0.1)
        raise TimeoutError("the server did not start")

    def halt(self):
        """Let it hang: connections stay open, and nothing is answered."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self):
        self._process.send_signal(signal.SIGCONT)

    def kill(self):
        self._process.kill()
        self._process.wait()

    def stop(self):
        """End it, whatever its state."""
        if self._process is None or self._process.poll() is not None:
            return
        self.resume()
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()
