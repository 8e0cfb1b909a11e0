"""Networks of policies and critics: flat ones, as in the paper, and set networks, which treat all devices alike.

A set layer maps device k's features to x_k W + mean_j(x_j) V + b, so permuting devices permutes its output, and it
works for any number of devices. Vectors are grouped by quantity, as in `environment.interface`.
"""

from __future__ import annotations

import itertools
from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp

from twinsync.arrays import Float, Key

Architecture = Literal["flat", "set"]
Activation = Literal["relu", "tanh"]
InitialWeights = Literal["lecun", "orthogonal"]

_ACTIVATIONS = {"relu": jax.nn.relu, "tanh": jnp.tanh}


class Dense(eqx.Module):
    """x W + b; with `pooled` V, x W + mean(x) V + b, the mean over devices (the last axis but one)."""

    weight: Float[jax.Array, "I O"]
    bias: Float[jax.Array, " O"]
    pooled: Float[jax.Array, "I O"] | None

    def __call__(self, x: Float[jax.Array, "*b I"]) -> Float[jax.Array, "*b O"]:
        """The layer's output, before any activation."""
        # As one matrix product: the gradient of a batched one takes twice as long on a CPU.
        y = (x.reshape(-1, x.shape[-1]) @ self.weight).reshape(*x.shape[:-1], -1) + self.bias
        return y if self.pooled is None else y + (jnp.mean(x, axis=-2) @ self.pooled)[..., None, :]


def _layers(
    key: Key, sizes: tuple[int, ...], *, pooled: bool, last_scale: float, initial: InitialWeights
) -> tuple[Dense, ...]:
    """Layers with weights drawn as `initial` says and biases 0.

    last_scale: factor on the last layer's weights, which is never pooled.
    """
    draw = _orthogonal if initial == "orthogonal" else _lecun
    return draw(key, list(itertools.pairwise(sizes)), pooled, last_scale)


def _lecun(key: Key, shapes: list[tuple[int, int]], pooled: bool, last_scale: float) -> tuple[Dense, ...]:
    """Weights uniform in +-sqrt(3/inputs), which maps unit variance to unit variance."""
    last = len(shapes) - 1
    # One draw for all weights: separate draws would take longer to compile than everything else.
    counts = [a * b * (2 if pooled and i < last else 1) for i, (a, b) in enumerate(shapes)]
    draw = jax.random.uniform(key, (sum(counts),), jnp.float32, -1.0, 1.0)
    layers = []
    for i, (inputs, outputs) in enumerate(shapes):
        limit = (last_scale if i == last else 1.0) * (3.0 / inputs) ** 0.5
        here = limit * draw[sum(counts[:i]) : sum(counts[: i + 1])].reshape(-1, inputs, outputs)
        layers.append(Dense(here[0], jnp.zeros(outputs, jnp.float32), here[1] if len(here) == 2 else None))
    return tuple(layers)


def _orthogonal(key: Key, shapes: list[tuple[int, int]], pooled: bool, last_scale: float) -> tuple[Dense, ...]:
    """Orthogonal weights, with gain sqrt(2) in hidden layers, since relu halves the mean square of what it passes.

    Source: A. M. Saxe et al., "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks",
    arXiv:1312.6120.
    """
    layers = []
    for i, (inputs, outputs) in enumerate(shapes):
        last = i == len(shapes) - 1
        gain = last_scale if last else 2.0**0.5
        own, mean = jax.random.split(jax.random.fold_in(key, i))
        weight = _orthogonal_matrix(own, inputs, outputs, gain)
        of_mean = _orthogonal_matrix(mean, inputs, outputs, gain) if pooled and not last else None
        layers.append(Dense(weight, jnp.zeros(outputs, jnp.float32), of_mean))
    return tuple(layers)


def _orthogonal_matrix(key: Key, inputs: int, outputs: int, gain: float) -> Float[jax.Array, "I O"]:
    """One matrix; under `vmap` one after the other.

    XLA factorises a batch of matrices in parallel, on the threads that run the program itself, where it waits for free
    ones: two factorisations at once on two threads wait for ever (jaxlib 0.10.2).
    """

    @jax.custom_batching.sequential_vmap
    def draw(key: jax.Array) -> jax.Array:
        return jax.nn.initializers.orthogonal(gain)(key, (inputs, outputs), jnp.float32)

    return draw(key)


