"""The model files that ship with the package; each has a card of the same name beside it."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from ..errors import ModelError

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class ShippedModel:
    """A file in this folder.

    Attributes:
        name: For ``--model``.
        file: Its name.
        sha256: Of the file, in hex; checked whenever it is loaded.
        licence: Of the weights.
        reads: What the network takes.
    """

    name: str
    file: str
    sha256: str
    licence: str
    reads: str

    @property
    def path(self) -> Path:
        """Where it lies."""
        return _FOLDER / self.file


SHIPPED = {
    model.name: model
    for model in (
        ShippedModel(
            name="default",
            file="default.onnx",
            sha256="fbbaeaaf4977225c3d07009e05f26bd187e66258399e6773a77186ebb9b117b2",
            licence="MIT",
            reads="mesh condition, context and wall mask at 256 px; style of 16 numbers",
        ),
    )
}


def resolve(name_or_file: str) -> Path:
    """The file of a shipped model, or the file itself.

    Args:
        name_or_file: A name in ``SHIPPED`` or the path of a file.

    Raises:
        ModelError: No such name or file, or a shipped file that has changed.
    """
    shipped = SHIPPED.get(name_or_file)
    if shipped is None:
        path = Path(name_or_file)
        if path.is_dir():
            raise ModelError(f"{path}: a folder, not a model file; name the file in it")
        if not path.is_file():
            known = ", ".join(SHIPPED)
            raise ModelError(f"{path}: no such model file; give a file or one of: {known}")
        return path
    if not shipped.path.is_file():
        raise ModelError(f"{shipped.path}: missing; reinstall the package")
    if sha256_of(shipped.path) != shipped.sha256:
        raise ModelError(
            f"{shipped.path}: its sha256 is not the shipped one; reinstall the package"
        )
    return shipped.path


def sha256_of(path: Path) -> str:
    """The hash of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
