"""How a server is run, and what it refuses."""

from dataclasses import dataclass, field
from pathlib import Path

MEGABYTE = 1_000_000

DEFAULT_MEMORY_GB = 4.0

# What is needed, as benchmarks/hostile.py sees it, with room to spare.
_OWN_BYTES = 350 * MEGABYTE  # the server, with its models
_PIXEL_BYTES = 18  # for each of a picture in work
_MOVIE_BYTES = 350 * MEGABYTE  # a process for videos, with its models
_FRAME_PIXEL_BYTES, _ANIMATION_PIXEL_BYTES = 260, 4
_DECODER_BYTES, _DECODED_PIXEL_BYTES = 300 * MEGABYTE, 13
_PICTURES_SHARE = 0.45  # of what is left; movies have the rest
_MOST_PIXELS, _MOST_FRAME_PIXELS = 100_000_000, 9_000_000


def shares(gigabytes: float) -> dict[str, int]:
    """The limits of :class:`Limits` that hang on the memory for all processes together.

    Args:
        gigabytes: At least 1.
    """
    shared = gigabytes * 1e9 - _OWN_BYTES
    held, movie = int(_PICTURES_SHARE * shared / _PIXEL_BYTES), int((1 - _PICTURES_SHARE) * shared)
    pixels, rest = min(_MOST_PIXELS, held), max(0, movie - _MOVIE_BYTES)
    return {
        "pixels": pixels, "held_pixels": held, "movie_bytes": movie,
        "frame_pixels": min(_MOST_FRAME_PIXELS, rest // _FRAME_PIXEL_BYTES),
        "animation_pixels": rest // _ANIMATION_PIXEL_BYTES,
        "decode_bytes": _DECODER_BYTES + _DECODED_PIXEL_BYTES * pixels,
    }  # fmt: skip


_SHARES = shares(DEFAULT_MEMORY_GB)


@dataclass(frozen=True)
class Limits:
    """What strangers may ask for.

    Attributes:
        upload_bytes: Of a picture's request.
        job_bytes: Of a job's.
        pixels: Of a picture.
        frame_pixels: Of any frame of a video, of all its videos together; dozens are in memory.
        frames: Of a video.
        zip_files: Pictures in a ZIP.
        unpacked_bytes: Of one file in a ZIP.
        animation_pixels: Of all frames of an animation together; they are held in memory.
        movie_bytes: Of memory for a video or animation, in a process of its own.
        result_bytes: Of what a job writes.
        waiting: Requests that wait for a core; further ones get a 429.
        jobs: That wait or run; further ones get a 429.
        cameras: At once.
        camera_side_px: Longer side of a camera's frames.
        camera_frames_waiting: Frames of a camera that wait behind the one that is being drawn.
        frame_bytes: Of a camera's frame.
        held_bytes: Of all pictures' requests together, in memory.
        held_pixels: Of all decoded pictures in work together.
        decode_s: For a picture to be decoded.
        decode_bytes: Of memory for that, in a process of its own.
        draw_s: For it to be looked at and drawn.
        idle_s: In which an upload must bring ``least_bytes_per_s`` times as many bytes, or end.
        least_bytes_per_s: See there.
        job_s: That a job may take.
        keep_s: For which results are kept.
    """

    upload_bytes: int = 64 * MEGABYTE
    job_bytes: int = 1000 * MEGABYTE
    pixels: int = _SHARES["pixels"]
    frame_pixels: int = _SHARES["frame_pixels"]
    frames: int = 100_000
    zip_files: int = 10_000
    unpacked_bytes: int = 64 * MEGABYTE
    animation_pixels: int = _SHARES["animation_pixels"]
    movie_bytes: int = _SHARES["movie_bytes"]
    result_bytes: int = 4000 * MEGABYTE
    waiting: int = 1
    jobs: int = 8
    cameras: int = 4
    camera_side_px: int = 1280
    camera_frames_waiting: int = 1
    frame_bytes: int = 4 * MEGABYTE
    held_bytes: int = 128 * MEGABYTE
    held_pixels: int = _SHARES["held_pixels"]
    decode_s: float = 10.0
    decode_bytes: int = _SHARES["decode_bytes"]
    draw_s: float = 60.0
    idle_s: float = 10.0
    least_bytes_per_s: int = 20_000
    job_s: float = 4 * 3600.0
    keep_s: float = 3600.0


@dataclass(frozen=True)
class ServeSettings:
    """How a server is run.

    Attributes:
        host: Address to listen on.
        port: To listen on.
        token: That requests must carry, or None.
        workers: Threads that redraw faces.
        folder: Parent of the private folder for uploads; None for the system's.
        limits: See :class:`Limits`.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    token: str | None = None
    workers: int = 2
    folder: Path | None = None
    limits: Limits = field(default_factory=Limits)
