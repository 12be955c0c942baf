"""What was seen in originals and their outputs, as arrays."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arrays import Flags, Rows, Texts, Values
from .figures import Figure, mean_figures
from .store import Arrays

_LANDMARKS = (478, 3)
_GRADIENTS = (1568,)


@dataclass(frozen=True)
class Observations:
    """What was seen in N pictures, NaN where no face was found.

    Attributes:
        sha256: (N,) of the file, ``""`` where there is none.
        faces: (N,) how many were found.
        size_hw: (N, 2) of the picture, in pixels.
        landmarks_px: (N, 478, 3) of the largest face.
        embedding: (N, D) that the recogniser made of it.
        context: (N, D) with the face painted over.
        gradients: (N, 1568), see :mod:`ganonymization.evaluation.appearance`.
        skin_tone_deg: (N,).
        sharpness: (N,).
    """

    sha256: Texts
    faces: Rows
    size_hw: Values
    landmarks_px: Values
    embedding: Values
    context: Values
    gradients: NDArray[np.float32]
    skin_tone_deg: Values
    sharpness: Values

    @classmethod
    def of(
        cls, hashes: Sequence[str], observations: Sequence[Arrays | None], width: int | None = None
    ) -> "Observations":
        """Stack what was seen in files with these hashes, ``""`` and None where there is none.

        ``width`` is D, should no picture show a face.
        """
        seen = [{} if o is None else o for o in observations]
        width = next((len(o["embedding"]) for o in seen if "embedding" in o), width or 1)

        def stacked(name: str, shape: tuple[int, ...]) -> Values:
            gap = np.full(shape, np.nan, np.float32)
            return np.stack([np.reshape(o.get(name, gap), shape) for o in seen]).astype(np.float64)

        return cls(
            np.array(hashes, np.str_),
            np.array([len(o.get("boxes", ())) for o in seen]),
            stacked("size_hw", (2,)),
            stacked("landmarks_px", _LANDMARKS),
            stacked("embedding", (width,)),
            stacked("context", (width,)),
            stacked("gradients", _GRADIENTS).astype(np.float32),
            stacked("skin_tone_deg", ()),
            stacked("sharpness", ()),
        )

    @property
    def found(self) -> Flags:
        """(N,) whether there is a face with landmarks."""
        there: Flags = np.isfinite(self.landmarks_px[:, 0, 0])
        return there


@dataclass(frozen=True)
class PairedObservations:
    """Everything that a family of figures may look at; rows are originals that show a face.

    Attributes:
        file: (N,) relative to the folder of the originals.
        person: (N,) who is on it; where it is not known, each picture is of its own person.
        labels: By column, (N,) values, ``""`` where unknown.
        groups: The columns by which figures are broken down.
        before: The originals.
        after: The outputs.
        outputs: (N,) how many outputs there are of each.
        unchanged: (N,) how much of some face is left as it was, 0 to 1; NaN where the output is of
            another size.
        surroundings: (N,) how much of what is around faces is left, 0 to 1; NaN for portraits.
        original: (N,) paths.
        output: (N,) paths, ``""`` where there is none.
        scene: Outputs are whole pictures rather than heads.
    """

    file: Texts
    person: Texts
    labels: Mapping[str, Texts]
    groups: Mapping[str, Texts]
    before: Observations
    after: Observations
    outputs: Rows
    unchanged: Values
    surroundings: Values
    original: Texts
    output: Texts
    scene: bool

    @property
    def expression(self) -> Texts:
        """(N,) the labelled expressions, ``""`` where unknown."""
        return self.labels.get("expression", np.full(len(self.file), ""))

    def mean_figures(
        self,
        metric: Callable[..., Any],
        title: str,
        values: Values,
        reference: Mapping[str, float] | None = None,
    ) -> list[Figure]:
        """The mean of (N,) values over everybody and each group, with intervals over people."""
        return mean_figures(metric, title, values, self.person, self.groups, reference)
