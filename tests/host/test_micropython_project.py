"""generate, simulate, check, build and flash of MicroPython projects, as a user calls them."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from build_tflite import Node, T, build, const
from small_models import HOSTILE_LABELS, MODELS

from tinygen.boards import load_board
from tinygen.cli import main
from tinygen.compiled import Model, compile_model
from tinygen.micropython import deploy
from tinygen.micropython.bundle import source_of
from tinygen.micropython.native import build_native
from tinygen.micropython.programs import find_program
from tinygen.pipeline import generate
from tinygen.preprocess import quantize_input
from tinygen.project import Preprocess
from tinygen.simulate.compare import crc32
from tinygen.simulate.inputs import generated
from tinygen.simulate.reference import reference

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
BOARD = "nano33ble"
pytestmark = [pytest.mark.needs_cross_gcc, pytest.mark.needs_tflm, pytest.mark.needs_micropython]


def project(tmp_path: Path, model: Model, board: str = BOARD) -> Path:
    generate(model, board, tmp_path / "project", runtime="micropython")
    return tmp_path / "project"


def for_this_machine(folder: Path, model: Model) -> Path:
    """The project's device/ with the module as native code of this machine."""
    made = build_native(source_of(compile_model(model, load_board(BOARD))), "x64")
    (folder / "device" / f"_{model.name}.mpy").write_bytes(made.data)
    return folder / "device"


