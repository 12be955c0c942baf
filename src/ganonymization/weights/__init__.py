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
            file="refiner.onnx",
            sha256="aac130cb339a031affd72d088b8efb9ec2fdb2a6decc7bfba0b0bdc6b70efa76",
            licence="MIT",
            reads="mesh, context, wall, donors' texture at 256 px; style and expression",
        ),
        ShippedModel(
            name="plain",
            file="plain.onnx",
            sha256="fbbaeaaf4977225c3d07009e05f26bd187e66258399e6773a77186ebb9b117b2",
            licence="MIT",
            reads="mesh condition, context and wall mask at 256 px; style of 16 numbers",
        ),
    )
}

NETWORKS = {
    model.name: model
    for model in (
        ShippedModel(
            name="centerface",
            file="centerface.onnx",
            sha256="f24ea35234042a9e7bde6b9fd083d51f72f41257aed48bfcaa7c2ea0fd2a7cf9",
            licence="MIT",
            reads="faces in a picture of any size, BGR, 0 to 255",
        ),
        ShippedModel(
            name="blazeface-near",
            file="blazeface-near.onnx",
            sha256="5be9a985632fde302ba8a0e8edc97af673e8890e0bf8aba4c7e21c5684543401",
            licence="Apache-2.0",
            reads="near faces at 128 px",
        ),
        ShippedModel(
            name="blazeface-far",
            file="blazeface-far.onnx",
            sha256="9a76f587cad9695ef20dc2b1380f83255d7f8e78b36417d04daf4c35f48b1c2f",
            licence="Apache-2.0",
            reads="faces farther away at 192 px",
        ),
        ShippedModel(
            name="facemesh",
            file="facemesh.onnx",
            sha256="9621075caced6313e3b43db22505667e477367c16a3046666fc7bb6dcc332ba2",
            licence="Apache-2.0",
            reads="478 landmarks of a face at 192 px",
        ),
        ShippedModel(
            name="expression-reader",
            file="expression-reader.onnx",
            sha256="1ab779f661524f1266ebc38913cf2ac60a84e4c821d90e7ca10794ccd5407ef3",
            licence="MIT",
            reads="seven expressions of a face at 112 px",
        ),
        ShippedModel(
            name="donors",
            file="donors.npz",
            sha256="d0a1603046a1490de308359f78c824c8fb305aac169e7c0ef3f0917fecb7373d",
            licence="MIT and CC0-1.0 by row",
            reads="no network: delit textures of synthetic people",
        ),
        ShippedModel(
            name="surroundings-reader",
            file="surroundings-reader.onnx",
            sha256="8ca4711d9f22d61445b760c30f3baadb1a92f52ba9877fd28dd9ce92609efd2a",
            licence="MIT",
            reads="all but the face at 64 px",
        ),
        ShippedModel(
            name="selfie",
            file="selfie.onnx",
            sha256="517beddeb86307bc94a227936589d3e4b7c9fd2b00a3a9d64d5a85c3df9f5d9a",
            licence="Apache-2.0",
            reads="the person in a picture at 256 px",
        ),
    )
}
"""Networks of others, converted by ``tools/convert_mediapipe.py``; NOTICE.md says whose."""


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
    return _checked(shipped)


def path_of(network: str) -> Path:
    """The file of one of ``NETWORKS``.

    Raises:
        ModelError: It is missing or has changed; reinstall the package.
    """
    return _checked(NETWORKS[network])


def _checked(model: ShippedModel) -> Path:
    if not model.path.is_file():
        raise ModelError(f"{model.path}: missing; reinstall the package")
    if sha256_of(model.path) != model.sha256:
        raise ModelError(f"{model.path}: its sha256 is not the shipped one; reinstall the package")
    return model.path


def sha256_of(path: Path) -> str:
    """The hash of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
