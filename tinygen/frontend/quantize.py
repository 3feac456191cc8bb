"""Quantization: Keras models and SavedModels to .tflite files, in a process of their own."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..dataset import DataSet, load_data
from ..errors import BadInput
from ..finding import Finding
from ..flatbuffer import root
from ..graph.builtin import BUILTIN_NAMES
from ..model_file import LoadedModel
from ..preprocess import METADATA, from_mean_std, normalize, to_metadata
from ..project import Preprocess
from ..quantization_aware import is_quantization_aware, open_keras
from ..worker import Progress, WorkerFault, run_job
from .convert import Precision, convert, require_integers, with_metadata
from .doctor.batch_norm import batch_norm_mismatch
from .doctor.culprit import culprit
from .doctor.examined import Examined, examine, read_examined
from .doctor.inputs import input_range
from .keras_loader import load_model
from .representative import representative_samples


@dataclass(frozen=True)
class QuantizeResult:
    """A quantized model: the .tflite, what the firmware does to a real input first (None: nothing), what was seen.

    `examined` is what the quantization doctor goes on with, where it was asked for; `facts` what mixed precision chose.
    """

    tflite: bytes = field(repr=False)
    preprocess: Preprocess | None
    findings: tuple[str, ...]
    examined: Examined | None = field(default=None, repr=False)
    facts: dict[str, Any] = field(default_factory=dict)


def quantize_model(
    path: str | Path,
    data: DataSet | str | Path,
    out: str | Path | None = None,
    *,
    precision: Precision = "int8",
    samples: int = 200,
    seed: int = 0,
    mean: Sequence[float] = (),
    std: Sequence[float] = (),
    examine: bool = False,
    progress: Progress | None = None,
) -> QuantizeResult:
    """Loads and checks the model at `path`, calibrates on `samples` of `data`, and writes `out` where it is given.

    `mean` and `std` are tinygen.toml's [input]: data is (x - mean) / std before the model. `examine` runs the float
    model's layers for the doctor. Raises BadInput.
    """
    data = data if isinstance(data, DataSet) else load_data(data)
    with tempfile.TemporaryDirectory(prefix="tinygen-") as work:
        loaded = load_model(path, work, progress=progress)
        [result] = quantize_loaded(
            [loaded],
            data,
            precision=precision,
            samples=samples,
            seed=seed,
            mean=mean,
            std=std,
            examine=examine,
            progress=progress,
        )
    if out is not None:
        try:
            Path(out).write_bytes(result.tflite)
        except OSError as error:
            raise BadInput(f"{out}: cannot be written: {error.strerror}.") from error
    return result


def quantize_loaded(
    models: Sequence[LoadedModel],
    data: DataSet,
    *,
    precision: Precision = "int8",
    samples: int = 200,
    seed: int = 0,
    mean: Sequence[float] = (),
    std: Sequence[float] = (),
    examine: bool = False,
    progress: Progress | None = None,
) -> list[QuantizeResult]:
    """The same for models that are loaded already, several of them in one process."""
    with tempfile.TemporaryDirectory(prefix="tinygen-") as work:
        jobs: list[dict[str, Any]] = []
        for i, model in enumerate(models):
            preprocess = from_mean_std(mean, std, model.input_shape)
            chosen = representative_samples(data, model.input_shape, preprocess, samples, seed)
            np.save(Path(work) / f"{i}.npy", chosen)
            source = {
                "name": model.name,
                "path": model.path,
                "kind": model.kind,
                "precision": precision,
                "samples": str(Path(work) / f"{i}.npy"),
            }
            given = preprocess.model_dump() if preprocess else None
            examined = str(Path(work) / f"{i}-examined") if examine else ""
            out = str(Path(work) / f"{i}.tflite")
            jobs.append({**source, "out": out, "preprocess": given, "examined": examined})
        timeout = 600.0 * len(jobs)
        try:
            answer = run_job(
                "tinygen.frontend.quantize:quantize_job", {"models": jobs}, timeout_seconds=timeout, progress=progress
            )
        except WorkerFault as error:
            if error.signal in (0, 9):  # 9: for want of memory, most often
                raise
            raise _died(jobs, error) from error
        results = []
        for job, model, told in zip(jobs, models, answer["models"], strict=True):
            kept = Preprocess.model_validate(told["preprocess"]) if told["preprocess"] else None
            findings = (*model.findings, *told["findings"])
            seen = read_examined(Path(job["examined"]), told["found"]) if examine else None
            results.append(QuantizeResult(Path(job["out"]).read_bytes(), kept, findings, seen))
    return results


def _died(jobs: Sequence[dict[str, Any]], error: WorkerFault) -> BadInput:
    """The converter took its process with it: the layer is looked for."""
    for job in jobs:
        layer = culprit(job) if job["kind"] == "keras" else ""
        if layer:
            what = (
                f"{job['name']}: layer {layer!r}: the TensorFlow Lite converter crashes on it (signal {error.signal})."
            )
            return BadInput(what, "Replace that layer, or build it from simpler ones.")
    names = ", ".join(job["name"] for job in jobs)
    what = f"{names}: the TensorFlow Lite converter crashes (signal {error.signal})."
    return BadInput(what, "Convert it layer by layer to find the one; --debug shows the log.")


def quantize_job(request: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Runs in the worker: converts each model of the request."""
    done = []
    for i, job in enumerate(request["models"]):
        progress(f"{job['precision']} {i + 1}/{len(request['models'])} {job['name']}")
        done.append({"found": [], **(_graph_job(job) if job["kind"] == "graph" else _keras_job(job))})
    return {"models": done}


