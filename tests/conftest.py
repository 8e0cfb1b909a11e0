"""Before anything imports twinsync: its shape annotations become checks, JAX stays quiet and on the CPU."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

os.environ.setdefault("JAX_PLATFORMS", "cpu")  # one device, so that numbers don't depend on the machine
os.environ["MPLBACKEND"] = "Agg"
# Tests compile much and compute little: without the backend's optimiser, in one piece and with its older emitters, a
# program compiles in a quarter of the time.
FLAGS = (
    "--xla_backend_optimization_level=0", "--xla_cpu_parallel_codegen_split_count=1",
    "--xla_cpu_use_fusion_emitters=false",
)  # fmt: skip
os.environ["XLA_FLAGS"] = " ".join([os.environ.get("XLA_FLAGS", ""), *FLAGS]).strip()
os.environ.pop("JAX_COMPILATION_CACHE_DIR", None)  # nothing a test does outlives the run
os.environ.pop("COLUMNS", None)  # workers of a parallel run get 80 from it, which nobody asked for
# Workers of a parallel run inherit the folder of the process that starts them, and so do the commands that tests start.
if "PYTEST_XDIST_WORKER" not in os.environ:
    PROGRAMS = tempfile.mkdtemp(prefix="twinsync-test-programs-")
    atexit.register(shutil.rmtree, PROGRAMS, ignore_errors=True)
    os.environ["TWINSYNC_CACHE"] = PROGRAMS

import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

# An int where the annotation says float is fine, as it is to a static type checker.
install_import_hook("twinsync", "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))")

from twinsync import compilation
from twinsync.errors import InputError
from twinsync.presets import load_scenario
from twinsync.scenario import Scenario

compilation.connect()

settings.register_profile(
    "twinsync", deadline=None, database=None, max_examples=50, derandomize=bool(os.environ.get("CI")), print_blob=True
)
settings.load_profile("twinsync")

# The only program that a few tests need and pip cannot bring.
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, BROWSERS)), None)


# Files of half a minute and more, in part of mere waiting: begun last, one of them would be all that runs. Two workers
# get them in turn; cells of processes go to the same one, so that the first compiles the codec and the others load it.
FIRST = (
    "tests/live/running/test_cell.py", "tests/allocators/test_optimum.py",
    "tests/live/running/test_joining.py", "tests/allocators/test_optimum_piecewise.py",
    "tests/live/running/test_faults.py", "tests/experiments/compute/test_executors.py",
    "tests/live/running/test_mixed_cell.py", "tests/test_interrupts.py",
)  # fmt: skip


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the longest files; leave out tests marked `browser` where there is none, which the summary says."""
    order = {name: place for place, name in enumerate(FIRST)}
    items.sort(key=lambda item: order.get(item.nodeid.partition("::")[0], len(order)))
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
    """After a file of tests, drop compiled programs if they are many: the suite compiles more than may be held, and
    gigabytes of them slow it down."""
    yield
    compilation.forget_many(10_000)


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
