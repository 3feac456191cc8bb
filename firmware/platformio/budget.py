"""Holds the linked program to the board's flash and RAM, stack included: PlatformIO itself only warns about RAM.

PlatformIO runs this after every link, and by `pio run -t budget`; `python tools/budget.py firmware.elf` does the same
by hand. budget.json has the board's memories and what no section of the program holds. A section counts where it lies:

- RAM: every address that a section takes at run time, in the region that the section begins in. Sections named .heap
  and .stack do not count (many linker scripts let them fill what is left): budget.json says how much stack and heap
  there has to be. A section behind a region's end, by no more than the region's size, has run over it. Addresses count
  once: ESP-IDF lays a dummy section over code in RAM.
- Flash: every section with content, wherever it is loaded to: initial values are stored in flash as well.
"""

import json
import re
import struct
import sys
from collections import namedtuple
from pathlib import Path

Section = namedtuple("Section", "name kind flags address size offset link index")
Use = namedtuple("Use", "name used limit largest")
_ALLOC, _NOBITS, _SYMTAB, _OBJECT = 0x2, 8, 2, 1
_GIVES_WAY = re.compile(r"\.(heap|stack|fault_stack)(\.|_|$)")
_MOST_BYTES = 1 << 29


class BudgetError(Exception):
    """A program or a budget.json that cannot be read, in one line."""


def read_sections(data):
    """The sections of a 32-bit little-endian ELF. Raises BudgetError for anything else, and for what is damaged."""
    if data[:4] != b"\x7fELF":
        raise BudgetError("not an ELF file")
    if data[4:6] != b"\x01\x01":
        raise BudgetError("not a program of a 32-bit little-endian chip")
    try:
        at, size, count, names_index = struct.unpack_from("<I", data, 32)[0], *struct.unpack_from("<3H", data, 46)
        if size < 40 or at == 0:
            raise BudgetError("no table of sections")
        if count == 0:  # more than an ELF header can say: the first entry has the number
            count = struct.unpack_from("<I", data, at + 20)[0]
        if names_index == 0xFFFF:
            names_index = struct.unpack_from("<I", data, at + 24)[0]
        if count > 1 << 16 or at + count * size > len(data) or names_index >= count:
            raise BudgetError("the table of sections is damaged")
        headers = [struct.unpack_from("<10I", data, at + i * size) for i in range(count)]
        names = _content(data, headers[names_index][4], headers[names_index][5])
    except struct.error as error:
        raise BudgetError("it ends within its headers") from error
    return [
        Section(_name(names, h[0]), h[1], h[2], h[3], h[5], h[4], h[6], index)
        for index, h in enumerate(headers)
    ]  # fmt: skip


