"""Start values of the coder's context slots and mixers: trained, frozen, identified by a digest in every header."""

from __future__ import annotations

import dataclasses
import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources

import numpy as np
from jaxtyping import UInt8

from twinsync.codec import contexts, exact
from twinsync.codec.range_coder import LOGIT_LIMIT, MOST_INPUTS, STATE_SIZE, Coder
from twinsync.codec.smoothing import Network, no_network
from twinsync.errors import InputError

FILE = "frame.npz"
EXACT_WEIGHT = 1 << 15  # of each of two inputs
START_WEIGHT = 1 << 14  # of each of up to 7 inputs before training, in 1/65536


@dataclass(frozen=True)
class StartValues:
    """Frozen start values of a coder; arrays as in `Coder`."""

    probability: np.ndarray
    seen: np.ndarray
    weight: np.ndarray
    stretch: np.ndarray
    squash: np.ndarray
    rate: np.ndarray

    def coder(self, buffer: UInt8[np.ndarray, " bytes"]) -> Coder:
        """A coder over `buffer` at these start values."""
        return self._coder(buffer, self.probability.copy(), self.seen.copy(), self.weight.copy())

    def _coder(self, buffer: np.ndarray, probability: np.ndarray, seen: np.ndarray, weight: np.ndarray) -> Coder:
        start = probability, seen, weight, self.stretch, self.squash, self.rate
        scratch = np.zeros(MOST_INPUTS, np.int64), np.zeros(MOST_INPUTS, np.int64)
        return Coder(np.zeros(STATE_SIZE, np.int64), buffer, *start, *scratch)


def digest_of(arrays: Iterable[np.ndarray]) -> int:
    """16 bits over the values of arrays, whatever their types."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).astype("<i8").tobytes())
    return int.from_bytes(digest.digest()[:2], "little")


@dataclass(frozen=True)
class Tables(StartValues):
    """Start values of the frame coder, its filter network and the prices that its encoder takes for decisions."""

    price: np.ndarray  # [1024] int32, encoder only: bits of an event of a probability, in 1/16
    network: Network

    @cached_property
    def identity(self) -> int:
        """16 bits that tell these tables from others."""
        return digest_of(array for name, array in self.arrays().items() if name != "price")

    def arrays(self) -> dict[str, np.ndarray]:
        """Every array by name."""
        names = [field.name for field in dataclasses.fields(self) if field.name != "network"]
        return {**{name: getattr(self, name) for name in names}, **self.network._asdict()}

    def exact_coder(self, buffer: UInt8[np.ndarray, " bytes"]) -> Coder:
        """A coder of exact samples over `buffer`; it starts untrained."""
        return self._coder(buffer, *even(exact.SLOTS, exact.MIXERS, EXACT_WEIGHT))


def even(slots: int, mixers: int, weight: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities at even odds, counts of zero, and one weight for all inputs of all mixers."""
    return (
        np.full(slots, 32768, np.uint16),
        np.zeros(slots, np.uint8),
        np.full((mixers, MOST_INPUTS), weight, np.int32),
    )


def untrained() -> Tables:
    """Even odds everywhere and equal weights: where training starts."""
    centres = (np.arange(4096) + 0.5) / 4096
    stretch = np.clip(np.rint(256 * np.log(centres / (1 - centres))), -LOGIT_LIMIT, LOGIT_LIMIT).astype(np.int16)
    logits = (np.arange(4096) - 2048) / 256
    squash = np.clip(np.rint(65536 / (1 + np.exp(-logits))), 22, 65514).astype(np.uint16)
    rate = np.rint(65536 / (np.arange(256) + 1.6)).astype(np.int32)
    price = np.rint(-16 * np.log2((np.arange(1024) + 0.5) / 1024)).astype(np.int32)
    return Tables(
        *even(contexts.SLOTS, contexts.MIXERS, START_WEIGHT),
        stretch,
        squash,
        rate,
        price,
        no_network(),
    )


def to_bytes(tables: Tables) -> bytes:
    """The tables as a compressed file."""
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=False, **tables.arrays())
    return file.getvalue()


def from_bytes(content: bytes) -> Tables:
    """Tables from `to_bytes`. Raises `InputError` for anything else, or for tables of another make."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            arrays = dict(file)
        makes = {name: _make(array) for name, array in arrays.items()}
    except Exception:  # damaged bytes make NumPy's and zipfile's readers raise what they run into, of any type
        raise InputError("not a file of tables; twinsync codec train makes one") from None
    if makes != {name: _make(each) for name, each in untrained().arrays().items()}:
        raise InputError("tables of another release; train them again: twinsync codec train")
    network = Network(*(arrays.pop(name) for name in Network._fields))
    return Tables(**arrays, network=network)


def _make(array: np.ndarray) -> tuple[object, ...]:
    return array.dtype, array.shape


@lru_cache(maxsize=1)
def shipped() -> Tables:
    """The tables that ship with the package."""
    return from_bytes((resources.files("twinsync.codec") / "trained" / FILE).read_bytes())
