"""Time of one decision with NumPy, ONNX Runtime and the jitted JAX call of the same policy.

`python benchmarks/decision_latency.py` prints the table of docs/deploy.md; pass a policy's file to measure that. Each
way runs in its own process with one thread, so that none benefits from what another has loaded.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

WAYS = ("numpy", "onnxruntime", "jax")
DEVICES = (6, 100, 1000)
WARM_UP = 200  # decisions before the first that counts
ONE_THREAD = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "JAX_PLATFORMS": "cpu",
}


def measure(
    policy: Path | None = None, devices: Sequence[int] = DEVICES, repeats: int = 3000, ways: Sequence[str] = WAYS
) -> list[dict[str, Any]]:
    """Rows {way, devices, p50_ms, p99_ms, max_ms, cpu_p99_ms, decisions} for a set policy's file (None: untrained).

    Each decision is for one slot, with host arrays in and out; bandwidth and edge CPU grow with the number of devices.
    Times are wall-clock times, which include interruptions by other programs, except `cpu_p99_ms`, which is processor
    time.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = policy or _untrained(Path(folder) / "policy.npz")
        rows = []
        for way in ways:
            command = [sys.executable, __file__, str(path), "--way", way, "--repeats", str(repeats)]
            command += ["--devices", ",".join(map(str, devices))]
            done = subprocess.run(command, env={**os.environ, **ONE_THREAD}, stdout=subprocess.PIPE, check=True)
            rows += json.loads(done.stdout)
    return rows


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as Markdown."""
    lines = [
        "| Way | K | median [ms] | p99 [ms] | longest [ms] | p99 of CPU time [ms] |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    form = "| {way} | {devices} | {p50_ms:.3f} | {p99_ms:.3f} | {max_ms:.2f} | {cpu_p99_ms:.3f} |"
    lines += [form.format(**row) for row in rows]
    return "\n".join(lines)


def _untrained(path: Path) -> Path:
    """Write an untrained general policy: a set network, 128 x 128, on dimensionless groups. Weights do not matter."""
    from twinsync.allocators.policy import blank_policy
    from twinsync.environment import Interface
    from twinsync.export.card import drawn_ranges, policy_arrays, policy_card
    from twinsync.presets import load_scenario
    from twinsync.runtime.files import policy_bytes
    from twinsync.scenario import constants

    face, scenario = Interface(edge_cpu="shares", encoding="physical"), load_scenario("paper")
    policy = blank_policy(
        {
            "interface": vars(face), "architecture": "set", "device_count": 6, "outputs": face.decisions,
            "hidden": [128, 128], "squash": "tanh",
        }
    )  # fmt: skip
    values = {key: getattr(scenario, key) for key in constants()}
    card = policy_card(policy, values, ranges=drawn_ranges(policy, scenario)[0])
    path.write_bytes(policy_bytes(card, policy_arrays(policy)))
    return path


def _time(decide: Callable[[int], Any], repeats: int) -> dict[str, float]:
    """Times of `decide(i)` [ms], where i counts the calls, so that each can decide another slot."""
    took = np.empty((2, repeats))
    for i in range(-WARM_UP, repeats):
        began, busy = time.perf_counter(), time.process_time()
        decide(i)
        # Indices of the warm-up are negative; these entries are overwritten later.
        took[:, i] = time.perf_counter() - began, time.process_time() - busy
    wall, processor = 1e3 * took
    p50, p99 = (float(np.quantile(wall, q)) for q in (0.5, 0.99))
    return {
        "p50_ms": p50, "p99_ms": p99, "max_ms": float(wall.max()),
        "cpu_p99_ms": float(np.quantile(processor, 0.99)), "decisions": repeats,
    }  # fmt: skip


def _rows(path: Path, way: str, devices: Sequence[int], repeats: int) -> list[dict[str, Any]]:
    from twinsync.runtime import load_policy

    policy = load_policy(path)
    make = {"numpy": _numpy, "onnxruntime": _onnx, "jax": _jax}[way](policy)
    rows = []
    for count in devices:
        rng = np.random.default_rng(0)
        slots = rng.uniform(45.0, 55.0, (64, count)), rng.uniform(6e5, 8e5, (64, count))
        grown = {name: policy.values[name] * count / 6 for name in ("bandwidth_hz", "edge_cpu_max_hz")}
        decide = make(count, grown)
        times = _time(lambda i, act=decide, s=slots: act(s[0][i % 64], s[1][i % 64]), repeats)
        rows.append({"way": way, "devices": count, **times})
    return rows


def _numpy(policy: Any) -> Callable[..., Any]:
    return lambda count, grown: lambda distance, data: policy.decide(distance, data, **grown)


def _onnx(policy: Any) -> Callable[..., Any]:
    import onnxruntime

    from twinsync.export.onnx_model import onnx_bytes

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads, options.log_severity_level = 1, 1, 3
    session = onnxruntime.InferenceSession(onnx_bytes(policy), options, providers=["CPUExecutionProvider"])

    def make(count: int, grown: dict[str, float]) -> Callable[..., Any]:
        constants = {name: np.asarray(value, np.float32) for name, value in grown.items()}
        return lambda distance, data: session.run(
            None,
            {"distance_m": distance[None].astype(np.float32), "data_bits": data[None].astype(np.float32), **constants},
        )

    return make


def _jax(policy: Any) -> Callable[..., Any]:
    import jax
    import jax.numpy as jnp

    from twinsync.allocators.policy import blank_policy
    from twinsync.environment import Sight
    from twinsync.scenario import Scenario

    decisions = 4 if policy.interface["extraction"] == "chosen" else 3
    trained = blank_policy({**policy.card, "device_count": 6, "outputs": decisions})
    leaves = [array for layer in policy.layers for array in layer if array is not None]
    leaves += [array for array in (policy.centre, policy.spread) if array is not None]
    trained = jax.tree.unflatten(jax.tree.structure(trained), [jnp.asarray(leaf) for leaf in leaves])
    values = {**policy.card["scenario"], "workload_knots": ()}

    def make(count: int, grown: dict[str, float]) -> Callable[..., Any]:
        scenario = jax.tree.map(jnp.asarray, Scenario(**{**values, **grown, "device_count": count}))
        key = jax.random.key(0)
        return lambda distance, data: jax.device_get(
            trained(scenario, Sight(distance.astype(np.float32), data.astype(np.float32)), key)
        )

    return make


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("policy", nargs="?", type=Path, help="a set policy's .npz file that observes no channel")
    parser.add_argument("--devices", default=",".join(map(str, DEVICES)), help="numbers of devices")
    parser.add_argument("--repeats", type=int, default=3000, help="decisions to time")
    parser.add_argument("--way", choices=WAYS, help="measure only this way, in this process; print rows as JSON")
    given = parser.parse_args()
    devices = [int(part) for part in given.devices.split(",")]
    if given.way is not None:
        print(json.dumps(_rows(given.policy, given.way, devices, given.repeats)))
        return
    print(table(measure(given.policy, devices, given.repeats)))


if __name__ == "__main__":
    main()
