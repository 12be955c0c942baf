"""Kinds of arrays, a row for each picture."""

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Texts = NDArray[np.str_]
Flags = NDArray[np.bool_]
Rows = NDArray[np.int64]
"""Numbers of rows, or of anything else that is counted."""

Interval = tuple[float, float, float]
"""A value, and the lower and upper end of its 95 % interval."""

NOT_MEASURED: Interval = (float("nan"),) * 3
