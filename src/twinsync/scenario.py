"""Every constant of Tables I and II: symbol, SI unit, meaning and bounds, as one frozen, validated pytree.

Numbers are leaves, so a sweep over bandwidth, data size or the path-loss exponent is one `vmap`. Counts and options are
static, because they change shapes or the program. `twinsync.presets` reads the TOML files and keeps the provenance of
each value (stated, derived or assumed).
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import numbers
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import numpy as np

from twinsync.arrays import Scalar
from twinsync.errors import InputError

MOST = 1_000_000  # devices, slots in a cycle, fading blocks: far more fits no memory


@dataclass(frozen=True)
class Constant:
    """Description of one key: its symbol in the paper, SI unit, meaning and allowed values.

    low, high: bounds; low_open: `low` itself is not allowed; high_open: an infinite `high` is not allowed. choices: the
    allowed values of an option. integer: a whole number. optional: may be None ("auto" in files). columns: names of
    the columns, if the value is a table of numbers. decibels: a power ratio, which may be given in dB. shown_only: used
    only by figures and tables, so affects no result.
    """

    symbol: str
    unit: str
    meaning: str
    low: float = 0.0
    high: float = math.inf
    low_open: bool = False
    high_open: bool = True
    choices: tuple[str, ...] = ()
    integer: bool = False
    optional: bool = False
    columns: tuple[str, ...] = ()
    decibels: bool = False
    shown_only: bool = False

    def bound(self) -> str:
        """The allowed values in words, for tables and error messages."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        if self.columns:
            return f"rows ({', '.join(self.columns)})"
        low = f"{'(' if self.low_open else '['}{self.low:g}"
        high = f"{self.high:g}{')' if self.high_open and self.high == math.inf else ']'}"
        return f"{low}, {high}"

    def admits(self, value: float) -> bool:
        """Whether a number is within the bounds; False for NaN."""
        above = value > self.low if self.low_open else value >= self.low
        below = value < self.high if self.high_open and self.high == math.inf else value <= self.high
        return above and below


def _number(symbol: str, unit: str, meaning: str, **bounds: Any) -> Any:
    return eqx.field(converter=_real, metadata={"constant": Constant(symbol, unit, meaning, **bounds)})


def _real(value: Any) -> Any:
    """A whole number as a float: in compiled code an int would be a 32-bit one. Anything else as it is."""
    return float(value) if isinstance(value, numbers.Integral) and not isinstance(value, bool) else value


def _positive(symbol: str, unit: str, meaning: str, **bounds: Any) -> Any:
    return _number(symbol, unit, meaning, low_open=True, **bounds)


def _count(symbol: str, meaning: str) -> Any:
    constant = Constant(symbol, "", meaning, low=1, high=MOST, integer=True)
    return eqx.field(converter=_whole, static=True, metadata={"constant": constant})


def _whole(value: Any) -> Any:
    """NumPy's whole number as Python's, which the compiled programs are told apart by. Anything else as it is."""
    return int(value) if isinstance(value, numbers.Integral) and not isinstance(value, bool) else value


def _table(meaning: str, *columns: str, shown_only: bool = False, **field: Any) -> Any:
    constant = Constant("", "", meaning, columns=columns, shown_only=shown_only)
    return eqx.field(metadata={"constant": constant}, **field)


def _option(meaning: str, *choices: str) -> Any:
    return eqx.field(static=True, metadata={"constant": Constant("", "", meaning, choices=choices)})


