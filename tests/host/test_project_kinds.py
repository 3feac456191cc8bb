"""CMake and ESP-IDF projects as their users build them: what CMake makes of them, and what the programs compute."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from ring_model import ring
from small_models import MODELS, conv, dense

from tinygen.checking import check
from tinygen.compiled import Model
from tinygen.errors import BadInput
from tinygen.flashing import flash
from tinygen.pipeline import build, generate
from tinygen.project import KINDS, Kind, read_manifest
from tinygen.proof import simulate_project

HERE = Path(__file__).resolve().parent
STUBS = HERE.parent / "unit" / "stubs"
NAMES = sorted(MODELS)


def cmake(folder: Path, out: str = "build", *options: str, **variables: str) -> Path:
    """Configures and builds, warnings as errors; the folder of what was built."""
    there = folder / out
    flags = "-Wall -Wextra -Wpedantic -Werror"
    environment = {**os.environ, **variables, "CFLAGS": flags, "CXXFLAGS": flags, "LC_ALL": "C"}
    for command in (
        ["cmake", "-S", str(folder), "-B", str(there), "-G", "Unix Makefiles", "--no-warn-unused-cli", *options],
        ["cmake", "--build", str(there)],
    ):
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, env=environment)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        assert "CMake Warning" not in done.stderr, done.stderr
    return there


def readme_commands(project: Path) -> list[list[str]]:
    """The lines of the README's first block of shell, comments left out."""
    block = re.search(r"```sh\n(.*?)```", (project / "README.md").read_text("utf-8"), re.DOTALL)
    assert block
    return [line.split("  #")[0].split() for line in block[1].splitlines()]


@pytest.mark.needs_cc
@pytest.mark.needs_cmake
@pytest.mark.needs_tflm
@pytest.mark.parametrize("name", NAMES)
def test_the_readmes_commands_build_a_program_of_the_same_bits(tmp_path: Path, name: str) -> None:
    project = generate(MODELS[name](), "nucleo_f446re", tmp_path / "a project", project="cmake").written.folder
    commands = readme_commands(project)
    assert [c[0] for c in commands] == ["cmake", "cmake", f"./build/{name}_app"]
    for command in commands[:-1]:
        subprocess.run(command, cwd=project, check=True, capture_output=True, timeout=240)
    done = subprocess.run(commands[-1], cwd=project, input="zz\n", capture_output=True, text=True, timeout=30)
    assert done.returncode == 0 and "error: not a hexadecimal digit" in done.stdout
    report = simulate_project(project, samples=1, on="native")
    assert report.mismatched_samples == 0
    assert re.findall(r"crc32 ([0-9a-f]{8})", done.stdout) == [report.runs[0]["output_crc32"]]


@pytest.mark.needs_cc
@pytest.mark.needs_cmake
def test_the_folder_and_the_library_alone_serve_another_project(tmp_path: Path) -> None:
    """The whole folder by add_subdirectory leaves its program out; the library's copy is a target; both in C++ too."""
    user = tmp_path / "user"
    generate(dense(), "pico", user / "third_party" / "whole", project="cmake")
    made = generate(ring(), "pico", tmp_path / "ring", project="cmake").written.folder
    shutil.copytree(made / "lib" / "ring", user / "third_party" / "ring")
    (user / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.16)\nproject(user LANGUAGES C CXX)\n"
        "add_subdirectory(third_party/whole)\nadd_subdirectory(third_party/ring)\n"
        "add_executable(user main.cpp)\ntarget_link_libraries(user PRIVATE dense::dense ring::ring)\n"
    )
    (user / "main.cpp").write_text(
        '#include "dense.h"\n#include "ring.h"\n'
        "int main() { return dense_invoke() == TG_OK && ring_invoke() == TG_OK ? 0 : 1; }\n"
    )
    there = cmake(user)
    assert subprocess.run([there / "user"], timeout=30).returncode == 0
    assert not list(there.rglob("dense_app"))


