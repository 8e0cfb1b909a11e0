"""The report's tables, each defined by a list of fields and the items it has a row for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from twinsync.experiments.claims.evidence import PAPER, TUNED
from twinsync.experiments.columns import (
    COMPARISON,
    MORE,
    SWEEP,
    Column,
    Row,
    TableCell,
    by_cost,
    cell_of,
    columns_of,
    compared,
    exported,
    training,
)
from twinsync.experiments.formatting import duration, listing, number, setting, symbol
from twinsync.experiments.records import ConstantEntry, Deviation, Estimate, Measured, Pair, Point, Scheme, Sweep
from twinsync.experiments.report.document import Field, Item, Table, table
from twinsync.experiments.report.findings import has_printed
from twinsync.experiments.results import EXPECTED, OPTIMUM, SAC_AS_PRINTED, Results

NOT_MEASURED = cell_of(None, 0)
CSV_HEADER = ("scheme", "label", "group", *exported())


def _measured(row: Row | Optimum) -> Measured:
    return row.measured


def _of(column: Column, measured: Callable[[Item], Measured | None]) -> Field[Item]:
    """A column of schemes as a field of items, given each item's measurement."""
    return Field(column.heading, lambda item: column.cell(measured(item)))


def comparison(results: Results, learner: str, rows: Sequence[Row]) -> Table:
    """The schemes in `rows`; `learner` and the optimum are emphasised."""
    sizes = results.manifest.evaluation
    caption = (
        f"All schemes on the same {sizes.seeds} × {sizes.slots:,} slots, lowest cost first. Small print: "
        "95 % intervals of the mean. Latency and cost are sums over the UDs; the cost adds the penalties of (22)."
    )
    return _of_schemes(caption, COMPARISON, learner, rows)


def more(results: Results, learner: str, rows: Sequence[Row]) -> Table:
    """The figures of merit that the comparison leaves out."""
    caption = f"On the same slots, lowest cost first. {training(rows)} {_not_measured(rows)}"
    return _of_schemes(caption.rstrip(), MORE, learner, rows)


def _not_measured(rows: Sequence[Row]) -> str:
    """Which schemes lack a figure of merit that others have: some of their results are older than it."""
    sentences = []
    for column in columns_of(MORE):
        missing = [row.scheme.label for row in rows if column.cell(row.measured) == NOT_MEASURED]
        if 0 < len(missing) < len(rows):
            sentences.append(f"{column.title}: a dash for {listing(missing)}, of which some results are older than it.")
    return " ".join(sentences)


def _of_schemes(caption: str, which: str, learner: str, rows: Sequence[Row]) -> Table:
    name = Field[Row]("Scheme", lambda row: row.scheme.label, words=True)
    known: list[Field[Row]] = [_of(column, _measured) for column in columns_of(which)]
    fields, same = varying(known, rows)
    caption = f"{caption} {same}".rstrip()
    return table(caption, [name, *fields], rows, strong=lambda row: row.scheme.name in (learner, OPTIMUM))


def varying(fields: Sequence[Field[Item]], rows: Sequence[Item]) -> tuple[list[Field[Item]], str]:
    """The fields whose cells differ between rows, and a sentence on the others; a single row keeps all its fields."""
    if len(rows) < 2:
        return list(fields), ""
    shown = {field.title: {TableCell(*_parts(field.show(row))) for row in rows} for field in fields}
    kept = [field for field in fields if len(shown[field.title]) > 1]
    same = [f"{title} {cell.main}" for title, cells in shown.items() if len(cells) == 1 for cell in cells]
    return kept, f"The same in every row: {listing(same)}." if same else ""


def _parts(cell: TableCell | str) -> tuple[str, str]:
    return cell if isinstance(cell, TableCell) else (cell, "")


def comparison_csv(results: Results) -> list[list[object]]:
    """The rows of the comparison at full precision, in SI units and shares, under `CSV_HEADER`."""
    values = exported().values()
    return [
        [row.scheme.name, row.scheme.label, row.scheme.group, *(value(row.measured) for value in values)]
        for row in by_cost(results)
    ]