class Scenario(eqx.Module):
    """One complete setting of the system model, in SI units. Build it with `twinsync.presets.load_scenario`.

    Creating one validates it: raises `InputError` that names the key, the value and the bound. Leaves that are arrays,
    such as traced or batched ones inside `jit` and `vmap`, are not checked.
    """

    # Size and time (Section III)
    device_count: int = _count("K", "number of user devices (UDs)")
    slot_count: int = _count("N", "number of time slots in a cycle")
    cycle_s: Scalar = _positive("T", "s", "duration of a cycle")
    sensing_share: Scalar = _positive("eta", "", "share of a slot for sensing, the rest for processing", high=0.99)
    # Placement and mobility (III-A)
    start_x_m: Scalar = _number("", "m", "start circle's centre, x; the BS stands at x = y = 0", low=-1e6, high=1e6)
    start_y_m: Scalar = _number("", "m", "start circle's centre, y", low=-1e6, high=1e6)
    start_radius_m: Scalar = _number("", "m", "start circle's radius", high=1e6)
    station_height_m: Scalar = _number("H_B", "m", "height of the base station's antenna", high=1e5)
    distance_floor_m: Scalar = _positive("", "m", "least distance used for path loss", high=1e4)
    speed_memory: Scalar = _number("a", "", "memory of the Gauss-Markov recursion", high=1.0)
    speed_mean_m_s: Scalar = _number("v_mean", "m/s", "mean speed of a UD", high=1e3)
    speed_std_m_s: Scalar = _number("sigma_v", "m/s", "standard deviation of speed", high=1e3)
    direction_std_rad: Scalar = _number("sigma_theta", "rad", "standard deviation of direction", high=100.0)
    area_radius_m: Scalar = _positive("", "m", "radius of the walkable disc, used by boundary = reflect", high=1e6)
    boundary: str = _option("what happens at the edge of the walkable disc", "free", "reflect")
    # Sensing (III-B)
    data_min_bits: Scalar = _positive("D_min", "bit", "least data a UD must sense in a slot", high=1e12)
    data_max_bits: Scalar = _positive("D_max", "bit", "most data a UD must sense in a slot", high=1e12)
    sensing_rate_bps: Scalar | None = _positive(
        "v_s", "bit/s", "sensing rate; auto: D_max/(eta tau), the least that meets (19b)", high=1e15, optional=True
    )
    sensing_energy_j_bit: Scalar = _number("p_s", "J/bit", "energy to sense one bit", high=1.0)
    # Semantics (III-C, III-D)
    extraction_factor_min: Scalar = _positive("phi_min", "", "least semantic extraction factor", high=1.0)
    workload_law: str = _option("how codec work depends on phi", "power", "constant", "piecewise")
    extraction_exponent: Scalar = _number("x", "", "extraction work grows as phi^-x (law power)", high=10.0)
    recovery_exponent: Scalar = _number("y", "", "recovery work is phi^(1-y) (law power)", high=10.0)
    workload_knots: tuple[tuple[Scalar, Scalar, Scalar], ...] = _table(
        "rows (phi, extraction work, recovery work), law piecewise", "phi", "extraction", "recovery"
    )
    accuracy_knots: tuple[tuple[Scalar, Scalar], ...] = _table(
        "rows (phi, PSNR against a twin one slot old [dB]), accuracy of the latency/accuracy frontier",
        *("phi", "psnr_db"),
        shown_only=True,
        default=(),
        kw_only=True,
    )
    cycles_per_bit: Scalar = _positive("C", "cycle/bit", "CPU cycles to process one bit", high=1e9)
    capacitance: Scalar = _number("k_loc", "", "effective switched capacitance of a UD's CPU", high=1e-15)
    device_cpu_min_hz: Scalar = _positive("f_min", "Hz", "least CPU frequency of a UD", high=1e12)
    device_cpu_max_hz: Scalar = _positive("f_u_max", "Hz", "most CPU frequency of a UD", high=1e12)
    edge_cpu_min_hz: Scalar = _positive("f_e_min", "Hz", "least edge CPU frequency given to a UD", high=1e15)
    edge_cpu_max_hz: Scalar = _positive("f_e_max", "Hz", "CPU frequency of the edge server, all UDs", high=1e18)
    # Radio (III-D)
    bandwidth_hz: Scalar = _positive("B", "Hz", "total bandwidth, shared equally by the K UDs", high=1e12)
    transmit_power_min_w: Scalar = _positive("p_min", "W", "least transmit power of a UD", high=1e4)
    transmit_power_max_w: Scalar = _positive("p_max", "W", "most transmit power of a UD", high=1e4)
    reference_gain: Scalar = _positive("beta_0", "", "channel power gain at 1 m", high=1e3, decibels=True)
    path_loss_exponent: Scalar = _number("alpha_3", "", "path-loss exponent", high=10.0)
    noise_power_w: Scalar = _positive("sigma^2", "W", "noise power on each UD's sub-band", high=1.0)
    fading_blocks: int = _count("L", "fading blocks in a slot, the rate is their mean")
    # Budgets and penalties (III-E, IV-A)
    energy_budget_j: Scalar = _positive("E_max", "J", "energy budget of a UD in a slot", high=1e9)
    penalty: str = _option("form of the penalties of (22)", "hinge", "literal")
    penalty_weight: Scalar = _number("W", "", "weight of the penalties (1 per s, J and GHz)", high=1e6)
    latency_cap_slots: Scalar = _positive(
        "", "", "synchronisation latency counts at most this many slots", low=1.0, high=math.inf, high_open=False
    )

    def __check_init__(self) -> None:
        validate({key: getattr(self, key) for key in constants()})

    @property
    def slot_s(self) -> Scalar:
        """Duration of a slot, tau = T/N [s]."""
        return self.cycle_s / self.slot_count

    @property
    def deadline_s(self) -> Scalar:
        """Deadline of synchronisation, (1 - eta) tau of eq. (16) [s]."""
        return (1.0 - self.sensing_share) * self.slot_s

    @property
    def latency_cap_s(self) -> Scalar:
        """Cap on a UD's synchronisation latency; a UD that reaches it is in outage [s]."""
        return self.latency_cap_slots * self.slot_s

    def with_devices(self, count: int) -> Scenario:
        """The scenario with K = `count`; bandwidth and edge CPU scale with K, so that equal shares stay the same."""
        factor = count / self.device_count
        return self.replace(
            device_count=count,
            bandwidth_hz=self.bandwidth_hz * factor,
            edge_cpu_max_hz=self.edge_cpu_max_hz * factor,
        )

    def replace(self, **changes: Any) -> Scenario:
        """A copy with some keys changed. Raises `InputError` if the result is not valid."""
        return dataclasses.replace(self, **changes)


