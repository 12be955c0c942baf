"""The shipped bank without the people in some pictures: no face is measured on its own texture."""

from pathlib import Path

import numpy as np

from ganonymization import weights
from ganonymization.donors.bank import DonorBank


def held_out(prepared: Path) -> set[str]:
    """Files of a prepared folder that were never trained on."""
    names = (prepared / "files.txt").read_text().splitlines()
    apart = np.load(prepared / "held_out.npy")
    return {name for name, held in zip(names, apart, strict=True) if held}


def bank_without(files: set[str], out: Path) -> Path:
    """Write the shipped bank without those files' people to ``out``."""
    bank = DonorBank.load(weights.path_of("donors"))
    known = {str(person) for person in bank.people[np.isin(bank.files, list(files))]}
    bank.without(known).save(out)
    print(
        f"left out: {len(known)} people of the bank, who are among what is measured on", flush=True
    )
    return out
