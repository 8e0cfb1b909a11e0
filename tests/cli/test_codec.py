"""`twinsync codec`: streams of the exact size, decoded elsewhere from the files alone; bad input in one line."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from twinsync.cli.app import BAD_INPUT, DONE, run
from twinsync.cli.clips import filling, streams_in
from twinsync.cli.options import Interrupted
from twinsync.codec import calibration
from twinsync.codec.series import SeriesEncoder
from twinsync.codec.sources import sample_frames
from twinsync.errors import InputError


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three small pictures of the street in a folder."""
    folder = tmp_path_factory.mktemp("images")
    for place, frame in enumerate(sample_frames()[:3, 60:180, 100:260]):
        Image.fromarray(frame).save(folder / f"{place}.png")
    return folder


def test_encode_then_decode_in_another_process(images: Path, tmp_path: Path) -> None:
    streams, pictures = tmp_path / "streams", tmp_path / "pictures"
    assert run(["codec", "encode", "--input", str(images), "--phi", "0.05", "--out", str(streams)]) == DONE
    sizes = {path.name: path.stat().st_size for path in streams.iterdir()}
    # D = 120 x 160 x 8 = 153,600 bit: 19,200 bytes at phi = 1, 960 at 0.05.
    assert sizes == {"00000.twin": 19_200, "00001.twin": 960, "00002.twin": 960}
    command = [sys.executable, "-m", "twinsync", "codec", "decode", str(streams), "--out", str(pictures)]
    assert subprocess.run(command, capture_output=True, timeout=300).returncode == DONE
    for place in range(3):
        true = np.asarray(Image.open(images / f"{place}.png")).astype(int)
        decoded = np.asarray(Image.open(pictures / f"{place:05d}.png")).astype(int)
        assert np.mean((decoded - true) ** 2) <= (0 if place == 0 else 12)


def test_a_stream_without_its_reference_is_named(images: Path, tmp_path: Path, capsys) -> None:
    streams = tmp_path / "streams"
    run(["codec", "encode", "--input", str(images), "--phi", "0.05", "--out", str(streams)])
    (streams / "00001.twin").unlink()
    capsys.readouterr()
    assert run(["codec", "decode", str(streams), "--out", str(tmp_path / "out")]) == BAD_INPUT
    error = capsys.readouterr().err
    assert "00002.twin: the stream was coded against revision 1, this decoder holds 0" in error


def test_evaluate_as_json(images: Path, capsys) -> None:
    assert run(["codec", "evaluate", "--input", str(images), "--phi", "0.1", "--json", "-"]) == DONE
    (entry,) = json.loads(capsys.readouterr().out)["factors"]
    assert entry["extraction_factor"] == 0.1
    assert [frame["wire_bytes"] for frame in entry["frames"]] == [1920, 1920]
    assert entry["psnr_db"] > entry["still_psnr_db"]["WebP"] > entry["still_psnr_db"]["JPEG"]


