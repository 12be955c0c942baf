"""``report.html`` of a folder: how many files became what, what failed, and a sample to look at."""

import html
import os
import random
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..io import images
from ..video.kinds import STRIP
from .folder import FolderJob
from .manifest import FINISHED, MEANINGS, latest

REPORT = "report.html"
_SAMPLE = 48
_MOST_LISTED = 1000
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; }
table { border-collapse: collapse; } td, th { padding: .2rem .8rem; text-align: left; }
td:first-child { text-align: right; font-variant-numeric: tabular-nums; }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: .6rem; }
figure { margin: 0; } figcaption { font-size: 12px; overflow-wrap: anywhere; }
img { width: 100%; height: 11rem; object-fit: cover; background: #8884; }
@media (prefers-color-scheme: dark) { body { background: #161a1f; color: #dde; } }
"""


def write_report(job: FolderJob) -> None:
    """Write a job's page from its manifests; of the inputs it shows nothing.

    A known seed draws the sample, a secret one another each time. A job without reports gets none.

    Raises:
        OutputError: It cannot be written.
    """
    if not job.reports:
        return
    results = quote(os.fsencode(job.out.seen_from(job.report)))
    lines = list(latest(_summary(line, results) for line in job.manifest_lines()).values())
    counts = Counter(line["status"] for line in lines)
    drawn = [line["shown"] for line in lines if line["status"] in FINISHED and line["shown"]]
    sample = sorted(random.Random(job.told_seed).sample(drawn, min(_SAMPLE, len(drawn))))
    page = [
        '<!doctype html><html lang="en"><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width"><title>Anonymized folder</title>',
        f"<style>{_STYLE}</style><h1>{len(lines)} files</h1><table>",
        *(f"<tr><td>{counts[status]}</td><td>{status}</td><td>{meaning}</td></tr>"
          for status, meaning in MEANINGS.items() if counts[status]),
        f"</table><p>{_faces(lines)}</p>",
        *_listed("Not written", (line for line in lines if line["status"] == "failed"), "error"),
        *_listed("Without a face: look at these, a detector misses some",
               (line for line in lines if line["status"] == "no face"), "file"),
        f"<h2>{len(sample)} outputs drawn by lot</h2><p>Is every face somebody else's?</p><main>",
        *map(_figure, sample),
        "</main></html>\n",
    ]  # fmt: skip
    content = "\n".join(page).encode("utf-8", "backslashreplace")
    job.report.write(REPORT, content)


def _figure(shown: tuple[str, str]) -> str:
    name, link = shown
    return (
        f'<figure><a href="{link}"><img loading="lazy" alt="" src="{link}"></a>'
        f"<figcaption>{html.escape(name)}</figcaption></figure>"
    )


def _summary(line: dict[str, Any], results: str) -> dict[str, Any]:
    """What the page shows of a line: there may be millions."""
    pictures = [name for name in line["outputs"] if images.is_picture(Path(name))]
    shown = None
    if pictures:  # names that are no UTF-8, too
        shown = pictures[-1], f"{results}/{quote(os.fsencode(pictures[-1]))}"
    elif line["outputs"]:  # of a video its strip
        strip = line["outputs"][0] + STRIP
        shown = strip, quote(os.fsencode(strip))
    return {
        "file": line["file"],
        "status": line["status"],
        "error": line.get("error"),
        "shown": shown,
        "faces": len(line["faces"]),
        "filled": sum(face["outcome"] != "synthesized" for face in line["faces"]),
        "tracks": len(line.get("tracks", ())),
    }


def _faces(lines: list[dict[str, Any]]) -> str:
    faces, filled, tracks = (
        sum(line[key] for line in lines) for key in ("faces", "filled", "tracks")
    )
    return (
        f"{faces} faces in pictures, {filled} of them covered rather than redrawn; "
        f"{tracks} faces followed in videos."
    )


def _listed(title: str, lines: Iterable[dict[str, Any]], key: str) -> list[str]:
    words = [html.escape(str(line[key])) for line in lines]
    if not words:
        return []
    more = [f"<li>and {len(words) - _MOST_LISTED} more"] if len(words) > _MOST_LISTED else []
    items = [f"<li>{text}" for text in words[:_MOST_LISTED]]
    return [f"<h2>{title}</h2><ul>", *items, *more, "</ul>"]
