"""Loads .keras, .h5 and SavedModel as one thing: a tf_keras model in an .h5 of ours, or a graph to quantize."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from ..errors import BadInput, TinygenError
from ..model_file import LoadedModel
from ..quantization_aware import count_parameters, open_keras
from ..worker import Progress, WorkerFault, run_job
from .keras_archive import check_model_h5, clean_archive
from .savedmodel import check_saved_model

Format = Literal["keras", "h5", "savedmodel"]


def sniff(path: str | Path) -> Format:
    """What kind of model lies at `path`, by its content. BadInput where it is none that Keras wrote."""
    path = Path(path)
    wanted = "A model is a .keras file, an .h5 file or a SavedModel folder."
    if path.is_dir():
        if (path / "saved_model.pb").is_file():
            return "savedmodel"
        raise BadInput(f"{path}: a folder without saved_model.pb.", wanted)
    if not path.is_file():
        raise BadInput(f"{path}: no such file.", wanted)
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}.") from error
    if not head:
        raise BadInput(f"{path}: the file is empty.", "Save the model again.")
    if head.startswith(b"PK"):
        return "keras"
    if head == b"\x89HDF\r\n\x1a\n":
        return "h5"
    if head[4:8] == b"TFL3":
        raise BadInput(f"{path}: is a .tflite, already converted.", "`tinygen generate` takes it as it is.")
    raise BadInput(f"{path}: neither a .keras, an .h5 nor a SavedModel.", "Save it with model.save('model.keras').")


def load_model(path: str | Path, work: str | Path, *, progress: Progress | None = None) -> LoadedModel:
    """Checks a model and converts it in a process of its own; what is made lies in the folder `work`.

    Raises BadInput for damaged files and for custom classes and Lambda layers, which are named and never run;
    MissingTool where tinygen[train] is not installed.
    """
    path, work = Path(path).resolve(), Path(work).resolve()
    request = {"path": str(path), "format": sniff(path), "work": str(work)}
    if not work.is_dir():
        raise BadInput(f"{work}: no such folder.")
    try:
        result = run_job("tinygen.frontend.keras_loader:load_job", request, progress=progress)
    except WorkerFault as error:
        if error.signal in (0, 9):  # 9: for want of memory, most often
            raise
        raise BadInput(f"{path.name}: what reads it crashed: {error.what}", "Save the model again.") from error
    shapes = {key: tuple(result[key]) for key in ("input_shape", "output_shape", "findings")}
    return LoadedModel(**{**result, **shapes})


def load_job(request: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Runs in the worker: checks first, deserialises afterwards."""
    path, work = Path(request["path"]), Path(request["work"])
    kind: Format = request["format"]
    if kind == "keras":
        copy = work / "checked.keras"
        version = clean_archive(path, copy)
        source = copy
    elif kind == "h5":
        version, source = check_model_h5(path, path.name), path
    else:
        version, source = "2", path
        if not check_saved_model(path):
            return _graph(path)
    import h5py  # noqa: F401  (with TensorFlow's own noise after it, none of which is the user's)

    progress(f"loading {path.name}")
    model = _live(source, kind, version, path.name)
    input_shape = _single(model.input_shape, path.name, "input")
    output_shape = _single(model.output_shape, path.name, "output")
    out = _free(work, path.stem)
    model.save(out, include_optimizer=False, save_format="h5")
    loaded = LoadedModel(
        source=str(path),
        path=str(out),
        kind="keras",
        name=path.stem,
        input_shape=input_shape,
        output_shape=output_shape,
        parameters=count_parameters(model),
    )
    return asdict(loaded)


def _free(work: Path, stem: str) -> Path:
    """A path in `work` that is not taken: a teacher and a student may have the same file name."""
    taken = (work / f"{stem}{'' if i == 0 else f'-{i}'}.h5" for i in range(10000))
    return next(path for path in taken if not path.exists())


def _live(source: Path, kind: Format, version: str, name: str) -> Any:
    """The model as a live tf_keras model."""
    keras3 = kind != "savedmodel" and not version.startswith(("0", "1", "2"))
    try:
        if keras3:
            import keras

            model = keras.models.load_model(source, compile=False, **({"safe_mode": True} if kind == "keras" else {}))
        else:
            model = _keras2(source, kind)
    except TinygenError:
        raise
    except Exception as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
        raise BadInput(
            f"{name}: Keras {version} cannot load it: {first}", "Save the model again with the Keras it was made with."
        ) from error
    if not keras3:
        if not getattr(model, "inputs", None):
            raise BadInput(f"{name}: the model has no input shape.", "Give it an Input layer and save it again.")
        return model
    from .keras3_bridge import to_tf_keras

    try:
        return to_tf_keras(model)
    except TinygenError as error:
        raise BadInput(f"{name}: {error.what}", error.hint) from error
    except Exception as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
        raise BadInput(f"{name}: has no equal in tf_keras: {first}", "Use ordinary Keras layers.") from error


def _keras2(source: Path, kind: Format) -> Any:
    import tf_keras

    if kind == "h5":
        return open_keras(source)
    return tf_keras.models.load_model(source, compile=False, **({"safe_mode": True} if kind == "keras" else {}))


def _single(shape: Any, name: str, what: str) -> tuple[int, ...]:
    """The one input's or output's shape with a batch of 1."""
    if isinstance(shape, dict) or (isinstance(shape, list) and len(shape) != 1):
        count = len(shape)
        if what == "output":
            first = next(iter(shape.values())) if isinstance(shape, dict) else shape[0]
            return _single(first, name, what)
        raise BadInput(f"{name}: the model has {count} inputs; one is supported.", "Concatenate them before the model.")
    shape = shape[0] if isinstance(shape, list) else shape
    if any(d is None for d in shape[1:]):
        raise BadInput(
            f"{name}: the {what}'s shape {list(shape)} is open.", "Give every dimension but the batch a fixed size."
        )
    return (1, *(int(d) for d in shape[1:]))


def _graph(path: Path) -> dict[str, Any]:
    from .graph_signature import open_signature

    signature = open_signature(path)
    loaded = LoadedModel(
        source=str(path),
        path=str(path),
        kind="graph",
        name=path.stem,
        input_shape=signature.input_shape,
        output_shape=signature.output_shape,
        parameters=signature.parameters,
        findings=("SavedModel without Keras metadata: it can be quantized, not compressed.",),
    )
    return asdict(loaded)
