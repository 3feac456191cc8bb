"""The C of generated small graphs after every pass equals the reference, tolerance 0, under the sanitizers."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import cases
import draw as d
import native
import numpy as np
import pytest
from build_tflite import Node, T, const
from cases import Case, generate
from hypothesis import strategies as st

from tinygen.frontend.importer import import_tflite
from tinygen.graph.ir import Graph
from tinygen.graph.verify import verify
from tinygen.passes import optimize
from tinygen.passes.order import least_memory_order

pytestmark = [pytest.mark.needs_cc, pytest.mark.needs_tflm]


class Net:
    """Grows a model layer by layer on tensors of 4 dimensions."""

    def __init__(self, draw: Any, x: T) -> None:
        self.draw, self.tensors, self.nodes = draw, [x], []
        self.live = [0]

    def constant(self, t: T) -> int:
        self.tensors.append(t)
        return len(self.tensors) - 1

    def layer(self, kind: str, inputs: tuple[int, ...], y: T, options: str = "", **fields: Any) -> int:
        self.tensors.append(replace(y, data=None))
        out = len(self.tensors) - 1
        self.nodes.append(Node(kind, inputs, (out,), options, fields))
        self.live.append(out)
        return out

    def still(self, x: int) -> None:
        """A layer that only moves bytes, or none: views, transpositions."""
        t = self.tensors[x]
        kind = self.draw(st.sampled_from(("RESHAPE", "TRANSPOSE", "QUANTIZE", "SAME")))
        if kind == "RESHAPE":
            self.layer(kind, (x,), replace(t, shape=tuple(self.draw(st.permutations(t.shape)))), "ReshapeOptions")
        elif kind == "SAME":
            self.layer("RESHAPE", (x,), t, "ReshapeOptions")
        elif kind == "QUANTIZE":
            y = t if self.draw(st.booleans()) else replace(t, scales=(self.draw(d.scales(-4, 0)),))
            self.layer(kind, (x,), y, "QuantizeOptions")
        else:
            order = list(self.draw(st.permutations(range(4))))
            y = replace(t, shape=tuple(t.shape[i] for i in order))
            self.layer(kind, (x, self.constant(const(order))), y, "TransposeOptions")

    def moved_constant(self, x: int) -> None:
        """x plus a constant that is transposed or reshaped first."""
        t = self.tensors[x]
        order = list(self.draw(st.permutations(range(4))))
        back = tuple(int(i) for i in np.argsort(order))
        values = np.random.default_rng(self.draw(d.seeds)).integers(-128, 128, [t.shape[i] for i in back])
        source = replace(t, shape=values.shape, data=values.astype(np.int8))
        c, o = self.constant(source), self.constant(const(order))
        moved = self.layer("TRANSPOSE", (c, o), t, "TransposeOptions")
        self.live.remove(moved)
        self.layer("ADD", (x, moved), replace(t, zero_points=(self.draw(d.zero_points),)), "AddOptions")

    def convolution(self, x: int) -> None:
        """A PAD of any kind, perhaps read twice, then a convolution."""
        t, draw = self.tensors[x], self.draw
        kernel = tuple(draw(st.integers(1, 3)) for _ in range(2))
        dilation = tuple(1 if draw(st.integers(0, 2)) else 2 for _ in range(2))
        stride = tuple(draw(st.integers(1, 2)) for _ in range(2)) if dilation == (1, 1) else (1, 1)
        reach = [(k - 1) * n + 1 for k, n in zip(kernel, dilation)]
        beyond = draw(st.integers(0, 3)) == 0
        pads = [[0, 0], *([draw(st.integers(0, r - 1 + beyond)) for _ in range(2)] for r in reach), [0, 0]]
        if draw(st.integers(0, 5)) == 0:
            pads[3] = [0, 1]
        padded = replace(t, shape=tuple(n + a + b for n, (a, b) in zip(t.shape, pads)))
        inputs = [x, self.constant(const(pads))]
        if draw(st.booleans()):
            value = t.zero_points[0] if draw(st.integers(0, 2)) else draw(st.integers(-128, 127))
            inputs.append(self.constant(replace(t, shape=(1,), data=np.array([value], np.int8))))
        p = self.layer("PADV2" if len(inputs) > 2 else "PAD", tuple(inputs), padded)
        if draw(st.integers(0, 3)):
            self.live.remove(p)
        depthwise, same = draw(st.booleans()), draw(st.booleans())
        if not same and any(r > n for r, n in zip(reach, padded.shape[1:3])):
            return
        out = [
            -(-n // s) if same else (n + s - r) // s for n, s, r in zip(padded.shape[1:3], stride, reach)
        ]  # fmt: skip
        channels = padded.shape[3]
        filters = channels * draw(st.integers(1, 2)) if depthwise else draw(st.integers(1, 3))
        shape = (1, *kernel, filters) if depthwise else (filters, *kernel, channels)
        w = draw(d.weights(shape, 3 if depthwise else 0))
        b = self.constant(d.bias(padded, w, filters, draw(d.seeds)))
        y = d.q8((t.shape[0], *out, filters), d.output_scale(padded, w, kernel[0] * kernel[1], 0), draw(d.zero_points))
        fields = {
            "padding": 0 if same else 1, "strideH": stride[0], "strideW": stride[1], "dilationHFactor": dilation[0],
            "dilationWFactor": dilation[1],
        }  # fmt: skip
        if depthwise:
            fields["depthMultiplier"] = filters // channels
        kind, options = ("DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions") if depthwise else ("CONV_2D", "Conv2DOptions")
        self.layer(kind, (p, self.constant(w), b), y, options, **fields)

    def join(self, x: int) -> None:
        """x added to another tensor of its shape."""
        t = self.tensors[x]
        others = [i for i in self.live if self.tensors[i].shape == t.shape and i != x]
        if others:
            self.layer("ADD", (x, self.draw(st.sampled_from(others))), t, "AddOptions")


@st.composite
def nets(draw: st.DrawFn) -> Case:
    shape = (1, draw(st.integers(1, 5)), draw(st.integers(1, 5)), draw(st.integers(1, 3)))
    net = Net(draw, d.q8(shape, draw(d.scales(-6, 0)), draw(d.zero_points)))
    for _ in range(draw(st.integers(1, 9))):
        grow = draw(
            st.sampled_from((net.still, net.convolution, net.still, net.join, net.moved_constant, net.convolution))
        )
        if np.prod(net.tensors[net.live[-1]].shape) <= 400:
            grow(draw(st.one_of(st.just(net.live[-1]), st.sampled_from(net.live))))
    written = [i for i in net.live if i]
    outputs = sorted({written[-1], *draw(st.lists(st.sampled_from(written), max_size=2))}) if written else []
    if not outputs:
        outputs = [net.layer("RELU", (0,), net.tensors[0])]
    return Case(tuple(net.tensors), tuple(net.nodes), (0,), tuple(outputs), draw(d.seeds))


def test_every_output_keeps_its_bits(tmp_path: Path) -> None:
    """What the passes did is counted, so that the test means something."""
    gone: Counter[str] = Counter()
    moved = padded = 0
    runnable: list[tuple[Case, Graph, Any]] = []
    for case in generate(nets(), 300):
        expected = cases.ORACLE.run(case.model, case.samples(), len(case.outputs))
        assert expected is not None, case
        plain = import_tflite(case.model, "case")
        graph = optimize(plain)
        verify(graph)
        ordered = least_memory_order(graph)
        moved += ordered is not graph
        padded += sum(getattr(op.attrs, "around_h", 0) not in (0, (0, 0)) for op in graph.ops)
        gone += Counter(op.kind for op in plain.ops) - Counter(op.kind for op in graph.ops)
        runnable.append((case, ordered, expected))
    for start in range(0, len(runnable), cases.MAX_INPUTS // 2):
        chunk = runnable[start : start + cases.MAX_INPUTS // 2]
        results = native.run([g for _, g, _ in chunk], [c.samples() for c, _, _ in chunk], tmp_path / f"{start}")
        for (case, _, expected), got in zip(chunk, results):
            for number, (wanted, found) in enumerate(zip(expected, got)):
                for want, have in zip(wanted, found):
                    assert want.reshape(-1).tolist() == have.reshape(-1).tolist(), (number, str(case))
    assert min(gone[kind] for kind in ("PAD", "PADV2", "TRANSPOSE", "RESHAPE", "QUANTIZE")) > 15
    assert padded > 15 and moved > 5, (padded, moved)