def in_micropython(folder: Path, script: str) -> Any:
    done = subprocess.run(
        [find_program("micropython"), "-c", script], cwd=folder, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def called(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Exit code, standard output, standard error of the command line."""
    with mock.patch("sys.argv", ["tinygen", *map(str, arguments)]), pytest.raises(SystemExit) as ended:
        main()
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def dense(name: str, inputs: int, outputs: int, preprocess: Preprocess | None = None) -> Model:
    rng = np.random.default_rng(7)
    tensors = [
        T((1, inputs), "int8", (0.1,), (-3,)),
        const(rng.integers(-127, 128, (outputs, inputs)), "int8", scales=(0.02,), zero_points=(0,)),
        const(rng.integers(-500, 500, outputs), "int32", scales=(0.002,), zero_points=(0,)),
        T((1, outputs), "int8", (0.4,), (5,)),
    ]
    node = Node("FULLY_CONNECTED", (0, 1, 2), (3,), "FullyConnectedOptions", {})
    labels = tuple(f"class {i}" for i in range(outputs))
    return Model(name, build(tensors, [node], [0], [3]), labels=labels, preprocess=preprocess)


def test_quantize_and_top_are_those_of_the_host(tmp_path: Path) -> None:
    model = MODELS["conv"]()
    folder = for_this_machine(project(tmp_path, model), model)
    record = generate(model, BOARD, tmp_path / "again", runtime="micropython").manifest.model.inputs[0]
    rng = np.random.default_rng(1)
    rows = rng.normal(0, 3, (40, 128)).astype(np.float32)
    rows[0, :8] = [np.nan, np.inf, -np.inf, 3e38, -3e38, 1e-45, 0.0, -0.0]
    rows[1] = (np.arange(128) - 64.0) * np.float32(record.scale) / 2  # halves, where rounding turns
    np.ascontiguousarray(rows).tofile(folder / "rows.bin")
    script = (
        "import json, struct, conv\n"
        "data, buf, found = open('rows.bin', 'rb').read(), bytearray(conv.INPUT_BYTES), []\n"
        "for at in range(0, len(data), 512):\n"
        "    conv.quantize(struct.unpack('<128f', data[at:at + 512]), buf)\n"
        "    found.append(buf.hex())\n"
        "out = bytearray(conv.OUTPUT_BYTES)\n"
        "conv.run(buf, out, bytearray(conv.ARENA_BYTES))\n"
        "print(json.dumps([found, out.hex(), conv.top(out), [conv.value(out, i) for i in range(3)], conv.LABELS]))\n"
    )
    found, out, (label, score), values, labels = in_micropython(folder, script)
    wanted = quantize_input(rows.reshape(40, 1, 8, 8, 2), model.preprocess, record.scale or 1, record.zero_point or 0)
    assert found == [row.tobytes().hex() for row in wanted]
    (tmp_path / "m.tflite").write_bytes(model.tflite)
    assert out == reference(tmp_path / "m.tflite", [wanted[-1].tobytes()]).outputs[0].hex()
    assert tuple(labels) == model.labels and label == model.labels[int(np.argmax(values))] and score == max(values)


def test_hostile_labels_stay_text(tmp_path: Path) -> None:
    model = replace(dense("m", 4, 5), labels=HOSTILE_LABELS, version='1"""\n')
    folder = for_this_machine(project(tmp_path, model), model)
    labels, version = in_micropython(folder, "import json, m; print(json.dumps([m.LABELS, m.VERSION]))")
    assert (tuple(labels), version) == (HOSTILE_LABELS, model.version)


@pytest.mark.parametrize("board", [BOARD, "pico", "esp32-c3-devkitm-1"])
def test_the_bytes_that_are_copied_are_the_ones_that_were_proven(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], board: str
) -> None:
    folder = project(tmp_path, MODELS["conv"](), board)
    code, out, _ = called(capsys, "simulate", folder, "--samples", 3, "--json", "-")
    told = json.loads(out)
    assert code == 0 and told["mismatched_samples"] == 0 and told["instructions_per_inference"] > 1000
    assert [form["mismatched_samples"] for form in told["forms"]] == [0] * len(told["forms"])
    assert [form["form"].partition(" ")[0] for form in told["forms"]] == ["native", "native", "viper"]
    module = folder / "device" / "_conv.mpy"
    data = bytearray(module.read_bytes())
    at = data.index(b"OUTPUT_BYTES\0") + 20  # in the bytes object of the weights
    data[at] ^= 0x40
    module.write_bytes(data)
    code, _, err = called(capsys, "simulate", folder, "--samples", 3, "--on", "unicorn")
    assert code == 4 and "differ" in err


def test_xtensa_gets_viper_or_a_way_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = project(tmp_path, MODELS["conv"](), "esp32dev")
    assert (folder / "device" / "_conv.mpy").read_bytes()[:3] == b"M\6\x2b"
    code, out, _ = called(capsys, "simulate", folder, "--samples", 2, "--json", "-")
    told = json.loads(out)
    assert code == 0 and [form["form"] for form in told["forms"]] == ["viper x64", "native x64"]
    assert [form["mismatched_samples"] for form in told["forms"]] == [0, 0]
    code, _, err = called(capsys, "simulate", folder, "--on", "unicorn")
    assert code == 5 and "nothing runs it here" in err
    source = folder / "viper" / "_conv.py"
    source.write_text(source.read_text().replace("ARENA_BYTES = const(", "ARENA_BYTES = const(", 1) + "\nnonsense\n")
    code, _, err = called(capsys, "simulate", folder, "--samples", 2)
    assert code == 4 and "NameError" in err
    tensors = [T((1, 8), "int8", (0.1,), (0,)), T((1, 8), "float32")]
    (tmp_path / "f.tflite").write_bytes(build(tensors, [Node("DEQUANTIZE", (0,), (1,))], [0], [1]))
    given = ("generate", tmp_path / "f.tflite", "--runtime", "micropython", "-o", tmp_path / "f")
    code, _, err = called(capsys, *given, "--board", "esp32dev")
    assert code == 2 and "DEQUANTIZE" in err and "viper" in err and not (tmp_path / "f").exists()
    code, _, err = called(capsys, *given, "--board", "pico")
    assert code == 0 and not (tmp_path / "f" / "viper").exists()
    assert "There is no viper form" in (tmp_path / "f" / "README.md").read_text()


def test_a_firmware_of_the_users_runs_it_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = project(tmp_path, MODELS["conv"]())
    given = ("simulate", folder, "--samples", 2, "--on", "unicorn", "--micropython-firmware")
    code, out, _ = called(capsys, *given, find_program("micropython"), "--json", "-")
    form = json.loads(out)["forms"][-1]
    assert code == 0 and form["mismatched_samples"] == 0 and form["heap_bytes"]["romfs"] < form["heap_bytes"]["file"]
    code, _, err = called(capsys, *given, "/bin/false")
    assert code == 2 and "false" in err
    code, _, err = called(capsys, *given, tmp_path / "none")
    assert code == 2 and "none" in err


def test_check_knows_where_a_module_lies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = project(tmp_path, MODELS["conv"]())
    used = []
    for storage in ("file", "romfs", "frozen"):
        code, out, _ = called(capsys, "check", folder, "--storage", storage, "--json", "-")
        told = json.loads(out)
        assert code == 0 and {"arena", "static", "stack", "framework"} <= set(told["ram"]["parts"])
        assert {"weights", "code", "runtime", "framework"} <= set(told["flash"]["parts"])
        assert told["heap"][storage] == told["ram"]["used_bytes"] - told["ram"]["parts"]["framework"]
        used.append(told["ram"]["used_bytes"])
    assert used[0] > used[1] > used[2]
    generate(MODELS["conv"](), "pico", tmp_path / "pico", runtime="micropython")
    code, _, err = called(capsys, "check", tmp_path / "pico", "--storage", "romfs")
    assert code == 2 and "no ROM filesystem" in err
    code, _, err = called(capsys, "check", folder, "--max-ram", "4K")
    assert code == 3 and "RAM over budget" in err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--name", "gc"), "not a name that MicroPython can import"),
        (("--name", "lambda"), "not a name"),
        (("--project", "cmake"), "builds no MicroPython module"),
        (("--source", "vectors"), "device/main.py"),
        (("--checked",), "--runtime micropython has none"),
        (("--board", "bluepill_f103c8"), "no MicroPython"),
    ],
)
def test_what_has_no_module_is_told_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], said: str
) -> None:
    (tmp_path / "m.tflite").write_bytes(MODELS["dense"]().tflite)
    given = ("generate", tmp_path / "m.tflite", "--board", BOARD, "--runtime", "micropython", "-o", tmp_path / "p")
    code, _, err = called(capsys, *given, *options)
    assert code == 2 and said in err and err.count("\n") == 1
    assert not (tmp_path / "p").exists()


