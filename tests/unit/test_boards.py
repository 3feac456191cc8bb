"""Board profiles: the shipped ones are whole and sane, and a bad one is refused in one line that names the fault."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tinygen.boards import BoardProfile, board_names, load_board
from tinygen.errors import BadInput
from tinygen.resources import data_dir

SIMULATORS = {
    "qemu_microbit": ("cortex-m0", "microbit"),
    "qemu_m0plus": ("cortex-m0plus", "mps2-an385"),
    "qemu_mps2_an385": ("cortex-m3", "mps2-an385"),
    "qemu_mps2_an386": ("cortex-m4f", "mps2-an386"),
    "qemu_mps2_an500": ("cortex-m7", "mps2-an500"),
    "qemu_mps2_an505": ("cortex-m33", "mps2-an505"),
    "qemu_mps3_an547": ("cortex-m55", "mps3-an547"),
    "qemu_riscv32": ("rv32imc", "virt"),
}
PEOPLES = {
    "adafruit_feather_m0": ("cortex-m0plus", "none", "arduino"),
    "adafruit_feather_m4": ("cortex-m4f", "single", "arduino"),
    "adafruit_feather_nrf52840": ("cortex-m4f", "single", "arduino"),
    "adafruit_feather_nrf52840_sense": ("cortex-m4f", "single", "arduino"),
    "bbcmicrobit_v2": ("cortex-m4f", "single", "arduino"),
    "blackpill_f411ce": ("cortex-m4f", "single", "arduino"),
    "bluepill_f103c8": ("cortex-m3", "none", "arduino"),
    "disco_b_u585i_iot02a": ("cortex-m33", "single", "arduino"),
    "disco_f407vg": ("cortex-m4f", "single", "arduino"),
    "disco_f746ng": ("cortex-m7", "single", "stm32cube"),
    "disco_l475vg_iot01a": ("cortex-m4f", "single", "stm32cube"),
    "esp32-c3-devkitm-1": ("rv32imc", "none", "espidf"),
    "esp32-c6-devkitc-1": ("rv32imc", "none", "espidf"),
    "esp32-s2-saola-1": ("xtensa-lx7", "none", "espidf"),
    "esp32-s3-devkitc-1": ("xtensa-lx7", "single", "espidf"),
    "esp32cam": ("xtensa-lx6", "single", "espidf"),
    "esp32dev": ("xtensa-lx6", "single", "espidf"),
    "esp32s3box": ("xtensa-lx7", "single", "espidf"),
    "lolin_s2_mini": ("xtensa-lx7", "none", "espidf"),
    "m5stack-core2": ("xtensa-lx6", "single", "espidf"),
    "nano33ble": ("cortex-m4f", "single", "arduino"),
    "nano_33_iot": ("cortex-m0plus", "none", "arduino"),
    "nanorp2040connect": ("cortex-m0plus", "none", "arduino"),
    "nrf52840_dk_adafruit": ("cortex-m4f", "single", "arduino"),
    "nucleo_f401re": ("cortex-m4f", "single", "stm32cube"),
    "nucleo_f411re": ("cortex-m4f", "single", "stm32cube"),
    "nucleo_f429zi": ("cortex-m4f", "single", "stm32cube"),
    "nucleo_f446re": ("cortex-m4f", "single", "stm32cube"),
    "nucleo_f767zi": ("cortex-m7", "double", "stm32cube"),
    "nucleo_g0b1re": ("cortex-m0plus", "none", "stm32cube"),
    "nucleo_g474re": ("cortex-m4f", "single", "stm32cube"),
    "nucleo_h563zi": ("cortex-m33", "single", "arduino"),
    "nucleo_h743zi": ("cortex-m7", "double", "stm32cube"),
    "nucleo_l432kc": ("cortex-m4f", "single", "stm32cube"),
    "nucleo_l476rg": ("cortex-m4f", "single", "stm32cube"),
    "nucleo_l4r5zi": ("cortex-m4f", "single", "stm32cube"),
    "pico": ("cortex-m0plus", "none", "arduino"),
    "rpipico2": ("cortex-m33", "single", "arduino"),
    "seeed_xiao": ("cortex-m0plus", "none", "arduino"),
    "seeed_xiao_esp32c3": ("rv32imc", "none", "espidf"),
    "seeed_xiao_esp32c6": ("rv32imc", "none", "espidf"),
    "seeed_xiao_esp32s3": ("xtensa-lx7", "single", "espidf"),
    "seeed_xiao_rp2040": ("cortex-m0plus", "none", "arduino"),
    "teensy40": ("cortex-m7", "double", "arduino"),
    "teensy41": ("cortex-m7", "double", "arduino"),
    "uno_r4_wifi": ("cortex-m4f", "single", "arduino"),
}
MICROPYTHON = """
[micropython]
firmware = "ports/stm32: MY_BOARD"
native = true
mpy_version = "6.3"
heap = "shared"
heap_bytes = 65_536
source = "its linker script"
"""

OWN = """
schema = 1
name = "my-board"
title = "A board of one's own"
mcu = "xyz123"
core = "cortex-m4f"
clock_hz = 100_000_000
source = "its data sheet"

