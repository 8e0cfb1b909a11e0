"""Provenance of a run, stored beside its results: command, versions, device, machine, git revision."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import jax

_PACKAGES = ("twinsync", "jax", "jaxlib", "equinox", "optax", "gymnasium", "numpy", "matplotlib")


def provenance(command: str, seed: int) -> dict[str, Any]:
    """Command, seed, versions, device, machine, git revision (None outside a checkout) and the time now (UTC)."""
    device = jax.devices()[0]
    return {
        "command": command,
        "seed": seed,
        "versions": {"python": platform.python_version(), **_versions()},
        "device": f"{device.platform}: {device.device_kind}",
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "git_revision": _git_revision(),
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def _versions() -> dict[str, str]:
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


def _git_revision() -> str | None:
    """Revision of the checkout that contains this package, with + if it has uncommitted changes; None outside one."""
    here = Path(__file__).resolve().parent
    if not any((parent / ".git").exists() for parent in here.parents):
        return None
    try:
        run = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--abbrev=12", "--exclude=*"],
            cwd=here, capture_output=True, text=True, check=True, timeout=10,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return run.stdout.strip() or None
