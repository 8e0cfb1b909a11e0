"""Random streams: one root seed, from which every stream is derived by name.

A stream's draws depend only on the root seed and the stream's name, so a new stream never changes the draws of another.
`Dice` does the same for draws by the million: a throw depends only on its key and its number.
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
    """The root key of all streams of a run. Raises `InputError` unless `seed` is within [0, 2**32 - 1]."""
    if not 0 <= seed < 2**32:  # JAX would silently wrap it into that range, so that two seeds give one key
        raise InputError(f"seed = {seed} must be a whole number within [0, {2**32 - 1}]")
    return jax.random.key(seed)


def stream(key: Key, name: str) -> Key:
    """The stream called `name` of `key`. CRC-32, because `hash` of a string differs between processes."""
    return fold(key, zlib.crc32(name.encode()))


def fold(key: Key, number: Array | int) -> Key:
    """`jax.random.fold_in`, bit for bit, in plain arithmetic, which is faster in loops over small steps."""
    words = jax.random.key_data(key)
    if words.shape[-1] != 2:  # not a Threefry key
        return jax.random.fold_in(key, number)
    folded = _threefry(words[..., 0], words[..., 1], jnp.uint32(0), jnp.asarray(number, jnp.uint32))
    return jax.random.wrap_key_data(jnp.stack(folded, axis=-1))


def uniform(key: Key, shape: tuple[int, ...]) -> Float[Array, "*shape"]:
    """Uniform draws in the open interval (0, 1) from `Dice`, in half the time of `jax.random.uniform` on a CPU."""
    count = math.prod(shape)
    pair = Dice.of(key, -(-count // 2)).throw(0)
    draws = jnp.concatenate(pair)[:count].reshape(shape)
    return jax.lax.optimization_barrier(draws)  # otherwise XLA may recompute the draws for each use


def normal(key: Key, shape: tuple[int, ...]) -> Float[Array, "*shape"]:
    """Standard normal draws from `uniform`."""
    return jax.lax.optimization_barrier(normal_of(uniform(key, shape)))


def normal_of(share: Float[Array, "*b"]) -> Float[Array, "*b"]:
    """The standard normal quantile of a uniform draw in the open interval (0, 1)."""
    return math.sqrt(2.0) * jax.lax.erf_inv(2.0 * share - 1.0)


class Dice(NamedTuple):
    """A batch of counter-based generators: two draws per die and throw. Stateless: throws may be drawn in any order.

    Threefry-2x32 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11) as plain arithmetic, which XLA
    fuses with the code that uses the draws; `jax.random` uses the same generator but as a separate loop over memory.
    """

    keys: tuple[Array, Array]  # the key's two words, each [*b]
    faces: Array  # distinguishes the dice of one key, [*b]

    @classmethod
    def of(cls, key: Key, count: int) -> Dice:
        """`count` dice of one key, [count]; or `count` for each key of a vector [C], key by key, [C * count]."""
        words = jax.random.key_data(key)
        first, last = words[..., 0], words[..., -1]
        if not first.ndim:
            return cls((first, last), jnp.arange(count, dtype=jnp.uint32))
        faces = jnp.tile(jnp.arange(count, dtype=jnp.uint32), len(first))
        return cls((jnp.repeat(first, count), jnp.repeat(last, count)), faces)

    def throw(self, role: int, n: Array | int = 0) -> tuple[Float[Array, "*b"], Float[Array, "*b"]]:
        """Two independent uniform draws in the open interval (0, 1): number n < 2**20 of role < 2**11."""
        a, b = self.words(role, n)
        return _open_unit(a), _open_unit(b)

    def words(self, role: int, n: Array | int = 0) -> tuple[Array, Array]:
        """The same two draws as 32-bit words, uint32."""
        # `jax.random` enciphers small numbers here; the top bit keeps these draws apart from its own for the key.
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
    """The midpoint of the word's interval of (0, 1), of 2**32 equal ones in double precision and 2**23 in single."""
    if jnp.result_type(float) == jnp.float64:
        return (word + 0.5) * 2.0**-32
    return (word >> jnp.uint32(9)).astype(jnp.float32) * jnp.float32(2.0**-23) + jnp.float32(2.0**-24)
