"""Writes what the converter made in operators that TensorFlow Lite Micro has: one rewrite a file, in their order."""

from __future__ import annotations

from collections.abc import Callable

from .draft import Draft, open_draft
from .empty_parts import drop_empty_parts
from .float_chains import float_chains
from .indices import hold_indices
from .long_concatenations import concatenations_in_steps
from .masks import refuse_masks
from .output_order import outputs_in_order
from .repetitions import repeats_by_resizing
from .selections import select_v2
from .tilings import tiles_by_broadcasting

#: Each returns what a user should know of it, mostly nothing.
FORMS: tuple[Callable[[Draft], list[str]], ...] = (
    outputs_in_order,
    select_v2,
    tiles_by_broadcasting,
    repeats_by_resizing,
    concatenations_in_steps,
    drop_empty_parts,
    hold_indices,
    refuse_masks,
    float_chains,
)


def in_tflm_forms(tflite: bytes) -> tuple[bytes, list[str]]:
    """The model so written, the same bytes where there is nothing to write anew, and findings."""
    draft = open_draft(tflite)
    if draft is None:
        return tflite, []
    findings = [finding for form in FORMS for finding in form(draft)]
    return (draft.packed() if draft.changed else tflite), findings
