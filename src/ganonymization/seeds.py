r"""Seeds of faces, and styles drawn from them, simple enough to repeat in another language.

face seed   the first 8 bytes, little-endian, of SHA-256 of "{seed}\n{name}\n{index}" in UTF-8
stream      SplitMix64 started at the face seed (Steele, Lea, Flood, OOPSLA 2014)
uniform     u = (next >> 11) / 2**53, which lies in [0, 1)
normal      Box-Muller: r = sqrt(-2 ln(1 - u1)), pair r cos(2 pi u2), r sin(2 pi u2)
"""

import hashlib
import itertools
import math
import operator
import secrets
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .errors import OptionError

_MASK_64 = (1 << 64) - 1


def fresh_seed() -> int:
    """A seed nobody can guess, 0 to 2**53 - 1 so that JSON keeps it exactly."""
    return secrets.randbits(53)


def checked(seed: object) -> int:
    """A run's seed, or a fresh one for None.

    Raises:
        OptionError: It is no whole number from 0 to 2**64 - 1.
    """
    if seed is None:
        return fresh_seed()
    if isinstance(seed, bool) or not hasattr(seed, "__index__"):
        raise OptionError(f"the seed {seed!r} is no whole number; give one from 0 on")
    number = operator.index(seed)
    if not 0 <= number <= _MASK_64:
        raise OptionError(f"the seed {number} does not lie between 0 and 2**64 - 1; give another")
    return number


def face_seed(seed: int, name: str, index: int) -> int:
    """The seed of face ``index`` of the picture ``name``, 64 bits.

    Args:
        seed: The run's.
        name: The picture's path relative to the folder, with forward slashes; may be empty.
        index: The face's place in the result.
    """
    digest = hashlib.sha256(f"{seed}\n{name}\n{index}".encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:8], "little")


def style(seed: int, size: int) -> NDArray[np.float32]:
    """``size`` numbers from N(0, 1), (size,) float32."""
    stream = _uniform(seed)
    numbers: list[float] = []
    while len(numbers) < size:
        radius = math.sqrt(-2 * math.log(1 - next(stream)))
        angle = 2 * math.pi * next(stream)
        numbers += [radius * math.cos(angle), radius * math.sin(angle)]
    return np.array(numbers[:size], np.float32)


def uniform(seed: int, count: int) -> list[float]:
    """``count`` numbers from [0, 1)."""
    return list(itertools.islice(_uniform(seed), count))


def _uniform(seed: int) -> Iterator[float]:
    """SplitMix64 as numbers in [0, 1)."""
    state = seed & _MASK_64
    while True:
        state = (state + 0x9E3779B97F4A7C15) & _MASK_64
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK_64
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK_64
        z ^= z >> 31
        yield (z >> 11) / (1 << 53)
