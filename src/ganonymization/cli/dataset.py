"""``ganonymize dataset``."""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..errors import with_options
from .options import In, JsonOption, MaxPixelsOption, Out, SeedOption, progress, takes_config
from .say import complain, say

if TYPE_CHECKING:
    from ..batch.samples import DatasetReport, SampleJob
    from ..config import AnonymizerConfig


@takes_config()
def dataset(
    config: "AnonymizerConfig",
    source: In,
    out: Out,
    seed: SeedOption = None,
    overwrite: bool = False,
    max_pixels: MaxPixelsOption = 120_000_000,
    as_json: JsonOption = False,
) -> None:
    """Anonymize the pictures of a data set; labels, names and order stay as they are.

    Shards and data sets that are there already are left as they are, so a run over shards that was
    killed goes on. Without --seed a secret one is drawn, which nobody is told.

    Options:
        source: A WebDataset shard, a folder of them, or a folder that Dataset.save_to_disk of
            Hugging Face wrote.
        out: The folder to write.
        overwrite: Do again what is there.
    """
    from .. import seeds
    from ..batch.huggingface import is_dataset
    from ..batch.samples import SampleJob
    from ..batch.webdataset import find_shards

    shards = [] if is_dataset(source) else find_shards(source)
    anonymizer, reports = config.load(), []
    chosen = seeds.fresh_seed() if seed is None else seed
    told = "a secret seed" if seed is None else f"seed {seed}"
    with progress("", None) as advance:
        job = SampleJob(anonymizer, chosen, max_pixels, advance)
        for report in _written(job, source, out, shards, overwrite):
            reports.append(report)
            for key, why in report.left_out.items():
                complain(f"{report.name}: {key} left out: {with_options(why)}")
    if as_json:
        parts = "shards" if shards else "splits"
        print(json.dumps({"seed": seed, parts: [asdict(report) for report in reports]}))
    else:
        for report in reports:
            say(f"{report.name}: {report.samples} samples, {report.faces - report.filled} of "
                f"{report.faces} faces redrawn, {report.without_face} pictures without a face, "
                f"{len(report.left_out)} samples left out, {told}")  # fmt: skip
    if any(report.left_out for report in reports):
        raise typer.Exit(1)


def _written(
    job: "SampleJob", source: Path, out: Path, shards: list[Path], overwrite: bool
) -> "Iterator[DatasetReport]":
    """Write a data set or shards, but for what is there already."""
    from ..batch.huggingface import anonymize_rows, is_dataset
    from ..batch.webdataset import anonymize_shard

    kept = "is there, left as it is"
    if not shards:
        if overwrite or not is_dataset(out) or out.samefile(source):
            yield from anonymize_rows(job, source, out)
        else:
            say(f"{out}: {kept}", sys.stderr)
    root = source.parent if source.is_file() else source
    for shard in shards:
        made = out / shard.relative_to(root)
        if overwrite or not made.exists():
            yield anonymize_shard(job, shard, made)
        else:
            say(f"{made}: {kept}", sys.stderr)
