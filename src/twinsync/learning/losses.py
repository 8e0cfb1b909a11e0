"""The losses of Section IV-B, eqs. (24) to (28), on arrays of one shape (B,), and log-probabilities of actions.

Two conventions differ from the printed equations: logarithms are natural throughout, and the minimum of two critics is
used (Algorithm 1 initialises two, although (27) has one Q).
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from twinsync.arrays import Float, Key, Scalar
from twinsync.streams import normal


def require_rows(*arrays: jax.Array) -> None:
    """Raise `ValueError` unless all arrays have one shape (B,)."""
    # A (B,) against a (B, 1) would silently broadcast to (B, B) and train on nonsense.
    shapes = {jnp.shape(array) for array in arrays}
    if len(shapes) != 1 or len(next(iter(shapes))) != 1:
        raise ValueError(f"losses compare arrays of one shape (B,), got {sorted(shapes)}")


def bellman_target(
    reward: Float[jax.Array, " B"],
    done: Float[jax.Array, " B"],
    q1_next: Float[jax.Array, " B"],
    q2_next: Float[jax.Array, " B"],
    log_prob_next: Float[jax.Array, " B"],
    alpha: Scalar,
    discount: Scalar,
) -> Float[jax.Array, " B"]:
    """Target Q-hat of (26): eq. (24) with the soft value (25) at s' and the minimum of two target critics.

    done: 1.0 where no value follows. The result carries no gradient. Raises `ValueError` for other shapes.
    """
    require_rows(reward, done, q1_next, q2_next, log_prob_next)
    value = jnp.minimum(q1_next, q2_next) - alpha * log_prob_next
    return jax.lax.stop_gradient(reward + discount * (1.0 - done) * value)


def critic_loss(q: Float[jax.Array, " B"], target: Float[jax.Array, " B"]) -> Float[jax.Array, ""]:
    """Bellman residual, eq. (26). Raises `ValueError` for other shapes."""
    require_rows(q, target)
    return jnp.mean(0.5 * (q - target) ** 2)


def actor_loss(
    log_prob: Float[jax.Array, " B"], q1: Float[jax.Array, " B"], q2: Float[jax.Array, " B"], alpha: Scalar
) -> Float[jax.Array, ""]:
    """Expected Kullback-Leibler divergence up to a constant, eq. (27), with the minimum of two critics.

    Raises `ValueError` for other shapes.
    """
    require_rows(log_prob, q1, q2)
    return jnp.mean(alpha * log_prob - jnp.minimum(q1, q2))


def temperature_loss(
    log_alpha: Float[jax.Array, ""], log_prob: Float[jax.Array, " B"], target_entropy: Scalar
) -> Float[jax.Array, ""]:
    """Loss of the temperature, eq. (28), as a function of ln(alpha), which keeps alpha positive."""
    return -jnp.exp(log_alpha) * jnp.mean(jax.lax.stop_gradient(log_prob) + target_entropy)


LOG_STD_BOUNDS = (-10.0, 2.0)  # of ln(standard deviation) before tanh


def normal_log_prob(
    x: Float[jax.Array, "*b A"], mean: Float[jax.Array, "*b A"], log_std: Float[jax.Array, "*#b A"]
) -> Float[jax.Array, "*b"]:
    """ln N(x; mean, exp(log_std)^2), summed over the last axis."""
    z = (x - mean) * jnp.exp(-log_std)
    return jnp.sum(-0.5 * z**2 - log_std - 0.5 * jnp.log(2 * jnp.pi), axis=-1)


def tanh_normal_sample(
    key: Key, mean: Float[jax.Array, "*b A"], log_std: Float[jax.Array, "*b A"]
) -> tuple[Float[jax.Array, "*b A"], Float[jax.Array, "*b"]]:
    """A reparameterised sample tanh(u), u normal, and its natural log-density with the Jacobian of tanh."""
    u = mean + jnp.exp(log_std) * normal(key, mean.shape).astype(mean.dtype)
    # ln(1 - tanh(u)^2), in a form without cancellation for large |u|.
    jacobian = 2.0 * (jnp.log(2.0) - u - jax.nn.softplus(-2.0 * u))
    return jnp.tanh(u), normal_log_prob(u, mean, log_std) - jnp.sum(jacobian, axis=-1)
