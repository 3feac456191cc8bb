"""The environment `sim`: vectors with and without a reference, the module that runs them, what PlatformIO is given."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from tinygen import golden_vectors as golden
from tinygen.backends.platformio_cores import machine_board, sim_board
from tinygen.backends.sim_env import Vector, Vectors, sim_env_files
from tinygen.boards import board_names, load_board
from tinygen.commands import doctor
from tinygen.errors import BadInput, MissingTool
from tinygen.project import Manifest, ModelRecord, PlanRecord, TensorRecord
from tinygen.resources import data_dir
from tinygen.simulate.inputs import generated
from tinygen.simulate.reference import Reference
from tinygen.toolchain import platformio as pio
from tinygen.toolchain import platformio_registry as registry

ITEM_BYTES = {"int8": 1, "uint8": 1, "bool": 1, "int16": 2, "int32": 4, "int64": 8, "float32": 4}


def tensor(dtype: str, count: int) -> TensorRecord:
    nbytes = count * ITEM_BYTES[dtype]
    return TensorRecord(name="x", dtype=dtype, shape=(count,), bytes=nbytes, scale=1.0, zero_point=0)


def manifest(*inputs: TensorRecord) -> Manifest:
    record = ModelRecord(
        name="toy", version="1", file="m.tflite", sha256="0" * 64, inputs=inputs, outputs=(tensor("int8", 4),)
    )
    plan = PlanRecord(arena_bytes=1, arena_lower_bound_bytes=1, state_bytes=0, weights_bytes=0, layers=())
    return Manifest(tinygen="0", runtime="aot", board="pico", model=record, plan=plan, files={})


@pytest.fixture
def simulator() -> ModuleType:
    path = data_dir("firmware") / "platformio" / "simulator.py"
    spec = importlib.util.spec_from_file_location("rendered_simulator", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write(project: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_text(text)


def test_the_ramp_is_the_same_without_tinygen(simulator: ModuleType) -> None:
    inputs = [tensor(dtype, 300) for dtype in ITEM_BYTES]
    for some in ([*inputs], *([one] for one in inputs)):
        plain = [{"dtype": t.dtype, "bytes": t.bytes} for t in some]
        assert simulator.ramp(plain) == generated(some, 0)


def test_vectors_survive_the_file(simulator: ModuleType, tmp_path: Path) -> None:
    vectors = (Vector("ramp", None, b"\x01\x02\xff\x80"), Vector("random 1", bytes(range(9)), b"abcd"))
    model = manifest(tensor("int8", 9))
    write(tmp_path, sim_env_files(load_board("pico"), model, Vectors(vectors, "a reference 1.0")))
    told = simulator.load_vectors(tmp_path)
    assert told["reference"] == "a reference 1.0" and told["model"] == "toy"
    assert [v["output"] for v in told["vectors"]] == [v.output for v in vectors]
    assert [v["input"] for v in told["vectors"]] == [generated(model.model.inputs, 0), bytes(range(9))]
    first, second = told["vectors"]
    assert simulator.compare(first, b"\x01\x02\xff\x80") == ""
    wrong = "2 of 4 bytes differ, the first at 1: 0x03, expected 0x02"
    assert simulator.compare(first, b"\x01\x03\xff\x7f") == wrong
    assert simulator.compare(second, b"abc") == "3 bytes came out, 4 are expected"


def test_damaged_vectors_are_told_in_one_line(simulator: ModuleType, tmp_path: Path) -> None:
    write(tmp_path, sim_env_files(load_board("pico"), manifest(tensor("int8", 9)), Vectors()))
    path = tmp_path / "test" / "test_model" / "vectors.json"
    whole = json.loads(path.read_text())
    assert whole["reference"] is None and "without asking" in whole["reason"]
    vector = {"name": "a", "input": "!!", "output": None}
    short = {**vector, "input": "AAAA"}
    changes = ({"vectors": [vector]}, {"vectors": 3}, {"vectors": [short]}, {"inputs": [{"dtype": "x"}]})
    for damaged in ("", "[]", "{}", "null", *(json.dumps(whole | change) for change in changes)):
        path.write_text(damaged)
        with pytest.raises(simulator.SimulatorError, match=r"json: not readable: .*`tinygen generate`") as told:
            simulator.load_vectors(tmp_path)
        assert "\n" not in str(told.value)
    path.unlink()
    with pytest.raises(simulator.SimulatorError, match="not readable"):
        simulator.load_vectors(tmp_path)


def test_a_program_that_fails_is_told(simulator: ModuleType, tmp_path: Path) -> None:
    """A program of the host that ends, hangs or writes nonsense."""
    build = {"core": "xtensa-lx6", "machine": None}
    cases = {
        "exit 3": "ended with code 3: no message, after 0 of 1 inferences",
        "echo broken; exit 0": "ended with code 0: broken",
        "printf 'F\\0\\0\\0\\24\\0\\0\\0abcdefghijklmnopqrst' > response.bin": "fault 1684234849 at 0x68676665",
        "printf 'S\\0\\0\\0\\4\\0\\0\\0\\1\\0\\0\\0' > response.bin": "invoke returned 1",
        "printf 'S\\0\\0\\0\\377\\377\\377\\377\\1' > response.bin": "ended with code 0",
        "kill -SEGV $$": "ended with code -11",
    }
    for index, (script, message) in enumerate(cases.items()):
        program = tmp_path / f"program{index}"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        with pytest.raises(simulator.SimulatorError) as told:
            simulator.run(tmp_path, build, program, [b"x"])
        assert message in str(told.value) and "\n" not in str(told.value), script
    with pytest.raises(simulator.SimulatorError, match="does not start"):
        simulator.run(tmp_path, build, tmp_path / "absent", [b"x"])


def test_a_program_that_hangs_ends(simulator: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulator, "TIMEOUT_S", 0.2)
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    with pytest.raises(simulator.SimulatorError, match=r"no end after 0\.2 s"):
        simulator.run(tmp_path, {"core": "x", "machine": None}, program, [])


@pytest.mark.parametrize("name", board_names())
def test_every_board_has_a_machine_or_the_host(name: str) -> None:
    board, build = load_board(name), sim_board(load_board(name))["build"]
    machine = machine_board(board)
    if board.core.startswith("xtensa"):
        assert machine is None and build["gcc"] == [] and build["machine"] is None
        return
    assert machine is not None and build["gcc"] and "-machine" in build["machine"]["arguments"]
    # Code of one core on another's machine: ARMv6-M is part of ARMv7-M, and nothing else differs.
    assert machine.core == board.core or (machine.core, board.core) == ("cortex-m0plus", "cortex-m0")
    assert machine.platformio is None


def test_vectors_without_a_reference_say_why(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = [tensor("int8", 8)]
    for error, word in ((MissingTool("absent", ""), "pip install"), (BadInput("no such operator"), "no such operator")):

        def fails(*_: object, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(golden, "_reference", fails)
        found = golden.golden_vectors(b"m", inputs)
        assert found.reference == "" and word in found.reason
        assert [v.output for v in found.vectors] == [None]
    inexact = Reference("ai-edge-litert", "2", False, (b"a",) * 3, {})
    monkeypatch.setattr(golden, "_reference", lambda *_: inexact)
    assert "not exact" in golden.golden_vectors(b"m", inputs).reason


def test_vectors_are_those_of_simulate_and_few_where_large(monkeypatch: pytest.MonkeyPatch) -> None:
    def exact(_model: bytes, _sha: str, samples: tuple[bytes, ...]) -> Reference:
        return Reference("r", "1", True, tuple(sample[:1] for sample in samples), {})

    monkeypatch.setattr(golden, "_reference", exact)
    small = [tensor("int8", 8)]
    found = golden.golden_vectors(b"m", small)
    assert [v.name for v in found.vectors] == ["ramp", "random 1", "random 2"] and found.reference == "r 1"
    assert [v.input for v in found.vectors] == [None, generated(small, 1), generated(small, 2)]
    assert [v.output for v in found.vectors] == [generated(small, i)[:1] for i in range(3)]
    assert [v.name for v in golden.golden_vectors(b"m", [tensor("int8", 40_000)]).vectors] == ["ramp", "random 1"]
    assert [v.name for v in golden.golden_vectors(b"m", [tensor("int8", 70_000)]).vectors] == ["ramp"]


def test_proxies_reach_platformio(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A pio that writes down its environment: whatever names a proxy passes through, in either case of letters."""
    (tmp_path / "platformio.ini").write_text("[platformio]\ndefault_envs = a\n[env:a]\nplatform = b\n")
    code = f"import json, os; open({str(tmp_path / 'told.json')!r}, 'w').write(json.dumps(dict(os.environ)))"
    monkeypatch.setattr(pio, "find_pio", lambda: (sys.executable, "-c", code))
    names = [n for word in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY") for n in (word, word.lower())]
    for name in names:
        monkeypatch.setenv(name, f"http://{name}.example:3128")
    pio.build(tmp_path, core=tmp_path / "core")
    told = json.loads((tmp_path / "told.json").read_text())
    assert {name: told[name] for name in names} == {name: f"http://{name}.example:3128" for name in names}
    assert told["PLATFORMIO_CORE_DIR"] == str(tmp_path / "core")
    assert told["PLATFORMIO_SETTING_ENABLE_TELEMETRY"] == "false"


def test_the_registry_is_asked_only_for_what_is_absent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = []
    monkeypatch.setattr(registry, "registry_answers", lambda: bool(asked.append(1)))
    monkeypatch.delenv("PLATFORMIO_PLATFORMS_DIR", raising=False)
    fork = "https://github.com/maxgerhardt/platform-raspberrypi.git#cafe"
    ini = f"[platformio]\ndefault_envs = a\n[env:a]\nplatform = ststm32@19.6.0\n[env:b]\nplatform = {fork}\n"
    for name, has in (("a", "ststm32@19.6.0"), ("", "ststm32"), ("b", "raspberrypi")):
        core = tmp_path / f"core{name}"
        with pytest.raises(MissingTool, match="registry cannot be reached") as error:
            registry.require_platform(tmp_path, ini, name, core)
        assert "--env sim" not in error.value.line  # this project has none
        (core / "platforms" / has).mkdir(parents=True)
        (core / "platforms" / has / ".piopm").write_text(json.dumps({"spec": {"uri": "git+" + fork}}))
        registry.require_platform(tmp_path, ini, name, core)
    assert len(asked) == 3
    registry.require_platform(tmp_path, "[[[", "", tmp_path / "none")  # PlatformIO reads it in its own way
    with pytest.raises(MissingTool, match="--env sim"):
        registry.require_platform(tmp_path, ini + "[env:sim]\n", "a", tmp_path / "none")


@pytest.mark.needs_platformio
def test_a_dead_proxy_is_no_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert not registry.registry_answers()
    monkeypatch.setattr(registry, "run", lambda *_, **__: SimpleNamespace(code=0))
    assert registry.registry_answers()


def test_environments_have_harmless_names(tmp_path: Path) -> None:
    (tmp_path / "platformio.ini").write_text("[env:a]\n")
    for name in ("a b", "--help", "a;b", "x" * 81):
        with pytest.raises(BadInput, match="not the name of an environment"):
            pio.build(tmp_path, name)
    with pytest.raises(BadInput, match="no environment sim"):
        pio.build(tmp_path, "sim")
    assert os.listdir(tmp_path) == ["platformio.ini"]


@pytest.mark.needs_platformio
def test_doctor_says_what_it_writes_before_it_does(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PLATFORMIO_CORE_DIR", str(tmp_path / "core"))
    make, seen = pio.setup_offline, []

    def late(folder: Path) -> Path:
        seen.append(capsys.readouterr().out)
        return make(folder)

    monkeypatch.setattr(pio, "setup_offline", late)
    doctor.command(json_target="", quiet=False)
    assert not seen and not (tmp_path / "core").exists()  # alone it writes nothing
    capsys.readouterr()
    doctor.command(setup_offline=True, json_target="", quiet=False)
    assert "PlatformIO's own folder" in seen[0] and "core" in seen[0] and "tool-scons" in seen[0]
    assert (tmp_path / "core" / "packages" / "tool-scons" / "scons.py").is_file()
