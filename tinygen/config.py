"""tinygen.toml: what it may say, read and validated before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from .application import AppSection
from .compress.registry import Options, technique, technique_names
from .errors import BadInput, suggest
from .objective import LOSSES, METRICS, MORE_IS_BETTER, Objective
from .project import Kind, Runtime
from .search.settings import SearchSection
from .toml import TomlError, read_tables
from .units import parse_latency, parse_size
from .user_entry import ENTRY

SCHEMA = 1
MAX_TOML_BYTES = 1 << 18


def _non_zero(values: tuple[float, ...]) -> tuple[float, ...]:
    if any(value == 0 for value in values):
        raise ValueError("0 cannot be divided by")
    return values


def _one_of(names: tuple[str, ...]) -> AfterValidator:
    def check(value: str) -> str:
        if value and value not in names and not ENTRY.fullmatch(value):
            known = suggest(value, names) or f"there are {', '.join(names)}"
            raise ValueError(f"unknown {value!r}, {known}, or your own 'module:function'")
        return value

    return AfterValidator(check)


Size = Annotated[int, BeforeValidator(parse_size)]
Latency = Annotated[float, BeforeValidator(parse_latency)]
Label = Annotated[str, Field(max_length=256)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelSection(_Strict):
    """[model]: `path` of a .keras, .h5, SavedModel or .tflite; `name` prefixes the C (or the file's); `labels`."""

    path: Path
    name: str = Field("", max_length=64)
    version: str = Field("", max_length=64)
    labels: Annotated[tuple[Label, ...], Field(max_length=4096)] = ()


class DataSection(_Strict):
    """[data]: `file` is an .npz with x_train y_train x_val y_val x_test y_test, or an .npy of x.

    Or `python` = "module:function" of a module beside the file: it returns arrays by these names or a pair (x, y), or
    yields samples (x, y). It runs in a process of its own.
    """

    file: Path | None = None
    python: str = Field("", pattern=rf"^({ENTRY.pattern})?$", max_length=256)

    @model_validator(mode="after")
    def _one_of_them(self) -> DataSection:
        if (self.file is None) == (not self.python):
            raise ValueError("give file or python, one of them")
        return self


class InputSection(_Strict):
    """[input]: `mean` and `std` make (x - mean) / std before the model, one value or one a channel.

    `window` and `stride`, in samples of a sensor's stream, are kept for the firmware.
    """

    mean: tuple[Finite, ...] = ()
    std: Annotated[tuple[Finite, ...], AfterValidator(_non_zero)] = ()
    window: int | None = Field(None, gt=0, lt=2**31)
    stride: int | None = Field(None, gt=0, lt=2**31)

    @model_validator(mode="after")
    def _same_length(self) -> InputSection:
        if len(self.mean) > 1 and len(self.std) > 1 and len(self.mean) != len(self.std):
            raise ValueError(f"mean has {len(self.mean)} values, std has {len(self.std)}")
        return self


class TrainSection(_Strict):
    """[train]: `seed` of all that is random; `epochs`, `batch_size`, `learning_rate` where a step has none.

    `loss` is what every technique trains for: cross_entropy (of classes), mse, mae, huber, or "module:function" of a
    module beside the file: it takes targets and outputs, TensorFlow's tensors of the output's shape with the samples
    first (classes one-hot, outputs as the model gives them), and returns one number a sample. A teacher's part of a
    loss stays what it is. `metric` is what the float model and the int8 firmware's bits are judged by: accuracy, f1,
    auc (of two classes), mse, mae, or "module:function": it takes y and outputs, arrays, and returns one number;
    `metric_goal` then says whether more or less of it is better. Empty, both follow from y: classes have cross_entropy
    and accuracy, numbers mse. Without y_train, a model whose output has its input's shape learns x: an auto-encoder.
    """

    seed: int = Field(0, ge=0, lt=2**31)
    epochs: int | None = Field(None, gt=0)
    batch_size: int | None = Field(None, gt=0)
    learning_rate: float | None = Field(None, gt=0, allow_inf_nan=False)
    loss: Annotated[str, _one_of(LOSSES)] = Field("", max_length=256)
    metric: Annotated[str, _one_of(METRICS)] = Field("", max_length=256)
    metric_goal: Literal["max", "min"] | None = None

    @model_validator(mode="after")
    def _goal_of_own_metric(self) -> TrainSection:
        if ":" in self.metric and self.metric_goal is None:
            raise ValueError('a metric of your own needs metric_goal, "max" or "min"')
        if ":" not in self.metric and self.metric_goal is not None:
            raise ValueError("metric_goal is of a metric of your own; a built-in one has its direction")
        return self

    def objective(self, folder: Path) -> Objective:
        """Loss and metric; the user's own modules lie in `folder`."""
        return Objective(self.loss, self.metric, self.metric_goal == "min", str(folder.resolve()))


class QuantizeSection(_Strict):
    """[quantize]: `precision` and `samples` of the training data that its scales are calibrated on.

    "int8" is weights and activations of int8; "int16x8" weights of int8 and activations of int16: more exact, slower,
    twice the arena. "mixed" is int8 with activations of int16 in some layers: those of `int16_layers`, by the names
    that `inspect` shows, or else those that lose the most signal-to-noise, float against int8, with those that they
    read from, as many as it takes for the output to have `min_snr` dB (20). Dynamic range, with float activations, is
    for a .tflite alone: `tinygen quantize --precision dynamic`.
    """

    precision: Literal["int8", "int16x8", "mixed"] = "int8"
    samples: int = Field(200, gt=0)
    int16_layers: Annotated[tuple[Label, ...], Field(max_length=1024)] = ()
    min_snr: float | None = Field(None, gt=0, le=200)

    @model_validator(mode="after")
    def _of_mixed(self) -> QuantizeSection:
        if self.precision != "mixed" and (self.int16_layers or self.min_snr is not None):
            raise ValueError('int16_layers and min_snr are of precision = "mixed"')
        if self.int16_layers and self.min_snr is not None:
            raise ValueError("give int16_layers or min_snr, one of them")
        return self


class TargetSection(_Strict):
    """[target]: `boards` by name or by the path of a profile; `runtime`; `project`, who builds it.

    `optimize` is of the code, and says which layers store their weights compressed (docs/packed.md).
    """

    boards: tuple[str, ...] = Field(min_length=1)
    runtime: Runtime = "aot"
    project: Kind = "platformio"
    optimize: Literal["speed", "balanced", "size"] = "balanced"


class BudgetSection(_Strict):
    """[budget]: `flash` and `ram` in bytes ("128K"), `latency` in microseconds ("50ms"), `accuracy_drop` as a share.

    `accuracy_drop` bounds how far the metric of the firmware's bits may fall below that of the float model that the
    recipe began with, where it is accuracy, f1 or auc; `metric_loss` is the same for any metric, in its own unit and
    direction.
    """

    flash: Size | None = None
    ram: Size | None = None
    latency: Latency | None = None
    accuracy_drop: float | None = Field(None, ge=0, le=1)
    metric_loss: float | None = Field(None, ge=0, allow_inf_nan=False)


class Step(_Strict):
    """One [[compress]] table: the technique's name and its own validated options."""

    technique: str
    options: Options


class Config(_Strict):
    """A whole tinygen.toml; paths are absolute or relative to the file's folder, resolved here."""

    schema_: Literal[1] = Field(alias="schema")
    model: ModelSection
    data: DataSection | None = None
    input: InputSection = Field(default_factory=lambda: InputSection.model_validate({}))
    train: TrainSection = Field(default_factory=lambda: TrainSection.model_validate({}))
    compress: tuple[Step, ...] = ()
    quantize: QuantizeSection = Field(default_factory=lambda: QuantizeSection.model_validate({}))
    target: TargetSection
    app: AppSection = Field(default_factory=lambda: AppSection.model_validate({}))
    budget: BudgetSection = Field(default_factory=lambda: BudgetSection.model_validate({}))
    search: SearchSection = Field(default_factory=lambda: SearchSection.model_validate({}))


def load_config(path: str | Path = "tinygen.toml") -> Config:
    """The validated file. BadInput names every unknown, missing and wrong key at once; no TensorFlow is imported."""
    path = Path(path)
    raw = read_toml(path, "docs/config.md says what it holds; `tinygen demo` writes one.")
    schema = raw.get("schema")
    if isinstance(schema, int) and schema > SCHEMA:
        raise BadInput(
            f"{path}: schema {schema} is of a newer tinygen; this one reads schema {SCHEMA}.",
            "pip install --upgrade tinygen",
        )
    problems: list[str] = []
    steps = parse_steps(raw.pop("compress", []), _train_defaults(raw), problems)
    try:
        config = Config.model_validate({**raw, "compress": steps})
    except ValidationError as error:
        problems = [*_describe(error, Config), *problems]
    if not problems and steps and config.data is None:
        problems.append("missing key 'data.file', which [[compress]] needs")
    if not problems and config.budget.accuracy_drop is not None and config.train.metric not in ("", *MORE_IS_BETTER):
        told = f"of {', '.join(MORE_IS_BETTER)}, not of train.metric {config.train.metric!r}; budget.metric_loss is"
        problems.append(f"budget.accuracy_drop: is {told}")
    if problems:
        raise BadInput(f"{path}: {'; '.join(problems)}.", "docs/config.md lists the keys.")
    return _resolve(config, path.resolve().parent)


def load_recipe(path: str | Path) -> tuple[Step, ...]:
    """The [[compress]] tables of a recipe, a TOML file that may hold [train] and nothing else."""
    path = Path(path)
    raw = read_toml(path, "A recipe is a list of [[compress]] tables.")
    problems = [f"unknown key {key!r}" for key in raw if key not in ("compress", "train", "schema")]
    steps = parse_steps(raw.get("compress", []), _train_defaults(raw), problems)
    if not steps and not problems:
        problems.append("no [[compress]] table")
    if problems:
        raise BadInput(f"{path}: {'; '.join(problems)}.", f"The techniques are {', '.join(technique_names())}.")
    return tuple(_resolve_step(step, path.resolve().parent) for step in steps)


def load_recipe_objective(path: str | Path) -> Objective:
    """Loss and metric of a recipe's [train]; own modules lie beside the recipe."""
    path = Path(path)
    given = read_toml(path, "A recipe is a list of [[compress]] tables.").get("train", {})
    try:
        return TrainSection.model_validate(given).objective(path.resolve().parent)
    except ValidationError as error:
        raise BadInput(f"{path}: {'; '.join(_describe(error, TrainSection, 'train'))}.", "docs/config.md.") from error


def read_toml(path: Path, hint: str) -> dict[str, Any]:
    """A TOML file's tables; BadInput with the line where it is not TOML."""
    if not path.is_file():
        raise BadInput(f"{path}: no such file.", hint)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_TOML_BYTES + 1)
        if len(data) > MAX_TOML_BYTES:
            raise BadInput(f"{path}: longer than {MAX_TOML_BYTES} bytes.", hint)
        return read_tables(data)
    except (OSError, TomlError) as error:
        raise BadInput(f"{path}: {error}.") from error


