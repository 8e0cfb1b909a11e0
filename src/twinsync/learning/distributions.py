"""Log-probabilities of the policies' distributions over actions."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from twinsync.arrays import Float, Key
from twinsync.streams import normal

LOG_STD_BOUNDS = (-10.0, 2.0)


def normal_log_prob(
    x: Float[jax.Array, "*b A"], mean: Float[jax.Array, "*b A"], log_std: Float[jax.Array, "*#b A"]
) -> Float[jax.Array, "*b"]:
    """ln N(x; mean, exp(log_std)^2), summed over the last axis."""
    z = (x - mean) * jnp.exp(-log_std)
    return jnp.sum(-0.5 * z**2 - log_std - 0.5 * jnp.log(2 * jnp.pi), axis=-1)


def tanh_normal_sample(
    key: Key, mean: Float[jax.Array, "*b A"], log_std: Float[jax.Array, "*b A"]
) -> tuple[Float[jax.Array, "*b A"], Float[jax.Array, "*b"]]:
    """A reparameterised action tanh(u), u normal, and its natural log-probability with the Jacobian of tanh."""
    u = mean + jnp.exp(log_std) * normal(key, mean.shape).astype(mean.dtype)
    # ln(1 - tanh(u)^2) written so that it does not cancel for large |u|.
    jacobian = 2.0 * (jnp.log(2.0) - u - jax.nn.softplus(-2.0 * u))
    return jnp.tanh(u), normal_log_prob(u, mean, log_std) - jnp.sum(jacobian, axis=-1)
