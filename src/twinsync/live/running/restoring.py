"""An edge's decoders after its process died: rebuilt from the stored streams, so that no device has to code alone.

A stream builds on its reference, that one on another, back to a sample coded alone. So that the way back is short, the
edge writes each decoder's context to a file now and then, and only what was stored since is decoded again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from twinsync.codec.container import StreamError
from twinsync.codec.ends import EdgeEnd, Held, arrays_of, held_from
from twinsync.live.protocol.edge import HELD
from twinsync.live.protocol.frame import ALONE
from twinsync.live.running.documents import stored_feature
from twinsync.live.store.interface import Revision, TwinStore

EVERY = 8  # commits of a twin between two files
LONGEST = 64  # streams of a twin that are decoded again at most
PATIENCE_S = 3.0  # for all twins: slots pass meanwhile


def context_file(folder: Path, thing: str) -> Path:
    """Where a decoder's context is kept."""
    return folder / "contexts" / f"{thing.replace(':', '_')}.npz"


def keep_context(path: Path, held: Held) -> None:
    """Write what a decoder holds of a revision, whole or not at all."""
    path.parent.mkdir(exist_ok=True)
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays_of(held))
    os.replace(partial, path)


def kept_context(path: Path) -> Held | None:
    """What was kept, None where there is none that these tables can use."""
    try:
        with path.open("rb") as file, np.load(file) as arrays:
            return held_from(dict(arrays))
    except Exception:  # damaged bytes make the readers raise what they run into, of any type
        return None


def rebuild(
    decoders: dict[str, EdgeEnd], store: TwinStore, folder: Path, patience_s: float = PATIENCE_S
) -> dict[str, tuple[int, ...]]:
    """Give decoders what the store has; the revisions of each twin that it can then decode against, oldest first.

    A twin whose way back is not stored, is too long, or does not fit into `patience_s` is left out. The time counts
    from the first twin on, with which the codec is loaded.
    """
    until, held = float("inf"), dict[str, tuple[int, ...]]()
    for thing, newest in store.newest().items():
        if thing in decoders and time.monotonic() < until:
            made = _rebuilt(decoders[thing].most_samples, store, newest, context_file(folder, thing), until)
            if made is not None:
                decoders[thing], held[thing] = made, made.revisions[-HELD:]
            until = min(until, time.monotonic() + patience_s)
    return held


def _rebuilt(most_samples: float, store: TwinStore, newest: Revision, path: Path, until: float) -> EdgeEnd | None:
    """A decoder that holds a twin's newest revision, None where that is not to be had by a time."""
    kept = kept_context(path)
    if kept is not None and store.at(newest.thing, kept.revision) is None:
        kept = None  # the store lost it, or it is another store
    streams = _way_back(store, newest, -1 if kept is None else kept.revision)
    if streams is None:
        return None
    decoder = EdgeEnd(most_samples)
    if kept is not None:
        decoder.keep(kept)
    try:
        for revision, reference, stream in streams:
            if time.monotonic() > until:
                return None
            decoder.decode(stream, revision, reference)
    except (StreamError, MemoryError):
        return None
    return decoder


def _way_back(store: TwinStore, newest: Revision, base: int) -> Sequence[tuple[int, int | None, bytes]] | None:
    """What to decode on top of revision `base` or of nothing, oldest first: revision, reference, stream.

    None where what is stored does not suffice.
    """
    streams: list[tuple[int, int | None, bytes]] = []
    at: Revision | None = newest
    while at is not None and at.revision != base:
        if len(streams) == LONGEST:
            return None
        try:
            feature = stored_feature(at.document)
            streams.append((at.revision, None if feature.reference == ALONE else feature.reference, feature.coded))
        except ValueError:
            return None
        if feature.reference == ALONE:
            return streams[::-1]
        at = store.at(at.thing, feature.reference)
    return None if at is None else streams[::-1]
