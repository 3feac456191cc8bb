"""Compiles rendered C and C++ for the boards' cores, against declarations of what frameworks and libraries bring."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path

from elftools.elf.elffile import ELFFile

from tinygen.boards import BoardProfile
from tinygen.toolchain.compilers import CORES

UNIT = Path(__file__).resolve().parents[1] / "unit"
STUBS = UNIT / "stubs"
FACTS = json.loads((UNIT / "data" / "platformio_boards.json").read_text("utf-8"))
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror")
#: As every framework here compiles C++: without exceptions and run-time types.
STANDARDS = {"c": ("-std=c99",), "c++": ("-std=c++17", "-fno-exceptions", "-fno-rtti")}
_LANGUAGES = {".c": "c", ".cpp": "c++", ".ino": "c++"}
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


@dataclass(frozen=True)
class Target:
    """gcc's prefix and the flags of a core; the program of this machine has neither."""

    prefix: str
    flags: tuple[str, ...]

    def compiler(self, language: str) -> str:
        """The C or the C++ compiler."""
        return self.prefix + ("gcc" if language == "c" else "g++")


HOST = Target("", ())
#: gcc's C is the same for every Xtensa: Debian has it for the lx106, whose calling convention only linking would tell.
XTENSA = Target("xtensa-lx106-elf-", ("-mlongcalls",))


def target_of(board: BoardProfile) -> Target:
    """The board's core as the tests' compilers know it."""
    if board.core.startswith("xtensa"):
        return XTENSA
    prefix = "arm-none-eabi-" if board.core.startswith("cortex") else "riscv64-unknown-elf-"
    return Target(prefix, CORES[board.core].gcc)


@dataclass
class Part:
    """Sources of one folder that are compiled for one target with one set of include folders and macros."""

    target: Target
    folders: tuple[str, ...]
    stubs: tuple[str, ...]
    defines: tuple[str, ...] = ()
    sources: dict[str, str] = field(default_factory=dict)


def parts_of(files: dict[str, bytes], name: str, board: BoardProfile, framework: str, app: str) -> list[Part]:
    """The library for the board; the application in folder `app` for the board, for this machine by `stdio`."""
    library = f"lib/{name}/src"
    macro = FACTS.get(board.name, {}).get("product_line") or "NO_PRODUCT_LINE"
    parts = [Part(target_of(board), (library,), ("tflm",))]
    if app:
        target = HOST if framework == "stdio" else target_of(board)
        parts.append(Part(target, (app, library), (framework,), (f"-D{macro}",)))
    for part in parts:
        for path, data in files.items():
            if str(Path(path).parent) == part.folders[0] and Path(path).suffix in _LANGUAGES:
                part.sources[path] = data.decode()
    return parts


def _reach(read: dict[str, str], headers: dict[str, str], text: str) -> None:
    """Adds to `read` the headers that `text` includes, and those that they include."""
    for name in re.findall(r'#\s*include\s*"([^"]+)"', text):
        if name in headers and name not in read:
            read[name] = headers[name]
            _reach(read, headers, headers[name])


