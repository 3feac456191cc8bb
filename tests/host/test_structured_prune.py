"""Channels are truly gone: through adds, depthwise layers, concatenations and Flatten, and nothing else has changed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from digits_training import accuracy, apply, context, conv_model, dense_model, digits, trained

from tinygen.compress._channel_scores import unit_scores
from tinygen.compress._channels import read_channels
from tinygen.compress._kernels import copied, large_kernels
from tinygen.compress.registry import technique
from tinygen.compress.structured_prune import chosen_units, without
from tinygen.errors import BadInput

pytestmark = [pytest.mark.needs_tensorflow, pytest.mark.slow]


@pytest.fixture(scope="module")
def teacher() -> Any:
    return trained(conv_model())


#: Who reads a layer of conv_model: the reader, its weight, the first row, rows a channel.
READERS = {
    "stem": (("point", 0, 0, 1), ("left", 0, 0, 1), ("right", 1, 0, 2)),
    "left": (("hidden", 0, 0, 1),),
    "right": (("hidden", 0, 8, 1),),
    "hidden": (("output", 0, 0, 1),),
}


def silence(model: Any, channels: dict[str, list[int]]) -> None:
    """Sets every weight to zero that reads the named layers' channels: their removal can change nothing."""
    for name, gone in channels.items():
        for reader, place, first, wide in READERS[name]:
            weights = model.get_layer(reader).get_weights()
            rows = weights[place].reshape(-1, 14, 24) if reader == "hidden" else weights[place]
            for channel in gone:
                rows[..., first + wide * channel : first + wide * (channel + 1), :] = 0
            model.get_layer(reader).set_weights(weights)


def test_channels_that_nobody_hears_leave_without_a_trace() -> None:
    model = conv_model()
    noise = np.random.default_rng(0)
    model.set_weights([w + noise.uniform(0, 0.2, w.shape) for w in model.get_weights()])
    gone = {"stem": [0, 5, 11], "left": [2, 7], "right": [0, 3], "hidden": [1, 20]}
    x = digits()[1]
    whole = model(x).numpy()
    silence(model, gone)
    silent = model(x).numpy()
    assert np.abs(silent - whole).max() > 0.01, "these channels counted before"
    graph = read_channels(model)
    keep = np.ones(graph.units, bool)
    for call in graph.calls:
        keep[call.units[gone.get(call.layer.name, [])]] = False
    smaller = without(model, graph, keep)
    assert np.abs(smaller(x).numpy() - silent).max() < 1e-6
    widths = {n: smaller.get_layer(n).output_shape[-1] for n in ("stem", "depthwise", "point", "left", "right")}
    assert widths == {"stem": 9, "depthwise": 9, "point": 9, "left": 6, "right": 4}, "the add binds stem and point"
    rows = np.ones((36, 14), bool)
    rows[:, [2, 7, 8, 11]] = False
    columns = np.delete(np.arange(24), [1, 20])
    kept = model.get_layer("hidden").get_weights()[0][rows.reshape(-1)][:, columns]
    assert (smaller.get_layer("hidden").get_weights()[0] == kept).all()


def test_what_goes_together(teacher: Any) -> None:
    graph = read_channels(teacher)
    assert {names: len(units) for names, units in graph.classes().items()} == {
        ("point", "stem"): 12, ("left",): 8, ("right",): 6, ("hidden",): 24,
    }  # fmt: skip
    assert graph.protected() == {"output": "'output' computes softmax, over all channels or unknown"}


@pytest.mark.parametrize(("criterion", "global_ranking"), [("bn_scale", False), ("taylor", True)])
def test_half_of_the_channels(teacher: Any, criterion: str, global_ranking: bool) -> None:
    before = [w.copy() for w in teacher.get_weights()]
    options: dict[str, Any] = {"criterion": criterion, "global_ranking": global_ranking, "epochs": 6}
    smaller, facts = apply("structured_prune", teacher, share=0.5, learning_rate=3e-3, **options)
    assert all((a == b).all() for a, b in zip(before, teacher.get_weights(), strict=True)), "the teacher stays"
    assert 0.44 <= facts["removed_share"] <= 0.5
    assert facts["parameters_after"] == smaller.count_params() < 0.5 * facts["parameters_before"]
    assert all(left >= 1 for _, left in facts["channels"].values()) and "output" in facts["protected"]
    assert ("ranked_by_l2" in facts) == (criterion == "bn_scale")
    assert smaller.output_shape == teacher.output_shape and smaller.input_shape == teacher.input_shape
    assert accuracy(smaller) > accuracy(teacher) - 0.05


