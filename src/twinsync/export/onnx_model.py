"""A policy as an ONNX model: from distances and data sizes in SI units to the allocation, scenario constants included.

The computation is that of `twinsync.runtime`, in float32. Every constant that the policy depends on is an optional
input whose default is the training scenario's value (an initializer of the same name).
"""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from twinsync.errors import InputError, install
from twinsync.runtime.encoding import (
    GIVEN_PHI,
    LEAST_GAIN,
    LEAST_GROUP,
    LEAST_SPAN,
    LEAST_UNSCALED_GAIN,
    MBIT,
    group_names,
)
from twinsync.runtime.policy import SHARE_LOGIT_SCALE, RuntimePolicy

OPSET, IR_VERSION = 17, 8  # old enough for any ONNX Runtime since 1.12
CARD_KEY = "twinsync.card"
INPUTS = {
    "distance_m": "distance to the base station [m]",
    "data_bits": "data sensed in the slot [bit]",
    "channel_gain": "channel power gain |g|^2",
    "given_phi": "extraction factor, not chosen by this policy",
}
OUTPUTS = {
    "extraction_factor": "share of the data that is sent",
    "device_cpu_hz": "CPU frequency of the device [Hz]",
    "transmit_power_w": "transmit power [W]",
    "edge_cpu_hz": "edge CPU frequency for the device [Hz]",
}


def onnx_bytes(policy: RuntimePolicy) -> bytes:
    """The model as the content of its file, checked. Raises `InputError` if the package `onnx` is missing."""
    try:
        import onnx
        from onnx import helper
    except ImportError:
        raise InputError(f"an .onnx file needs the package onnx: {install('onnx')}; or export .npz") from None
    graph = _Graph(policy)
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "twinsync_policy",
            [_tensor(name, graph.shape, INPUTS[name]) for name in graph.arrays]
            + [
                _tensor(name, [], "scenario constant; the default is the training scenario's") for name in policy.values
            ],
            [_tensor(name, graph.shape, text) for name, text in OUTPUTS.items()],
            graph.initializers,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="twinsync",
        doc_string="Allocation of one slot for every device; the card is in the metadata.",
    )
    helper.set_model_props(model, {CARD_KEY: json.dumps(policy.card, allow_nan=False)})
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def _tensor(name: str, shape: list[Any], text: str) -> Any:
    from onnx import TensorProto, helper

    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape, doc_string=text)