[[regions]]
name = "flash"
kind = "flash"
origin = 0x0800_0000
size = 262_144
source = "its data sheet"

[[regions]]
name = "sram"
kind = "ram"
origin = 0x2000_0000
size = 65_536
source = "its data sheet"
"""
PLATFORMIO = """
[platformio]
board = "genericXYZ"
platform = "ststm32"
version = "19.6.0"
frameworks = ["arduino", "stm32cube"]
default_framework = "stm32cube"
source = "its board file"
"""
FRAMEWORK = """
[[frameworks]]
name = "stm32cube"
flash_bytes = 6_000
ram_bytes = 1_600
source = "measured"
"""


def left(board: BoardProfile) -> tuple[int, int]:
    """Flash and RAM that a user's program can have."""
    return board.flash_left, board.ram_left


def write(folder: Path, text: str) -> Path:
    path = folder / "own.toml"
    path.write_text(text, "utf-8")
    return path


def refusal(path: Path | str) -> str:
    with pytest.raises(BadInput) as caught:
        load_board(path)
    assert caught.value.exit_code == 2
    assert "\n" not in caught.value.line and len(caught.value.line) < 800
    return caught.value.line


def test_the_list_of_boards_is_whole() -> None:
    assert set(board_names()) == {*SIMULATORS, *PEOPLES}
    assert board_names() == sorted(board_names())


@pytest.mark.parametrize("name", [*SIMULATORS, *PEOPLES])
def test_every_profile_is_sane(name: str) -> None:
    board = load_board(name)
    assert board.name == name
    assert board.flash.kind == "flash" and board.ram.kind == "ram"
    for a in board.regions:
        page = 4096 if any(s.kind == "unicorn" for s in board.simulators) else 32  # unicorn maps whole pages
        assert a.origin % page == 0 and a.size % 16 == 0 and a.end <= 2**32
        assert all(a is b or a.end <= b.origin or b.end <= a.origin for b in board.regions)
    assert 16_000_000 <= board.clock_hz <= 1_000_000_000
    for part in (board, *board.regions, *board.frameworks, *board.simulators):
        assert len(part.source) >= 15, f"a figure's source is a data sheet, a file or a measurement: {part.source!r}"
    assert min(left(board)) > 0


@pytest.mark.parametrize("name", SIMULATORS)
def test_simulator_boards_name_their_machine_and_clock(name: str) -> None:
    board = load_board(name)
    core, machine = SIMULATORS[name]
    qemu = next(s for s in board.simulators if s.kind == "qemu")
    assert (board.core, qemu.machine) == (core, machine)
    assert qemu.clock and qemu.cpu
    assert board.platformio is None and board.framework is None
    assert (name == "qemu_mps3_an547") == all(s.kind != "unicorn" for s in board.simulators), "unicorn has no MVE"


