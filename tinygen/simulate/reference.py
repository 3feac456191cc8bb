"""What the firmware is held to: TensorFlow Lite Micro's reference kernels, run in a process of their own.

Where its package is not to be had (it comes for Linux on x86-64 alone), LiteRT's reference kernels take the place;
they may differ by one here and there, so their result is never called exact.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import BadInput, MissingTool
from ..worker import WorkerFault, run_job

Array = npt.NDArray[Any]
_ARENA_BYTES = (4 << 20, 64 << 20, 512 << 20)


@dataclass(frozen=True)
class Reference:
    """The reference's outputs, a sample each, one tensor after the other; `layers` by tensor index on request."""

    name: str
    version: str
    exact: bool
    outputs: tuple[bytes, ...]
    layers: dict[int, Array]


def reference(
    model: Path,
    samples: Sequence[bytes],
    *,
    tensors: Sequence[int] = (),
    every: bool = False,
    timeout_s: float = 300.0,
) -> Reference:
    """Runs a .tflite over the samples in order, from fresh state; keeps `tensors` as they are after the last sample.

    With `every`, as they are after each: [samples, *shape].

    Raises MissingTool where no reference is installed, BadInput where it refuses the model or is too slow.
    """
    with tempfile.TemporaryDirectory(prefix="tinygen-") as name:
        folder = Path(name)
        (folder / "samples.bin").write_bytes(b"".join(samples))
        request = {
            "model": str(model.resolve()), "folder": str(folder), "count": len(samples), "tensors": list(tensors),
            "every": every,
        }  # fmt: skip
        try:
            answer = run_job(
                "tinygen.simulate.reference:reference_job", request, timeout_seconds=timeout_s, extra="sim"
            )
        except WorkerFault as error:
            said = [line for line in error.detail.splitlines() if line.strip()]
            detail = f": {said[-1].strip()[:200]}" if said else ""
            raise BadInput(f"{model.name}: the reference kernels do not run it: {error.what}{detail}") from error
        outputs = (folder / "outputs.bin").read_bytes()
        layers = {i: np.load(folder / f"tensor{i}.npy", allow_pickle=False) for i in answer["kept"]}
    size = len(outputs) // len(samples)
    if size * len(samples) != len(outputs) or not size:
        raise BadInput(f"{model.name}: the reference gave no outputs.")
    return Reference(
        name=answer["name"],
        version=answer["version"],
        exact=answer["exact"],
        outputs=tuple(outputs[i * size : (i + 1) * size] for i in range(len(samples))),
        layers=layers,
    )


def reference_job(request: dict[str, Any], _progress: Callable[[str], None]) -> dict[str, Any]:
    """The child's side: writes outputs.bin and tensor<i>.npy into the request's folder."""
    folder = Path(request["folder"])
    model = Path(request["model"]).read_bytes()
    oracle = _open(model, bool(request["tensors"]))
    data = (folder / "samples.bin").read_bytes()
    size = len(data) // request["count"]
    seen: dict[int, list[Array]] = {}
    with (folder / "outputs.bin").open("wb") as out:
        for i in range(request["count"]):
            out.write(oracle.run(data[i * size : (i + 1) * size]))
            if not request["every"] and i < request["count"] - 1:
                continue
            for index in request["tensors"]:
                if (found := oracle.tensor(index)) is not None:
                    seen.setdefault(index, []).append(np.array(found))
    kept = [index for index, found in seen.items() if not request["every"] or len(found) == request["count"]]
    for index in kept:
        found = np.stack(seen[index]) if request["every"] else seen[index][-1]
        np.save(folder / f"tensor{index}.npy", found, allow_pickle=False)
    return {"name": oracle.name, "version": oracle.version, "exact": oracle.exact, "kept": kept}


class _Tflm:
    name, exact = "tflite-micro", True

    def __init__(self, model: bytes, keep: bool) -> None:
        from tflite_micro.python.tflite_micro import runtime

        self.version = _installed("tflite-micro")
        kind = runtime.InterpreterConfig
        config = kind.kPreserveAllTensors if keep else kind.kAllocationRecording
        for arena_bytes in _ARENA_BYTES:
            try:
                self._it = runtime.Interpreter.from_bytes(model, arena_size=arena_bytes, intrepreter_config=config)
                break
            except RuntimeError:
                if arena_bytes == _ARENA_BYTES[-1]:
                    raise
        self._inputs = _details(self._it.get_input_details)
        self._outputs = _details(self._it.get_output_details)

    def run(self, sample: bytes) -> bytes:
        for i, array in enumerate(_split(sample, self._inputs)):
            self._it.set_input(array, i)
        self._it.invoke()
        return b"".join(np.asarray(self._it.get_output(i)).tobytes() for i in range(len(self._outputs)))

    def tensor(self, index: int) -> Array | None:
        try:
            return np.asarray(self._it.GetTensor(index, 0)["tensor_data"])
        except (RuntimeError, ValueError, KeyError, TypeError):
            return None


class _LiteRt:
    name, exact = "ai-edge-litert", False

    def __init__(self, model: bytes, keep: bool) -> None:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        self.version = _installed("ai-edge-litert")
        self._it = Interpreter(
            model_content=model,
            experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
            experimental_preserve_all_tensors=keep,
        )
        self._it.allocate_tensors()
        self._inputs = self._it.get_input_details()

    def run(self, sample: bytes) -> bytes:
        for detail, array in zip(self._inputs, _split(sample, self._inputs), strict=True):
            self._it.set_tensor(detail["index"], array)
        self._it.invoke()
        return b"".join(self._it.get_tensor(d["index"]).tobytes() for d in self._it.get_output_details())

    def tensor(self, index: int) -> Array | None:
        try:
            return np.asarray(self._it.get_tensor(index))
        except (ValueError, RuntimeError):
            return None


def _open(model: bytes, keep: bool) -> _Tflm | _LiteRt:
    for oracle in (_Tflm, _LiteRt):
        try:
            return oracle(model, keep)
        except ModuleNotFoundError:
            continue
    raise MissingTool(
        "No reference to compare with: neither tflite-micro nor ai-edge-litert is installed.",
        "pip install 'tinygen[sim]'",
    )


def _details(get: Callable[[int], dict[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        try:
            found.append(get(len(found)))
        except (RuntimeError, IndexError, ValueError):
            return found


def _split(sample: bytes, details: list[dict[str, Any]]) -> list[Any]:
    arrays = []
    at = 0
    for detail in details:
        shape, dtype = tuple(int(n) for n in detail["shape"]), np.dtype(detail["dtype"])
        size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        arrays.append(np.frombuffer(sample[at : at + size], dtype).reshape(shape))
        at += size
    if at != len(sample):
        raise BadInput(f"The model's inputs take {at} bytes, the sample has {len(sample)}.")
    return arrays


def _installed(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
