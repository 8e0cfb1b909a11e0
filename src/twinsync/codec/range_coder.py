"""Adaptive binary range coder: mixed context models in integer arithmetic, the same code for both directions.

A decision is predicted by several context slots at once. Each slot holds P(1) in 1/65536 and a count that sets its
rate of adaptation; their logits are weighted by a mixer, whose weights adapt too. Everything is integer, so encoder and
decoder agree on every machine. Start values of slots and weights come from trained tables (`tables`).

The decoder tracks the smallest and the largest code value that the bytes it holds allow. A decision both of them agree
on is certain; at the first one they disagree on it stops. So a stream cut anywhere decodes to a true prefix of the
decisions, with no count in the header.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from twinsync.codec.compiled import compiled, inner

# Places in `Coder.state`.
LOW, HIGH, CODE_LOW, CODE_HIGH, POSITION, LIMIT, DECODING, STOPPED = range(8)
STATE_SIZE = 8
MOST_INPUTS = 8
TOP = 0xFF000000
FULL = 0xFFFFFFFF
LOGIT_LIMIT = 2047  # logits in 1/256 reach 8: probabilities down to 1/2981
COUNT_LIMIT = 250
MIXER_RATE_SHIFT = 14


class Coder(NamedTuple):
    """State of one stream being written or read, and of its models."""

    state: np.ndarray  # [STATE_SIZE] int64
    buffer: np.ndarray  # [bytes] uint8
    probability: np.ndarray  # [slots] uint16, P(1) in 1/65536
    seen: np.ndarray  # [slots] uint8, observations so far, saturating
    weight: np.ndarray  # [mixers, MOST_INPUTS] int32, in 1/65536
    stretch: np.ndarray  # [4096] int16, logit in 1/256 of a probability in 1/4096
    squash: np.ndarray  # [4096] uint16, probability in 1/65536 of a logit
    rate: np.ndarray  # [256] int32, share of the error a slot takes over at a count, in 1/65536
    slot: np.ndarray  # [MOST_INPUTS] int64, slots of the present decision
    logit: np.ndarray  # [MOST_INPUTS] int64, scratch


@compiled
def start_encoding(coder: Coder, limit: int) -> None:
    """Ready to write at most `limit` bytes into the buffer."""
    coder.state[:] = 0
    coder.state[HIGH] = FULL
    coder.state[LIMIT] = limit


@compiled
def start_decoding(coder: Coder, start: int, limit: int) -> None:
    """Ready to read the buffer's bytes from `start` up to `limit`."""
    coder.state[:] = 0
    coder.state[HIGH] = FULL
    coder.state[LIMIT] = limit
    coder.state[POSITION] = start
    coder.state[DECODING] = 1
    for _ in range(4):
        _shift_in(coder)


@inner
def _shift_in(coder: Coder) -> None:
    state = coder.state
    position = state[POSITION]
    low, high = 0, 255
    if position < state[LIMIT]:
        low = high = int(coder.buffer[position])
    state[CODE_LOW] = ((state[CODE_LOW] << 8) & FULL) | low
    state[CODE_HIGH] = ((state[CODE_HIGH] << 8) & FULL) | high
    state[POSITION] = position + 1


@inner
def _decide(coder: Coder, probability: int, bit: int) -> int:
    """Write `bit`, or read it: 0 or 1, or -1 when the bytes end."""
    state = coder.state
    low, high = state[LOW], state[HIGH]
    span = high - low
    middle = low + (span >> 16) * probability + (((span & 0xFFFF) * probability) >> 16)
    if state[DECODING]:
        below = state[CODE_LOW] <= middle
        if below != (state[CODE_HIGH] <= middle):
            state[STOPPED] = 1
            return -1
        bit = 1 if below else 0
    if bit:
        high = middle
    else:
        low = middle + 1
    while ((low ^ high) & TOP) == 0:
        if state[DECODING]:
            _shift_in(coder)
        else:
            if state[POSITION] >= state[LIMIT]:
                state[STOPPED] = 1
                return -1
            coder.buffer[state[POSITION]] = high >> 24
            state[POSITION] += 1
        low = (low << 8) & FULL
        high = ((high << 8) & FULL) | 255
    state[LOW], state[HIGH] = low, high
    return bit


@inner
def predict(coder: Coder, inputs: int, mixer: int) -> int:
    """P(1) in 1/65536 of the next decision, from the first `inputs` slots of `coder.slot`."""
    total = 0
    for i in range(inputs):
        logit = int(coder.stretch[coder.probability[coder.slot[i]] >> 4])
        coder.logit[i] = logit
        total += coder.weight[mixer, i] * logit
    total >>= 16
    total = min(LOGIT_LIMIT, max(-LOGIT_LIMIT, total))
    return int(coder.squash[total + 2048])


@inner
def update(coder: Coder, inputs: int, mixer: int, probability: int, bit: int) -> int:
    """Code the decision just predicted and adapt; returns it, or -1 at the end of the bytes."""
    bit = _decide(coder, probability, bit)
    if bit < 0:
        return -1
    target = 65535 if bit else 0
    error = (target - probability) >> 4
    for i in range(inputs):
        change = (coder.logit[i] * error + (1 << (MIXER_RATE_SHIFT - 1))) >> MIXER_RATE_SHIFT
        coder.weight[mixer, i] += change
        slot = coder.slot[i]
        count = coder.seen[slot]
        p = int(coder.probability[slot])
        p += ((target - p) * coder.rate[count]) >> 16
        coder.probability[slot] = min(65519, max(16, p))
        if count < COUNT_LIMIT:
            coder.seen[slot] = count + 1
    return bit


@inner
def code_bit(coder: Coder, inputs: int, mixer: int, bit: int) -> int:
    """Code one decision with the first `inputs` slots of `coder.slot`; returns it, or -1 at the end of the bytes."""
    return update(coder, inputs, mixer, predict(coder, inputs, mixer), bit)


@inner
def code_even(coder: Coder, bit: int) -> int:
    """Code one decision at even odds; returns it, or -1 at the end of the bytes."""
    return _decide(coder, 32768, bit)


@compiled
def finish_encoding(coder: Coder) -> int:
    """Write the fewest bytes that make every decision certain; returns the stream's length in bytes."""
    state = coder.state
    low, high = state[LOW], state[HIGH]
    for kept in range(1, 5):
        shift = 32 - 8 * kept
        code = ((low + (1 << shift) - 1) >> shift) << shift  # the least value of `kept` bytes not below `low`
        if code + (1 << shift) - 1 <= high or kept == 4:
            for i in range(kept):
                if state[POSITION] >= state[LIMIT]:
                    state[STOPPED] = 1
                    break
                coder.buffer[state[POSITION]] = (code >> (24 - 8 * i)) & 255
                state[POSITION] += 1
            break
    return int(state[POSITION])
