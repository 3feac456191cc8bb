"""Terms that sum to the loss, soups that equal the average, weights that are clipped and of few values."""

from __future__ import annotations

from functools import cache
from typing import Any

import digits_compression as digits
import numpy as np
import pytest

from tinygen.compress import clipq, combined, corad, soup
from tinygen.compress._teachers import taught_logits
from tinygen.compress.training import TrainingData, predict
from tinygen.errors import BadInput

pytestmark = [pytest.mark.needs_tensorflow, pytest.mark.slow]


def softmax(z: Any) -> Any:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def logits(made: Any) -> Any:
    return np.log(np.clip(predict(made, digits.arrays()["x_train"]).astype(np.float64), 1e-7, 1 - 1e-7))


def kl(teacher: Any, student: Any, temperature: float) -> float:
    p, q = softmax(teacher / temperature), softmax(student / temperature)
    return float(temperature**2 * (p * (np.log(p) - np.log(q))).sum(axis=1).mean())


def cross_entropy(z: Any) -> float:
    return float(-np.log(softmax(z))[np.arange(len(z)), digits.arrays()["y_train"]].mean())


@cache
def another() -> Any:
    return digits.apply("finetune", digits.teacher(), seed=7, epochs=3, learning_rate=3e-3)[0]


def test_distilling_terms_sum_to_the_loss() -> None:
    """With a step too small to move anything, each term is what its formula says of the models' outputs."""
    pair = {"a": digits.teacher(), "b": another()}
    options: dict[str, Any] = {"student": "b", "epochs": 1, "learning_rate": 1e-12, "alpha": 0.3, "temperature": 2.0}
    student, facts = digits.apply("distill", pair["a"], load=pair.get, hint=0.5, **options)
    total = 0.7 * facts["loss_labels"] + 0.3 * facts["loss_teacher"] + 0.5 * facts["loss_hint"]
    assert abs(facts["loss"] - total) < 1e-4
    assert facts["loss_hint"] > 0 and facts["hint_layers"] == ["flat", "flat"]
    import tf_keras

    training = tf_keras.Model(student.inputs, student.output)  # batch statistics are a batch's own while it trains
    outputs = np.log(np.clip(np.asarray(training(digits.arrays()["x_train"], training=True), np.float64), 1e-7, 1))
    assert abs(facts["loss_labels"] - cross_entropy(outputs)) < 0.05
    assert abs(facts["loss_teacher"] - kl(logits(pair["a"]), outputs, 2.0)) < 0.1 * facts["loss_teacher"] + 0.02


@pytest.mark.parametrize("average", ["logits", "probabilities"])
def test_an_ensemble_teaches_its_average(average: Any) -> None:
    models, t = [digits.teacher(), another()], 4.0
    found = taught_logits(models, [digits.TASK] * 2, digits.arrays()["x_train"], average, t)
    one, two = map(logits, models)
    if average == "logits":
        assert np.allclose(found, (one + two) / 2, atol=1e-4)
    else:
        assert np.allclose(softmax(found / t), (softmax(one / t) + softmax(two / t)) / 2, atol=1e-5)


def test_a_student_of_an_ensemble_with_hints() -> None:
    options: dict[str, Any] = {"epochs": 12, "learning_rate": 1e-2, "student": "dense", "width": 16, "hint": 0.3}
    student, facts = digits.apply(
        "distill", digits.teacher(), load=lambda _: another(), teachers=["x"], average="probabilities", **options
    )  # fmt: skip
    assert facts["teachers"] == 2 and digits.accuracy(student) > 0.8
    assert all("hint" not in w.name for w in student.weights), "the projection is left behind"
    again, _ = digits.apply(
        "distill", digits.teacher(), load=lambda _: another(), teachers=["x"], average="probabilities", **options
    )  # fmt: skip
    assert all(np.array_equal(a, b) for a, b in zip(student.get_weights(), again.get_weights(), strict=True))
    with pytest.raises(BadInput, match=r"the teacher has no layer 'flt'\. Hint: did you mean 'flat'"):
        digits.apply("distill", digits.teacher(), hint=1.0, hint_layers=["flt"], epochs=1)


