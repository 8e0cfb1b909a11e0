"""Decoders rebuilt from stored streams: the next stream of a device that never stopped decodes as before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from twinsync.codec.ends import CAMERA, KINDS, SERIES, EdgeEnd, arrays_of
from twinsync.live.protocol.effects import Write
from twinsync.live.protocol.frame import ALONE
from twinsync.live.running import restoring
from twinsync.live.running.documents import document
from twinsync.live.running.restoring import context_file, keep_context, kept_context, rebuild
from twinsync.live.store.memory import MemoryStore

THING, FRAMES = "a:1", 6
SCENE = np.random.default_rng(3).integers(90, 130, (32, 48)).astype(np.uint8)


def sample(kind: str, slot: int) -> np.ndarray:
    if kind == SERIES:
        return np.roll(40 * SCENE[:, :3].astype(np.int16), slot, axis=0)
    seen = SCENE.copy()
    seen[8:20, 4 + 3 * slot : 12 + 3 * slot] = 210
    return seen


class Life:
    """A device, an edge's decoder before its process died, and the store; revisions are 0, 2, 4, ..."""

    def __init__(self, kind: str) -> None:
        self.kind, self.store, self.decoder = kind, MemoryStore(), EdgeEnd()
        self.encoder = KINDS[kind].device_end()
        self.slot, self.newest = 0, ALONE

    def stream(self, revision: int) -> bytes:
        reference = None if self.newest == ALONE else self.newest
        return self.encoder.encode(sample(self.kind, self.slot), 150, revision, reference)

    def synchronise(self) -> None:
        reference, revision = self.newest, 2 * self.slot
        stream = self.stream(revision)
        self.decoder.decode(stream, revision, None if reference == ALONE else reference)
        content = document(self.kind, reference, stream, None, None)
        self.store.commit([Write(THING, revision, reference, self.slot, 0.0, content)], 0.0)
        self.newest, self.slot = revision, self.slot + 1

    def check(self, decoder: EdgeEnd) -> None:
        """What the device sends next decodes to the same."""
        revision = 2 * self.slot
        stream = self.stream(revision)
        np.testing.assert_array_equal(decoder.decode(stream, revision, self.newest), self.encoder.decoded(revision))


@pytest.fixture(params=[CAMERA, SERIES])
def life(request: pytest.FixtureRequest) -> Life:
    made = Life(request.param)
    for _ in range(FRAMES):
        made.synchronise()
    return made


def test_a_decoder_is_rebuilt_from_the_stored_streams(life: Life, tmp_path: Path) -> None:
    decoders = {THING: EdgeEnd()}
    assert rebuild(decoders, life.store, tmp_path) == {THING: (0, 2, 4, 6, 8, 10)}
    life.check(decoders[THING])


def test_a_kept_context_shortens_the_way(life: Life, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = context_file(tmp_path, THING)
    keep_context(path, life.decoder.at(6))
    life.store.prune(3)  # the picture that was coded alone is gone
    monkeypatch.setattr(restoring, "LONGEST", 2)
    decoders = {THING: EdgeEnd()}
    assert rebuild(decoders, life.store, tmp_path) == {THING: (6, 8, 10)}
    life.check(decoders[THING])
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    assert kept_context(path) is None
    arrays = arrays_of(life.decoder.at(6))
    arrays["numbers"][0] ^= 1  # other tables
    with path.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
    assert kept_context(path) is None
    np.save(tmp_path / "array.npy", np.zeros(3))
    (tmp_path / "array.npy").replace(path)
    assert kept_context(path) is None


def test_not_more_than_the_time_there_is_is_taken(life: Life, tmp_path: Path) -> None:
    first = life.store.at(THING, 0)
    assert first is not None
    life.store.commit([Write("a:2", 0, -1, 0, 0.0, first.document)], 0.0)
    for patience_s, things in ((60.0, {THING, "a:2"}), (0.0, {THING})):
        decoders = {THING: EdgeEnd(), "a:2": EdgeEnd()}
        assert set(rebuild(decoders, life.store, tmp_path, patience_s)) == things


def test_what_does_not_suffice_is_left_out(life: Life, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> bool:
        return rebuild({THING: EdgeEnd()}, life.store, tmp_path) == {}

    with monkeypatch.context() as patch:
        patch.setattr(restoring, "LONGEST", FRAMES - 1)
        assert fails()
    # A context of a revision that the store has not is another store's, or one that a power cut took.
    keep_context(context_file(tmp_path, THING), life.decoder.at(0))
    life.store.prune(4)
    assert fails()
    life.store.commit([Write(THING, 50, life.newest, 50, 0.0, b"{}")], 0.0)
    assert fails()
