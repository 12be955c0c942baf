"""How fast a generator is on this machine."""

import statistics
import time
from pathlib import Path

from .. import registry
from ..geometry import transforms
from ..geometry.topology import canonical_face
from ..geometry.wall import GeneratorInput

_WARM, _TIMED = 3, 15


def generator_ms(model: Path) -> float:
    """Milliseconds that a model file, ONNX or ``.ckpt``, takes for one portrait: median of fifteen.

    Raises:
        ModelError: The file is no model.
    """
    synthesizer = registry.load(registry.SYNTHESIZERS, "file")(model)
    size, side_eyes = synthesizer.size_px, synthesizer.crop_side_eyes
    face = canonical_face().astype(float)
    points = transforms.apply(transforms.generator_crop(face, size, side_eyes), face)
    spent = []
    for seed in range(_WARM + _TIMED):
        start = time.perf_counter()
        synthesizer(GeneratorInput.portrait(size, points, seed))
        spent.append(time.perf_counter() - start)
    return statistics.median(spent[_WARM:]) * 1e3
