"""Random streams: one root seed, every stream split off by name.

A stream's draws depend on the root seed and on its own name alone, so adding a stream elsewhere never shifts another
one's numbers.
"""

from __future__ import annotations

import zlib

import jax

from twinsync.arrays import Key
from twinsync.errors import InputError


def root_key(seed: int) -> Key:
    """The root of every stream of a run, from its seed (0 to 2**32 - 1)."""
    if not 0 <= seed < 2**32:  # JAX would fold it into that range without a word, and two seeds into one
        raise InputError(f"seed = {seed} must be a whole number within [0, {2**32 - 1}]")
    return jax.random.key(seed)


def stream(key: Key, name: str) -> Key:
    """The stream called `name` below `key`. CRC-32 is stable across processes, which `hash` is not."""
    return jax.random.fold_in(key, zlib.crc32(name.encode()))
