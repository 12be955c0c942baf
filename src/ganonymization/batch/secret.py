"""What a folder's run keeps to itself: its seed, and the key of what its manifest says of inputs.

Both lie in the user's state folder, one file for each output folder, and never in the output.
"""

import hashlib
import json
import os
import secrets
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from .. import seeds
from ..errors import OutputError

_KEY_BYTES = 32


@dataclass(frozen=True)
class Secret:
    """Of one output folder.

    Attributes:
        seed: Of its runs, where none is asked for.
        key: Of the fingerprints in its manifest.
    """

    seed: int = field(default_factory=seeds.fresh_seed, repr=False)
    key: bytes = field(default_factory=lambda: secrets.token_bytes(_KEY_BYTES), repr=False)


def state_folder() -> Path:
    """Where this user's programs keep their state: ``XDG_STATE_HOME`` and what stands for it."""
    if given := os.environ.get("XDG_STATE_HOME"):
        return Path(given) / "ganonymization"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "ganonymization"
    return Path.home() / ".local" / "state" / "ganonymization"


def secret_of(identity: str, *, renew: bool = False, keep: bool = True) -> Secret:
    """The secret of an output folder; the first call makes it.

    Args:
        identity: See :attr:`ganonymization.batch.storage.LocalStorage.identity`.
        renew: Draw another seed.
        keep: Write down what is new.

    Raises:
        OutputError: It can neither be read nor written, or is damaged.
    """
    name = hashlib.sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    path = state_folder() / f"{name}.json"
    try:
        found = _read(path)
        if found is not None and not renew:
            return found
        made = Secret() if found is None else Secret(key=found.key)
        return _written(path, made, renew) if keep else made
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OutputError(
            f"{path}: the secret of the output folder cannot be kept ({error}); set XDG_STATE_HOME "
            "to a folder that can be written, or remove a damaged file"
        ) from error


def _read(path: Path) -> Secret | None:
    if not path.exists():
        return None
    held = json.loads(path.read_bytes())
    key = bytes.fromhex(held["key"])
    if len(key) != _KEY_BYTES:
        raise ValueError("its key is cut")
    return Secret(int(held["seed"]), key)


def _written(path: Path, made: Secret, replaces: bool) -> Secret:
    """What is kept after a new secret was written, for its owner alone.

    Of runs that start together, as shares do, the first one's secret is everybody's.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    number, temporary = tempfile.mkstemp(dir=path.parent)  # of mode 600
    try:
        with os.fdopen(number, "w") as file:
            json.dump({"seed": made.seed, "key": made.key.hex()}, file)
            file.flush()
            os.fsync(file.fileno())
        if replaces:
            os.replace(temporary, path)
            return made
        os.link(temporary, path)
        return made
    except FileExistsError:
        return _read(path) or made
    finally:
        Path(temporary).unlink(missing_ok=True)
