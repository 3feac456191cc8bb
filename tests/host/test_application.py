"""Rendered applications as programs of the host: a stream's events, inputs from C++, lines, the self-test's verdict."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from command_line import tinygen
from small_models import MODELS

from tinygen import road
from tinygen.application import Application, AppSection
from tinygen.backends.application import APP_FILES
from tinygen.checking import check
from tinygen.compiled import Model
from tinygen.errors import BadInput
from tinygen.frontend.importer import import_tflite
from tinygen.pipeline import generate
from tinygen.preprocess import quantize_input
from tinygen.project import read_manifest
from tinygen.resources import data_dir
from tinygen.simulate.inputs import generated
from tinygen.simulate.reference import Reference, reference
from tinygen.toolchain.compilers import environment

pytestmark = [pytest.mark.needs_cc, pytest.mark.needs_tflm]

APPS = Path(__file__).resolve().parent / "apps"
BOARD = "nucleo_f446re"  # its main calls tg_port_start, which the tests' own files define
FLAGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror", "-g", "-O1"]
OBJECTS = tempfile.TemporaryDirectory(prefix="tinygen-objects-")
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


def render(model: Model, folder: Path, window: int | None = None, stride: int | None = None, **app: Any) -> Path:
    """A project in `folder`."""
    generate(model, BOARD, folder, app=Application(AppSection.model_validate(app), window, stride))
    return folder


def compiled(project: Path, user: str, *defines: str) -> Path:
    """The project's own main and application with the host's port and the test's own side of it."""
    name = read_manifest(project).model.name
    library, build = project / "lib" / name / "src", project.parent / f"{project.name} built"
    build.mkdir(exist_ok=True)
    assert {p.name for p in (project / "src").iterdir()} >= set(APP_FILES)
    ours = [p for p in (project / "src").glob("*.c") if not p.name.startswith(("tg_port_", "user.", *APP_FILES))]
    includes = ("-I", str(library), "-I", str(project / "src"))
    objects = [*application(defines)]
    for source in [*sorted(library.glob("*.c")), *sorted(ours), APPS / user]:
        objects.append(compile_one(source, build, (*defines, *includes)))
    run(["c++", *SANITIZE, *objects, "-o", str(build / "app")])
    return build / "app"


@cache
def application(defines: tuple[str, ...]) -> tuple[str, ...]:
    """The objects of what is the same in every project."""
    app = data_dir("firmware") / "app"
    build = Path(tempfile.mkdtemp(prefix="tinygen-app-", dir=OBJECTS.name))
    includes = ("-I", str(app), "-I", str(app.parent / "runtime"))
    files = (*APP_FILES, "tg_port_stdio.c")  # a receiver of frames of the test's own takes tg_link.c's place
    sources = [app / name for name in files if name.endswith(".c") and name != "tg_link.c"]
    return tuple(compile_one(source, build, (*defines, *includes)) for source in sources)


def compile_one(source: Path, build: Path, flags: tuple[str, ...]) -> str:
    language = ["c++", "-std=c++17"] if source.suffix == ".cpp" else ["cc", "-std=c99"]
    run([*language, *FLAGS, *SANITIZE, *flags, "-c", str(source), "-o", str(build / f"{source.name}.o")])
    return str(build / f"{source.name}.o")


def run(command: list[str]) -> None:
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]


def talk(program: Path, data: bytes) -> list[str]:
    """The lines after `ready:`."""
    return said(program, data)[1]


