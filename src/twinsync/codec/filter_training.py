"""Training of the filter network: decoded pictures of the training clips against the originals (needs JAX and optax).

Floating point here, integers after: the weights are rounded once at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import optax

from twinsync.codec import smoothing
from twinsync.codec.frame import Coded
from twinsync.codec.smoothing import (
    CELL,
    FEATURES,
    HIDDEN,
    LARGEST,
    OUTPUTS,
    UNIT,
    WEIGHT_UNIT,
    Network,
    features,
)

PATCH = 16  # cells a side of a training patch
BATCH = 64
RATE = 2e-3
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Patches:
    """Inputs [n, PATCH, PATCH, FEATURES], wanted changes [n, PATCH, PATCH, OUTPUTS] in 1/32 step, cells that count."""

    inputs: np.ndarray  # int8
    wanted: np.ndarray  # int16
    counts: np.ndarray  # [n, PATCH, PATCH] uint8


def patches_of(coded: Coded, background: np.ndarray, original: np.ndarray) -> Patches:
    """Patches around what a coded picture sent; the picture is the one before filtering."""
    picture, busy = coded.picture(), coded.busy()
    rows, columns = picture.shape[0] // CELL, picture.shape[1] // CELL
    around = np.zeros((rows + 2, columns + 2, FEATURES), np.int16)
    features(picture, coded.prediction, background, busy, coded.step, np.ones((rows, columns), np.uint8), around)
    inputs = around[1:-1, 1:-1]
    change = (original.astype(np.int32) - picture) * (16 * UNIT) // coded.step
    change = np.clip(change, -4 * UNIT, 4 * UNIT).reshape(rows, CELL, columns, CELL)
    wanted = change.transpose(0, 2, 1, 3).reshape(rows, columns, OUTPUTS)
    sent = (busy > 0).repeat(4, 0).repeat(4, 1).astype(np.uint8)
    kept = []
    for top in range(0, rows - PATCH + 1, PATCH // 2):
        for left in range(0, columns - PATCH + 1, PATCH // 2):
            inner = np.zeros((PATCH, PATCH), np.uint8)
            inner[4:-4, 4:-4] = sent[top + 4 : top + PATCH - 4, left + 4 : left + PATCH - 4]
            if inner.any():
                place = np.s_[top : top + PATCH, left : left + PATCH]
                kept.append((inputs[place].astype(np.int8), wanted[place].astype(np.int16), inner))
    if not kept:
        empty = (0, PATCH, PATCH)
        return Patches(
            np.zeros((*empty, FEATURES), np.int8), np.zeros((*empty, OUTPUTS), np.int16), np.zeros(empty, np.uint8)
        )
    return Patches(*(np.stack(each) for each in zip(*kept, strict=True)))


def join(parts: Sequence[Patches]) -> Patches:
    """All patches of several pictures."""
    return Patches(
        np.concatenate([part.inputs for part in parts]),
        np.concatenate([part.wanted for part in parts]),
        np.concatenate([part.counts for part in parts]),
    )


def _start(key: jax.Array) -> list[tuple[jax.Array, jax.Array]]:
    sizes = ((FEATURES, HIDDEN), (HIDDEN, HIDDEN), (HIDDEN, OUTPUTS))
    layers = []
    for place, (inputs, outputs) in enumerate(sizes):
        scale = (2.0 / (9 * inputs)) ** 0.5 * (0.1 if place == 2 else 1.0)
        weight = scale * jax.random.normal(jax.random.fold_in(key, place), (3, 3, inputs, outputs))
        layers.append((weight, jnp.zeros(outputs)))
    return layers


def _apply(layers: list[tuple[jax.Array, jax.Array]], inputs: jax.Array) -> jax.Array:
    values = inputs
    for place, (weight, bias) in enumerate(layers):
        values = jax.lax.conv_general_dilated(
            values, weight, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        values = values + bias
        if place < 2:
            values = jnp.clip(values, 0.0, LARGEST / UNIT)
    return values


def _loss(layers: list, inputs: jax.Array, wanted: jax.Array, counts: jax.Array) -> jax.Array:
    error = jnp.sum((_apply(layers, inputs) - wanted) ** 2, axis=-1)
    return jnp.sum(error * counts) / jnp.maximum(1.0, jnp.sum(counts))


def _batches(patches: Patches, epochs: int, random: np.random.Generator) -> Iterator[tuple[np.ndarray, ...]]:
    count = len(patches.inputs)
    for _ in range(epochs):
        order = random.permutation(count)
        for start in range(0, count - BATCH + 1, BATCH):
            chosen = order[start : start + BATCH]
            inputs = patches.inputs[chosen].astype(np.float32) / UNIT
            wanted = patches.wanted[chosen].astype(np.float32) / UNIT
            yield inputs, wanted, patches.counts[chosen].astype(np.float32)


def train_filter(
    patches: Patches, epochs: int, seed: int = 0, progress: Progress = lambda what, done, total: None
) -> Network:
    """The network of least squared error in steps over the cells that count, rounded to integers.

    One that changes nothing where there are fewer patches than a batch: nothing was learnt then.
    """
    total = epochs * (len(patches.inputs) // BATCH)
    if total == 0:
        return smoothing.no_network()
    layers = _start(jax.random.key(seed))
    optimiser = optax.adam(optax.cosine_decay_schedule(RATE, total))
    state = optimiser.init(layers)

    @jax.jit
    def step(layers, state, inputs, wanted, counts):
        loss, gradient = jax.value_and_grad(_loss)(layers, inputs, wanted, counts)
        change, state = optimiser.update(gradient, state)
        return optax.apply_updates(layers, change), state, loss

    recent = 0.0
    for done, (inputs, wanted, counts) in enumerate(_batches(patches, epochs, np.random.default_rng(seed)), 1):
        layers, state, loss = step(layers, state, inputs, wanted, counts)
        recent = 0.99 * recent + 0.01 * float(loss) if done > 1 else float(loss)
        progress(f"training the filter, error {recent:.4f}", done, total)
    return rounded(layers)


def rounded(layers: Sequence[tuple[jax.Array, jax.Array]]) -> Network:
    """Integer weights of float ones."""
    arrays = []
    for weight, bias in layers:
        inputs, outputs = weight.shape[2:]
        # The kernel multiplies 16-bit numbers.
        whole = np.clip(np.rint(np.asarray(weight) * WEIGHT_UNIT), -32768, 32767).astype(np.int32)
        arrays += [whole.reshape(9, inputs, outputs), np.rint(np.asarray(bias) * WEIGHT_UNIT * UNIT).astype(np.int32)]
    return smoothing.Network(*arrays)