def parse_steps(raw: Any, defaults: dict[str, Any], problems: list[str]) -> list[Step]:
    """[[compress]] tables as steps; what is wrong with them is added to `problems`."""
    if not isinstance(raw, list) or not all(isinstance(table, dict) for table in raw):
        problems.append("compress: write each step as a [[compress]] table")
        return []
    steps = []
    for i, table in enumerate(raw):
        where = f"compress.{i}"
        name = table.get("technique")
        if not isinstance(name, str):
            problems.append(f"missing key '{where}.technique'")
            continue
        if name not in technique_names():
            known = suggest(name, technique_names()) or f"there are {', '.join(technique_names())}"
            problems.append(f"{where}: unknown technique {name!r}, {known}")
            continue
        model = technique(name).options
        given = {key: value for key, value in table.items() if key != "technique"}
        inherited = {key: value for key, value in defaults.items() if key in model.model_fields}
        try:
            steps.append(Step(technique=name, options=model.model_validate({**inherited, **given})))
        except ValidationError as error:
            problems += _describe(error, model, where)
    return steps


def _train_defaults(raw: dict[str, Any]) -> dict[str, Any]:
    train = raw.get("train")
    keys = ("epochs", "batch_size", "learning_rate")
    return {k: train[k] for k in keys if k in train} if isinstance(train, dict) else {}


