"""Pictures and camera clips of our own: a public-domain portrait, and a drawing of nothing."""

import functools
import io

import cv2
import numpy as np
from PIL import Image as Pillow

from ganonymization.cli.demo import astronaut

WIDTH, HEIGHT, RATE = 640, 480, 30
ZOOM = 1.5
FACE = np.s_[80:165, 185:265]  # rows and columns of the portrait
CAMERA_FACE = np.s_[105:235:2, 255:370:2]  # of the camera's picture, wherever it has moved
REDRAWN = 12  # the `difference` of a face that was redrawn is more, of the same face less
SECRET = "SECRET CAMERA"  # in the metadata of `with_place`


def two_faces():
    """The portrait twice, side by side."""
    return np.hstack([astronaut(), astronaut()])


def no_face(width=WIDTH, height=HEIGHT, shift=0.0):
    """A smooth gradient."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    across = (x / width + shift) * np.pi
    waves = [np.sin(across), y / height, np.cos(across / 2) ** 2]
    return (60 + 120 * np.stack(waves, -1)).astype(np.uint8)


@functools.cache
def camera_face():
    """A second of the portrait, which moves and grows a little."""
    return [_seen(np.pi * 2 * i / RATE) for i in range(RATE)]


def camera_no_face():
    """A second of the gradient, which moves."""
    return [no_face(shift=0.1 * np.sin(np.pi * 2 * i / RATE)) for i in range(RATE)]


def _seen(turn):
    zoom = ZOOM * (1 + 0.01 * np.sin(turn))
    shift = np.array([[zoom, 0, 5 * np.sin(turn) - 25], [0, zoom, 4 * np.cos(turn) - 10]])
    return cv2.warpAffine(
        astronaut(), shift, (WIDTH, HEIGHT), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE
    )


def write_y4m(path, images):
    """The clip that Chromium takes for a camera."""
    height, width = images[0].shape[:2]
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F{RATE}:1 Ip A1:1 C420jpeg\n".encode())
        for image in images:
            file.write(b"FRAME\n" + cv2.cvtColor(image, cv2.COLOR_RGB2YUV_I420).tobytes())
    return path


def encoded(image, kind="PNG", **options):
    """A picture's file."""
    file = io.BytesIO()
    Pillow.fromarray(image).save(file, kind, **options)
    return file.getvalue()


def decoded(content):
    """A file's picture, (H, W, 3) uint8."""
    return np.asarray(Pillow.open(io.BytesIO(content)).convert("RGB"))


def with_place(image):
    """A JPEG that tells the camera and where it was."""
    exif = Pillow.Exif()
    exif[0x010F] = SECRET  # Make
    exif[0x8825] = {1: "N", 2: (48.0, 8.0, 14.0), 3: "E", 4: (11.0, 34.0, 31.0)}  # GPS
    return encoded(image, "JPEG", quality=95, exif=exif, comment=SECRET.encode())


def file(name, content):
    """A file as Playwright hands it to a page."""
    kinds = {"png": "image/png", "jpg": "image/jpeg", "mp4": "video/mp4", "txt": "text/plain"}
    return {"name": name, "mimeType": kinds[name.rpartition(".")[2]], "buffer": content}


def difference(a, b):
    """Mean of what two pictures differ by, once light and colours are made alike."""
    a, b = (part.reshape(-1, 3).astype(np.float32) for part in (a, b))
    from_mean = a - a.mean(0)
    gain = (from_mean * b).mean(0) / np.maximum(from_mean.var(0), 1)
    return float(np.abs(b.mean(0) + gain * from_mean - b).mean())