def test_a_uniform_soup_is_the_average() -> None:
    pair = {"a": digits.teacher(), "b": another()}
    made, facts = digits.apply("soup", digits.teacher(), load=pair.get, method="uniform", files=["a", "b"])
    assert facts["taken"] == [0, 1]
    statistics = 0
    for weight, one, two in zip(made.weights, pair["a"].get_weights(), pair["b"].get_weights(), strict=True):
        if "moving" in weight.name:
            statistics += 1
            assert not np.allclose(weight.numpy(), (one + two) / 2, rtol=1e-5), "statistics are its own"
        else:
            assert np.allclose(weight.numpy(), (one + two) / 2, rtol=1e-5, atol=1e-8)
    assert statistics == 2
    x = digits.arrays()["x_train"] / 16
    first = made.get_layer("first").kernel.numpy()
    import tensorflow as tf

    inputs = tf.nn.conv2d(x, first, 1, "SAME").numpy()
    assert np.allclose(made.get_layer("norm").moving_mean.numpy(), inputs[:256].mean(axis=(0, 1, 2)), atol=1e-4)


def test_a_greedy_soup_is_never_worse_than_its_best_ingredient() -> None:
    options: dict[str, Any] = {"epochs": 1, "ingredients": 3, "learning_rate": 1e-2, "spread": 3.0}
    made, facts = digits.apply("soup", digits.teacher(), **options)
    assert facts["soup"] >= facts["best_ingredient"] == max(facts["ingredients"])
    assert digits.accuracy(made, "val") == facts["soup"]
    assert len(set(facts["ingredients"])) > 1, "ingredients that differ"
    bad = {"good": digits.teacher(), "bad": digits.model(seed=9)}
    _, facts = digits.apply("soup", digits.teacher(), load=bad.get, files=["bad", "good"])
    assert facts["taken"] == [1], "an untrained model spoils it"
    with pytest.raises(BadInput, match=r"w\.h5 is of another architecture"):
        digits.apply("soup", digits.teacher(), load=lambda _: digits.model(filters=4), files=["a/w.h5"])


def test_a_soup_without_validation_data_keeps_some_apart() -> None:
    data = digits.training_data()
    small = TrainingData(data.x[:100], data.y[:100], data.x[:0], data.y[:0])
    _, facts = soup.apply(
        digits.teacher(), small, soup.Settings(epochs=1, ingredients=2), digits.context(digits.teacher())
    )
    assert all(abs(score * 20 - round(score * 20)) < 1e-9 for score in facts["ingredients"])


@pytest.mark.parametrize("regularizer", ["group", "l1"])
def test_corad_terms_and_its_zeros(regularizer: Any) -> None:
    options: dict[str, Any] = {"regularizer": regularizer, "epochs": 6, "learning_rate": 5e-3}
    loose, before = digits.apply("corad", digits.teacher(), compactness=0.0, gamma=0.3, **options)
    tight, facts = digits.apply("corad", digits.teacher(), compactness=10.0, gamma=0.3, **options)
    total = facts["loss_labels"] + 10.0 * facts["loss_compactness"] + 0.3 * facts["loss_teacher"]
    assert abs(facts["loss"] - total) < 1e-4
    assert facts["compactness"] < 0.7 * before["compactness"]
    zeros = [sum(int((k == 0).sum()) for k in digits.kernels(m).values()) for m in (loose, tight)]
    assert zeros[1] > zeros[0]
    assert digits.accuracy(tight) > 0.8


