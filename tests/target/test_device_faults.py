"""A board behind a bad line: every sample counts once, the results are those of a good line, nothing hangs."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from device_bench import Bench, Faults, build_device
from toy_model import render_toy, toy_reference

from tinygen import validation
from tinygen.boards import load_board
from tinygen.device.boot import read_back
from tinygen.device.port import open_port
from tinygen.device.session import Patience
from tinygen.errors import BadInput, OutputsDiffer
from tinygen.preprocess import quantize_input
from tinygen.project import read_manifest
from tinygen.simulate.inputs import generated
from tinygen.simulate.reference import Reference
from tinygen.validation import validate

pytestmark = pytest.mark.needs_cc
SAMPLES = 8
EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
QUICK = Patience(greeting_s=5, answer_s=5, invoke_s=5, again_s=0.05)
KINDS = ["lost_bytes", "lost_frame", "repeated", "corrupted", "truncated", "chatter"]


def with_sha(code: str) -> str:
    """The toy with the SHA-256 of its (empty) model."""
    assert code.count('{"toy", "1", "0", "0"') == 1
    return code.replace('{"toy", "1", "0", "0"', f'{{"toy", "1", "{EMPTY_SHA256}", "0"')


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render_toy(tmp_path_factory.mktemp("toy"), load_board("qemu_mps2_an386"), edit=with_sha)


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory, project: Path) -> str:
    """With frames so short that an input takes two."""
    return str(build_device(tmp_path_factory.mktemp("device"), project, "-DTG_LINK_FRAME=40", "-DTG_TRACE"))


@pytest.fixture(autouse=True)
def numpy_as_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    def reference(
        model: Path, samples: Sequence[bytes], *, tensors: Sequence[int] = (), timeout_s: float = 0
    ) -> Reference:
        return Reference("numpy", np.__version__, True, tuple(r[-1] for r in toy_reference(list(samples))), {})

    monkeypatch.setattr(validation, "reference", reference)


def good(report: Any, samples: int = SAMPLES) -> None:
    """Each sample once, its bits the reference's: the toy's running sum shows any inference too many or too few."""
    assert (report.samples, report.mismatched_samples, len(report.outputs)) == (samples, 0, samples)
    inputs = read_inputs(samples)
    assert report.outputs == tuple(r[-1] for r in toy_reference(inputs))


def read_inputs(samples: int) -> list[bytes]:
    from toy_model import toy_manifest

    return [generated(toy_manifest("qemu_mps2_an386").model.inputs, i) for i in range(samples)]


def run(project: Path, bench: Bench, timeout_s: float = 40, patience: Patience = QUICK) -> Any:
    before = time.monotonic()
    try:
        return validate(project, port=bench.path, samples=SAMPLES, timeout_s=timeout_s, patience=patience)
    finally:
        assert time.monotonic() - before < timeout_s + 5


def test_a_good_line(project: Path, device: str) -> None:
    with Bench([device]) as bench:
        report = run(project, bench)
    good(report)
    assert (report.retries, report.resets, report.disturbed) == (0, 0, 0)
    assert report.device["name"] == "toy" and report.device["self_test"] is None
    assert all(layer["latency"] >= 0 for layer in report.layers)
    assert report.latency["unit"] == "us" and report.latency["source"] == "measured on a board"
    assert report.latency["min"] <= report.latency["median"] <= report.latency["max"] < 1e6


def test_a_project_of_tflite_micro(tmp_path: Path, device: str) -> None:
    """The device tells which model it has, not which runtime computes it."""
    here = render_toy(tmp_path, load_board("esp32dev"), edit=with_sha)
    manifest = read_manifest(here)
    (here / "tinygen.json").write_text(manifest.model_copy(update={"runtime": "tflm"}).text())
    with Bench([device]) as bench:
        good(run(here, bench))
    with pytest.raises(BadInput, match="no simulator here has a serial line"):
        validate(here, port="qemu")
    (here / "tinygen.json").write_text(manifest.model_copy(update={"runtime": "micropython"}).text())
    with pytest.raises(BadInput, match="MicroPython"):
        validate(here, port="/dev/null")


def test_a_port_that_is_open_already(project: Path, device: str) -> None:
    with Bench([device]) as bench:
        holder = open_port(bench.path)
        try:
            with pytest.raises(BadInput, match="cannot be opened"):
                run(project, bench)
        finally:
            holder.close()


def test_real_samples_and_the_accuracy_on_the_device(project: Path, device: str, tmp_path: Path) -> None:
    """x goes in as simulate quantizes it; the metric is that of the device's own outputs."""
    x = np.random.default_rng(0).normal(size=(6, 16)).astype(np.float32)
    inputs = [row.tobytes() for row in quantize_input(x, None, 0.5, 0, "int8")]
    outputs = [r[-1] for r in toy_reference(inputs)]
    right = [int(np.frombuffer(out, np.int8).argmax()) for out in outputs]
    np.savez(tmp_path / "d.npz", x_test=x, y_test=np.array([*right[:3], *((r + 1) % 4 for r in right[3:])]))
    with Bench([device]) as bench:
        report = validate(project, port=bench.path, data=tmp_path / "d.npz", patience=QUICK, timeout_s=40)
    assert report.outputs == tuple(outputs)
    assert report.metric == {"name": "accuracy", "value": 0.5, "samples": 6}
    assert [r["input"] for r in report.runs][:2] == ["data 0", "data 1"]


