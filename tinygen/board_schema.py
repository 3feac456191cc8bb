"""What a board profile may say: the typed schema of boards/*.toml, with the checks that one page of TOML can fail."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Core = Literal[
    "cortex-m0",
    "cortex-m0plus",
    "cortex-m3",
    "cortex-m4",
    "cortex-m4f",
    "cortex-m7",
    "cortex-m33",
    "cortex-m55",
    "rv32imc",
    "xtensa-lx6",
    "xtensa-lx7",
]
MicroPythonArch = Literal["", "armv6m", "armv7m", "armv7emsp", "armv7emdp", "rv32imc", "xtensawin"]


def _printable(text: str) -> str:
    if not text.replace("\n", "").isprintable():
        raise ValueError("a text without control characters is needed")
    return text


def _one_line(text: str) -> str:
    if "\n" in text:
        raise ValueError("one line is needed")
    return text


def _fqbn(text: str) -> str:
    parts = text.split(":")
    if len(parts) not in (3, 4) or not all(parts):
        raise ValueError("package:architecture:board is needed, with options behind another colon")
    return text


#: TOML has integers: neither "64K" nor true is one.
Bytes = Annotated[int, Field(strict=True, gt=0, le=2**30)]
Text = Annotated[str, Field(strict=True, pattern=r"\S"), AfterValidator(_printable)]
#: What ends up in comments of C, of platformio.ini and of Markdown.
Line = Annotated[Text, AfterValidator(_one_line)]
Plain = Annotated[str, AfterValidator(_printable)]
Id = Annotated[str, Field(strict=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
#: A platform is a name, or the https address of a fork with its tag or commit; it ends up in platformio.ini.
PlatformSpec = Annotated[str, Field(strict=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:/#@+-]*$")]

#: The instruction-set features that kernel variants ask for, by core. Every core runs the portable kernels.
FEATURES: dict[str, frozenset[str]] = {
    "cortex-m0": frozenset({"armv6m"}),
    "cortex-m0plus": frozenset({"armv6m"}),
    "cortex-m3": frozenset({"armv7m"}),
    "cortex-m4": frozenset({"armv7m", "dsp"}),
    "cortex-m4f": frozenset({"armv7m", "dsp"}),
    "cortex-m7": frozenset({"armv7m", "dsp"}),
    "cortex-m33": frozenset({"armv7m", "dsp"}),
    "cortex-m55": frozenset({"armv7m", "dsp", "mve"}),
    "rv32imc": frozenset({"rv32"}),
    "xtensa-lx6": frozenset({"xtensa"}),
    "xtensa-lx7": frozenset({"xtensa"}),
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Region(_Strict):
    """One memory of the chip, as the processor sees it."""

    name: Annotated[str, Field(strict=True, pattern=r"^[a-z][a-z0-9_]*$")]
    kind: Literal["flash", "ram", "tcm", "psram"]
    origin: Annotated[int, Field(strict=True, ge=0, lt=2**32)]
    size: Bytes
    #: Where code that runs from this memory has its addresses, and in what steps it takes the memory; 0: it takes none.
    code_origin: Annotated[int, Field(strict=True, ge=0, lt=2**32)] = 0
    bank_bytes: Annotated[int, Field(strict=True, ge=0, le=2**30)] = 0
    source: Text

    @property
    def end(self) -> int:
        """The first address behind the region."""
        return self.origin + self.size


class Framework(_Strict):
    """What a framework takes on this board before the user's program has any: static RAM, stack and heap, flash."""

    name: Id
    flash_bytes: Bytes
    ram_bytes: Bytes
    #: Of ram_bytes, the stack and heap that are in no section of the linked program (.heap and .stack set aside).
    run_time_bytes: Annotated[int, Field(strict=True, ge=0, le=2**30)] = 0
    source: Text

    @model_validator(mode="after")
    def _run_time_is_part_of_ram(self) -> Framework:
        if self.run_time_bytes > self.ram_bytes:
            raise ValueError(f"run_time_bytes of {self.name} is more than its ram_bytes")
        return self


