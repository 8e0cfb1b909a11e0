"""Array types of the public signatures: JAX or NumPy, the shape in the annotation (jaxtyping)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import jax
import numpy as np
from jaxtyping import Bool, Float, Int, PRNGKeyArray

if TYPE_CHECKING:
    # The stubs of JAX and NumPy differ where the arrays themselves do not. Shapes and types are checked at run time, in
    # the tests, by jaxtyping and beartype.
    Array: TypeAlias = Any
else:
    Array: TypeAlias = jax.Array | np.ndarray
Key: TypeAlias = PRNGKeyArray | jax.Array
Scalar: TypeAlias = float | Float[Array, ""]

__all__ = ["Array", "Bool", "Float", "Int", "Key", "Scalar"]
