"""``/v1/camera``: frames in, each answered by what may be shown, or by words."""

import asyncio
import contextlib
import io
from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, Query, WebSocket, WebSocketDisconnect
from PIL import Image as Pillow

from ..errors import GanonymizationError
from ..io import images
from ..options import Mode, Privacy
from ..types import Image
from ..video.live import FollowedFrame, LiveAnonymizer
from .guard import SUBPROTOCOL
from .settings import MEGABYTE
from .state import State

_NAME = "the frame"
_JPEG_QUALITY = 85
_CLOSE_FULL, _CLOSE_WRONG = 4429, 4400  # as the statuses of HTTP
_CLOSE_BROKEN = 1011

View = Literal["face", "landmarks"]
Answer = bytes | dict[str, str]
_NO_FACE: Answer = {"state": "no face"}

router = APIRouter()


class _NoFrameError(Exception):
    """A message that is no frame; its text is the reason for closing the connection."""


@router.websocket("/v1/camera")
async def camera(
    socket: WebSocket,
    mode: Annotated[Mode, Query()] = "scene",
    privacy: Annotated[Privacy, Query()] = "balanced",
    seed: Annotated[int | None, Query(ge=0, lt=1 << 53)] = None,
    view: Annotated[View, Query()] = "face",
) -> None:
    """Answer each frame, in order; see the service's page in the docs."""
    state: State = socket.app.state.serve
    offered = socket.scope.get("subprotocols", [])
    await socket.accept(subprotocol=SUBPROTOCOL if SUBPROTOCOL in offered else None)
    if state.cameras >= state.limits.cameras:
        await socket.close(_CLOSE_FULL, "too many cameras")
        return
    state.cameras += 1
    try:
        live = LiveAnonymizer(state.models.camera(mode, privacy), seed)
        await _Connection(socket, state, live, view).serve()
    finally:
        state.cameras -= 1


class _Connection:
    """One camera: a frame's faces are found while the frame before is drawn.

    Args:
        socket: Accepted.
        state: Of the server.
        live: Of this camera alone.
        view: What is answered.
    """

    def __init__(self, socket: WebSocket, state: State, live: LiveAnonymizer, view: View) -> None:
        self._socket, self._state, self._live, self._view = socket, state, live, view
        # a full queue stops reading, so the network holds a fast client back
        self._answers: asyncio.Queue[asyncio.Task[Answer]] = asyncio.Queue(
            state.limits.camera_frames_waiting
        )

    async def serve(self) -> None:
        """Answer frames until the client leaves; whatever is in work for it then is cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._send_answers())
                while True:
                    await self._answers.put(await self._begin_answer(tasks))
        except* WebSocketDisconnect:
            pass
        except* _NoFrameError as refused:
            await self._close(_CLOSE_WRONG, str(refused.exceptions[0]))
        except* Exception:
            await self._close(_CLOSE_BROKEN)
            raise

    async def _begin_answer(self, tasks: asyncio.TaskGroup) -> "asyncio.Task[Answer]":
        """Find the next frame's faces; they are drawn in a task."""
        found = await self._find(await self._receive_frame())
        if not isinstance(found, FollowedFrame):
            return tasks.create_task(_ready(found))
        drawing = tasks.create_task(self._draw(found))
        # also of a task that is cancelled before it begins, whose coroutine never runs
        drawing.add_done_callback(lambda _: found.close())
        return drawing

    async def _receive_frame(self) -> bytes:
        most_bytes = self._state.limits.frame_bytes
        try:
            frame = await self._socket.receive_bytes()
        except KeyError:
            raise _NoFrameError("send frames, not text") from None
        if len(frame) > most_bytes:
            raise _NoFrameError(f"frames are JPEGs of at most {most_bytes // MEGABYTE} MB")
        return frame

    async def _find(self, frame: bytes) -> FollowedFrame | Answer:
        try:
            return await self._state.models.run(lambda: self._found(frame), in_any_case=True)
        except GanonymizationError as error:
            return _words(error)

    def _found(self, frame: bytes) -> FollowedFrame | Answer:
        side_px = self._state.limits.camera_side_px
        image = images.decode(io.BytesIO(frame), _NAME, side_px * side_px).pixels
        if self._view == "face":
            return self._live.follow(image) or _NO_FACE
        mesh = self._live.mesh(image)
        return _NO_FACE if mesh is None else _jpeg(mesh)

    async def _draw(self, found: FollowedFrame) -> Answer:
        try:
            return await self._state.models.run(lambda: self._drawn(found), in_any_case=True)
        except GanonymizationError as error:
            return _words(error)

    def _drawn(self, found: FollowedFrame) -> bytes:
        result = self._live.draw(found)
        return _jpeg(result.portraits[0] if result.image is None else result.image)

    async def _send_answers(self) -> None:
        """Send the answers in the order of their frames."""
        while True:
            answer = await (await self._answers.get())
            outcome = "shown" if isinstance(answer, bytes) else answer["state"]
            self._state.metrics.add("frames_total", outcome=outcome)
            if isinstance(answer, bytes):
                await self._socket.send_bytes(answer)
            else:
                await self._socket.send_json(answer)

    async def _close(self, code: int, reason: str = "") -> None:
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):  # the client may be gone
            await self._socket.close(code, reason)


async def _ready(answer: Answer) -> Answer:
    return answer


def _words(error: GanonymizationError) -> Answer:
    return {"state": "error", "error": error.message}


def _jpeg(image: Image) -> bytes:
    file = io.BytesIO()
    Pillow.fromarray(np.ascontiguousarray(image)).save(file, "JPEG", quality=_JPEG_QUALITY)
    return file.getvalue()
