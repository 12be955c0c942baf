"""``/v1/jobs``: videos and ZIPs."""

import re
import secrets
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import FileResponse, JSONResponse

from .. import seeds
from ..errors import OptionError
from ..video.added_boxes import AddedBox
from . import uploads
from .answers import JobAnswer
from .job import Job, Order, kind_of
from .pictures import AuditQuery, ModeQuery, PrivacyQuery, SeedQuery, ThoroughQuery
from .problems import Declared, Problem, declared, known_options
from .state import State

_COOKIE = "ganonymization"  # whose jobs are listed
_TYPES = {"video": "video/mp4", "animation": "image/webp", "zip": "application/zip"}
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_NO_SUCH = declared({404: "No such job; it may have expired.", 422: "It cannot be an id."})
_JOB: Declared = {200: {"model": JobAnswer, "description": "How far it is."}}
_CONTENT = {media: _BINARY for media in _TYPES.values()}


def _file(content: dict[str, Any]) -> Declared:
    """Answers of a route that sends a file."""
    return {
        200: {"content": content, "description": "The file."},
        206: {"content": content, "description": "The part that Range asks for."},
        416: {"description": "There is no such part."},
    }


_FILE = _file(_CONTENT)
_PREVIEW = _file({_TYPES["video"]: _BINARY})

Number = Annotated[
    str,
    Path(description="The job's id.", max_length=64, examples=["f3a9c1d2e4b5968778695a4b3c2d1e0f"]),
]

router = APIRouter(prefix="/v1/jobs", dependencies=[Depends(known_options)])


@router.post(
    "",
    status_code=202,
    responses={
        202: {
            "model": JobAnswer, "description": "It waits for its turn.",
            "headers": {"Location": {"description": "Of the job.", "schema": {"type": "string"}}},
        },
        **declared({
            400: "Empty or broken off.", 408: "Too slow.",
            409: "Cancelled while its file was coming.", 413: "Too large.",
            422: "A picture, or an option that makes no sense.", 429: "Too many jobs.",
            507: "The disk is full.",
        }),
    },
    openapi_extra={"requestBody": {
        "required": True, "description": "A video, a GIF or WebP animation, or a ZIP of pictures.",
        "content": {"application/octet-stream": _BINARY},
    }},
)  # fmt: skip
async def start(
    request: Request,
    mode: ModeQuery = "scene",
    privacy: PrivacyQuery = "balanced",
    seed: SeedQuery = None,
    sound: Annotated[
        bool, Query(description="Copy it. A voice identifies, too.", examples=[True])
    ] = True,
    preview: Annotated[
        bool,
        Query(
            description="Of a video of more than six seconds: draw the first three before "
            "the whole.",
            examples=[True],
        ),
    ] = False,
    add_box: Annotated[
        list[str],
        Query(
            max_length=1000,
            examples=[["40,60,120,150,1.5,4"]],
            description="x,y,width,height of a face that is missed, in pixels, and start,end in "
            "seconds if it is not there all the time. Of videos and animations.",
        ),
    ] = [],  # noqa: B006
    thorough: ThoroughQuery = False,
    audit: AuditQuery = True,
) -> Response:
    """Take a video, an animation, or a ZIP of pictures."""
    state = _state(request)
    chosen = seeds.fresh_seed() if seed is None else seed
    try:
        added = tuple(AddedBox.parse(text) for text in add_box)
    except OptionError as error:
        raise Problem(422, f"add_box={error.message}") from error

    owner = request.cookies.get(_COOKIE, "")
    owner = owner if re.fullmatch(r"[0-9a-f]{32}", owner) else secrets.token_hex(16)
    order = Order(
        FilePath(), chosen, mode=mode, privacy=privacy, thorough=thorough, audit=audit,
        sound=sound, preview=preview, added=added,
    )  # fmt: skip
    job = state.jobs.reserve(order, lambda: order.of(state.models.loaded), owner)
    try:
        coming = job.folder / "upload"
        await uploads.save(request, coming, state.limits)
        if job.stop.is_set():  # its folder is gone
            raise Problem(409, "the job was cancelled while its file was coming")
        with coming.open("rb") as file:
            kind = kind_of(file.read(4096))
        if kind is None:
            raise Problem(422, "a picture; send it to /v1/anonymize")
        job.order = replace(job.order, kind=kind)
        if job.kind == "zip" and added:
            raise Problem(422, "add_box: pictures of a ZIP differ; send this one to /v1/anonymize")
        coming.rename(job.source)
    except BaseException:
        state.jobs.drop(job)
        raise
    state.jobs.start(job)
    answer = JSONResponse(job.status(state.limits.keep_s), 202, {"location": f"/v1/jobs/{job.id}"})
    answer.set_cookie(
        _COOKIE, owner, path="/v1/jobs", httponly=True, samesite="strict",
        secure=request.url.scheme == "https",
    )  # fmt: skip
    return answer


@router.get("", responses={200: {"model": list[JobAnswer], "description": "Oldest first."}})
async def every(request: Request) -> Response:
    """Your jobs: those that were begun with the cookie that the request carries."""
    state, owner = _state(request), request.cookies.get(_COOKIE)
    own = (job for job in state.jobs.all() if job.owner == owner)
    return JSONResponse([job.status(state.limits.keep_s) for job in own])


@router.get("/{number}", responses=_JOB | _NO_SUCH)
async def one(request: Request, number: Number) -> Response:
    """One job."""
    state = _state(request)
    return JSONResponse(_job(state, number).status(state.limits.keep_s))


@router.get(
    "/{number}/result",
    response_class=Response,
    responses=_FILE | _NO_SUCH | declared({409: "Not done."}),
)
async def result(request: Request, number: Number) -> Response:
    """What became of it, once it is done."""
    job = _job(_state(request), number)
    if job.state != "done":
        raise Problem(409, f"the job is {job.state}; ask again when it is done")
    return FileResponse(job.result, media_type=_TYPES[job.kind], filename=job.result.name)


@router.get(
    "/{number}/preview",
    response_class=Response,
    responses=_PREVIEW | _NO_SUCH | declared({409: "Not there."}),
)
async def preview(request: Request, number: Number) -> Response:
    """The first seconds of the result, where `preview` asked for them, while the rest is drawn."""
    job = _job(_state(request), number)
    if not job.previewed:
        raise Problem(409, "there is no preview; ask for one with preview=true, and wait for it")
    return FileResponse(job.preview, media_type=_TYPES["video"], filename=job.preview.name)


@router.delete("/{number}", responses=_JOB | _NO_SUCH)
async def cancel(request: Request, number: Number) -> Response:
    """Cancel a job, or remove one that has ended."""
    state = _state(request)
    job = _job(state, number)
    state.jobs.remove(job)
    return JSONResponse(job.status(state.limits.keep_s))


def _state(request: Request) -> State:
    state: State = request.app.state.serve
    return state


def _job(state: State, number: str) -> Job:
    job = state.jobs.get(number)
    if job is None:
        raise Problem(404, "no such job; it may have expired")
    return job
