"""Attacks on the service, one after the other, with an honest client beside each.

    python benchmarks/hostile.py [--seconds 20] [--memory-gb 2] [--only NAME ...]

Starts servers by itself, on the loopback, and prints one table: how long an honest client with a
small picture waits for an answer, a success or a 429, in times of what it waits in quiet; answers
that are neither; the most memory of all processes of the server together (PSS); what of uploads
lies on disk 5 seconds after an attack. Then servers are killed and stopped in the middle of
uploads, and hostile files go through the API and the command. Needs the extras ``serve``, ``dev``.
"""

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hostile_attacks import Server, attacks, encoded, held, service
from PIL import Image
from tests.serve import broken

from ganonymization.cli.demo import astronaut

FILES = 300
HANG_S = 30.0


HONEST = encoded(Image.fromarray(astronaut()[::2, ::2]))


class Beside(threading.Thread):
    """An honest client, and who watches the memory, while an attack lasts."""

    def __init__(self, server: Server) -> None:
        super().__init__(daemon=True)
        self.server, self.ended = server, threading.Event()
        self.waits_s: list[float] = []
        self.done, self.lost, self.peak_mb = 0, 0, 0.0

    def run(self) -> None:
        """Ask until the attack ends."""
        watching = threading.Thread(target=self._watch, daemon=True)
        watching.start()
        while not self.ended.is_set():
            start = time.perf_counter()
            status, _ = self.server.ask("POST", "/v1/anonymize?seed=1", HONEST)
            self.waits_s.append(time.perf_counter() - start)
            self.done += status == 200
            self.lost += status not in (200, 429)
            self.ended.wait(0.3)
        watching.join()

    def _watch(self) -> None:
        while not self.ended.is_set():
            self.peak_mb = max(self.peak_mb, self.server.memory_mb())
            time.sleep(0.1)


def beside(server: Server, attack: Callable[[Server, float], Any], seconds: float) -> Beside:
    """The honest client beside an attack."""
    client = Beside(server)
    client.start()
    attack(server, time.monotonic() + seconds)
    client.ended.set()
    client.join()
    return client


def under_attack(memory_gb: float, seconds: float, only: list[str] | None) -> None:
    """Print the table of attacks."""
    with tempfile.TemporaryDirectory() as folder, service(memory_gb, Path(folder)) as server:
        server.ask("POST", "/v1/anonymize", HONEST)  # warm
        quiet = beside(server, lambda _, until: time.sleep(until - time.monotonic()), 10)
        quiet_s = statistics.median(quiet.waits_s)
        print(f"quiet: median {quiet_s:.2f} s, slowest {max(quiet.waits_s):.2f} s\n")
        print("| attack | answers, done | median, times quiet | slowest | lost | memory, MB "
              "| uploads left |\n| --- " + "| --- " * 6 + "|")  # fmt: skip
        for name, attack in attacks().items():
            if only and not any(word in name for word in only):
                continue
            client = beside(server, attack, seconds)
            time.sleep(5)
            median, slowest = statistics.median(client.waits_s), max(client.waits_s)
            print(f"| {name} | {len(client.waits_s)}, {client.done} | {median / quiet_s:.1f} | "
                  f"{slowest / quiet_s:.1f} | {client.lost} | {client.peak_mb:.0f} | "
                  f"{len(server.uploads())} |", flush=True)  # fmt: skip
            assert server.process.poll() is None, "the server has ended"


def ended(memory_gb: float) -> None:
    """Kill a server, and stop one, in the middle of uploads."""
    upload = held(2, 1_000_000, 500_000, "/v1/jobs")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with service(memory_gb, folder) as server:
            threading.Thread(target=upload, args=(server, time.monotonic() + 5)).start()
            time.sleep(3)
            before = len(server.uploads())
            os.kill(server.process.pid, signal.SIGKILL)
            server.process.wait()
        left = len(server.uploads())
        with service(memory_gb, folder) as server:
            print(f"\nkilled with {before} uploads: {left} left on disk, after the next start "
                  f"{len(server.uploads())}")  # fmt: skip
            threading.Thread(target=upload, args=(server, time.monotonic() + 20)).start()
            time.sleep(3)
            start = time.monotonic()
            server.process.terminate()
            server.process.wait()
            print(f"stopped with trickling clients in {time.monotonic() - start:.1f} s; left: "
                  f"{len(list(folder.rglob('*')))} files")  # fmt: skip


def hostile_files(memory_gb: float) -> None:
    """Files that were made to break readers, through the API and the command."""
    with tempfile.TemporaryDirectory() as scratch:
        good = broken.whole(Path(scratch))
        files = [file for group in broken.GROUPS for file in group(good)]
        luck, kinds = random.Random(1), sorted(good)
        while len(files) < FILES:
            content = good[kinds[len(files) % len(kinds)]]
            at = luck.randrange(len(content))
            files.append(("torn", content[:at] + luck.randbytes(99)))
        source, folder = Path(scratch) / "in", Path(scratch) / "serve"
        source.mkdir()
        folder.mkdir()
        with service(memory_gb, folder) as server:
            statuses: list[int] = []
            slowest = 0.0
            for _, content in files:
                start = time.perf_counter()
                statuses.append(server.ask("POST", "/v1/anonymize", content)[0])
                slowest = max(slowest, time.perf_counter() - start)
        wrong = sum(status == 0 or status >= 500 for status in statuses)
        print(f"{len(files)} hostile files through the API: {wrong} without an answer or 5xx, "
              f"slowest {slowest:.1f} s", flush=True)  # fmt: skip
        ends = (".png", ".jpg", ".webp", ".tif", ".mp4", ".gif", ".mkv")
        for number, (_, content) in enumerate(files):
            (source / f"{number}{ends[number % len(ends)]}").write_bytes(content)
        start = time.perf_counter()
        words = ["folder", str(source), str(Path(scratch) / "out"), "--json"]
        answer = subprocess.run(
            [sys.executable, "-m", "ganonymization", *words], capture_output=True, text=True,
            timeout=HANG_S * len(files),
        )  # fmt: skip
        told = json.loads(answer.stdout)["counts"]
        print(f"{len(files)} through the command: {told}, Traceback in its output: "
              f"{'Traceback' in answer.stderr}, {time.perf_counter() - start:.0f} s")  # fmt: skip


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--memory-gb", type=float, default=2)
    parser.add_argument("--only", nargs="*", help="parts of names of attacks; nothing else is done")
    arguments = parser.parse_args()
    under_attack(arguments.memory_gb, arguments.seconds, arguments.only)
    if not arguments.only:
        ended(arguments.memory_gb)
        hostile_files(arguments.memory_gb)


if __name__ == "__main__":
    main()
