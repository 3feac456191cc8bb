"""[search] of tinygen.toml: what is searched, how long, and what counts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from ..units import parse_duration

_SQLITE = "sqlite:///"
_STORAGE = re.compile(r"journal:.+|[A-Za-z][A-Za-z0-9+]*://.+")
#: Keys that say how long and where, not what: a study goes on where only they were changed.
HOW = frozenset({"trials", "timeout", "processes", "storage", "study"})


def _storage(value: str) -> str:
    if value and not _STORAGE.fullmatch(value):
        raise ValueError(f"{value[:80]!r} is no storage; write 'journal:FILE' or a database's URL, 'sqlite:///FILE'")
    return value


def _rising(value: tuple[Any, ...]) -> tuple[Any, ...]:
    if value and value[0] > value[-1]:
        raise ValueError(f"the range goes from {value[0]:g} down to {value[-1]:g}")
    return value


def _some(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(set(values)) != len(values):
        raise ValueError("a value is there twice")
    return values


Duration = Annotated[float, BeforeValidator(parse_duration)]
Width = Annotated[float, Field(gt=0, le=16)]
Depth = Annotated[int, Field(ge=1, le=32)]
Kernel = Annotated[int, Field(ge=1, le=15)]
Sparsity = Annotated[float, Field(ge=0, lt=1)]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class SearchSection(BaseModel):
    """[search]: What `tinygen search` looks for, under the limits of `[budget]` and of every board of `[target]`.

    A trial is one student: one of `backbones` (none named: all that take the model's input), its `width` and `depth`
    within two ends, one of `kernels`, `sparsities` and `precisions`. Its untrained model is planned first, and refused
    where it does not fit. `epochs` train it, by distillation from the model (`distill`) or on the labels alone;
    `prune_epochs` bring it to its sparsity. `pruner` ends trials that look hopeless on the validation data after
    `report_every` epochs: below the median of the others, or by successive halving. The score is alpha * accuracy +
    beta * compression + gamma * speed: accuracy of the integer model on the validation data, compression and speed the
    shares that it saves of the weights in flash and of the multiplications of the model that it began with. A limit of
    latency is held to the instructions that a simulator counts, at one cycle each: what is refused is surely too slow.
    The search ends after `trials` of the study in all, those of other processes included, or after `timeout`.
    `processes` of it run here at once; one gives the same result every time. `storage` is where they meet, and where a
    stopped search goes on: a file beside the results, `"journal:FILE"`, or a database's URL (`"sqlite:///FILE"`);
    `study` is its name there.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    trials: int = Field(60, gt=0, le=100_000)
    timeout: Duration | None = 600.0
    processes: int = Field(1, ge=1, le=64)
    backbones: Annotated[tuple[str, ...], AfterValidator(_some)] = ()
    width: Annotated[tuple[Width, Width], AfterValidator(_rising)] = (0.25, 1.5)
    depth: Annotated[tuple[Depth, Depth], AfterValidator(_rising)] = (1, 3)
    kernels: Annotated[tuple[Kernel, ...], AfterValidator(_some), Field(min_length=1)] = (3, 5)
    sparsities: Annotated[tuple[Sparsity, ...], AfterValidator(_some), Field(min_length=1)] = (0.0, 0.5, 0.75)
    precisions: Annotated[tuple[Literal["int8", "int16x8"], ...], AfterValidator(_some), Field(min_length=1)] = (
        "int8",
    )
    distill: bool = True
    epochs: int = Field(40, gt=0)
    prune_epochs: int = Field(15, gt=0)
    alpha: Weight = 1.0
    beta: Weight = 0.1
    gamma: Weight = 0.02
    pruner: Literal["median", "halving", "none"] = "median"
    report_every: int = Field(5, gt=0)
    storage: Annotated[str, AfterValidator(_storage)] = Field("", max_length=1024)
    study: str = Field("", max_length=128)

    def in_folder(self, folder: Path) -> SearchSection:
        """The section with its storage's file in `folder`, where it is relative."""
        storage = self.storage
        for head in ("journal:", _SQLITE):
            path = storage.removeprefix(head)
            if path != storage and not path.startswith(":"):
                storage = f"{head}{folder / path}"
        return self.model_copy(update={"storage": storage})

    def space(self) -> dict[str, Any]:
        """What decides a trial's result, as JSON."""
        return {key: value for key, value in self.model_dump(mode="json").items() if key not in HOW}
