"""The application around a model: where its inputs come from, what counts as an event, what tests it at start."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from .errors import BadInput
from .project import ModelRecord, TensorRecord

Source = Literal["serial", "vectors", "function"]
SOURCES: tuple[Source, ...] = ("serial", "vectors", "function")
#: Vectors in flash where `vectors` says no number.
DEFAULT_VECTORS = 3
#: As many inferences as firmware/app/tg_smooth.h remembers.
_MOST_SMOOTHED = 32
_FLOAT_BYTES = 4


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Smoothing(_Strict):
    """A label fires when `n` of the last `m` inferences gave it."""

    n: int = Field(ge=1, le=_MOST_SMOOTHED)
    m: int = Field(ge=1, le=_MOST_SMOOTHED)

    @model_validator(mode="after")
    def _possible(self) -> Smoothing:
        if self.n > self.m:
            raise ValueError(f"{self.n} of {self.m} inferences cannot agree")
        return self


class AppSection(_Strict):
    """[app]: `source` is where the program around the model, in a board's project, gets its inputs.

    `"serial"` reads lines of hexadecimal digits; `"vectors"` does too, and tests
    itself at start with `vectors` inputs whose outputs TensorFlow Lite Micro's kernels gave, held-out samples of
    `[data]` or generated ones (3, fewer where they would take more than a sixteenth of the flash or 32 KiB); `vectors`
    does the same for the other sources. With `"function"` the user's own C or C++ gives inputs (`tg_app_read_input`),
    or samples (`tg_app_read_sample`) where `[input]` has a `window`, and takes results. A label counts where its score
    reaches `threshold` (equal is enough), and is an event where `smoothing` = {n = 3, m = 5} of the last inferences
    agree and none fired in the `refractory` inferences before.
    """

    source: Source = "serial"
    vectors: int | None = Field(None, ge=0, le=64)
    threshold: float | None = Field(None, allow_inf_nan=False)
    smoothing: Smoothing | None = None
    refractory: int | None = Field(None, ge=0, lt=2**31)


@dataclass(frozen=True)
class Application:
    """What a user asks of it; `window` and `stride` in samples, of [input].

    With `ramp` the self-test knows the ramp's outputs where it has no other vectors.
    """

    section: AppSection = field(default_factory=lambda: AppSection.model_validate({}))
    window: int | None = None
    stride: int | None = None
    ramp: bool = False

    @property
    def vectors(self) -> int:
        """How many vectors are wanted in flash."""
        if self.section.vectors is not None:
            return self.section.vectors
        return DEFAULT_VECTORS if self.section.source == "vectors" else 0


@dataclass(frozen=True)
class Vector:
    """One input of the self-test: None is the ramp; without `output` only its CRC-32 is compared."""

    input: bytes | None
    output: bytes | None
    crc32: int

    @property
    def flash_bytes(self) -> int:
        """Its row in the table (three words) and its bytes."""
        return 12 + len(self.input or b"") + len(self.output or b"")


@dataclass(frozen=True)
class Rules:
    """`least` is the smallest quantized value that reaches the threshold."""

    least: int
    n: int
    m: int
    refractory: int


@dataclass(frozen=True)
class Stream:
    """A window over samples of `channels` floats."""

    window: int
    stride: int
    channels: int


@dataclass(frozen=True)
class AppPlan:
    """The application as it is rendered."""

    source: Source = "serial"
    vectors: tuple[Vector, ...] = ()
    rules: Rules | None = None
    stream: Stream | None = None

    @property
    def flash_bytes(self) -> int:
        """What its vectors take."""
        return sum(vector.flash_bytes for vector in self.vectors)

    @property
    def ram_bytes(self) -> int:
        """The memory of its window, and of one sample."""
        s = self.stream
        return 0 if s is None else _FLOAT_BYTES * s.channels * (s.window + 1)


def plan_application(app: Application, model: ModelRecord, vectors: tuple[Vector, ...] = ()) -> AppPlan:
    """Rules and stream for a model, BadInput where it has no score for them or its input is no window."""
    stream = _stream(app, model) if app.section.source == "function" and app.window else None
    return AppPlan(app.section.source, vectors, _rules(app.section, model), stream)


def _stream(app: Application, model: ModelRecord) -> Stream:
    window = app.window or 1
    if len(model.inputs) != 1:
        raise BadInput(f"{model.name} has {len(model.inputs)} inputs; a window of samples fills one.", "[input] window")
    tensor = model.inputs[0]
    size = math.prod(tensor.shape)
    if tensor.scale is None or tensor.dtype not in ("int8", "uint8", "int16"):
        raise BadInput(f"{model.name}: samples are quantized for the model, its input is {tensor.dtype}.")
    if size % window:
        raise BadInput(
            f"input.window is {window} samples, the model's input {list(tensor.shape)} is not a multiple of it.",
            "window is the number of samples that the model takes at once.",
        )
    return Stream(window, app.stride or window, size // window)


def _rules(section: AppSection, model: ModelRecord) -> Rules | None:
    asked = section.threshold is not None or section.smoothing is not None or section.refractory is not None
    score = scored_output(model)
    if score is None and asked:
        raise BadInput(
            f"{model.name} has no score for [app]: none of its outputs is whole numbers, as many as there are labels.",
            "Leave threshold, smoothing and refractory out.",
        )
    if score is None or not (asked or section.source == "function"):
        return None
    smoothing = section.smoothing or Smoothing(n=1, m=1)
    return Rules(least_score(score, section.threshold), smoothing.n, smoothing.m, section.refractory or 0)


def scored_output(model: ModelRecord) -> TensorRecord | None:
    """The output whose largest value is the label: the first of as many values as labels, or of all without labels."""
    outputs = model.outputs if model.labels else model.outputs[:1]
    for output in outputs:
        counted = not model.labels or math.prod(output.shape) == len(model.labels)
        if counted and output.scale is not None and output.dtype in ("int8", "uint8", "int16"):
            return output
    return None


def least_score(output: TensorRecord, threshold: float | None) -> int:
    """The smallest q with scale * (q - zero_point) >= threshold, the threshold as it is written in decimal.

    BadInput where no q reaches it.
    """
    limits = np.iinfo(output.dtype)
    if threshold is None:
        return int(limits.min)
    scale, zero_point = Fraction(float(np.float32(output.scale or 1.0))), output.zero_point or 0
    least = zero_point + math.ceil(Fraction(repr(threshold)) / scale)
    if least > limits.max:
        highest = float(scale * (int(limits.max) - zero_point))
        raise BadInput(f"app.threshold is {threshold}, the output's highest value {highest:.6g}.", "Lower it.")
    return max(least, int(limits.min))
