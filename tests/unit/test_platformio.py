"""Rendered PlatformIO projects: what PlatformIO reads of them, the applications' C, and how failures are told."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tinygen.application import AppPlan, Rules, Stream, Vector
from tinygen.backends.application import APP_FILES
from tinygen.backends.platformio import framework_of, platformio_files
from tinygen.backends.platformio_cores import sim_board
from tinygen.backends.project_context import semantic_version
from tinygen.backends.sim_env import Vectors, sim_env_files
from tinygen.boards import BoardProfile, board_names, load_board
from tinygen.errors import BadInput, MissingTool, TinygenError
from tinygen.project import Manifest, ModelRecord, PlanRecord
from tinygen.resources import data_dir
from tinygen.toolchain import platformio as pio
from tinygen.toolchain.compilers import find_toolchain

STUBS = Path(__file__).resolve().parent / "stubs"
REAL = [name for name in board_names() if load_board(name).platformio]
SIMULATED = [name for name in board_names() if not load_board(name).platformio]
FACTS = json.loads((Path(__file__).resolve().parent / "data" / "platformio_boards.json").read_text("utf-8"))
CUBE = [name for name in REAL if load_board(name).framework.name == "stm32cube"]  # type: ignore[union-attr]


def manifest(board: str, runtime: str = "aot", version: str = "1.0", checked: bool = False) -> Manifest:
    record = ModelRecord(name="toy", version=version, file="m.tflite", sha256="0" * 64, inputs=(), outputs=())
    plan = PlanRecord(arena_bytes=1, arena_lower_bound_bytes=1, state_bytes=0, weights_bytes=0, layers=())
    return Manifest(tinygen="0", runtime=runtime, board=board, model=record, plan=plan, files={}, checked=checked)


def write(folder: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


def read_configs(folder: Path) -> dict[str, dict[str, dict[str, object]]]:
    """The configurations of the projects in a folder as PlatformIO itself reads them, in a process of its own."""
    code = (
        "import json, pathlib, sys\n"
        "from platformio.project.config import ProjectConfig\n"
        "told = {}\n"
        "for path in sorted(pathlib.Path(sys.argv[1]).glob('*/platformio.ini')):\n"
        "    config = ProjectConfig(str(path))\n"
        "    config.validate()\n"
        "    told[path.parent.name] = {s: dict(config.items(s)) for s in config.sections()}\n"
        "print(json.dumps(told))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    result: dict[str, dict[str, dict[str, object]]] = json.loads(done.stdout)
    return result


@pytest.mark.needs_platformio
@pytest.mark.parametrize("runtime", ["aot", "tflm"])
def test_platformio_reads_every_boards_ini(tmp_path: Path, runtime: str) -> None:
    names = REAL if runtime == "tflm" else board_names()
    for name in names:
        files = platformio_files(load_board(name), manifest(name, runtime))
        files |= sim_env_files(load_board(name), manifest(name), Vectors()) if runtime == "aot" else {}
        write(tmp_path / name, files)
    configs = read_configs(tmp_path)
    assert sorted(configs) == sorted(names)
    for name, config in configs.items():
        board = load_board(name)
        section = config[f"env:{name}"]
        assert config["platformio"]["default_envs"] == [name]
        assert section["extra_scripts"] == ["post:tools/budget.py"]
        assert section.get("test_framework") == ("custom" if runtime == "aot" else None)
        assert ("env:sim" in config) is (runtime == "aot")
        if runtime == "aot":
            sim = config["env:sim"]
            assert str(sim["platform"]).endswith("/sim/platformio") and "symlink://" in str(sim["platform"])
            assert sim["board"] == name and "framework" not in sim and "lib_deps" not in sim
            assert sim["custom_budget"] == ("none" if board.core.startswith("xtensa") else "sim")
            assert (tmp_path / name / "sim" / "platformio" / "boards" / f"{name}.json").is_file()
        if board.platformio is None:
            assert section["platform"] == "symlink://sim/platformio"
            assert "framework" not in section and "lib_deps" not in section
            continue
        assert section["board"] == board.platformio.board
        assert section["framework"] == [framework_of(board, runtime)]
        assert section["framework"][0] in board.platformio.frameworks
        platform = str(section["platform"])
        assert platform.endswith("@" + board.platformio.version) or "#" in platform  # pinned either way
        assert section.get("build_unflags", []) == (["-Os"] if section.get("lib_deps") else [])
        assert bool(section.get("lib_deps")) is (runtime == "tflm" and section["framework"] == ["arduino"])


@pytest.mark.parametrize("name", REAL)
def test_each_runtimes_dependency_is_there_once(name: str) -> None:
    aot = platformio_files(load_board(name), manifest(name))
    tflm = platformio_files(load_board(name), manifest(name, "tflm"))
    assert "tensorflow" not in "".join(aot.values()).lower().replace("tensorflow lite micro", "")
    component = tflm.get("src/idf_component.yml", "")
    assert ('espressif/esp-tflite-micro: "1.3.8"' in component) is (framework_of(load_board(name), "tflm") == "espidf")
    assert ("Chirale_TensorFLowLite@2.0.0" in tflm["platformio.ini"]) is not bool(component)
    assert aot == platformio_files(load_board(name), manifest(name))


def test_what_cannot_be_built_is_refused() -> None:
    with pytest.raises(BadInput, match="simulator"):
        platformio_files(load_board("qemu_riscv32"), manifest("qemu_riscv32", "tflm"))
    board = load_board("nucleo_f446re")
    assert board.platformio is not None
    spec = board.platformio.model_copy(update={"frameworks": ("zephyr",), "default_framework": "zephyr"})
    odd = board.model_copy(update={"platformio": spec})
    for runtime in ("aot", "tflm"):
        with pytest.raises(BadInput, match="zephyr"):
            platformio_files(odd, manifest("nucleo_f446re", runtime))


@pytest.mark.parametrize(
    ("text", "version"),
    [("1.0", "1.0.0"), ("v2", "2.0.0"), ("3.1.4", "3.1.4"), ("01.2", "1.2.0"), ("beta", "0.0.0"), ("1.0rc1", "0.0.0")],
)
def test_library_version(text: str, version: str) -> None:
    assert semantic_version(text) == version
    library = json.loads(platformio_files(load_board("pico"), manifest("pico", version=text))["lib/toy/library.json"])
    assert library["version"] == version and library["build"]["flags"] == "-O2"


@pytest.mark.needs_cross
@pytest.mark.parametrize("name", SIMULATED)
def test_flags_are_the_toolchains(name: str) -> None:
    board = load_board(name)
    described = sim_board(board)["build"]
    for kind, flags in (("gcc", described["gcc_flags"]), ("zig", described["zig_flags"])):
        try:
            tools = find_toolchain(board.core, kind)
        except MissingTool:
            continue
        assert sorted(tools.target_flags) == sorted(flags)


def fake_model(folder: Path, runtime: str) -> None:
    """A header as the back ends render it, for the applications alone."""
    more = "tg_status toy_begin(void);\nuint32_t toy_arena_used(void);\n#define TOY_ARENA_NEEDED_BYTES 9\n"
    text = "tg_status toy_invoke(void);\nvoid toy_reset(void);\nconst tg_model_info *toy_info(void);\n"
    aot = "tg_status toy_check_weights(void);\ntg_overrun toy_overrun(void);\n"
    text += "int8_t *toy_input(void);\nvoid toy_quantize(const float *x, int8_t *q);\n"
    text = '#include "tg.h"\n#ifdef __cplusplus\nextern "C" {\n#endif\n' + text + (more if runtime == "tflm" else aot)
    (folder / "toy.h").write_text(text + "#ifdef __cplusplus\n}\n#endif\n")


@pytest.mark.needs_cc
@pytest.mark.skipif(not shutil.which("g++") or not shutil.which("gcc"), reason="no gcc and g++")
@pytest.mark.parametrize("name", ["nano33ble", "adafruit_feather_nrf52840", "esp32-c3-devkitm-1", *CUBE])
@pytest.mark.parametrize(
    ("runtime", "checked", "app"),
    [
        ("aot", False, AppPlan()),
        ("aot", True, AppPlan("vectors", (Vector(None, b"ab", 1), Vector(b"a", None, 2)))),
        ("aot", False, AppPlan("function", (), Rules(-5, 3, 5, 10), Stream(4, 2, 3))),
        ("tflm", False, AppPlan("function", (Vector(b"a", b"b", 3),))),
    ],
)
def test_applications_compile_against_the_frameworks_declarations(
    tmp_path: Path, name: str, runtime: str, checked: bool, app: AppPlan
) -> None:
    """As they are rendered; those of checked builds with the check of the constants too."""
    board = load_board(name)
    write(tmp_path, platformio_files(board, manifest(name, runtime, checked=checked), app))
    fake_model(tmp_path, runtime)
    framework = framework_of(board, runtime)
    includes = [STUBS / framework, tmp_path, tmp_path / "src", data_dir("firmware") / "runtime"]
    flags = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", f"-DTG_CHECK_WEIGHTS={int(checked)}"]
    flags += [f"-D{FACTS[name].get('product_line', 'NONE')}"]
    sources = sorted(p for p in (tmp_path / "src").iterdir() if p.suffix in (".c", ".cpp"))
    own = bool(app.vectors or app.stream) + (app.source == "function")
    assert len(sources) == sum(file.endswith(".c") for file in APP_FILES) + 2 + own
    flags += ["-DESP_PLATFORM"] if framework == "espidf" else []
    for source in sources:
        compiler = ["gcc", "-std=c11"] if source.suffix == ".c" else ["g++", "-std=c++17"]
        command = [*compiler, *flags, *(f"-I{i}" for i in includes), str(source)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr


@pytest.mark.needs_cc
def test_the_programs_own_functions_replace_weak_ones_in_an_archive(tmp_path: Path) -> None:
    """Why ESP-IDF's component is linked whole: its objects come out of an archive, the weak ones first."""
    files = platformio_files(load_board("esp32dev"), manifest("esp32dev"), AppPlan("function"))
    assert files["src/CMakeLists.txt"].rstrip().endswith("WHOLE_ARCHIVE)") and "src/user.c" in files
    write(tmp_path, {
        "main.c": "int tg_f(void);\nint main(void) { return tg_f(); }\n",
        "tg_app.c": "__attribute__((weak)) int tg_f(void) { return 1; }\n",
        "user.c": "int tg_f(void) { return 2; }\n",
    })  # fmt: skip

    def run(*command: str) -> int:
        return subprocess.run(command, cwd=tmp_path, timeout=60, check=False).returncode

    assert run("cc", "-c", "main.c", "tg_app.c", "user.c") == run("ar", "rcs", "l.a", "tg_app.o", "user.o") == 0
    for flags, answer in ((["l.a"], 1), (["-Wl,--whole-archive", "l.a", "-Wl,--no-whole-archive"], 2)):
        assert run("cc", "main.o", *flags, "-o", "p") == 0
        assert run(str(tmp_path / "p")) == answer


