"""``ganonymize bank``: the donors whose textures new faces wear."""

from pathlib import Path
from typing import Annotated

import typer

from .help import Command, Group, documented
from .options import require_torch

app = typer.Typer(
    help="Donors, whose textures new faces wear.",
    no_args_is_help=True,
    cls=Group,
    rich_markup_mode=None,
)


@app.command(cls=Command)
@documented
def build(
    folder: Path, table: Path, out: Path, prepared: Path | None = None, state: Path | None = None
) -> None:
    """Make a bank of donors.

    Options:
        folder: Pictures, one face each.
        table: CSV with file, source, licence; if known sex, age_estimate, person.
        out: The bank, .npz.
        prepared: The same pictures, prepared; with --state gives styles.
        state: A refiner's state.
    """
    require_torch()
    from .. import weights
    from ..synthesize.load import load
    from ..synthesize.refiner import Refiner
    from ..training.refine.bank import build as build_bank

    refiner = load(weights.resolve("default"))
    assert isinstance(refiner, Refiner)
    for outcome, count in build_bank(folder, table, out, refiner, prepared, state).most_common():
        print(f"{count:5d} {outcome}")


@app.command(cls=Command)
@documented
def show(bank: Annotated[Path | None, typer.Argument()] = None, sheet: Path | None = None) -> None:
    """Say whom a bank holds, and draw them.

    Options:
        bank: A bank. [default: the shipped one]
        sheet: Write a picture of all textures here.
    """
    from .. import weights
    from ..donors.bank import DonorBank
    from ..donors.sheet import contact_sheet, summary
    from ..io import images

    donors = DonorBank.load(bank or weights.path_of("donors"))
    print("\n".join(summary(donors)))
    if sheet is not None:
        images.write(sheet, images.Picture(contact_sheet(donors)))
