"""How a folder goes faster with cores.

    python benchmarks/cores.py [--faces FOLDER] [--count 60]

``ganonymize folder`` held to 1, 2, … cores, with one job more than cores. A run on one picture is
taken off, so that the start does not count. Files are JPEG. Twice in turns; the better time counts.
"""

import argparse
import os
import tempfile
from pathlib import Path

from processes import OURS, Run, better, machine, run  # isort: skip
from table import PACKAGES, copies  # isort: skip


def held(source: Path, out: Path, mode: str, cores: int) -> Run:
    """A run on so many cores."""
    words = [*OURS, "folder", str(source), str(out), "--mode", mode, "--seed", "1", "--overwrite"]
    return run([*words, "--jobs", str(cores + 1)], out, cores)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=Path, help="Pictures of one face each.")
    parser.add_argument("--count", type=int, default=60)
    arguments = parser.parse_args()
    runs: dict[tuple[str, int], list[tuple[Run, Run]]] = {}
    with tempfile.TemporaryDirectory() as scratch_folder:
        scratch = Path(scratch_folder)
        one = copies(scratch / "one", arguments.faces, 1, ".jpg")
        faces = copies(scratch / "faces", arguments.faces, arguments.count, ".jpg")
        further = len(list(faces.iterdir())) - 1
        for _ in range(2):
            for mode in ("portrait", "scene"):
                for cores in range(1, len(os.sched_getaffinity(0)) + 1):
                    pair = [held(s, scratch / f"{s.name}-out", mode, cores) for s in (one, faces)]
                    runs.setdefault((mode, cores), []).append((pair[0], pair[1]))
    print("| mode | cores | pictures/s | times one core | peak, MB |\n" + "| --- " * 5 + "|")
    rates: dict[tuple[str, int], float] = {}
    for (mode, cores), turns in runs.items():
        first, whole = (better(*column) for column in zip(*turns, strict=True))
        rates[mode, cores] = further / (whole.seconds - first.seconds)
        gain = rates[mode, cores] / rates[mode, 1]
        print(f"| {mode} | {cores} | {rates[mode, cores]:.1f} | {gain:.2f} | {whole.peak_mb:.0f} |")
    print(f"\n{machine(*PACKAGES)}")


if __name__ == "__main__":
    main()
