"""Distillation: a small student learns from the labels and from softened outputs of one teacher or several.

Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015; hints from inside the teacher after
Romero et al., "FitNets: Hints for Thin Deep Nets", 2015.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import BeforeValidator, Field, model_validator

from ..units import parse_size
from ._loop import Term, fit
from ._teachers import features, pooled, require_same_ends, taught_logits
from .registry import Fitter, Options, TrainOptions, Wish
from .students import build_student, student_kinds
from .task import Task, task_of
from .training import Context, TrainingData, hard_loss, predict, soft_loss

_LIMITS = ("max_weights", "max_flash", "max_ram")
Limit = Annotated[int, BeforeValidator(parse_size)]


class Settings(TrainOptions):
    """`temperature` T softens both outputs; `alpha` is the teacher's share of the loss (0: labels alone, 1: teacher).

    `student` is a model file, or one of tinygen's own: a plain stack ("auto", "conv1d", "conv2d", "dense") with `width`
    filters, or a light backbone, listed below, with `multiplier` times its channels; `depth` is its number of blocks,
    `kernel` the size of its convolutions. `max_weights`, `max_flash`, `max_ram` size it to the first board instead: the
    largest multiplier in steps of 1/64, at most 4, of which the int8 firmware of an untrained student fits. The teacher
    is the model as the step before left it; `teachers` are files of more, and `average` says what of them is averaged.
    `hint` leads the student's features to the teacher's by a learned linear projection P: those of `hint_layers` (the
    teacher's, the student's), else what their last Dense layers read. The loss is (1 - alpha) * labels + alpha *
    T^2 * KL(teacher, student) + hint * mean((P(student) - teacher)^2) / variance(teacher).
    """

    MODEL_FILES: ClassVar[tuple[str, ...]] = ("student", "teachers")

    epochs: int = Field(40, gt=0)
    temperature: float = Field(3.0, gt=0, le=100)
    alpha: float = Field(0.7, ge=0, le=1)
    student: str = "auto"
    width: int = Field(8, gt=0, le=1024)
    multiplier: float = Field(1.0, gt=0, le=16)
    depth: int | None = Field(None, ge=1, le=64)
    kernel: int = Field(3, ge=1, le=31)
    max_weights: Limit | None = None
    max_flash: Limit | None = None
    max_ram: Limit | None = None
    teachers: tuple[str, ...] = Field((), max_length=16)
    average: Literal["logits", "probabilities"] = "logits"
    hint: float = Field(0.0, ge=0, allow_inf_nan=False)
    hint_layers: tuple[str, ...] = Field((), max_length=2)

    def model_files(self) -> dict[str, str | tuple[str, ...]]:
        """The teachers, and the student, where it is a file and not one of the kinds."""
        files = super().model_files()
        return {key: path for key, path in files.items() if path not in student_kinds()}

    @model_validator(mode="after")
    def _sized_or_given(self) -> Settings:
        limits = self.model_fields_set & {key for key in _LIMITS if getattr(self, key) is not None}
        if limits and "student" in self.model_files():
            raise ValueError(f"{min(limits)} sizes a student of tinygen's own, and {self.student!r} is a file")
        if limits and (given := self.model_fields_set & {"width", "multiplier"}):
            raise ValueError(f"{min(limits)} finds the student's width: leave {min(given)} out")
        return self

    def sized(self, fit: Fitter) -> tuple[Options, dict[str, Any]]:
        """With the largest multiplier that the limits leave, where there are any."""
        limits = {key: getattr(self, key) for key in _LIMITS}
        if not any(limits.values()):
            return self, {}
        multiplier, found = fit(Wish(self.student, self.depth, self.kernel, **limits))
        return self.model_copy(update={"multiplier": multiplier, **dict.fromkeys(_LIMITS)}), {"sized": found}


def apply(model: Any, data: TrainingData, options: Settings, context: Context) -> tuple[Any, dict[str, Any]]:
    """The trained student; `model` is its teacher and is left as it is."""
    if options.student in student_kinds():
        student = build_student(
            model, options.student, options.width, options.multiplier, options.depth, options.kernel
        )
    else:
        student = context.load(options.student)
        require_same_ends(student, model, "Student")
    teachers = [model, *map(context.load, options.teachers)]
    for path, teacher in zip(options.teachers, teachers[1:], strict=True):
        require_same_ends(teacher, model, f"Teacher {path.rpartition('/')[2]}")
    tasks = [task_of(teacher, data.y, "distill") for teacher in teachers]
    logits = taught_logits(teachers, tasks, data.x, options.average, options.temperature)
    task = task_of(student, data.y, "distill")
    terms, given, trained, extra = loss_terms(task, options.alpha, options.temperature), [logits], student, []
    facts: dict[str, Any] = {"teachers": len(teachers)}
    if options.hint > 0:
        trained, projection, wanted, facts["hint_layers"] = _hint(model, student, data, options)
        terms.append(Term("hint", options.hint, lambda b: _gap(projection(b.outputs[0]), b.given[1], wanted.var())))
        given, extra = [*given, wanted], projection.trainable_variables
    facts |= fit(
        trained, data.x, task.targets(data.y), options, context, terms, logits=task.logits, given=given, extra=extra,
        label="distill",
    )  # fmt: skip
    return student, {**facts, "student_parameters": int(student.count_params())}


def loss_terms(task: Task, alpha: float, temperature: float) -> list[Term]:
    """The labels' and the teacher's terms; the teacher's logits are `given[0]`."""
    import tensorflow as tf

    return [
        Term("labels", 1.0 - alpha, lambda b: tf.reduce_mean(hard_loss(task, b.targets, b.logits))),
        Term("teacher", alpha, lambda b: tf.reduce_mean(soft_loss(task, temperature, b.given[0], b.logits))),
    ]


def _hint(model: Any, student: Any, data: TrainingData, options: Settings) -> tuple[Any, Any, Any, list[str]]:
    """(the student with its features as a second output, the projection, the teacher's features, the layers)."""
    import tf_keras

    names = (*options.hint_layers, "", "")
    theirs, wanted = features(model, names[0], "teacher")
    ours, tensor = features(student, names[1], "student")
    target = predict(tf_keras.Model(model.inputs, pooled(wanted)), data.x)
    both = tf_keras.Model(student.inputs, [student.output, pooled(tensor)])
    projection = tf_keras.layers.Dense(target.shape[-1], name="hint_projection")
    projection.build(both.outputs[1].shape)
    return both, projection, np.asarray(target, np.float32), [theirs, ours]


def _gap(found: Any, wanted: Any, variance: Any) -> Any:
    import tensorflow as tf

    return tf.reduce_mean(tf.square(found - wanted)) / (float(variance) + 1e-12)
