"""``ganonymize image``, ``folder``, ``models`` and ``demo``."""

import json
import os
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import OptionError
from ..options import Engine, OnNoFace, added_box
from .options import (
    AddBoxOption,
    HdrOption,
    JsonOption,
    MaxPixelsOption,
    OnNoFaceOption,
    SeedOption,
    StrictOption,
    takes_config,
)

if TYPE_CHECKING:
    from ..batch.execute import Executor
    from ..batch.folder import FolderJob
    from ..config import AnonymizerConfig


@takes_config()
def image(
    config: "AnonymizerConfig",
    source: Annotated[str, typer.Argument(metavar="IN")],
    out: Annotated[str | None, typer.Argument(metavar="OUT")] = None,
    on_no_face: OnNoFaceOption = None,
    seed: SeedOption = None,
    add_box: AddBoxOption = None,
    max_pixels: MaxPixelsOption = 120_000_000,
    as_json: JsonOption = False,
) -> None:
    """Anonymize one picture.

    The exit code is 3 where a face was missed at first, and covered by the audit of the output.

    Options:
        source: A picture; - for standard input.
        out: A file, or a folder to write into; - for standard output. [default: IN-anon beside it]
    """
    from ..io import images
    from . import console
    from .places import picture_in, picture_out

    place = picture_in(source)
    target = picture_out(place, out)
    if target is not None:  # before the models load
        images.check_output(place, target)
    boxes = [added_box(text) for text in add_box or ()]
    if console.anonymize_image(
        config.load(), place, target, seed, on_no_face, max_pixels, as_json, boxes
    ):
        raise typer.Exit(console.COVERED_BY_AUDIT_EXIT)


