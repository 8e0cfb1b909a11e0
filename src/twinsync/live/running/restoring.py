"""An edge's decoders after its process died: rebuilt from the stored streams, so that no device has to code alone.

A stream builds on its reference, that one on another, back to a picture coded alone. So that the way back is short, the
edge writes each decoder's context to a file now and then, and only what was stored since is decoded again.
"""

from __future__ import annotations

import os
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from twinsync.codec.camera import CameraDecoder
from twinsync.codec.container import StreamError
from twinsync.codec.references import Context
from twinsync.live.protocol.edge import HELD
from twinsync.live.protocol.frame import ALONE
from twinsync.live.running.documents import stored_camera
from twinsync.live.store.interface import Revision, TwinStore

EVERY = 8  # commits of a twin between two files
LONGEST = 64  # streams of a twin that are decoded again at most
PATIENCE_S = 3.0  # for all twins: slots pass meanwhile


def context_file(folder: Path, thing: str) -> Path:
    """Where a decoder's context is kept."""
    return folder / "contexts" / f"{thing.replace(':', '_')}.npz"


def keep_context(path: Path, context: Context, tables: int) -> None:
    """Write a context, whole or not at all; `tables` identifies the decoder's."""
    path.parent.mkdir(exist_ok=True)
    partial = path.with_suffix(".partial")
    arrays = {
        "numbers": np.array([tables, context.revision, context.height, context.width, context.check]),
        "picture": context.picture,
        "background": context.background,
        "busy": context.busy,
        "older": np.array(context.older, np.uint8).reshape(-1, *context.picture.shape),
    }
    if context.moving is not None:
        arrays["moving"] = context.moving
    with partial.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
    os.replace(partial, path)


def kept_context(path: Path, tables: int) -> Context | None:
    """What was kept, None where there is none that these tables can use."""
    try:
        with path.open("rb") as file, np.load(file) as arrays:
            theirs, revision, height, width, check = map(int, arrays["numbers"])
            if theirs != tables:
                return None
            moving = arrays.get("moving")
            pictures = arrays["picture"], arrays["background"], tuple(arrays["older"]), arrays["busy"]
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile):
        return None
    return Context(revision, *pictures, height, width, moving, check)


def rebuild(
    decoders: dict[str, CameraDecoder], store: TwinStore, folder: Path, patience_s: float = PATIENCE_S
) -> dict[str, tuple[int, ...]]:
    """Give decoders what the store has; the revisions of each twin that it can then decode against, oldest first.

    A twin whose way back is not stored, is too long, or does not fit into `patience_s` is left out. The time counts
    from the first twin on, with which the codec is loaded.
    """
    until, held = float("inf"), dict[str, tuple[int, ...]]()
    for thing, newest in store.newest().items():
        if thing in decoders and time.monotonic() < until:
            revisions = _rebuild_one(decoders[thing], store, newest, context_file(folder, thing))
            if revisions:
                held[thing] = revisions
            until = min(until, time.monotonic() + patience_s)
    return held


def _rebuild_one(decoder: CameraDecoder, store: TwinStore, newest: Revision, path: Path) -> tuple[int, ...]:
    kept = kept_context(path, decoder.tables.identity)
    if kept is not None and store.at(newest.thing, kept.revision) is None:
        kept = None  # the store lost it, or it is another store
    streams = _way_back(store, newest, -1 if kept is None else kept.revision)
    if streams is None:
        return ()
    if kept is not None:
        decoder.twin.keep(kept)
    try:
        for stream in streams:
            decoder.decode(stream)
    except StreamError:
        return ()
    return decoder.twin.revisions[-HELD:]


def _way_back(store: TwinStore, newest: Revision, base: int) -> Sequence[bytes] | None:
    """Streams to decode on top of revision `base` or of nothing, oldest first; None where they do not suffice."""
    streams: list[bytes] = []
    at: Revision | None = newest
    while at is not None and at.revision != base:
        if len(streams) == LONGEST:
            return None
        try:
            camera = stored_camera(at.document)
            streams.append(camera.coded)
        except ValueError:
            return None
        if camera.reference == ALONE:
            return streams[::-1]
        at = store.at(at.thing, camera.reference)
    return None if at is None else streams[::-1]