class PlatformIO(_Strict):
    """PlatformIO's names for the board, the pinned platform and the frameworks that the board's own file lists."""

    board: Id
    platform: PlatformSpec
    version: Id
    frameworks: tuple[Id, ...] = Field(min_length=1)
    default_framework: Id
    fork: Plain = ""  # where the official platform lacks the board or the framework: the fork's name and why
    #: The library's header that Arduino's `Serial` comes from, where <Arduino.h> does not bring it.
    serial_header: str = Field("", pattern=r"^([A-Za-z0-9_][A-Za-z0-9_/-]*\.h)?$")
    #: Where ESP-IDF's console goes: UART0, or the chip's own USB where the board has no other serial line.
    console: Literal["", "usb_cdc", "usb_serial_jtag"] = ""
    #: "vendor:product" of the board's serial port on USB: `build.hwids` of PlatformIO's board file, the ST-LINKs with a
    #: serial port (OpenOCD's interface/stlink.cfg), DAPLink's.
    usb: tuple[Annotated[str, Field(strict=True, pattern=r"^[0-9a-f]{4}:[0-9a-f]{4}$")], ...] = ()
    #: DEV_ID of ST's DBGMCU_IDCODE, as the chip's reference manual gives it.
    device_id: Annotated[int, Field(strict=True, gt=0, le=0xFFF)] | None = None
    source: Text

    @property
    def requirement(self) -> str:
        """The value of `platform` in platformio.ini: name and version, or the address of a fork, which pins itself."""
        return self.platform if "/" in self.platform else f"{self.platform}@{self.version}"


class Arduino(_Strict):
    """Arduino's own name for the board, as arduino-cli takes it: package:architecture:board, with options behind."""

    fqbn: Annotated[str, Field(strict=True, pattern=r"^[A-Za-z0-9_.:,=-]+$"), AfterValidator(_fqbn)]
    source: Text


class SimulatorSpec(_Strict):
    """How the board is simulated: unicorn maps its own memory, qemu runs the named machine, labwired the named chip."""

    kind: Literal["unicorn", "qemu", "labwired"]
    machine: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]*$")] = ""
    cpu: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.,=+-]*$")] = ""
    #: The guest timer that counts instructions under -icount: its kind, base address and ticks a (virtual) second.
    #: "minstret" counts virtual nanoseconds: instructions where shift is 0.
    clock: str = Field("", pattern=r"^((cmsdk|nrf_timer|sse)@0x[0-9a-fA-F]{1,8}:[1-9][0-9]*|minstret)?$")
    #: The UART behind QEMU's first serial line: its kind and base address.
    serial: str = Field("", pattern=r"^((cmsdk|nrf|16550)@0x[0-9a-fA-F]{1,8})?$")
    source: Text

    @model_validator(mode="after")
    def _machine_named(self) -> SimulatorSpec:
        if self.kind != "unicorn" and not self.machine:
            raise ValueError(f"missing key 'machine': {self.kind} needs the name of one")
        return self


class MicroPython(_Strict):
    """MicroPython's own firmware for the board, as its project publishes it. Every figure is read in its sources."""

    #: The port and the board's name there: "ports/rp2: RPI_PICO", a variant behind it in brackets.
    firmware: Annotated[str, Field(strict=True, pattern=r"^ports/[a-z0-9-]+: [A-Z0-9_]+( \([A-Z0-9_]+\))?$")]
    #: Whether it loads native .mpy files, C or viper alike; where not, bytecode is left, or a firmware of one's own.
    native: Annotated[bool, Field(strict=True)]
    #: MPY_VERSION and MPY_SUB_VERSION of the files that it loads.
    mpy_version: Annotated[str, Field(strict=True, pattern=r"^[0-9]+\.[0-9]+$")]
    #: What heap_bytes is: the heap itself; what heap and the firmware's static data share, so that the heap is smaller;
    #: what the heap begins with, before it takes more of what the system has left.
    heap: Literal["fixed", "shared", "grows"]
    heap_bytes: Bytes
    #: The ROMFS partition, 0 where there is none; no key where the sources do not say.
    romfs_bytes: Annotated[int, Field(strict=True, ge=0, le=2**30)] | None = None
    #: The writable filesystem; no key where it depends on the flash chip that is found.
    filesystem_bytes: Annotated[int, Field(strict=True, ge=0, le=2**30)] | None = None
    source: Text

    @property
    def viper(self) -> bool:
        """Whether precompiled viper loads: the loader is the same as that of native modules."""
        return self.native


