"""``ganonymize bank``: the donors whose textures new faces wear."""

from pathlib import Path
from typing import Annotated

import typer

from .options import require_torch

app = typer.Typer(help="Donors, whose textures new faces wear.", no_args_is_help=True)


@app.command()
def build(
    folder: Annotated[Path, typer.Argument(help="Pictures, one face each.")],
    table: Annotated[
        Path,
        typer.Argument(help="CSV with file, source, licence; if known sex, age_estimate, person."),
    ],
    out: Annotated[Path, typer.Argument(help="The bank, .npz.")],
    prepared: Annotated[
        Path | None, typer.Option(help="The same pictures, prepared; with --state gives styles.")
    ] = None,
    state: Annotated[Path | None, typer.Option(help="A refiner's state.")] = None,
) -> None:
    """Make a bank of donors."""
    require_torch()
    from ..training.refine.bank import build as build_bank

    for outcome, count in build_bank(folder, table, out, prepared, state).most_common():
        print(f"{count:5d} {outcome}")


@app.command()
def show(
    bank: Annotated[
        Path | None, typer.Argument(help="A bank. [default: the shipped one]", show_default=False)
    ] = None,
    sheet: Annotated[
        Path | None, typer.Option(help="Write a picture of all textures here.")
    ] = None,
) -> None:
    """Say whom a bank holds, and draw them."""
    from .. import weights
    from ..donors.bank import DonorBank
    from ..donors.sheet import contact_sheet, summary
    from ..io import images

    donors = DonorBank.load(bank or weights.path_of("donors"))
    print("\n".join(summary(donors)))
    if sheet is not None:
        images.write(sheet, images.Picture(contact_sheet(donors)))
