"""Flat and set networks: layout, equivariance, any K."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from twinsync.allocators.networks import Critic, Network, by_device, by_quantity

K = 5
ORDER = np.array([3, 0, 4, 2, 1])


def _permuted(vector: jax.Array, features: int) -> jax.Array:
    return by_quantity(by_device(vector, features)[..., ORDER, :])


def _network(architecture: str, devices: int = K) -> Network:
    return Network(jax.random.key(0), architecture, devices=devices, features=2, outputs=3, hidden=(16, 16))


def _critic(architecture: str, devices: int = K, decisions: int = 3) -> Critic:
    return Critic(
        jax.random.key(1), architecture, devices=devices, features=2, decisions=decisions, hidden=(16, 16)
    )  # fmt: skip


def _draw(count: int, batch: tuple[int, ...] = (7,), seed: int = 2) -> jax.Array:
    return jax.random.normal(jax.random.key(seed), (*batch, count))


def test_layout_by_hand() -> None:
    # d_1 d_2 d_3 D_1 D_2 D_3, as the paper writes a state.
    vector = jnp.array([1.0, 2.0, 3.0, 10.0, 20.0, 30.0])
    np.testing.assert_array_equal(by_device(vector, 2), [[1, 10], [2, 20], [3, 30]])
    np.testing.assert_array_equal(by_quantity(by_device(vector, 2)), vector)


@pytest.mark.parametrize("features", [1, 2, 4])
def test_layouts_are_inverse(features: int) -> None:
    vector = _draw(features * K, (3, 2))
    assert by_device(vector, features).shape == (3, 2, K, features)
    np.testing.assert_array_equal(by_quantity(by_device(vector, features)), vector)


def test_set_network_permutes_with_its_devices() -> None:
    network, seen = _network("set"), _draw(2 * K)
    np.testing.assert_allclose(network(_permuted(seen, 2)), _permuted(network(seen), 3), rtol=1e-4, atol=1e-6)
    # Otherwise the line above would also hold for a network that treats all devices the same.
    assert float(jnp.ptp(by_device(network(seen), 3), axis=-2).min()) > 1e-5


def test_flat_network_does_not() -> None:
    network, seen = _network("flat"), _draw(2 * K)
    assert np.abs(network(_permuted(seen, 2)) - _permuted(network(seen), 3)).max() > 1e-3


@pytest.mark.parametrize("devices", [1, 2, 9])
def test_set_network_takes_any_number_of_devices(devices: int) -> None:
    assert _network("set")(_draw(2 * devices)).shape == (7, 3 * devices)
    assert _critic("set")(_draw(2 * devices), _draw(3 * devices)).shape == (7,)


def test_set_network_sees_the_other_devices() -> None:
    seen = _draw(2 * K, ())
    slope = jax.jacobian(_network("set"))(seen)
    assert float(jnp.abs(slope).min()) > 0.0  # every output moves with every input


def test_set_critic_is_invariant() -> None:
    critic, seen, action = _critic("set"), _draw(2 * K), _draw(3 * K, seed=3)
    value = critic(seen, action)
    np.testing.assert_allclose(critic(_permuted(seen, 2), _permuted(action, 3)), value, rtol=1e-4, atol=1e-5)
    # Permuting only the actions assigns them to other devices.
    assert np.abs(critic(seen, _permuted(action, 3)) - value).max() > 1e-3


@pytest.mark.parametrize("architecture", ["flat", "set"])
@pytest.mark.parametrize("batch", [(), (7,), (2, 3)])
def test_shapes(architecture: str, batch: tuple[int, ...]) -> None:
    assert _network(architecture)(_draw(2 * K, batch)).shape == (*batch, 3 * K)
    assert _critic(architecture)(_draw(2 * K, batch), _draw(3 * K, batch)).shape == batch
    assert _critic(architecture, decisions=0)(_draw(2 * K, batch)).shape == batch  # a state's value


@pytest.mark.parametrize("architecture", ["flat", "set"])
def test_first_outputs(architecture: str) -> None:
    # A policy starts near the middle of every bound; a critic's values are of the size of its inputs.
    seen, action = _draw(2 * K, (500,)), _draw(3 * K, (500,), seed=3)
    assert float(jnp.abs(_network(architecture)(seen)).max()) < 0.1
    assert 0.05 < float(jnp.std(_critic(architecture)(seen, action))) < 2.0


@pytest.mark.parametrize("architecture", ["flat", "set"])
def test_orthogonal_initial_weights(architecture: str) -> None:
    hidden = {"devices": K, "features": 2, "hidden": (16, 16), "initial": "orthogonal"}
    for last, network in (
        (0.01, Network(jax.random.key(0), architecture, outputs=3, **hidden)),
        (1.0, Critic(jax.random.key(0), architecture, decisions=0, **hidden)),
    ):
        gains = [2.0, 2.0, last**2]
        for gain, layer in zip(gains, network.layers, strict=True):
            matrices = [layer.weight] if layer.pooled is None else [layer.weight, layer.pooled]
            assert (layer.pooled is not None) == (architecture == "set" and gain == 2.0)
            for matrix in map(np.asarray, matrices):
                few = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
                np.testing.assert_allclose(few @ few.T, gain * np.eye(len(few)), atol=1e-5 * gain)
            assert not np.any(layer.bias)


def test_orthogonal_weights_of_several_seeds_are_factorised_one_after_the_other() -> None:
    # In batches, training several seeds of PPO would wait for ever where XLA has few threads.
    def weight(key: jax.Array) -> jax.Array:
        network = Network(key, "flat", devices=K, features=2, outputs=3, hidden=(64, 64), initial="orthogonal")
        return network.layers[1].weight

    keys = jax.random.split(jax.random.key(0), 3)
    together = jax.jit(jax.vmap(weight))
    program = together.lower(keys).as_text()
    factorised = [line for line in program.splitlines() if "geqrf" in line]
    assert factorised
    assert not [line for line in factorised if "tensor<64x64xf32>" not in line]
    for key, drawn in zip(keys, together(keys), strict=True):
        np.testing.assert_array_equal(drawn, jax.jit(weight)(key))


def test_flat_network_by_hand() -> None:
    network = Network(jax.random.key(0), "flat", devices=1, features=1, outputs=1, hidden=(2,))
    first, last = network.layers
    x = 1.7
    hidden = np.maximum(x * np.asarray(first.weight)[0], 0.0)
    assert float(network(jnp.array([x]))[0]) == pytest.approx(float(hidden @ np.asarray(last.weight)[:, 0]), rel=1e-6)


def test_set_critic_is_the_mean_of_its_devices_parts() -> None:
    critic, seen, action = _critic("set"), _draw(2 * K), _draw(3 * K, seed=3)
    parts = critic.parts(seen, action)
    assert parts.shape == (7, K)
    np.testing.assert_allclose(parts.mean(-1), critic(seen, action), rtol=1e-5, atol=1e-6)
    swapped = critic.parts(_permuted(seen, 2), _permuted(action, 3))
    np.testing.assert_allclose(swapped, parts[:, ORDER], rtol=1e-4, atol=1e-5)


def test_critic_s_activation_by_hand() -> None:
    # One device, flat: Q = sum_i w_i act(x_i), with the first layer the identity on (s, a).
    critics = [
        Critic(jax.random.key(0), "flat", devices=1, features=1, decisions=1, hidden=(2,), activation=activation)
        for activation in ("relu", "tanh")
    ]
    expected = {"relu": 2.0 * 0.5 + 0.0, "tanh": 2.0 * np.tanh(0.5) + 3.0 * np.tanh(-1.0)}
    for critic in critics:
        weights = (jnp.eye(2), jnp.array([[2.0], [3.0]]))
        critic = eqx.tree_at(lambda c: tuple(layer.weight for layer in c.layers), critic, weights)
        assert float(critic(jnp.array([0.5]), jnp.array([-1.0]))) == pytest.approx(expected[critic.activation])
