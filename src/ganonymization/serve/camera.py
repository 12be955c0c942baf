"""``/v1/camera``: frames in, each answered by what may be shown, or by words."""

import asyncio
import io
from collections.abc import Awaitable
from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, Query, WebSocket, WebSocketDisconnect
from PIL import Image as Pillow

from ..errors import GanonymizationError
from ..io import images
from ..options import Mode, Privacy
from ..types import Image, Result
from ..video.live import FollowedFrame, LiveAnonymizer
from .guard import SUBPROTOCOL
from .state import State

_NAME = "the frame"
_JPEG_QUALITY = 85
_FRAME_BYTES = 4_000_000
_CLOSE_FULL, _CLOSE_WRONG = 4429, 4400  # as the statuses of HTTP
_CLOSE_BROKEN = 1011

_AT_ONCE = 1  # frames that wait behind the one whose answer is being drawn

Answer = bytes | dict[str, str]

router = APIRouter()


@router.websocket("/v1/camera")
async def camera(
    socket: WebSocket,
    mode: Annotated[Mode, Query()] = "scene",
    privacy: Annotated[Privacy, Query()] = "balanced",
    seed: Annotated[int | None, Query(ge=0, lt=1 << 53)] = None,
    view: Annotated[Literal["face", "landmarks"], Query()] = "face",
) -> None:
    """Answer each frame, in order; see the service's page in the docs."""
    state: State = socket.app.state.serve
    asked = socket.scope.get("subprotocols", [])
    await socket.accept(subprotocol=SUBPROTOCOL if SUBPROTOCOL in asked else None)
    if state.cameras >= state.limits.cameras:
        await socket.close(_CLOSE_FULL, "too many cameras")
        return
    state.cameras += 1
    live = LiveAnonymizer(state.engine.camera(mode, privacy), seed)
    answers: asyncio.Queue[asyncio.Task[Answer]] = asyncio.Queue(_AT_ONCE)
    telling = asyncio.create_task(_tell(socket, state, answers))
    try:
        while not telling.done():
            frame = await socket.receive_bytes()
            if len(frame) > _FRAME_BYTES:
                await socket.close(_CLOSE_WRONG, "frames are JPEGs of at most 4 MB")
                return
            await answers.put(await _begun(state, live, frame, view))
    except WebSocketDisconnect:
        return
    except KeyError:
        await socket.close(_CLOSE_WRONG, "send frames, not text")
    finally:
        state.cameras -= 1
        telling.cancel()
        while not answers.empty():
            answers.get_nowait().cancel()


async def _begun(
    state: State, live: LiveAnonymizer, frame: bytes, view: str
) -> "asyncio.Task[Answer]":
    """Follow the faces into a frame; it is drawn while the next one is followed."""
    follow = _mesh if view == "landmarks" else _seen
    try:
        found = await state.engine.run(lambda: follow(live, frame, state), in_any_case=True)
    except GanonymizationError as error:
        return asyncio.create_task(_answer(_failed(error)))
    return asyncio.create_task(_answer(_drawn(state, live, found)))


async def _failed(error: Exception) -> None:
    raise error


async def _drawn(
    state: State, live: LiveAnonymizer, seen: FollowedFrame | bytes | None
) -> bytes | None:
    if not isinstance(seen, FollowedFrame):
        return seen
    try:
        return await state.engine.run(lambda: _shown(live.draw(seen)), in_any_case=True)
    finally:
        seen.close()  # also when nobody waits for it any more


async def _answer(shown: Awaitable[bytes | None]) -> Answer:
    """A JPEG that may be shown, or words."""
    try:
        picture = await shown
    except GanonymizationError as error:
        return {"state": "error", "error": str(error)}
    return {"state": "no face"} if picture is None else picture


async def _tell(
    socket: WebSocket, state: State, answers: "asyncio.Queue[asyncio.Task[Answer]]"
) -> None:
    """Send the answers in the order of their frames."""
    while True:
        try:
            answer = await (await answers.get())
        except Exception:
            await socket.close(_CLOSE_BROKEN)
            raise
        if isinstance(answer, bytes):
            state.metrics.add("frames_total", outcome="shown")
            await socket.send_bytes(answer)
        else:
            state.metrics.add("frames_total", outcome=answer["state"])
            await socket.send_json(answer)


def _decoded(frame: bytes, state: State) -> Image:
    side = state.limits.camera_side_px
    return images.decode(io.BytesIO(frame), _NAME, side * side).pixels


def _seen(live: LiveAnonymizer, frame: bytes, state: State) -> FollowedFrame | None:
    return live.follow(_decoded(frame, state))


def _mesh(live: LiveAnonymizer, frame: bytes, state: State) -> bytes | None:
    mesh = live.mesh(_decoded(frame, state))
    return None if mesh is None else _jpeg(mesh)


def _shown(result: Result) -> bytes:
    return _jpeg(result.portraits[0] if result.image is None else result.image)


def _jpeg(image: Image) -> bytes:
    file = io.BytesIO()
    Pillow.fromarray(np.ascontiguousarray(image)).save(file, "JPEG", quality=_JPEG_QUALITY)
    return file.getvalue()