@pytest.mark.parametrize("name", PEOPLES)
def test_boards_of_people_name_platformio_and_the_framework(name: str) -> None:
    board = load_board(name)
    core, fpu, framework = PEOPLES[name]
    assert (board.core, board.fpu) == (core, fpu)
    assert board.platformio is not None and board.framework is not None
    assert board.platformio.board == name
    assert board.platformio.version[0].isdigit() and board.platformio.default_framework == framework
    assert framework in board.platformio.frameworks
    assert board.framework.flash_bytes > 0 and board.framework.ram_bytes >= 1024, "the reserve has a stack in it"
    assert bool(board.platformio.fork) == ("/" in board.platformio.requirement), "a fork is named as such"
    kinds = {s.kind for s in board.simulators} - {"labwired"}
    assert kinds == (set() if core.startswith("xtensa") else {"unicorn"})


def test_platformio_requirements_are_pinned() -> None:
    assert load_board("nucleo_f446re").platformio.requirement == "ststm32@19.6.0"  # type: ignore[union-attr]
    assert load_board("rpipico2").platformio.requirement.partition("#")[2], "a fork pins itself"  # type: ignore[union-attr]


def test_a_framework_leaves_less_than_the_chip_has() -> None:
    """ESP-IDF's linker scripts give static data less than PlatformIO's 327,680 bytes; the app partition is 1 MiB."""
    for name in ("esp32dev", "esp32-s2-saola-1", "esp32-s3-devkitc-1", "esp32-c3-devkitm-1"):
        flash, ram = left(load_board(name))
        assert flash < 1 << 20 and ram < 290_000
    assert left(load_board("esp32dev"))[1] < load_board("esp32dev").ram.size == 0x2C200


def test_a_large_model_fits_the_f401_and_not_the_blue_pill() -> None:
    weights, arena = 219_072, 55_296
    flash, ram = left(load_board("nucleo_f401re"))
    assert flash > weights + 64 * 1024 and ram > arena + 8 * 1024
    flash, ram = left(load_board("bluepill_f103c8"))
    assert flash < weights and ram < arena


def test_ram_is_the_largest_and_the_first_of_equals() -> None:
    assert load_board("nucleo_h743zi").ram.name == "axi_sram"
    assert load_board("teensy41").ram.name == "dtcm"


WITHOUT_LOADER = {"adafruit_feather_m0", "nano_33_iot", "nucleo_l432kc", "qemu_microbit", "seeed_xiao"}
WITHOUT_FIRMWARE = {
    "adafruit_feather_nrf52840", "adafruit_feather_nrf52840_sense", "bbcmicrobit_v2", "bluepill_f103c8",
    "disco_b_u585i_iot02a", "nucleo_l4r5zi", "qemu_m0plus", "qemu_mps2_an386", "qemu_mps2_an505", "uno_r4_wifi",
}  # fmt: skip


@pytest.mark.parametrize("name", [*SIMULATORS, *PEOPLES])
def test_what_micropython_s_own_firmware_loads(name: str) -> None:
    board = load_board(name)
    stock = board.micropython
    assert (stock is None) == (name in WITHOUT_FIRMWARE)
    if stock is None:
        return
    assert stock.native == stock.viper == (name not in WITHOUT_LOADER)
    assert len(stock.source) > 80 and stock.mpy_version == "6.3"
    wanted = {"cortex-m0": "armv6m", "cortex-m0plus": "armv6m", "cortex-m3": "armv7m", "rv32imc": "rv32imc"}
    wanted |= dict.fromkeys(("xtensa-lx6", "xtensa-lx7"), "xtensawin")
    assert board.micropython_arch == wanted.get(
        board.core, "armv7emdp" if board.fpu == "double" or board.core == "cortex-m55" else "armv7emsp"
    )
    if stock.heap == "shared" and name != "nrf52840_dk_adafruit":  # Adafruit's core keeps RAM for a radio stack
        assert stock.heap_bytes <= sum(r.size for r in board.regions if r.kind in ("ram", "tcm"))


