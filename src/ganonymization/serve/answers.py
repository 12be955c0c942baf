"""What the service answers as JSON, for its OpenAPI document."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

_PIXEL = "data:image/png;base64,iVBORw0KGgo..."


def _example(**values: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [values]})


class ErrorAnswer(BaseModel):
    """A request that cannot be answered."""

    model_config = _example(error="the body is empty; send the file as the request's body")

    error: str
    """One line: what is wrong and what to do."""


class FaceAnswer(BaseModel):
    """What became of one face."""

    index: int
    """As ``faces`` counts, from the largest."""
    box_xyxy: tuple[float, float, float, float]
    """Left, top, right, bottom in pixels."""
    score: float
    """0 to 1."""
    outcome: str
    """``synthesized``, ``kept``, ``filled: why``, or ``covered by the audit``."""
    seed: str | None
    """64 bits, hence text; null for a kept face."""


class PictureAnswer(BaseModel):
    """A picture and its faces."""

    model_config = _example(
        seed=5, audited=True, width=640, height=480, timings_ms={"detect": 40.0},
        faces=[{"index": 0, "box_xyxy": [1.0, 2.0, 3.0, 4.0], "score": 0.98,
                "outcome": "synthesized", "seed": "77"}],
        picture=_PIXEL, portraits=[],
    )  # fmt: skip

    seed: int
    """Repeats the result."""
    width: int
    height: int
    audited: bool
    """It was searched once more, and what still showed a face was covered."""
    timings_ms: dict[str, float]
    faces: list[FaceAnswer]
    picture: str | None
    """A data URL; null for portraits."""
    portraits: list[str]
    """Data URLs, largest face first; empty for scenes."""


class JobAnswer(BaseModel):
    """A job on its way."""

    model_config = _example(
        id="f3a9c1d2e4b5968778695a4b3c2d1e0f", kind="video", state="running", done=31, total=216,
        error=None, faces=31, filled=0, by_audit=0, preview=True, expires_s=3600,
    )  # fmt: skip

    id: str
    kind: Literal["video", "animation", "zip"]
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    done: int
    """Frames or pictures."""
    total: int
    """Of them; 0 where that is not known."""
    error: str | None
    """What went wrong."""
    faces: int
    filled: int
    """Of them, covered rather than redrawn."""
    by_audit: int
    """Of those, found only when the result was searched once more."""
    preview: bool
    """The first seconds can be had."""
    expires_s: int
    """When it will be forgotten."""


class ModelAnswer(BaseModel):
    """A shipped model."""

    model_config = _example(name="default", sha256="fbba...", licence="MIT", reads="mesh at 256 px")

    name: str
    sha256: str
    licence: str
    reads: str


class HealthAnswer(BaseModel):
    """That it is up."""

    model_config = _example(status="ok", waiting=0)

    status: Literal["ok"]
    waiting: int
    """Requests that wait or are worked on."""
