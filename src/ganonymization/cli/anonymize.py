"""``ganonymize image``, ``folder``, ``models`` and ``demo``."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import OptionError
from ..options import Engine
from .options import (
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
    from ..config import AnonymizerConfig


@takes_config()
def image(
    config: "AnonymizerConfig",
    source: Annotated[Path, typer.Argument(metavar="IN", help="A picture.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The file to write.")],
    on_no_face: OnNoFaceOption = None,
    seed: SeedOption = None,
    max_pixels: MaxPixelsOption = 120_000_000,
    as_json: JsonOption = False,
) -> None:
    """Anonymize one picture."""
    from ..io import images
    from . import console

    images.check_output(source, out)  # before the models load
    console.anonymize_image(config.load(), source, out, seed, on_no_face, max_pixels, as_json)


@takes_config()
def folder(
    config: "AnonymizerConfig",
    source: Annotated[
        str,
        typer.Argument(metavar="IN", help="A folder or an address as s3://…, read recursively."),
    ],
    out: Annotated[str, typer.Argument(metavar="OUT", help="The folder or address to write.")],
    on_no_face: OnNoFaceOption = None,
    seed: SeedOption = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            help="Files in work at a time. [default: by the cores]",
            min=1,
            show_default=False,
        ),
    ] = None,
    engine: Annotated[
        Engine, typer.Option(help="Who does it: on this machine, or on a Ray cluster.")
    ] = "processes",
    address: Annotated[
        str | None,
        typer.Option(
            help="Of the Ray cluster, as auto. [default: one in this machine]", show_default=False
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Do again what is done.")] = False,
    name: Annotated[str, typer.Option(help="Of outputs.")] = "{stem}{suffix}",
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="I/N",
            show_default=False,
            help="The I-th of N shares, for as many jobs. [default: all]",
        ),
    ] = None,
    audio: Annotated[
        bool,
        typer.Option(
            "--audio/--no-audio", help="Copy the sound of videos; a voice identifies, too."
        ),
    ] = True,
    hdr: HdrOption = None,
    strict: StrictOption = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")
    ] = False,
    max_pixels: MaxPixelsOption = 120_000_000,
    as_json: JsonOption = False,
) -> None:
    """Anonymize every picture and video in a folder; what is done already is left as it is.

    manifest.jsonl tells what became of each file, report.html shows some of them.
    """
    from .. import seeds
    from ..batch.address import open_storage
    from ..batch.folder import FolderJob
    from ..batch.storage import check_apart
    from . import console

    if address is not None and engine != "ray":
        raise OptionError(f"--address {address}: is for --engine ray")
    if config.device != "cpu" and engine == "ray":
        raise OptionError(
            f"--device {config.device}: the workers of a Ray cluster use the CPU alone"
        )
    folders = open_storage(source), open_storage(out)
    check_apart(*folders)
    cores = os.cpu_count() or 1
    at_a_time = cores + 1 if jobs is None else jobs  # one waits for the disk
    threads = max(1, cores // at_a_time) if engine != "ray" and shard is None else 1  # of one call
    settings = f"{config.fingerprint()} {on_no_face} {audio}" + " hdr" * bool(hdr)
    job = FolderJob(
        config.with_threads(threads).load, *folders, seeds.fresh_seed() if seed is None else seed,
        on_no_face, overwrite, max_pixels, settings, naming=name, shard=_shard(shard), sound=audio,
        strict=strict, hdr=hdr,
    )  # fmt: skip
    if dry_run:
        console.plan_folder(job, as_json)
        return
    executor = _executor(engine, jobs, at_a_time, address)
    if not console.anonymize_folder(job, executor, as_json):
        raise typer.Exit(1)


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
    """``2/8`` as numbers.

    Raises:
        OptionError: It is no such share.
    """
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
    picture: Annotated[
        Path | None, typer.Argument(help="A picture of yours; else a public-domain portrait.")
    ] = None,
    out: Annotated[Path, typer.Option(help="The folder to write.")] = Path("demo"),
    seed: SeedOption = 1,
) -> None:
    """Anonymize a portrait in both modes with four seeds, and say where the pictures lie."""
    from .demo import run_demo

    for path in run_demo(picture, out, 1 if seed is None else seed):
        print(path)
