"""Before anything imports twinsync: its shape annotations become checks, JAX stays quiet and on the CPU."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

os.environ.setdefault("JAX_PLATFORMS", "cpu")  # one device, so that numbers don't depend on the machine
os.environ["MPLBACKEND"] = "Agg"
# Tests compile much and compute little: without the backend's optimiser they take a third less time.
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_backend_optimization_level=0".strip()
os.environ.pop("JAX_COMPILATION_CACHE_DIR", None)  # nothing a test does outlives it
os.environ.pop("COLUMNS", None)  # workers of a parallel run get 80 from it, which nobody asked for
os.environ["TWINSYNC_CACHE"] = "off"

import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

# An int where the annotation says float is fine, as it is to a static type checker.
install_import_hook("twinsync", "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))")

from twinsync import compilation
from twinsync.errors import InputError
from twinsync.presets import load_scenario
from twinsync.scenario import Scenario

settings.register_profile(
    "twinsync", deadline=None, database=None, max_examples=50, derandomize=bool(os.environ.get("CI")), print_blob=True
)
settings.load_profile("twinsync")

# The only program that a few tests need and pip cannot bring.
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, BROWSERS)), None)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out tests marked `browser` where there is none; the summary says so."""
    if CHROMIUM is None:
        left_out = [item for item in items if item.get_closest_marker("browser")]
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was not run, and how to have it run."""
    if CHROMIUM is None:
        terminalreporter.write_line(
            "not run: tests that open a report in a browser; install one (Debian: apt-get install chromium), run again"
        )


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the browser, for tests marked `browser`."""
    assert CHROMIUM is not None
    return CHROMIUM


@pytest.fixture(scope="module", autouse=True)
def few_programs() -> Iterator[None]:
    """After a file of tests, drop compiled programs if they are many: the suite compiles more than may be held."""
    yield
    compilation.forget_many()


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
