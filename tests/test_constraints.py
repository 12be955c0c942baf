"""What faces the network is pinned."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
PINNED = dict(
    line.split("==")
    for line in (ROOT / "constraints.txt").read_text().splitlines()
    if not line.startswith("#")
)
BENEATH = {"starlette", "h11", "anyio", "pydantic", "aiohttp"}  # of FastAPI, uvicorn and Ray


def test_what_faces_the_network_is_pinned():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    named = {re.match(r"[\w-]+", line)[0] for line in extras["serve"] + extras["scale"]}
    assert named - {"pyarrow"} | BENEATH <= PINNED.keys()  # tables, from this machine alone


def test_starlette_is_one_that_cannot_be_kept_busy_by_ranges():
    """CVE-2025-62727: work that grows with the square of a Range header, mended in 0.49.1."""
    assert tuple(map(int, PINNED["starlette"].split("."))) >= (0, 49, 1)
