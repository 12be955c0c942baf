"""``POST /v1/anonymize``: a picture in; a picture, or JSON with its faces, out."""

import asyncio
import base64
import io
import re
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Query, Request, Response

from .. import seeds
from ..io import images
from ..io.images import Picture
from ..onnx_session import InterruptedWork, interruptible
from ..options import Mode, Privacy, added_box
from ..picture_file import boxes_by_alpha, without_faces
from ..pipeline import Anonymizer
from ..result import Result
from ..synthesize.face_state import LocatedFace
from ..types import Box, Image
from . import uploads
from .answers import PictureAnswer
from .bodies import FORM, JSON, picture_in
from .problems import Problem, declared, known_options
from .state import State

PictureFormat = Literal["png", "jpeg", "webp"]
ModeQuery = Annotated[
    Mode, Query(description="The whole picture, or a head on black.", examples=["scene"])
]
PrivacyQuery = Annotated[
    Privacy, Query(description="How little of a face is taken over.", examples=["balanced"])
]
SeedQuery = Annotated[
    int | None, Query(ge=0, lt=1 << 53, description="Repeats a result.", examples=[5])
]
ThoroughQuery = Annotated[
    bool, Query(description="Look in more ways; far slower.", examples=[False])
]
AuditQuery = Annotated[bool, Query(description="Search the result once more.", examples=[True])]
_KINDS = {"png": "PNG", "jpeg": "JPEG", "webp": "WEBP"}
_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp", "TIFF": "image/tiff",
          "BMP": "image/bmp", "AVIF": "image/avif", "HEIF": "image/heic"}  # fmt: skip
_NAME = "the picture"

_BINARY = {"schema": {"type": "string", "format": "binary"}}

router = APIRouter(dependencies=[Depends(known_options)])


@dataclass
class Choices:
    """What to do with single faces.

    Attributes:
        kept: They stay as they are.
        filled: They are covered.
        seeds: Who they become.
    """

    kept: set[int] = field(default_factory=set)
    filled: set[int] = field(default_factory=set)
    seeds: dict[int, int] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "Choices":
        """``0:keep,1:fill,2:seed-77``.

        Raises:
            Problem: It is of another form.
        """
        choices = cls()
        for part in filter(None, text.split(",")):
            match = re.fullmatch(r"(\d{1,4}):(?:(keep)|(fill)|seed-(\d{1,20}))", part)
            if match is None:
                raise Problem(422, f"faces={part[:40]}: give e.g. 0:keep, 1:fill or 2:seed-77")
            face, keep, fill, seed = match.groups()
            if keep:
                choices.kept.add(int(face))
            elif fill:
                choices.filled.add(int(face))
            else:
                choices.seeds[int(face)] = int(seed)
        return choices


@router.post(
    "/v1/anonymize",
    responses={
        200: {
            "model": PictureAnswer,
            "content": {media: _BINARY for media in _TYPES.values()},
            "description": "The picture without its faces; JSON with both to who accepts that.",
            "headers": {
                "X-Seed": {"description": "Repeats it.", "schema": {"type": "integer"}},
                "X-Faces": {"description": "A count.", "schema": {"type": "integer"}},
            },
        },
        **declared({
            400: "Empty or broken off.", 408: "Too slow.", 413: "Too large.",
            422: "No picture, or an option that makes no sense.", 429: "Busy.",
        }),
    },
    openapi_extra={"requestBody": {
        "required": True,
        "description": "JPEG, PNG, WebP, TIFF, BMP, AVIF or HEIC: as it is, as the one file of a "
        "form, or in JSON as Base64 or a data URL.",
        "content": {
            "image/*": _BINARY,
            FORM: {"schema": {
                "type": "object", "properties": {"image": {"type": "string", "format": "binary"}},
                "required": ["image"], "additionalProperties": False,
            }},
            JSON: {"schema": {
                "type": "object", "properties": {"image": {"type": "string"}},
                "required": ["image"], "additionalProperties": False,
                "examples": [{"image": "data:image/png;base64,iVBORw0KGgo..."}],
            }},
        },
    }},
)  # fmt: skip
async def anonymize(
    request: Request,
    mode: ModeQuery = "scene",
    privacy: PrivacyQuery = "balanced",
    seed: SeedQuery = None,
    format: Annotated[
        PictureFormat | None, Query(description="Of the answer.", examples=["png"])
    ] = None,
    faces: Annotated[
        str, Query(max_length=10_000, description="0:keep, 1:fill, 2:seed-77", examples=["0:keep"])
    ] = "",
    add_box: Annotated[
        list[str] | None,
        Query(
            max_length=200,
            description="x,y,w,h of a face that is missed.",
            examples=[["120,80,64,64"]],
        ),
    ] = None,
    thorough: ThoroughQuery = False,
    audit: AuditQuery = True,
    accept: Annotated[str, Header(include_in_schema=False)] = "*/*",
    content_type: Annotated[str, Header(include_in_schema=False)] = "",
) -> Response:
    """Replace every face in a picture by nobody's face."""
    state: State = request.app.state.serve
    choices = Choices.parse(faces)
    chosen = seeds.fresh_seed() if seed is None else seed
    boxes = [added_box(text) for text in add_box or ()]
    anonymizer = state.models.anonymizer(mode, privacy).using(thorough=thorough, audit=audit)
    as_json = "application/json" in accept
    state.models.check_free()

    gone = threading.Event()

    def work(content: bytearray) -> Response:
        ends = time.monotonic() + state.limits.draw_s

        def check() -> None:
            if gone.is_set() or time.monotonic() > ends:
                raise InterruptedWork

        file = picture_in(content, content_type)
        with state.decode(file, _NAME) as picture, interruptible(check):
            result, kept = redrawn(anonymizer, picture, chosen, choices, boxes)
            for face in result.faces:
                state.metrics.add(
                    "faces_total", outcome="synthesized" if face.synthesized else "filled"
                )
            state.metrics.add("faces_total", len(kept), outcome="kept")
            if as_json:
                return _json(picture, result, kept, format)
            return _picture(picture, result, format, len(kept))

    async with uploads.body(request, state.limits, state.bytes) as content:
        leaving = asyncio.create_task(_left(request, gone))
        try:
            return await state.models.run(partial(work, content))
        except InterruptedWork:
            raise Problem(422, f"{_NAME}: takes too long to draw; shrink it first") from None
        finally:
            leaving.cancel()


