"""Writes the reference in docs/ from the code: `python -m tinygen.docs [FOLDER]`; a test fails where it is stale."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from . import config, errors, ops, units
from .backbones import backbones
from .boards import BoardProfile, board_names, load_board
from .cli import app
from .compress.registry import techniques
from .ops._float_math import FLOAT_FUNCTIONS
from .ops.base import Operator

_NOTE = "<!-- Written by `python -m tinygen.docs`: edit the code, not this file. -->"
_PLAIN = {str: "text", int: "whole number", float: "number", bool: "true or false", Path: "path"}
_PARSED = {units.parse_size: 'size: bytes or `"128K"`', units.parse_latency: 'time: `"50ms"`',
           units.parse_duration: 'duration: `"10min"`'}  # fmt: skip
_LIMITS = {"gt": "above {}", "ge": "{} or more", "lt": "below {}", "le": "at most {}",
           "min_length": "at least {} long", "max_length": "at most {} long"}  # fmt: skip
_MICROPYTHON = ("board", "firmware", "module", "native and viper", ".mpy", "heap, B", "ROMFS, B", "file system, B")
_SHARED = frozenset({"json_target", "quiet", "debug"})


def pages() -> dict[str, str]:
    """Every generated page by its file's name."""
    return {
        "commands.md": commands(),
        "boards.md": boards(),
        "operators.md": operators(),
        "config.md": configuration(),
    }


def page(title: str, *parts: str) -> str:
    """A page of blocks, one blank line between them."""
    return "\n\n".join([f"# {title}", _NOTE, *(part.strip("\n") for part in parts if part)]) + "\n"


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(value: object) -> str:
    return " ".join(str(value).replace("|", "\\|").split())


def commands() -> str:
    """The command line, out of its parser."""
    group: Any = typer.main.get_command(app)
    kinds = (errors.BadInput, errors.OverBudget, errors.OutputsDiffer, errors.MissingTool)
    codes = [[0, "Done."], [1, "A fault of tinygen's own; `--debug` shows where."]]
    codes += [[kind.exit_code, inspect.getdoc(kind)] for kind in kinds]
    shared = [p for p in group.commands["boards"].params if p.name in _SHARED]
    return page(
        "Commands",
        "`tinygen COMMAND --help` says the same in the terminal.",
        *(_command(name, command) for name, command in group.commands.items()),
        "## Options of every command",
        table(["option", "meaning"], [_option(p) for p in shared]),
        "## Exit codes",
        "An error is one line on standard error: the place, the fact, and after `Hint:` the remedy.",
        table(["code", "meaning"], codes),
    )


def _command(name: str, command: Any) -> str:
    text, _, example = " ".join(command.help.split()).partition(" Example: ")
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option" and p.name not in _SHARED]
    parts = [f"## tinygen {name}", text, f"```sh\n{example}\n```"]
    rows = [[f"`{p.metavar}`", p.help] for p in arguments] + [_option(p) for p in options]
    return "\n\n".join([*parts, table(["argument or option", "meaning"], rows)] if rows else parts)


def _option(param: Any) -> list[str]:
    names = ", ".join(f"`{name}{'' if param.is_flag else ' ' + (param.metavar or 'N')}`" for name in param.opts)
    default = "" if param.default in (None, "", False) or param.required else f" Default: `{param.default}`."
    return [names, f"{param.help}{' Required.' if param.required else ''}{default}"]


def boards() -> str:
    """Every board profile with the sources of its figures."""
    profiles = [load_board(name) for name in board_names()]
    columns = ["board", "chip", "core", "FPU", "clock", "flash", "RAM", "framework takes", "simulators"]
    return page(
        "Boards",
        "`flash` and `RAM` are what the board's program can have in all; the framework's share, flash and RAM, comes "
        "off. A board of your own is one file: `boards/README.md` says how.",
        table(columns, [_board(profile) for profile in profiles]),
        "## MicroPython",
        "What the board's stock firmware gives a module. A firmware without the native loader takes neither native nor "
        "precompiled viper .mpy files: bytecode is left, or a firmware of your own with the user C module. Heap "
        "`shared`: static data comes off; `grows`: what it begins with. A board that is not listed has no stock "
        "firmware.",
        table(_MICROPYTHON, [_micropython(profile) for profile in profiles if profile.micropython]),
        "## Sources",
        *(_sources(profile) for profile in profiles),
    )


