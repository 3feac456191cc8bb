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
    source: Text


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


class SimulatorSpec(_Strict):
    """How the board is simulated: `kind` unicorn maps its own memory, qemu runs the named machine."""

    kind: Literal["unicorn", "qemu"]
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
        if self.kind == "qemu" and not self.machine:
            raise ValueError("missing key 'machine': qemu needs the name of one")
        return self


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
    simulators: tuple[SimulatorSpec, ...] = ()
    micropython_arch: MicroPythonArch = ""
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
