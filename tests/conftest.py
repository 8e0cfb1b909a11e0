"""Before anything imports twinsync: its shape annotations become checks, JAX stays quiet and on the CPU."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

os.environ.setdefault("JAX_PLATFORMS", "cpu")  # one device, so that numbers don't depend on the machine
os.environ["MPLBACKEND"] = "Agg"
# Tests compile much and compute little: without the backend's optimiser they take a third less time.
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_backend_optimization_level=0".strip()
os.environ.pop("JAX_COMPILATION_CACHE_DIR", None)  # nothing a test does outlives it
os.environ["TWINSYNC_CACHE"] = "off"

import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

# An int where the annotation says float is fine, as it is to a static type checker.
install_import_hook("twinsync", "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))")

from twinsync.errors import InputError
from twinsync.presets import load_scenario
from twinsync.scenario import Scenario

settings.register_profile(
    "twinsync", deadline=None, database=None, max_examples=50, derandomize=bool(os.environ.get("CI")), print_blob=True
)
settings.load_profile("twinsync")

Complaint = Callable[..., AbstractContextManager[None]]


@pytest.fixture(scope="session")
def scenario() -> Scenario:
    """The paper's own setting."""
    return load_scenario("paper")


@pytest.fixture(scope="session")
def complains() -> Complaint:
    """`with complains("file", "key", ...)`: the block must raise an `InputError` of one line with all these in it."""

    @contextmanager
    def complaint(*fragments: str) -> Iterator[None]:
        with pytest.raises(InputError) as caught:
            yield
        message = str(caught.value)
        assert "\n" not in message
        for fragment in fragments:
            assert fragment in message

    return complaint
