"""``/v1/jobs``: videos and ZIPs."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse, JSONResponse

from ..options import Mode, Privacy
from . import uploads
from .jobs import Job, kind_of, new_seed
from .pictures import SeedQuery
from .problems import Problem
from .state import State

_TYPES = {"video": "video/mp4", "animation": "image/webp", "zip": "application/zip"}
_NO_SUCH = {404: {"description": "No such job; it may have expired."}}

router = APIRouter(prefix="/v1/jobs")


@router.post(
    "",
    status_code=202,
    responses={s: {"description": w} for s, w in ((413, "Too large."), (429, "Too many jobs."))},
    openapi_extra={"requestBody": {"required": True, "content": {
        "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}},
)  # fmt: skip
async def start(
    request: Request,
    mode: Mode = "scene",
    privacy: Privacy = "balanced",
    seed: SeedQuery = None,
    sound: Annotated[bool, Query(description="Copy it. A voice identifies, too.")] = True,
) -> Response:
    """Take a video, an animation, or a ZIP of pictures."""
    state = _state(request)
    job = state.jobs.reserve(
        "video", lambda: state.engine.anonymizer(mode, privacy), new_seed(seed), sound
    )
    try:
        coming = job.folder / "upload"
        await uploads.save(request, coming, state.limits)
        with coming.open("rb") as file:
            job.kind = kind_of(file.read(12))
        coming.rename(job.source)
    except BaseException:
        state.jobs.drop(job)
        raise
    state.jobs.start(job)
    return JSONResponse(job.told(state.limits.keep_s), 202, {"location": f"/v1/jobs/{job.id}"})


@router.get("")
async def every(request: Request) -> Response:
    """All jobs."""
    state = _state(request)
    return JSONResponse([job.told(state.limits.keep_s) for job in state.jobs.all()])


@router.get("/{number}", responses=_NO_SUCH)  # type: ignore[arg-type]
async def one(request: Request, number: str) -> Response:
    """One job."""
    state = _state(request)
    return JSONResponse(_job(state, number).told(state.limits.keep_s))


@router.get(
    "/{number}/result",
    responses=_NO_SUCH | {409: {"description": "Not done."}},  # type: ignore[arg-type]
)
async def result(request: Request, number: str) -> Response:
    """What became of it, once it is done."""
    job = _job(_state(request), number)
    if job.state != "done":
        raise Problem(409, f"the job is {job.state}; ask again when it is done")
    return FileResponse(job.result, media_type=_TYPES[job.kind], filename=job.result.name)


@router.delete("/{number}", responses=_NO_SUCH)  # type: ignore[arg-type]
async def cancel(request: Request, number: str) -> Response:
    """Cancel a job, or remove one that has ended."""
    state = _state(request)
    job = _job(state, number)
    state.jobs.remove(job)
    return JSONResponse(job.told(state.limits.keep_s))


def _state(request: Request) -> State:
    state: State = request.app.state.serve
    return state


def _job(state: State, number: str) -> Job:
    job = state.jobs.get(number)
    if job is None:
        raise Problem(404, "no such job; it may have expired")
    return job