def _run(
    layers: tuple[Dense, ...], x: Float[jax.Array, "*b I"], activation: Activation = "relu"
) -> Float[jax.Array, "*b O"]:
    for layer in layers[:-1]:
        x = _ACTIVATIONS[activation](layer(x))
    return layers[-1](x)


def by_device(vector: Float[jax.Array, "*b FK"], features: int) -> Float[jax.Array, "*b K F"]:
    """A vector grouped by quantity, as one row of F = `features` numbers per device."""
    rows = vector.reshape(*vector.shape[:-1], features, vector.shape[-1] // features)
    return jnp.swapaxes(rows, -1, -2)


def by_quantity(rows: Float[jax.Array, "*b K F"]) -> Float[jax.Array, "*b FK"]:
    """The inverse of `by_device`."""
    swapped = jnp.swapaxes(rows, -1, -2)
    return swapped.reshape(*swapped.shape[:-2], -1)


class Network(eqx.Module):
    """Maps an observation vector to `outputs` numbers per device, grouped by quantity; flat (fixed K) or set (any K).

    A set network may standardise its inputs, (feature - centre) / spread; both are constant during training.
    """

    layers: tuple[Dense, ...]
    centre: Float[jax.Array, " F"] | None
    spread: Float[jax.Array, " F"] | None
    architecture: Architecture = eqx.field(static=True)
    features: int = eqx.field(static=True)

    def __init__(
        self,
        key: Key,
        architecture: Architecture,
        *,
        devices: int,
        features: int,
        outputs: int,
        hidden: tuple[int, ...],
        standardised: bool = False,
        initial: InitialWeights = "lecun",
    ):
        """`features` and `outputs` are per device. The last layer starts small, so that outputs start near 0."""
        self.architecture, self.features = architecture, features
        self.centre = jnp.zeros(features, jnp.float32) if standardised else None
        self.spread = jnp.ones(features, jnp.float32) if standardised else None
        times = devices if architecture == "flat" else 1
        sizes = (features * times, *hidden, outputs * times)
        self.layers = _layers(key, sizes, pooled=architecture == "set", last_scale=0.01, initial=initial)

    def __call__(self, observation: Float[jax.Array, "*b FK"]) -> Float[jax.Array, "*b OK"]:
        """The outputs, O = `outputs` per device, grouped by quantity."""
        if self.architecture == "flat":
            return _run(self.layers, observation)
        rows = by_device(observation, self.features)
        if self.centre is not None and self.spread is not None:
            rows = (rows - jax.lax.stop_gradient(self.centre)) / jax.lax.stop_gradient(self.spread)
        return by_quantity(_run(self.layers, rows))


class Critic(eqx.Module):
    """Q(s, a) or V(s): flat, or the mean over devices of a set network's output (the reward is a sum over devices)."""

    layers: tuple[Dense, ...]
    architecture: Architecture = eqx.field(static=True)
    features: int = eqx.field(static=True)
    decisions: int = eqx.field(static=True)
    activation: Activation = eqx.field(static=True)

    def __init__(
        self,
        key: Key,
        architecture: Architecture,
        *,
        devices: int,
        features: int,
        decisions: int,
        hidden: tuple[int, ...],
        activation: Activation = "relu",
        initial: InitialWeights = "lecun",
    ):
        """`features` and `decisions` are per device; `decisions = 0` gives V(s). `activation`: of the hidden layers."""
        self.architecture, self.features, self.decisions = architecture, features, decisions
        self.activation = activation
        times = devices if architecture == "flat" else 1
        sizes = ((features + decisions) * times, *hidden, 1)
        self.layers = _layers(key, sizes, pooled=architecture == "set", last_scale=1.0, initial=initial)

    def __call__(
        self, observation: Float[jax.Array, "*b FK"], action: Float[jax.Array, "*b AK"] | None = None
    ) -> Float[jax.Array, "*b"]:
        """The value [*b], without a trailing axis."""
        if self.architecture == "set":
            return jnp.mean(self.parts(observation, action), axis=-1)
        x = observation if action is None else jnp.concatenate([observation, action], axis=-1)
        return _run(self.layers, x, self.activation)[..., 0]

    def parts(
        self, observation: Float[jax.Array, "*b FK"], action: Float[jax.Array, "*b AK"] | None = None
    ) -> Float[jax.Array, "*b K"]:
        """Each device's part; the value is the mean of the parts. Set networks only."""
        rows = by_device(observation, self.features)
        if action is not None:
            rows = jnp.concatenate([rows, by_device(action, self.decisions)], axis=-1)
        return _run(self.layers, rows, self.activation)[..., 0]