@pytest.mark.parametrize("name", REAL)
def test_the_serial_line_is_the_boards(name: str) -> None:
    """A library that Serial comes from is included; a board without a UART bridge has its console on the chip's USB."""
    spec = load_board(name).platformio
    assert spec is not None
    files = platformio_files(load_board(name), manifest(name))
    main = files.get("src/main.cpp", "")
    assert [line.split()[1] for line in main.splitlines() if line.startswith("#include <")] == (
        ["<Arduino.h>"] * bool(main) + [f"<{spec.serial_header}>"] * bool(spec.serial_header)
    )
    assert not spec.serial_header or spec.default_framework == "arduino"
    console = [line for line in files.get("sdkconfig.defaults", "").splitlines() if "CONSOLE" in line]
    assert console == ([f"CONFIG_ESP_CONSOLE_{spec.console.upper()}=y"] if spec.console else [])
    assert not spec.console or spec.default_framework == "espidf"


def test_a_chips_uart_is_one_boards(tmp_path: Path) -> None:
    """The UART is chosen by the chip: no two boards by ST's HAL may have the same one."""
    chips = [FACTS[name]["product_line"] for name in CUBE]
    assert len(set(chips)) == len(chips) >= 12
    header = (data_dir("firmware") / "app" / "tg_port_stm32cube.h").read_text("utf-8")
    assert all(f"defined({chip})" in header for chip in chips)


