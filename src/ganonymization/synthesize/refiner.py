"""Our generator with donors: it draws light, tone and features, donors lend the skin's detail."""

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from .. import seeds
from ..donors.bank import DonorBank
from ..donors.choose import choose, choose_lasting
from ..donors.surroundings import ANY, Guess, Kind, SurroundingsReader
from ..donors.wear import wear
from ..errors import SynthesisError
from ..geometry import conditioning, transforms
from ..geometry.rasterisation import DARKEST, LIGHT_EYES, Texture, hull, logarithm
from ..geometry.skin import skin_lab
from ..geometry.wall import GeneratorInput
from ..types import DonorPair, Image, Mask
from . import eyes, grade, lips, neck, outline, tone

FORMAT = "ganonymization-refiner-2"
"""Written into the file's metadata by ``ganonymize export``; other files are refused."""

LEVEL, ZERO = 1 / 127.5, 128
"""What a byte of the network's layers stands for: ``(byte - ZERO) * LEVEL``."""

_CELLS = 32  # along a side: where light ends and detail begins is found at this resolution
_STYLE_NOISE = 0.3
_BELIEF, _LEAST_BELIEF = 0.85, 0.5
"""In a tone that is told by skin, and by anything else; the rest in the one that was drawn."""


class Refiner:
    """Draws faces that wear donors' textures. May be shared by threads.

    The file's inputs are ``input`` (N, S, S, 12) uint8, which :data:`LEVEL` and :data:`ZERO` make
    numbers: mesh condition, context in [-1, 1] (0 behind the wall), wall as 0 or 1, delit texture
    in [-1, 1] (0 where nothing covers), skin and features in [0, 1]; ``style`` (N, 16) and
    ``reading`` (N, 7). Its outputs are ``picture`` (N, S, S, 3) uint8 and ``opacity`` (N, 1, S / 2,
    S / 2) in [0, 1].

    Args:
        session: On the file.
        size_px: S.
        bank: Of donors.
        asked: Of what kind new faces are.
        reader: Guesses who would fit; None opens the shipped one.
    """

    crop_side_eyes = transforms.CROP_SIDE_EYES
    draws_scenes = True
    wears_donors = True
    sizes_px = (256, 512, 1024)
    """Of the crops that it draws; the network's own is the first."""

    def __init__(
        self, session: onnxruntime.InferenceSession, size_px: int, bank: DonorBank,
        asked: Kind = ANY, reader: SurroundingsReader | None = None,
    ) -> None:  # fmt: skip
        self._session, self.size_px, self._bank = session, size_px, bank
        self._asked, self._reader = asked, reader or SurroundingsReader()

    def __call__(self, inputs: GeneratorInput) -> Image:
        """A new face, (S, S, 3) uint8 RGB, of the size of the inputs' context.

        The network sees the crop at its own size; the texture keeps that of the crop.

        Raises:
            SynthesisError: The network failed or drew no numbers.
        """
        guess = neck.with_neck(self._reader(inputs.context, inputs.wall_mask), inputs)
        worn = inputs.worn or choose(
            self._bank, inputs.reading, inputs.surrogate_px, inputs.seed, self._kind(inputs, guess)
        )
        size = len(inputs.context)
        lasting = inputs.worn is not None
        texture = wear(self._bank, worn, inputs.reading, inputs.surrogate_px, size, lasting)
        small, small_texture = self._shrunk(inputs, texture)
        drawn, opacity = self._drawn(small, small_texture, worn.upper)
        if size != self.size_px:
            drawn = np.asarray(
                cv2.resize(drawn, (size, size), interpolation=cv2.INTER_CUBIC), np.uint8
            )
        drawn = outline.with_crisp_jaw(
            drawn, hull(inputs.surrogate_px, size) > 0, inputs.surrogate_px
        )
        graded = grade.grade_of(inputs)
        texture = grade.as_contrasty(texture, graded)
        face = compose(drawn, opacity, texture)
        points, seed = inputs.surrogate_px, inputs.seed
        has_lab = skin_lab(face, points)
        wants_lab = tone.wanted_tone(has_lab, *self._skin(guess, worn.upper, small))
        face = tone.toned(face, texture.skin, has_lab, wants_lab)
        fair = tone.fairness(skin_lab(face, points))
        face = eyes.with_clear_eyes(face, points, seed, fair)
        face = lips.with_red_lips(face, points, seed, float(self._bank.female[worn.lower]))
        return grade.as_sharp(face, texture, graded, inputs.seed)

    def wearing(self, bank: DonorBank) -> "Refiner":
        """The same with other donors."""
        return Refiner(self._session, self.size_px, bank, self._asked, self._reader)

    def lasting_donors(self, inputs: GeneratorInput) -> DonorPair:
        """Donors for all frames of a face, by its first."""
        guess = self._reader(inputs.context, inputs.wall_mask)
        return choose_lasting(self._bank, inputs.seed, self._kind(inputs, guess))

    def _skin(
        self, guess: Guess, donor: int, inputs: GeneratorInput
    ) -> tuple[NDArray[np.float32], float, bool]:
        """CIELAB that skin should have, how far to believe it, whether the picture has colours.

        A head on black is the donor's, and so is a hue as far as no skin beside the face tells it.
        """
        own = tone.lab_of_ita(float(self._bank.skin_ita_deg[donor]))
        if guess.skin_lab is None:
            return own, _BELIEF, True
        belief = _LEAST_BELIEF + guess.skin_seen * (_BELIEF - _LEAST_BELIEF)
        if not tone.is_coloured(inputs.context, inputs.wall_mask):
            return guess.skin_lab, belief, False
        wanted = own + guess.skin_seen * (guess.skin_lab - own)
        wanted[0] = guess.skin_lab[0]
        return tone.likely(wanted), belief, True

    def _kind(self, inputs: GeneratorInput, guess: Guess) -> Kind:
        """What was asked for, and for the rest what goes with the surroundings.

        Where skin is seen, none is asked for: it goes with what is left of neck and ears.
        """
        if inputs.wall_mask.all():
            return self._asked
        if guess.kind.skin_ita_deg is None:
            return self._asked.over(guess.kind)
        return replace(self._asked, skin_ita_deg=None).over(guess.kind)

    def _shrunk(self, inputs: GeneratorInput, texture: Texture) -> tuple[GeneratorInput, Texture]:
        """Both at the network's size."""
        size = self.size_px
        scale = size / len(inputs.context)
        if scale == 1:
            return inputs, texture

        def small(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
            shrunk = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
            return np.asarray(shrunk, np.uint8)

        hidden = small(inputs.wall_mask.astype(np.uint8) * 255) > 0
        context = small(inputs.context) * ~hidden[..., None]
        half = np.array([0.5, 0.5, 0])
        points = (inputs.surrogate_px + half) * scale - half
        worn = Texture(small(texture.image), small(texture.skin), small(texture.features))
        small_inputs = replace(inputs, surrogate_px=points, context=context, wall_mask=hidden)
        return small_inputs, worn

    def _drawn(
        self, inputs: GeneratorInput, texture: Texture, donor: int
    ) -> tuple[Image, NDArray[np.float32]]:
        """What the network draws, (size_px, size_px, 3), and the texture's opacity."""
        feeds = {
            "input": self._layers(inputs, texture),
            "style": self._style(donor, inputs.seed)[None],
            "reading": inputs.reading[None],
        }
        try:
            picture, opacity = self._session.run(["picture", "opacity"], feeds)
        except Exception as error:
            raise SynthesisError(f"the generator failed: {error}") from error
        if not np.isfinite(opacity).all():  # of the same convolution as the picture, now bytes
            raise SynthesisError("the generator's output is not finite")
        return np.asarray(picture[0], np.uint8), opacity[0, 0]

    def _style(self, donor: int, seed: int) -> NDArray[np.float32]:
        noise = seeds.style(seed, 16)
        if len(self._bank.styles) == 0:
            return noise
        return np.asarray(self._bank.styles[donor] + _STYLE_NOISE * noise, np.float32)

    def _layers(self, inputs: GeneratorInput, texture: Texture) -> NDArray[np.uint8]:
        uncovered = (texture.skin | texture.features) == 0
        layers = cv2.merge([
            *cv2.split(
                conditioning.mesh(inputs.surrogate_px, self.size_px, texture.triangles)
            ),
            *(_unknown(plane, inputs.wall_mask) for plane in cv2.split(inputs.context)),
            _share(inputs.wall_mask.astype(np.uint8) * 255),
            *(_unknown(plane, uncovered) for plane in cv2.split(texture.image)),
            _share(texture.skin), _share(texture.features),
        ])  # fmt: skip
        return np.asarray(layers, np.uint8)[None]


def _unknown(plane: NDArray[Any], where: Mask) -> NDArray[np.uint8]:
    """A plane of levels, 0 in numbers where nothing is known."""
    return np.where(where, ZERO, plane).astype(np.uint8)


def _share(plane: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """From 0 to 255 to 0 to 1 in numbers."""
    return np.asarray(ZERO + (plane >> 1), np.uint8)


def compose(drawn: Image, opacity: NDArray[np.float32], texture: Texture) -> Image:
    """The drawn face with the texture's detail, (S, S, 3) uint8 RGB.

    Light and tone are the drawn face's; detail is the texture's where it covers. Both are parted
    in logarithms (Land and McCann's retinex, 1971) by a Gaussian that sees covered pixels alone.

    Args:
        drawn: (S, S, 3) uint8 RGB.
        opacity: (a, a) in [0, 1].
        texture: Of the same size as ``drawn``, delit or not.
    """
    size = drawn.shape[0]
    cover = np.maximum(texture.skin, texture.features)
    cell = max(1, size // _CELLS)
    here = _window(cover, cell)
    cover = np.ascontiguousarray(cover[here])
    if cover.size == 0:
        return drawn
    size_wh = cover.shape[1::-1]
    own = np.ascontiguousarray(drawn[here])
    gap = _plane(cv2.subtract(logarithm(texture.image[here]), logarithm(own)))
    light = _light(_plane(cv2.bitwise_and(gap, gap, mask=cover)), cover, cell)
    detail = cv2.subtract(gap, cv2.resize(light, size_wh, interpolation=cv2.INTER_LINEAR))
    share = cv2.resize(opacity, (size, size), interpolation=cv2.INTER_LINEAR)[here]
    share = cv2.multiply(np.ascontiguousarray(share), cover, scale=1 / 255, dtype=cv2.CV_32F)
    gain = cv2.exp(cv2.multiply(detail, cv2.merge([share] * 3)))
    darkest = 255 * DARKEST  # new + darkest = gain * (own + darkest)
    scaled = cv2.multiply(own, gain, dtype=cv2.CV_32F)
    out = drawn.copy()
    out[here] = cv2.addWeighted(scaled, 1, gain, darkest, -darkest, dtype=cv2.CV_8U)
    return out


def _light(gap: NDArray[np.float32], cover: NDArray[np.uint8], cell_px: int) -> NDArray[np.float32]:
    """What of a gap is smooth, at a pixel for each cell, by what is covered alone."""
    height, width = cover.shape
    cells = width // cell_px, height // cell_px
    shown = (cover > 0).astype(np.float32)
    deviation = LIGHT_EYES * _CELLS / transforms.CROP_SIDE_EYES
    sums, counts = (
        cv2.GaussianBlur(
            cv2.resize(each, cells, interpolation=cv2.INTER_AREA),
            (0, 0), deviation, borderType=cv2.BORDER_CONSTANT,
        )
        for each in (gap, shown)
    )  # fmt: skip
    return _plane(sums / np.maximum(counts, 1e-4)[..., None])


def _plane(values: NDArray[Any]) -> NDArray[np.float32]:
    return np.asarray(values, np.float32)


def _window(cover: NDArray[np.uint8], cell_px: int) -> tuple[slice, slice]:
    """Rows and columns of whole cells that hold all that covers, and of the cells beside."""
    left, top, width, height = cv2.boundingRect(cover)

    def cells(start: int, count: int) -> slice:
        last = len(cover) // cell_px
        low, high = start // cell_px - 1, -(-(start + count) // cell_px) + 1
        return slice(max(0, low) * cell_px, min(high, last) * cell_px if count else 0)

    return cells(top, height), cells(left, width)