def _board(board: BoardProfile) -> list[object]:
    taken = board.framework
    share = f"{taken.name}: {taken.flash_bytes:,} and {taken.ram_bytes:,} B" if taken else "none"
    simulators = ", ".join([*(s.kind for s in board.simulators), "native"])
    size = units.format_size
    memory = [size(board.flash.size), size(board.ram.size)]
    clock = f"{board.clock_hz / 1e6:g} MHz"
    return [f"`{board.name}`", board.mcu, board.core, board.fpu, clock, *memory, share, simulators]


def _micropython(board: BoardProfile) -> list[object]:
    stock = board.micropython
    assert stock
    sizes = [f"{n:,}" if n is not None else "" for n in (stock.romfs_bytes, stock.filesystem_bytes)]
    native = "yes" if stock.native else "no"
    heap = f"{stock.heap_bytes:,} {'' if stock.heap == 'fixed' else stock.heap}"
    return [f"`{board.name}`", stock.firmware, board.micropython_arch, native, stock.mpy_version, heap, *sizes]


def _sources(board: BoardProfile) -> str:
    lines = [f"### {board.name}", "", f"{board.title}. {board.source}.", ""]
    lines += [f"- {r.name}, {r.kind}, {r.size:,} B at `{r.origin:#010x}`: {r.source}" for r in board.regions]
    lines += [
        f"- {f.name}, {f.flash_bytes:,} B of flash, {f.ram_bytes:,} B of RAM: {f.source}" for f in board.frameworks
    ]
    if board.platformio:
        names = ", ".join(board.platformio.frameworks)
        lines.append(f"- PlatformIO, `{board.platformio.requirement}` ({names}): {board.platformio.source}")
    lines += [f"- {s.kind}: {s.source}" for s in board.simulators]
    lines += [f"- MicroPython, {board.micropython.firmware}: {board.micropython.source}"] if board.micropython else []
    lines += [f"- Note: {board.notes}"] if board.notes else []
    return "\n".join(lines)


def operators() -> str:
    """Operators, types and limits, out of the operators' files."""
    columns = ["operator", "what it takes", "inputs", "int8", "int16×8", "other types", "fused", "limits", "oracle"]
    return page(
        "Operators",
        "What `--runtime aot` computes itself, bit for bit as TensorFlow Lite Micro's reference kernels. `oracle` is "
        "another one where they leave something open. Types are those of the data input: its kernels for int8 and for "
        "int16 activations (with int8 weights, where there are weights), and the other types that some kernel takes. "
        "float32 `in a table`: float layers between DEQUANTIZE and QUANTIZE that make a function of one int8 tensor "
        "become one look-up table. `fused` are activations that the layer computes with its result.",
        table(columns, [_operator(module, operator) for module, operator in _operator_modules()]),
        "A model takes full int8 (`tinygen quantize` makes one), one subgraph, fixed shapes. What an operator does not "
        "take is refused with the layer's name and the way out, before anything is written. `--runtime tflm` runs what "
        "TensorFlow Lite Micro has.",
    )


def _operator(module: Any, operator: Operator) -> list[str]:
    _, _, summary = " ".join((inspect.getdoc(module) or "").partition("\n\n")[0].split()).partition(": ")
    others = [d for kernel in operator.kernels for d in kernel.dtypes if d not in ("int8", "int16")]
    if operator.kind in FLOAT_FUNCTIONS and "float32" not in others:
        others.append("float32 in a table")
    fused = ", ".join(operator.fused)
    oracle = "" if operator.oracle == "TFLM" else operator.oracle
    types = [_kernels(operator, "int8"), _kernels(operator, "int16"), ", ".join(dict.fromkeys(others))]
    return [operator.kind, summary, _inputs(operator), *types, fused, operator.limits, oracle]