def paired(results: Results) -> Table:
    """The headline learner minus every other scheme on the same slots; its benchmarks are emphasised."""
    learner, benchmarks = compared(results).learner, compared(results).benchmarks
    label = results.label(learner)
    rows = by_cost(results)
    pairs = [
        (row.scheme, pair)
        for row in rows
        if (pair := compared(results).evaluation.pair(learner, row.scheme.name)) is not None
    ]
    fields: list[Field[tuple[Scheme, Pair]]] = [
        Field(f"{label} minus …", lambda pair: pair[0].label, words=True),
        Field("Latency [s]", lambda pair: cell_of(pair[1].latency_s, 2, sign=True)),
        Field("saved [%]", lambda pair: cell_of(pair[1].latency_reduction_percent, 1)),
        Field("excludes 0", lambda pair: _excludes_zero(pair[1].latency_s), words=True),
        Field("Cost", lambda pair: cell_of(pair[1].cost, 1, significant=2, sign=True)),
        Field("saved [%]", lambda pair: cell_of(pair[1].cost_reduction_percent, 1)),
        Field("excludes 0", lambda pair: _excludes_zero(pair[1].cost), words=True),
    ]
    caption = (
        f"Paired differences on the same slots, {label} minus each other scheme, with 95 % intervals. "
        f"Negative: {label} is better. Bold: the benchmarks of the headline. {training(rows)}"
    )
    return table(caption, fields, pairs, strong=lambda pair: pair[0].name in benchmarks)


def _excludes_zero(difference: Estimate) -> str:
    if not difference.has_interval:
        return "no interval"
    return "yes" if difference.low > 0 or difference.high < 0 else "no"


class Level(NamedTuple):
    """A level of the comparison: its name, and the scheme that represents it in `results`."""

    name: str
    results: Results
    scheme: str

    @property
    def measured(self) -> Measured:
        """The scheme's measurements."""
        return compared(self.results).evaluation.allocators[self.scheme]


def levels_of(results: Results, record: Results | None) -> list[Level]:
    """SAC as printed and repaired, then the best without and with channel knowledge; only those that were evaluated."""
    levels = [
        Level("Repaired", results, compared(results).learner),
        Level("Best without channel knowledge", results, EXPECTED),
        Level("Best (channel known)", results, OPTIMUM),
    ]
    if record is not None and has_printed(record):
        levels.insert(0, Level("As printed", record, SAC_AS_PRINTED))
    return [level for level in levels if level.scheme in compared(level.results).evaluation.allocators]


def levels(results: Results, record: Results | None) -> Table:
    """The levels, and how far SAC's latency lies below that of the benchmarks of the same level."""
    fields: list[Field[Level]] = [
        Field("Level", lambda level: level.name, words=True),
        Field("Scheme", lambda level: level.results.label(level.scheme), words=True),
        Field("Trained on [slots]", lambda level: number(level.measured.training_slots, 0)),
        Field("Latency of a slot [s]", lambda level: cell_of(level.measured.latency_s, 2)),
        Field("Cost of a slot", lambda level: cell_of(level.measured.cost, 1, significant=3)),
        Field("Above the optimum [%]", lambda level: cell_of(level.measured.gap_to_optimum, 1, factor=100.0)),
    ]
    fields += [_reduction(name, place) for place, name in enumerate(("PPO", "Random strategy", "w/o SC"))]
    caption = (
        "Small print: 95 % intervals, each by itself; those of the claims are wider, since a claim needs all of its "
        "comparisons at once. Benchmarks are those of the same level; each gap is to the optimum on the same slots."
    )
    rows = levels_of(results, record)
    return table(caption, fields, rows, strong=lambda level: level is rows[0])


def _reduction(name: str, place: int) -> Field[Level]:
    """How far a level's latency lies below that of its benchmark at `place`; a dash if there is none."""

    def show(level: Level) -> TableCell:
        benchmarks = next((cast.benchmarks() for cast in (PAPER, TUNED) if cast.sac == level.scheme), ())
        pair = compared(level.results).evaluation.pair(level.scheme, benchmarks[place]) if benchmarks else None
        return cell_of(None if pair is None else pair.latency_reduction_percent, 1)

    return Field(f"Latency below {name}'s [%]", show)


def deviations(results: Results) -> Table:
    """Every setting that differs from the paper's, with the reason and the learners concerned."""
    labels: dict[Deviation, list[str]] = {}
    for scheme in results.schemes.values():
        for item in scheme.deviations:
            labels.setdefault(item, []).append(scheme.label)
    fields: list[Field[Deviation]] = [
        Field("Setting", lambda item: f"`{item.setting}`", words=True),
        Field("As printed", lambda item: item.paper, words=True),
        Field("Here", lambda item: item.here, words=True),
        Field("In", lambda item: "; ".join(labels[item]), words=True),
        Field("Why", lambda item: item.reason, words=True),
    ]
    return table("Every setting that differs from the printed one, and the schemes concerned.", fields, labels)


