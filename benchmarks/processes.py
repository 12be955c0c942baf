"""Whole processes, their time and memory, and what they ran on, for the other benchmarks.

A process starts within the one that starts it, and Linux counts the memory of that as its own peak.
So a bare Python stands between, which holds next to nothing; it also chooses the cores.
"""

import json
import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

OURS = [sys.executable, "-m", "ganonymization"]
NOT_CARRIED = {"OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"}  # they slow a current NumPy
_BETWEEN = """
import json, os, resource, subprocess, sys, time
if int(sys.argv[1]):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(sys.argv[1])])
start = time.perf_counter()
code = subprocess.call(sys.argv[2:], stdout=subprocess.DEVNULL)
seconds = time.perf_counter() - start
peak_kb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(json.dumps([code, seconds, peak_kb]))
"""


@dataclass(frozen=True)
class Run:
    """A whole process.

    Attributes:
        seconds: It took.
        peak_mb: Memory at most.
        out: What it wrote, a file or folder.
    """

    seconds: float
    peak_mb: float
    out: Path


def run(words: list[str], out: Path, cores: int = 0) -> Run:
    """Run a command to its end.

    Args:
        words: The command.
        out: What it writes.
        cores: It may use so many; 0 leaves it every one.

    Raises:
        SystemExit: It failed; the message ends with what it said.
    """
    surroundings = {k: v for k, v in os.environ.items() if k not in NOT_CARRIED}
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _BETWEEN, str(cores), *words],
        capture_output=True, text=True, env=surroundings,
    )  # fmt: skip
    code, seconds, peak_kb = json.loads(done.stdout) if done.stdout else (done.returncode, 0, 0)
    if code:
        raise SystemExit(f"{' '.join(words)} ended with {code}: {done.stderr[-500:]}")
    return Run(seconds, peak_kb / 1000, out)


def better(*runs: Run) -> Run:
    """The faster one."""
    return min(runs, key=lambda one: one.seconds)


def machine(*packages: str) -> str:
    """Hardware and versions."""
    told = [f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"]
    for name in packages:
        try:
            told.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            told.append(f"no {name}")
    return ", ".join(told)
