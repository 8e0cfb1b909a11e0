"""Training runs shared by several sections: made once, into runs/bench, and resumed if interrupted."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from twinsync.allocators.policy import FILE_NAME, Policy, load_policies
from twinsync.learning.presets import GRADIENT_CSI, GRADIENT_GENERAL, PPO_TUNED, SAC_TUNED
from twinsync.learning.run import MANIFEST_FILE, RunConfig, train
from twinsync.learning.settings import GradientSettings

FOLDER = Path("runs/bench")
SEED = 100  # not the seed with which the settings were tuned
GRADIENT = GradientSettings()
SETTINGS = {
    "gradient": GRADIENT,
    "gradient-csi": GRADIENT_CSI,
    "gradient-general": GRADIENT_GENERAL,
    "sac-tuned": SAC_TUNED,
    "ppo-tuned": PPO_TUNED,
    "random-strategy": dataclasses.replace(GRADIENT, extraction="random"),
    "without-sc": dataclasses.replace(GRADIENT, extraction="none"),
}


def training_cpu_s(name: str) -> float | None:
    """CPU seconds of training all seeds of a complete run, including compilation; None if not recorded."""
    return json.loads((FOLDER / name / MANIFEST_FILE).read_text("utf-8")).get("training_cpu_s")


def run(name: str, seeds: int, slots: int | None = None) -> tuple[list[Policy], float]:
    """The policies of a run, one per training seed, and the total training time, including compilation [s].

    `slots` shortens the run; a short run has a folder of its own.
    """
    settings = SETTINGS[name] if slots is None else dataclasses.replace(SETTINGS[name], slots=slots)
    out = FOLDER / (name if slots is None else f"{name}-{slots}-{seeds}")
    train(RunConfig("paper", (), settings, seeds, SEED), out, command="python -m benchmarks", resume=True)
    manifest = json.loads((out / MANIFEST_FILE).read_text("utf-8"))
    return load_policies(out / FILE_NAME), manifest["training_s"]
