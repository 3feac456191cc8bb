"""The composite action: its inputs, outputs and scripts fit together, and the scripts do what a runner would see."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from small_models import MODELS

from tinygen import __version__

ROOT = Path(__file__).resolve().parents[2]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
SCRIPTS = {step["name"]: step for step in STEPS if "run" in step}
EXPRESSION = re.compile(r"\$\{\{ *(.*?) *\}\}")
DOC = (ROOT / "docs" / "ci.md").read_text("utf-8")


def script_of(step: dict[str, Any]) -> Path:
    match = re.fullmatch(r'sh "\$GITHUB_ACTION_PATH/([\w/]+\.sh)"', step["run"])
    assert match is not None, step["run"]
    return ROOT / match[1]


def test_no_input_becomes_text_of_a_script() -> None:
    assert ACTION["runs"]["using"] == "composite" and len(SCRIPTS) == 2
    for step in SCRIPTS.values():
        assert not EXPRESSION.search(step["run"]) and step["shell"] == "bash"
        assert "${{" not in script_of(step).read_text()


def test_inputs_reach_the_scripts_and_all_are_used() -> None:
    used = set()
    for step in SCRIPTS.values():
        given = {name: EXPRESSION.fullmatch(value) for name, value in step["env"].items()}
        read = set(re.findall(r"\$\{?(TINYGEN_\w+)", script_of(step).read_text())) - {"TINYGEN_PYTHON"}
        assert read == set(given)
        for name, match in given.items():
            assert match is not None and match[1] == f"inputs.{name.removeprefix('TINYGEN_').lower().replace('_', '-')}"
            used.add(match[1])
    used |= set(EXPRESSION.findall(str(STEPS[0]["with"])))
    assert used == {f"inputs.{name}" for name in ACTION["inputs"]}
    for name, described in ACTION["inputs"].items():
        assert described["description"] and ("default" in described) is (name != "path")


def test_outputs_are_what_the_script_says() -> None:
    text = script_of(SCRIPTS["Check the budgets"]).read_text()
    said = set(re.findall(r'echo "([\w-]+)=\$\w+"', text)) | set(re.findall(r"^    written (\w+) ", text, re.M))
    assert SCRIPTS["Check the budgets"]["id"] == "check"
    for name, output in ACTION["outputs"].items():
        assert output["value"] == f"${{{{ steps.check.outputs.{name} }}}}"
    assert set(ACTION["outputs"]) == said


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_scripts_are_shell(shell: str) -> None:
    for step in SCRIPTS.values():
        subprocess.run([shell, "-n", str(script_of(step))], check=True, timeout=60)


class Runner:
    """What GitHub's runner gives to a step: files to write to, and a PATH with this tinygen on it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.bin = folder, folder / "bin"
        self.bin.mkdir()
        self.tool("tinygen", f'exec "{sys.executable}" -m tinygen.cli "$@"')
        for name in ("output", "path", "summary"):
            (folder / name).touch()

    def tool(self, name: str, text: str) -> None:
        (self.bin / name).write_text(f"#!/bin/sh\n{text}\n")
        (self.bin / name).chmod(0o755)

    def run(self, step: str, **environment: str) -> subprocess.CompletedProcess[str]:
        env = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("TINYGEN_", "GITHUB_"))},
            "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "GITHUB_ACTIONS": "true",
            "GITHUB_OUTPUT": str(self.folder / "output"),
            "GITHUB_PATH": str(self.folder / "path"),
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary"),
            "GITHUB_WORKSPACE": str(self.folder),
            "RUNNER_TEMP": str(self.folder / "temp"),
            **dict.fromkeys(SCRIPTS[step]["env"], ""),
            **environment,
        }
        command = ["sh", str(script_of(SCRIPTS[step]))]
        return subprocess.run(command, cwd=self.folder, env=env, capture_output=True, text=True, timeout=120)

    def outputs(self) -> dict[str, str]:
        found = dict(line.split("=", 1) for line in (self.folder / "output").read_text().splitlines())
        assert set(found) == set(ACTION["outputs"])
        return found


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    (tmp_path / "a model.tflite").write_bytes(MODELS["dense"]().tflite)
    return Runner(tmp_path)


CHECK, INSTALL = "Check the budgets", "Install tinygen"


def test_a_check_that_passes_and_one_that_does_not(runner: Runner) -> None:
    given = {"TINYGEN_PATH": "a model.tflite", "TINYGEN_BOARD": " pico\n nucleo_f446re\n"}
    done = runner.run(CHECK, **given)
    assert done.returncode == 0, done.stderr
    outputs = runner.outputs()
    assert (outputs["passed"], outputs["exit-code"]) == ("true", "0")
    for name in ("json", "junit", "sarif", "markdown"):
        assert Path(outputs[name]).is_file() and Path(outputs[name]).is_relative_to(runner.folder / "temp")
    assert "| pico aot |" in Path(outputs["markdown"]).read_text()
    assert "nucleo\\_f446re" in (runner.folder / "summary").read_text()

    (runner.folder / "output").write_text("")
    done = runner.run(CHECK, **given, TINYGEN_MAX_RAM="1K")
    assert done.returncode == 3 and done.stdout.count("::error file=a model.tflite,line=1,title=") == 2
    assert (runner.outputs()["passed"], runner.outputs()["exit-code"]) == ("false", "3")
    assert '"ruleId": "ram"' in Path(runner.outputs()["sarif"]).read_text()


