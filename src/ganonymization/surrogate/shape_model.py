"""Surrogate geometry: takes the person out of 478 landmarks, and keeps pose and expression.

A face in the canonical frame (scale, rotation and place removed) is taken for a sum,

    surface = mean + pose terms + identity + expression,

of which the model knows how faces differ in each. What is released instead is

    surface' = mean + pose terms + nobody + decode(zone(encode(surface - mean - pose terms))),

a neutral face of nobody, drawn from the differences between people, with the expression as few
codes. ``zone`` lets large codes pass and takes small ones to zero, so that nothing can be read from
them,

    zone(c) = c max(0, 1 - (threshold / |c|)^4),

for a small code is more likely the shape of a face at rest than an expression, and a large one the
other way round: how people differ is close to a normal distribution, expressions are rare and
large, and under such a prior the best estimate of them is a shrinkage of this kind (Donoho and
Johnstone, "Ideal spatial adaptation by wavelet shrinkage", Biometrika 1994). How the codes are
fitted, and what they withstand: ``docs/geometry.md``.

What the zone takes to zero may still be an expression. Where a reading of it crosses the wall
beside the landmarks, the codes that usually go with that reading stand in for those that do not
pass: they are a function of the reading, and tell no more than it does.

Convention:
    The canonical frame is that of :func:`topology.canonical_face`. The surface are the landmarks 0
    to 467, flattened (x, y, z) by (x, y, z).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from .. import seeds
from ..errors import LandmarksError, ModelError, OptionError
from ..geometry import topology, transforms
from ..options import Privacy, check_choice
from ..types import Reals, Values
from .expression_reading import EXPRESSIONS
from .eye_mouth_opening import EYES, gaze_of, opened_as, with_irises

POSE_TERMS = 9
_READINGS = len(EXPRESSIONS) - 1  # neutral is what is left
_MAX_YAW_RAD, _MAX_PITCH_RAD = 1.0, 0.7  # beyond them the pose terms stay what they are
_MAX_DEVIATIONS = 2.0  # of a nobody in each direction
_SPREAD = 1.2  # of nobodies, of people: who shares hair and neck looks more alike
_STRENGTH = 1.8  # of what goes with a reading: readings are coarse, and means of many faces faint


@dataclass(frozen=True)
class ExpressionCoder:
    """What of a face is let through.

    Attributes:
        encode: (K, 1404), from surface deviations to codes.
        threshold: (K,), codes below it are taken for identity.
        decode: (K, 1404), back to surface deviations.
    """

    encode: Values
    threshold: Values
    decode: Values

    def __call__(self, deviations: Values, usual: Values | float = 0.0) -> Values:
        """Surface deviations to their expression, (..., 1404) both.

        Args:
            deviations: (..., 1404).
            usual: (..., 1404), deviations that go with the reading; 0 without one.
        """
        codes = deviations @ self.encode.T
        size = np.maximum(np.abs(codes), 1e-12)
        passed = np.maximum(0, 1 - (self.threshold / size) ** 4)
        instead = np.broadcast_to(usual, deviations.shape) @ self.encode.T
        expression: Values = (codes * passed + instead * (1 - passed)) @ self.decode
        return expression


@dataclass(frozen=True)
class ShapeModel:
    """Splits faces into pose, identity and expression, and replaces the identity.

    Attributes:
        mean: (1404,) a neutral surface in the canonical frame, flattened (468, 3).
        pose_terms: (9, 1404), what FaceMesh makes of the head's yaw and pitch.
        people: (M, 1404), by how much people differ, one deviation in each direction; no coder
            takes them for an expression.
        coders: One for each privacy setting.
        by_reading: (6, 1404), deviations of a face that is read as wholly happy, sad, angry,
            fearful, disgusted or surprised; (0, 1404) in a model without readings.
    """

    mean: Values
    pose_terms: Values
    people: Values
    coders: Mapping[str, ExpressionCoder]
    by_reading: Values = field(default_factory=lambda: np.zeros((0, 3 * topology.SURFACE_COUNT)))

    @classmethod
    def load(cls, path: Path | None = None) -> "ShapeModel":
        """Read a model of ``ganonymize fit-shape``, or the shipped one.

        Raises:
            ModelError: There is no such model; fit one with ``ganonymize fit-shape``.
        """
        source = path or resources.files("ganonymization").joinpath("weights", "shape.npz")
        try:
            with source.open("rb") as file:
                arrays = {k: v.astype(np.float64) for k, v in np.load(file).items()}
            names = sorted({name.split(".")[0] for name in arrays if "." in name})
            coders = {
                name: ExpressionCoder(
                    *(arrays[f"{name}.{part}"] for part in ("encode", "threshold", "decode"))
                )
                for name in names
            }
            model = cls(
                arrays["mean"], arrays["pose_terms"], arrays["people"], coders,
                arrays.get("by_reading", np.zeros((0, len(arrays["mean"])))),
            )  # fmt: skip
        except (OSError, EOFError, KeyError, ValueError, AttributeError, BadZipFile) as error:
            raise ModelError(
                f"{source}: no shape model; fit one with 'ganonymize fit-shape'"
            ) from error
        model._check(str(source))
        return model

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """All numbers by name, as a file holds them."""
        named = {
            "mean": self.mean, "pose_terms": self.pose_terms, "people": self.people,
            "by_reading": self.by_reading,
        }  # fmt: skip
        for name, coder in self.coders.items():
            named |= {f"{name}.encode": coder.encode, f"{name}.decode": coder.decode}
            named[f"{name}.threshold"] = coder.threshold
        return {name: values.astype(np.float32) for name, values in named.items()}

    def _check(self, source: str) -> None:
        size = topology.SURFACE_COUNT * 3
        codes = [len(coder.threshold) for coder in self.coders.values()]
        shapes = [c.encode.shape for c in self.coders.values()]
        shapes += [c.decode.shape for c in self.coders.values()]
        expected = [(k, size) for k in codes] * 2
        whole = self.mean.shape == (size,) and self.pose_terms.shape == (POSE_TERMS, size)
        whole = whole and all(np.isfinite(values).all() for values in self.arrays().values())
        whole = whole and self.by_reading.shape in ((0, size), (_READINGS, size))
        if not (whole and codes) or self.people.shape[1:] != (size,) or shapes != expected:
            raise ModelError(f"{source}: a shape model of another kind; fit it anew")

    def coder(self, privacy: Privacy) -> ExpressionCoder:
        """What a privacy setting lets through.

        Raises:
            OptionError: The model has no such setting.
        """
        check_choice(privacy, Privacy)
        if privacy not in self.coders:
            raise OptionError(f"this shape model has no setting {privacy!r}; fit it anew")
        return self.coders[privacy]

    def surrogate(
        self,
        landmarks_px: Reals,
        seed: int = 0,
        privacy: Privacy = "balanced",
        eyes_at_rest: Values | None = None,
        reading: Reals | None = None,
    ) -> Values:
        """Nobody's landmarks with this face's pose and expression.

        Args:
            landmarks_px: (..., 478, 3) in picture pixels.
            seed: Who the nobody is; the same for all faces of the call.
            privacy: ``"balanced"``, or ``"high"``, which lets less of the expression through.
            eyes_at_rest: (2,) how far this person's eyes usually are open, right and left, as
                :func:`eye_openness` tells; then every change from that is expression. None, as of a
                single picture, lets through only what is more than people differ.
            reading: (7,) shares of the expressions, as they cross the wall; None without.

        Returns:
            (..., 478, 3) in the same pixels; pose, scale and place are the face's.

        Raises:
            LandmarksError: They are not finite, or have no extent.
            OptionError: The model has no such setting.
        """
        coder = self.coder(privacy)
        face = Posed.of(landmarks_px)
        at_rest = self.mean + face.pose_features() @ self.pose_terms
        original = face.frontal[..., : topology.SURFACE_COUNT, :]
        usual = self.usual(reading)
        expression = coder(original.reshape(at_rest.shape) - at_rest, _STRENGTH * usual)
        nobody = at_rest + self.nobody(seed)
        replaced = (nobody + expression).reshape(original.shape)
        # Lids as strong as the codes took smiles from what an independent judge saw.
        eyes = nobody + usual if eyes_at_rest is None else nobody
        replaced = opened_as(replaced, original, eyes.reshape(original.shape), eyes_at_rest)
        whole = with_irises(replaced, gaze_of(face.frontal))
        # Fitted again, for the new face must not change what is taken for its pose.
        return face.posed(Posed.of(whole).frontal)

    def usual(self, reading: Reals | None) -> Values:
        """How faces that are read so deviate from one at rest, (1404,)."""
        if reading is None or len(self.by_reading) == 0:
            return np.zeros_like(self.mean)
        return np.asarray(reading, np.float64)[1:] @ self.by_reading

    def nobody(self, seed: int) -> Values:
        """How a nobody's neutral face deviates from the mean, (1404,)."""
        own = seeds.face_seed(seed, "shape", 0)  # its shape says nothing about its style
        numbers = seeds.style(own, len(self.people)).astype(np.float64)
        return _SPREAD * np.clip(numbers, -_MAX_DEVIATIONS, _MAX_DEVIATIONS) @ self.people


