"""Fixtures for the tests of the Gymnasium environments."""

import numpy as np
import pytest


@pytest.fixture(scope="session")
def same():
    """`same(a, b)`: two `info` trees have the same keys and, within rounding, the same values."""

    def check(a, b, where="info"):
        if isinstance(a, dict):
            assert a.keys() == b.keys(), where
            for key in a:
                check(a[key], b[key], f"{where}[{key!r}]")
        elif isinstance(a, np.ndarray) and a.dtype == object:
            for x, y in zip(a, b, strict=True):
                check(x, y, where)
        else:
            assert np.shape(a) == np.shape(b), where
            # Violations and penalties are small differences of large numbers.
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4, err_msg=where)

    return check