def test_an_own_profile_may_have_a_micropython_of_its_own(tmp_path: Path) -> None:
    text = OWN.replace("clock_hz", 'micropython_arch = "armv7emsp"\nclock_hz') + MICROPYTHON
    stock = load_board(write(tmp_path, text)).micropython
    assert stock is not None and stock.romfs_bytes is None and stock.filesystem_bytes is None


def test_features_follow_the_core() -> None:
    assert "mve" in load_board("qemu_mps3_an547").features
    assert load_board("pico").features == {"armv6m"}
    assert "dsp" not in load_board("bluepill_f103c8").features


def test_an_own_profile_loads_by_its_path(tmp_path: Path) -> None:
    board = load_board(write(tmp_path, OWN + PLATFORMIO + FRAMEWORK))
    assert (board.name, board.ram.size, left(board)) == ("my-board", 65_536, (256_144, 63_936))
    assert load_board(str(write(tmp_path, OWN))).framework is None, "an edited file is read again"


def test_the_example_in_the_readme_loads(tmp_path: Path) -> None:
    readme = (data_dir("boards") / "README.md").read_text("utf-8")
    assert load_board(write(tmp_path, readme.split("```toml")[1].split("```")[0])).name == "my_board"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (OWN.replace("clock_hz", "clockhz"), "unknown key 'clockhz', did you mean 'clock_hz'?"),
        (OWN.replace("size = 65_536", "size = 65_536\nsice = 1"), "unknown key 'regions.1.sice', did you mean 'size'?"),
        (OWN.replace('mcu = "xyz123"', "").replace("schema = 1", ""), "missing key 'schema'; missing key 'mcu'"),
        (OWN.replace("schema = 1", "schema = 2"), "schema"),
        (OWN.replace("0x2000_0000", "0x0803_F000"), "flash and sram overlap"),
        (OWN.replace("0x2000_0000", "0xFFFF_F000"), "beyond the 32-bit address space"),
        (OWN.replace("0x2000_0000", "0x2000_0000_0"), "regions.1.origin"),
        (OWN.replace("0x2000_0000", "0x20G0"), "not a readable TOML file"),
        (OWN.replace("65_536", "-65_536"), "regions.1.size"),
        (OWN.replace("65_536", "0"), "regions.1.size"),
        (OWN.replace("65_536", '"64K"'), "regions.1.size"),
        (OWN.replace("65_536", "true"), "regions.1.size"),
        (OWN.replace("65_536", "9" * 5000), "own.toml"),
        (OWN.replace('"ram"', '"rom"'), "regions.1.kind"),
        (OWN.replace('kind = "flash"', 'kind = "ram"'), "exactly one region of kind 'flash'"),
        (OWN.replace('kind = "ram"', 'kind = "psram"'), "a region of kind 'ram' is needed"),
        (OWN.replace('name = "sram"', 'name = "flash"'), "two regions have the same name"),
        (OWN.replace("its data sheet", " "), "source"),
        (OWN.replace("cortex-m4f", "cortex-m99"), "core"),
        (OWN.replace("my-board", "../etc/passwd"), "name"),
        (OWN + PLATFORMIO, "the default framework 'stm32cube' has no entry"),
        (OWN + PLATFORMIO.replace('"stm32cube"]', '"mbed"]') + FRAMEWORK, "is not among the frameworks"),
        (
            OWN + PLATFORMIO.replace("source", 'serial_header = "a.h>\\n#include <b.h"\nsource') + FRAMEWORK,
            "serial_header",
        ),
        (OWN + PLATFORMIO.replace("source", 'console = "uart9"\nsource') + FRAMEWORK, "platformio.console"),
        (OWN + PLATFORMIO.replace("ststm32", "x\\nextra_scripts = evil.py") + FRAMEWORK, "platformio.platform"),
        (OWN + FRAMEWORK.replace("1_600", "0"), "frameworks.0.ram_bytes"),
        (OWN + FRAMEWORK.replace("1_600", "65_536"), "takes more than the board has"),
        (OWN + FRAMEWORK + FRAMEWORK, "two frameworks have the same name"),
        (OWN + '[[simulators]]\nkind = "qemu"\nsource = "x"\n', "missing key 'machine'"),
        (OWN + '[[simulators]]\nkind = "unicorn"\nclock = "sundial"\nsource = "x"\n', "simulators.0.clock"),
        (OWN + MICROPYTHON, "missing key 'micropython_arch'"),
        (OWN + MICROPYTHON.replace("native", "naitve"), "unknown key 'micropython.naitve', did you mean 'native'?"),
        (OWN + MICROPYTHON.replace("true", "1"), "micropython.native"),
        (OWN + MICROPYTHON.replace("65_536", "0"), "micropython.heap_bytes"),
        (OWN + MICROPYTHON.replace("6.3", "6"), "micropython.mpy_version"),
        (OWN + MICROPYTHON.replace('"shared"', '"big"'), "micropython.heap"),
        (OWN + MICROPYTHON.replace("ports/stm32: MY_BOARD", "MY_BOARD"), "micropython.firmware"),
        (OWN + MICROPYTHON + "romfs_bytes = -1\n", "micropython.romfs_bytes"),
        (OWN.replace("mcu =", "core ="), "not a readable TOML file"),
        ("regions = 3", "regions"),
        ("", "missing key 'schema'"),
        ("x = " + "[" * 50_000, "own.toml"),
        ("\n".join(f"key{i} = 1" for i in range(5_000)), "and 5000 more"),
    ],
)
def test_a_bad_profile_is_refused_in_one_line(tmp_path: Path, text: str, told: str) -> None:
    line = refusal(write(tmp_path, text))
    assert told in line and line.startswith("own.toml: ")


