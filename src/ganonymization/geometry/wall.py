"""The wall between the original face and the generator, and the one type that crosses it.

Only what a ``GeneratorInput`` carries reaches the generator: surrogate landmarks, a reading of the
expression, pixels outside the wall mask, that mask, a seed, the donors of frames before and whether
the picture is a film's. ``tests/geometry/test_wall.py`` puts noise inside and expects the same
output to the bit.

The masks are shaped like anybody's face in the upright crop frame: superellipses that narrow
towards the chin. Their four numbers are the extents of the outlines of the old face and the new and
of the detector's boxes, with a margin, so they tell the height and width of a face and little of
its jaw; ears, hair and collars stay in front of them:

    wall       radius <= 1                 never read once the landmarks are known
    ring       1 < radius < RING           original pixels may be read and blended
    untouched  radius >= RING              the picture stays as it is
"""

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import LandmarksError
from ..types import Box, Detection, DonorPair, Image, Mask, Reals, Values
from . import transforms

RING = 1.07
"""Outer edge of the composite mask, in radii of the wall."""

_MARGIN_LEFT_TOP_RIGHT_BOTTOM = (0.03, 0.08, 0.03, 0.03)
"""Added to the outline's extents, as shares of its width and height; the forehead needs more."""

_TAPER, _WIDEST = 0.12, 1.0212
"""How much narrower the wall is at the chin than at its middle, as a share; and how much wider the
ring would be where it is widest, above the middle."""

_OUTLINE_RADIUS = 0.98
"""Nothing that the wall must hold may come nearer to its edge than this."""

_CROP_EDGE = 0.075
"""A box may push the wall to this share of the crop's side from its edge: the ring still fits."""

_BOX_HELD = 0.9
"""Share of the height above a box's middle that the wall must hold: what is higher is hair."""

_ALL_SEEN = 252  # of 255: resampling rounds
_CUBIC_PX = 5  # its stencil reaches two pixels

_HEAD_MARGIN, _LEVEL_RAD = 1.5, 0.35  # of a box, for a fill; tilted less, its height is the box's


@dataclass(frozen=True)
class Wall:
    """A superellipse of exponent 2.5, narrower below, upright in the crop frame, in its pixels."""

    centre_xy: tuple[float, float]
    half_wh: tuple[float, float]

    @classmethod
    def around(
        cls, faces_px: Reals, box_outline_px: Reals | None = None, size_px: int | None = None
    ) -> "Wall":
        """The wall that holds the outlines of faces and a detector's boxes.

        Args:
            faces_px: (N, 2 or 3) landmarks in crop pixels, of the old face and of the new.
            box_outline_px: (M, 2) points on the ellipses within the boxes, in crop pixels, or None;
                the corners of a box hold no face.
            size_px: Side of the crop; a wall that is too large for it is cut to what fits.
        """
        points = np.asarray(faces_px, np.float64)[:, :2]
        low, high = points.min(0), points.max(0)
        margin = np.tile(high - low, 2) * _MARGIN_LEFT_TOP_RIGHT_BOTTOM
        low, high = low - margin[:2], high + margin[2:]
        held = points
        if box_outline_px is not None:
            outline = np.asarray(box_outline_px, np.float64)
            if size_px is not None:
                outline = np.clip(outline, size_px * _CROP_EDGE, size_px * (1 - _CROP_EDGE) - 1)
            low, high = np.minimum(low, outline.min(0)), np.maximum(high, outline.max(0))
            held = np.concatenate([points, outline])
        wall = cls._of(low, high)
        excess = float(wall.radius(held[:, 0], held[:, 1]).max()) / _OUTLINE_RADIUS
        if excess > 1:
            wall = cls(wall.centre_xy, (wall.half_wh[0] * excess, wall.half_wh[1] * excess))
        return wall if size_px is None else wall._within(size_px)

    @classmethod
    def _of(cls, low: Values, high: Values) -> "Wall":
        centre, half = (low + high) / 2, (high - low) / 2
        return cls((float(centre[0]), float(centre[1])), (float(half[0]), float(half[1])))

    def _within(self, size_px: int) -> "Wall":
        """With half width and height cut so that the ring fits, as a wide open mouth may need."""
        (x, y), (w, h) = self.centre_xy, self.half_wh
        room_x, room_y = (min(c, size_px - 1 - c) / RING for c in (x, y))
        return Wall(self.centre_xy, (max(min(w, room_x), 1e-3), max(min(h, room_y), 1e-3)))

    def radius(self, x: Reals, y: Reals) -> Reals:
        """1 on the wall's edge, 0 at its centre; x and y in crop pixels, broadcast together."""
        u = (x - self.centre_xy[0]) / self.half_wh[0]
        v = (y - self.centre_xy[1]) / self.half_wh[1]
        return _radius_of(u, v)

    def holds(self, points_px: Reals) -> bool:
        """Whether all points, (N, 2 or 3) in crop pixels, lie behind the wall."""
        return bool(self.radius(points_px[:, 0], points_px[:, 1]).max() < 1)

    def fits(self, size_px: int) -> bool:
        """Whether the ring lies within a crop of this side, so that all of it can be drawn."""
        (x, y), (w, h) = self.centre_xy, self.half_wh
        reach = np.array([x - w * RING, y - h * RING, x + w * RING, y + h * RING])
        return bool(reach.min() >= -1e-6 and reach.max() <= size_px - 1 + 1e-6)

    def radius_map(self, size_px: int) -> Reals:
        """The radius at each pixel of the crop, (size_px, size_px) float32."""
        axis = np.arange(size_px, dtype=np.float32)
        (x, y), (w, h) = self.centre_xy, self.half_wh
        return _radius_of((axis[None, :] - x) / w, (axis[:, None] - y) / h)