def test_a_damaged_module_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = project(tmp_path, MODELS["dense"]())
    module = folder / "device" / "_dense.mpy"
    module.write_bytes(module.read_bytes()[:-9])
    for command in ("simulate", "check"):
        code, _, err = called(capsys, command, folder)
        assert code == 2 and ".mpy" in err
    module.unlink()
    code, _, err = called(capsys, "simulate", folder)
    assert code == 2 and "_dense.mpy" in err


def test_a_rom_filesystem_is_built_and_its_weights_are_used_in_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = dense("big", 400, 60)
    folder = project(tmp_path, model)
    device = for_this_machine(folder, model)
    code, out, _ = called(capsys, "build", folder)
    image = folder / "build" / "big.romfs"
    assert code == 0 and str(image) in out.replace("\n", "")
    script = (
        "import gc, json, sys, vfs\n"
        "rom = open({!r}, 'rb').read()\n"
        "if {}:\n"
        "    vfs.mount(vfs.VfsRom(rom), '/rom'); sys.path[:] = ['/rom']\n"
        "gc.collect(); before = gc.mem_alloc()\n"
        "import big as m\n"
        "gc.collect(); heap = gc.mem_alloc() - before\n"
        "out = bytearray(m.OUTPUT_BYTES)\n"
        "m.run(bytes(range(200)) * 2, out, bytearray(m.ARENA_BYTES))\n"
        "print(json.dumps([heap, out.hex()]))\n"
    )
    heaps = [in_micropython(device, script.format(str(image), rom)) for rom in (True, False)]
    assert heaps[0][1] == heaps[1][1]
    assert heaps[1][0] - heaps[0][0] > 400 * 60 - 2000


