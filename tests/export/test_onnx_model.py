"""The ONNX model: constants as optional inputs, axes of any length, the card inside.

Its decisions are tested together with those of the runtime, for every kind of policy.
"""

from __future__ import annotations

import json
import sys

import numpy as np
import onnx
import pytest
from tests.runtime.twins import Twins, assert_same, make_twins, open_onnx, run_onnx, slots

from twinsync.environment import Interface
from twinsync.export.onnx_model import CARD_KEY, onnx_bytes


@pytest.fixture(scope="module")
def general(scenario) -> Twins:
    return make_twins(scenario, Interface("csi", "shares", "chosen", "physical"), scores={"curve_cost": 21.5})


@pytest.fixture(scope="module")
def session(general):
    return open_onnx(onnx_bytes(general.runtime))


def _parts(decision) -> dict[str, np.ndarray]:
    return {name: value for name, value in decision._asdict().items() if name != "outside"}


@pytest.mark.parametrize(("devices", "batch"), [(1, 1), (2, 5), (6, 1), (100, 3)])
def test_any_k_any_batch_any_scenario(general, session, devices, batch) -> None:
    given = slots(general.trained.interface, devices, (batch,))
    constants = {"bandwidth_hz": 3e6, "edge_cpu_max_hz": 9e10, "capacitance": 0.0, "extraction_factor_min": 0.2}
    expected = _parts(general.runtime.decide(**given, **constants))
    assert_same(run_onnx(session, given, **constants), expected, general)


def test_every_constant_that_enters_is_an_optional_input(general, session) -> None:
    assert {x.name for x in session.get_inputs()} == {"distance_m", "data_bits", "channel_gain"}
    assert {x.name for x in session.get_overridable_initializers()} == set(general.runtime.values)
    assert [x.shape for x in session.get_outputs()] == [["batch", "devices"]] * 4


def test_a_flat_policy_keeps_its_k(scenario) -> None:
    session = open_onnx(onnx_bytes(make_twins(scenario, Interface(), "flat").runtime))
    assert [x.shape for x in session.get_inputs()] == [["batch", 6]] * 2


def test_the_card_is_inside_and_inputs_tell_their_units(general) -> None:
    model = onnx.load_from_string(onnx_bytes(general.runtime))
    (card,) = (json.loads(entry.value) for entry in model.metadata_props if entry.key == CARD_KEY)
    assert card == json.loads(json.dumps(general.runtime.card))
    assert card["scores"] == {"curve_cost": 21.5}
    assert "[bit]" in next(x.doc_string for x in model.graph.input if x.name == "data_bits")


def test_without_the_package_onnx(general, monkeypatch, complains) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with complains("needs the package onnx", ".[onnx]", ".npz"):
        onnx_bytes(general.runtime)
