"""Face recognisers behind one protocol: dlib's, which works offline, and any ArcFace-style file."""

import tomllib
from importlib import metadata, util
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from ..errors import MissingExtraError, ModelError
from ..types import Image, Reals, Values

_NETWORK = "dlib_face_recognition_resnet_model_v1.dat"
_EYES = "shape_predictor_5_face_landmarks.dat"
# Eyes, nose tip and mouth corners in a 112 px crop (Deng et al., "ArcFace", CVPR 2019), and the
# landmarks that lie there.
_ARCFACE_PX = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655],
     [70.7299, 92.2041]]
)  # fmt: skip
_ARCFACE_LANDMARKS = [468, 473, 1, 61, 291]
_ARCFACE: dict[str, Any] = {
    "size": 112,
    "mean": 127.5,
    "scale": 127.5,
    "order": "rgb",
    "same_person": 1.2,
}


class Recogniser(Protocol):
    """Turns faces into numbers that lie near one another for one person.

    Attributes:
        name: With version, for reports and the measurements that are kept.
        same_person: Euclidean distance below which it calls two faces one person's.
    """

    name: str
    same_person: float

    def __call__(self, image: Image, landmarks_px: Reals) -> Values:
        """The numbers (D,) of a face, (478, 3) landmarks in an RGB uint8 (H, W, 3) picture."""
        ...


def load_recogniser(path: Path | None) -> Recogniser:
    """Dlib's recogniser, or one from an ONNX file.

    Raises:
        MissingExtraError: The extra ``eval`` is not installed.
        ModelError: The file, or that beside it, cannot be used.
    """
    return DlibRecogniser() if path is None else ArcFaceRecogniser(path)


class DlibRecogniser:
    """128 numbers a face. Not to be shared by threads.

    King, "High quality face recognition with deep metric learning", 2017: two pictures of one
    person lie nearer than 0.6 to one another.
    """

    same_person = 0.6

    def __init__(self) -> None:
        # The package itself asks for pkg_resources when it is imported; only its files are used.
        spec = util.find_spec("face_recognition_models")
        if spec is None or spec.origin is None or util.find_spec("dlib") is None:
            raise MissingExtraError("the face recogniser", "eval")
        import dlib

        folder = Path(spec.origin).parent / "models"
        self.name = f"dlib {dlib.__version__}, face_recognition_models " + metadata.version(
            "face_recognition_models"
        )
        self._dlib: Any = dlib
        self._predictor = dlib.shape_predictor(str(folder / _EYES))
        self._network = dlib.face_recognition_model_v1(str(folder / _NETWORK))

    def __call__(self, image: Image, landmarks_px: Reals) -> Values:
        """The face's numbers, (128,); the landmarks' extent is the box that dlib takes."""
        low, high = landmarks_px[:, :2].min(0), landmarks_px[:, :2].max(0)
        box = self._dlib.rectangle(*(round(float(v)) for v in (*low, *high)))
        pixels = np.ascontiguousarray(image)
        chip = self._dlib.get_face_chip(pixels, self._predictor(pixels, box), size=150)
        return np.asarray(self._network.compute_face_descriptor(chip), np.float64)


class ArcFaceRecogniser:
    """A network in an ONNX file that reads a crop aligned by five points; unit-length numbers.

    How the crop is made stands in a TOML file of the same name beside it: ``size`` in pixels,
    ``mean`` and ``scale`` of (value - mean) / scale, ``order`` "rgb" or "bgr", and ``same_person``,
    the Euclidean distance of unit vectors below which two faces count as one person's. Without
    that file they are 112, 127.5, 127.5, "rgb" and 1.2.
    """

    def __init__(self, path: Path) -> None:
        import onnxruntime

        declared = _declared(path.with_suffix(".toml"))
        self._size, self._bgr = declared["size"], declared["order"] == "bgr"
        self._mean, self._scale = float(declared["mean"]), float(declared["scale"])
        self.same_person = float(declared["same_person"])
        settings = ", ".join(f"{key} {value}" for key, value in declared.items())
        self.name = f"{path.name} ({settings})"
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), providers=["CPUExecutionProvider"]
            )
            self._input = self._session.get_inputs()[0].name
            blank = np.full((2 * self._size, 2 * self._size, 3), 127, np.uint8)
            numbers = self(blank, np.random.default_rng(0).uniform(0, self._size, (478, 3)))
            if numbers.ndim != 1:
                raise ValueError(f"it gives an array of shape {numbers.shape}")
        except Exception as error:  # onnxruntime's errors share no base
            raise ModelError(f"{path}: no recogniser of {self._size} px crops ({error})") from error

    def __call__(self, image: Image, landmarks_px: Reals) -> Values:
        """The face's numbers, (D,), of unit length."""
        seen = np.asarray(landmarks_px[_ARCFACE_LANDMARKS, :2], np.float64)
        wanted = _ARCFACE_PX * (self._size / 112)
        crop_from_image = _similarity(seen, wanted)
        crop = cv2.warpAffine(image, crop_from_image, (self._size, self._size))
        ordered = crop[..., ::-1] if self._bgr else crop
        blob = (ordered.transpose(2, 0, 1)[None].astype(np.float32) - self._mean) / self._scale
        numbers = np.asarray(self._session.run(None, {self._input: blob})[0][0], np.float64)
        return numbers / max(float(np.linalg.norm(numbers)), 1e-12)


def _similarity(points: Values, wanted: Values) -> Values:
    """The least-squares similarity of the plane, (2, 3), from (N, 2) to (N, 2)."""
    x, y = points.T
    one, zero = np.ones_like(x), np.zeros_like(x)
    rows = np.concatenate([np.stack([x, -y, one, zero], 1), np.stack([y, x, zero, one], 1)])
    a, b, c, d = np.linalg.lstsq(rows, wanted.T.ravel(), rcond=None)[0]
    return np.array([[a, -b, c], [b, a, d]])


def _declared(path: Path) -> dict[str, Any]:
    """The preprocessing that a TOML file declares, over the usual one."""
    if not path.is_file():
        return dict(_ARCFACE)
    try:
        declared = _ARCFACE | tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ModelError(f"{path}: cannot be read ({error})") from error
    numbers = [declared[name] for name in ("mean", "scale", "same_person")]
    sound = (
        declared.keys() == _ARCFACE.keys()
        and declared["order"] in ("rgb", "bgr")
        and type(declared["size"]) is int
        and declared["size"] > 0
        and all(type(number) in (int, float) for number in numbers)
        and declared["scale"] > 0
    )
    if not sound:
        raise ModelError(
            f"{path}: may declare {', '.join(_ARCFACE)}; size is a whole number, scale is above 0, "
            "order is rgb or bgr"
        )
    return declared
