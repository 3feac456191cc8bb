"""The examples that ship with tinygen: what there is, what each needs, and its scripts run in the worker process."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from .errors import BadInput, missing_extra, suggest
from .resources import data_dir
from .worker import Progress, run_job

_NEEDS = (
    ("tensorflow", "tensorflow"),
    ("tf_keras", "tf-keras"),
    ("tensorflow_model_optimization", "tensorflow-model-optimization"),
    ("unicorn", "unicorn"),
)


@dataclass(frozen=True)
class Example:
    """A folder of examples/; `extra` brings `package` with the `module` that holds its data."""

    name: str
    module: str
    package: str
    extra: str

    @property
    def folder(self) -> Path:
        """Its place, in a wheel and in a checkout."""
        return data_dir("examples") / self.name

    @property
    def files(self) -> list[Path]:
        """What a user reads and changes: README.md, scripts and C; tinygen.toml is not among them."""
        return sorted(p for p in self.folder.iterdir() if p.suffix in (".md", ".py", ".c"))

    def require_packages(self) -> None:
        """MissingTool for the first package of the example's whole road that is not installed."""
        for module, package in ((self.module, self.package), *_NEEDS):
            if find_spec(module) is None:
                raise missing_extra(package, f"{self.extra},train,sim")

    def train(self, data: Path, model: Path | None, *, epochs: int | None = None, progress: Progress | None) -> None:
        """Makes `data`, where it is not there, and `model`, where a path is given, by the example's train.py."""
        request = {"folder": str(self.folder), "data": str(data), "model": str(model or ""), "epochs": epochs}
        run_job("tinygen.examples:train_job", request, progress=progress)

    def detect(self, project: Path, data: Path, progress: Progress | None) -> dict[str, Any]:
        """What its detect.py finds in the outputs of a project's simulated firmware; nothing where it has none."""
        if not (self.folder / "detect.py").is_file():
            return {}
        request = {"folder": str(self.folder), "project": str(project), "data": str(data)}
        return run_job("tinygen.examples:detect_job", request, progress=progress, extra="sim")


EXAMPLES = {
    example.name: example
    for example in (
        Example("digits", "sklearn", "scikit-learn", "demo"),
        Example("motions", "aeon", "aeon", "examples"),
        Example("anomaly", "aeon", "aeon", "examples"),
    )
}


def find_example(name: str) -> Example:
    """The example of that name; BadInput suggests one, or names all."""
    if name not in EXAMPLES:
        known = f"There are {', '.join(EXAMPLES)}."
        raise BadInput(f"{name[:80]!r}: no such example.", suggest(name, EXAMPLES) or known)
    return EXAMPLES[name]


def train_job(request: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Runs in the worker: data() and train() of our own train.py, never of a copy that a user may have changed."""
    train = _script(request["folder"], "train")
    data = Path(request["data"])
    if not data.is_file():
        part = data.with_name(f".{data.name}.part")
        with part.open("wb") as file:
            np.savez_compressed(file, **train.data())
        part.replace(data)
    if request["model"]:
        with np.load(data, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        train.train(arrays, epochs=request["epochs"] or train.EPOCHS, tell=progress).save(request["model"])
    return {}


def detect_job(request: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Runs in the worker: detect() of our own detect.py on the project's simulated firmware."""
    progress("detect: the firmware over the whole series")
    found = _script(request["folder"], "detect").detect(Path(request["project"]), Path(request["data"]))
    return dict(found)


def _script(folder: str, name: str) -> ModuleType:
    """The example's own module, which leaves no compiled file beside itself."""
    sys.dont_write_bytecode = True
    sys.path.insert(0, os.fspath(folder))
    return import_module(name)