@dataclass(frozen=True)
class Posed:
    """Faces in the canonical frame, and where they were.

    Attributes:
        frontal: (..., 478, 3) in the canonical frame.
        scale: (...,) pixels in an outer-eye distance.
        rotation: (..., 3, 3).
        shift: (..., 3) in pixels.
    """

    frontal: Values
    scale: Values
    rotation: Values
    shift: Values

    @classmethod
    def of(cls, landmarks: Reals) -> "Posed":
        """Fit the canonical face's rigid landmarks to these faces'.

        Args:
            landmarks: (..., 478, 3), any scale.

        Raises:
            LandmarksError: They are not finite or have no extent.
        """
        points = np.asarray(landmarks, np.float64)
        if points.shape[-2:] != (topology.LANDMARK_COUNT, 3):
            raise LandmarksError(f"expected (..., 478, 3) landmarks, got {points.shape}")
        if not np.isfinite(points).all():
            raise LandmarksError("landmarks are not finite")
        rigid = list(topology.RIGID)
        canonical = topology.canonical_face()[rigid].astype(np.float64)
        scale, rotation, shift = transforms.fit_similarity_3d(canonical, points[..., rigid, :])
        extent = np.ptp(points, axis=-2).max(-1)
        if not (scale > 1e-6 * np.maximum(extent, 1e-6)).all() or not (extent > 1e-6).all():
            raise LandmarksError("landmarks have no extent")
        frontal = (points - shift[..., None, :]) @ rotation / scale[..., None, None]
        return cls(frontal, scale, rotation, shift)

    def posed(self, frontal: Values) -> Values:
        """Other faces where these were, (..., 478, 3)."""
        turned = self.scale[..., None, None] * (frontal @ np.swapaxes(self.rotation, -1, -2))
        return turned + self.shift[..., None, :]

    def pose_features(self) -> Values:
        """Powers of yaw and pitch, (..., 9); a tilt in the picture's plane changes nothing."""
        r = self.rotation
        tilt = np.arctan2(r[..., 1, 0] - r[..., 0, 1], r[..., 0, 0] + r[..., 1, 1])
        ahead_x, ahead_y, ahead_z = r[..., 0, 2], r[..., 1, 2], r[..., 2, 2]
        across = np.cos(tilt) * ahead_x + np.sin(tilt) * ahead_y
        down = np.cos(tilt) * ahead_y - np.sin(tilt) * ahead_x
        y = np.clip(np.arctan2(across, ahead_z), -_MAX_YAW_RAD, _MAX_YAW_RAD)
        p = np.clip(np.arcsin(np.clip(-down, -1, 1)), -_MAX_PITCH_RAD, _MAX_PITCH_RAD)
        powers = [y, p, y * y, p * p, y * p, y**3, p**3, y * y * p, y * p * p]
        return np.stack(powers, axis=-1)


def eye_openness(landmarks_px: Reals) -> Values:
    """How far the eyes of faces (..., 478, 3), right and left, are open in widths, (..., 2)."""
    surface = Posed.of(landmarks_px).frontal[..., : topology.SURFACE_COUNT, :]
    return np.stack([eye.openness(surface) for eye in EYES], axis=-1)
