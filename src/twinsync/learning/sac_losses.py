"""The losses of Section IV-B: eqs. (25), (26), (27) and (28), on arrays of one shape (B,).

Deviations from the letter, each of them convention: natural logarithms throughout; two critics and their minimum, which
Algorithm 1 initialises though (27) writes one Q.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from twinsync.arrays import Float, Scalar


def _same_shape(*arrays: jax.Array) -> None:
    # A (B,) against a (B, 1) would broadcast to (B, B) and train on nonsense without a word.
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
    """Target Q-hat: eq. (24) with the soft value (25) at s', the minimum of the two target critics."""
    _same_shape(reward, done, q1_next, q2_next, log_prob_next)
    value = jnp.minimum(q1_next, q2_next) - alpha * log_prob_next
    return jax.lax.stop_gradient(reward + discount * (1.0 - done) * value)


def critic_loss(q: Float[jax.Array, " B"], target: Float[jax.Array, " B"]) -> Float[jax.Array, ""]:
    """Bellman residual, eq. (26)."""
    _same_shape(q, target)
    return jnp.mean(0.5 * (q - target) ** 2)


def actor_loss(
    log_prob: Float[jax.Array, " B"], q1: Float[jax.Array, " B"], q2: Float[jax.Array, " B"], alpha: Scalar
) -> Float[jax.Array, ""]:
    """Expected Kullback-Leibler divergence up to a constant, eq. (27)."""
    _same_shape(log_prob, q1, q2)
    return jnp.mean(alpha * log_prob - jnp.minimum(q1, q2))


def temperature_loss(
    log_alpha: Float[jax.Array, ""], log_prob: Float[jax.Array, " B"], target_entropy: Scalar
) -> Float[jax.Array, ""]:
    """Eq. (28) in ln(alpha), which keeps alpha positive."""
    return -jnp.exp(log_alpha) * jnp.mean(jax.lax.stop_gradient(log_prob) + target_entropy)
