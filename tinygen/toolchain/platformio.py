"""Runs PlatformIO on a rendered project, with a time limit, without its registry where nothing has to be fetched."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

from ..errors import BadInput, MissingTool, OverBudget, TinygenError, missing_extra
from ..processes import Finished, run, run_live
from .platformio_registry import SIM, require_platform

_BUILD_TIMEOUT_S = 1800.0  # a first build fetches a toolchain
_FLASH_TIMEOUT_S = 600.0
_PROBE_TIMEOUT_S = 60.0
_SIMULATED = "platform = symlink://"  # in the platformio.ini of simulator boards
_MODULE = ("-m", "platformio")
_SCONS_ENTRY = "import SCons.Script\n\nif __name__ == '__main__':\n    SCons.Script.Main.main()\n"


@dataclass(frozen=True)
class PioBuild:
    """A build that passed: the programs that PlatformIO linked, and what it said."""

    programs: tuple[Path, ...]
    log: str


class UploadFailed(TinygenError):
    """PlatformIO could not flash; `log` is all that it said."""

    def __init__(self, failure: TinygenError, log: str) -> None:
        super().__init__(failure.what, failure.hint)
        self.log = log


def find_pio() -> tuple[str, ...]:
    """The command that starts PlatformIO: this Python's module, else `pio` on PATH; MissingTool where there is none."""
    if util.find_spec("platformio") is not None:
        return (sys.executable, *_MODULE)
    path = shutil.which("pio") or shutil.which("platformio")
    if path is None:
        raise missing_extra("platformio", "flash")
    return (path,)


def core_dir() -> Path:
    """PlatformIO's own folder."""
    return Path(os.environ.get("PLATFORMIO_CORE_DIR") or Path.home() / ".platformio")


def setup_offline(folder: Path) -> Path:
    """Makes PlatformIO's package tool-scons, under its folder `folder`, out of pip's scons; returns the package.

    PlatformIO builds by it, and would fetch it from the registry. Nothing changes where a fitting one is there already.
    Raises MissingTool without platformio or scons, BadInput where another package is in the way.
    """
    if util.find_spec("platformio") is None:
        raise missing_extra("platformio", "flash")
    if util.find_spec("SCons") is None:
        raise missing_extra("scons", "flash")
    version = _wanted_scons()
    package = folder / "packages" / "tool-scons"
    if package.exists():
        if _fits(package, version):
            return package
        raise BadInput(
            f"{package}: holds another version of tool-scons than PlatformIO asks for ({version}).",
            "Delete that folder, then run this again.",
        )
    manifest = {"name": "tool-scons", "version": version, "system": "*", "description": "pip's scons"}
    spec = {"owner": "platformio", "id": None, "name": "tool-scons", "requirements": None, "uri": None}
    marker = {"type": "tool", "name": "tool-scons", "version": version, "spec": spec}
    fresh = package.with_name(f"tool-scons.{os.getpid()}.new")
    fresh.mkdir(parents=True)
    (fresh / "package.json").write_text(json.dumps(manifest) + "\n", "utf-8")
    (fresh / ".piopm").write_text(json.dumps(marker), "utf-8")
    (fresh / "scons.py").write_text(_SCONS_ENTRY, "utf-8")
    fresh.rename(package)
    return package


def has_scons(folder: Path) -> bool:
    """Whether PlatformIO can build without asking the registry for tool-scons."""
    packages = folder / "packages"
    return packages.is_dir() and any(p.name.startswith("tool-scons") and p.is_dir() for p in packages.iterdir())


def build(
    project: Path, environment: str = "", *, core: Path | None = None, timeout_s: float = _BUILD_TIMEOUT_S
) -> PioBuild:
    """`pio run` on a rendered project: its default environment, or the one named.

    Simulator boards and the environment `sim` are built without the registry, and without a file in PlatformIO's own
    folder: where that has no tool-scons, one is made from pip's scons in the project's .pio. Raises BadInput where
    there is no platformio.ini, MissingTool without PlatformIO or where what a board needs can neither be found here nor
    be fetched, OverBudget where the program is too large, TinygenError with the compiler's first message otherwise.
    """
    folder = core or core_dir()
    ini = _ini(project)
    if environment and not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,79}", environment):
        raise BadInput(f"{environment[:80]!r} is not the name of an environment.", "`sim`, or a board's name.")
    if environment == SIM and f"[env:{SIM}]" not in ini:
        raise BadInput(
            f"{project}: platformio.ini has no environment {SIM}.",
            "`tinygen generate --runtime aot` renders one; TensorFlow Lite Micro's sources are not here to build.",
        )
    more = {}
    if environment == SIM or _SIMULATED in ini:
        more = _local_folders(project, folder)
    elif find_pio()[1:] == _MODULE:
        require_platform(project, ini, environment, folder)
    arguments = ["run", "-d", str(project), *(["-e", environment] if environment else [])]
    done = _pio(arguments, folder, timeout_s, more)
    if done.code != 0:
        raise _failure(project, "build", done, timeout_s)
    built = environment or "*"
    programs = [p for e in ("elf", "bin", "hex", "uf2") for p in project.glob(f".pio/build/{built}/firmware.{e}")]
    return PioBuild(tuple(sorted(programs)), done.stdout)


