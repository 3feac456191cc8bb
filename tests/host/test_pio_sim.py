"""`pio run -e sim`, its upload and `pio test -e sim` as a user types them: no registry, nothing prepared."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tinygen.compiled import Model
from tinygen.errors import MissingTool, OverBudget
from tinygen.pipeline import render_project
from tinygen.toolchain import platformio as pio

pytestmark = [
    pytest.mark.needs_platformio,
    pytest.mark.needs_cross,
    pytest.mark.needs_models,
    pytest.mark.needs_qemu,
    pytest.mark.needs_tflm,
]

#: Where every look-up fails: what asks for anything ends with an error.
NOWHERE = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:9")
RAMP = "ramp: output crc32 0762ae69, as the reference has it"
#: A board of each kind of core, and what its model runs on.
BOARDS = {
    "nucleo_f446re": "QEMU's mps2-an386, cortex-m4f code",
    "pico": "QEMU's mps2-an385, cortex-m0plus code",
    "esp32-c3-devkitm-1": "QEMU's virt, rv32imc code",
    "nucleo_h563zi": "QEMU's mps2-an505, cortex-m33 code",
    "esp32dev": "this machine, since no simulator here runs xtensa-lx6",
    "qemu_microbit": "QEMU's microbit, cortex-m0 code",
}
Render = Callable[..., Path]


@pytest.fixture
def render(tmp_path: Path, model_path: Callable[[str], Path]) -> Render:
    def make(board: str, toolchain: str | None = None, folder: str = "a project @ home") -> Path:
        model = Model(name="hello", tflite=model_path("hello_world_int8").read_bytes())
        files, _ = render_project(model, board, toolchain=toolchain)  # type: ignore[arg-type]
        project = tmp_path / folder
        for path, data in files.items():
            (project / path).parent.mkdir(parents=True, exist_ok=True)
            (project / path).write_bytes(data)
        return project

    return make


def typed(project: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """PlatformIO in the project's folder, in an environment that knows neither tinygen nor a network."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH" and not k.startswith("PLATFORMIO_")}
    environment |= NOWHERE | {
        "PLATFORMIO_CORE_DIR": str(project.parent / "core"),
        "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "false",
        "PLATFORMIO_SETTING_CHECK_PLATFORMIO_INTERVAL": "9999",
        "PLATFORMIO_NO_ANSI": "true",
    }
    command = [sys.executable, "-m", "platformio", *arguments]
    return subprocess.run(
        command, cwd=project, env=environment | more, capture_output=True, text=True, timeout=280, check=False
    )


@pytest.mark.parametrize("board", BOARDS)
def test_build_upload_and_test_offline(render: Render, board: str) -> None:
    project = render(board)
    uploaded = typed(project, "run", "-e", "sim", "-t", "upload")
    assert uploaded.returncode == 0, uploaded.stdout + uploaded.stderr
    assert f"hello on {BOARDS[board]}" in uploaded.stdout and RAMP in uploaded.stdout
    assert "output 0: " in uploaded.stdout and uploaded.stdout.count("as the reference has it") == 3
    assert ("bytes of stack" in uploaded.stdout) is ("QEMU" in BOARDS[board])
    assert ("Budget of" in uploaded.stdout) is ("QEMU" in BOARDS[board])
    tested = typed(project, "test", "-e", "sim")
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert f"hello on {BOARDS[board]}" in tested.stdout and "4 test cases: 4 succeeded" in tested.stdout
    packages = project.parent / "core" / "packages"
    assert not packages.exists() or not list(packages.iterdir())  # PlatformIO's own folder got no package


@pytest.mark.slow
def test_zig_builds_it_too(render: Render) -> None:
    project = render("nucleo_f446re", toolchain="zig")
    uploaded = typed(project, "run", "-e", "sim", "-t", "upload", "-v")
    assert uploaded.returncode == 0, uploaded.stdout + uploaded.stderr
    assert "-target thumb-freestanding-eabihf" in uploaded.stdout and RAMP in uploaded.stdout


def test_without_qemu_the_host_runs_it_and_says_so(render: Render, tmp_path: Path) -> None:
    project = render("nucleo_f446re")
    (tmp_path / "bin").mkdir()
    for folder in os.environ["PATH"].split(os.pathsep):
        for tool in Path(folder).iterdir() if Path(folder).is_dir() else ():
            if not tool.name.startswith("qemu") and not (tmp_path / "bin" / tool.name).is_symlink():
                (tmp_path / "bin" / tool.name).symlink_to(tool)
    uploaded = typed(project, "run", "-e", "sim", "-t", "upload", PATH=str(tmp_path / "bin"))
    assert uploaded.returncode == 0, uploaded.stdout + uploaded.stderr
    assert "on this machine, since qemu-system-arm is not installed" in uploaded.stdout and RAMP in uploaded.stdout