async def _left(request: Request, gone: threading.Event) -> None:
    """Tell that the client has left, once its request has been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    gone.set()


def redrawn(
    anonymizer: Anonymizer,
    picture: Picture,
    seed: int,
    choices: Choices,
    add_boxes: Sequence[Box] = (),
) -> tuple[Result[Image], dict[int, LocatedFace]]:
    """A picture without its faces, but for those that were to be kept.

    Returns:
        The result, and the kept faces by index.
    """
    boxes = [*add_boxes, *boxes_by_alpha(anonymizer, picture)]
    located = anonymizer.locate(picture.pixels, boxes)
    kept = {i: face for i, face in enumerate(located) if i in choices.kept}
    to_redraw = []
    for index, face in enumerate(located):
        if index in choices.kept:
            continue
        chosen = choices.seeds.get(index)
        face = replace(face, seed=seeds.face_seed(seed, "", index) if chosen is None else chosen)
        if index in choices.filled:
            face = replace(face, landmarks_px=None, problem="as was asked for")
        to_redraw.append(face)
    spared = [face.detection.box_xyxy for face in kept.values()]
    return anonymizer.redraw(picture.pixels, to_redraw, seed, spared), kept


def _scene(picture: Picture, result: Result[Image]) -> Picture:
    assert result.image is not None
    return without_faces(picture, result.image, result.composite_mask)


def _encoded(picture: Picture, kind: str) -> bytes:
    file = io.BytesIO()
    try:
        images.encode(file, picture, kind)
    except Exception as error:  # encoders raise their own on pictures that a format cannot hold
        raise Problem(
            422, f"{_NAME}: cannot be written as {kind}; ask for another format"
        ) from error
    return file.getvalue()


def _picture(
    picture: Picture, result: Result[Image], chosen: PictureFormat | None, kept: int
) -> Response:
    if result.image is not None:
        kind = picture.kind if chosen is None else _KINDS[chosen]
        content = _encoded(_scene(picture, result), kind)
    elif result.portraits:
        kind = _KINDS[chosen or "png"]
        content = _encoded(Picture(result.portraits[0]), kind)
    else:
        raise Problem(422, "no face found; try mode=scene, or a larger picture")
    headers = {"x-seed": str(result.seed), "x-faces": str(len(result.faces) + kept)}
    return Response(content, media_type=_TYPES[kind], headers=headers)


def _json(
    picture: Picture,
    result: Result[Image],
    kept: dict[int, LocatedFace],
    chosen: PictureFormat | None,
) -> Response:
    from fastapi.responses import JSONResponse

    numbers = [i for i in range(len(result.faces) + len(kept)) if i not in kept]
    faces: list[dict[str, Any]] = [
        {"index": number, "box_xyxy": [float(v) for v in face.box_xyxy], "score": float(face.score),
         "outcome": face.outcome, "seed": str(face.seed)}
        for number, face in zip(numbers, result.faces, strict=True)
    ]  # fmt: skip
    faces += [
        {"index": number, "box_xyxy": [float(v) for v in face.detection.box_xyxy],
         "score": float(face.detection.score), "outcome": "kept", "seed": None}
        for number, face in kept.items()
    ]  # fmt: skip
    kind = _KINDS[chosen or "png"]

    def url(shown: Picture) -> str:
        return f"data:{_TYPES[kind]};base64,{base64.b64encode(_encoded(shown, kind)).decode()}"

    return JSONResponse({
        "seed": result.seed, "audited": result.audited,
        "width": picture.pixels.shape[1], "height": picture.pixels.shape[0],
        "timings_ms": {name: round(spent, 1) for name, spent in result.timings_ms.items()},
        "faces": sorted(faces, key=lambda face: face["index"]),
        "picture": None if result.image is None else url(_scene(picture, result)),
        "portraits": [url(Picture(head)) for head in result.portraits],
    })  # fmt: skip
