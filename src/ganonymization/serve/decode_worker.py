"""A process that decodes strangers' pictures."""

import base64
import io
import resource

import numpy as np

from ..errors import UnreadableError
from ..io import images
from ..io.images import Picture
from .child import Channel, Told, begun


def main() -> None:
    """Answer until the server ends."""
    channel = begun(resource.RLIMIT_AS)
    try:
        while True:
            _answer(channel)
    except (EOFError, OSError):  # the server has ended
        return


def _answer(channel: Channel) -> None:
    """A name, the most pixels and a file come; its size goes, and the picture when it may."""
    asked = channel.receive()
    content = bytearray(asked["bytes"])
    channel.receive_into(memoryview(content))
    name = asked["name"]

    def admit(width: int, height: int) -> None:
        channel.send({"pixels": width * height})
        if not channel.receive()["go"]:
            raise UnreadableError(name)

    try:
        picture = images.decode(io.BytesIO(content), name, asked["max_pixels"], admit)
    except UnreadableError as error:
        channel.send({"error": error.message, "remedy": error.remedy})
        return
    arrays = [picture.pixels] if picture.alpha is None else [picture.pixels, picture.alpha]
    parts = (np.ascontiguousarray(each).reshape(-1).data for each in arrays)
    channel.send(_told(picture), *parts)


def _told(picture: Picture) -> Told:
    """All but the pixels."""
    tables = picture.jpeg.get("qtables", {})
    return {
        "height": picture.pixels.shape[0], "width": picture.pixels.shape[1],
        "alpha": picture.alpha is not None, "grey": picture.grey, "kind": picture.kind,
        "icc": None if picture.icc is None else base64.b64encode(picture.icc).decode(),
        "qtables": [[key, list(values)] for key, values in tables.items()],
        "subsampling": picture.jpeg.get("subsampling"), "dropped": list(picture.dropped),
    }  # fmt: skip
