"""The command line's frame: exit codes, one line for every bad input, instant help, interruption."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, get_args, get_origin, get_type_hints

import pytest
import typer

from twinsync.cli import app as module
from twinsync.cli import options
from twinsync.cli.app import run
from twinsync.cli.options import check_json_target, interruptible, write_json
from twinsync.errors import InputError


def fails(capsys: pytest.CaptureFixture[str], arguments: list[str], *fragments: str) -> None:
    """The command line must end with code 2, silent but for one line on standard error with all these in it."""
    assert run(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("twinsync: error: ")
    for fragment in fragments:
        assert fragment in err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"twinsync {version('twinsync')}\n"


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_help_names_every_command(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert run(arguments) == 0
    out = capsys.readouterr().out
    for command in ("scenario", "solve", "evaluate"):
        assert command in out


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["scenario", "list"], ["evaluate", "--help"]])
def test_what_should_be_instant_does_not_load_jax(arguments: list[str]) -> None:
    code = f"import sys; from twinsync.cli.app import run; run({arguments!r}); sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60).returncode == 0


def test_python_m_twinsync_is_the_same_command() -> None:
    done = subprocess.run([sys.executable, "-m", "twinsync", "solve", "--slots", "0"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("twinsync: error: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "fragments"),
    [
        (["unknown"], ["unknown"]),
        (["--unknown"], ["--unknown"]),
        (["solve", "--sloths", "3"], ["--sloths"]),
        (["solve", "--slots", "0"], ["--slots", "'0' is not a whole number from 1 to"]),
        (["solve", "--slots", "many"], ["--slots", "'many' is not a whole number"]),
        (["solve", "--seed", "-1"], ["--seed", "'-1' is not a whole number from 0 to 4294967295"]),
        (["solve", "--slots"], ["--slots"]),
        (["solve", "extra"], ["extra"]),
        (["evaluate", "--seeds", "2.5"], ["--seeds", "'2.5'"]),
        (["scenario", "check"], ["FILE"]),
        (["scenario", "show", "nowhere.toml"], ["nowhere.toml", "paper"]),
        (["scenario", "show", "--set", "bandwith_hz=1"], ["--set", "bandwith_hz", "bandwidth_hz"]),
        (["scenario", "show", "--set", "bandwidth_hz"], ["--set", "key=value"]),
        (["solve", "--set", "bandwidth_hz=-1"], ["bandwidth_hz", "-1"]),
        (["solve", "--set", "extraction_factor_min=0"], ["extraction_factor_min", "(0, 1]"]),
        (["solve", "--set", "device_count=0"], ["device_count"]),
        (["solve", "--set", "noise_power_w=nan"], ["noise_power_w"]),
        (["solve", "--set", "fading_blocks=2", "--slots", "1"], ["fading_blocks"]),
        (["solve", "--set", "fading_blocks=1e12", "--slots", "1"], ["fading_blocks", "[1, 1e+06]"]),
        (["solve", "--set", "device_count=1e300", "--slots", "1"], ["device_count = 1e+300", "[1, 1e+06]"]),
        (["scenario", "show", ""], ["no name", "paper"]),
        (["scenario", "show", "--json", 300 * "a"], ["--json", "too long"]),
        (["edge"], ["Missing command", "twinsync edge --help"]),
        (["live", "--replay", "run", "--allocator", "optimum"], ["--allocator does not go with --replay"]),
        (["live", "report", "--data", "run", "--refit", "x.toml", "--json", "./x.toml"], ["--json", "--refit"]),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], fragments: list[str]
) -> None:
    fails(capsys, arguments, *fragments)


def numbers_without_bounds(commands: typer.Typer) -> Iterator[str]:
    """Options that take a number and have no parser of ours: typer refuses bad values in its own words."""
    for group in commands.registered_groups:
        assert group.typer_instance is not None
        yield from numbers_without_bounds(group.typer_instance)
    for command in commands.registered_commands:
        assert command.callback is not None
        for name, hint in get_type_hints(command.callback, include_extras=True).items():
            kind, *options = get_args(hint) if get_origin(hint) is Annotated else (hint,)
            numeric = name != "return" and {int, float} & {kind, *get_args(kind)}
            if numeric and not any(option.parser for option in options):
                yield f"{command.callback.__name__} {name}"


def test_every_option_that_takes_a_number_says_itself_what_it_takes() -> None:
    plain = typer.Typer()

    @plain.command()
    def work(count: Annotated[int | None, typer.Option("--count")] = None) -> None:
        """Takes a number."""

    assert list(numbers_without_bounds(plain)) == ["work count"]
    assert list(numbers_without_bounds(module.app)) == []


def test_a_message_of_several_lines_becomes_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def two_lines(*_: object, **__: object) -> None:
        raise InputError("first\nsecond")

    monkeypatch.setattr(module, "app", two_lines)
    fails(capsys, [], "first second")


def test_our_fault_is_exit_code_1_with_a_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(module, "app", broken)
    assert run([]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" in err
    assert err.splitlines()[-1] == (
        "twinsync: internal error, please report it with the lines above: ZeroDivisionError: a bug"
    )


def test_the_compilation_cache_can_be_switched_off(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TWINSYNC_CACHE", str(tmp_path))
    assert run(["--no-compilation-cache", "scenario", "list"]) == 0
    assert "paper" in capsys.readouterr().out
    assert os.environ["TWINSYNC_CACHE"] == "off"


def press_ctrl_c() -> None:
    raise KeyboardInterrupt


def resumable() -> None:
    with interruptible("continue with --resume --out runs/a"):
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("command", "advice"),
    [
        (press_ctrl_c, "nothing was written, run the same command again"),
        (resumable, "continue with --resume --out runs/a"),
    ],
)
def test_ctrl_c_says_how_to_go_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: object, advice: str
) -> None:
    fresh = typer.Typer()
    fresh.command("work")(command)  # type: ignore[arg-type]
    fresh.callback()(lambda: None)
    monkeypatch.setattr(module, "app", fresh)
    assert run(["work"]) == 130
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"twinsync: interrupted; {advice}\n"


def test_json_goes_to_standard_output_or_to_a_new_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    write_json("-", {"a": [1, None]})
    assert json.loads(capsys.readouterr().out) == {"a": [1, None]}
    target = tmp_path / "new.json"
    write_json(str(target), {"a": 1})
    assert json.loads(target.read_text()) == {"a": 1}
    out, err = capsys.readouterr()
    assert out == ""
    assert str(target) in err


@pytest.mark.parametrize(
    ("redirection", "code", "message"),
    [
        (">&-", 0, ""),
        ("2>&-", 0, ""),
        (">/dev/full", 2, "twinsync: error: standard output: cannot be written: No space left on device\n"),
        ("| true", 0, ""),
    ],
)
def test_streams_that_are_closed_or_full(redirection: str, code: int, message: str) -> None:
    command = f"set -o pipefail; {sys.executable} -m twinsync scenario show {redirection}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (code, message)


def test_json_never_overwrites(tmp_path: Path) -> None:
    target = tmp_path / "old.json"
    target.write_text("precious")
    for attempt in (lambda: check_json_target(str(target)), lambda: write_json(str(target), {})):
        with pytest.raises(InputError, match=r"old\.json: already exists; choose another name or remove it"):
            attempt()
    assert target.read_text() == "precious"


def test_json_into_nowhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist; create it first"):
        check_json_target(str(tmp_path / "none" / "new.json"))
    with pytest.raises(InputError, match="cannot be written: Not a directory"):
        write_json("/dev/null/new.json", {})


def test_progress_stays_off_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    with options.progress() as report:
        report("working", 1, 2)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("arguments", [["--help"], ["scenario", "--help"], ["study", "--help"]])
def test_no_summary_is_cut(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert run(arguments) == 0
    out = capsys.readouterr().out
    assert "..." not in out.partition("Commands:")[2]
    assert max(map(len, out.splitlines())) <= 80


def test_tables_respect_columns(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert run(["scenario", "show", "paper"]) == 0
    narrow = capsys.readouterr().out
    assert max(map(len, narrow.splitlines())) <= 80
    assert "extraction_factor_min " in narrow
    assert "with --wide also: where from" in narrow
    assert run(["scenario", "show", "paper", "--wide"]) == 0
    wide = capsys.readouterr().out
    assert "--wide" not in wide
    assert max(map(len, wide.splitlines())) > 120
    monkeypatch.delenv("COLUMNS")
    assert run(["scenario", "show", "paper"]) == 0  # into a pipe
    assert "--wide" not in capsys.readouterr().out


def test_a_log_says_how_long_the_rest_will_take(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(options.time, "monotonic", lambda: now[0])
    report = options.progress_lines()
    for seconds, done in ((10.0, 0), (60.0, 0), (100.0, 25), (200.0, 50), (7200.0, 51)):
        now[0] = seconds
        report("training", done, 100)
    assert capsys.readouterr().err.splitlines() == [
        "twinsync: 0 of 100: training",
        "twinsync: 25 of 100: training; about 4 min left",
        "twinsync: 50 of 100: training; about 3 min left",
        "twinsync: 51 of 100: training; about 1.9 h left",
    ]
    for seconds, done in ((7300.0, 1), (7340.0, 1), (7400.0, 3)):  # another stage has its own time
        now[0] = seconds
        report("judging", done, 5)
    report("judging; about 3 s left", 3, 5)
    now[0] = 7500.0
    report("judging; about 3 s left", 4, 5)
    assert capsys.readouterr().err.splitlines() == [
        "twinsync: 1 of 5: judging",
        "twinsync: 1 of 5: judging",
        "twinsync: 3 of 5: judging; about 2 min left",
        "twinsync: 4 of 5: judging; about 3 s left",
    ]


def test_the_first_step_which_compiles_does_not_count_as_work(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(options.time, "monotonic", lambda: now[0])
    report = options.progress_lines()
    for what in ("training the tables", "training the filter"):  # as many steps each
        began = now[0]
        for seconds, done in ((300.0, 1), (340.0, 11)):  # the first step compiles for five minutes
            now[0] = began + seconds
            report(what, done, 21)
        assert capsys.readouterr().err.splitlines() == [
            f"twinsync: 1 of 21: {what}",
            f"twinsync: 11 of 21: {what}; about 40 s left",  # 10 steps in 40 s, 10 more to go
        ]