def test_first_error_of_a_log() -> None:
    log = "Compiling a.o\n\x1b[31mlib/a.c:3:1: error: unknown type name 'x'\x1b[0m\n  3 | x\n*** [a.o] Error 1\n"
    assert pio.first_error(log) == "lib/a.c:3:1: error: unknown type name 'x'"
    undefined = "ld: a.o: undefined reference to `f'"
    assert pio.first_error(f"{undefined}\ncollect2: error: ld returned 1") == undefined
    assert pio.first_error("Error: no compiler for cortex-m3\nx") == "Error: no compiler for cortex-m3"
    assert pio.first_error("") == "no message"


def test_projects_that_are_none(tmp_path: Path) -> None:
    for act in (pio.build, pio.flash):
        with pytest.raises(BadInput, match=r"platformio\.ini"):
            act(tmp_path)
    write(tmp_path, platformio_files(load_board("qemu_riscv32"), manifest("qemu_riscv32")))
    with pytest.raises(BadInput, match="nothing to flash"):
        pio.flash(tmp_path)
    write(tmp_path, platformio_files(load_board("pico"), manifest("pico")))
    with pytest.raises(BadInput, match="serial port"):
        pio.flash(tmp_path, "$(rm -rf x)")


def test_absent_platformio_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(pio.util, "find_spec", lambda _name: None)
    monkeypatch.setattr(pio.shutil, "which", lambda _name: None)
    for act in (pio.find_pio, lambda: pio.setup_offline(tmp_path)):
        with pytest.raises(MissingTool, match=r"pip install 'tinygen\[flash\]'"):
            act()
    assert not list(tmp_path.iterdir())


