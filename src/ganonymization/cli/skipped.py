"""What the commands print of pictures that were not used."""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from .say import say

if TYPE_CHECKING:
    from ..types import Skipped


def print_skipped(skipped: "Iterable[Skipped]") -> None:
    """Print what was skipped, and end with exit code 1 where a picture could not be read."""
    skipped = list(skipped)
    for path, reason, _ in skipped:
        say(f"left out {path}: {reason}", sys.stderr)
    if any(picture.unreadable for picture in skipped):
        sys.exit(1)
