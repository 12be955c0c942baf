"""Errors as clients see them: a status and one line of JSON."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..errors import GanonymizationError, MissingExtraError, ModelError, OutputError
from .engine import BusyError

RETRY_AFTER_S = 1


class Problem(Exception):
    """A request that cannot be answered.

    Args:
        status: Of HTTP.
        words: What is wrong and what to do.
    """

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words


def answer(request: Request, error: Exception) -> Response:
    """An error as JSON."""
    if isinstance(error, Problem):
        return _json(error.status, error.words)
    if isinstance(error, BusyError):
        return _json(429, "too many requests wait; try again in a second")
    if isinstance(error, ModelError | OutputError | MissingExtraError):
        return _json(500, str(error))
    if isinstance(error, GanonymizationError):
        return _json(422, str(error))
    raise error


def _json(status: int, words: str) -> Response:
    headers = {"retry-after": str(RETRY_AFTER_S)} if status == 429 else {}
    return JSONResponse({"error": words}, status, headers)