def test_files_that_are_no_profiles(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_bytes(b"\x7fELF\x01\x01\x01\xff\xfe\x00")
    assert "not UTF-8" in refusal(path)
    path.write_bytes(b"#" * (256 * 1024 + 1))
    assert "over 262144 bytes" in refusal(path)
    path.write_bytes(OWN.encode() + b"#" * (256 * 1024 - len(OWN.encode())))
    assert load_board(path).name == "my-board", "the limit itself is allowed"


@pytest.mark.parametrize(
    "name", ["", ".", "/", "no/such/board.toml", "a\0b", "x" * 5000, "no_such_board", "\x1b[31mred"]
)
def test_names_of_nothing(name: str) -> None:
    line = refusal(name)
    assert line.isprintable()


def test_a_misspelt_name_gets_a_suggestion() -> None:
    assert "did you mean 'nucleo_f446re'?" in refusal("nucleo_f446")


@pytest.mark.needs_qemu
@pytest.mark.parametrize("name", SIMULATORS)
def test_qemu_maps_the_first_and_last_word_of_every_region(name: str) -> None:
    """The machine's own monitor reads memory as its processor sees it after reset."""
    board = load_board(name)
    qemu = next(s for s in board.simulators if s.kind == "qemu")
    program = f"qemu-system-{'riscv32' if board.core == 'rv32imc' else 'arm'}"
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    asked = [a for r in board.regions for a in (r.origin, r.end - 4)]
    command = [program, "-M", qemu.machine, "-cpu", qemu.cpu, "-S", "-display", "none", "-serial", "null"]
    command += ["-bios", "none"] if board.core == "rv32imc" else []
    script = "".join(f"x /1xw {address:#x}\n" for address in [*asked, 0xEFFFFFF0]) + "quit\n"
    done = subprocess.run([*command, "-monitor", "stdio"], input=script, capture_output=True, text=True, timeout=60)
    answers = [line.split(": ")[-1].strip() for line in done.stdout.splitlines() if line[:8].isalnum() and ":" in line]
    refused = [line for line in done.stdout.splitlines() if "Cannot access" in line]
    assert len([a for a in answers if a.startswith("0x")]) == len(asked), done.stdout
    assert len(refused) == 1, "an address that no machine has is refused, so the answers above mean something"
