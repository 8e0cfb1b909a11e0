import jax
import numpy as np
import pytest

from twinsync.errors import InputError
from twinsync.experiments.claims.sensitivity import sensitivity
from twinsync.experiments.claims.verdicts import HOLDS
from twinsync.experiments.evaluate import RawEvaluation, RawScheme
from twinsync.experiments.metrics import ENERGY_PARTS, LATENCY_PARTS
from twinsync.experiments.records import Measured
from twinsync.presets import load_preset

MODULE = "twinsync.experiments.claims.sensitivity"


def fake(scenario, allocators, *, slots, seeds, seed):
    """Latency laws instead of solvers: K^2 D phi_min / f_u, and no use of f_u where the exponent is above 3."""
    schemes = {}
    for place, name in enumerate(allocators):
        speed = 1e9 if scenario.path_loss_exponent > 3 else scenario.device_cpu_max_hz
        phi = scenario.extraction_factor_min
        mean = scenario.device_count**2 * scenario.data_max_bits * phi / speed * (1 + 0.5 * place)
        values = mean * (1 + 0.001 * np.arange(seeds))[None, :, None] * np.ones((1, seeds, slots))
        parts = {f"{part}_latency_s": values.mean(-1) / 4 for part in LATENCY_PARTS}
        energies = {f"{part}_energy_j": values.mean(-1) for part in ENERGY_PARTS}
        fields = Measured.__struct_fields__
        others = fields[fields.index("penalty") : fields.index("sent_bits")]
        means = {"latency_s": values.mean(-1), "cost": values.mean(-1), "sent_bits": values.mean(-1), **parts}
        means |= energies | {name: np.zeros((1, seeds)) for name in others}
        schemes[name] = RawScheme(values, values, means)
    return RawEvaluation(load_preset().scenario, slots, seeds, seed, schemes, None, "none")


@pytest.fixture(scope="module")
def analysed():
    calls = []

    def counted(scenario, allocators, **sizes):
        calls.append(scenario)
        return fake(scenario, allocators, **sizes)

    varied = {
        "path_loss_exponent": (2.0, 3.5),
        "extraction_factor_min": (0.1,),
        "edge_cpu_min_hz": (5e9,),
        "bandwidth_hz": (1e6,),
    }
    told = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"{MODULE}.evaluate", counted)
        result = sensitivity(slots=8, varied=varied, progress=lambda what, done, total: told.append((done, total)))
    return result, calls, told


def test_a_flip_is_found_and_named(analysed):
    result, _, _ = analysed
    base = {check.claim: check for check in result.base}
    assert base["fig7-fall"].holds
    flips = {(row.constant, row.value, row.claim) for row in result.rows if row.flips}
    assert flips == {("path_loss_exponent", 3.5, "fig7-fall"), ("path_loss_exponent", 3.5, "fig7-extraction")}
    row = next(row for row in result.rows if row.flips)
    assert (row.tag, row.text) == ("assumed", "3.5")
    assert row.verdict != HOLDS


def test_an_axis_is_not_run_against_itself(analysed):
    result, _, _ = analysed
    claims = {row.claim for row in result.rows if row.constant == "extraction_factor_min"}
    assert "fig4-rise" in claims
    assert not any(claim.startswith("fig6") for claim in claims)


def test_claims_between_learners_are_left_out(analysed):
    keys = {check.claim for check in analysed[0].base}
    assert "fig6-rise" in keys
    assert not keys & {"fig6-below-ppo", "abstract-ppo", "fig3-sac-highest"}


def test_what_cannot_or_need_not_be_varied_is_told_why(analysed):
    left_out = {row.constant: row.why for row in analysed[0].not_varied}
    assert left_out["bandwidth_hz"] == "stated, not assumed"
    assert "exceeds paper: edge_cpu_max_hz" in left_out["edge_cpu_min_hz"]
    assert "fading" in left_out["fading_blocks"]


def test_each_point_is_evaluated_once(analysed):
    _, calls, told = analysed
    # 3 + 3 + 3 + 3 points of the axes meet at the scenario's own, and threshold 0.3 is it: 8 a run of all four axes
    # (base, two exponents), 7 without Fig. 6.
    assert len(calls) == 3 * 8 + 7
    assert told[0] == (0, 4)
    assert told[-1] == (4, 4)


def test_numbers_reach_the_evaluation_as_arrays(analysed):
    leaves = jax.tree.leaves(analysed[1][0])
    assert all(isinstance(leaf, np.floating) for leaf in leaves)
    assert analysed[1][0].sensing_rate_bps is not None


def test_an_unknown_scenario_is_refused():
    with pytest.raises(InputError, match="neither a preset"):
        sensitivity("papier")
