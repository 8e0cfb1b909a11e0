"""What a shell offers after Tab: the names there are, listed without loading what they stand for."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from twinsync.plugins import ALLOCATORS, SCENARIOS, plugin_names

# Copies, since the originals are where JAX is loaded first; a test compares.
ALGORITHMS = ("sac", "ppo", "gradient")
PRESETS = ("paper", "tuned", "csi", "general")
BUDGETS = ("quick", "laptop", "printed", "full")
BUILT_IN = ("equal-share", "expected", "no-semantics", "optimum", "random", "random-extraction", "raw")


def scenarios(incomplete: str) -> list[str]:
    """Presets, those of installed packages, and TOML files here."""
    shipped = [item.name.removesuffix(".toml") for item in (resources.files("twinsync") / "scenarios").iterdir()]
    files = sorted(str(path) for path in Path().glob("*.toml"))
    return _starting([*sorted(shipped), *plugin_names(SCENARIOS, shipped), *files], incomplete)


def allocators(incomplete: str) -> list[str]:
    """The last name of a list: built in, of installed packages, training runs and exported policies here."""
    before, comma, last = incomplete.rpartition(",")
    runs = sorted(str(path.parent) for pattern in ("*/policy.npz", "*/*/policy.npz") for path in Path().glob(pattern))
    files = sorted(str(path) for pattern in ("*.npz", "*.onnx") for path in Path().glob(pattern))
    names = [*BUILT_IN, *plugin_names(ALLOCATORS, BUILT_IN), *runs, *files]
    return [f"{before}{comma}{name}" for name in _starting(names, last)]


def algorithms(incomplete: str) -> list[str]:
    """Learners."""
    return _starting(ALGORITHMS, incomplete)


def presets(incomplete: str) -> list[str]:
    """Presets of the learners' settings."""
    return _starting(PRESETS, incomplete)


def budgets(incomplete: str) -> list[str]:
    """Sizes of a reproduction."""
    return _starting(BUDGETS, incomplete)


def _starting(names: list[str] | tuple[str, ...], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
