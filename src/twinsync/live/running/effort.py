"""How much of a sample a device codes when what it is granted does not fit into its slots."""

from __future__ import annotations

FIRST_SHARE = 0.02  # of the sample's bytes, coded alone: the case that takes most work
LEAST_SHARE, LEAST_BYTES = 0.005, 256
FAST, SLOW, BACK = 2.0, 1.1, 0.5


class Effort:
    """A cap on stream sizes: a slot that is superseded leaves no reference, so the next one is no easier to finish.

    It doubles with each slot that was sent, halves with each that was superseded, and after the first of those rises by
    a tenth a slot. Without a reference it starts again. Where the granted sizes fit, it is soon out of the way.
    """

    def __init__(self, raw_bytes: int) -> None:
        self._raw_bytes = raw_bytes
        self._share = FIRST_SHARE
        self._growth = FAST

    def stream_bytes(self, granted: int, alone: bool) -> int:
        """Bytes to code, at most those granted."""
        if alone:
            self._share = min(self._share, FIRST_SHARE)
        return min(granted, max(LEAST_BYTES, int(self._share * self._raw_bytes)))

    def sent(self) -> None:
        """A slot's work was finished."""
        self._share = min(1.0, self._share * self._growth)

    def superseded(self) -> None:
        """A slot's work was not."""
        self._share = max(LEAST_SHARE, self._share * BACK)
        self._growth = SLOW