@pytest.mark.needs_cross_gcc
@pytest.mark.needs_cmake
@pytest.mark.parametrize(("board", "machine"), [("nucleo_f446re", 40), ("qemu_riscv32", 243), ("pico", 40)])
def test_the_toolchain_file_builds_for_the_board(tmp_path: Path, board: str, machine: int) -> None:
    project = generate(conv(), board, tmp_path / "p", project="cmake").written.folder
    there = cmake(project, "build-board", "-DCMAKE_TOOLCHAIN_FILE=toolchain.cmake", "-DCMAKE_BUILD_TYPE=Release")
    archive = there / "lib" / "conv" / "libconv.a"
    assert archive.read_bytes()[:8] == b"!<arch>\n"
    headers = [m.start() for m in re.finditer(rb"\x7fELF", archive.read_bytes())]
    machines = {int.from_bytes(archive.read_bytes()[at + 18 : at + 20], "little") for at in headers}
    assert machines == {machine} and not list(there.rglob("conv_app"))
    assert f"build-board/{archive.relative_to(there)}" in (project / "README.md").read_text("utf-8")


@pytest.mark.needs_cc
@pytest.mark.needs_cmake
@pytest.mark.parametrize("runtime", ["aot", "tflm"])
@pytest.mark.parametrize("model", [conv(), MODELS["hostile"]()], ids=lambda m: m.name)
def test_esp_idf_finds_the_component_and_what_it_requires(tmp_path: Path, model: Model, runtime: str) -> None:
    """By a stand-in of ESP-IDF's functions: all compiles, for this host, with the includes that REQUIRES gives."""
    made = generate(model, "esp32dev", tmp_path / "p", project="espidf", runtime=runtime)  # type: ignore[arg-type]
    there = cmake(made.written.folder, IDF_PATH=str(HERE / "fake_idf"), FAKE_STUBS=str(STUBS))
    assert {p.name for p in there.rglob("*.a")} == {"lib__idf_main.a", f"lib__idf_{model.name}.a"}


def test_others_than_platformio_are_refused_with_the_line_that_builds_them(tmp_path: Path) -> None:
    for kind, line in (("espidf", "idf.py"), ("arduino", "arduino-cli"), ("cmake", "cmake")):
        project = tmp_path / kind
        generate(dense(), "esp32dev", project, project=kind)  # type: ignore[arg-type]
        for act in (build, flash):
            with pytest.raises(BadInput, match=line) as error:
                act(project)
            assert "lib/dense" in error.value.line or kind != "arduino"
        assert check(project).board == "esp32dev"


def test_another_kind_takes_the_place_of_the_first(tmp_path: Path) -> None:
    """tinygen's files of the old kind go, the user's stay, the manifest says the kind; an old one is PlatformIO's."""
    folder = tmp_path / "p"
    for kind in KINDS:
        generate(dense(), "esp32dev", folder, project=kind)
        (folder / "notes.txt").write_text("mine")
        assert read_manifest(folder).project == kind
        assert (folder / "platformio.ini").exists() is (kind == "platformio")
    assert (folder / "notes.txt").read_text() == "mine"
    text = (folder / "tinygen.json").read_text()
    (folder / "tinygen.json").write_text(text.replace('"project": "cmake",', ""))
    assert read_manifest(folder).project == "platformio"


@pytest.mark.parametrize(
    ("kind", "name"),
    [("espidf", "json"), ("espidf", "esp_dsp"), ("cmake", "test"), ("cmake", "m"), ("arduino", "Wire")],
)
def test_names_that_the_builder_keeps_for_itself(tmp_path: Path, kind: Kind, name: str) -> None:
    model = Model(name, dense().tflite)
    with pytest.raises(BadInput, match=f"--name model_{name}"):
        generate(model, "esp32dev", tmp_path / "p", project=kind)
    assert not (tmp_path / "p").exists()
    generate(model, "esp32dev", tmp_path / "p", project="platformio")