def test_rounds_multiples_and_the_least(teacher: Any) -> None:
    options: dict[str, Any] = {"iterations": 2, "epochs": 1, "round_to": 4, "skip": ["hidden"], "min_channels": 2}
    _, facts = apply("structured_prune", teacher, share=0.9, **options)
    assert facts["channels"] == {"point + stem": [12, 4], "left": [8, 4], "right": [6, 4]}
    assert facts["protected"]["hidden"] == "it is named in skip"


def test_same_seed_same_weights() -> None:
    model = dense_model()
    first, again, other = (apply("structured_prune", model, seed=s, share=0.4, epochs=1)[0] for s in (1, 1, 2))
    assert all((a == b).all() for a, b in zip(first.get_weights(), again.get_weights(), strict=True))
    assert not all((a == b).all() for a, b in zip(first.get_weights(), other.get_weights(), strict=True))


def test_the_sensitivity_is_the_change_of_the_loss() -> None:
    """A hundredth of a unit's score is what the loss changes by when it speaks by a hundredth more softly."""
    model = trained(dense_model(), 8)
    data, _, _ = digits()
    graph, task = read_channels(model), context(model).task
    scores = unit_scores(model, graph, "taylor", data.x, data.y, task)
    units = graph.classes()[("hidden",)]

    kernel = model.get_layer("output").kernel
    weights = kernel.numpy()

    def loss(quieter: int) -> Any:
        changed = weights.copy()
        changed[quieter : quieter + 1] *= 0.99
        kernel.assign(changed)
        logits = model(data.x).numpy().astype(np.float64)
        return np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(data.y)), data.y]

    whole = loss(len(units))
    measured = np.array([np.abs(loss(i) - whole).mean() for i in range(len(units))])
    assert np.abs(measured - 0.01 * scores[units]).max() < 0.05 * measured.max()
    assert measured.max() > 1e-4


def test_what_is_not_followed_keeps_its_channels() -> None:
    import tf_keras

    k = tf_keras.layers
    inputs = tf_keras.Input((8, 8, 1))
    shared = k.Conv2D(8, 3, padding="same", name="shared")
    x = k.Conv2D(8, 3, padding="same", name="a")(inputs)
    x = shared(shared(x))
    x = k.Conv2D(6, 1, name="b")(x)
    x = k.LayerNormalization(name="norm")(x)
    x = k.Conv2D(4, 1, name="c")(x)
    x = k.Reshape((32, 8), name="fold")(x)
    x = k.Conv1D(10, 1, groups=2, name="grouped")(x)
    x = k.Conv1D(6, 1, activation="softmax", name="d")(x)
    x = k.Conv1D(8, 1, name="free")(x)
    x = k.Reshape((4, 8, 8), name="keeps_channels")(x)
    x = k.Multiply()([x, k.Conv2D(1, 1, name="gate")(x)])
    x = k.Conv2D(8, 1, name="free_too")(k.ReLU()(x))
    inner = tf_keras.Sequential([tf_keras.Input((4, 8, 8)), k.Conv2D(5, 1, name="inside")], name="inner")
    model = tf_keras.Model(inputs, k.Dense(10, name="output")(k.GlobalMaxPooling2D()(inner(x))))
    graph = read_channels(model)
    assert {names for names, _ in graph.classes().items()} == set()
    why = graph.protected()
    assert "'shared' is called more than once" == why["a"] == why["shared"]
    assert why["b"] == "'norm' (LayerNormalization) is not followed"
    assert why["c"] == "'fold' (Reshape) is not followed"
    assert why["d"] == "'d' computes softmax, over all channels or unknown"
    assert why["grouped"] == "'grouped' convolves in groups"
    assert "(Multiply) is not followed" in why["free"] and why["free_too"] == "'inner' (Sequential) is not followed"
    with pytest.raises(BadInput, match=r"no channel may be removed: .*a is kept, for .shared. is called"):
        apply("structured_prune", model, share=0.5, epochs=1)