class FakeMpremote:
    """Plays mpremote: keeps what it was called with, answers `exec` with the lines given."""

    def __init__(self, tmp_path: Path, answer: str, code: int = 0) -> None:
        self.calls = tmp_path / "calls"
        self.path = tmp_path / "mpremote"
        self.path.write_text(
            f'#!/bin/sh\necho "$3" >> "{self.calls}"\ncase "$3" in exec) printf "{answer}" ;; esac\nexit {code}\n'
        )
        self.path.chmod(0o755)


@pytest.mark.parametrize(("is_right", "code"), [(True, 0), (False, 4)])
def test_flash_copies_and_compares_what_the_board_computes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, is_right: bool, code: int
) -> None:
    model = MODELS["dense"]()
    made = generate(model, BOARD, tmp_path / "project", runtime="micropython").manifest
    (tmp_path / "m.tflite").write_bytes(model.tflite)
    expected = crc32(reference(tmp_path / "m.tflite", [generated(made.model.inputs, 0)]).outputs[0])
    shown = expected if is_right else "00000000"
    fake = FakeMpremote(tmp_path, f"model: dense sha256 {made.model.sha256}\\noutput: {shown}\\n")
    monkeypatch.setattr(deploy, "find_program", lambda _name: str(fake.path))
    found, out, err = called(capsys, "flash", tmp_path / "project", "--port", "/dev/ttyACM7")
    assert found == code
    assert fake.calls.read_text().split() == ["fs", "soft-reset", "exec"]
    assert "copied by mpremote" in out if is_right else "CRC-32" in err
    fake.calls.unlink()
    called(capsys, "flash", tmp_path / "project", "--port", "/dev/ttyACM7", "--romfs")
    assert fake.calls.read_text().split()[0] == "romfs"


def test_what_mpremote_says_against_it_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = project(tmp_path, MODELS["dense"]())
    fake = FakeMpremote(tmp_path, "", code=1)
    monkeypatch.setattr(deploy, "find_program", lambda _name: str(fake.path))
    code, _, err = called(capsys, "flash", folder, "--port", "/dev/ttyACM7")
    assert code == 2 and "mpremote" in err and err.count("\n") == 1


def test_the_examples_programs_run(tmp_path: Path) -> None:
    digits = dense("digits", 64, 10)
    folder = for_this_machine(project(tmp_path, digits), digits)
    program = (EXAMPLES / "digits" / "micropython.py").read_text("utf-8")
    (folder / "main.py").write_text(program + "import json\nprint(json.dumps(classify([1.0] * 64)))\n")
    done = subprocess.run([find_program("micropython"), "main.py"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("digits: class ")

    motions = dense("motions", 600, 4, Preprocess(mean=(0.5,), std=(2.0,)))
    folder = for_this_machine(project(tmp_path / "m", motions), motions)
    (folder / "main.py").write_text((EXAMPLES / "motions" / "micropython.py").read_text("utf-8"))
    script = "import main\nmain.THRESHOLD = -1e9\nmain.watch(main.Sensor(), 5, lambda: None)"
    waited = subprocess.run([find_program("micropython"), "-c", script], cwd=folder, capture_output=True, text=True)
    assert waited.returncode == 0, waited.stderr
    assert waited.stdout.startswith("motions: class ")


def test_run_renders_a_module(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "m.tflite").write_bytes(dense("m", 8, 3).tflite)
    (tmp_path / "tinygen.toml").write_text(
        'schema = 1\n[model]\npath = "m.tflite"\nlabels = ["a", "b", "c"]\n[target]\nboards = ["pico"]\n'
        'runtime = "micropython"\n[app]\nthreshold = 0.5\n'
    )
    code, out, err = called(capsys, "run", tmp_path / "tinygen.toml")
    assert code == 0, err
    assert "[app] is not used" in out
    assert "LABELS = ('a', 'b', 'c', )" in (tmp_path / "build" / "pico" / "device" / "m.py").read_text()