def quantized_here(
    path: Path, samples: Path, *, name: str, precision: Precision, preprocess: Preprocess | None
) -> tuple[bytes, Preprocess | None]:
    """Runs in the worker: the .tflite of one Keras model, calibrated on an .npy of samples, and its preprocessing."""
    with tempfile.TemporaryDirectory(prefix="tinygen-") as work:
        out = Path(work) / "model.tflite"
        job = {
            "name": name, "path": str(path), "kind": "keras", "precision": precision, "samples": str(samples),
            "out": str(out), "preprocess": preprocess.model_dump() if preprocess else None, "examined": "",
        }  # fmt: skip
        [told] = quantize_job({"models": [job]}, lambda _: None)["models"]
        return out.read_bytes(), Preprocess.model_validate(told["preprocess"]) if told["preprocess"] else None


def _graph_job(job: dict[str, Any]) -> dict[str, Any]:
    from .graph_signature import open_signature
    from .savedmodel import check_saved_model

    check_saved_model(Path(job["path"]))
    signature = open_signature(Path(job["path"]))
    samples = np.load(job["samples"], allow_pickle=False)
    tflite, told = convert(
        signature.call, signature.owner, signature.input_shape, samples, job["name"], job["precision"]
    )
    given = Preprocess.model_validate(job["preprocess"]) if job["preprocess"] else None
    _write(job, tflite, given)
    if job.get("examined"):
        examine(Path(job["examined"]), signature.call, signature.owner, signature.input_shape, samples)
    return {
        "preprocess": job["preprocess"],
        "findings": _calibration(samples, job["precision"]) + told + _memories(tflite),
    }