def constants() -> dict[str, Constant]:
    """Descriptions of all keys of a scenario, in the paper's order."""
    return {field.name: field.metadata["constant"] for field in dataclasses.fields(Scenario)}


def defaults() -> dict[str, Any]:
    """Default values of the keys that a scenario file may omit."""
    fields = dataclasses.fields(Scenario)
    return {field.name: field.default for field in fields if field.default is not dataclasses.MISSING}


# (lower key, upper key): the first may not exceed the second.
_ORDERED = (
    ("data_min_bits", "data_max_bits"),
    ("device_cpu_min_hz", "device_cpu_max_hz"),
    ("transmit_power_min_w", "transmit_power_max_w"),
)


def validate(values: Mapping[str, Any], origins: Mapping[str, str] | None = None) -> None:
    """Raise `InputError` that names the first wrong key, its file (from `origins`), its value and its bound."""
    origins = origins or {}

    def at(key: str) -> str:
        return f"{origins[key]}: {key}" if key in origins else key

    for key, constant in constants().items():
        if constant.columns:
            _check_rows(at(key), values[key], constant)
        else:
            _check(at(key), values[key], constant)
    ordered = _ORDERED if values["boundary"] == "free" else (*_ORDERED, ("start_radius_m", "area_radius_m"))
    for low, high in ordered:
        a, b = values[low], values[high]
        if _concrete(a) and _concrete(b) and a > b:
            unit = constants()[low].unit
            raise InputError(f"{at(low)} = {a:g} {unit} exceeds {at(high)} = {b:g} {unit}; lower {low} or raise {high}")
    floor, total, count = values["edge_cpu_min_hz"], values["edge_cpu_max_hz"], values["device_count"]
    if _concrete(floor) and _concrete(total) and floor * count > total:
        raise InputError(
            f"{at('edge_cpu_min_hz')} = {floor:g} Hz for each of {count} UDs exceeds {at('edge_cpu_max_hz')} = "
            f"{total:g} Hz; lower edge_cpu_min_hz or raise edge_cpu_max_hz"
        )
    if values["workload_law"] == "piecewise":
        words = ("piecewise law", "phi, extraction work, recovery work", "work factor")
        _check_knots(at("workload_knots"), values["workload_knots"], *words)
    if values["accuracy_knots"]:
        _check_accuracy(at("accuracy_knots"), values["accuracy_knots"])


def _concrete(value: Any) -> bool:
    return isinstance(value, (int, float, np.number))


def _array(value: Any) -> bool:
    return isinstance(value, (jax.Array, np.ndarray))


def _check(where: str, value: Any, constant: Constant) -> None:
    if constant.choices:
        if value not in constant.choices:
            raise InputError(f"{where} = {value!r} is not {constant.bound()}")
        return
    if constant.optional and value is None:
        return
    if constant.integer and (isinstance(value, bool) or not isinstance(value, int)):
        raise InputError(f"{where} = {value!r} must be a whole number within {constant.bound()}")
    if _array(value):
        return
    if isinstance(value, bool) or not _concrete(value):
        raise InputError(f"{where} = {value!r} must be a number within {constant.bound()}")
    if not constant.admits(float(value)):
        unit = f" {constant.unit}" if constant.unit else ""
        raise InputError(f"{where} = {value:g}{unit} is outside its bound {constant.bound()}{unit}")


def _check_rows(where: str, rows: Any, constant: Constant) -> None:
    tables, width = (tuple, list), len(constant.columns)
    if not isinstance(rows, tables) or any(not isinstance(row, tables) or len(row) != width for row in rows):
        raise InputError(f"{where} = {rows!r} must be {constant.bound()}")


def _check_accuracy(where: str, knots: Sequence[Sequence[Any]]) -> None:
    _check_knots(where, knots, "accuracy law", "phi, PSNR in dB", "PSNR")
    qualities = [row[1] for row in knots]
    if all(_concrete(value) for value in qualities) and any(b < a for a, b in itertools.pairwise(qualities)):
        raise InputError(f"{where}: PSNR may not fall as phi rises, got {qualities}")


def _check_knots(where: str, knots: Sequence[Sequence[Any]], law: str, columns: str, value: str) -> None:
    if len(knots) < 2:
        raise InputError(f"{where}: the {law} needs at least two rows ({columns})")
    flat = [number for row in knots for number in row]
    if not all(_concrete(number) for number in flat):
        return
    if any(not 0 < number < math.inf for number in flat):
        raise InputError(f"{where}: every phi and every {value} must be a finite number above 0")
    phis = [row[0] for row in knots]
    if any(b <= a for a, b in itertools.pairwise(phis)) or phis[-1] > 1:
        raise InputError(f"{where}: phi must rise from row to row and end at 1 or below, got {phis}")
