"""The losses of Section IV-B against hand calculations, and the log-probabilities in them."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from jaxtyping import TypeCheckError

from twinsync.learning.losses import (
    actor_loss,
    bellman_target,
    critic_loss,
    normal_log_prob,
    require_rows,
    tanh_normal_sample,
    temperature_loss,
)
from twinsync.streams import normal


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
    # In ln(alpha), gradient and loss are equal; descent lowers alpha if the entropy exceeds its target, else raises it.
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
    # In the tests the import hook checks annotations first; users run without it.
    with pytest.raises(ValueError, match=r"\(4, 1\)"):
        require_rows(jnp.zeros(4), jnp.zeros((4, 1)))
    with pytest.raises(ValueError, match=r"\(4, 1\)"):
        require_rows(jnp.zeros((4, 1)), jnp.zeros((4, 1)))


def _parameters(rows: int = 200, size: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(0.0, 2.0, (rows, size)), rng.uniform(-5.0, 1.0, (rows, size))


def _torch_normal(mean: np.ndarray, log_std: np.ndarray) -> torch.distributions.Normal:
    return torch.distributions.Normal(torch.tensor(mean), torch.tensor(np.exp(log_std)))


def test_normal_matches_torch() -> None:
    mean, log_std = _parameters()
    x = mean + np.exp(log_std) * np.random.default_rng(1).normal(0.0, 3.0, mean.shape)
    expected = _torch_normal(mean, log_std).log_prob(torch.tensor(x)).sum(-1).numpy()
    with jax.enable_x64(True):
        double = normal_log_prob(*(jnp.asarray(v) for v in (x, mean, log_std)))
        np.testing.assert_allclose(double, expected, rtol=1e-12)
    single = normal_log_prob(*(jnp.asarray(v, jnp.float32) for v in (x, mean, log_std)))
    np.testing.assert_allclose(single, expected, rtol=1e-3, atol=1e-3)


def test_normal_by_hand() -> None:
    # N(3; 1, 2^2): -(2/2)^2 / 2 - ln 2 - ln(2 pi) / 2, and a second coordinate at its mean with std 1.
    got = normal_log_prob(jnp.array([3.0, 5.0]), jnp.array([1.0, 5.0]), jnp.log(jnp.array([2.0, 1.0])))
    assert float(got) == pytest.approx(-0.5 - np.log(2.0) - np.log(2.0 * np.pi))


def test_tanh_normal_matches_torch() -> None:
    mean, log_std = _parameters()
    key = jax.random.key(3)
    base = _torch_normal(mean, log_std)
    squash = torch.distributions.TanhTransform(cache_size=1)  # the cache keeps u where atanh(tanh(u)) is infinite
    with jax.enable_x64(True):
        action, log_prob = tanh_normal_sample(key, jnp.asarray(mean), jnp.asarray(log_std))
        u = torch.tensor(np.asarray(mean + np.exp(log_std) * normal(key, mean.shape)))
    squashed = squash(u)
    expected = torch.distributions.TransformedDistribution(base, [squash]).log_prob(squashed).sum(-1).numpy()
    np.testing.assert_allclose(action, squashed.numpy(), atol=1e-15)
    np.testing.assert_allclose(log_prob, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("centre", [-80.0, -12.0, 12.0, 80.0])
def test_far_out_the_jacobian_does_not_cancel(centre: float) -> None:
    # tanh is 1 in float32 beyond |u| = 9, yet ln(1 - tanh(u)^2) = ln 4 - 2 |u| - 2 ln(1 + e^{-2|u|}) stays finite.
    mean, log_std, key = jnp.array([centre]), jnp.array([0.0]), jax.random.key(0)
    action, log_prob = tanh_normal_sample(key, mean, log_std)
    noise = float(normal(key, (1,))[0])
    u = abs(centre + noise)
    expected = -0.5 * noise**2 - 0.5 * np.log(2 * np.pi) - (np.log(4.0) - 2.0 * u - 2.0 * np.log1p(np.exp(-2.0 * u)))
    assert abs(float(action[0])) == pytest.approx(1.0, abs=2e-7)
    assert float(log_prob) == pytest.approx(expected, rel=1e-5)


def test_gradient_is_finite_far_out() -> None:
    slope = jax.grad(lambda mean: tanh_normal_sample(jax.random.key(0), mean, jnp.zeros(3))[1])
    assert np.isfinite(slope(jnp.array([-80.0, 0.0, 80.0]))).all()


@pytest.mark.parametrize(("mean", "log_std"), [(0.0, -1.0), (0.8, 0.0), (-1.5, -0.5)])
def test_density_integrates_to_one(mean: float, log_std: float) -> None:
    count = 100_000
    with jax.enable_x64(True):
        action, log_prob = tanh_normal_sample(
            jax.random.key(5), jnp.full((count, 1), mean), jnp.full((count, 1), log_std)
        )
    order = np.argsort(action[:, 0])
    density = np.exp(np.asarray(log_prob)[order])
    assert np.trapezoid(density, np.asarray(action)[order, 0]) == pytest.approx(1.0, abs=2e-3)
