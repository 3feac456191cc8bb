"""What each kind of project says of itself: its README names what is there, the library's manifests what they must."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from small_models import dense

from tinygen.boards import board_bytes, board_names, load_board
from tinygen.errors import BadInput
from tinygen.pipeline import planned_tflm_budget, render_project
from tinygen.project import KINDS, Kind
from tinygen.road import run

#: Folders of the reader's other project.
ELSEWHERE = {"components/", "lib/"}
_SUFFIX = r"\.(?:c|cpp|h|ino|ini|cmake|txt|yml|json|toml|defaults|properties)"
_PATH = re.compile(rf"(?:[\w.-]+/)+|(?:[\w.-]+/)*[\w-]+{_SUFFIX}")


def rendered(name: str, kind: Kind, runtime: str = "aot", **more: Any) -> dict[str, str]:
    files, _ = render_project(dense(), name, project=kind, runtime=runtime, **more)  # type: ignore[arg-type]
    return {path: data.decode() for path, data in files.items() if not path.endswith(".tflite")}


def possible(kind: Kind, name: str) -> bool:
    board = load_board(name)
    frameworks = board.platformio.frameworks if board.platformio else ()
    return {"espidf": board.mcu.startswith("esp32"), "arduino": "arduino" in frameworks}.get(kind, True)


@pytest.mark.parametrize("kind", KINDS)
def test_readme_names_what_is_there(kind: Kind) -> None:
    """Every path in it is a file or folder of the project, and its table leaves no file of the project out."""
    for name in filter(lambda name: possible(kind, name), board_names()):
        files = rendered(name, kind)
        readme = files["README.md"]
        assert load_board(name).title in readme and "## Call" in readme and "dense_invoke()" in readme
        paths = {word for word in re.findall(r"`([^`\s]+)`", readme) if _PATH.fullmatch(word)} - ELSEWHERE
        there = {*files, "model/", "tinygen.json"}
        for path in paths:
            assert any(p.endswith((path, f"/{path}")) or p.startswith(path) for p in there), (name, kind, path)
        listed = re.findall(r"`([^`]+)`", "".join(re.findall(r"^\| (`.*?) \| ", readme, re.MULTILINE)))
        left = {p for p in files if not any(p == e or (e.endswith("/") and p.startswith(e)) for e in listed)}
        assert left <= {"README.md", "LICENSE", ".gitignore"}


def test_commands_are_of_the_board() -> None:
    for name in board_names():
        board = load_board(name)
        if possible("espidf", name):
            readme = rendered(name, "espidf")["README.md"]
            assert f"idf.py set-target {board.mcu}\nidf.py build\n" in readme
            assert f'CONFIG_IDF_TARGET="{board.mcu}"' in rendered(name, "espidf")["sdkconfig.defaults"]
        if possible("arduino", name):
            assert board.arduino is not None
            readme = rendered(name, "arduino")["README.md"]
            core = ":".join(board.arduino.fqbn.split(":")[:2])
            assert f"fqbn={board.arduino.fqbn}\narduino-cli core install {core}" in readme
            assert "--library lib/dense lib/dense/examples/dense" in readme


def test_without_a_known_name_the_choice_is_the_readers(tmp_path: Path) -> None:
    text = board_bytes("pico").decode()
    board = tmp_path / "mine.toml"
    board.write_text(re.sub(r"\[arduino\]\n.*\n.*\n", "", text))
    readme = rendered(str(board), "arduino")["README.md"]
    assert "fqbn=package:architecture:board" in readme and "mbed_rp2040" not in readme
    for bad in ("arduino:mbed", "a:b:c d", "a:b:c;ls", "a::c", "a:b:$(ls)", "a:b:c:d:e"):
        board.write_text(re.sub(r"fqbn = .*", f'fqbn = "{bad}"', text))
        with pytest.raises(BadInput, match="fqbn"):
            load_board(str(board))


def test_the_library_is_whole_on_its_own() -> None:
    """Copied alone, it brings its dependencies' names, and no file of it asks for one outside."""
    for kind, runtime, name in (
        ("platformio", "aot", "nano33ble"), ("platformio", "tflm", "nano33ble"), ("espidf", "tflm", "esp32dev"),
        ("arduino", "tflm", "nano33ble"), ("cmake", "aot", "nano33ble"),
    ):  # fmt: skip
        files = {p.removeprefix("lib/dense/"): t for p, t in rendered(name, kind, runtime).items() if "lib/" in p}  # type: ignore[arg-type]
        own = {p.removeprefix("src/") for p in files}
        for path, text in files.items():
            if path.startswith("src/"):
                assert set(re.findall(r'#include "([^"]+)"', text)) - own <= {
                    f"tensorflow/lite/{p}.h" for p in ("micro/micro_interpreter", "micro/micro_log",
                    "micro/micro_mutable_op_resolver", "micro/micro_profiler_interface", "schema/schema_generated")
                }  # fmt: skip
        if kind == "platformio":
            library = json.loads(files["library.json"])
            assert library["headers"] == "dense.h" and library["build"]["flags"] == "-O2"
            assert library.get("dependencies") == (
                {"spaziochirale/Chirale_TensorFLowLite": "2.0.0"} if runtime == "tflm" else None
            )
        if kind == "arduino":
            assert "depends=Chirale_TensorFLowLite (=2.0.0)\n" in files["library.properties"]
            assert "#include <Chirale_TensorFlowLite.h>" in files["src/dense.cpp"]
        if kind == "espidf":
            assert '  espressif/esp-tflite-micro: "1.3.8"\n' in files["idf_component.yml"]
            assert "PRIV_REQUIRES esp-tflite-micro)" in files["CMakeLists.txt"]


def test_the_arena_is_of_the_kinds_kernels() -> None:
    """On an ESP32 Arduino's library has other kernels than Espressif's component: their scratch is what is planned."""
    board = load_board("esp32-s3-devkitc-1")
    ram = {kind: planned_tflm_budget(dense(), board, project=kind) for kind in ("platformio", "espidf", "arduino")}
    assert ram["platformio"].ram == ram["espidf"].ram
    assert any("arduino" in note for note in ram["arduino"].notes) and not any(
        "arduino" in n for n in ram["espidf"].notes
    )
    texts = [rendered(board.name, kind, "tflm")["lib/dense/src/dense.h"] for kind in ("espidf", "arduino")]
    assert ["esp_nn_s3 kernels" in text for text in texts] == [True, False] and "cmsis kernels" in texts[1]


def test_nothing_of_another_kind_is_rendered() -> None:
    marks = {
        "platformio": ("platformio.ini", "library.json"), "espidf": ("sdkconfig.defaults", "idf_component.yml"),
        "arduino": ("library.properties", ".ino"), "cmake": ("toolchain.cmake",),
    }  # fmt: skip
    for kind in KINDS:
        files = rendered("nano33ble" if kind != "espidf" else "esp32dev", kind)
        for other, names in marks.items():
            assert all(any(p.endswith(n) for p in files) is (other == kind) for n in names), (kind, other)


def test_run_refuses_a_kind_that_a_board_cannot_have_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "tinygen.toml").write_text(
        'schema = 1\n[model]\npath = "absent.keras"\n[target]\nboards = ["esp32dev", "pico"]\nproject = "espidf"\n'
    )
    with pytest.raises(BadInput, match=r"pico: ESP-IDF builds for Espressif's chips, not for rp2040"):
        run(tmp_path / "tinygen.toml", tmp_path / "out")
    assert not (tmp_path / "out").exists()
