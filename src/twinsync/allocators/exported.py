"""Exported policies as allocators: files that `twinsync export` writes, run exactly as on an edge server."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from twinsync.allocators.protocol import Allocator
from twinsync.arrays import Key
from twinsync.environment.interface import Sight, draw_phi
from twinsync.errors import InputError
from twinsync.model.slot import Allocation
from twinsync.runtime import OutsideTraining, RuntimePolicy, load_policy
from twinsync.runtime.constants import entering
from twinsync.runtime.files import parse_card
from twinsync.scenario import Scenario

SUFFIXES = (".npz", ".onnx")


class NumpyPolicy:
    """An `.npz` file as an allocator, run by NumPy. Takes the constants that it depends on from the scenario."""

    def __init__(self, policy: RuntimePolicy) -> None:
        self.policy = policy
        self.card = policy.card
        self.observation = str(policy.interface["observation"])

    def __call__(self, scenario: Scenario, sight: Sight, key: Key) -> Allocation:
        """Decide for every slot of the batch."""
        known = {name: float(getattr(scenario, name)) for name in self.policy.values}
        gain, phi = _inputs(self.card, scenario, sight, key)
        with warnings.catch_warnings():  # the evaluation itself warns, once for all slots
            warnings.simplefilter("ignore", OutsideTraining)
            decision = self.policy.decide(np.asarray(sight.distance_m), np.asarray(sight.data_bits), gain, phi, **known)
        return Allocation(*decision[:4])


class OnnxPolicy:
    """An `.onnx` file as an allocator, run by ONNX Runtime in float32.

    Raises `InputError` if ONNX Runtime is missing or the file is not an exported policy.
    """

    def __init__(self, path: Path) -> None:
        try:
            import onnxruntime
        except ModuleNotFoundError:
            raise InputError(f"{path}: ONNX Runtime is not installed; pip install onnxruntime") from None
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # otherwise it warns that each optional constant is not folded
        try:
            self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
            card = self._session.get_modelmeta().custom_metadata_map["twinsync.card"]
        except KeyError:
            raise InputError(f"{path}: not a policy written by `twinsync export`: it has no card") from None
        except Exception as error:  # ONNX Runtime's exception classes are not public
            reason = " ".join(str(error).split())
            raise InputError(f"{path}: not a complete ONNX model ({reason:.120}); export it again") from None
        self.card = parse_card(path, card)
        self.observation = str(self.card["interface"]["observation"])

    def __call__(self, scenario: Scenario, sight: Sight, key: Key) -> Allocation:
        """Decide for every slot of the batch."""
        gain, phi = _inputs(self.card, scenario, sight, key)
        shape = np.shape(sight.data_bits)
        arrays = {
            "distance_m": sight.distance_m, "data_bits": sight.data_bits, "channel_gain": gain, "given_phi": phi,
        }  # fmt: skip
        feed = {
            name: np.asarray(values, np.float32).reshape(-1, shape[-1])
            for name, values in arrays.items()
            if values is not None
        }
        names = entering(self.card["interface"])
        feed |= {name: np.asarray(getattr(scenario, name), np.float32) for name in names}
        decisions = self._session.run(None, feed)
        phi, device, power, edge = (np.asarray(values, np.float64).reshape(shape) for values in decisions)
        return Allocation(phi, device, power, edge)


def exported_policy(path: Path) -> NumpyPolicy | OnnxPolicy:
    """The policy in an exported .npz or .onnx file. Raises `InputError` for any other or damaged file."""
    if path.suffix == ".npz":
        return NumpyPolicy(load_policy(path))
    if not path.is_file():
        raise InputError(f"{path}: no such file; write it with `twinsync export RUN_DIR --out {path}`")
    return OnnxPolicy(path)


def check_devices(name: str, allocator: Allocator, scenario: Scenario) -> None:
    """Raise `InputError` if an exported policy serves only a number of devices other than the scenario's.

    `name` is what the message calls it.
    """
    count = getattr(allocator, "card", {}).get("device_count", "any")
    if count not in ("any", scenario.device_count):
        raise InputError(
            f"{name}: trained for device_count = {count}, the scenario has {scenario.device_count}; "
            f"train one with --set device_count={scenario.device_count}"
        )


def _inputs(card: Mapping[str, Any], scenario: Scenario, sight: Sight, key: Key) -> tuple[Any, Any]:
    """Channel gain and given phi, each None if the policy does not take it."""
    interface = card["interface"]
    gain = np.asarray(sight.channel_gain) if interface["observation"] == "csi" else None
    random = interface["extraction"] == "random"
    return gain, np.asarray(draw_phi(key, scenario, np.shape(sight.data_bits))) if random else None