def test_a_damaged_weight_fails_test_and_upload(render: Render) -> None:
    project = render("nucleo_f446re")
    source = project / "lib" / "hello" / "src" / "hello_weights.c"
    text = source.read_text()
    first = re.search(r"_weights = \{\s*(-?\d+)", text)
    assert first is not None
    source.write_text(text[: first.start(1)] + str(int(first[1]) ^ 64) + text[first.end(1) :])
    tested = typed(project, "test", "-e", "sim")
    assert tested.returncode == 1 and "constants in flash as rendered: no" in tested.stdout, tested.stdout
    differs = r"hello, \S.*: 1 of 1 bytes differ, the first at 0: 0x.., expected 0x..\s+\[FAILED\]"
    assert re.search(differs, tested.stdout), tested.stdout
    uploaded = typed(project, "run", "-e", "sim", "-t", "upload")
    assert uploaded.returncode == 1 and "bytes differ" in uploaded.stdout


def test_a_test_that_expects_nothing_does_not_pass(render: Render, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*_: object, **__: object) -> None:
        raise MissingTool("No reference.", "")

    monkeypatch.setattr("tinygen.golden_vectors._reference", absent)
    project = render("nucleo_f446re")
    tested = typed(project, "test", "-e", "sim")
    assert tested.returncode == 1 and "no expected outputs: no reference was installed" in tested.stdout + tested.stderr
    uploaded = typed(project, "run", "-e", "sim", "-t", "upload")
    assert uploaded.returncode == 0 and "ramp: output crc32 0762ae69\n" in uploaded.stdout


def test_what_is_over_budget_fails_every_build(render: Render) -> None:
    project = render("nucleo_f446re")
    source = project / "lib" / "hello" / "src" / "hello.c"
    text = source.read_text().replace(
        "tg_status hello_invoke(void) {", "char big[127 * 1024];\ntg_status hello_invoke(void) {\n    big[1] = big[2];"
    )
    source.write_text(text)
    for _ in range(2):
        built = typed(project, "run", "-e", "sim")
        line = "Error: RAM over budget on nucleo_f446re: needs 1"
        assert built.returncode == 1 and line in built.stderr, built.stdout + built.stderr
        assert "has 128.0 KiB, short by " in built.stderr and "Largest: .bss" in built.stderr
        assert "in it big 127.0 KiB" in built.stderr
    with pytest.raises(OverBudget, match="RAM over budget on nucleo_f446re"):
        pio.build(project, "sim", core=project.parent / "core")


def test_budget_is_a_target(render: Render) -> None:
    project = render("nucleo_f446re")
    pio.setup_offline(project.parent / "core")  # as `tinygen doctor --setup-offline` does
    told = typed(project, "run", "-e", "sim", "-t", "budget")
    assert told.returncode == 0 and "Budget of nucleo_f446re, stack included: Flash" in told.stdout, told.stdout
    listed = typed(project, "run", "-e", "sim", "--list-targets")
    assert not (project / ".pio" / "packages").exists()
    assert re.search(r"Custom\s+budget", listed.stdout) and re.search(r"Platform\s+upload", listed.stdout)


def test_each_project_uses_its_own_platform(render: Render) -> None:
    """PlatformIO keeps one link for both of them in its folder."""
    first, second = render("pico", folder="first"), render("pico", folder="second")
    for project in (first, second):
        script = project / "sim" / "platformio" / "builder" / "main.py"
        script.write_text(script.read_text() + f"print('built by the {project.name} project')\n")
    for project in (first, second, first):
        built = typed(project, "run", "-e", "sim")
        assert built.returncode == 0 and f"built by the {project.name} project" in built.stdout
    assert len(list((first.parent / "core" / "platforms").iterdir())) == 1


def test_tinygen_builds_the_simulators_environment(render: Render, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in NOWHERE.items():
        monkeypatch.setenv(name, value)
    project = render("nucleo_f446re")
    core = project.parent / "core"
    built = pio.build(project, "sim", core=core)
    assert [p.relative_to(project).as_posix() for p in built.programs] == [".pio/build/sim/firmware.elf"]
    assert not (core / "packages").exists() and not (core / "platforms").exists()
    with pytest.raises(MissingTool, match=r"ststm32@\S+ is not installed here.*--env sim") as error:
        pio.build(project, core=core)
    assert error.value.exit_code == 5 and "registry cannot be reached" in error.value.line
