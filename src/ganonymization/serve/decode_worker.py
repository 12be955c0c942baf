"""A process that decodes strangers' pictures, with little memory, and may be ended at any time."""

import io
import resource
import sys
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from ..errors import UnreadableError
from ..io import images


def main() -> None:
    """Answer until the pipe ends; arguments are its descriptor and the bytes of memory."""
    pipe, most_bytes = Connection(int(sys.argv[1])), int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_AS, (most_bytes, most_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # would hold the picture
    try:
        pipe.send(None)  # it is there
        while True:
            _answer(pipe)
    except (EOFError, OSError):  # the server has ended
        return


def _answer(pipe: Connection) -> None:
    """A name, the most pixels and a file come; its size goes, and the picture when it may."""
    name, max_pixels = pipe.recv()
    content = pipe.recv_bytes()

    def admit(width: int, height: int) -> None:
        pipe.send(width * height)
        if not pipe.recv():
            raise UnreadableError(name)

    try:
        picture = images.decode(io.BytesIO(content), name, max_pixels, admit)
    except UnreadableError as error:
        pipe.send((error.message, error.remedy))
        return
    arrays = [picture.pixels] if picture.alpha is None else [picture.pixels, picture.alpha]
    empty: Any = np.empty((0, 0, 3), np.uint8)
    pipe.send((replace(picture, pixels=empty, alpha=None), [each.shape for each in arrays]))
    for each in arrays:
        pipe.send_bytes(np.ascontiguousarray(each).reshape(-1).data)