def _keras_job(job: dict[str, Any]) -> dict[str, Any]:
    from .embedding_inputs import takes_indices
    from .forms.masks import masks_that_fit
    from .leading_layers import fold_scale, take_off
    from .whole_lstms import with_whole_lstms

    model = with_whole_lstms(open_keras(job["path"]))
    aware, precision = is_quantization_aware(model), job["precision"]
    if aware and precision != "int8":
        raise BadInput(
            f"{job['name']}: was trained quantization-aware for int8; its ranges are none of {precision}.",
            "--precision int8, or the model that it was made from.",
        )
    given = Preprocess.model_validate(job["preprocess"]) if job["preprocess"] else None
    samples = np.load(job["samples"], allow_pickle=False)
    # The samples are past `given` already: they take the taken-off layers' step here, and a folded factor is undone.
    inner, own, taken = (model, None, ()) if precision == "dynamic" else take_off(model, None)
    whole = given if precision == "dynamic" else take_off(model, given)[1]
    samples = normalize(samples, own)
    folded, kept, layer = (model, given, "") if precision == "dynamic" else fold_scale(inner, whole)
    if layer and whole is not None:
        samples = np.asarray(samples * np.float32(whole.std[0]), np.float32)
    shape = (1, *(int(d) for d in folded.inputs[0].shape[1:]))
    if takes_indices(folded):
        samples = samples.astype(np.int32)
    found: list[Finding] = []
    with masks_that_fit():
        tflite, told = convert(_call_of(folded), folded, shape, samples, job["name"], precision)
        if job.get("examined"):
            examine(Path(job["examined"]), _call_of(folded), folded, shape, samples)
            factor = np.float32(whole.std[0] if layer and whole is not None else 1.0)
            found = input_range(samples / factor, given is not None, taken) or batch_norm_mismatch(folded, samples)
    if aware:
        require_integers(tflite, job["name"])
    _write(job, tflite, kept)
    findings = _calibration(samples, precision, aware) + told + _memories(tflite)
    if layer and whole is not None:
        findings.append(
            f"The input's factor 1/{whole.std[0]:.9g} is folded into the weights of {layer!r}." if whole else ""
        )
    elif kept is not None and precision != "dynamic":
        origin = f" (from {', '.join(taken)})" if taken else ""
        findings.append(f"The firmware computes (x - mean) / std before the model{origin}.")
    told_of = [asdict(finding) for finding in found]
    return {"preprocess": kept.model_dump() if kept else None, "findings": findings, "found": told_of}


def _call_of(model: Any) -> Callable[[Any], Any]:
    """The model at rest, on input of the type that it is converted for."""
    import tensorflow as tf

    return lambda x: model(tf.cast(x, model.inputs[0].dtype), training=False)


def _write(job: dict[str, Any], tflite: bytes, preprocess: Preprocess | None) -> None:
    """Writes the model; what happens before it goes with it, in its metadata."""
    if preprocess is not None:
        tflite = with_metadata(tflite, METADATA, to_metadata(preprocess))
    Path(job["out"]).write_bytes(tflite)


def _calibration(samples: Any, precision: Precision, aware: bool = False) -> list[str]:
    """Where the activations' ranges come from."""
    if precision == "dynamic":
        return [
            "Dynamic range: activations of float32, weights of int8 in layers of 1,024 of them and more; for TensorFlow"
            " Lite on a computer or a phone, `tinygen generate` makes no firmware of it."
        ]
    if aware:
        return ["The ranges are those that the quantization-aware training learned; nothing was calibrated."]
    findings = [f"Calibrated on {len(samples)} samples from {samples.min():.6g} to {samples.max():.6g}."]
    if len(samples) < 32:
        findings.append(f"Only {len(samples)} samples to calibrate on: 100 or more give steadier scales.")
    return findings


def _memories(tflite: bytes) -> list[str]:
    """Says which layers do not start anew with every inference, as they do in Keras."""
    codes = {max(code.int8(0), code.int32(3)) for code in root(tflite, b"TFL3").tables(1)}
    return [
        f"{layers} layers keep their state from one inference to the next until <model>_reset() is called; "
        "simulate --data feeds the samples in order with the state kept."
        for kind, layers in (("UNIDIRECTIONAL_SEQUENCE_LSTM", "LSTM"), ("SVDF", "SVDF"))
        if BUILTIN_NAMES.index(kind) in codes
    ]
