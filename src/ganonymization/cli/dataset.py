"""``ganonymize dataset``."""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import with_options
from .options import JsonOption, MaxPixelsOption, SeedOption, progress, takes_config

if TYPE_CHECKING:
    from ..batch.webdataset import DatasetReport
    from ..config import AnonymizerConfig
    from ..pipeline import Anonymizer

    Write = Callable[..., DatasetReport | list[DatasetReport]]


@takes_config()
def dataset(
    config: "AnonymizerConfig",
    source: Annotated[
        Path,
        typer.Argument(
            metavar="IN",
            help="A WebDataset shard, a folder of them, or a folder that Dataset.save_to_disk of "
            "Hugging Face wrote.",
        ),
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The folder to write.")],
    seed: SeedOption = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Do again what is there.")] = False,
    max_pixels: MaxPixelsOption = 120_000_000,
    as_json: JsonOption = False,
) -> None:
    """Anonymize the pictures of a data set; labels, names and order stay as they are.

    Shards and data sets that are there already are left as they are, so a run over shards that was
    killed goes on.
    """
    from .. import seeds
    from ..batch.huggingface import is_dataset
    from ..batch.webdataset import find_shards

    shards = [] if is_dataset(source) else find_shards(source)
    tasks = _tasks(config.load(), source, out, shards)
    chosen = seeds.fresh_seed() if seed is None else seed
    reports = []
    with progress("", None) as advance:
        for made, is_there, write in tasks:
            if is_there and not overwrite:
                print(f"{made}: is there, left as it is", file=sys.stderr)
                continue
            written = write(seed=chosen, max_pixels=max_pixels, advance=advance)
            for report in written if isinstance(written, list) else [written]:
                reports.append(report)
                for key, why in report.left_out.items():
                    print(f"error: {report.name}: {key} left out: {with_options(why)}",
                          file=sys.stderr)  # fmt: skip
    if as_json:
        parts = "shards" if shards else "splits"
        print(json.dumps({"seed": chosen, parts: [asdict(report) for report in reports]}))
    else:
        for report in reports:
            print(f"{report.name}: {report.samples} samples, {report.faces - report.filled} of "
                  f"{report.faces} faces redrawn, {report.without_face} pictures without a face, "
                  f"{len(report.left_out)} samples left out, seed {chosen}")  # fmt: skip
    if any(report.left_out for report in reports):
        raise typer.Exit(1)


def _tasks(
    anonymizer: "Anonymizer", source: Path, out: Path, shards: list[Path]
) -> "Iterator[tuple[Path, bool, Write]]":
    """What is written, whether it is there already, and what writes it."""
    from ..batch.huggingface import anonymize_rows, is_dataset
    from ..batch.webdataset import anonymize_shard

    if not shards:
        is_there = is_dataset(out) and not out.samefile(source)
        yield out, is_there, partial(anonymize_rows, anonymizer, source, out)
    root = source.parent if source.is_file() else source
    for shard in shards:
        made = out / shard.relative_to(root)
        yield made, made.exists(), partial(anonymize_shard, anonymizer, shard, made)