@pytest.mark.parametrize("kind", KINDS)
def test_each_fault_alone(project: Path, device: str, kind: str) -> None:
    to_device, to_host = Faults(1, [kind], least=1), Faults(2, [kind], least=8)
    with Bench([device], to_device=to_device, to_host=to_host) as bench:
        good(run(project, bench))
    assert to_device.done > 5 and to_host.done > 5
    assert bench.started == 1 and not bench.faults


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_all_faults_together(project: Path, device: str, seed: int) -> None:
    faults = [Faults(10 * seed + i, KINDS) for i in range(2)]
    with Bench([device], to_device=faults[0], to_host=faults[1]) as bench:
        report = run(project, bench)
    good(report)
    assert report.retries > 0 and not bench.faults


def test_a_device_that_resets_in_mid_stream(project: Path, device: str) -> None:
    resets = [{"RESET_AT": "4"}, {"RESET_AT": "6"}]
    with Bench([device], environment=resets, boot_s=0.3) as bench:
        report = run(project, bench)
    good(report)
    assert report.resets == 2 and bench.started == 3


@pytest.mark.slow
def test_resets_and_a_bad_line(project: Path, device: str) -> None:
    faults = [Faults(30 + i, KINDS, share=0.15) for i in range(2)]
    resets = [{"RESET_AT": "5"}]
    with Bench([device], environment=resets, to_device=faults[0], to_host=faults[1]) as bench:
        report = run(project, bench)
    good(report)
    assert report.resets >= 1


def test_a_device_that_always_resets_is_given_up(project: Path, device: str) -> None:
    with Bench([device], environment=[{"RESET_AT": "3"}] * 50) as bench, pytest.raises(BadInput) as error:
        run(project, bench)
    assert "the device was reset 4 times in sample 2" in error.value.line


def test_an_inference_that_fails(project: Path, device: str) -> None:
    with Bench([device], environment=[{"FAIL_AT": "2"}]) as bench, pytest.raises(OutputsDiffer, match="sample 1"):
        run(project, bench)


def test_a_port_that_vanishes(project: Path, device: str) -> None:
    lines = 0

    def pull(line: bytes) -> bytes:
        nonlocal lines
        lines += 1
        if lines == 30:
            bench.vanish()
        return line

    with Bench([device], to_device=pull) as bench, pytest.raises(BadInput, match=r"vanished|takes no bytes"):
        run(project, bench)
    assert lines >= 30


def test_another_program_that_writes_lines(project: Path, device: str) -> None:
    """A line of hexadecimal digits is an input, too, but not while frames come."""
    with Bench([device], to_device=lambda line: line + b"00" * 16 + b"\n" + b"00" * 7) as bench:
        report = run(project, bench)
    good(report)
    assert report.disturbed == 0


def test_a_line_of_digits_after_a_pause(project: Path, tmp_path: Path) -> None:
    """The application runs it and ends the session; every sample still counts once, from the first state."""
    program = build_device(tmp_path, project, "-DTG_LINK_PAUSE=0u")
    lines = 0

    def intrude(line: bytes) -> bytes:
        nonlocal lines
        lines += 1
        return line + b"07" * 16 + b"\n" if lines == 14 else line

    with Bench([str(program)], to_device=intrude) as bench:
        report = run(project, bench)
    good(report)
    assert report.resets + report.disturbed >= 1


def test_something_else_that_writes_into_the_input(project: Path, device: str) -> None:
    """What it did to a sample is seen, and the sample sent again."""
    with Bench([device], environment=[{"DISTURB_AT": "18"}]) as bench:
        report = run(project, bench)
    good(report)
    assert (report.disturbed, report.resets) == (1, 0)


def test_a_silent_port(project: Path) -> None:
    quiet = Patience(greeting_s=1, answer_s=1, invoke_s=1)
    with Bench(["sleep", "60"]) as bench, pytest.raises(BadInput) as error:
        run(project, bench, patience=quiet)
    assert "no answer to HELLO" in error.value.line and "nothing came" in error.value.line


def test_an_old_firmware(project: Path) -> None:
    """One that has the lines of digits and nothing else."""
    said = 'while read -r line; do echo "error: not a hexadecimal digit: 0x7e"; done'
    quiet = Patience(greeting_s=1, answer_s=1, invoke_s=1)
    with Bench(["sh", "-c", said]) as bench, pytest.raises(BadInput) as error:
        run(project, bench, patience=quiet)
    assert "older than this protocol" in error.value.line