def test_transposed_layers_and_numbers() -> None:
    """An auto-encoder: a regression, whose channels go through a transposed convolution and a reshape."""
    import tf_keras

    k = tf_keras.layers
    tf_keras.utils.set_random_seed(0)
    stack = [
        k.Conv2D(8, 3, 2, padding="same", activation="relu", name="down"),
        k.Reshape((16, 8)), k.Reshape((4, 4, 8)), k.PReLU(shared_axes=[1, 2]),
        k.Conv2DTranspose(6, 3, 2, padding="same", activation="relu", name="up"),
        k.Conv2D(1, 3, padding="same", name="output"),
    ]  # fmt: skip
    model = tf_keras.Sequential([tf_keras.Input((8, 8, 1)), *stack])
    data, x, _ = digits()
    pairs = type(data)(data.x, data.x, data.x_val, data.x_val)
    graph = read_channels(model)
    weights = model.get_weights()
    weights[3][..., 3] = weights[5][:, :, 2] = 0
    model.set_weights(weights)
    keep = np.ones(graph.units, bool)
    for call in graph.calls:
        keep[call.units[{"down": [3], "up": [2]}.get(call.layer.name, [])]] = False
    assert np.abs(without(model, graph, keep)(x) - model(x)).max() < 1e-6
    smaller, facts = apply("structured_prune", model, pairs, share=0.5, epochs=2)
    assert facts["channels"] == {"down": [8, 4], "up": [6, 3]} and smaller.output_shape == (None, 8, 8, 1)


def test_zeros_of_a_pruned_model_stay(teacher: Any) -> None:
    sparse = copied(teacher)
    for _, kernel in large_kernels(sparse):
        kernel.assign(np.where(np.abs(kernel) < np.quantile(np.abs(kernel), 0.6), 0, kernel))
    smaller, _ = apply("structured_prune", sparse, share=0.25, epochs=1, criterion="l1")
    kernel = smaller.get_layer("hidden").get_weights()[0]
    assert (kernel == 0).mean() > 0.4


def test_counts() -> None:
    model = dense_model()
    graph = read_channels(model)
    options = technique("structured_prune").options.model_validate({"share": 0.3})
    for goal, count in ((1.0, 48), (0.5, 24), (0.51, 25), (0.001, 1)):
        keep = chosen_units(graph, np.arange(graph.units, dtype=float), {("hidden",): 48}, goal, options)  # type: ignore[arg-type]
        [units] = graph.classes().values()
        assert keep[units].tolist() == [False] * (48 - count) + [True] * count, "the dearest are the last here"
        assert keep.sum() == graph.units - 48 + count


def test_norms_and_scales() -> None:
    """A unit of several layers is worth what they are together; bn_scale is L2 where no normalization is."""
    model = conv_model()
    model.layers[2].gamma.assign(np.linspace(-2, 2, 12))
    graph, task, data = read_channels(model), context(model).task, digits()[0]
    units = graph.classes()
    kernels = [model.get_layer(name).get_weights()[0].reshape(-1, 12) for name in ("stem", "point")]
    pointwise = model.get_layer("right").get_weights()[1].reshape(-1, 6)
    for criterion, order in (("l1", 1), ("l2", 2), ("bn_scale", 2)):
        scores = unit_scores(model, graph, criterion, data.x, data.y, task)  # type: ignore[arg-type]
        assert np.allclose(scores[units[("right",)]], np.linalg.norm(pointwise, order, axis=0), rtol=1e-5)
        together = sum(np.linalg.norm(kernel, order, axis=0) for kernel in kernels)
        wanted = np.abs(np.linspace(-2, 2, 12)) + 1.0 if criterion == "bn_scale" else together
        assert np.allclose(scores[units[("point", "stem")]], wanted, rtol=1e-5)
    options = technique("structured_prune").options.model_validate({"share": 0.5, "global_ranking": True})
    first = {names: len(members) for names, members in units.items()}
    loud = np.zeros(graph.units)
    loud[units[("hidden",)]] = 1 + np.arange(24)
    keep = chosen_units(graph, loud, first, 0.5, options.model_copy(update={"criterion": "taylor"}))  # type: ignore[arg-type]
    assert keep[units[("hidden",)]].all() and keep[units[("left",)]].sum() == 1, "compared over the whole model"
