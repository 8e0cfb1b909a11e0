"""The four losses of Section IV-B against numbers worked out by hand."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import TypeCheckError

from twinsync.learning import sac_losses
from twinsync.learning.sac_losses import actor_loss, bellman_target, critic_loss, temperature_loss


def _row(*values: float) -> jax.Array:
    return jnp.array(values, jnp.float32)


def test_bellman_target_by_hand() -> None:
    # First: 1 + 0.9 (min(3, 2) - 0.2 * -0.5) = 1 + 0.9 * 2.1 = 2.89. Second ended: its reward, 2.
    target = bellman_target(_row(1, 2), _row(0, 1), _row(3, 9), _row(2, 8), _row(-0.5, 7), 0.2, 0.9)
    np.testing.assert_allclose(target, [2.89, 2.0], rtol=1e-6)


def test_no_gradient_flows_through_the_target() -> None:
    def total(q: jax.Array) -> jax.Array:
        return jnp.sum(bellman_target(_row(1, 2), _row(0, 0), q, q, q, 0.2, 0.9))

    np.testing.assert_array_equal(jax.grad(total)(_row(3, 4)), [0.0, 0.0])


def test_critic_loss_by_hand() -> None:
    # (1^2 / 2 + 2^2 / 2) / 2 = 1.25; slope (q - target) / B.
    q, target = _row(1, 3), _row(0, 1)
    assert float(critic_loss(q, target)) == pytest.approx(1.25)
    np.testing.assert_allclose(jax.grad(critic_loss)(q, target), [0.5, 1.0])


def test_actor_loss_by_hand() -> None:
    # ((0.5 * 2 - min(1, 2)) + (0.5 * -2 - min(4, 3))) / 2 = (0 - 4) / 2
    assert float(actor_loss(_row(2, -2), _row(1, 4), _row(2, 3), 0.5)) == pytest.approx(-2.0)


@pytest.mark.parametrize(
    ("log_prob", "loss"),
    [
        ((1.0, 3.0), 1.0),  # entropy -2, above the target -4: -0.5 (2 - 4)
        ((5.0, 7.0), -1.0),  # entropy -6, below it: -0.5 (6 - 4)
        ((3.0, 5.0), 0.0),
    ],
)
def test_temperature_loss_by_hand(log_prob: tuple[float, float], loss: float) -> None:
    value, slope = jax.value_and_grad(temperature_loss)(jnp.log(0.5), _row(*log_prob), -4.0)
    assert float(value) == pytest.approx(loss)
    # In ln(alpha) slope and loss agree; descent lowers alpha where entropy exceeds its target and raises it below.
    assert float(slope) == pytest.approx(loss)


def test_temperature_loss_leaves_the_actor_alone() -> None:
    slope = jax.grad(lambda log_prob: temperature_loss(jnp.log(0.5), log_prob, -4.0))(_row(1, 3))
    np.testing.assert_array_equal(slope, [0.0, 0.0])


@pytest.mark.parametrize(
    "call",
    [
        lambda row, column: critic_loss(row, column),
        lambda row, column: critic_loss(column, column),
        lambda row, column: actor_loss(row, row, column, 0.1),
        lambda row, column: bellman_target(row, row, row, column, row, 0.1, 0.9),
    ],
)
def test_a_column_among_rows_raises(call) -> None:
    with pytest.raises((TypeCheckError, ValueError)):
        call(jnp.zeros(4), jnp.zeros((4, 1)))


def test_shapes_are_checked_without_jaxtyping_too() -> None:
    # The import hook of the tests checks annotations first; users run without it.
    with pytest.raises(ValueError, match=r"\(4, 1\)"):
        sac_losses._same_shape(jnp.zeros(4), jnp.zeros((4, 1)))
    with pytest.raises(ValueError, match=r"\(4, 1\)"):
        sac_losses._same_shape(jnp.zeros((4, 1)), jnp.zeros((4, 1)))
