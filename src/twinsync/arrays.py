"""Array types of the public signatures: JAX or NumPy, the shape in the annotation (jaxtyping)."""

from __future__ import annotations

from typing import TypeAlias

import jax
import numpy as np
from jaxtyping import Bool, Float, PRNGKeyArray

Array: TypeAlias = jax.Array | np.ndarray
Key: TypeAlias = PRNGKeyArray | jax.Array
Scalar: TypeAlias = float | Float[Array, ""]

__all__ = ["Array", "Bool", "Float", "Key", "Scalar"]
