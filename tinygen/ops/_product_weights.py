"""The kernels of fully connected layers whose weights are product quantized: their calls, what they save and take."""

from __future__ import annotations

from dataclasses import replace

from ..graph.ir import Graph, Op, constant
from ._packed_weights import Emit
from ._product import Product, products
from .base import Const, Constant, Kernel, LayerCode, Scratch


def product_kernels(emit: Emit, sizes: dict[int, int]) -> tuple[Kernel, ...]:
    """The variants of the dense call that `emit` makes, by the bits of a code.

    `sizes` are the most bytes of each one's function on any core.
    """
    names = {4: "matmul_product_s8", 8: "matmul_product8_s8"}
    return tuple(_kernel(names[bits], bits, size, emit) for bits, size in sizes.items())


def _kernel(name: str, bits: int, size: int, emit: Emit) -> Kernel:
    def emit_product(graph: Graph, op: Op) -> LayerCode:
        found = _product(graph, op, bits)
        assert found is not None, "supports() comes first"
        return _call(emit(graph, op), f"tg_{name}", found, scratch=bits == 4)

    def saves(graph: Graph, op: Op) -> int:
        found = _product(graph, op, bits)
        return graph.input(op, 1).nbytes - found.nbytes if found else 0

    def scratch_bytes(graph: Graph, op: Op) -> int:
        """Of codes of 4 bits: a sum for each codeword of a book, and one for each output."""
        found = _product(graph, op, bits)
        return 4 * (found.books.shape[1] + graph.input(op, 1).shape[0]) if found and bits == 4 else 0

    return Kernel(
        name, "matmul_product.h", emit_product, supports=lambda graph, op: _product(graph, op, bits) is not None,
        scratch_bytes=scratch_bytes, saves=saves, parts=((f"tg_{name}", size),),
    )  # fmt: skip


def _product(graph: Graph, op: Op, bits: int) -> Product | None:
    w = graph.input(op, 1)
    symmetric = w.quant is not None and not any(w.quant.zero_points)
    return products(constant(w).reshape(w.shape[0], -1)).get(bits) if symmetric else None


def _call(dense: LayerCode, function: str, found: Product, scratch: bool) -> LayerCode:
    """The dense call with the weights' constant and argument replaced by codes and books."""
    _, codewords, length = found.books.shape
    constants = (Constant("weights", "uint8_t", found.codes), Constant("books", "int8_t", found.books))
    rest = [c for c in dense.constants if c.name != "weights"]
    at = dense.args.index(Const("weights")) + 1
    middle = (Const("books"), length, codewords, found.share, *((Scratch(),) if scratch else ()))
    args = (*dense.args[:at], *middle, *dense.args[at:])
    return replace(dense, function=function, constants=(*constants, *rest), args=args)
