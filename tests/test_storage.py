import json
import re
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from twinsync.errors import InputError
from twinsync.storage import jsonable, open_folder


def test_arrays_become_lists_and_non_finite_numbers_null() -> None:
    value = {"a": np.array([1.5, np.nan]), 2: (jnp.arange(2), np.float64("inf")), "c": [True, None, "x", -np.inf]}
    plain = {"a": [1.5, None], "2": [[0, 1], None], "c": [True, None, "x", None]}
    assert jsonable(value) == plain
    assert json.loads(json.dumps(jsonable(value), allow_nan=False)) == plain


def test_numbers_keep_their_kind() -> None:
    assert [type(item) for item in jsonable([np.bool_(True), np.int64(3), np.float32(0.5), 2])] == [
        bool,
        int,
        float,
        int,
    ]


def test_a_folder_whose_config_is_no_object_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(InputError, match=r"config\.json: expected a JSON object, got list"):
        _open(tmp_path, {"seed": 0})


def test_the_message_names_what_differs_the_outermost_first_and_few(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"settings": {"a": 1, "b": 2, "c": 3, "d": [4]}, "seed": 0, "old": true}')
    wanted = {"settings": {"a": 1, "b": 0, "c": 0, "d": 0}, "seed": 1}
    told = re.escape("holds a study with seed = 0, old = true, settings.b = 2, settings.c = 3, ...; resume that one")
    with pytest.raises(InputError, match=told):
        _open(tmp_path, wanted)
    _open(tmp_path, json.loads((tmp_path / "config.json").read_text()))


def test_a_folder_is_open_in_one_process_at_a_time(tmp_path: Path) -> None:
    opened = open_folder(tmp_path, {"seed": 0}, "study", resume=True)
    with opened, pytest.raises(InputError, match="another process computes there"):
        _open(tmp_path, {"seed": 0})
    _open(tmp_path, {"seed": 0})


def _open(folder: Path, config: dict[str, Any]) -> None:
    with open_folder(folder, config, "study", resume=True):
        pass