class BoardProfile(_Strict):
    """One board. The default framework's reserve is taken off what a user's program may have."""

    schema_: Literal[1] = Field(alias="schema")
    name: Annotated[str, Field(strict=True, pattern=r"^[a-z0-9][a-z0-9_-]*$")]
    title: Line
    mcu: Line
    core: Core
    clock_hz: Annotated[int, Field(strict=True, gt=0, le=10**11)]
    source: Text
    fpu: Literal["none", "single", "double"] = "none"
    regions: tuple[Region, ...] = Field(min_length=1)
    frameworks: tuple[Framework, ...] = ()
    platformio: PlatformIO | None = None
    arduino: Arduino | None = None
    simulators: tuple[SimulatorSpec, ...] = ()
    #: The architecture of native modules on this chip, for MicroPython's own firmware or one that a user builds.
    micropython_arch: MicroPythonArch = ""
    #: No table: MicroPython publishes no firmware for the board.
    micropython: MicroPython | None = None
    #: The linker script puts constants into RAM, where start-up code copies them: weights count there too.
    constants_in_ram: Annotated[bool, Field(strict=True)] = False
    notes: Plain = ""

    @model_validator(mode="after")
    def _consistent(self) -> BoardProfile:
        kinds = [r.kind for r in self.regions]
        if kinds.count("flash") != 1:
            raise ValueError("regions: exactly one region of kind 'flash' is needed")
        if not any(k in ("ram", "tcm") for k in kinds):
            raise ValueError("regions: a region of kind 'ram' is needed")
        if len({r.name for r in self.regions}) != len(self.regions):
            raise ValueError("regions: two regions have the same name")
        beyond = next((r.name for r in self.regions if r.end > 2**32), None)
        if beyond:
            raise ValueError(f"regions: {beyond} ends beyond the 32-bit address space")
        spans = sorted(self.regions, key=lambda r: r.origin)
        for a, b in pairwise(spans):
            if b.origin < a.end:
                raise ValueError(f"regions: {a.name} and {b.name} overlap")
        self._check_frameworks()
        if self.micropython and not self.micropython_arch:
            raise ValueError("missing key 'micropython_arch': the table [micropython] needs it")
        return self

    def _check_frameworks(self) -> None:
        names = [f.name for f in self.frameworks]
        if len(set(names)) != len(names):
            raise ValueError("frameworks: two frameworks have the same name")
        pio = self.platformio
        if pio and pio.default_framework not in pio.frameworks:
            raise ValueError(f"platformio: the default framework {pio.default_framework!r} is not among the frameworks")
        if pio and pio.default_framework not in names:
            raise ValueError(f"frameworks: the default framework {pio.default_framework!r} has no entry")
        for f in self.frameworks:
            if f.flash_bytes >= self.flash.size or f.ram_bytes >= self.ram.size:
                raise ValueError(f"frameworks: {f.name} takes more than the board has")

    @property
    def features(self) -> frozenset[str]:
        """Instruction-set features for choosing kernel variants."""
        return FEATURES[self.core]

    @property
    def flash(self) -> Region:
        """The region that holds code and constants."""
        return next(r for r in self.regions if r.kind == "flash")

    @property
    def ram(self) -> Region:
        """The region that holds static data and the stack: the largest of kind ram, the first of equals; else a tcm."""
        internal = [r for r in self.regions if r.kind in ("ram", "tcm")]
        return max(internal, key=lambda r: (r.kind == "ram", r.size))

    @property
    def flash_left(self) -> int:
        """Bytes of flash that a user's program can have: the region less the framework's share."""
        return self.flash.size - (self.framework.flash_bytes if self.framework else 0)

    @property
    def ram_left(self) -> int:
        """Bytes of RAM that a user's program can have: the region less the framework's share."""
        return self.ram.size - (self.framework.ram_bytes if self.framework else 0)

    @property
    def framework(self) -> Framework | None:
        """The framework that a rendered project uses, None on bare metal."""
        if self.platformio is None:
            return None
        return next((f for f in self.frameworks if f.name == self.platformio.default_framework), None)