def settings(results: Results) -> Table:
    """All settings, one column per learner."""
    learners = [scheme for scheme in results.schemes.values() if scheme.settings]
    fields: list[Field[str]] = [Field("Setting", lambda key: f"`{key}`", words=True)]
    fields += [_setting_of(scheme) for scheme in learners]
    return table("", fields, dict.fromkeys(key for scheme in learners for key in scheme.settings))


def _setting_of(scheme: Scheme) -> Field[str]:
    return Field(scheme.label, lambda key: setting(scheme.settings.get(key, "–")), words=True)


_SYMBOL = Field[ConstantEntry]("Symbol", lambda entry: symbol(entry.symbol), words=True)
_VALUE = Field[ConstantEntry]("Value", lambda entry: entry.text, words=True)
_TAG = Field[ConstantEntry]("Tag", lambda entry: entry.tag, words=True)


def open_constants(entries: Sequence[ConstantEntry]) -> Table:
    """The constants that the paper does not state, with the values used and the reasons."""
    meaning = Field[ConstantEntry]("Constant", lambda entry: entry.meaning, words=True)
    why = Field[ConstantEntry]("Why", lambda entry: entry.source, words=True)
    return table("", [meaning, _SYMBOL, _VALUE, _TAG, why], [entry for entry in entries if entry.tag != "stated"])


def all_constants(entries: Sequence[ConstantEntry], caption: str) -> Table:
    """Every constant with its bounds, tag and source."""
    key = Field[ConstantEntry]("Key", lambda entry: f"`{entry.key}`", words=True)
    allowed = Field[ConstantEntry]("Allowed", lambda entry: entry.bound, words=True)
    source = Field[ConstantEntry]("Source", lambda entry: entry.source, words=True)
    return table(caption, [key, _SYMBOL, _VALUE, allowed, _TAG, source], entries)


def _measured_at(row: tuple[Point, str]) -> Measured | None:
    point, scheme = row
    return point.measured(scheme)


def values(sweep: Sweep, results: Results) -> Table:
    """The numbers behind a sweep's figure."""
    rows = [(point, name) for point in sweep.points for name in sweep.schemes]
    fields: list[Field[tuple[Point, str]]] = [
        Field(symbol(sweep.axis.title), lambda row: row[0].label, words=True),
        Field("Scheme", lambda row: symbol(results.label(row[1])), words=True),
    ]
    kept, same = varying([_of(column, _measured_at) for column in columns_of(SWEEP)], rows)
    return table(f"Small print: 95 % intervals of the mean. {same}".rstrip(), [*fields, *kept], rows)


class Optimum(NamedTuple):
    """The optimum at one point of a sweep."""

    sweep: Sweep
    point: Point
    measured: Measured


def optima(results: Results) -> Iterator[Optimum]:
    """The optimum at every point of every sweep where it was evaluated."""
    for sweep in results.sweeps:
        for point in sweep.points:
            measured = point.measured(OPTIMUM) if OPTIMUM in sweep.schemes else None
            if measured is not None:
                yield Optimum(sweep, point, measured)


def feasibility(rows: Sequence[Optimum]) -> Table:
    """How often even the optimum breaks each limit, point by point."""
    limits = ("deadline_miss_rate", "energy_violation_rate", "outage_rate")
    fields: list[Field[Optimum]] = [
        Field("Varied", lambda row: symbol(row.sweep.axis.title), words=True),
        Field("Value", lambda row: row.point.label, words=True),
        *(_of(column, _measured) for column in columns_of(SWEEP) if column.key in limits),
    ]
    return table("Shares of UD-slots at the optimum.", fields, rows)


def timings(results: Results) -> Table:
    """How long the sweeps took, and the revisions they ran at."""
    fields: list[Field[Sweep]] = [
        Field("Sweep", lambda sweep: sweep.figure or sweep.title, words=True),
        Field("Points", lambda sweep: str(len(sweep.points))),
        Field("Schemes", lambda sweep: str(len(sweep.schemes))),
        Field("Computing time", lambda sweep: duration(sweep.training_s)),
        Field("Revisions", lambda sweep: ", ".join(sweep.commits) or "–", words=True),
    ]
    return table("Computing time of each sweep, summed over its tasks.", fields, results.sweeps)
