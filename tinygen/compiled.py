"""A model made ready: read or quantized, imported, its kernels chosen and its memory planned for a board."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .backends import aot
from .backends.states import state_bytes
from .backends.templating import c_identifier
from .boards import BoardProfile
from .errors import BadInput
from .frontend.importer import import_tflite, read_model_file
from .graph.ir import Graph
from .graph.plan import MemoryPlan
from .memory.guards import guarded_plan
from .memory.lifetimes import buffers_of, live_bytes
from .memory.planner import plan_memory
from .ops.lowering import Layer, Optimize, lower
from .passes import optimize as optimized
from .passes.order import least_memory_order
from .preprocess import METADATA, from_mean_std, from_metadata
from .project import Preprocess
from .resources import data_dir

Say = Callable[[str], None]
_C_HEADERS = (
    "assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign stdarg stdatomic "
    "stdbool stddef stdint stdio stdlib stdnoreturn string tgmath threads time uchar wchar wctype strings unistd "
    "arduino esp_timer"  # what the applications of the frameworks include
)


@dataclass(frozen=True)
class Model:
    """An int8 model and what a user says of it. `name` is a C identifier."""

    name: str
    tflite: bytes
    version: str = "1.0"
    labels: tuple[str, ...] = ()
    preprocess: Preprocess | None = None
    findings: tuple[str, ...] = ()

    @property
    def info(self) -> aot.ModelInfo:
        """What the back end renders of it."""
        return aot.ModelInfo(self.name, self.version, self.labels, self.preprocess)


@dataclass(frozen=True)
class Compiled:
    """A model planned for a board: the graph, its layers with kernels chosen, and the arena.

    The first `graph.file_tensors` tensors are the file's, under the same index; others were added after them.
    """

    model: Model
    board: BoardProfile
    graph: Graph
    layers: tuple[Layer, ...]
    plan: MemoryPlan

    @property
    def weights_bytes(self) -> int:
        """Stored constants, tables of multipliers and padding included."""
        return aot.weights_bytes(self.layers, self.graph)

    @property
    def state_bytes(self) -> int:
        """Memory of the model's variables."""
        return state_bytes(self.graph, self.plan.guard_bytes)

    @property
    def checked(self) -> bool:
        """Whether it is a debug build with guard zones."""
        return self.plan.guard_bytes > 0


def model_name(text: str, *, given: bool = False) -> str:
    """The C name of a model: from --name as it stands (BadInput where C cannot take it), or made from a file's name."""
    made = c_identifier(text, "model")
    if made.lower() in _system_headers() or made.lower().startswith("tg_") or made.lower() == "tg":
        made = f"model_{made}"
    if given and made != text:
        raise BadInput(f"{text!r} is not a name that C can prefix functions with.", f"--name {made}")
    return made


@cache
def _system_headers() -> frozenset[str]:
    """Names whose <name>.h would hide a header of C's library or of the firmware."""
    ours = {path.stem for path in data_dir("firmware").rglob("*.h")}
    return frozenset(ours | set(_C_HEADERS.split()))


def open_model(
    path: Path,
    *,
    name: str | None = None,
    data: Path | None = None,
    version: str = "1.0",
    labels: tuple[str, ...] = (),
    mean: tuple[float, ...] = (),
    std: tuple[float, ...] = (),
    samples: int = 200,
    seed: int = 0,
    say: Say | None = None,
) -> Model:
    """An int8 model from a .tflite, or from a Keras file that is quantized on the way (then `data` is needed)."""
    short = model_name(name, given=True) if name else model_name(path.stem)
    if path.suffix == ".tflite" or _is_tflite(path):
        tflite = read_model_file(path)
        graph = import_tflite(tflite, str(path), supported_only=False)
        shape = graph.tensors[graph.inputs[0]].shape or (1,)
        stored = from_metadata(graph.metadata.get(METADATA), shape)
        preprocess = from_mean_std(mean, std, shape) if mean or std else stored
        return Model(short, tflite, version, labels, preprocess)
    from .frontend.keras_loader import sniff
    from .frontend.quantize import quantize_model

    kind = sniff(path)
    if data is None:
        raise BadInput(
            f"{path}: a Keras model ({kind}) needs data to be quantized.",
            "--data D.npz with x_train, or give an int8 .tflite.",
        )
    result = quantize_model(path, data, samples=samples, seed=seed, mean=mean, std=std, progress=say)
    return Model(short, result.tflite, version, labels, result.preprocess, result.findings)


def _is_tflite(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(8)[4:] == b"TFL3"
    except OSError:
        return False


def compile_model(
    model: Model, board: BoardProfile, *, optimize: Optimize = "balanced", keep_input: bool = False,
    checked: bool = False,
) -> Compiled:  # fmt: skip
    """Imports, optimizes, chooses kernels and plans memory for a board, with guard zones where it is `checked`.

    `optimize` says which layers store their weights compressed.
    Layers run in the order found to need the least memory; in the file's where its plan is no larger. A checked build
    keeps the ordinary one's order.
    """
    imported = import_tflite(model.tflite, model.name)
    graph = optimized(imported)
    ordered = least_memory_order(graph)
    orders = (graph,) if ordered is graph else (graph, ordered)
    plans = [(order, *_planned(order, board, optimize, keep_input)) for order in orders]
    graph, layers, plan = min(plans, key=lambda found: found[2].arena_bytes)
    if checked:
        plan = guarded_plan(buffers_of(graph, layers, keep_input=keep_input), len(layers))
    return Compiled(model, board, graph, layers, plan)


def _planned(
    graph: Graph, board: BoardProfile, optimize: Optimize, keep_input: bool
) -> tuple[tuple[Layer, ...], MemoryPlan]:
    layers = lower(graph, board.features, optimize)
    return layers, plan_memory(buffers_of(graph, layers, keep_input=keep_input), len(layers))


def peak_layers(compiled: Compiled) -> str:
    """Where the arena is fullest: "live at conv2d_1"."""
    totals = live_bytes(compiled.plan.buffers, len(compiled.layers))[1:-1]
    return f"live at {compiled.layers[totals.index(max(totals))].op.name}" if totals else ""
