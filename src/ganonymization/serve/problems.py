"""Errors as clients see them: a status and one line of JSON."""

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..errors import GanonymizationError, MissingExtraError, ModelError, OutputError
from .answers import ErrorAnswer
from .model_pool import BusyError

RETRY_AFTER_S = 1

_EXAMPLES = {
    400: "the body is empty; send the file as the request's body",
    401: "give the server's token: Authorization: Bearer TOKEN",
    403: "requests from other pages are refused",
    404: "no such job; it may have expired",
    408: "the upload stopped; send it again",
    409: "the job is running; ask again when it is done",
    413: "more than 64 MB; send less",
    421: "this server answers to its own address only",
    422: "seed: Input should be greater than or equal to 0",
    429: "too many requests wait; try again in a second",
    507: "no room for the file; try again later, or send less",
}

Declared = dict[int | str, dict[str, Any]]


def declared(words: dict[int, str]) -> Declared:
    """The problems of a route, for its OpenAPI.

    Args:
        words: When each status is answered.
    """
    answers: Declared = {}
    for status, when in words.items():
        content = {"application/json": {"example": {"error": _EXAMPLES[status]}}}
        answers[status] = {"model": ErrorAnswer, "description": when, "content": content}
        if status == 429:
            answers[status]["headers"] = {
                "Retry-After": {"description": "In seconds.", "schema": {"type": "integer"}}
            }
    return answers


EVERYWHERE = declared({
    401: "The server's token is missing or wrong.", 403: "Another page asks.",
    421: "The request names another host.",
})  # fmt: skip
"""What the guard before every route answers."""


class Problem(Exception):
    """A request that cannot be answered.

    Args:
        status: Of HTTP.
        words: What is wrong and what to do.
    """

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words


def known_options(request: Request) -> None:
    """Refuse a query with a name that no option has: a slip in it would leave a face as it is.

    Raises:
        Problem: It has one.
    """
    known = {parameter.alias for parameter in request.scope["route"].dependant.query_params}
    for name in request.query_params:
        if name not in known:
            raise Problem(422, f"{name[:40]}: no such option; there are {', '.join(sorted(known))}")


def answer(request: Request, error: Exception) -> Response:
    """An error as JSON."""
    if isinstance(error, Problem):
        return _json(error.status, error.words)
    if isinstance(error, BusyError):
        return _json(429, "too many requests wait; try again in a second")
    if isinstance(error, ModelError | OutputError | MissingExtraError):
        return _json(500, error.message)
    if isinstance(error, GanonymizationError):
        return _json(422, error.message.replace("'ganonymize video'", "/v1/jobs"))
    if isinstance(error, HTTPException):  # no such path, or no such method
        return JSONResponse({"error": error.detail.lower()}, error.status_code, error.headers)
    raise error


def _json(status: int, words: str) -> Response:
    headers = {"retry-after": str(RETRY_AFTER_S)} if status == 429 else {}
    return JSONResponse({"error": words}, status, headers)
