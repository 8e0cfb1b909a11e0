"""Sections III-C and III-D: semantic extraction on the UD, recovery on the edge server, eqs. (7) to (9) and (14).

The paper gives a power law for the workload, without measurements behind it. `workload_law` selects the law:

- `power`: extraction phi^-x, recovery phi^(1-y), as printed;
- `constant`: the same work at every phi;
- `piecewise`: a measured law, linear in log-log between the scenario's knots, with corners rounded over about 2 % of
  phi so that it is differentiable.
"""

from __future__ import annotations

import itertools

import jax
import jax.numpy as jnp

from twinsync.arrays import Array, Float, Scalar
from twinsync.errors import InputError
from twinsync.scenario import Scenario

CORNER_WIDTH = 0.01  # width of a piecewise law's rounded corners, in ln(phi)


def log_work(log_phi: Float[Array, "*b"], scenario: Scenario) -> tuple[Float[Array, "*b"], Float[Array, "*b"]]:
    """Natural logarithms of the extraction and recovery work per bit of raw data, in units of C cycles, at ln(phi).

    Raises `InputError` for an unknown workload law.
    """
    if scenario.workload_law == "power":
        return -scenario.extraction_exponent * log_phi, (1.0 - scenario.recovery_exponent) * log_phi
    if scenario.workload_law == "constant":
        return jnp.zeros_like(log_phi), jnp.zeros_like(log_phi)
    if scenario.workload_law == "piecewise":
        return _piecewise(log_phi, scenario, 1), _piecewise(log_phi, scenario, 2)
    raise InputError(f"workload_law = {scenario.workload_law!r} has no formula; known: power, constant, piecewise")


def _piecewise(log_phi: Float[Array, "*b"], scenario: Scenario, column: int) -> Float[Array, "*b"]:
    """The first segment's line, plus a rounded hinge at each inner knot that changes the slope."""
    points, slopes = _segments(scenario, column)
    line = points[0][1] + slopes[0] * (log_phi - points[0][0])
    for point, (before, after) in zip(points[1:-1], itertools.pairwise(slopes), strict=True):
        line = line + (after - before) * CORNER_WIDTH * jax.nn.softplus((log_phi - point[0]) / CORNER_WIDTH)
    return line


def corner_dips(log_phi: Float[Array, "*b"], scenario: Scenario) -> tuple[Float[Array, "*b"], Float[Array, "*b"]]:
    """How far the rounding of downward corners lowers `log_work` of a piecewise law, for extraction and recovery.

    Between two knots, log_work plus its dip is convex in ln(phi): a straight line and the tails of upward corners.
    """
    return _dip(log_phi, scenario, 1), _dip(log_phi, scenario, 2)


def _dip(log_phi: Float[Array, "*b"], scenario: Scenario, column: int) -> Float[Array, "*b"]:
    points, slopes = _segments(scenario, column)
    dip = jnp.zeros_like(log_phi)
    for point, (before, after) in zip(points[1:-1], itertools.pairwise(slopes), strict=True):
        tail = CORNER_WIDTH * jnp.log1p(jnp.exp(-jnp.abs(log_phi - point[0]) / CORNER_WIDTH))
        dip = dip + jnp.maximum(before - after, 0.0) * tail
    return dip


def _segments(scenario: Scenario, column: int) -> tuple[list[tuple[Array, Array]], list[Array]]:
    """The knots (ln phi, ln work) of one of the two works, and the slopes between them."""
    points = [(jnp.log(row[0]), jnp.log(row[column])) for row in scenario.workload_knots]
    return points, [(b[1] - a[1]) / (b[0] - a[0]) for a, b in itertools.pairwise(points)]


def extraction_workload_bits(
    data_bits: Float[Array, "*b K"], extraction_factor: Float[Array, "*b K"], scenario: Scenario
) -> Float[Array, "*b K"]:
    """Computational demand of extraction lambda_k, eq. (7) [bit to process]."""
    return data_bits * jnp.exp(log_work(jnp.log(extraction_factor), scenario)[0])


def recovery_workload_bits(
    data_bits: Float[Array, "*b K"], extraction_factor: Float[Array, "*b K"], scenario: Scenario
) -> Float[Array, "*b K"]:
    """Computational demand of recovery, D phi / phi^y in eq. (14) [bit to process]."""
    return data_bits * jnp.exp(log_work(jnp.log(extraction_factor), scenario)[1])


def compute_latency_s(
    workload_bits: Float[Array, "*b K"], cpu_hz: Float[Array, "*b K"], cycles_per_bit: Scalar
) -> Float[Array, "*b K"]:
    """Time to process a workload [s]: eq. (8) for extraction on the UD's CPU, eq. (14) for recovery on its edge CPU."""
    return cycles_per_bit * workload_bits / cpu_hz


def extraction_energy_j(
    workload_bits: Float[Array, "*b K"], device_cpu_hz: Float[Array, "*b K"], scenario: Scenario
) -> Float[Array, "*b K"]:
    """Energy of extraction, eq. (9) [J]."""
    # This grouping keeps every product within float32's range, which C lambda f^2 may exceed and k_loc is close to.
    return (scenario.cycles_per_bit * workload_bits) * (scenario.capacitance * device_cpu_hz) * device_cpu_hz