def _local_folders(project: Path, core: Path) -> dict[str, str]:
    """PlatformIO's settings that keep what a local platform needs in the project."""
    own = project.resolve() / ".pio"
    folders = {"PLATFORMIO_PLATFORMS_DIR": str(own / "platforms")}
    if not has_scons(core) and util.find_spec("platformio") is not None:
        folders["PLATFORMIO_PACKAGES_DIR"] = str(setup_offline(own).parent)
    return folders


def flash(
    project: Path,
    port: str | None = None,
    *,
    core: Path | None = None,
    timeout_s: float = _FLASH_TIMEOUT_S,
    on_line: Callable[[str], None] | None = None,
) -> str:
    """`pio run -t upload`, to `port` or to the one that PlatformIO finds; returns what it said.

    `on_line` gets each line as it comes. The caller has checked the budget. Raises as build() does, UploadFailed where
    the upload is what failed, and BadInput for a simulator's board.
    """
    if _SIMULATED in _ini(project):
        raise BadInput(f"{project}: rendered for a simulator's board: nothing to flash.", "`tinygen simulate` runs it.")
    require_port_name(port)
    arguments = ["run", "-d", str(project), "-t", "upload", *(["--upload-port", port] if port else [])]
    done = _pio(arguments, core or core_dir(), timeout_s, on_line=on_line)
    if done.code != 0:
        failure = _failure(project, "flash", done, timeout_s)
        raise failure if isinstance(failure, MissingTool) else UploadFailed(failure, f"{done.stdout}\n{done.stderr}")
    return done.stdout


def require_port_name(port: str | None) -> None:
    """BadInput for what cannot be the name of a port."""
    if port is not None and not re.fullmatch(r"[A-Za-z0-9_./\\:-]{1,200}", port):
        raise BadInput(f"{port!r} is not the name of a serial port.", "`pio device list` names them.")


def _ini(project: Path) -> str:
    path = project / "platformio.ini"
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise BadInput(
            f"{project}: no readable platformio.ini.", "`tinygen generate` renders a project with one."
        ) from None


def _pio(
    arguments: list[str],
    folder: Path,
    timeout_s: float,
    more: Mapping[str, str] | None = None,
    on_line: Callable[[str], None] | None = None,
) -> Finished:
    environment = {
        **os.environ,
        "PLATFORMIO_CORE_DIR": str(folder),
        "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "false",
        "PLATFORMIO_SETTING_CHECK_PLATFORMIO_INTERVAL": "9999",
        "PLATFORMIO_NO_ANSI": "true",
        "PYTHONDONTWRITEBYTECODE": "1",
        "LC_ALL": "C",
        **(more or {}),
    }
    command = [*find_pio(), *arguments]
    if on_line is None:
        return run(command, timeout_s=timeout_s, env=environment)
    return run_live(command, timeout_s=timeout_s, env=environment, on_line=on_line)


def _failure(project: Path, what: str, done: Finished, timeout_s: float) -> TinygenError:
    if done.code is None:
        return TinygenError(
            f"{project}: PlatformIO did not finish the {what} within {timeout_s:.0f} s.",
            "Offline it waits a minute for each package; `tinygen doctor --setup-offline` spares that for simulators.",
        )
    over = re.search(r"^Error: (.* over budget on .*)$", done.stderr + "\n" + done.stdout, re.MULTILINE)
    if over:
        return OverBudget(over[1][:400], "A smaller model, or another board: `tinygen boards --fits MODEL` lists them.")
    message = first_error(done.stdout + "\n" + done.stderr)
    if re.search(r"HTTPClientError|InternetConnectionError|Could not find the package|UnknownPackageError", message):
        hint = "Is the registry reachable? `--env sim` asks none."
        return MissingTool(f"PlatformIO could not fetch what {project} needs: {message}", hint)
    return TinygenError(f"{project}: PlatformIO's {what} failed: {message}", "`pio run -v` there shows all of it.")


def first_error(log: str) -> str:
    """The first line of a build's log that tells what is wrong."""
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line).strip() for line in log.splitlines()]
    patterns = (
        r"\b(fatal )?error:", r"undefined reference|multiple definition|overflowed by|will not fit|No such file",
        r"^Error\b|^\*\*\* |Error:|Exception\b", r"error",
    )  # fmt: skip
    telling = [line for line in lines if "ld returned" not in line]
    for pattern in patterns:
        for line in telling:
            if re.search(pattern, line, re.IGNORECASE if pattern == "error" else 0):
                return line[:300]
    return next((line[:300] for line in reversed(lines) if line), "no message")


def _wanted_scons() -> str:
    """A version that PlatformIO's own requirement ("~4.41101.0") takes: its number without the operator."""
    code = "from platformio.dependencies import get_core_dependencies as d; print(d()['tool-scons'])"
    done = run([sys.executable, "-c", code], timeout_s=_PROBE_TIMEOUT_S)
    found = re.search(r"\d+\.\d+\.\d+", done.stdout)
    if done.code != 0 or not found:
        installed = metadata.version("platformio")
        raise TinygenError(f"PlatformIO {installed} does not say which tool-scons it needs.", "Install platformio 6.")
    return found[0]


def _fits(package: Path, version: str) -> bool:
    try:
        manifest = json.loads((package / "package.json").read_text("utf-8"))
        return str(manifest.get("version", "")).split(".")[:2] == version.split(".")[:2]
    except (OSError, ValueError, AttributeError):
        return False
