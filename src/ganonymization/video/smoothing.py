"""A face in a video, freed of jitter and flicker without lag: its landmarks, and what was drawn.

Landmarks: a window of frames before and after is known, so the filter is symmetric: what moves
evenly stays where it is. Frames in which a landmark is far off count little, so that a blink or a
word is not smeared (bilateral filter; Tomasi and Manduchi, ICCV 1998). Pose and face are filtered
apart, the face in the canonical frame, where a moving head does not look like a moving mouth.

Tone: that of a track's face changes with the light around it, and not else.

Pixels: the frame before is moved by what lies between the landmarks of the two. What differs little
from it is mixed with it, what differs much is not, as in motion-compensated noise reduction.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..geometry import topology
from ..geometry.wall import GeneratorInput
from ..surrogate.eye_mouth_opening import EYE_OPENNESS
from ..surrogate.shape_model import Posed, eye_openness
from ..types import Image

Values = NDArray[np.float64]

REACH = 3  # frames before and after
_SIGMA_FRAMES = 1.5
_FACE_EYES = 0.0175  # what counts as far off, in outer-eye distances; jitter is a third of it
_POSE_EYES = 0.04
_POSE_RAD = 0.05
_NEW_SHARE = 0.15  # of a pixel that differs little from the frame before
_FLOW_STEP_PX, _FLOW_SIGMA_CELLS = 4, 2.0  # of the grid on which the flow is spread
_STILL = 0.01  # weight of standing still, in landmarks per cell
_REST_FRAMES, _USUAL_FRAMES = 250, 9  # that are remembered; that what is usual counts for
_MOST_LIT, _LIGHT_SHARE, _MOST_TONED = 2.0, 0.5, 1.6
_MOVED_LEVELS = (5.0, 17.0)  # from here on it counts as moved, and from there on wholly


def steadied(landmarks_px: Sequence[Values | None], centre: int) -> Values:
    """The landmarks of one frame, steadied by those around it.

    Args:
        landmarks_px: (478, 3) of consecutive frames, None where the face was not seen.
        centre: Which frame is asked for; its face was seen.

    Returns:
        (478, 3).
    """
    first, last = max(centre - REACH, 0), min(centre + REACH, len(landmarks_px) - 1)
    reach = min(centre - first, last - centre)  # symmetric, or the ends would lag
    window = range(centre - reach, centre + reach + 1)
    seen = {j: points for j in window if (points := landmarks_px[j]) is not None}
    mirrored = [j for j in seen if 2 * centre - j in seen]
    faces = Posed.of(np.stack([seen[j] for j in mirrored]))
    own = mirrored.index(centre)
    gaps = np.array(mirrored, np.float64) - centre
    near_in_time = np.exp(-0.5 * (gaps / _SIGMA_FRAMES) ** 2)
    return _posed(faces, near_in_time, own, _face(faces, near_in_time, own))


def _face(faces: Posed, weights: Values, own: int) -> Values:
    """The frontal face, (478, 3), each landmark by itself."""
    symmetric = (faces.frontal + faces.frontal[::-1]) / 2  # what moves evenly is where it is
    away = np.linalg.norm((symmetric - faces.frontal[own])[..., :2], axis=-1) / _FACE_EYES
    for ring in (topology.EYE_LEFT, topology.EYE_RIGHT, topology.LIPS_INNER):
        away[:, ring] = away[:, ring].max(1, keepdims=True)  # lids and lips open and close as one
    each = weights[:, None] * np.exp(-0.5 * away**4)
    mean: Values = (each[..., None] * symmetric).sum(0) / each.sum(0)[:, None]
    return mean


def _posed(faces: Posed, weights: Values, own: int, frontal: Values) -> Values:
    """The face where the steadied pose puts it."""
    shift = (faces.shift + faces.shift[::-1]) / 2
    scale = (faces.scale + faces.scale[::-1]) / 2
    off_px = np.linalg.norm(shift - faces.shift[own], axis=-1)
    turned = np.einsum("nij,ij->n", faces.rotation, faces.rotation[own])
    angle = np.arccos(np.clip((turned - 1) / 2, -1, 1))
    weights = weights * np.exp(-0.5 * (off_px / (_POSE_EYES * faces.scale[own])) ** 2)
    weights = weights * np.exp(-0.5 * (np.minimum(angle, angle[::-1]) / _POSE_RAD) ** 2)
    weights = weights / weights.sum()
    left, _, right = np.linalg.svd((weights[:, None, None] * faces.rotation).sum(0))
    rotation = left @ np.diag([1, 1, np.linalg.det(left @ right)]) @ right
    mean = Posed(frontal, weights @ scale, rotation, weights @ shift)
    return mean.posed(frontal)


class EyesAtRest:
    """How far each track's eyes usually are open: the running median.

    What people's eyes differ by at rest tells who they are; what one person's eyes do from there is
    expression.
    """

    def __init__(self) -> None:
        self._openness: dict[int, deque[Values]] = {}

    def after(self, landmarks_px: Mapping[int, Values | None]) -> dict[int, Values]:
        """(2,) of the right eye and the left of each track, with this frame counted.

        In the first frames they count for less than what is usual of people. A track that is not
        in the frame has ended, and is forgotten.

        Args:
            landmarks_px: (478, 3) by track, or None where the face was not seen well.
        """
        self._openness = {
            track: self._openness.get(track, deque(maxlen=_REST_FRAMES)) for track in landmarks_px
        }
        usual = [np.full(2, EYE_OPENNESS)] * _USUAL_FRAMES
        medians: dict[int, Values] = {}
        for track, points in landmarks_px.items():
            openness = self._openness[track]
            if points is not None:
                openness.append(eye_openness(points))
            medians[track] = np.median(np.stack([*usual, *openness]), axis=0)
        return medians


@dataclass(frozen=True)
class Tone:
    """How a drawn face and its surroundings are usually coloured.

    Attributes:
        face: (3,) mean RGB within the face's oval.
        around: (3,) mean RGB of the context.
        frames: So many are in the means, at most 250.
    """

    face: Values
    around: Values
    frames: int


def toned(drawn: Image, inputs: GeneratorInput, usual: Tone | None) -> tuple[Image, Tone]:
    """A drawn crop whose face has the track's usual tone, lit as its surroundings are now.

    A generator guesses the tone of the skin from what it sees of neck and ears, frame by frame.

    Args:
        drawn: (S, S, 3) uint8 RGB.
        inputs: What it was drawn from.
        usual: Of the frames before, or None.

    Returns:
        The crop, and the tone with this frame's.
    """
    oval = np.zeros(drawn.shape[:2], np.uint8)
    rim = np.round(inputs.surrogate_px[list(topology.FACE_OVAL), :2]).astype(np.int32)
    cv2.fillPoly(oval, [rim], (255,))
    seen = (~inputs.wall_mask).view(np.uint8)
    face = np.maximum(cv2.mean(drawn, oval)[:3], 1.0)
    around = np.maximum(cv2.mean(inputs.context, seen)[:3], 1.0)
    if usual is None:
        return drawn, Tone(face, around, 1)
    light = np.clip(around / usual.around, 1 / _MOST_LIT, _MOST_LIT) ** _LIGHT_SHARE
    gain = np.clip(usual.face * light / face, 1 / _MOST_TONED, _MOST_TONED)
    reach = drawn.shape[0] // 32
    inner = cv2.erode(oval, np.ones((3, 3), np.uint8), iterations=reach)
    soft = cv2.GaussianBlur(inner, (0, 0), max(reach, 1))
    share = cv2.merge([soft] * 3).astype(np.float32) * ((gain - 1) / 255).astype(np.float32)
    shown = cv2.multiply(drawn, 1 + share, dtype=cv2.CV_8U)
    frames = min(usual.frames + 1, _REST_FRAMES)
    usual_face = usual.face + (face - usual.face) / frames
    usual_around = usual.around + (around - usual.around) / frames
    return np.asarray(shown, np.uint8), Tone(usual_face, usual_around, frames)


def settled(drawn: Image, before: Image, landmarks_px: Values, before_px: Values) -> Image:
    """A drawn crop without the flicker against the one of the frame before.

    Args:
        drawn: (S, S, 3) uint8 RGB.
        before: Alike, settled itself.
        landmarks_px: (478, 3), which ``drawn`` was drawn from, in crop pixels.
        before_px: The same of ``before``, which is moved by what lies between the two.
    """
    before = _moved(before, before_px, landmarks_px)
    red, green, blue = cv2.split(cv2.blur(cv2.absdiff(drawn, before), (5, 5)))
    gap = cv2.max(cv2.max(red, green), blue)
    low, high = _MOVED_LEVELS
    moved = np.clip((np.arange(256, dtype=np.float32) - low) / (high - low), 0, 1)
    share = cv2.LUT(gap, _NEW_SHARE + (1 - _NEW_SHARE) * moved)
    return np.asarray(cv2.blendLinear(drawn, before, share, 1 - share), np.uint8)


def _moved(image: Image, from_px: Values, to_px: Values) -> Image:
    """A drawn face with its landmarks moved; the flow between them is spread by a blur.

    Normalised convolution (Knutsson and Westin, CVPR 1993), at a quarter of the resolution. Far
    from all landmarks nothing moves.
    """
    size = image.shape[0]
    side = size // _FLOW_STEP_PX
    cells = np.clip(to_px[:, :2] / _FLOW_STEP_PX, 0, side - 1).astype(np.intp)
    back = (from_px - to_px)[:, :2]
    sums = np.zeros((side, side, 3), np.float32)
    np.add.at(sums, (cells[:, 1], cells[:, 0]), np.column_stack([back, np.ones(len(back))]))
    spread = cv2.GaussianBlur(sums, (0, 0), _FLOW_SIGMA_CELLS)
    flow = spread[..., :2] / (spread[..., 2:] + _STILL)
    x, y = cv2.split(cv2.resize(flow, (size, size), interpolation=cv2.INTER_LINEAR))
    axis = np.arange(size, dtype=np.float32)
    x += axis[None, :]
    y += axis[:, None]
    return np.asarray(
        cv2.remap(image, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )
