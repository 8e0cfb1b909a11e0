import json

import jax.numpy as jnp
import numpy as np

from twinsync.storage import jsonable


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