def test_the_compactness_is_its_formula() -> None:
    import tensorflow as tf

    kernels = [np.random.default_rng(0).normal(size=s).astype(np.float32) for s in ((3, 3, 2, 4), (5, 6))]
    n = 3 * 3 * 2 * 4 + 5 * 6
    group = sum(np.sqrt(k.reshape(-1, k.shape[-1]).shape[0]) * np.linalg.norm(k.reshape(-1, k.shape[-1]), axis=0).sum()
                for k in kernels) / n  # fmt: skip
    variables = [tf.Variable(k) for k in kernels]
    assert abs(float(corad.compactness(variables, "group")) - group) < 1e-5
    assert abs(float(corad.compactness(variables, "l1")) - sum(np.abs(k).sum() for k in kernels) / n) < 1e-5


def test_clipq_leaves_few_values_and_zeros(tmp_path: Any) -> None:
    options: dict[str, Any] = {"clip": 0.6, "bits": 3, "epochs": 24, "learning_rate": 3e-3, "skip": ["depth"]}
    made, facts = digits.apply("clipq", digits.teacher(), every=2, **options)
    for name, kernel in digits.kernels(made).items():
        if "depth" not in name:
            assert len(np.unique(kernel)) <= 8 and abs((kernel == 0).mean() - 0.6) < 0.05
            told = facts["layers"][name.removesuffix(":0")]
            assert told == {"values": len(np.unique(kernel)), "zero_share": round(float((kernel == 0).mean()), 4)}
    assert digits.accuracy(made) > 0.85
    untrained, _ = digits.apply("clipq", digits.teacher(), **{**options, "epochs": 1, "learning_rate": 1e-12})
    assert digits.accuracy(made) > digits.accuracy(untrained), "it learns while it is clipped"
    short = {**options, "epochs": 1}
    one, two = (digits.apply("clipq", digits.teacher(), **short)[0].get_weights() for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


def test_codes_of_clipq() -> None:
    kernel = np.array([-4.0, -3.9, -1, -0.1, 0, 0.1, 1, 2, 3.9, 4.0], np.float32)
    codes = clipq.partition(kernel, 0.4, 2)
    assert (codes[3:6] == 0).all() and set(codes.tolist()) == {0, 1, 2, 3}
    values = clipq.means(kernel, codes)
    for code in (1, 2, 3):
        assert np.allclose(values[codes == code], kernel[codes == code].mean())
    assert (np.diff(values) >= 0).all()


def test_combined_keeps_every_schedule() -> None:
    options: dict[str, Any] = {"sparsity": 0.6, "clusters": 8, "rounding": True, "alpha": 0.5, "skip": ["depth"]}
    options |= {"epochs": 8, "learning_rate": 3e-3}
    made, facts = digits.apply("combined", digits.teacher(), **options)
    for name, kernel in digits.kernels(made).items():
        if "depth" not in name:
            assert abs((kernel == 0).mean() - 0.6) < 0.01 and len(np.unique(kernel)) <= 8
            told = facts["layers"][name.removesuffix(":0")]
            assert told == {"values": len(np.unique(kernel)), "zero_share": round(float((kernel == 0).mean()), 4)}
    assert facts["loss"] == pytest.approx(0.5 * facts["loss_labels"] + 0.5 * facts["loss_teacher"], abs=1e-4)
    assert digits.accuracy(made) > 0.85
    short = {**options, "epochs": 1, "distill_end": 0.0}
    (one, facts), (two, _) = (digits.apply("combined", digits.teacher(), **short) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(one.get_weights(), two.get_weights(), strict=True))
    assert facts["loss"] == pytest.approx(facts["loss_labels"], rel=0.1), "the teacher has but the first batch"


def test_schedules_of_combined() -> None:
    settings = combined.Settings(sparsity=0.8, prune_begin=0.2, prune_end=0.6, rounding=True)
    shares = [combined.sparsity_at(settings, done) for done in (0.0, 0.19, 0.2, 0.4, 0.6, 1.0)]
    assert shares == pytest.approx([0, 0, 0, 0.8 * 0.875, 0.8, 0.8])
    with pytest.raises(ValueError, match="give two or more"):
        combined.Settings(sparsity=0.8)
    with pytest.raises(ValueError, match="an end lies before its begin"):
        combined.Settings(sparsity=0.8, rounding=True, prune_begin=0.6, prune_end=0.2)