class Compilations:
    """Objects by what they are made of: boards of one core share those whose text differs in comments alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.objects: dict[str, Path] = {}

    def compile(self, files: dict[str, bytes], part: Part) -> list[Path]:
        """The part's objects; AssertionError with the compiler's words where a file does not compile."""
        headers = {
            path: data.decode()
            for path, data in files.items()
            if str(Path(path).parent) in part.folders and path.endswith(".h")
        }
        made = []
        for path, text in part.sources.items():
            language = _LANGUAGES[Path(path).suffix]
            made.append(self._object(part, headers, path, text, language))
        return made

    def compile_text(self, files: dict[str, bytes], part: Part, text: str, language: str) -> Path:
        """One text more, as if it stood in the part's folder."""
        suffix = next(s for s, known in _LANGUAGES.items() if known == language)
        only = Part(part.target, part.folders, part.stubs, part.defines, {f"{part.folders[0]}/more{suffix}": text})
        return self.compile(files, only)[0]

    def _object(self, part: Part, headers: dict[str, str], path: str, text: str, language: str) -> Path:
        read = {path: _COMMENT.sub(" ", text)}
        _reach(read, {Path(p).name: _COMMENT.sub(" ", t) for p, t in headers.items()}, read[path])
        read["told"] = " ".join(d for d in part.defines if any(d[2:].split("=")[0] in t for t in read.values()))
        flags = (*part.target.flags, *STANDARDS[language], *WARNINGS, "-O1", *part.defines)
        command = (part.target.compiler(language), *part.target.flags, language, *part.stubs)
        key = sha256("\0".join((*command, *(t for pair in sorted(read.items()) for t in pair))).encode()).hexdigest()
        if key not in self.objects:
            self.objects[key] = self._compile(part, headers, path, text, language, flags, key)
        return self.objects[key]

    def _compile(
        self,
        part: Part,
        headers: dict[str, str],
        path: str,
        text: str,
        language: str,
        flags: tuple[str, ...],
        key: str,
    ) -> Path:
        made = self.folder / f"{key[:32]}.o"
        stubs = [*part.stubs, *([] if part.target is HOST else ["libc"])]
        with tempfile.TemporaryDirectory() as work:
            for name, content in {**headers, path: text}.items():
                target = Path(work) / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(content, "utf-8")
            command = [part.target.compiler(language), "-x", language, *flags]
            command += [f"-I{Path(work) / folder}" for folder in part.folders]
            for stub in stubs:
                command += ["-isystem", str(STUBS / stub)]
            command += ["-c", str(Path(work) / path), "-o", str(made)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"{path}: {' '.join(command)}\n{done.stderr[:3000]}"
        return made


@dataclass(frozen=True)
class Symbols:
    """The global names of an object."""

    defined: frozenset[str]
    weak: frozenset[str]
    asked: frozenset[str]


@cache
def symbols(made: Path) -> Symbols:
    """What an object defines and what it asks for."""
    found: dict[str, set[str]] = {"defined": set(), "weak": set(), "asked": set()}
    with made.open("rb") as stream:
        for symbol in ELFFile(stream).get_section_by_name(".symtab").iter_symbols():
            binding = symbol["st_info"]["bind"]
            if symbol.name and binding != "STB_LOCAL":
                here = symbol["st_shndx"] != "SHN_UNDEF"
                found[("weak" if binding == "STB_WEAK" else "defined") if here else "asked"].add(symbol.name)
    return Symbols(**{kind: frozenset(names) for kind, names in found.items()})


def faults(objects: list[Path]) -> list[str]:
    """What a linker would say of the objects: names defined twice, names that nobody brings."""
    tables = [symbols(made) for made in objects]
    counts = Counter(name for table in tables for name in table.defined)
    there = {name for table in tables for name in table.defined | table.weak}
    asked = {name for table in tables for name in table.asked}
    twice = [f"{name} is defined {n} times" for name, n in sorted(counts.items()) if n > 1]
    return twice + [f"{name} is defined nowhere" for name in sorted(asked - there) if not _is_brought(name)]


@cache
def _declared() -> frozenset[str]:
    """Every identifier in the stubs, and what the system's own headers declare for the program of this machine."""
    text = "\n".join(p.read_text("utf-8") for p in STUBS.rglob("*") if p.is_file())
    return frozenset(re.findall(r"[A-Za-z_]\w*", text)) | {"select", "read", "write", "clock_gettime"}


def _is_brought(name: str) -> bool:
    """By the stubs, C++ names by one of their parts; by the compiler's library, whose names begin with underscores."""
    parts = [name]
    if name.startswith("_Z"):
        lengths = re.finditer(r"\d+", name)
        parts = [name[m.end() : m.end() + int(m[0])] for m in lengths]
    return name.startswith(("__", "_GLOBAL_", "_Zdl")) or not _declared().isdisjoint(parts)
