"""Random streams: one root seed, every stream split off by name.

A stream's draws depend on the root seed and on its own name alone, so adding a stream elsewhere never shifts another
one's numbers. `Dice` are the same for what is drawn by the million: a throw depends on its key and its number alone.
"""

from __future__ import annotations

import math
import zlib
from typing import NamedTuple

import jax
import jax.numpy as jnp

from twinsync.arrays import Array, Float, Key
from twinsync.errors import InputError


def root_key(seed: int) -> Key:
    """The root of every stream of a run, from its seed (0 to 2**32 - 1)."""
    if not 0 <= seed < 2**32:  # JAX would fold it into that range without a word, and two seeds into one
        raise InputError(f"seed = {seed} must be a whole number within [0, {2**32 - 1}]")
    return jax.random.key(seed)


def stream(key: Key, name: str) -> Key:
    """The stream called `name` below `key`. CRC-32 is stable across processes, which `hash` is not."""
    return fold(key, zlib.crc32(name.encode()))


def fold(key: Key, number: Array | int) -> Key:
    """`jax.random.fold_in`, bit for bit, as plain arithmetic, which loops over small steps need."""
    words = jax.random.key_data(key)
    if words.shape[-1] != 2:  # not Threefry's
        return jax.random.fold_in(key, number)
    folded = _threefry(words[..., 0], words[..., 1], jnp.uint32(0), jnp.asarray(number, jnp.uint32))
    return jax.random.wrap_key_data(jnp.stack(folded, axis=-1))


def uniform(key: Key, shape: tuple[int, ...]) -> Float[Array, "*shape"]:
    """Uniform draws in the open interval (0, 1), from dice: half the time of `jax.random.uniform` on a CPU."""
    count = math.prod(shape)
    pair = Dice.of(key, -(-count // 2)).throw(0)
    draws = jnp.concatenate(pair)[:count].reshape(shape)
    return jax.lax.optimization_barrier(draws)  # else every user of the draws may compute them anew


def normal(key: Key, shape: tuple[int, ...]) -> Float[Array, "*shape"]:
    """Standard normal draws of the same kind."""
    return jax.lax.optimization_barrier(normal_of(uniform(key, shape)))


def normal_of(share: Float[Array, "*b"]) -> Float[Array, "*b"]:
    """The standard normal quantile of a uniform draw in the open interval (0, 1)."""
    return math.sqrt(2.0) * jax.lax.erf_inv(2.0 * share - 1.0)


class Dice(NamedTuple):
    """Counter-based draws, a pair a throw for each of a batch of dice: no state, so any throw may be drawn alone.

    It is Threefry-2x32 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11) as plain arithmetic, which
    fuses with whatever uses the draws; `jax.random`, whose generator this is too, runs it as a loop over memory.
    """

    keys: tuple[Array, Array]  # the key's two words, each [*b]
    faces: Array  # tells the dice of one key apart, [*b]

    @classmethod
    def of(cls, key: Key, count: int) -> Dice:
        """`count` dice [count] of one key, or of each of a vector of keys [C] one after the other [C * count]."""
        words = jax.random.key_data(key)
        first, last = words[..., 0], words[..., -1]
        if not first.ndim:
            return cls((first, last), jnp.arange(count, dtype=jnp.uint32))
        faces = jnp.tile(jnp.arange(count, dtype=jnp.uint32), len(first))
        return cls((jnp.repeat(first, count), jnp.repeat(last, count)), faces)

    def throw(self, role: int, n: Array | int = 0) -> tuple[Float[Array, "*b"], Float[Array, "*b"]]:
        """Two independent uniform draws in the open interval (0, 1): the n-th for a role, n < 2**20, role < 2**11."""
        a, b = self.words(role, n)
        return _open_unit(a), _open_unit(b)

    def words(self, role: int, n: Array | int = 0) -> tuple[Array, Array]:
        """The same draws as words of 32 bits."""
        # `jax.random` itself enciphers small numbers in this place; the top bit keeps clear of its draws from the key.
        place = jnp.asarray(n, jnp.uint32) | jnp.uint32(2**31 + role * 2**20)
        return _threefry(*self.keys, place, self.faces)


_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA


def _threefry(k0: Array, k1: Array, x0: Array, x1: Array) -> tuple[Array, Array]:
    """Threefry-2x32 with 20 rounds: the block (x0, x1) enciphered by (k0, k1), uint32."""
    schedule = (k0, k1, k0 ^ k1 ^ jnp.uint32(_PARITY))
    x0, x1 = x0 + k0, x1 + k1
    for i in range(5):
        for rotation in _ROTATIONS[i % 2]:
            x0 = x0 + x1
            x1 = (x1 << jnp.uint32(rotation) | x1 >> jnp.uint32(32 - rotation)) ^ x0
        x0, x1 = x0 + schedule[(i + 1) % 3], x1 + schedule[(i + 2) % 3] + jnp.uint32(i + 1)
    return x0, x1


def _open_unit(word: Array) -> Float[Array, "*b"]:
    """The middle of the word's interval of (0, 1): 2**32 of them in double precision, 2**23 in single."""
    if jnp.result_type(float) == jnp.float64:
        return (word + 0.5) * 2.0**-32
    return (word >> jnp.uint32(9)).astype(jnp.float32) * jnp.float32(2.0**-23) + jnp.float32(2.0**-24)
