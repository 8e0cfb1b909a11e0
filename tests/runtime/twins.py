"""Untrained policies of every kind, each in JAX and in the runtime's form, and slots to decide."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import onnxruntime

from twinsync.allocators.policy import Policy, blank_policy
from twinsync.environment import Interface, Sight, observe, to_allocation
from twinsync.export.card import policy_arrays, policy_card
from twinsync.runtime import RuntimePolicy
from twinsync.runtime.files import policy_of
from twinsync.scenario import Scenario, constants

PARTS = ("extraction_factor", "device_cpu_hz", "transmit_power_w", "edge_cpu_hz")


class Twins(NamedTuple):
    """One policy in both forms, and the scenario that its card names as that of its training."""

    trained: Policy
    runtime: RuntimePolicy
    scenario: Scenario


def make_twins(
    scenario: Scenario, face: Interface, architecture: str = "set", squash: str = "tanh", **facts: Any
) -> Twins:
    """Random weights with actions spread over [-1, 1], and biases and standardisation other than the defaults."""
    card = {
        "interface": dataclasses.asdict(face),
        "architecture": architecture,
        "device_count": scenario.device_count,
        "outputs": (2 if squash == "tanh" else 1) * face.decisions,
        "hidden": [16, 8],
        "squash": squash,
    }
    # Inputs that are not standardised would saturate larger weights.
    calm = (
        0.1 if face.encoding == "unscaled" else 0.5 if face.encoding == "physical" and architecture == "flat" else 1.0
    )
    rng = np.random.default_rng(3)

    def fill(leaf: Any) -> np.ndarray:
        limit = 0.3 if leaf.ndim == 1 else (3.0 / leaf.shape[0]) ** 0.5 * calm
        return rng.uniform(-limit, limit, leaf.shape).astype(np.float32)

    policy = jax.tree.map(fill, jax.eval_shape(lambda: blank_policy(card)))
    if policy.network.centre is not None:
        steps = tuple(np.linspace(*ends, face.features, dtype=np.float32) for ends in ((-2.0, 5.0), (0.3, 2.0)))
        policy = eqx.tree_at(lambda x: (x.network.centre, x.network.spread), policy, steps)
    values = {key: getattr(scenario, key) for key in constants()}
    return Twins(policy, policy_of(policy_card(policy, values, **facts), policy_arrays(policy)), scenario)


def slots(face: Interface, devices: int, batch: tuple[int, ...] = (3,), seed: int = 0) -> dict[str, np.ndarray]:
    """Arguments of `decide` for a policy with this interface."""
    rng, shape = np.random.default_rng(seed), (*batch, devices)
    distance = rng.uniform(20.0, 80.0, shape)
    given = {"distance_m": distance, "data_bits": rng.uniform(0.5e6, 0.9e6, shape)}
    if face.observation == "csi":
        given["channel_gain"] = 1e-3 * distance**-2.5 * rng.exponential(size=shape)
    if face.extraction == "random":
        given["given_phi"] = rng.uniform(0.3, 1.0, shape)
    return given


def reference(policy: Policy, scenario: Scenario, given: dict[str, Any]) -> dict[str, Any]:
    """The JAX policy's decision; call it with x64 enabled, so that only the network rounds to float32."""
    sight = Sight(given["distance_m"], given["data_bits"], given.get("channel_gain"))
    vector = jnp.asarray(observe(policy.interface, scenario, sight, given.get("given_phi")))
    action = policy.action(vector.astype(jnp.float32)).astype(vector.dtype)
    allocation = to_allocation(policy.interface, scenario, action, given.get("given_phi"))
    return {part: getattr(allocation, part) for part in PARTS}


def eagerly(policy: Policy, scenario: Scenario, given: dict[str, Any]) -> dict[str, np.ndarray]:
    """`reference` without compiling each kind of policy."""
    with jax.enable_x64(True), jax.disable_jit():
        return {part: np.asarray(value) for part, value in reference(policy, scenario, given).items()}


def assert_same(found: Any, expected: dict[str, Any], twins: Twins, **overrides: float) -> None:
    """Assert that decisions agree to within 1e-5, relative.

    A float32 action cannot resolve a CPU frequency or power near its lower bound, a hundredth of the upper or less, so
    finely; there they must agree to within a few roundings of the action.
    """
    scenario = twins.scenario.replace(**overrides)
    rounding = {
        "device_cpu_hz": 5e-7 * scenario.device_cpu_max_hz,
        "transmit_power_w": 5e-7 * scenario.transmit_power_max_w,
    }
    if twins.trained.interface.edge_cpu == "requests":
        rounding["edge_cpu_hz"] = 5e-7 * scenario.edge_cpu_max_hz
    for part in PARTS:
        values = found[part] if isinstance(found, dict) else getattr(found, part)
        np.testing.assert_allclose(values, expected[part], rtol=1e-5, atol=rounding.get(part, 0.0), err_msg=part)


def open_onnx(content: bytes) -> onnxruntime.InferenceSession:
    """A session for a model's bytes, without ONNX Runtime's notes on optional constants."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def run_onnx(session: onnxruntime.InferenceSession, given: dict[str, Any], **constants: float) -> dict[str, np.ndarray]:
    """The model's decision."""
    inputs = {name: np.asarray(value, np.float32) for name, value in {**given, **constants}.items()}
    return dict(zip(PARTS, session.run(list(PARTS), inputs), strict=True))