def _kernels(operator: Operator, dtype: str) -> str:
    """The kernels of a type by name; a layer that only renames the shape needs none."""
    return ", ".join(f"`{kernel.name}`" for kernel in operator.kernels if dtype in kernel.dtypes)


def _operator_modules() -> list[tuple[Any, Operator]]:
    modules = [importlib.import_module(f"{ops.__name__}.{m.name}") for m in pkgutil.iter_modules(ops.__path__)]
    found = [(module, module.OPERATOR) for module in modules if hasattr(module, "OPERATOR")]
    return sorted(found, key=lambda pair: pair[1].kind)


def _inputs(operator: Operator) -> str:
    low, high = operator.inputs
    return str(low) if low == high else f"{low} to {high}"


def configuration() -> str:
    """tinygen.toml, out of its validating models."""
    parts = []
    for key, field in config.Config.model_fields.items():
        section = _model_of(field.annotation)
        if section and key != "compress":
            parts += [f"## [{key}]", _sentences(section), _keys(section)]
    for technique in techniques().values():
        parts += [f"### technique = \"{technique.name}\"", technique.summary, _sentences(technique.options),
                  _keys(technique.options)]  # fmt: skip
        if "multiplier" in technique.options.model_fields:
            rows = [[f"`{b.name}`", f"{b.summary} {b.details}"] for b in backbones().values()]
            parts += ["Light backbones:", table(["student", "what it is"], rows)]
    cut = next(i for i, part in enumerate(parts) if part.startswith("###"))
    steps = [
        "## [[compress]]",
        "A list of steps, done in order. `technique` names one of those below; its options stand beside it. "
        "`epochs`, `batch_size` and `learning_rate` come from `[train]` where a step does not set them.",
    ]
    return page(
        "tinygen.toml",
        f"The file begins with `schema = {config.SCHEMA}`. Unknown keys are errors. Paths are relative to the file.",
        *parts[:cut],
        *steps,
        *parts[cut:],
    )


def _sentences(model: type[BaseModel]) -> str:
    text = " ".join((inspect.getdoc(model) or "").split())
    return re.sub(r"^\[\w+\]: ", "", text)


def _keys(model: type[BaseModel]) -> str:
    rows = [
        [f"`{f.alias or name}`", _kind(f.annotation), _limits(f), _default(f)] for name, f in model.model_fields.items()
    ]
    return table(["key", "type", "limits", "default"], rows)


def _model_of(annotation: Any) -> type[BaseModel] | None:
    for part in (annotation, *get_args(annotation)):
        if isinstance(part, type) and issubclass(part, BaseModel):
            return part
    return None


def _kind(annotation: Any) -> str:
    """A type as people say it."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        parsed = [_PARSED[m.func] for m in args[1:] if getattr(m, "func", None) in _PARSED]
        return parsed[0] if parsed else _kind(args[0])
    if origin is Literal:
        return " or ".join(f'`"{value}"`' for value in args)
    if origin is tuple:
        return f"list of {_kind(args[0])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "table of " + ", ".join(f"`{name}` ({_limits(f)})" for name, f in annotation.model_fields.items())
    kinds = [_kind(arg) for arg in args if arg is not NoneType]
    return " or ".join(kinds) if kinds else _PLAIN.get(annotation, str(annotation))


def _limits(field: FieldInfo) -> str:
    found = []
    for constraint in field.metadata:
        found += [text.format(f"{value:,}") for name, text in _LIMITS.items()
                  if (value := getattr(constraint, name, None)) is not None]  # fmt: skip
    return ", ".join(found)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    empty = field.default in (None, "", ()) or field.default_factory is not None
    return "" if empty else f"`{json.dumps(field.default)}`"


def main(folder: Path) -> None:
    """Writes the pages."""
    for name, text in pages().items():
        (folder / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs"))
