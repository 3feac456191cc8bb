"""Product quantization: the inputs of a fully connected layer are cut into subspaces, whose sub-vectors outputs share.

Wu, Leng, Wang, Hu, Cheng, "Quantized Convolutional Neural Networks for Mobile Devices", 2016. Each output has a code
for each subspace, and the firmware stores the codewords once. Codewords are chosen by k-means and corrected layer by
layer, so that the layer behind those already quantized responds as it did; then they are trained with the rest of the
model while codes stay, a codeword's gradient being that of all the outputs that share it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from ..errors import BadInput
from ._codebook_layers import take_back, with_codebooks
from ._codebooks import Array, Codebooks, codebooks
from ._holds import holding
from ._kernels import all_layers, check_skip, copied
from ._shared_values import kernel_of
from ._signs import positive_scales
from .registry import TrainOptions
from .training import Context, TrainingData, train

#: What a layer has to save of its bytes, as the firmware's default asks.
_LEAST_SAVED = 0.25
#: Share of the mean power that is added to every input's, for inputs that the samples leave out.
_RIDGE = 0.01


class Settings(TrainOptions):
    """`length` is how many inputs a subspace has, or the next fewer that divide the layer's inputs.

    A codebook has `codewords` sub-vectors, with codes of 4 bits up to 16, else of 8 (then of 3 inputs at least), and
    stands for `share` subspaces side by side (0: for all). `error_correction` fits codes and codewords to the layers'
    responses on `samples` of the training data; without, to the weights. `epochs` may be 0; with `others` the rest of
    the model is trained too, its zeros held. Layers in `skip`, with fewer than `min_weights`, or that would not become
    a quarter smaller are left. A later step that trains these layers undoes it.
    """

    epochs: int = Field(10, ge=0)
    learning_rate: float = Field(1e-3, gt=0, allow_inf_nan=False)
    length: int = Field(4, ge=2, le=8)
    codewords: int = Field(16, ge=2, le=256)
    share: int = Field(4, ge=0)
    error_correction: bool = True
    samples: int = Field(512, gt=0)
    others: bool = True
    min_weights: int = Field(512, ge=1)
    skip: tuple[str, ...] = ()


def apply(model: Any, data: TrainingData, options: Settings, context: Context) -> tuple[Any, dict[str, Any]]:
    """The quantized model; facts have each layer's codewords, bytes and relative errors, and what was left.

    `error` is of the weights at the end, `response_error` of the layer's responses before codewords are trained.
    """
    check_skip(model, options.skip, "product_quantize")
    tuned = positive_scales(copied(model))
    dense = {str(layer.name): layer for layer in all_layers(tuned) if type(layer).__name__ == "Dense"}
    lengths = {name: _length(layer.kernel.shape, options) for name, layer in dense.items() if name not in options.skip}
    chosen = {name: dense[name] for name, length in lengths.items() if length}
    if not chosen:
        raise BadInput(
            "product_quantize: no Dense layer becomes smaller.",
            "Layers of `min_weights`, of more outputs than `codewords`, can; a larger `share` stores fewer codebooks.",
        )
    before = {name: layer.kernel.numpy().astype(np.float64) for name, layer in chosen.items()}
    picked = np.random.default_rng(context.seed).permutation(len(data.x))[: options.samples]
    made: dict[str, Codebooks] = {}
    answers: dict[str, float] = {}
    for number, (name, layer) in enumerate(chosen.items()):
        context.progress(f"product_quantize: {name}, {number + 1}/{len(chosen)}")
        now, first = (_inputs(m, name, data.x[picked]) for m in (tuned, model))
        fit = _responses(now, first, before[name]) if options.error_correction else None
        share = options.share or len(before[name]) // lengths[name]
        made[name] = codebooks(before[name], lengths[name], options.codewords, share, fit, context.seed)
        layer.kernel.assign(made[name].kernel)
        answers[name] = _apart(now @ made[name].kernel, first @ before[name])
    facts = _train(tuned, chosen, made, data, options, context) if options.epochs else {}
    layers = {}
    for name, found in made.items():
        found.books = np.rint(127 * found.books)
        chosen[name].kernel.assign(kernel_of(found.sub_vectors, found.gains))
        error = _apart(chosen[name].kernel.numpy(), before[name])
        layers[name] = {**_sizes(found), "error": error, "response_error": answers[name]}
    return tuned, {**facts, "layers": layers, "left": [name for name in dense if name not in chosen]}


def _length(shape: tuple[int, int], options: Settings) -> int:
    """The subspaces' length in a layer of [inputs, outputs]; 0 where the layer is left."""
    inputs, outputs = shape
    least = 2 if options.codewords <= 16 else 3  # as the firmware stores codes of 8 bits
    length = next((n for n in range(options.length, least - 1, -1) if inputs % n == 0), 0)
    if not length or inputs * outputs < options.min_weights:
        return 0
    spaces = inputs // length
    books = -(-spaces // (options.share or spaces))
    stored = _stored(books, options.codewords, length, spaces, outputs)
    return length if stored <= (1 - _LEAST_SAVED) * inputs * outputs else 0


def _stored(books: int, codewords: int, length: int, spaces: int, outputs: int) -> int:
    """Bytes of books and codes in the firmware."""
    return books * codewords * length + spaces * (-(-outputs // 2) if codewords <= 16 else outputs)


def _responses(now: Array, first: Array, kernel: Array) -> tuple[Array, Array]:
    """E[xx'] of what the layer is given now, and E[xy'] with the responses y that it had in the model at first."""
    a, cross = (now.T @ other / len(now) for other in (now, first))
    ridge = (_RIDGE * float(np.trace(a)) / len(a) + 1e-12) * np.eye(len(a))
    return a + ridge, (cross + ridge) @ kernel


def _inputs(model: Any, name: str, x: Any) -> Array:
    """What a layer is given, [samples, inputs]."""
    [layer] = [layer for layer in all_layers(model) if layer.name == name]
    seen: list[Any] = []
    call = layer.call

    def record(inputs: Any, *rest: Any, **more: Any) -> Any:
        seen.append(inputs.numpy())
        return call(inputs, *rest, **more)

    layer.call = record
    try:
        for i in range(0, len(x), 256):
            model(x[i : i + 256], training=False)
    finally:
        del layer.call
    return np.asarray(np.concatenate([part.reshape(-1, part.shape[-1]) for part in seen]), np.float64)


def _train(
    tuned: Any, chosen: dict[str, Any], made: dict[str, Codebooks], data: TrainingData, options: Settings,
    context: Context,
) -> dict[str, float]:  # fmt: skip
    """Trains codewords, gains and biases in place, and unless `others` is off all that is not quantized."""
    wrapped, layers = with_codebooks(tuned, made)
    rest = [layer for layer in all_layers(wrapped) if layer.name not in layers]
    were = [layer.trainable for layer in rest]
    for layer, was in zip(rest, were, strict=True):
        layer.trainable = was and options.others
    callbacks, _ = holding([w for w in wrapped.trainable_weights if w.shape.rank >= 2], "sparsity")
    facts = train(
        wrapped, data, options, context, task=context.task, callbacks=callbacks, label="product_quantize"
    )  # fmt: skip
    for layer, was in zip(rest, were, strict=True):
        layer.trainable = was
    for name, layer in layers.items():
        take_back(layer, chosen[name], made[name])
    return facts


def _sizes(found: Codebooks) -> dict[str, int]:
    spaces, outputs = found.codes.shape
    books, _, length = found.books.shape
    used = [np.unique(found.codes[i : i + found.share]) for i in range(0, spaces, found.share)]
    distinct = max(len(np.unique(book[codes], axis=0)) for book, codes in zip(found.books, used, strict=True))
    stored = _stored(books, distinct, length, spaces, outputs)
    return {"length": length, "codewords": distinct, "codebooks": books, "bytes": stored,
            "dense_bytes": spaces * length * outputs}  # fmt: skip


def _apart(found: Array, wanted: Array) -> float:
    """The error of the one, relative to the size of the other."""
    return round(float(np.linalg.norm(found - wanted) / max(float(np.linalg.norm(wanted)), 1e-30)), 4)
