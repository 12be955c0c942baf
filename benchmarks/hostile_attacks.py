"""A server to attack, and the attacks of ``hostile.py``: files and clients, all of bounded time."""

import contextlib
import io
import json
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
from PIL import Image

from ganonymization.cli.demo import astronaut

sys.path.insert(0, str(Path(__file__).parent.parent))
from tests.io import hostile

PATIENCE_S = 120


class Server(NamedTuple):
    """A server that runs, and where it keeps uploads."""

    port: int
    process: "subprocess.Popen[bytes]"
    folder: Path

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, bytes]:
        """Status and content; (0, reason) where there is no answer."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, HTTPException) as error:
            return 0, repr(error).encode()
        finally:
            connection.close()

    def uploads(self) -> list[Path]:
        """Files of uploads on disk."""
        return [path for path in self.folder.rglob("upload*") if path.is_file()]

    def memory_mb(self) -> float:
        """Of all its processes; what they share counts once."""
        total = 0
        for pid in descendants(self.process.pid):
            with contextlib.suppress(OSError):
                lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
                total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        return total / 1e3


def descendants(pid: int) -> list[int]:
    """A process and all that it started."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = int(path.read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(path.parent.name))
    found = [pid]
    for each in found:
        found += children.get(each, [])
    return found


@contextlib.contextmanager
def service(memory_gb: float, folder: Path) -> Iterator[Server]:
    """A server on a free port; its errors are shown."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = ["--port", str(port), "--memory-gb", str(memory_gb), "--folder", str(folder)]
    process = subprocess.Popen(
        [sys.executable, "-m", "ganonymization", "serve", *words], stdout=subprocess.DEVNULL
    )
    server = Server(port, process, folder)
    try:
        while server.ask("GET", "/healthz")[0] != 200:
            time.sleep(0.2)
        yield server
    finally:
        process.terminate()
        process.wait()


def encoded(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    """A picture as a file."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def posting(*contents: bytes, path: str = "/v1/anonymize") -> Callable[[Server, float], None]:
    """An attack by so many clients, each of which posts its file again and again."""

    def attack(server: Server, until: float) -> None:
        def post(content: bytes) -> None:
            while time.monotonic() < until:
                status, answer = server.ask("POST", path, content)
                if status == 202:
                    wait_and_remove(server, json.loads(answer)["id"], until)
                elif status == 429:
                    time.sleep(0.2)

        threads = [threading.Thread(target=post, args=(content,)) for content in contents]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return attack


def wait_and_remove(server: Server, job: str, until: float) -> None:
    """Let a job run, and cancel what runs at the end."""
    while time.monotonic() < until:
        status, answer = server.ask("GET", f"/v1/jobs/{job}")
        if status == 200 and json.loads(answer)["state"] not in ("queued", "running"):
            break
        time.sleep(0.3)
    server.ask("DELETE", f"/v1/jobs/{job}")


def held(count: int, size: int, sent: int, path: str) -> Callable[[Server, float], None]:
    """Uploads that come in large part, and then a byte now and then."""

    def attack(server: Server, until: float) -> None:
        open_: list[socket.socket] = []
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {size}\r\n\r\n"
        while time.monotonic() < until:
            with contextlib.suppress(OSError):  # a server that has ended, or refuses
                while len(open_) < count:
                    client = socket.create_connection(("127.0.0.1", server.port), timeout=10)
                    open_.append(client)
                    client.sendall(head.encode() + bytes(sent))
            time.sleep(0.5)
            for client in list(open_):
                try:
                    client.sendall(b"\0")
                except OSError:  # it was refused
                    open_.remove(client)
                    client.close()
        for client in open_:
            client.close()

    return attack


def half_headers(server: Server, until: float) -> None:
    """300 connections on which headers begin and do not end."""
    open_ = []
    for _ in range(300):
        with contextlib.suppress(OSError):
            client = socket.create_connection(("127.0.0.1", server.port), timeout=10)
            client.sendall(b"GET /v1/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ")
            open_.append(client)
    time.sleep(max(0.0, until - time.monotonic()))
    alive = 0
    for client in open_:
        client.settimeout(0.01)
        try:
            alive += client.recv(1) != b""
        except TimeoutError:
            alive += 1
        except OSError:
            pass
        client.close()
    print(f"half headers still open: {alive} of 300", file=sys.stderr)


