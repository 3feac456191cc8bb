"""The application around a model, run on the host: what it says at start, and how it answers lines, good and bad."""

from __future__ import annotations

import subprocess
import zlib
from pathlib import Path

import pytest

from tinygen.backends.application import APP_FILES
from tinygen.resources import data_dir

pytestmark = pytest.mark.needs_cc

#: Two inputs of 3 and 2 bytes; the outputs are their sum in 16 bits and each byte inverted. The port is stdin, stdout.
PROGRAM = r"""
#include <stdio.h>
#include "tg_app.h"

static int8_t a[3], b[2], negated[5];
static int16_t sum[1];
static int fail;
static const int32_t shape[1] = {0};
static const tg_tensor_info inputs[] = {{"a", a, 3, TG_INT8, 1, shape, 1, 0}, {"b", b, 2, TG_INT8, 1, shape, 1, 0}};
static const tg_tensor_info outputs[] = {{"sum", sum, 2, TG_INT16, 1, shape, 1, 0},
                                         {"negated", negated, 5, TG_INT8, 1, shape, 1, 0}};
static const char *const labels[] = {"zero", "one", "two", "three", "four"};
static const tg_model_info information = {"toy", "1.0", "5ha", "0", inputs, outputs, labels, 64, 5, 1, 2, 2};

static const tg_model_info *info(void) { return &information; }
static tg_status invoke(void) {
    sum[0] = (int16_t)(a[0] + a[1] + a[2] + b[0] + b[1]);
    for (int i = 0; i < 5; i++) {
        negated[i] = (int8_t)(-1 - (i < 3 ? a[i] : b[i - 3]));
    }
    return fail ? TG_ERROR : TG_OK;
}
static void reset(void) { tg_port_write("(reset)\n", 8); }
static tg_status begin(void) { return fail ? TG_ERROR : TG_OK; }
static uint32_t used(void) { return 60; }
tg_status broken(void);
tg_status broken(void) { return TG_ERROR; }
static tg_status overran(void) { return invoke() == TG_OK ? TG_ERROR_OVERRUN : TG_ERROR; }
static tg_overrun overrun(void) {
    const tg_overrun layer = {12, "conv1", a};
    const tg_overrun none = {-1, NULL, NULL};
    return fail ? none : layer;
}

int tg_port_read(void) { return getchar(); }
void tg_port_write(const char *text, uint32_t bytes) { fwrite(text, 1, bytes, stdout); }
uint32_t tg_port_micros(void) { return 7; }

int main(int argc, char **argv) {
    const tg_app_model aot = {info, invoke, reset, NULL, NULL, 0, TG_APP_CHECK(broken), NULL, NULL, NULL, NULL};
    const tg_app_model tflm = {info, invoke, reset, begin, used, 62, NULL, NULL, NULL, NULL, NULL};
    const tg_app_model checked = {info, overran, reset, NULL, NULL, 0, NULL, overrun, NULL, NULL, NULL};
    fail = argc > 3;
    tg_app_start(argc > 2 ? &tflm : argc > 1 && argv[1][0] == 'c' ? &checked : &aot);
    while (tg_app_step()) {
    }
    return 0;
}
"""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("app"))


def compiled(folder: Path, *defines: str) -> Path:
    (folder / "main.c").write_text(PROGRAM)
    firmware = data_dir("firmware")
    flags = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror", "-g"]
    sanitize = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    includes = ["-I", str(firmware / "app"), "-I", str(firmware / "runtime")]
    sources = [str(folder / "main.c"), *(str(firmware / "app" / name) for name in APP_FILES if name.endswith(".c"))]
    command = ["cc", *flags, *defines, *sanitize, *includes, *sources, "-o", str(folder / "app")]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return folder / "app"


def talk(app: Path, text: str, *arguments: str) -> list[str]:
    """The lines that come back, those said at start left out where there is text."""
    done = subprocess.run([str(app), *arguments], input=text.encode(), capture_output=True, timeout=30)
    assert done.returncode == 0, done.stderr.decode()
    lines = done.stdout.decode().split("\n")
    ready = [i for i, line in enumerate(lines) if line.startswith("ready: ")]
    return [line for line in (lines[ready[0] + 1 :] if ready and text else lines) if line]


@pytest.mark.parametrize("header", [name for name in APP_FILES if name.endswith(".h")])
def test_a_header_compiles_alone_as_cpp(header: str) -> None:
    firmware = data_dir("firmware")
    flags = ["-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror", "-fsyntax-only"]
    command = ["g++", "-x", "c++", *flags, "-I", str(firmware / "app"), "-I", str(firmware / "runtime"), "-"]
    done = subprocess.run(command, input=f'#include "{header}"\n' * 2, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_start_tells_model_and_ramp(app: Path) -> None:
    ramp = [(37 * i + 11) % 256 - 128 for i in range(5)]
    outputs = sum(ramp).to_bytes(2, "little", signed=True) + bytes(-1 - v & 255 for v in ramp)
    assert talk(app, "") == [
        "model: toy 1.0, sha256 5ha, tinygen 0",
        "arena: 64 bytes given",
        "(reset)",
        "invoke: 0 us",
        f"ramp: output crc32 {zlib.crc32(outputs):08x}",
        "(reset)",
        "ready: a line of 10 hexadecimal digits",
    ]


def test_arena_is_told(app: Path) -> None:
    assert talk(app, "", "x", "interpreter")[1] == "arena: 64 bytes given, about 62 needed, 60 used"


def test_interpreter_that_cannot_be_built(app: Path) -> None:
    lines = talk(app, "0102030405\n", "x", "interpreter", "fails")
    assert lines[-1].startswith("error: the interpreter could not be built")
    assert not any(line.startswith(("ready", "output", "ramp")) for line in lines)


def test_line_gives_outputs_and_label(app: Path) -> None:
    expected = ["invoke: 0 us", "output 0: 12", "output 1: -2 -3 127 -128 -11", "label: two"]
    assert talk(app, "01 02\t80 7F0a\r\n") == expected
    assert talk(app, "0102807f0A\n0102807f0a\n") == 2 * expected
    assert talk(app, "\n\r\n \n") == []


@pytest.mark.parametrize(
    "bad", ["01", "0102807f0", "0102807f0a0", "0102807f0a" * 1000, "01x2807f0a", "0102807f0a;", "\xff"]
)
def test_bad_line_is_told_and_the_next_is_good(app: Path, bad: str) -> None:
    lines = talk(app, f"{bad}\n0102807f0a\n")
    assert lines[0].startswith("error: ") and lines[1:] == talk(app, "0102807f0a\n")


def test_half_a_line_is_no_input(app: Path) -> None:
    assert talk(app, "0102807f0a") == []


def test_constants_are_checked_where_the_build_asks_for_it(app: Path, tmp_path: Path) -> None:
    assert not [line for line in talk(app, "") if "error" in line]
    for asked, said in (("0", False), ("1", True)):
        lines = talk(compiled(tmp_path, f"-DTG_CHECK_WEIGHTS={asked}"), "0102030405\n")
        assert (lines[-1] == "error: the constants in flash are not those that were rendered") is said
        assert any(line.startswith(("ready", "output", "ramp")) for line in lines) is not said


def test_a_checked_build_names_the_layer(app: Path) -> None:
    overrun = "error: invoke failed: layer 12 wrote outside of its buffers: conv1"
    assert overrun in talk(app, "", "checked")
    assert talk(app, "0102030405\n", "checked") == [overrun]
