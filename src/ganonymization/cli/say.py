"""What the commands print: a line stays a line, whatever a file is called."""

import sys
from typing import TextIO

_ESCAPED = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}


def say(text: str, file: TextIO | None = None) -> None:
    """Print a line; control characters, which would reach the terminal, are escaped.

    Args:
        text: The line.
        file: Where to; None is standard output.
    """
    print(text.translate(_ESCAPED), file=file or sys.stdout)


def warn(text: str) -> None:
    """Print a warning."""
    say(f"warning: {text}", sys.stderr)


def complain(text: str) -> None:
    """Print an error."""
    say(f"error: {text}", sys.stderr)
