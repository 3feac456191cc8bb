"""A refusal that sends to TFLite Micro is true: the reference runs that operator on that type, in that form."""

from __future__ import annotations

from dataclasses import replace

import draw as d
import numpy as np
import pytest
import test_algebra_refusals as algebra
import test_refusals as refusals
from build_tflite import Node, T, build
from cases import ORACLE, Case, one_op
from tflm_forms import ELSEWHERE, FORMS, TYPES, UNCHECKED, S, ones, q, w

from tinygen.errors import BadInput
from tinygen.frontend.importer import import_tflite
from tinygen.graph.tflm import BUILTIN, runs
from tinygen.ops import operators
from tinygen.ops.lowering import lower


def test_every_operator_is_tried() -> None:
    assert FORMS.keys() | UNCHECKED | ELSEWHERE == set(BUILTIN)


@pytest.mark.parametrize("kind", sorted(FORMS))
def test_types_are_those_that_the_reference_runs(kind: str) -> None:
    cases = {dtype: ones(FORMS[kind](dtype)) for dtype in TYPES}
    ran = [dtype for dtype, case in cases.items() if ORACLE.run(case.model, case.samples()[:1]) is not None]
    assert ran == [dtype for dtype in TYPES if runs(kind, dtype)]


def refused() -> list[tuple[str, Case]]:
    """What a file can say that we refuse, and operators and types that we lack."""
    found = [(f"{kind} on {t}", ones(form(t))) for kind, form in FORMS.items() for t in TYPES]
    return [*refusals.hostile(), *algebra.hostile(), *found]


def refusal(case: Case) -> BadInput | None:
    try:
        lower(import_tflite(case.model, "case"), frozenset())
    except BadInput as error:
        return error
    return None


def test_a_hint_that_names_tflm_is_true() -> None:
    sent = []
    for name, case in refused():
        error = refusal(case)
        if error is not None and "--runtime tflm" in error.hint:
            assert ORACLE.run(case.model, case.samples()[:1], len(case.outputs)) is not None, (name, error.line)
            sent.append(name)
    assert len(sent) > 40


def test_operators_that_we_lack_are_sent_there() -> None:
    """Where TFLM has what we lack, the refusal says so."""
    for kind in sorted(FORMS.keys() - operators().keys()):
        for dtype in ("int8", "float32"):
            error = refusal(ones(FORMS[kind](dtype)))
            assert error is not None and f"operator {kind} is not supported" in error.what
            assert ("--runtime tflm" in error.hint) == runs(kind, dtype)


@pytest.mark.parametrize(
    ("kind", "dtype", "told"),
    [
        ("GELU", "int8", "writes it in operators that TensorFlow Lite Micro has"),
        ("EXP", "int8", "writes it in operators that TensorFlow Lite Micro has"),
        ("SELECT", "int8", "writes it in operators that TensorFlow Lite Micro has"),
        ("WHILE", "float32", "unroll=True in the recurrent layer"),
        ("CONV_3D", "float32", "use 2D layers"),
        ("TOPK_V2", "int8", "End the model before it"),
        ("POW", "float32", "x * x"),
        ("STABLEHLO_ADD", "int8", "Convert with TensorFlow Lite's own operators"),
        ("ADD", "uint8", "convert again with TensorFlow 2"),
        ("ADD", "int64", "TensorFlow Lite Micro has no ADD on int64 either"),
    ],
)
def test_other_ways_out(kind: str, dtype: str, told: str) -> None:
    error = refusal(one_op(kind, [q(S, dtype)] * (2 if kind == "ADD" else 1), q(S, dtype)))
    assert error is not None and error.what.startswith("t") and kind in error.what
    assert told in error.hint and "--runtime" not in error.hint


@pytest.mark.parametrize(
    ("code", "told", "hint"),
    [
        ("FlexErf", "custom operator FlexErf is not supported", "without SELECT_TF_OPS"),
        ("Mine\n\x1b[31m own", "custom operator Mine___31m_own is not supported", "Replace the layer"),
        ("SignalRfft", "custom operator SignalRfft is not supported", "--runtime tflm runs it."),
        ("", "a custom operator without a name is not supported", "Replace the layer"),
    ],
)
def test_custom_operators_are_named_by_their_code(code: str, told: str, hint: str) -> None:
    from ai_edge_litert import schema_py_generated as schema
    from flatbuffers import Builder

    plain = build([q(S, "int8"), q(S, "int8")], [Node("CUSTOM", (0,), (1,))], (0,), (1,))
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(bytearray(plain), 0))
    model.operatorCodes[0].customCode = code.encode()
    builder = Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    with pytest.raises(BadInput) as error:
        import_tflite(bytes(builder.Output()), "case")
    assert told in error.value.line and hint in error.value.hint


def test_weights_that_alone_are_quantized() -> None:
    x, y = T((1, 4), "float32"), T((1, 3), "float32")
    case = one_op("FULLY_CONNECTED", [x, w((3, 4), "int8")], y, "FullyConnectedOptions")
    error = refusal(case)
    assert error is not None and "The weights alone are quantized" in error.hint
    assert ORACLE.run(case.model, case.samples()[:1]) is None


@pytest.mark.parametrize("dtype", ["float16", "int4"])
def test_types_that_no_back_end_holds(dtype: str) -> None:
    wide = T((1, 4), "float32", data=np.ones((1, 4), np.float32))
    case = one_op("DEQUANTIZE", [replace(wide, dtype=dtype)], replace(wide, data=None))
    for supported_only in (True, False):
        with pytest.raises(BadInput, match=f"t1: operator DEQUANTIZE on {dtype} is not supported.*Hint"):
            import_tflite(case.model, "case", supported_only=supported_only)


def test_float_convolutions_are_told_by_their_type() -> None:
    error = refusal(FORMS["CONV_2D"]("float32"))
    assert error is not None and "CONV_2D on float32 in this form is not supported, only on int16, int8" in error.what
    assert error.hint.endswith("makes it int8; --runtime tflm runs it in float32.")


def test_an_island_that_is_not_defined_everywhere() -> None:
    """The logarithm of an int8 tensor, which always holds 0."""
    x, y = d.q8(S, 0.1, -128), d.q8(S, 0.1, 0)
    kinds = ("DEQUANTIZE", "LOG", "QUANTIZE")
    nodes = [Node(kind, (i,), (i + 1,)) for i, kind in enumerate(kinds)]
    case = Case((x, T(S, "float32"), T(S, "float32"), y), tuple(nodes), (0,), (3,))
    error = refusal(case)
    assert error is not None and "add a constant before it. --runtime tflm runs it in float32." in error.hint