def largest_object(data, sections, wanted):
    """(name, bytes) of the largest variable in sections whose index is in `wanted`; ("", 0) without a symbol table."""
    best = ("", 0)
    for table in (s for s in sections if s.kind == _SYMTAB and s.link < len(sections)):
        names = _content(data, sections[table.link].offset, sections[table.link].size)
        entries = _content(data, table.offset, table.size)
        for name, _, size, info, _, index in struct.iter_unpack("<3I2BH", entries[: len(entries) // 16 * 16]):
            if info & 15 == _OBJECT and index in wanted and size > best[1]:
                best = (_name(names, name), size)
    return best


def uses(data, budget):
    """What the program takes of each memory: flash, then every region of RAM."""
    sections = read_sections(data)
    taken = [s for s in sections if s.flags & _ALLOC and s.size]
    regions = budget["regions"]
    flash = next(r for r in regions if r["kind"] == "flash")
    lasting = [s for s in taken if not _GIVES_WAY.match(s.name)]
    stored = [(s.name, s.size) for s in lasting if s.kind != _NOBITS]
    total = sum(size for _, size in stored)
    found = [_use("Flash", flash["size"], total, stored, budget["reserved"]["flash"], "")]
    for region in (r for r in regions if r["kind"] != "flash"):
        inside = [s for s in lasting if _region_of(s.address, regions) is region]
        parts, total = [(s.name, s.size) for s in inside], _covered(inside)
        main = region["name"] == budget["ram"]
        if main and budget.get("code"):
            parts.append(("banks of code", _banks(taken, budget["code"])))
            total += parts[-1][1]
        if parts or main:
            name, size = largest_object(data, sections, {s.index for s in inside})
            told = f"{name} {size_text(size)}" if name else ""
            reserved = budget["reserved"]["ram"] if main else {}
            label = "RAM" if main else f"RAM ({region['name']})"
            found.append(_use(label, region["size"], total, parts, reserved, told))
    return found


def shortage(budget, use):
    """The line that says what is short; empty where it fits."""
    if use.used <= use.limit:
        return ""
    return (
        f"{use.name} over budget on {budget['board']}: needs {size_text(use.used)}, has {size_text(use.limit)}, "
        f"short by {size_text(use.used - use.limit)}. Largest: {use.largest}."
    )


def size_text(size):
    """Bytes as people read them."""
    if size < 1 << 10:
        return f"{size} B"
    return f"{size / 1024:.1f} KiB" if size < 1 << 20 else f"{size / (1 << 20):.2f} MiB"


def check(elf, kind):
    """Prints the budget of a program; the exit code. `kind` is the part of budget.json: board or sim."""
    try:
        told = json.loads((_HERE / "budget.json").read_text("utf-8"))
        budget = {**told, **told["environments"][kind]}
        if Path(elf).stat().st_size > _MOST_BYTES:
            raise BudgetError(f"longer than {_MOST_BYTES} bytes")
        found = uses(Path(elf).read_bytes(), budget)
    except (OSError, ValueError, KeyError, TypeError, StopIteration, BudgetError) as error:
        sys.stderr.write(f"Error: the budget of {elf} cannot be told: {error or type(error).__name__}.\n")
        return 1
    short = [line for line in (shortage(budget, use) for use in found) if line]
    for line in short:
        sys.stderr.write(f"Error: {line}\n")
    if not short:
        told = ", ".join(f"{use.name} {size_text(use.used)} of {size_text(use.limit)}" for use in found)
        print(f"Budget of {budget['board']}, stack included: {told}")
    return 1 if short else 0


def attach(env):
    """Adds the check to PlatformIO's link of the program, and the target `budget`."""
    kind = env.GetProjectOption("custom_budget", "board")
    if kind == "none":
        return

    def gate(source, target, env):
        return check(env.subst("$PROGPATH"), kind)

    env.AddPostAction("$PROGPATH", env.VerboseAction(gate, "Checking the budget of $PROGPATH"))
    shown = env.VerboseAction(gate, "Flash and RAM")
    env.AddCustomTarget("budget", "$PROGPATH", shown, "Budget", "Flash and RAM of the program, stack included")


def _use(name, limit, total, parts, reserved, largest_name):
    everything = [*parts, *reserved.items()]
    biggest = max(everything, key=lambda part: part[1], default=("nothing", 0))
    largest = f"{biggest[0]} {size_text(biggest[1])}"
    if largest_name and biggest in parts:
        largest += f", in it {largest_name}"
    return Use(name, total + sum(reserved.values()), limit, largest)


def _covered(sections):
    """How many addresses lie in sections, each counted once."""
    total, end = 0, 0
    for section in sorted(sections, key=lambda s: s.address):
        last = section.address + section.size
        total += max(0, last - max(end, section.address))
        end = max(end, last)
    return total


def _region_of(address, regions):
    """The region that holds an address, or that a section there has run over."""
    for region in regions:
        if region["origin"] <= address < region["origin"] + region["size"]:
            return region
    below = [r for r in regions if r["origin"] + r["size"] <= address and r["kind"] != "flash"]
    nearest = max(below, key=lambda r: r["origin"], default=None)
    return nearest if nearest and address < nearest["origin"] + 2 * nearest["size"] else None


def _banks(taken, code):
    """Code whose memory is taken off the RAM in whole banks: a Teensy 4's ITCM."""
    end = code["origin"] + code["size"]
    total = sum(s.size for s in taken if code["origin"] <= s.address < end)
    banks = -(-total // code["bank_bytes"])
    return banks * code["bank_bytes"]


def _content(data, offset, size):
    if offset + size > len(data):
        raise BudgetError("a section lies behind the end of the file")
    return data[offset : offset + size]


def _name(names, at):
    text = names[at : max(names.find(b"\0", at), at)] if at < len(names) else b""
    return re.sub(r"[^ -~]", "?", text[:80].decode("latin-1"))


if "Import" in globals():  # PlatformIO runs this file as a script of SCons
    globals()["Import"]("env")
    _HERE = Path(globals()["env"].subst("$PROJECT_DIR")) / "tools"
    attach(globals()["env"])
else:
    _HERE = Path(__file__).resolve().parent
    if __name__ == "__main__":
        if len(sys.argv) not in (2, 3):
            sys.exit("usage: budget.py PROGRAM.elf [board|sim]")
        sys.exit(check(sys.argv[1], sys.argv[2] if len(sys.argv) == 3 else "board"))