@dataclass(frozen=True)
class Place:
    """Where a face's wall stands in the picture.

    Attributes:
        wall: In crop pixels.
        crop_from_image: (2, 3), picture pixels to crop pixels.
        size_px: Side of the crop.
    """

    wall: Wall
    crop_from_image: transforms.Matrix
    size_px: int

    @classmethod
    def of(
        cls,
        detection: Detection,
        faces_px: Reals,
        crop_from_image: transforms.Matrix,
        size_px: int,
        must_fit: bool = True,
    ) -> "Place":
        """The place of a wall that holds a face's boxes, its landmarks and its new ones.

        Args:
            detection: Of the face.
            faces_px: (N, 3) landmarks in crop pixels, old and new.
            crop_from_image: Picture pixels to crop pixels.
            size_px: Side of the crop.
            must_fit: The ring lies within the crop.

        Raises:
            LandmarksError: The face does not fit its crop.
        """
        outline_px = transforms.apply(crop_from_image, ellipses(detection))
        wall = Wall.around(faces_px, outline_px, size_px)
        if must_fit and not (wall.fits(size_px) and wall.holds(faces_px)):
            raise LandmarksError("the face does not fit its crop")
        return cls(wall, crop_from_image, size_px)

    def window(self, image_shape: tuple[int, ...], radii: float) -> tuple[slice, slice]:
        """Rows and columns of the picture that hold all points within so many radii."""
        (x, y), (w, h) = self.wall.centre_xy, self.wall.half_wh
        reach = np.array([[-w, -h], [w, -h], [w, h], [-w, h]]) * radii
        image_from_crop = transforms.inverse(self.crop_from_image)
        corners = transforms.apply(image_from_crop, reach + np.array([x, y]))
        low = np.floor(corners.min(0)).astype(int)
        high = np.ceil(corners.max(0)).astype(int) + 1
        height, width = image_shape[:2]
        rows = slice(*np.clip((low[1], high[1]), 0, height).tolist())
        return rows, slice(*np.clip((low[0], high[0]), 0, width).tolist())

    def radius(self, window: tuple[slice, slice]) -> NDArray[np.float32]:
        """The wall's radius at each picture pixel of a window, float32."""
        rows, columns = window
        y = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None]
        x = np.arange(columns.start, columns.stop, dtype=np.float32)[None, :]
        half_wh = np.array(self.wall.half_wh)[:, None]
        m = self.crop_from_image / half_wh  # straight to radii: every step costs a pass
        m[:, 2] -= np.array(self.wall.centre_xy) / half_wh[:, 0]
        m = m.astype(np.float32)
        u, v = (row[0] * x + (row[1] * y + row[2]) for row in m)
        return _radius_of(u, v)


def _radius_of(u: Reals, v: Reals) -> Reals:
    """The radius at so many half widths and half heights from the centre."""
    across = np.abs(u * _WIDEST / (1 - _TAPER * np.clip(v, -2, 2)))
    down = np.abs(v)
    powers = across * across * np.sqrt(across) + down * down * np.sqrt(down)
    radius: Reals = np.power(powers, 0.4, dtype=powers.dtype)
    return radius


