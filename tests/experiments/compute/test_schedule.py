"""Tasks reach workers, come back, and outlive workers."""

import dataclasses
from pathlib import Path

import pytest
from tests.experiments.compute.conftest import Script, heuristic_cell, tiny_cell

from twinsync.errors import InputError
from twinsync.experiments.compute.executors import TaskFailed
from twinsync.experiments.compute.schedule import Clock, run
from twinsync.experiments.compute.store import Store


def quiet(what: str, done: int, total: int) -> None:
    pass


def test_every_cell_is_computed_once_in_batches_of_one_program(cells, tmp_path: Path):
    store, script = Store(tmp_path), Script()
    run([*cells, cells[0]], store, script, quiet, print)
    assert store.missing(cells) == []
    sent = [label for _, labels in script.log for label in labels]
    assert sorted(sent) == sorted(cell.label for cell in cells)
    assert max(len(labels) for _, labels in script.log) == 2
    run(cells, store, script, quiet, print)
    assert len(sent) == sum(len(labels) for _, labels in script.log)


def test_a_worker_keeps_to_what_it_has_compiled(tmp_path: Path):
    small = [tiny_cell(number=number) for number in range(6)]
    large = [dataclasses.replace(tiny_cell(devices=3, number=number), scheme="large") for number in range(6)]
    script = Script(workers=2)
    run([*small, *large], Store(tmp_path), script, quiet, print)
    schemes = {worker: {labels[0].split(",")[0] for at, labels in script.log if at == worker} for worker in (0, 1)}
    assert schemes == {0: {"tiny"}, 1: {"large"}}


def test_a_lost_task_goes_to_another_worker(cells, tmp_path: Path):
    told: list[str] = []
    script = Script(deadly={cells[0].address: 1})
    run(cells, Store(tmp_path), script, quiet, told.append)
    assert Store(tmp_path).missing(cells) == []
    assert told == ["worker 0 was shot; tiny, seed 0 goes to another worker"]


def test_three_losses_over_one_task_are_an_error_that_keeps_the_rest(cells, tmp_path: Path):
    with pytest.raises(TaskFailed, match="3 workers died while computing equal-share"):
        run(cells, Store(tmp_path), Script(deadly={cells[-1].address: 9}), quiet, print)
    store = Store(tmp_path)
    assert 0 < len(store.missing(cells)) < len(cells)
    run(cells, store, Script(), quiet, print)
    assert store.missing(cells) == []


def test_an_interrupted_sweep_continues_where_it_stopped(cells, tmp_path: Path):
    def interrupt(what: str, done: int, total: int) -> None:
        if done >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(cells, Store(tmp_path), Script(), interrupt, print)
    left = len(Store(tmp_path).missing(cells))
    assert 0 < left < len(cells)
    script = Script()
    run(cells, Store(tmp_path), script, quiet, print)
    assert sum(len(labels) for _, labels in script.log) == left


def test_a_damaged_result_is_told_and_computed_again(cells, tmp_path: Path):
    store = Store(tmp_path)
    run(cells, store, Script(), quiet, print)
    store.path(cells[2]).write_bytes(b"garbage")
    told: list[str] = []
    script = Script()
    run(cells, store, script, quiet, told.append)
    assert len(script.log) == 1
    assert "damaged result of tiny, seed 0" in told[0]


def test_a_full_disk_ends_the_sweep_with_what_is_there(cells, tmp_path: Path, monkeypatch):
    store = Store(tmp_path)
    kept = store.write

    def write(cell, result):
        if len(list(tmp_path.iterdir())) >= 3:
            raise InputError("no space")
        kept(cell, result)

    monkeypatch.setattr(store, "write", write)
    with pytest.raises(InputError, match="no space"):
        run(cells, store, Script(), quiet, print)
    assert len(cells) - len(Store(tmp_path).missing(cells)) == 3


def test_time_left_is_that_of_the_same_program_less_its_compilation():
    clock, cell = Clock(), tiny_cell()
    assert clock.left_s([cell], 2) is None
    clock.note(cell, 20.0)
    clock.note(cell, 4.0)
    clock.note(heuristic_cell(), 1.0)
    assert clock.left_s([cell] * 4, 2) == pytest.approx(8.0)
    assert clock.left_s([tiny_cell(devices=5)], 8) == pytest.approx(4.0)
    assert clock.left_s([heuristic_cell()], 8) == pytest.approx(1.0)
    assert clock.left_s([heuristic_cell("raw")], 1) == pytest.approx(25.0 / 3)
