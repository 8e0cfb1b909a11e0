"""A training run's state on disk: written whole or not at all, read back bit for bit."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from twinsync.errors import InputError
from twinsync.learning.training import CurveRow, Training
from twinsync.writing import whole_file

FILE_NAME = "checkpoint.npz"


def save_checkpoint(path: Path, training: Training) -> None:
    """Write step, curve and the whole state. An interrupted write leaves the earlier file as it was."""
    leaves = {f"leaf_{i}": _plain(leaf) for i, leaf in enumerate(jax.tree.leaves(training.state))}
    meta = json.dumps({"step": training.step, "curve": [list(row) for row in training.curve]})
    with whole_file(path) as partial:
        np.savez(partial, allow_pickle=False, meta=np.asarray(meta), **leaves)


def load_checkpoint(path: Path, training: Training) -> None:
    """Put a saved state into a training that was started with the same settings. Raises `InputError` for a file that is
    truncated or of another shape."""
    leaves, structure = jax.tree.flatten(training.state)
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            meta = json.loads(str(archive["meta"]))
            saved = [archive[f"leaf_{i}"] for i in range(len(archive.files) - 1)]
    except (OSError, TypeError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path}: not a whole checkpoint ({error}); remove it to train this run from its start"
        ) from None
    if [leaf.shape for leaf in saved] != [_plain(leaf).shape for leaf in leaves]:
        raise InputError(f"{path}: a checkpoint of another size of run; remove it to train this run from its start")
    training.state = jax.tree.unflatten(structure, [_like(old, new) for old, new in zip(leaves, saved, strict=True)])
    training.step = int(meta["step"])
    training.curve = [CurveRow(*row) for row in meta["curve"]]


def _is_key(leaf: Any) -> bool:
    return jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _plain(leaf: Any) -> np.ndarray:
    return np.asarray(jax.random.key_data(leaf) if _is_key(leaf) else leaf)


def _like(old: Any, saved: np.ndarray) -> jax.Array:
    return jax.random.wrap_key_data(jnp.asarray(saved)) if _is_key(old) else jnp.asarray(saved)
