"""Distillation: a small student learns from the labels and from the teacher's softened outputs.

Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from ..errors import BadInput
from .registry import TrainOptions
from .students import KINDS, build_student
from .task import task_of
from .training import Context, TrainingData, predict, train


class Settings(TrainOptions):
    """`temperature` softens both outputs; `alpha` is the teacher's share of the loss (0: labels alone, 1: teacher).

    `student` is a model file, or "auto", "conv1d", "conv2d", "dense" of tinygen's own with `width` filters. The teacher
    is the model as the step before left it.
    """

    MODEL_FILES: ClassVar[tuple[str, ...]] = ("student",)

    epochs: int = Field(40, gt=0)
    temperature: float = Field(3.0, gt=0, le=100)
    alpha: float = Field(0.7, ge=0, le=1)
    student: str = "auto"
    width: int = Field(8, gt=0, le=1024)

    def model_files(self) -> dict[str, str]:
        """The student, where it is a file and not one of the kinds."""
        return {} if self.student in KINDS else {"student": self.student}


def apply(model: Any, data: TrainingData, options: Settings, context: Context) -> tuple[Any, dict[str, Any]]:
    """The trained student; `model` is its teacher and is left as it is."""
    if options.student in KINDS:
        student = build_student(model, options.student, options.width)  # type: ignore[arg-type]
    else:
        student = context.load(options.student)
        for what in ("input_shape", "output_shape"):
            ours, theirs = getattr(student, what)[1:], getattr(model, what)[1:]
            if ours != theirs:
                told = what.replace("_shape", "")
                raise BadInput(
                    f"Student: its {told} is {list(ours)}, the teacher's {list(theirs)}.", "They must be the same."
                )
    logits = np.asarray(context.task.logits(predict(model, data.x)))
    task = task_of(student, data.y, "distill")
    facts = train(
        student,
        data,
        options,
        context,
        task=task,
        teacher=(logits, options.temperature, options.alpha),
        label="distill",
    )
    return student, {**facts, "student_parameters": int(student.count_params())}