@takes_config()
def folder(
    config: "AnonymizerConfig",
    source: Annotated[str, typer.Argument(metavar="IN")],
    out: Annotated[str | None, typer.Argument(metavar="OUT")] = None,
    on_no_face: OnNoFaceOption = None,
    seed: SeedOption = None,
    jobs: Annotated[int | None, typer.Option(min=1)] = None,
    engine: Engine = "processes",
    address: str | None = None,
    overwrite: bool = False,
    name: str = "{stem}{suffix}",
    shard: Annotated[str | None, typer.Option(metavar="I/N")] = None,
    codec: str | None = None,
    crf: Annotated[int | None, typer.Option(min=0, max=63)] = None,
    audio: bool = True,
    hdr: HdrOption = None,
    strict: StrictOption = False,
    report: bool = True,
    publishable: bool = False,
    watch: bool = False,
    dry_run: bool = False,
    max_pixels: MaxPixelsOption = 120_000_000,
    as_json: JsonOption = False,
) -> None:
    """Anonymize every picture and video in a folder; what is done already is left as it is.

    In OUT-report, manifest.jsonl tells what became of each file, and report.html shows some of
    them. The exit code is 1 where a file could not be done, else 3 where the audit covered a face
    that was missed first. Without --seed a secret one is kept in your state folder; no output tells
    it.

    Options:
        source: A folder or an address as s3://…, read recursively.
        out: The folder or address to write. [default: IN-anon beside it]
        jobs: Files in work at a time. [default: by the cores]
        engine: Who does it: on this machine, or on a Ray cluster.
        address: Of the Ray cluster, as auto. [default: one in this machine]
        overwrite: Do again what is done.
        name: Of outputs.
        shard: The I-th of N shares, for as many jobs. [default: all]
        codec: Of videos: h264, h265, av1, vp9 or FFmpeg's name. [default: h264, vp9 for WebM]
        crf: Lower is better and larger. [default: the codec's usual one]
        audio: Copy the sound of videos; a voice identifies, too.
        report: Write manifest and report; without, a run that is ended cannot go on.
        publishable: Call outputs what tells nothing of the inputs; needs a folder of its own.
        watch: Go on with what comes into the folder, until Ctrl-C.
        dry_run: Say what would be done, and do nothing.
    """
    from . import console

    if address is not None and engine != "ray":
        raise OptionError(f"--address {address}: is for --engine ray")
    if config.device != "cpu" and engine == "ray":
        raise OptionError(
            f"--device {config.device}: the workers of a Ray cluster use the CPU alone"
        )
    if watch and (dry_run or not report):
        raise OptionError("--watch: goes with a report and without --dry-run")
    if publishable and (seed is not None or name != "{stem}{suffix}"):
        raise OptionError("--publishable: names outputs itself, with a secret seed; leave out "
                          "--seed and --name")  # fmt: skip
    cores = os.cpu_count() or 1
    at_a_time = cores + 1 if jobs is None else jobs  # one waits for the disk
    job = folder_job(
        config, source, out, seed, on_no_face=on_no_face, overwrite=overwrite,
        max_pixels=max_pixels, naming=name, shard=_shard(shard), sound=audio, strict=strict,
        hdr=hdr, codec=codec, crf=crf, reports=report, publishable=publishable, keep=not dry_run,
        threads=max(1, cores // at_a_time) if engine != "ray" and shard is None else 1,
    )  # fmt: skip
    if dry_run:
        console.plan_folder(job, as_json)
        return
    if watch:
        code = watch_folder(job, at_a_time, as_json)
    else:
        executor = _executor(engine, jobs, at_a_time, address)
        code = console.anonymize_folder(job, executor, as_json)
    if code:
        raise typer.Exit(code)


def folder_job(
    config: "AnonymizerConfig", source: str, out: str | None, seed: int | None, *,
    threads: int = 1, keep: bool = True, overwrite: bool = False,
    shard: tuple[int, int] | None = None, on_no_face: OnNoFace | None = None, sound: bool = True,
    hdr: bool | None = None, codec: str | None = None, crf: int | None = None, **options: Any,
) -> "FolderJob":  # fmt: skip
    """The job that a folder's options name; nothing is loaded yet.

    Args:
        config: Of the anonymizer.
        source: A folder or an address.
        out: Likewise; None writes beside the input.
        seed: None takes the folder's secret one.
        threads: Of one call of the generator.
        keep: Write a new secret down.
        overwrite: See :class:`FolderJob`, as for the others.
        shard: See there.
        on_no_face: See there.
        sound: See there.
        hdr: See there.
        codec: See there.
        crf: See there.
        options: See there.

    Raises:
        OptionError: The input is no folder.
        OutputError: One lies in the other.
    """
    from ..batch.address import check_apart, open_storage
    from ..batch.folder import FolderJob
    from ..batch.secret import secret_of
    from .video import check_codec

    read = open_storage(source)
    folders = read, read.beside("-anon") if out is None else open_storage(out)
    check_apart(*folders)
    check_codec(codec)
    settings = f"{config.fingerprint()} {on_no_face} {sound}" + " hdr" * bool(hdr)
    settings += "".join(f" {each}" for each in (codec, crf) if each is not None)
    secret = secret_of(folders[1].identity, renew=overwrite and shard is None, keep=keep)
    return FolderJob(
        config.with_threads(threads).load, *folders, secret.seed if seed is None else seed,
        on_no_face, overwrite, settings=settings, shard=shard, sound=sound, hdr=hdr, codec=codec,
        crf=crf, secret_seed=seed is None, key=secret.key, **options,
    )  # fmt: skip


def watch_folder(job: "FolderJob", at_a_time: int, as_json: bool) -> int:
    """Anonymize what is in a folder and comes into it, until Ctrl-C; returns the exit code."""
    from ..batch.execute import in_threads
    from ..batch.watch import watch
    from . import console
    from .video import until_stopped

    job = replace(job, make_anonymizer=cache(job.make_anonymizer))
    with until_stopped(True) as stopped:
        entries = watch(job, in_threads(at_a_time), stopped.wait)
        return console.tell_folder(job, entries, None, as_json)


def _executor(engine: Engine, jobs: int | None, at_a_time: int, address: str | None) -> "Executor":
    if engine == "ray":
        from ..batch.run_ray import on_ray

        return on_ray(address, jobs)
    if engine == "threads":
        from ..batch.execute import in_threads

        return in_threads(at_a_time)
    from ..batch.run_processes import in_processes

    return in_processes(at_a_time)


def _shard(text: str | None) -> tuple[int, int] | None:
    """``2/8`` as numbers."""
    if text is None:
        return None
    parts = text.split("/")
    if len(parts) != 2 or not all(part.isascii() and part.isdigit() for part in parts):
        raise OptionError(f"--shard {text}: give I/N, as in 1/8")
    i, n = (int(part) for part in parts)
    if not 1 <= i <= n:
        raise OptionError(f"--shard {text}: I runs from 1 to N")
    return i, n


def models(as_json: JsonOption = False) -> None:
    """List the generators that ship with the package, with their speed here."""
    from ..weights import SHIPPED
    from .speed import generator_ms

    rows = [
        asdict(model)
        | {
            "bytes": model.path.stat().st_size if model.path.is_file() else None,
            "ms": round(generator_ms(model.path), 1) if model.path.is_file() else None,
        }
        for model in SHIPPED.values()
    ]
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    for row in rows:
        size = "missing" if row["bytes"] is None else f"{row['bytes'] / 1e6:.1f} MB"
        speed = "" if row["ms"] is None else f"  {row['ms']:.1f} ms a face here"
        print(f"{row['name']}  {row['file']}  {size}{speed}  {row['licence']}")
        print(f"  reads {row['reads']}")
        print(f"  sha256 {row['sha256']}")


def demo(
    picture: Annotated[Path | None, typer.Argument()] = None,
    out: Path = Path("demo"),
    seed: SeedOption = 1,
) -> None:
    """Anonymize a portrait in both modes with four seeds, and say where the pictures lie.

    Options:
        picture: A picture of yours; else a public-domain portrait.
        out: The folder to write.
    """
    from .demo import run_demo

    for path in run_demo(picture, out, 1 if seed is None else seed):
        print(path)