@pytest.mark.parametrize(
    "said",
    ["while :; do echo ~AAAA/+; done", "exec cat /dev/urandom", "while :; do printf '~'; done", "exec cat"],
    ids=["frames", "bytes", "marks", "echo"],
)
def test_nonsense_for_ever(project: Path, said: str) -> None:
    quiet = Patience(greeting_s=1, answer_s=1, invoke_s=1)
    with Bench(["sh", "-c", said]) as bench, pytest.raises(BadInput) as error:
        run(project, bench, patience=quiet)
    assert "no answer to HELLO" in error.value.line and error.value.line.isprintable()
    assert len(error.value.line) < 600


def test_another_model_is_refused(project: Path, tmp_path: Path) -> None:
    other = render_toy(
        tmp_path, load_board("qemu_riscv32"), edit=lambda text: with_sha(text).replace("e3b0c4", "e3b0c5")
    )
    program = str(build_device(tmp_path, other))
    with Bench([program]) as bench, pytest.raises(BadInput) as error:
        run(project, bench)
    assert "another model" in error.value.line and "e3b0c5" in error.value.line and error.value.exit_code == 2


def test_a_wrong_bit_is_told(project: Path, tmp_path: Path) -> None:
    wrong = render_toy(
        tmp_path, load_board("qemu_riscv32"), edit=lambda t: with_sha(t).replace("{11, -11}", "{11, -12}")
    )
    with Bench([str(build_device(tmp_path, wrong))]) as bench:
        report = run(project, bench)
    first = report.first_mismatch
    assert report.mismatched_samples and set(first) == {"sample", "output", "index", "expected", "got"}
    want = np.frombuffer(toy_reference(read_inputs(SAMPLES))[first["sample"]][-1], np.int8)
    got = np.frombuffer(report.outputs[first["sample"]], np.int8)
    assert (first["expected"], first["got"]) == (want[first["index"]], got[first["index"]])
    assert first["output"] == 0 and first["index"] == np.flatnonzero(want != got)[0]
    assert report.layers[0]["latency"] is None and "layers" in report.reasons


def test_the_whole_has_a_deadline(project: Path, device: str) -> None:
    """A line so bad that nothing comes through after the greeting."""
    deaf = Faults(1, ["lost_frame"], share=1.0, least=12)
    with Bench([device], to_host=deaf) as bench, pytest.raises(BadInput, match="no answer to"):
        run(project, bench, timeout_s=3, patience=Patience(answer_s=60, again_s=0.05))


@pytest.mark.parametrize(("found", "verdict"), [({}, None), ({"SELF_TEST": "1"}, "PASS"), ({"SELF_TEST": "0"}, "FAIL")])
def test_what_was_said_before_the_port_was_open_is_asked_for(
    device: str, found: dict[str, str], verdict: str | None
) -> None:
    """After flashing: the boot lines are gone, the serial protocol still tells the model and the self-test."""
    gone = lambda line: line if line.startswith(b"~") else b""  # noqa: E731
    with Bench([device], to_host=gone, environment=[found]) as bench:
        back = read_back(lambda: bench.path, wait_s=10)
    assert (back.sha256, back.self_test) == (EMPTY_SHA256, verdict)


def test_over_the_network(project: Path, device: str) -> None:
    """A port by its address: a board on another machine, behind a server that passes bytes on."""
    server = socket.create_server(("127.0.0.1", 0))
    program = subprocess.Popen([device], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)

    def serve() -> None:
        line, _ = server.accept()
        assert program.stdin is not None and program.stdout is not None
        while True:
            for ready in select.select([line, program.stdout], [], [])[0]:
                data = line.recv(4096) if ready is line else os.read(program.stdout.fileno(), 4096)
                if not data:
                    return
                if ready is line:
                    program.stdin.write(data)
                else:
                    line.sendall(data)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        name = f"socket://127.0.0.1:{server.getsockname()[1]}"
        good(validate(project, port=name, samples=SAMPLES, timeout_s=40, patience=QUICK))
        thread.join(10)
    finally:
        program.kill()
        program.communicate()
        server.close()
    with pytest.raises(BadInput, match="cannot be opened"):
        validate(project, port=name)


@pytest.mark.parametrize("name", ["/dev/does-not-exist", "loop://", "spy:///dev/null?file=x", "file:///etc/passwd", ""])
def test_ports_that_are_none(project: Path, name: str) -> None:
    with pytest.raises(BadInput, match=r"cannot be opened|no address"):
        validate(project, port=name)


def test_a_project_whose_model_was_changed(tmp_path: Path) -> None:
    changed = render_toy(tmp_path, load_board("qemu_riscv32"))
    (changed / read_manifest(changed).model.file).write_bytes(b"x")
    with pytest.raises(BadInput, match="not the model"):
        validate(changed, port="socket://127.0.0.1:9")