class _Graph:
    """Nodes and initializers of a policy's model. Methods append nodes and return the names of their results."""

    def __init__(self, policy: RuntimePolicy):
        self.policy, self.nodes, self.initializers = policy, [], []
        self.constants: dict[tuple[str, bytes], str] = {}
        self.interface = policy.interface
        self.arrays = ["distance_m", "data_bits"]
        self.arrays += ["channel_gain"] * (self.interface["observation"] == "csi")
        self.arrays += ["given_phi"] * (self.interface["extraction"] == "random")
        self.shape = ["batch", policy.device_count or "devices"]
        for name, value in policy.values.items():
            self.initial(name, np.asarray(value, np.float32))
        count = self.op("Gather", self.op("Shape", "distance_m"), self.constant(1, np.int64))
        self.devices = self.op("Cast", count, to=1)
        self.allocate(self.squash(self.network(self.groups())))

    def initial(self, name: str, array: np.ndarray) -> str:
        from onnx import numpy_helper

        self.initializers.append(numpy_helper.from_array(array, name))
        return name

    def constant(self, value: Any, dtype: Any = np.float32) -> str:
        array = np.asarray(value, dtype)
        key = (f"{array.dtype}{array.shape}", array.tobytes())
        if key not in self.constants:
            self.constants[key] = self.initial(f"constant_{len(self.constants)}", array)
        return self.constants[key]

    def op(self, kind: str, *inputs: str | float, name: str | None = None, **attributes: Any) -> str:
        """Append a node with one result; inputs that are numbers become constants."""
        from onnx import helper

        name = name or f"{kind.lower()}_{len(self.nodes)}"
        names = [part if isinstance(part, str) else self.constant(part) for part in inputs]
        self.nodes.append(helper.make_node(kind, names, [name], **attributes))
        return name

    def product(self, *parts: str | float, over: tuple[str, ...] = ()) -> str:
        """The product of `parts`, divided by each of `over`, evaluated from left to right."""
        result = parts[0] if isinstance(parts[0], str) else self.constant(parts[0])
        for part in parts[1:]:
            result = self.op("Mul", result, part)
        for part in over:
            result = self.op("Div", result, part)
        return result

    def groups(self) -> list[str]:
        distance = self.op("Max", "distance_m", "distance_floor_m")
        encode = {"affine": self.affine, "unscaled": self.unscaled, "physical": self.physical}
        groups = encode[self.interface["encoding"]](distance)
        if GIVEN_PHI in group_names(self.interface):
            low = "extraction_factor_min"
            span = self.op("Max", self.op("Sub", 1.0, low), LEAST_SPAN)
            share = self.op("Div", self.op("Sub", "given_phi", low), span)
            groups.append(self.op("Sub", self.op("Mul", share, 2.0), 1.0))
        return groups

    def affine(self, distance: str) -> list[str]:
        squares = [self.op("Mul", x, x) for x in ("start_x_m", "start_y_m", "station_height_m")]
        centre = self.op("Sqrt", self.op("Add", self.op("Add", squares[0], squares[1]), squares[2]))
        walk = self.product(0.5, "speed_mean_m_s", "cycle_s")
        spread = self.op("Add", self.op("Add", "start_radius_m", walk), "distance_floor_m")
        middle = self.op("Mul", self.op("Add", "data_min_bits", "data_max_bits"), 0.5)
        width = self.op("Mul", self.op("Sub", "data_max_bits", "data_min_bits"), 0.5)
        half = self.op("Max", width, self.op("Mul", middle, 0.01))
        groups = [
            self.op("Div", self.op("Sub", distance, centre), spread),
            self.op("Div", self.op("Sub", "data_bits", middle), half),
        ]
        if "channel_gain" in self.arrays:
            far = self.op("Max", centre, "distance_floor_m")
            typical = self.op("Div", "reference_gain", self.op("Pow", far, "path_loss_exponent"))
            ratio = self.op("Max", self.op("Div", "channel_gain", typical), LEAST_GAIN)
            groups.append(self.op("Div", self.op("Log", ratio), math.log(10.0)))
        return groups

    def unscaled(self, distance: str) -> list[str]:
        groups = [distance, self.op("Div", "data_bits", MBIT)]
        if "channel_gain" in self.arrays:
            gain = self.op("Max", "channel_gain", LEAST_UNSCALED_GAIN)
            groups.append(self.op("Div", self.op("Log", gain), math.log(10.0)))
        return groups

    def physical(self, distance: str) -> list[str]:
        slot_s = self.op("Div", "cycle_s", "slot_count")
        signal = self.op("Div", "transmit_power_max_w", "noise_power_w")
        if "channel_gain" in self.arrays:
            first = self.op("Mul", "channel_gain", signal)
        else:
            mean_gain = self.op("Div", "reference_gain", self.op("Pow", distance, "path_loss_exponent"))
            first = self.op("Mul", mean_gain, signal)
        cycles = self.op("Mul", "data_bits", "cycles_per_bit")
        # In this order no product exceeds float32's range.
        loaded = self.product(
            "capacitance", "device_cpu_max_hz", cycles, "device_cpu_max_hz", over=("energy_budget_j",)
        )
        sent = self.product("transmit_power_max_w", slot_s, over=("energy_budget_j",))
        groups = (
            first,
            self.product("data_bits", self.devices, over=("bandwidth_hz", slot_s)),
            self.product(cycles, over=("device_cpu_max_hz", slot_s)),
            self.product(cycles, self.devices, over=("edge_cpu_max_hz", slot_s)),
            loaded,
            self.op("Expand", sent, self.op("Shape", "data_bits")),
            self.op("Expand", "extraction_factor_min", self.op("Shape", "data_bits")),
        )
        return [self.op("Log", self.op("Max", group, LEAST_GROUP)) for group in groups]

    def network(self, groups: list[str]) -> list[str]:
        """Mean actions [batch, devices], one per decision."""
        flat = self.policy.card["architecture"] == "flat"
        decisions = 4 if self.interface["extraction"] == "chosen" else 3
        last = self.constant([-1], np.int64)
        if flat:
            x = self.op("Concat", *groups, axis=-1)
        else:
            x = self.op("Concat", *(self.op("Unsqueeze", group, last) for group in groups), axis=-1)
        if self.policy.centre is not None and self.policy.spread is not None:
            x = self.op("Div", self.op("Sub", x, self.initial("centre", self.policy.centre)),
                        self.initial("spread", self.policy.spread))  # fmt: skip
        for i, layer in enumerate(self.policy.layers):
            y = self.op("MatMul", x, self.initial(f"weight_{i}", layer.weight))
            shift = self.initial(f"bias_{i}", layer.bias)
            if layer.pooled is not None:
                mean = self.op("ReduceMean", x, axes=[-2], keepdims=1)
                shift = self.op("Add", self.op("MatMul", mean, self.initial(f"pooled_{i}", layer.pooled)), shift)
            y = self.op("Add", y, shift)
            x = y if i == len(self.policy.layers) - 1 else self.op("Relu", y)
        if not flat:
            return [self.op("Gather", x, self.constant(i, np.int64), axis=-1) for i in range(decisions)]
        count = self.policy.card["device_count"]
        return [
            self.op("Slice", x, *(self.constant([n], np.int64) for n in (i * count, (i + 1) * count, -1)))
            for i in range(decisions)
        ]

    def squash(self, means: list[str]) -> list[str]:
        if self.policy.card["squash"] == "tanh":
            return [self.op("Tanh", mean) for mean in means]
        return [self.op("Clip", mean, -1.0, 1.0) for mean in means]

    def allocate(self, action: list[str]) -> None:
        device, power, edge = action[-3:]
        extraction = self.interface["extraction"]
        if extraction == "chosen":
            self.from_unit("extraction_factor", action[0], "extraction_factor_min", 1.0)
        elif extraction == "none":
            self.op("Expand", 1.0, self.op("Shape", "data_bits"), name="extraction_factor")
        else:
            self.op("Identity", "given_phi", name="extraction_factor")
        self.from_unit("device_cpu_hz", device, "device_cpu_min_hz", "device_cpu_max_hz")
        self.from_unit("transmit_power_w", power, "transmit_power_min_w", "transmit_power_max_w")
        if self.interface["edge_cpu"] == "requests":
            self.from_unit("edge_cpu_hz", edge, "edge_cpu_min_hz", "edge_cpu_max_hz")
            return
        share = self.op("Softmax", self.op("Mul", edge, SHARE_LOGIT_SCALE), axis=-1)
        free = self.op("Sub", "edge_cpu_max_hz", self.op("Mul", self.devices, "edge_cpu_min_hz"))
        self.op("Add", self.op("Mul", free, share), "edge_cpu_min_hz", name="edge_cpu_hz")

    def from_unit(self, name: str, x: str, low: str, high: str | float) -> None:
        share = self.op("Mul", self.op("Add", x, 1.0), 0.5)
        above = self.op("Mul", share, high)
        below = self.op("Mul", self.op("Sub", 1.0, share), low)
        self.op("Min", self.op("Max", self.op("Add", below, above), low), high, name=name)
