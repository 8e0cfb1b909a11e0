"""The evaluation's design: the same slots for every scheme, every policy on every set, faulty allocators named."""

from collections.abc import Callable

import jax
import numpy as np
import pytest

from twinsync.allocators.heuristics import EqualShare, Random
from twinsync.allocators.optimum import Optimum as OptimumAllocator
from twinsync.allocators.optimum import Solution
from twinsync.environment.interface import Sight
from twinsync.errors import InputError
from twinsync.experiments import evaluate as module
from twinsync.experiments.evaluate import draw_slot_set, evaluate
from twinsync.model import Allocation, Slot
from twinsync.scenario import Scenario
from twinsync.streams import root_key


@pytest.fixture
def cheap_optimum(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for the exact solver, which has tests of its own: these ones are about the design."""

    def solve(scenario: Scenario, slot: Slot) -> Solution:
        sight = Sight(slot.distance_m, slot.data_bits)
        decided = jax.device_get(EqualShare()(scenario, sight, root_key(0)))
        cost = np.ones(slot.data_bits.shape[:-1])
        return Solution(decided, cost, cost, cost)

    monkeypatch.setattr(module, "solve", solve)


class Recorder:
    """Decides like equal-share and keeps what it saw."""

    def __init__(self, observation: str = "paper", power: float = 1.0) -> None:
        self.observation, self.power, self.seen = observation, power, []

    def __call__(self, scenario: Scenario, sight: Sight, key: jax.Array) -> Allocation:
        self.seen.append((sight, jax.random.key_data(key)))
        given = EqualShare()(scenario, sight, key)
        power = np.asarray(given.transmit_power_w) * self.power
        return Allocation(given.extraction_factor, given.device_cpu_hz, power, given.edge_cpu_hz)


def test_every_policy_decides_the_same_slots_in_float64(scenario: Scenario, cheap_optimum: None) -> None:
    plain, knowing, second = Recorder(), Recorder("csi"), Recorder()
    evaluation = evaluate(scenario, {"a": [plain], "b": [knowing, second]}, slots=30, seeds=2, seed=9)
    assert len(plain.seen) == len(knowing.seen) == len(second.seen) == 2
    for index in range(2):
        slot, _ = draw_slot_set(scenario, 9, index, 30)
        for recorder in (plain, knowing, second):
            sight, _ = recorder.seen[index]
            np.testing.assert_array_equal(sight.data_bits, slot.data_bits)
            np.testing.assert_allclose(sight.distance_m, slot.distance_m, rtol=1e-14)
            assert sight.data_bits.dtype == np.float64
        assert plain.seen[index][0].channel_gain is None
        np.testing.assert_allclose(knowing.seen[index][0].channel_gain, slot.channel_gain)
        np.testing.assert_array_equal(plain.seen[index][1], second.seen[index][1])
    assert not np.array_equal(plain.seen[0][0].data_bits, plain.seen[1][0].data_bits)
    assert evaluation.schemes["a"].cost.shape == (1, 2, 30)
    assert evaluation.schemes["b"].cost.shape == (2, 2, 30)
    np.testing.assert_array_equal(evaluation.schemes["a"].cost[0], evaluation.schemes["b"].cost[1])
    assert evaluation.optimum is not None
    np.testing.assert_array_equal(evaluation.optimum.cost, evaluation.schemes["a"].cost[0])  # the stand-in's allocation


def test_a_seed_repeats_and_another_one_does_not(scenario: Scenario, cheap_optimum: None) -> None:
    runs = [evaluate(scenario, {"random": [Random()]}, slots=5, seeds=2, seed=seed) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(runs[0].schemes["random"].cost, runs[1].schemes["random"].cost)
    assert not np.array_equal(runs[0].schemes["random"].cost, runs[2].schemes["random"].cost)


def test_more_sets_leave_the_first_ones_as_they_were(scenario: Scenario, cheap_optimum: None) -> None:
    two, three = (evaluate(scenario, {"random": [Random()]}, slots=5, seeds=m, seed=1) for m in (2, 3))
    np.testing.assert_array_equal(two.schemes["random"].cost, three.schemes["random"].cost[:, :2])


def test_units_rows_hold_every_policy_and_set(scenario: Scenario, cheap_optimum: None) -> None:
    policies = [Recorder(), Recorder(power=0.5)]
    evaluation = evaluate(scenario, {"a": [EqualShare()], "b": policies}, slots=5, seeds=2, seed=0)
    rows = evaluation.units_rows()
    places = [(row["allocator"], row["policy"], row["slot_set"]) for row in rows]
    assert places == [("a", 0, 0), ("a", 0, 1), ("b", 0, 0), ("b", 0, 1), ("b", 1, 0), ("b", 1, 1)]
    assert rows[5]["cost"] == pytest.approx(evaluation.schemes["b"].cost[1, 1].mean())
    assert rows[4]["transmit_power_w"] == pytest.approx(0.05)
    assert rows[2]["optimum_cost"] == pytest.approx(rows[0]["cost"])
    assert len({frozenset(row) for row in rows}) == 1


def test_progress_counts_to_the_end(scenario: Scenario, cheap_optimum: None) -> None:
    told: list[tuple[str, int, int]] = []
    evaluate(
        scenario,
        {"a": [EqualShare()], "b": [EqualShare()] * 2},
        slots=5,
        seeds=2,
        seed=0,
        progress=lambda what, done, total: told.append((what, done, total)),
    )
    assert [done for _, done, _ in told] == list(range(9))
    assert told[-1] == ("done", 8, 8)
    assert [what for what, _, _ in told[:4]] == ["optimum", "a", "b", "b"]


def test_no_optimum_is_a_note_not_a_crash(scenario: Scenario) -> None:
    blocks = scenario.replace(fading_blocks=2)
    evaluation = evaluate(blocks, {"equal": [EqualShare()]}, slots=5, seeds=2, seed=0)
    assert evaluation.optimum is None
    assert "fading_blocks" in evaluation.optimum_note
    assert "optimum_cost" not in evaluation.units_rows()[0]


def test_an_optimum_that_is_not_certified_is_not_called_one(
    scenario: Scenario, cheap_optimum: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    certified = module.solve

    def loose(scenario: Scenario, slot: Slot) -> Solution:
        solution = certified(scenario, slot)
        return solution._replace(lower_bound=solution.lower_bound * (1 - 2e-4))

    monkeypatch.setattr(module, "solve", loose)
    evaluation = evaluate(scenario, {"equal": [EqualShare()]}, slots=5, seeds=1, seed=0)
    assert evaluation.optimum is None
    assert "proven gap exceeds 0.0001" in evaluation.optimum_note


def faulty(change: Callable[[Allocation], object]) -> Callable:
    def own(scenario: Scenario, sight: Sight, key: jax.Array) -> object:
        return change(jax.device_get(EqualShare()(scenario, sight, key)))

    return own


def with_phi(phi: object) -> Callable[[Allocation], Allocation]:
    def change(given: Allocation) -> Allocation:
        changed = object.__new__(Allocation)  # past the shape checks, as it comes from a user's untyped code
        for name in ("device_cpu_hz", "transmit_power_w", "edge_cpu_hz", "codec"):
            object.__setattr__(changed, name, getattr(given, name))
        value = phi(np.array(given.extraction_factor)) if callable(phi) else phi
        object.__setattr__(changed, "extraction_factor", value)
        return changed

    return change


def poked(value: float) -> Callable[[np.ndarray], np.ndarray]:
    def poke(phi: np.ndarray) -> np.ndarray:
        phi[3, 4] = value
        return phi

    return poke


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (with_phi(lambda phi: phi[:, :1]), "extraction_factor has shape (5, 1), expected (5, 6)"),
        (with_phi(poked(np.nan)), "extraction_factor is nan at slot 3, device 4"),
        (with_phi(poked(np.inf)), "extraction_factor is inf at slot 3, device 4"),
        (with_phi(poked(0.0)), "extraction_factor is 0 at slot 3, device 4"),
        (with_phi(poked(-0.5)), "extraction_factor is -0.5 at slot 3, device 4"),
        (with_phi("half"), "extraction_factor is not an array of numbers but str"),
        (lambda given: given.extraction_factor, "returned ndarray, expected a twinsync.model.Allocation"),
        (lambda given: None, "returned NoneType"),
        (lambda given: given.speed, "raised AttributeError (test_evaluate.py, line"),
    ],
)
def test_a_faulty_allocator_is_named_with_its_fault(
    scenario: Scenario, cheap_optimum: None, change: Callable[[Allocation], object], fault: str
) -> None:
    with pytest.raises(InputError, match="allocator 'mine'") as caught:
        evaluate(scenario, {"good": [EqualShare()], "mine": [faulty(change)]}, slots=5, seeds=1, seed=0)
    assert fault in str(caught.value)


def test_a_fault_of_ours_is_not_blamed_on_the_user(
    scenario: Scenario, cheap_optimum: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: EqualShare, scenario: Scenario, sight: Sight, key: jax.Array) -> Allocation:
        raise RuntimeError("ours")

    monkeypatch.setattr(EqualShare, "__call__", broken)
    with pytest.raises(RuntimeError, match="ours"):
        evaluate(scenario, {"equal": [EqualShare()]}, slots=5, seeds=1, seed=0)


def test_the_exact_optimum_leaves_no_gap_to_itself(scenario: Scenario) -> None:
    pair = {"best": [OptimumAllocator()], "equal": [EqualShare()]}
    evaluation = evaluate(scenario.replace(device_count=2), pair, slots=2, seeds=1, seed=0)
    assert evaluation.optimum is not None
    np.testing.assert_allclose(evaluation.schemes["best"].cost[0], evaluation.optimum.cost, rtol=1e-12)
    assert (evaluation.optimum.relative_gap < 1e-4).all()
    assert (evaluation.schemes["equal"].cost[0] > evaluation.optimum.cost).all()