@pytest.mark.parametrize(
    ("arguments", "fragments"),
    [
        (["encode", "--phi", "0", "--out", "x"], ["--phi", "'0' is not a factor from 0.001 to 1"]),
        (["encode", "--phi", "0.1", "--out", "x", "--input", "nowhere"], ["nowhere", "no such folder or file"]),
        (["encode", "--phi", "0.1", "--out", "x", "--start", "99"], ["--start 99", "fewer frames"]),
        (["decode", "nowhere", "--out", "x"], ["nowhere", "no streams there"]),
        (["decode", "nowhere", "--out", "x", "--raw-size", "\u00b2x3"], ["--raw-size", "not a size such as 320x240"]),
        (["decode-series", "there", "--out", "no/x.csv"], ["--out no/x.csv: folder no does not exist"]),
        (["decode-series", "there", "--out", "x.csv"], ["00000.twin: cannot be read: Is a directory"]),
        (["evaluate", "--frames", "1"], ["one frame is no clip"]),
        (["evaluate", "--lose", "1"], ["--lose", "'1' is not a share from 0 to 0.95"]),
        (["evaluate", "--noise", "much"], ["--noise", "'much' is not a deviation from 0 to 64 grey levels"]),
        (["encode", "--phi", "0.1", "--out", "x", "--tables", "no.npz"], ["--tables no.npz: cannot be read"]),
        (["train", "--input", "nowhere", "--out", "no/x.npz"], ["--out no/x.npz: folder no does not exist"]),
        (["calibrate", "--out", "no/x.toml"], ["--out no/x.toml: folder no does not exist"]),
        (["calibrate", "--out", "x.toml", "--least-psnr", "nan"], ["'nan' is not a PSNR from 1 to 98 dB"]),
        (["evaluate-series", "--window", "32"], ["--window and --scale go with --input"]),
    ],
)
def test_bad_input_is_one_line(arguments: list[str], fragments: list[str], capsys, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there" / "00000.twin").mkdir(parents=True)
    assert run(["codec", *arguments]) == BAD_INPUT
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    for fragment in fragments:
        assert fragment in error


def test_one_image_is_a_clip_of_one_frame(images: Path, tmp_path: Path, capsys) -> None:
    picture, streams, back = images / "0.png", tmp_path / "streams", tmp_path / "back"
    assert run(["codec", "encode", "--input", str(picture), "--phi", "0.05", "--out", str(streams)]) == DONE
    # It is not scaled as a video's frames are: 120 x 160 samples at --first-phi 1.
    assert [path.stat().st_size for path in streams.iterdir()] == [19_200]
    assert run(["codec", "decode", str(streams), "--out", str(back)]) == DONE
    np.testing.assert_array_equal(np.asarray(Image.open(back / "00000.png")), np.asarray(Image.open(picture)))
    capsys.readouterr()
    assert run(["codec", "evaluate", "--input", str(picture)]) == BAD_INPUT
    assert "one frame is no clip" in capsys.readouterr().err
    damaged = tmp_path / "damaged.pgm"
    damaged.write_bytes(b"P5\n2.5 2\n255\n1234")  # for which Pillow raises a ValueError, not an OSError
    assert run(["codec", "evaluate", "--input", str(damaged)]) == BAD_INPUT
    assert "damaged.pgm: not an image that can be read" in capsys.readouterr().err


def test_an_empty_folder_and_a_broken_image_are_named(tmp_path: Path, capsys) -> None:
    arguments = ["codec", "encode", "--phi", "0.1", "--out", str(tmp_path / "out"), "--input", str(tmp_path)]
    assert run(arguments) == BAD_INPUT
    assert "no images; expected files that end in .png" in capsys.readouterr().err
    (tmp_path / "a.png").write_bytes(b"no image")
    assert run(arguments) == BAD_INPUT
    assert "a.png: not an image" in capsys.readouterr().err


def test_coding_needs_no_training_framework() -> None:
    code = "import sys, twinsync.codec.camera, twinsync.codec.series; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60).returncode == 0


def test_series_there_and_back(tmp_path: Path, capsys) -> None:
    time = np.arange(200)[:, None] / 50
    samples = np.sin(2 * np.pi * time * np.array([[1.0, 0.5]]))
    source, streams, back = tmp_path / "walk.csv", tmp_path / "streams", tmp_path / "back.csv"
    np.savetxt(source, samples, delimiter=",", header="x,y", comments="")
    scale = ["--scale", "10000"]
    assert (
        run(["codec", "encode-series", "--input", str(source), "--phi", "0.2", "--out", str(streams), *scale]) == DONE
    )
    # 200 samples are three windows of 64 and 8 more; floor(0.2 x 64 x 2 x 16) / 8 = 51 bytes.
    assert [path.stat().st_size for path in sorted(streams.iterdir())] == [51, 51, 51]
    assert run(["codec", "decode-series", str(streams), "--out", str(back), *scale]) == DONE
    decoded = np.loadtxt(back, delimiter=",", skiprows=1)
    assert decoded.shape == (192, 2)
    assert np.mean((decoded - samples[:192]) ** 2) < 1e-3
    capsys.readouterr()
    assert run(["codec", "evaluate-series", "--input", str(source), "--phi", "0.2", "--json", "-", *scale]) == DONE
    (entry,) = json.loads(capsys.readouterr().out)["factors"]
    assert (entry["windows"], entry["wire_bytes"]) == (3, [51])
    assert entry["nmse"] < 0.01


def test_evaluate_writes_a_report(images: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "report"
    arguments = ["codec", "evaluate", "--input", str(images), "--phi", "0.1", "--noise", "3", "--out", str(out)]
    assert run(arguments) == DONE
    page = (out / "report.html").read_text("utf-8")
    assert "3 grey levels rms" in page
    assert page.count("<svg") == 6
    noisy = json.loads((out / "picture_first.json").read_text())["factors"][0]
    assert json.loads((out / "task_first.json").read_text())["factors"][0]["f1"] == 1.0
    capsys.readouterr()
    assert run(["codec", "evaluate", "--input", str(images), "--phi", "0.1", "--json", "-"]) == DONE
    assert noisy["psnr_db"] < json.loads(capsys.readouterr().out)["factors"][0]["psnr_db"] - 3
    assert run(arguments) == BAD_INPUT  # the folder exists


def test_tables_of_ones_own_are_for_both_ends(images: Path, tmp_path: Path, capsys) -> None:
    trained = tmp_path / "tables.npz"
    few = ["codec", "train", "--input", str(images), "--every", "1", "--clips", "1", "--epochs", "1"]
    assert run([*few, "--out", str(trained)]) == DONE
    assert f"with --tables {trained}" in capsys.readouterr().err
    streams, tables = tmp_path / "streams", ["--tables", str(trained)]
    encode = ["codec", "encode", "--input", str(images), "--phi", "0.05", "--out", str(streams)]
    assert run([*encode, *tables]) == DONE
    decode = ["codec", "decode", str(streams), "--out", str(tmp_path / "pictures")]
    assert run(decode) == BAD_INPUT
    assert "the stream was written with tables" in capsys.readouterr().err
    # What failed left nothing, so that the same command with the tables does it.
    assert run([*decode, *tables]) == DONE
    assert run(["codec", "evaluate", "--input", str(images), "--phi", "0.1", *tables]) == DONE


def test_a_file_that_holds_no_tables_is_named(images: Path, tmp_path: Path, capsys) -> None:
    damaged, other = tmp_path / "damaged.npz", tmp_path / "other.npz"
    damaged.write_bytes(b"no tables")
    np.savez(other, probability=np.zeros(3))
    for path, said in ((damaged, "not a file of tables"), (other, "tables of another release")):
        assert run(["codec", "evaluate", "--input", str(images), "--tables", str(path)]) == BAD_INPUT
        assert f"--tables {path}: {said}" in capsys.readouterr().err


@pytest.mark.parametrize("size", [(8, 8), (1, 1)])
def test_pictures_too_small_to_train_on(size: tuple[int, int], tmp_path: Path, capsys) -> None:
    for place in range(3):
        Image.new("L", size, 90).save(tmp_path / f"{place}.png")
    arguments = ["codec", "train", "--input", str(tmp_path), "--every", "1", "--clips", "1"]
    assert run([*arguments, "--out", str(tmp_path / "x.npz")]) == BAD_INPUT
    assert f"pictures of {size[0]}x{size[1]} are too small to train on" in capsys.readouterr().err
    assert not (tmp_path / "x.npz").exists()


def test_pictures_that_the_format_does_not_take_are_refused_before_coding(tmp_path: Path, capsys) -> None:
    deep, wide = tmp_path / "deep", tmp_path / "wide"
    deep.mkdir()
    wide.mkdir()
    Image.fromarray(np.full((32, 32), 40_000, np.uint16)).save(deep / "a.png")
    Image.new("L", (9000, 16)).save(wide / "a.png")
    for folder, said in ((deep, "samples of more than 8 bits"), (wide, "9000x16 is too large")):
        out = tmp_path / "streams"
        assert run(["codec", "encode", "--input", str(folder), "--phi", "0.1", "--out", str(out)]) == BAD_INPUT
        assert f"a.png: {said}" in capsys.readouterr().err
        assert not out.exists()


def test_a_folder_half_filled_goes_again(images: Path, tmp_path: Path, capsys) -> None:
    mixed, out = tmp_path / "mixed", tmp_path / "streams"
    mixed.mkdir()
    for place, size in enumerate(((64, 48), (48, 64))):
        Image.new("L", size, 90).save(mixed / f"{place}.png")
    arguments = ["codec", "encode", "--phi", "0.1", "--out", str(out), "--input"]
    assert run([*arguments, str(mixed)]) == BAD_INPUT
    assert "frame 1 is 48x64" in capsys.readouterr().err
    assert run([*arguments, str(images)]) == DONE


def test_streams_are_taken_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    names = ["00002.twin", "99999.twin", "100000.twin"]
    for name in reversed(names):
        (tmp_path / name).touch()
    assert [path.name for path in streams_in(tmp_path)] == names


def test_a_folder_that_cannot_be_filled_is_removed_whatever_the_reason(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(InputError, match=r"--out .*: cannot be written: No space left on device"), filling(out):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert not out.exists()
    with pytest.raises(Interrupted, match="out is not complete: remove it"), filling(out):
        raise KeyboardInterrupt
    assert out.exists()


def test_series_of_different_channels_make_no_file(tmp_path: Path, capsys) -> None:
    streams = tmp_path / "streams"
    streams.mkdir()
    for place, channels in enumerate((2, 3)):
        _, stream = SeriesEncoder().encode(np.full((64, channels), 900, np.int16), 0.2)
        (streams / f"{place:05d}.twin").write_bytes(stream)
    assert run(["codec", "decode-series", str(streams), "--out", str(tmp_path / "back.csv")]) == BAD_INPUT
    assert "00001.twin: 3 channels, the streams before it 2" in capsys.readouterr().err


def test_an_accuracy_that_no_factor_reaches_is_said_before_anything_is_timed(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    measured = [calibration.Accuracy(1, factor, psnr, 0.9, 0.9, 0.1) for factor, psnr in ((0.1, 40.0), (1.0, 50.0))]
    monkeypatch.setattr(calibration, "measure_accuracy", lambda frames, progress: measured)
    monkeypatch.setattr(calibration, "measure_cost", lambda *_, **__: pytest.fail("timed"))
    arguments = ["--input", str(images), "--clock-ghz", "2.5", "--least-psnr", "60", "--out", str(tmp_path / "x.toml")]
    assert run(["codec", "calibrate", *arguments]) == BAD_INPUT
    assert "no measured phi reaches 60 dB; the best is 50.0 dB" in capsys.readouterr().err


def test_a_constant_series_has_no_error(tmp_path: Path, capsys) -> None:
    source = tmp_path / "constant.csv"
    np.savetxt(source, np.full((128, 2), 7.0), delimiter=",")
    arguments = ["codec", "evaluate-series", "--input", str(source), "--phi", "0.3", "--json", "-"]
    assert run(arguments) == DONE
    captured = capsys.readouterr()
    (entry,) = json.loads(captured.out)["factors"]
    assert entry["nmse"] in (0.0, None)
    assert "no sample is larger than 7 counts" in captured.err


def test_a_window_of_a_series_is_no_picture(tmp_path: Path, capsys) -> None:
    source, streams = tmp_path / "walk.csv", tmp_path / "streams"
    np.savetxt(source, np.random.default_rng(0).normal(0, 900, (64, 2)), delimiter=",")
    assert run(["codec", "encode-series", "--input", str(source), "--phi", "0.2", "--out", str(streams)]) == DONE
    assert run(["codec", "decode", str(streams), "--out", str(tmp_path / "out")]) == BAD_INPUT
    assert "00000.twin: the stream holds a window of a series, no picture" in capsys.readouterr().err