@pytest.mark.needs_platformio
def test_setup_offline_twice_and_beside_another(tmp_path: Path) -> None:
    assert not pio.has_scons(tmp_path)
    package = pio.setup_offline(tmp_path)
    assert pio.has_scons(tmp_path)
    before = {p.name: p.read_bytes() for p in package.iterdir()}
    assert set(before) == {"package.json", ".piopm", "scons.py"}
    assert pio.setup_offline(tmp_path) == package
    assert before == {p.name: p.read_bytes() for p in package.iterdir()}
    (package / "package.json").write_text('{"version": "3.0.0"}')
    with pytest.raises(BadInput, match="another version"):
        pio.setup_offline(tmp_path)


def test_a_hanging_build_ends(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write(tmp_path, platformio_files(load_board("pico"), manifest("pico")))
    monkeypatch.setattr(pio, "find_pio", lambda: (sys.executable, "-c", "import time; time.sleep(60)"))
    with pytest.raises(TinygenError, match="within 1 s"):
        pio.build(tmp_path, core=tmp_path, timeout_s=1)


def profiles() -> list[BoardProfile]:
    return [load_board(name) for name in board_names()]


def test_readme_tells_what_is_there() -> None:
    for board in profiles():
        files = platformio_files(board, manifest(board.name))
        for word in ("pio run", board.title, "lib/toy/", "toy_invoke"):
            assert word in files["README.md"], (board.name, word)
        assert ("pio run -t upload" in files["README.md"]) is (board.platformio is not None)