def said(program: Path, data: bytes) -> tuple[list[str], list[str]]:
    """(the lines at start, those after `ready:`)."""
    (program.parent / "input").write_bytes(data)
    done = subprocess.run([str(program)], input=data, cwd=program.parent, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    lines = done.stdout.decode().splitlines()
    ready = next(i for i, line in enumerate(lines) if line.startswith("ready: "))
    return lines[1:ready], lines[ready + 1 :]


def outputs_of(model: Model, inputs: Sequence[bytes], folder: Path) -> tuple[bytes, ...]:
    path = folder / "reference.tflite"
    path.write_bytes(model.tflite)
    return reference(path, inputs).outputs if inputs else ()


def motions(seed: int, count: int, channels: int) -> npt.NDArray[np.float32]:
    """As a sensor records: long stretches of one motion, noise, and now and then a value that is far out."""
    rng = np.random.default_rng(seed)
    level = np.repeat(rng.normal(0, 6, (count // 20 + 1, channels)), 20, axis=0)[:count]
    wave = np.sin(np.arange(count)[:, None] * rng.uniform(0.1, 1.5, channels)) * rng.uniform(0, 8, channels)
    stream = level + wave + rng.normal(0, 0.5, (count, channels))
    stream[rng.integers(0, count, 5)] *= 1e6
    return np.asarray(stream, np.float32)


def python_pipeline(
    model: Model, stream: npt.NDArray[np.float32], window: int, stride: int, app: dict[str, Any], folder: Path
) -> list[str]:
    """What the application has to say, by numpy slices, the reference kernels, exact rational numbers and a deque."""
    graph = import_tflite(model.tflite, model.name)
    x, y = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    assert x.quant is not None and y.quant is not None
    windows = [stream[s : s + window] for s in range(0, len(stream) - window + 1, stride)]
    q = [quantize_input(w.reshape(x.shape), model.preprocess, x.quant.scale, x.quant.zero_point) for w in windows]
    scale, zero = np.float32(y.quant.scale), y.quant.zero_point
    smoothing = app.get("smoothing", {"n": 1, "m": 1})
    last: deque[int] = deque(maxlen=smoothing["m"])
    lines, fired = [], -(10**9)
    for i, output in enumerate(outputs_of(model, [v.tobytes() for v in q], folder)):
        values = np.frombuffer(output, np.int8)
        best = int(values.argmax())
        score = scale * np.float32(int(values[best]) - zero)
        reached = Fraction(float(scale)) * (int(values[best]) - zero) >= Fraction(str(app.get("threshold", -1000)))
        label = best if reached else -1
        lines.append(f"{label} {float(score):.9g}")
        last.append(label)
        if label >= 0 and last.count(label) >= smoothing["n"] and i - fired > app.get("refractory", 0):
            fired = i
            name = model.labels[label] if model.labels else ""
            lines.append(f"event {label} {name} {float(score):.9g}")
    return lines


@pytest.mark.parametrize(
    ("name", "window", "stride", "app"),
    [
        ("conv", 8, 3, {"threshold": 0.4, "smoothing": {"n": 3, "m": 5}, "refractory": 10}),
        ("conv", 8, 8, {"threshold": 0.36, "smoothing": {"n": 2, "m": 2}}),
        ("conv", 4, 11, {"refractory": 4}),
        ("dense", 4, 1, {"threshold": 8.5, "smoothing": {"n": 2, "m": 7}, "refractory": 3}),
        ("dense", 8, None, {}),
    ],
)
def test_a_streams_events_are_those_of_the_python_pipeline(
    tmp_path: Path, name: str, window: int, stride: int | None, app: dict[str, Any]
) -> None:
    model = MODELS[name]()
    project = render(model, tmp_path / "p", window, stride, source="function", **app)
    graph = import_tflite(model.tflite, name)
    channels = graph.tensors[graph.inputs[0]].size // window
    program = compiled(project, "stream.c", f"-DCHANNELS={channels}")
    kinds: set[str] = set()
    for seed in range(4):
        stream = motions(seed, 700 + seed, channels)
        want = python_pipeline(model, stream, window, stride or window, app, tmp_path)
        assert talk(program, stream.tobytes()) == want
        kinds |= {line.split()[0] for line in want}
    assert "event" in kinds and len(kinds) > 2  # several labels, or a label and none
    assert talk(program, motions(9, window - 1, channels).tobytes() if window > 5 else b"") == []


def test_inputs_come_from_the_users_cpp(tmp_path: Path) -> None:
    model = MODELS["hostile"]()
    project = render(model, tmp_path / "p", source="function")
    inputs = read_manifest(project).model.inputs
    samples = [generated(inputs, run) for run in range(5)]
    want = [f"{out.hex()} -1" for out in outputs_of(model, samples, tmp_path)]
    assert talk(compiled(project, "input.cpp"), b"".join(samples)) == want


def test_vectors_pass_and_layers_are_timed(tmp_path: Path) -> None:
    project = render(MODELS["conv"](), tmp_path / "p", source="vectors")
    assert "build_flags = -DTG_TRACE=1\n" in (project / "platformio.ini").read_text()
    ran = [layer.index for layer in read_manifest(project).plan.layers if layer.kernel != "view"]
    for flag in ("-DTG_TRACE=1", "-DNOTHING"):
        start, answer = said(compiled(project, "idle.c", flag), ("00" * 128 + "\n\4").encode())
        assert start[-1] == "self-test: PASS (3 vectors)"
        assert start[0].startswith("model: conv 2.1, sha256 ") and start[1].startswith("arena: ")
        times = [re.fullmatch(r"layer (\d+): (\d+) us", line) for line in start[3:-1]]
        assert [int(m[1]) for m in times if m] == (ran if "TRACE" in flag else [])
        assert all(times) and re.fullmatch(r"invoke: \d+ us", start[2])
        assert [line.split(":")[0] for line in answer] == ["invoke", "output 0", "label"]


def test_a_wrong_weight_fails_the_self_test(tmp_path: Path) -> None:
    project = render(MODELS["dense"](), tmp_path / "p", source="vectors")
    source = project / "lib" / "dense" / "src" / "dense_weights.c"
    text = source.read_text()
    numbers = re.search(r"\{\s*(-?\d+), (-?\d+),", text)
    assert numbers is not None
    source.write_text(
        text.replace(numbers[0], numbers[0].replace(f"{numbers[1]},", f"{int(numbers[1]) // 2 + 60},", 1))
    )
    start, _ = said(compiled(project, "idle.c"), b"\4")
    assert re.fullmatch(r"self-test: FAIL vector \d, output 0, byte \d: got \d+, expected \d+", start[-1])


def test_the_first_wrong_byte_is_named(tmp_path: Path) -> None:
    """By an expected byte that is turned over, in the second output of the last vector."""
    project = render(MODELS["hostile"](), tmp_path / "p", source="vectors")
    manifest = read_manifest(project)
    first = manifest.model.outputs[0].bytes
    want = outputs_of(MODELS["hostile"](), [generated(manifest.model.inputs, i) for i in range(3)], tmp_path)[2]
    source = project / "src" / "tg_app_data.c"
    head, array, rest = re.split(r"(output2\[\d+\] = \{)", source.read_text())
    values = rest.split(",")
    values[first + 5] = f" {want[first + 5] ^ 1}"
    source.write_text(head + array + ",".join(values))
    start, _ = said(compiled(project, "idle.c"), b"\4")
    expected = f"output 1, byte 5: got {want[first + 5]}, expected {want[first + 5] ^ 1}"
    assert start[-1] == f"self-test: FAIL vector 2, {expected}"


def test_what_is_too_large_for_the_flash_is_compared_by_its_crc(tmp_path: Path, monkeypatch: Any) -> None:
    for most, want in ((301, 3), (300, 2), (20, 1), (8, 1)):
        monkeypatch.setattr("tinygen.app_vectors._MOST_BYTES", most)
        project = render(MODELS["conv"](), tmp_path / str(most), source="vectors")
        app = read_manifest(project).app
        assert app.vectors == want and (app.flash_bytes <= most or most == 8)
        start, _ = said(compiled(project, "idle.c"), b"\4")
        assert start[-1] == f"self-test: PASS ({want} vector{'s' if want > 1 else ''})"
    source = project / "src" / "tg_app_data.c"
    source.write_text(
        re.sub(r"NULL, NULL, 0x(.)", lambda m: f"NULL, NULL, 0x{int(m[1], 16) ^ 1:x}", source.read_text())
    )
    start, _ = said(compiled(project, "idle.c"), b"\4")
    assert re.fullmatch(r"self-test: FAIL vector 0: got crc32 [0-9a-f]{8}, expected [0-9a-f]{8}", start[-1])


def test_frames_are_taken_out_of_the_line(tmp_path: Path) -> None:
    program = compiled(render(MODELS["dense"](), tmp_path / "p"), "idle.c")
    plain = talk(program, b"0011223344556677\n\4")
    framed = talk(program, b"00112233!frame 00\n44556677\n!x\n\4")
    assert len(plain) == 2 and plain[0].startswith("invoke: ") and plain[1].startswith("output 0: ")
    assert framed[1:] == plain[1:]


@pytest.mark.parametrize("dtype", ["int16", "float32", "uint8"])
def test_the_ramp_of_other_types_is_simulates(tmp_path: Path, dtype: str, monkeypatch: Any) -> None:
    """Told as its CRC-32, and as a vector that is made on the device."""
    model = ramp_model(dtype)
    project = render(model, tmp_path / "p")
    start, _ = said(compiled(project, "idle.c"), b"\4")
    from tinygen.simulate.compare import crc32

    want = crc32(outputs_of(model, [generated(read_manifest(project).model.inputs, 0)], tmp_path)[0])
    assert start[-1] == f"ramp: output crc32 {want}"
    project = render(model, tmp_path / "v", source="serial", vectors=2)
    assert said(compiled(project, "idle.c"), b"\4")[0][-1] == "self-test: PASS (2 vectors)"


def ramp_model(dtype: str) -> Model:
    """One operator that takes the type."""
    from build_tflite import Node, T, build

    if dtype == "float32":
        tensors = [T((1, 9), "float32", name="x"), T((1, 9), "int8", (1 / 128,), (0,), name="y")]
        return Model("ends", build(tensors, [Node("QUANTIZE", (0,), (1,))], [0], [1]))
    quant = ((2**-15,), (0,)) if dtype == "int16" else ((0.5,), (3,))
    tensors = [T((1, 9), dtype, *quant, name="x"), T((1, 9), "int8", (0.5,), (3,), name="y")]
    return Model("ends", build(tensors, [Node("QUANTIZE", (0,), (1,))], [0], [1]))


def test_what_does_not_fit_the_model_is_refused(tmp_path: Path) -> None:
    for name, window, app, why in (
        ("dense", 3, {}, r"not a multiple"),
        ("hostile", 4, {}, r"2 inputs"),
        ("conv", 8, {"threshold": 1.0}, r"highest value"),
        ("hostile", None, {"threshold": 0.5}, r"no score"),
    ):
        with pytest.raises(BadInput, match=why):
            render(MODELS[name](), tmp_path / name, window, source="function", **app)
        assert not (tmp_path / name).exists()
    with pytest.raises(BadInput, match="no application"):
        generate(MODELS["dense"](), "qemu_riscv32", tmp_path / "q", app=Application(AppSection(source="vectors")))


@pytest.mark.needs_models
def test_a_large_models_vectors_are_few(tmp_path: Path, model_path: Callable[[str], Path]) -> None:
    model = Model("vww", model_path("vww_96_int8").read_bytes())
    project = render(model, tmp_path / "p", source="vectors")
    app = read_manifest(project).app
    assert app.vectors == 2 and 27_648 < app.flash_bytes <= 32 << 10
    assert said(compiled(project, "idle.c"), b"\4")[0][-1] == "self-test: PASS (2 vectors)"


@pytest.mark.needs_cross
def test_run_takes_the_application_from_the_file(tmp_path: Path) -> None:
    """The application asked for on the real board; none, and no complaint, on the simulator's."""
    (tmp_path / "m.tflite").write_bytes(MODELS["conv"]().tflite)
    (tmp_path / "tinygen.toml").write_text(
        'schema = 1\n[model]\npath = "m.tflite"\nlabels = ["idle", "wave", "tap"]\n[input]\nwindow = 8\nstride = 2\n'
        f'[app]\nsource = "function"\nthreshold = 0.5\nsmoothing = {{n = 2, m = 3}}\nrefractory = 4\n'
        f'[target]\nboards = ["{BOARD}", "qemu_riscv32"]\n'
    )
    report = road.run(tmp_path / "tinygen.toml")
    board, simulator = (result.project for result in report.boards)
    data = (board / "src" / "tg_app_data.c").read_text()
    for line in (".window = 8u,", ".stride = 2u,", ".channels = 16u,", ".least = 0, /* threshold 0.5 */", ".n = 2,"):
        assert line in data
    app = read_manifest(board).app
    assert (app.source, app.vectors, app.ram_bytes) == ("function", 1, 9 * 16 * 4)
    assert report.boards[0].budget.ram.parts["window"] == app.ram_bytes
    assert report.boards[0].budget.flash.parts["vectors"] == app.flash_bytes > 0
    assert check(board).flash.parts["vectors"] == app.flash_bytes
    assert (board / "src" / "user.c").is_file() and not (simulator / "src").exists()
    start, _ = said(compiled(board, "stream.c", "-DCHANNELS=16"), b"")
    assert start[-1] == "self-test: PASS (1 vector)"


def test_held_out_samples_are_the_vectors(tmp_path: Path) -> None:
    model = MODELS["conv"]()
    x = np.random.default_rng(3).normal(0, 9, (6, 8, 8, 2)).astype(np.float32)
    np.savez(tmp_path / "d.npz", x_train=x[:2], x_test=x[2:], y_test=np.arange(4) % 3)
    app = Application(AppSection(source="serial", vectors=3))
    generate(model, BOARD, tmp_path / "p", app=app, data=tmp_path / "d.npz")
    quant = import_tflite(model.tflite, "conv").tensors[0].quant
    assert quant is not None
    q = quantize_input(x[2:5], model.preprocess, quant.scale, quant.zero_point)
    text = (tmp_path / "p" / "src" / "tg_app_data.c").read_text()
    arrays = re.findall(r"input\d\[128\] = \{(.*?)\}", text, re.S)
    assert [bytes(int(v, 16) for v in re.findall(r"0x\w\w", a)) for a in arrays] == [row.tobytes() for row in q]
    assert said(compiled(tmp_path / "p", "idle.c"), b"\4")[0][-1] == "self-test: PASS (3 vectors)"


def test_vectors_need_the_reference(tmp_path: Path) -> None:
    """The very kernels: with LiteRT's alone there are none, and nothing is written. A serial line needs none."""
    (tmp_path / "m.tflite").write_bytes(MODELS["dense"]().tflite)
    asked = ("generate", tmp_path / "m.tflite", "--board", BOARD, "-o", tmp_path / "p", "-q")
    for hidden in ("tflite_micro", "tflite_micro ai_edge_litert"):
        tinygen(*asked, "--source", "vectors", hide=hidden).refused(5, "tinygen[sim]")
        assert not (tmp_path / "p").exists()
    tinygen(*asked, "--source", "vektors").refused(2, "--source 'vektors'", "vectors")
    assert tinygen(*asked, hide="tflite_micro ai_edge_litert").code == 0


@pytest.mark.parametrize("exact", [True, False])
def test_the_ramp_is_compared_where_its_outputs_are_known(tmp_path: Path, monkeypatch: Any, exact: bool) -> None:
    def other(*given: Any) -> Reference:
        return replace(reference(*given), exact=exact)

    monkeypatch.setattr("tinygen.app_vectors.reference", other)
    generate(MODELS["dense"](), BOARD, tmp_path / "p", app=Application(ramp=True))
    start, _ = said(compiled(tmp_path / "p", "idle.c"), b"\4")
    assert start[-1].startswith("self-test: PASS (1 vector)" if exact else "ramp: output crc32 ")


def test_what_the_user_wrote_is_kept(tmp_path: Path) -> None:
    project = render(MODELS["dense"](), tmp_path / "p", source="function")
    (project / "src" / "user.c").write_text("/* mine */\n")
    made = generate(MODELS["dense"](), BOARD, project, app=Application(AppSection(source="function")))
    assert "src/user.c" in made.written.kept and (project / "src" / "user.c").read_text() == "/* mine */\n"