def test_bad_input_leaves_no_files_to_upload(runner: Runner) -> None:
    assert runner.run(CHECK, TINYGEN_PATH="a model.tflite", TINYGEN_BOARD="pico").returncode == 0
    (runner.folder / "output").write_text("")
    assert runner.run(CHECK, TINYGEN_PATH="none.tflite", TINYGEN_BOARD="pico").returncode == 2
    outputs = runner.outputs()
    assert outputs == {"passed": "false", "exit-code": "2", "json": "", "junit": "", "sarif": "", "markdown": ""}


def test_every_input_is_an_option(runner: Runner) -> None:
    runner.tool("tinygen", 'for word in "$@"; do printf \'%s\\n\' "$word"; done >words')
    given = {name: f"<{name}>" for name in SCRIPTS[CHECK]["env"]}
    assert runner.run(CHECK, **given).returncode == 0
    words = (runner.folder / "words").read_text().splitlines()
    assert words[:2] == ["check", "--github"] and words[-2:] == ["--", "<TINYGEN_PATH>"]
    for name in set(given) - {"TINYGEN_PATH"}:
        option = name.removeprefix("TINYGEN_").lower().replace("_", "-")
        assert f"--{option}=<{name}>" in words


@pytest.mark.parametrize("text", ['$(touch pwned)`touch pwned`"; touch pwned; "\'*', "-q", "a\ntouch pwned"])
@pytest.mark.parametrize("name", ["TINYGEN_PATH", "TINYGEN_BOARD", "TINYGEN_MAX_RAM", "TINYGEN_BASELINE"])
def test_hostile_inputs_are_bad_input(name: str, text: str, runner: Runner) -> None:
    given = {"TINYGEN_PATH": "a model.tflite", "TINYGEN_BOARD": "pico", name: text}
    done = runner.run(CHECK, **given)
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert not (runner.folder / "pwned").exists() and len(runner.outputs()) == 6


def test_what_is_installed_already_is_not_installed_again(runner: Runner) -> None:
    runner.tool("python3", "touch called; exit 1")
    done = runner.run(INSTALL)
    assert (done.returncode, done.stdout) == (0, f"tinygen {__version__} is installed already.\n")
    assert (runner.folder / "path").read_text() == ""


def fake_python(runner: Runner) -> Path:
    """A Python that writes down what it is asked for, and makes environments that do the same."""
    log = runner.folder / "log"
    text = f'pwd >>"{log}"; echo "$@" >>"{log}"\n[ "$2" != venv ] || {{ mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; }}'
    runner.tool("some-python", text)
    return log


def test_another_version_is_replaced_by_the_actions_own_checkout(runner: Runner) -> None:
    runner.tool("tinygen", "echo tinygen 0.0.0")
    log = fake_python(runner)
    done = runner.run(INSTALL, TINYGEN_EXTRAS="sim", TINYGEN_PYTHON=str(runner.bin / "some-python"))
    assert done.returncode == 0, done.stderr
    environment = runner.folder / "temp" / "tinygen-environment"
    said = [str(ROOT), f"-m venv {environment}", str(ROOT), f"-m pip install -q {ROOT}[sim]"]
    assert log.read_text().splitlines() == said, "run in the checkout: a module of the user's is not found there"
    assert (runner.folder / "path").read_text() == f"{environment / 'bin'}\n"


@pytest.mark.parametrize("extras", ["sim]; touch pwned", "--help", "sim train", "$(touch pwned)"])
def test_extras_are_names(extras: str, runner: Runner) -> None:
    runner.tool("tinygen", "exit 1")
    log = fake_python(runner)
    done = runner.run(INSTALL, TINYGEN_EXTRAS=extras, TINYGEN_PYTHON=str(runner.bin / "some-python"))
    assert done.returncode == 2 and "extras" in done.stderr and not log.exists()


def test_a_failed_installation_fails(runner: Runner) -> None:
    runner.tool("tinygen", "exit 1")
    runner.tool("some-python", "exit 1")
    assert runner.run(INSTALL, TINYGEN_PYTHON=str(runner.bin / "some-python")).returncode == 2
    assert (runner.folder / "path").read_text() == ""


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", DOC, re.S)


def test_the_pages_commands_do_what_it_says(tmp_path: Path) -> None:
    """In their order: a check of two boards, a baseline written, a check against it; GitLab's lines after them."""
    (tmp_path / "model.tflite").write_bytes(MODELS["dense"]().tflite)
    gitlab = yaml.safe_load(blocks("yaml")[1])["budget"]
    assert gitlab["script"][0] == "pip install ./tinygen"
    lines = [line for block in blocks("sh") for line in block.splitlines()] + gitlab["script"][1:]
    assert len(lines) == 4
    for line in lines:
        program, *arguments = line.split()
        assert program == "tinygen"
        done = subprocess.run([sys.executable, "-m", "tinygen.cli", *arguments], cwd=tmp_path, capture_output=True,
                              text=True, timeout=120, env={**os.environ, "PYTHONPATH": str(ROOT)})  # fmt: skip
        assert done.returncode == 0, (line, done.stderr)
    assert (tmp_path / gitlab["artifacts"]["reports"]["junit"]).is_file()
    assert (tmp_path / "budget.md").is_file() and '"flash": "1K"' in (tmp_path / "budgets.json").read_text()


def test_the_pages_workflow_uses_the_action_as_it_is() -> None:
    steps = yaml.safe_load(blocks("yaml")[0])["jobs"]["budget"]["steps"]
    (use,) = [step for step in steps if step["uses"].startswith("OWNER/tinygen")]
    assert set(use["with"]) <= set(ACTION["inputs"]) and "path" in use["with"]
    for expression in re.findall(rf"steps\.{use['id']}\.outputs\.([\w-]+)", DOC):
        assert expression in ACTION["outputs"]
    assert all(f"--{name}" in DOC for name in ("junit", "sarif", "markdown", "json", "update-baseline"))
