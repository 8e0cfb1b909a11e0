"""Learning settings: `key=value` texts in, one clear line for what cannot work; Table III's values pinned."""

from __future__ import annotations

import dataclasses

import pytest

from twinsync.learning.presets import PPO_TUNED, PRESETS, SAC_TUNED, TUNED_REASONS
from twinsync.learning.settings import PpoSettings, SacSettings, deciding
from twinsync.learning.validation import check_settings, override


def test_table_three() -> None:
    # As printed: 20 epochs of 5000 steps, memory 10^6, learning rate 10^-4, gamma 0.99, target frequency 320.
    paper = SacSettings()
    assert paper.slots == 20 * 5000
    assert (paper.batch_size, paper.buffer_size, paper.target_period) == (256, 10**6, 320)
    assert (paper.learning_rate, paper.discount) == (1e-4, 0.99)


def test_texts_become_values_of_the_field_s_kind() -> None:
    changed = override(SacSettings(), {"slots": "500", "learning_rate": "1e-3", "hidden": "32,16", "target": "soft"})
    assert (changed.slots, changed.learning_rate, changed.hidden, changed.target) == (500, 1e-3, (32, 16), "soft")
    assert (
        dataclasses.replace(changed, slots=100_000, learning_rate=1e-4, hidden=(256, 256), target="hard")
        == SacSettings()
    )


def test_unknown_setting(complains) -> None:
    with complains("learnig_rate", "learning_rate", "batch_size"):
        override(SacSettings(), {"learnig_rate": "1"})
    with complains("target_period"):  # SAC's own
        override(PpoSettings(), {"target_period": "3"})


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        ("slots", "many", "int"),
        ("slots", "1.5", "int"),
        ("learning_rate", "fast", "float"),
        ("hidden", "64;64", "widths"),
        ("hidden", "64,", "widths"),
    ],
)
def test_value_of_the_wrong_kind(complains, key: str, text: str, expected: str) -> None:
    with complains(key, text, expected):
        override(SacSettings(), {key: text})


@pytest.mark.parametrize(
    ("settings", "key", "text"),
    [
        (SacSettings(), "slots", "0"),
        (SacSettings(), "batch_size", "-1"),
        (SacSettings(), "parallel_slots", "0"),
        (SacSettings(), "updates_per_step", "0"),
        (SacSettings(), "buffer_size", "0"),
        (SacSettings(), "target_period", "0"),
        (SacSettings(), "warmup_slots", "-1"),
        (SacSettings(), "warmup_slots", "100000"),  # as many as slots
        (SacSettings(), "discount", "1.0"),
        (SacSettings(), "discount", "-0.1"),
        (SacSettings(), "discount", "nan"),
        (SacSettings(), "learning_rate", "0"),
        (SacSettings(), "learning_rate", "inf"),
        (SacSettings(), "learning_rate", "nan"),
        (SacSettings(), "initial_alpha", "0"),
        (SacSettings(), "target_rate", "1.5"),
        (SacSettings(), "entropy_per_decision", "nan"),
        (SacSettings(), "learning_rate_end", "-0.1"),
        (SacSettings(), "hidden", "64,0"),
        (SacSettings(), "critic_reward", "each"),
        (SacSettings(), "critic_reward", "devices"),  # with a flat critic
        (SacSettings(), "critics", "0"),
        (SacSettings(), "critics", "3"),
        (SacSettings(), "critic_activation", "gelu"),
        (SacSettings(), "entropy_drop", "-1"),
        (SacSettings(), "target", "gentle"),
        (SacSettings(), "architecture", "sets"),
        (SacSettings(), "observation", "all"),
        (SacSettings(), "edge_cpu", "share"),
        (SacSettings(), "extraction", "some"),
        (SacSettings(), "cycle_end", "never"),
        (PpoSettings(), "rollout_slots", "0"),
        (PpoSettings(), "passes", "0"),
        (PpoSettings(), "clip", "0"),
        (PpoSettings(), "gae_decay", "1.1"),
        (PpoSettings(), "gradient_clip", "0"),
        (PpoSettings(), "value_weight", "-1"),
        (PpoSettings(), "batch_size", "100"),  # 2048 is not a multiple of it
        (PpoSettings(), "parallel_slots", "3"),
        (PpoSettings(), "batch_size", "1"),
        (PpoSettings(), "initial_weights", "zero"),
    ],
)
def test_impossible_values(complains, settings, key: str, text: str) -> None:
    with complains(key):
        override(settings, {key: text})


@pytest.mark.parametrize("pair", sorted(PRESETS))
def test_presets_can_work(pair: tuple[str, str]) -> None:
    check_settings(PRESETS[pair])
    assert PRESETS[pair].algorithm == pair[0]


@pytest.mark.parametrize(("tuned", "paper"), [(SAC_TUNED, SacSettings()), (PPO_TUNED, PpoSettings())])
def test_every_tuned_setting_has_its_reason(tuned, paper) -> None:
    changed = {
        item.name for item in dataclasses.fields(paper) if getattr(tuned, item.name) != getattr(paper, item.name)
    }
    assert changed - {"warmup_slots"} <= set(TUNED_REASONS)


@pytest.mark.parametrize("kind", [SacSettings, PpoSettings])
def test_every_setting_says_what_it_is(kind) -> None:
    for item in dataclasses.fields(kind):
        assert item.metadata["meaning"], item.name
        assert item.metadata["source"], item.name
        assert item.metadata["tag"] in ("stated", "derived", "assumed", "convention"), item.name


def test_reward_scale_is_a_choice() -> None:
    # As (22) has it, or divided by 10 K: a reward of -150 at K = 6 is then -2.5.
    assert SacSettings(reward_scale="none").reward_factor(6) == 1.0
    assert -150.0 * PpoSettings().reward_factor(6) == pytest.approx(-2.5)


def test_the_encoding_of_the_state_is_a_choice() -> None:
    assert SacSettings(encoding="unscaled").interface.encoding == "unscaled"
    assert override(PpoSettings(), {"encoding": "physical"}).interface.encoding == "physical"


def test_stored_results_stay_those_of_their_settings() -> None:
    # Later additions do not change a result's identity while they have the earlier behaviour.
    before = deciding(SacSettings())
    later = {"reward_scale", "encoding", "initial_weights", "entropy_drop", "critics", "critic_activation"}
    assert later.isdisjoint(before)
    assert before["target_period"] == 320
    assert deciding(SacSettings(reward_scale="none")) == {**before, "reward_scale": "none"}


def test_results_of_ppo_with_other_initial_weights_are_other_results() -> None:
    # PPO's results were stored before the setting existed, with weights that are no longer the default.
    assert deciding(PpoSettings())["initial_weights"] == "orthogonal"
