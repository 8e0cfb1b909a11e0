"""Values as JSON knows them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np


def jsonable(value: Any) -> Any:
    """The value with arrays as lists and NaN and infinities, which JSON has no word for, as None."""
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(item) for item in value]
    if isinstance(value, (str, bool, int)) or value is None:
        return value
    plain = np.asarray(value).tolist()
    if isinstance(plain, float):
        return plain if math.isfinite(plain) else None
    return jsonable(plain)
