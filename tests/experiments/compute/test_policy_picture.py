"""The picture of what schemes decide: which places are decided, and what is summarised over what."""

from __future__ import annotations

import numpy as np
import pytest

from twinsync.experiments.compute.policy_picture import policy_picture
from twinsync.model import Allocation


class Probe:
    """Decides phi from the first device's distance and, where it sees it, power from the channel; keeps its slots."""

    def __init__(self, observation: str, factor: float = 1.0) -> None:
        self.observation, self.factor = observation, factor
        self.seen = []

    def __call__(self, scenario, sight, key) -> Allocation:
        self.seen.append(sight)
        distance, data = np.asarray(sight.distance_m), np.asarray(sight.data_bits)
        power = 1e-3 * self.factor * np.ones_like(distance) if sight.channel_gain is None else sight.channel_gain
        return Allocation(distance / 1e3, data, power, np.full_like(distance, 1e9))


@pytest.fixture(scope="module")
def made(scenario):
    sees, blind = Probe("csi"), [Probe("paper"), Probe("paper", 3.0)]
    return policy_picture(scenario, {"sees": [sees], "blind": blind}, points=3, draws=8, batch=10), sees, blind


def test_one_device_moves_along_each_axis_and_the_others_stay(made, scenario) -> None:
    picture, _, (blind, _) = made
    assert len(blind.seen) == 1  # 2 axes of 3 places fit into a batch of 10
    distance, data = (np.asarray(values)[:6] for values in (blind.seen[0].distance_m, blind.seen[0].data_bits))
    assert np.all(distance[:, 1:] == picture.distance_m)
    assert np.all(data[:, 1:] == picture.data_bits)
    assert np.all(distance[3:, 0] == picture.distance_m)
    assert np.all(np.diff(distance[:3, 0]) > 0)
    assert list(data[3:, 0]) == [scenario.data_min_bits, picture.data_bits, scenario.data_max_bits]
    along, _ = (line for line in picture.lines if line.scheme == "blind")
    assert along.x == pytest.approx(distance[:3, 0])
    assert along.median["extraction_factor"] == pytest.approx(distance[:3, 0] / 1e3)


def test_who_sees_the_channel_is_summarised_over_draws_that_are_the_same_at_every_place(made) -> None:
    picture, sees, _ = made
    assert len(sees.seen) == 5  # 8 draws of 6 places, 10 slots at a time
    gains = np.concatenate([sight.channel_gain[:, 0] for sight in sees.seen])[:48].reshape(8, 2, 3)
    line = next(line for line in picture.lines if (line.scheme, line.axis) == ("sees", "data_bits"))
    assert line.median["transmit_power_w"] == pytest.approx(np.median(gains[:, 1], axis=0))
    assert line.low["transmit_power_w"] == pytest.approx(np.quantile(gains[:, 1], 0.1, axis=0))
    # Along the data the distance is the same, and so is the channel.
    assert len(set(line.high["transmit_power_w"])) == 1


def test_others_are_summarised_over_their_policies(made) -> None:
    picture, _, _ = made
    line = next(line for line in picture.lines if line.scheme == "blind")
    assert line.low["transmit_power_w"] == pytest.approx([1.2e-3] * 3)  # a tenth of the way from 1 to 3 mW
    assert line.median["transmit_power_w"] == pytest.approx([2e-3] * 3)
    assert line.high["transmit_power_w"] == pytest.approx([2.8e-3] * 3)
