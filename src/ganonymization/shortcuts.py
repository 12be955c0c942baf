"""Everything in one call, for scripts and notebooks; the models are loaded once and kept."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from . import seeds
from .batch.address import open_storage
from .batch.execute import execute, in_threads
from .batch.folder import FolderJob
from .batch.html_report import write_report
from .batch.report import FolderReport
from .batch.secret import secret_of
from .config import AnonymizerConfig
from .options import Color, Layout, OnNoFace
from .pipeline import Anonymizer
from .types import Box
from .video.file import VideoOptions
from .video.file import anonymize_video as written
from .video.report import VideoReport


def anonymize(
    picture: Any, *, seed: int | None = None, name: str | None = None,
    add_boxes: Sequence[Box] = (), layout: Layout = "hwc", color: Color = "rgb", **options: Any,
) -> Any:  # fmt: skip
    """Anonymize a picture, or each of a list.

    Args:
        picture: A path, bytes, a Pillow image, an array or tensor, or a list of these; see
            :meth:`Anonymizer.__call__`, as for the others.
        seed: The same seed gives the same result; None draws a fresh one.
        name: With the seed it decides who new faces are; None: the file's own.
        add_boxes: Left, top, right, bottom of faces that a detector misses, in pixels.
        layout: ``"chw"`` of arrays whose channels come first.
        color: ``"bgr"`` of arrays as OpenCV has them.
        options: Of :class:`Anonymizer`, as ``mode="portrait"``.

    Returns:
        A :class:`Result`, whose ``image`` is of the kind that was given; of a list, a list.

    Raises:
        GanonymizationError: As :class:`Anonymizer` and its call do.

    Example:
        >>> anonymize("portrait.jpg", seed=7).image.shape
        (512, 512, 3)
        >>> from PIL import Image
        >>> anonymize(Image.open("portrait.jpg")).image
        <PIL.Image.Image image mode=RGB size=512x512 at ...>
        >>> content = anonymize(Path("portrait.jpg").read_bytes()).image
        >>> content[:3].hex()  # a JPEG again
        'ffd8ff'
        >>> anonymize("portrait.jpg", mode="portrait").save("head.png")
        [PosixPath('head.png')]
    """
    anonymizer = _anonymizer(**options)
    return anonymizer(
        picture, seed=seed, name=name, add_boxes=add_boxes, layout=layout, color=color
    )


def anonymize_video(
    source: str | Path, out: str | Path, *, seed: int | None = None, codec: str | None = None,
    crf: int | None = None, audio: bool = True, strict: bool = False, hdr: bool | None = None,
    salvage: bool = False, seconds: float | None = None, report: str | Path | None = None,
    advance: Callable[[], None] = lambda: None, anonymizer: Anonymizer | None = None,
    **options: Any,
) -> VideoReport:  # fmt: skip
    """Anonymize a video or animation; each face gets the same nobody in every frame.

    Args:
        source: The file; an address or camera as the command takes them.
        out: The file to write; its suffix decides the container.
        seed: The same seed gives the same faces; None draws a fresh one, which the report tells.
        codec: ``"h264"``, ``"h265"``, ``"av1"``, ``"vp9"`` or FFmpeg's name; None: the usual one.
        crf: Lower is better and larger; None: the codec's usual one.
        audio: Copy the sound. A voice identifies, too.
        strict: Refuse a video of which something would be dropped.
        hdr: Keep high dynamic range in ten bits.
        salvage: Of a damaged video keep what comes before.
        seconds: Stop after so much of the input.
        report: A folder for ``NAME.json`` and ``NAME.png``, a frame for each second; None writes
            none.
        advance: Called after each frame, as for a progress bar.
        anonymizer: One that is loaded; None loads one with ``options``.
        options: Of :class:`Anonymizer`.

    Raises:
        UnreadableError: The video cannot be read.
        InputError: It is damaged, and ``salvage`` was not asked for.
        OutputError: The file cannot be written.
        OptionError: A suffix or codec that is none.

    Example:
        >>> report = anonymize_video("clip.mp4", "out.mp4", seed=7)
        >>> report.frames, report.faces, report.seed
        (3, 3, 7)
    """
    asked = VideoOptions(
        seeds.checked(seed), codec, crf, audio, strict=strict, hdr=hdr, salvage=salvage,
        seconds=seconds, report=None if report is None else Path(report),
    )  # fmt: skip
    chosen = _anonymizer(**options) if anonymizer is None else anonymizer
    return written(chosen, source, Path(out), asked, advance)


def anonymize_folder(
    source: str | Path, out: str | Path, *, seed: int | None = None,
    on_no_face: OnNoFace | None = None, overwrite: bool = False, name: str = "{stem}{suffix}",
    audio: bool = True, strict: bool = False, report: bool = True, jobs: int = 2,
    anonymizer: Anonymizer | None = None, **options: Any,
) -> FolderReport:  # fmt: skip
    """Anonymize every picture and video in a folder; what is done already is left as it is.

    The reports lie in ``OUT-report``: a manifest with a line per file, and a page.

    Args:
        source: The folder, or an address as ``s3://…``; read recursively.
        out: The folder or address to write; the tree is mirrored.
        seed: None keeps a secret one for each output folder, in the user's state folder.
        on_no_face: ``"copy"``, ``"skip"`` or ``"error"``; None copies scenes, skips portraits.
        overwrite: Do again what is done.
        name: Of outputs.
        audio: Copy the sound of videos.
        strict: Refuse videos of which something would be dropped; the report's exit code is 1
            where a file is of no kind that is read.
        report: False writes no reports; a run that was ended then starts anew.
        jobs: Files in work at a time, by threads.
        anonymizer: One that is loaded; None loads one with ``options``.
        options: Of :class:`Anonymizer`, as words, numbers and files.

    Raises:
        OptionError: ``source`` is no folder.
        OutputError: ``out`` cannot be written, or one lies in the other.

    Example:
        >>> anonymize_folder("photos", "anonymized", seed=7).counts
        {'done': 1}
        >>> anonymize_folder("photos", "anonymized", seed=7).counts  # again
        {'skipped': 1}
    """
    folders = open_storage(source), open_storage(out)
    secret = secret_of(folders[1].identity, renew=overwrite)
    if anonymizer is None:
        config = AnonymizerConfig(**options)
        make, settings = config.load, config.fingerprint()
    else:
        settings = f"{anonymizer.mode} {anonymizer.privacy} {anonymizer.audits}"
        make = lambda: anonymizer  # noqa: E731
    job = FolderJob(
        make, *folders, secret.seed if seed is None else seeds.checked(seed), on_no_face,
        overwrite, settings=f"{settings} {on_no_face} {audio}", naming=name, sound=audio,
        strict=strict, secret_seed=seed is None, key=secret.key, reports=report,
    )  # fmt: skip
    told = FolderReport(str(out), job.told_seed, strict=strict)
    for entry in execute(job, in_threads(jobs)):
        told.add(entry)
    write_report(job)
    return told


def _anonymizer(**options: Any) -> Anonymizer:
    """The one with these options, which stays loaded; models that are no words are not kept."""
    try:
        return _loaded(tuple(sorted(options.items())))
    except TypeError:
        return Anonymizer(**options)


@lru_cache(maxsize=2)
def _loaded(options: tuple[tuple[str, Any], ...]) -> Anonymizer:
    return Anonymizer(**dict(options))
