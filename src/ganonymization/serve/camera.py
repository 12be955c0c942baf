"""``/v1/camera``: frames in, each answered by what may be shown, or by words."""

import io
from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, Query, WebSocket, WebSocketDisconnect
from PIL import Image as Pillow

from .. import images
from ..errors import GanonymizationError
from ..live import LiveAnonymizer
from ..options import Mode, Privacy
from ..types import Image
from .engine import BusyError
from .guard import SUBPROTOCOL
from .state import State

_NAME = "the frame"
_JPEG_QUALITY = 85
_FRAME_BYTES = 4_000_000
_CLOSE_FULL, _CLOSE_WRONG = 4429, 4400  # as the statuses of HTTP

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
    try:
        while True:
            frame = await socket.receive_bytes()
            if len(frame) > _FRAME_BYTES:
                await socket.close(_CLOSE_WRONG, "frames are JPEGs of at most 4 MB")
                return
            await _answer(socket, state, live, frame, view)
    except WebSocketDisconnect:
        return
    except KeyError:
        await socket.close(_CLOSE_WRONG, "send frames, not text")
    finally:
        state.cameras -= 1


async def _answer(
    socket: WebSocket, state: State, live: LiveAnonymizer, frame: bytes, view: str
) -> None:
    try:
        shown = await state.engine.run(lambda: _shown(live, frame, view, state))
    except BusyError:
        await socket.send_json({"state": "error", "error": "the server is busy"})
    except GanonymizationError as error:
        await socket.send_json({"state": "error", "error": str(error)})
    else:
        state.metrics.add("frames_total", outcome="no face" if shown is None else "shown")
        if shown is None:
            await socket.send_json({"state": "no face"})
        else:
            await socket.send_bytes(shown)


def _shown(live: LiveAnonymizer, frame: bytes, view: str, state: State) -> bytes | None:
    """A JPEG that may be shown, or None."""
    side = state.limits.camera_side_px
    image = images.decode(io.BytesIO(frame), _NAME, side * side).pixels
    if view == "landmarks":
        mesh = live.mesh(image)
        return None if mesh is None else _jpeg(mesh)
    result = live(image)
    if result is None:
        return None
    if result.image is not None:
        return _jpeg(result.image)
    return _jpeg(result.portraits[0])


def _jpeg(image: Image) -> bytes:
    file = io.BytesIO()
    Pillow.fromarray(np.ascontiguousarray(image)).save(file, "JPEG", quality=_JPEG_QUALITY)
    return file.getvalue()
