"""Decision latency without JAX, see `benchmarks/decision_latency.py`."""

from __future__ import annotations

import tempfile
from importlib.metadata import version
from pathlib import Path

from benchmarks.decision_latency import DEVICES, measure
from benchmarks.harness import Listing, Section, section, verdict
from benchmarks.runs import FOLDER, run

from twinsync.export import export_run

TEXT = """The general network decides one slot per call: exported to one file and run by NumPy alone or by ONNX
Runtime, and as the jitted JAX call. Each is a process of its own with one thread, host arrays in and out. Times are
wall-clock times; the last column is the processor time of the decision itself, which other programs on the machine do
not affect."""


@section("decision")
def decision(quick: bool) -> Section:
    """Latency of one decision by way and K."""
    with tempfile.TemporaryDirectory() as folder:
        path = None
        if not quick:
            run("gradient-general", 10)
            path = Path(folder) / "policy.npz"
            export_run(FOLDER / "gradient-general", path)
        rows = measure(path, (6,) if quick else DEVICES, 200 if quick else 5000)
    cells = [
        (row["way"], str(row["devices"]), *(f"{row[key]:.3f}" for key in ("p50_ms", "p99_ms", "max_ms", "cpu_p99_ms")))
        for row in rows
    ]
    checks = [
        verdict(f"{row['way']}, K = 100, p99 [ms]", row["p99_ms"], 2.0)
        for row in rows
        if row["devices"] == 100 and row["way"] != "jax"
    ]
    header = ("way", "K", "median [ms]", "p99 [ms]", "longest [ms]", "p99 of CPU time [ms]")
    versions = {name: version(name) for name in ("numpy", "onnxruntime")}
    return Section("Decision latency", TEXT, [Listing("A decision", header, cells, rows)], checks, versions)
