"""``python -m ganonymization``."""

from .cli import main

main()