def _resolve(config: Config, folder: Path) -> Config:
    model = config.model
    named = model.model_copy(update={"path": folder / model.path, "name": model.name or model.path.stem or "model"})
    data = config.data
    if data is not None and data.file is not None:
        data = data.model_copy(update={"file": folder / data.file})
    boards = tuple(str(folder / b) if b.endswith(".toml") else b for b in config.target.boards)
    target = config.target.model_copy(update={"boards": boards})
    steps = tuple(_resolve_step(step, folder) for step in config.compress)
    search = config.search.in_folder(folder)
    return config.model_copy(
        update={"model": named, "data": data, "target": target, "compress": steps, "search": search}
    )


def _resolve_step(step: Step, folder: Path) -> Step:
    options = step.options
    paths = options.renamed_files(lambda path: str(folder / path))
    return step.model_copy(update={"options": options.model_copy(update=paths)})


def _describe(error: ValidationError, model: type[BaseModel], prefix: str = "") -> list[str]:
    """One phrase a problem: the missing keys first, in one phrase."""
    missing, others = [], []
    for problem in error.errors():
        where = ".".join([prefix, *map(str, problem["loc"])]).strip(".")
        if problem["type"] == "missing":
            missing.append(repr(where))
        elif problem["type"] == "extra_forbidden":
            hint = suggest(str(problem["loc"][-1]), _known_keys(model, problem["loc"]))
            others.append(f"unknown key {where!r}, {hint}" if hint else f"unknown key {where!r}")
        else:
            others.append(f"{where}: {problem['msg'].removeprefix('Value error, ')}")
    return ([f"missing {'keys' if len(missing) > 1 else 'key'} {', '.join(missing)}"] if missing else []) + others


def _known_keys(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    for part in loc[:-1]:
        annotation = model.model_fields[str(part)].annotation
        options = [annotation, *getattr(annotation, "__args__", ())]
        model = next(o for o in options if isinstance(o, type) and issubclass(o, BaseModel))
    return [field.alias or name for name, field in model.model_fields.items()]