def opacity(radius: Reals) -> NDArray[np.float32]:
    """How much of the new face shows: 1 behind the wall, falling smoothly to 0 across the ring.

    Args:
        radius: Radii of the wall, any shape.
    """
    t = np.clip((RING - np.asarray(radius)) / (RING - 1), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


NEUTRAL = np.eye(1, 7, dtype=np.float32)[0]
"""The reading of a face that nobody read."""


@dataclass(frozen=True)
class GeneratorInput:
    """All that the generator learns of a face.

    Attributes:
        surrogate_px: (478, 3) float64 landmarks in crop pixels, to be drawn as condition.
        context: (S, S, 3) uint8 RGB, black behind the wall; all black in portrait mode.
        wall_mask: (S, S) bool, True where the context is hidden; all True in portrait mode.
        seed: Of the face; style and donors are drawn from it.
        reading: (7,) float32 shares of seven expressions in quarters, or means of such.
        worn: Donors that were chosen before, or None.
        filmed: The picture is a frame of a film.
    """

    surrogate_px: Values
    context: Image
    wall_mask: Mask
    seed: int
    reading: NDArray[np.float32] = field(default_factory=lambda: NEUTRAL.copy())
    worn: DonorPair | None = None
    filmed: bool = False

    @classmethod
    def scene(
        cls, image: Image, place: Place, surrogate_px: Values, seed: int,
        reading: NDArray[np.float32] | None = None,
    ) -> "GeneratorInput":  # fmt: skip
        """Read the surroundings of a face, and nothing of the face.

        What lies behind the wall is blanked at the picture's own resolution, before anything is
        resampled, and every crop pixel that a blank one touches by a hundredth is hidden too. The
        picture is (H, W, 3) uint8 RGB; without a reading the face is neutral.
        """
        size = place.size_px
        window, shift = _around_crop(image.shape, place)
        crop_from_window = transforms.compose(place.crop_from_image, shift)
        visible = np.full(image[window].shape[:2], 255, np.uint8)
        hidden = place.window(image.shape, 1.0)
        inside = place.radius(hidden) <= 1
        rows = slice(hidden[0].start - window[0].start, hidden[0].stop - window[0].start)
        columns = slice(hidden[1].start - window[1].start, hidden[1].stop - window[1].start)
        visible[rows, columns][inside] = 0
        shown, level = _masked(image[window], visible), 255
        if transforms.scale_of(crop_from_window) > 1:
            shown, level = _continued(shown, visible), _ALL_SEEN
        mask = transforms.warp(visible, crop_from_window, size) < level
        context = transforms.warp(shown, crop_from_window, size)
        context = _masked(context, (~mask).view(np.uint8))
        return cls(surrogate_px, context, mask, seed, NEUTRAL if reading is None else reading)

    @classmethod
    def portrait(
        cls, size_px: int, surrogate_px: Values, seed: int,
        reading: NDArray[np.float32] | None = None,
    ) -> "GeneratorInput":  # fmt: skip
        """Nothing but the geometry, a reading and a seed."""
        nothing = np.zeros((size_px, size_px, 3), np.uint8)
        hidden = np.ones((size_px, size_px), bool)
        return cls(surrogate_px, nothing, hidden, seed, NEUTRAL if reading is None else reading)


def _continued(shown: Image, visible: Image) -> Image:
    """Blank pixels beside visible ones get their mean, for cubics overshoot beside black."""
    around = (_CUBIC_PX, _CUBIC_PX)
    share = cv2.blur((visible > 0).astype(np.float32), around)
    mean = cv2.blur(shown.astype(np.float32), around) / np.maximum(share, 1e-3)[..., None]
    out = shown.copy()
    beside = (visible == 0) & (share > 1e-3)
    out[beside] = np.clip(np.round(mean[beside]), 0, 255)
    return out


def _masked(image: Image, mask: Image) -> Image:
    """Black where the mask is 0."""
    return np.asarray(cv2.bitwise_and(image, image, mask=mask), np.uint8)


def _around_crop(
    image_shape: tuple[int, ...], place: Place
) -> tuple[tuple[slice, slice], transforms.Matrix]:
    """The picture's window that the crop shows, and ``image_from_window``."""
    last = place.size_px - 1
    corners = np.array([[0, 0], [last, 0], [last, last], [0, last]], np.float64)
    seen = transforms.apply(transforms.inverse(place.crop_from_image), corners)
    height, width = image_shape[:2]
    # Four pixels more than the crop: the resampling reads neighbours. At least one pixel is kept.
    x0, y0 = np.clip(np.floor(seen.min(0)).astype(int) - 4, 0, [width - 1, height - 1]).tolist()
    x1, y1 = np.clip(np.ceil(seen.max(0)).astype(int) + 5, [x0 + 1, y0 + 1], [width, height])
    shift = np.array([[1.0, 0, x0], [0, 1.0, y0]])
    return (slice(y0, int(y1)), slice(x0, int(x1))), shift


def ellipses(detection: Detection) -> Values:
    """Points around the ellipses within a face's boxes, (N, 2), in picture pixels.

    They are flattened above: detectors' boxes reach into the hair, which should stay.
    """
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    circle = np.column_stack([np.cos(angles), np.sin(angles)])
    circle[circle[:, 1] < 0, 1] *= _BOX_HELD
    boxes = np.array([detection.box_xyxy, *detection.merged])
    low, high = boxes[:, :2], boxes[:, 2:]
    points: Values = (low + high)[:, None] / 2 + circle * (high - low)[:, None] / 2
    return points.reshape(-1, 2)


def head_place(detection: Detection, box_xyxy: Box) -> Place:
    """Where a whole head is, told from a box of its face alone."""
    boxed = Detection(box_xyxy, detection.score, detection.eyes_px)
    size = 256
    left, top, right, bottom = box_xyxy
    half = np.array([right - left, bottom - top]) / boxed.side_px * size / 4 * _HEAD_MARGIN
    crop_from_image = transforms.detection_crop(boxed, size)
    tilted = abs(transforms.angle_of(crop_from_image)) > _LEVEL_RAD
    if tilted or half.max() > 1.6 * half.min():  # the box's sides are not the face's
        half[:] = half.max()
    middle = (size - 1) / 2
    wall = Wall((middle, middle), (float(half[0]), float(half[1])))
    return Place(wall, crop_from_image, size)