def cancelling(content: bytes) -> Callable[[Server, float], None]:
    """Jobs that are cancelled while they run."""

    def attack(server: Server, until: float) -> None:
        slowest = 0.0
        while time.monotonic() < until:
            status, answer = server.ask("POST", "/v1/jobs", content)
            if status != 202:
                time.sleep(0.3)
                continue
            path = f"/v1/jobs/{json.loads(answer)['id']}"
            time.sleep(2)
            start = time.monotonic()
            server.ask("DELETE", path)
            while server.ask("GET", path)[0] == 200:
                if json.loads(server.ask("GET", path)[1] or b"{}").get("state") != "running":
                    break
                time.sleep(0.05)
            slowest = max(slowest, time.monotonic() - start)
            server.ask("DELETE", path)
        print(f"slowest end after DELETE: {slowest:.1f} s", file=sys.stderr)

    return attack


def growing_film(sides: tuple[int, int], counts: tuple[int, int]) -> bytes:
    """A MOV of PNGs whose frames grow."""
    file = io.BytesIO()
    frames = [encoded(Image.new("RGB", (side, side)), "PNG", compress_level=9) for side in sides]
    with av.open(file, "w", format="mov") as movie:
        stream: Any = movie.add_stream("png", rate=25)
        stream.width = stream.height = sides[0]
        stream.pix_fmt = "rgb24"
        for number, content in enumerate([frames[0]] * counts[0] + [frames[1]] * counts[1]):
            packet: Any = av.Packet(content)
            packet.stream, packet.time_base = stream, Fraction(1, 25)
            packet.pts = packet.dts = number
            packet.is_keyframe = True
            movie.mux(packet)
    return file.getvalue()


def zip_directory(entries: int) -> bytes:
    """A ZIP that is nothing but a list of files."""
    entry = struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, *[20] * 2, *[0] * 7, 1, *[0] * 6) + b"a"
    start, size = b"PK\x03\x04" + bytes(26), entries * len(entry)
    end = struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, entries, entries, size, 30)
    end += struct.pack("<IIQI", 0x07064B50, 0, 30 + size, 1)
    end += struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, *[0xFFFF] * 2, *[0xFFFFFFFF] * 2, 0)
    return start + entry * entries + end


def many_frames(count: int) -> bytes:
    """A GIF of so many frames of one pixel."""
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    head = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + bytes([0, 0, 0, 255, 255, 255])
    return head + frame * count + b"\x3b"


def film(width: int, height: int, count: int) -> bytes:
    """An MP4 with faces that move."""
    file, frame = io.BytesIO(), np.zeros((height, width, 3), np.uint8)
    tile = astronaut()[:256, 100:356]
    for x in range(0, width - 256, 300):
        frame[50:306, x : x + 256] = tile
    with av.open(file, "w", format="mp4") as movie:
        stream: Any = movie.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(count):
            shown = av.VideoFrame.from_ndarray(np.roll(frame, 6 * number, 1), format="rgb24")
            movie.mux(stream.encode(shown))
        movie.mux(stream.encode())
    return file.getvalue()


def attacks() -> dict[str, Callable[[Server, float], Any]]:
    """By name; files that say what they are."""
    grey = hostile.deep_png(6400)
    rgba = encoded(Image.new("RGBA", (6400, 6400), (0, 0, 0, 90)), "PNG")
    dark = encoded(Image.fromarray(np.zeros((3000, 3000), np.uint16)), "PNG")
    return {
        "TIFFs of 40,000 pages": posting(*[hostile.pages(40_000)] * 3),
        "JPEGs of 400 scans": posting(*[hostile.scans(6400, 400)] * 3),
        "JPEGs of 20 scans": posting(*[hostile.scans(6400, 20)] * 3),
        "PNGs of 100 megapixels, 16 bits": posting(*[hostile.deep_png(10_000)] * 3),
        "PNGs of 41 megapixels, 16 bits": posting(*[grey] * 3),
        "PNGs of 41 megapixels, alpha": posting(*[rgba] * 3),
        "pictures that are slow to draw": posting(*[dark] * 3),
        "a MOV whose frames grow": posting(growing_film((64, 4000), (4, 400)), path="/v1/jobs"),
        "a film of 1920 x 1080": posting(film(1920, 1080, 150), path="/v1/jobs"),
        "film and large pictures": together(
            posting(film(1920, 1080, 150), path="/v1/jobs"), posting(*[grey] * 2)
        ),
        "a ZIP of 3 million names": posting(zip_directory(3_000_000), path="/v1/jobs"),
        "20 uploads of 60 MB": held(20, 60_000_000, 59_000_000, "/v1/anonymize"),
        "8 jobs that trickle": held(8, 1000, 10, "/v1/jobs"),
        "300 half headers": half_headers,
        "GIFs of a million frames, cancelled": cancelling(many_frames(1_000_000)),
    }


def together(*each: Callable[[Server, float], Any]) -> Callable[[Server, float], None]:
    """Several attacks at once."""

    def attack(server: Server, until: float) -> None:
        threads = [threading.Thread(target=one, args=(server, until)) for one in each]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return attack
