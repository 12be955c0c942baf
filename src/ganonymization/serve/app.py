"""The service as one ASGI application."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from .. import __version__, weights
from ..errors import GanonymizationError
from . import camera, job_routes, pictures, problems
from .answers import HealthAnswer, ModelAnswer
from .budget import Budget
from .decoder import Decoder, Decoding
from .docs_page import docs_page
from .guard import App, Guard
from .job_work import anonymize_movie
from .jobs import Jobs, Movies
from .metrics import Metrics
from .model_pool import BusyError, ModelPool
from .problems import Problem
from .settings import ServeSettings
from .state import State
from .uploads import PrivateFolder

_PAGE = Path(__file__).parent / "page"
_SAMPLE = Path(__file__).parent.parent / "cli" / "astronaut.webp"
_SWEEP_S = 60.0  # from one look for results that have expired to the next
_ABOUT = """Replaces every face in a picture by nobody's face and keeps the expression.

Where the server has a token, each request carries `Authorization: Bearer TOKEN`."""
_COUNTS = """# HELP ganonymization_requests_total Requests answered, by path and status.
# TYPE ganonymization_requests_total counter
ganonymization_requests_total{path="/v1/anonymize",status="200"} 1
"""


def make_app(
    models: ModelPool, decoder: Decoder, settings: ServeSettings, movies: Movies = anonymize_movie
) -> App:
    """The application, behind its guard.

    Args:
        models: With loaded models; closed with the application.
        decoder: Of pictures.
        settings: See :class:`ServeSettings`.
        movies: Does videos and animations.
    """

    @asynccontextmanager
    async def open_until_closed(app: FastAPI) -> AsyncIterator[None]:
        folder = PrivateFolder(settings.folder)
        limits = settings.limits
        decode = Decoding(decoder, limits.pixels, Budget(limits.held_pixels))
        jobs = Jobs(folder.path, limits, decode, movies)
        app.state.serve = State(
            models, jobs, Metrics(), limits, folder, Budget(limits.held_bytes), decode
        )
        sweeping = asyncio.create_task(_sweep(jobs, min(_SWEEP_S, limits.keep_s)))
        try:
            yield
        finally:
            sweeping.cancel()
            jobs.close()
            models.close()
            folder.close()

    app = FastAPI(
        title="GANonymization", version=__version__, description=_ABOUT, docs_url=None,
        redoc_url=None, lifespan=open_until_closed, responses=problems.EVERYWHERE,
    )  # fmt: skip
    for router in (pictures.router, job_routes.router, camera.router):
        app.include_router(router)
    for kind in (Problem, BusyError, GanonymizationError, HTTPException):
        app.add_exception_handler(kind, problems.answer)
    app.add_exception_handler(RequestValidationError, _unclear)
    app.middleware("http")(_counted)
    app.add_api_route("/page/sample.webp", _sample, include_in_schema=False)
    app.mount("/page", StaticFiles(directory=_PAGE), name="page")
    app.add_api_route("/", _page, include_in_schema=False)
    app.add_api_route("/docs", _docs, include_in_schema=False)
    app.add_api_route(
        "/v1/models", _models, summary="The shipped models.",
        responses={200: {"model": list[ModelAnswer], "description": "All of them."}},
    )  # fmt: skip
    app.add_api_route(
        "/healthz", _health, summary="Whether it is up.",
        responses={200: {"model": HealthAnswer, "description": "It is."}},
    )  # fmt: skip
    app.add_api_route(
        "/metrics", _metrics, summary="Counts for Prometheus.", response_class=PlainTextResponse,
        responses={200: {"content": {"text/plain": {"example": _COUNTS}}, "description": "Text."}},
    )  # fmt: skip
    return Guard(app, settings.host, settings.token)


async def _sweep(jobs: Jobs, every_s: float) -> None:
    """Results go when they have expired, also while nobody asks."""
    while True:
        await asyncio.sleep(every_s)
        jobs.expire()


async def _counted(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    start = time.perf_counter()
    response = await call_next(request)
    state: State = request.app.state.serve
    path = getattr(request.scope.get("route"), "path", "other")  # never what a client made up
    state.metrics.add("requests_total", path=path, status=str(response.status_code))
    state.metrics.add("request_seconds_total", time.perf_counter() - start, path=path)
    return response


async def _unclear(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:])
    return JSONResponse({"error": f"{where}: {first['msg']}"}, 422)


async def _page() -> Response:
    return FileResponse(_PAGE / "index.html")


async def _sample() -> Response:
    return FileResponse(_SAMPLE)


async def _docs(request: Request) -> Response:
    return HTMLResponse(docs_page(request.app.openapi(), str(request.base_url).rstrip("/")))


async def _models() -> Response:
    return JSONResponse([
        {"name": model.name, "sha256": model.sha256, "licence": model.licence, "reads": model.reads}
        for model in weights.SHIPPED.values()
    ])  # fmt: skip


async def _health(request: Request) -> Response:
    state: State = request.app.state.serve
    return JSONResponse({"status": "ok", "waiting": state.models.waiting})


async def _metrics(request: Request) -> Response:
    state: State = request.app.state.serve
    jobs = Counter[str](job.state for job in state.jobs.all())
    return PlainTextResponse(state.metrics.text({
        "waiting": {"": state.models.waiting}, "cameras": {"": state.cameras}, "jobs": dict(jobs)
    }))  # fmt: skip
