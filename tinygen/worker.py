"""Runs one job in a process of its own, so that TensorFlow's choice of Keras, its log noise and its crashes stay there.

The parent writes the request as JSON to the child's standard input and keeps it open: when it closes, the parent is
gone and the child ends. The child answers on its standard output, one JSON object a line: progress, then a result or
an error. Whatever libraries print goes to a log file, which is shown only where the child died without an answer.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from . import errors
from .errors import TinygenError

Progress = Callable[[str], None]
Job = Callable[[dict[str, Any], Progress], dict[str, Any]]

_ROOT = str(Path(__file__).resolve().parent.parent)
_CHILD = (
    "import sys; sys.path = [p for p in sys.path if p] + [sys.argv[1]]; "
    "from tinygen.worker import child_main; child_main(sys.argv[2], sys.argv[3])"
)
#: Keras 2 for tf.keras; one set of kernels on every machine; no graphics card unless the user's environment names one.
_ENVIRONMENT = {
    "TF_USE_LEGACY_KERAS": "1",
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "TF_DETERMINISTIC_OPS": "1",
    "PYTHONHASHSEED": "0",
}


class WorkerFault(TinygenError):
    """The child ended without an answer or by an error that is not the user's; `detail` is its traceback or log."""

    exit_code = 1

    def __init__(self, what: str, hint: str = "", detail: str = "", signal: int = 0) -> None:
        super().__init__(what, hint)
        self.detail = detail
        self.signal = signal


def run_job(
    job: str,
    request: dict[str, Any],
    *,
    timeout_seconds: float = 600.0,
    progress: Progress | None = None,
    extra: str = "train",
) -> dict[str, Any]:
    """Runs `job` ("tinygen.frontend.keras_loader:load_job") on a JSON request in a new process and returns its result.

    The job's TinygenErrors are raised here; a package that is not installed there is MissingTool naming `extra`.
    """
    environment = {**os.environ, **_ENVIRONMENT}
    environment.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        child = subprocess.Popen(
            [sys.executable, "-c", _CHILD, _ROOT, job, extra],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=environment,
            text=True,
            encoding="utf-8",
        )
        late = threading.Event()

        def stop() -> None:
            late.set()
            child.kill()

        timer = threading.Timer(timeout_seconds, stop)
        timer.start()
        try:
            answer = _converse(child, request, progress)
            child.wait()
        finally:
            timer.cancel()
            child.kill()
            child.wait()
            for stream in (child.stdin, child.stdout):
                if stream is not None:
                    _close(stream)
        if "result" in answer:
            return dict(answer["result"])
        log.seek(0)
        raise _error(job, answer, log.read()[-20000:], child.returncode, timeout_seconds if late.is_set() else None)


def _converse(child: subprocess.Popen[str], request: dict[str, Any], progress: Progress | None) -> dict[str, Any]:
    assert child.stdin is not None and child.stdout is not None
    try:
        child.stdin.write(json.dumps(request) + "\n")
        child.stdin.flush()
    except BrokenPipeError:
        return {}
    answer: dict[str, Any] = {}
    for line in child.stdout:
        try:
            message = json.loads(line)
        except ValueError:
            continue
        if "progress" in message:
            if progress is not None:
                progress(str(message["progress"]))
        else:
            answer = message
    return answer


def _close(stream: IO[str]) -> None:
    with contextlib.suppress(OSError):
        stream.close()


def _error(job: str, answer: dict[str, Any], log: str, code: int, timeout_seconds: float | None) -> TinygenError:
    name = job.partition(":")[2].removesuffix("_job").replace("_", " ")
    if timeout_seconds is not None:
        return WorkerFault(f"{name}: stopped after its time limit of {timeout_seconds:g} s.", detail=log)
    if "error" in answer:
        error = answer["error"]
        kind = getattr(errors, error["kind"], None)
        if isinstance(kind, type) and issubclass(kind, TinygenError):
            return kind(error["what"], error["hint"])
        return WorkerFault(error["what"], error["hint"], detail=error["detail"])
    hint = "Killed from outside: most often for want of memory." if code in (-9, 137) else "--debug shows its log."
    what = f"{name}: the process ended with code {code} and no answer."
    return WorkerFault(what, hint, detail=log, signal=max(0, -code))


def child_main(job: str, extra: str) -> None:
    """The child's side: reads the request, runs the job, answers; everything printed meanwhile goes to the log."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    request = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()

    def send(message: dict[str, Any]) -> None:
        channel.write(json.dumps(message) + "\n")
        channel.flush()

    try:
        module, _, function = job.partition(":")
        run: Job = getattr(importlib.import_module(module), function)
        send({"result": run(request, lambda text: send({"progress": text}))})
    except Exception as error:
        send({"error": _describe(error, extra)})
    # TensorFlow's threads may hang in their destructors: everything is written, so the process ends here.
    sys.stderr.flush()
    os._exit(0)


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


def _describe(error: Exception, extra: str) -> dict[str, str]:
    if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] != "tinygen":
        error = errors.missing_extra((error.name or "?").partition(".")[0], extra)
    if isinstance(error, TinygenError):
        kind = next(c.__name__ for c in type(error).__mro__ if hasattr(errors, c.__name__))
        return {"kind": kind, "what": error.what, "hint": error.hint, "detail": ""}
    first = f"{type(error).__name__}: {(str(error).strip() or 'no message').splitlines()[0][:300]}"
    return {"kind": "", "what": first, "hint": "--debug shows the traceback.", "detail": traceback.format_exc()}
