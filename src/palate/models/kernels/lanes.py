"""Eight float32 numbers in one register, for compiled loops that numba leaves scalar.

Numba vectorises simple loops over long arrays. It cannot keep a block of sums in registers,
nor know that two rows of one array do not overlap, and so reaches a quarter of what dense
algebra allows. These few operations, compiled to whatever the processor has (AVX, SSE, NEON),
close that gap without a call of BLAS, whose own threads and locks stand in the way of ours.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import extending, types

__all__ = ["LANES", "above", "first_bit", "load", "multiply_add", "splat", "store", "total"]

LANES = 8

_VECTOR = ir.VectorType(ir.FloatType(), LANES)
_FUSED = ("contract",)  # a product and a sum may be rounded once
_intrinsic: Any = extending.intrinsic  # its annotations describe the decorated, not the called


class _Lanes(types.Type):
    """The type of such a register."""

    def __init__(self) -> None:
        super().__init__(name=f"float32x{LANES}")


_LANES = _Lanes()


@extending.register_model(_Lanes)
class _LanesModel(extending.models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _VECTOR)  # type: ignore[no-untyped-call]


def _is_matrix(array: Any) -> bool:
    return (
        isinstance(array, types.Array)
        and array.dtype == types.float32
        and array.ndim == 2
        and array.layout == "C"
    )


def _place(context: Any, builder: Any, kind: Any, array: Any, row: Any, column: Any) -> Any:
    """A pointer to eight numbers of a row, unaligned."""
    struct = context.make_array(kind)(context, builder, array)
    width = builder.extract_value(struct.shape, 1)
    at = builder.add(builder.mul(row, width), column)
    return builder.bitcast(builder.gep(struct.data, [at]), _VECTOR.as_pointer())


@_intrinsic
def load(_: Any, array: Any, row: Any, column: Any) -> Any:
    """`array[row, column:column + 8]` of a C-contiguous (n, m) float32; bounds are not checked."""
    if not _is_matrix(array):
        return None

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        loaded = builder.load(_place(context, builder, signature.args[0], *args))
        loaded.align = 4
        return loaded

    return _LANES(array, types.intp, types.intp), generate


@_intrinsic
def store(_: Any, array: Any, row: Any, column: Any, value: Any) -> Any:
    """`array[row, column:column + 8] = value`; bounds are not checked."""
    if not _is_matrix(array):
        return None

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = _place(context, builder, signature.args[0], *args[:3])
        builder.store(args[3], place).align = 4
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp, _LANES), generate


@_intrinsic
def splat(_: Any, number: Any) -> Any:
    """The float32 `number` eight times."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        nothing = ir.Constant(_VECTOR, ir.Undefined)
        first = builder.insert_element(nothing, args[0], ir.Constant(ir.IntType(32), 0))
        everywhere = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        return builder.shuffle_vector(first, nothing, everywhere)

    return _LANES(types.float32), generate


@_intrinsic
def multiply_add(_: Any, a: Any, b: Any, c: Any) -> Any:
    """A * b + c, number by number."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        product = builder.fmul(args[0], args[1], flags=_FUSED)
        return builder.fadd(product, args[2], flags=_FUSED)

    return _LANES(_LANES, _LANES, _LANES), generate


@_intrinsic
def total(_: Any, value: Any) -> Any:
    """The sum of the eight numbers, float32; halves are added to halves."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _halved(builder, args[0])

    return types.float32(_LANES), generate


@_intrinsic
def above(_: Any, value: Any, bound: Any) -> Any:
    """Which of the eight numbers exceed those of `bound`: bits of an int64; NaN never does."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        found = builder.fcmp_ordered(">", args[0], args[1])
        return builder.zext(builder.bitcast(found, ir.IntType(LANES)), ir.IntType(64))

    return types.int64(_LANES, _LANES), generate


@_intrinsic
def first_bit(_: Any, bits: Any) -> Any:
    """The place of the lowest bit of an int64 that is not 0."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.int64), generate


def _halved(builder: Any, vector: Any) -> Any:
    """The sum of eight numbers: the upper half added to the lower, three times."""
    width = LANES
    while width > 1:
        width //= 2
        index = ir.VectorType(ir.IntType(32), width)
        low = ir.Constant(index, list(range(width)))
        high = ir.Constant(index, list(range(width, 2 * width)))
        vector = builder.fadd(
            builder.shuffle_vector(vector, vector, low),
            builder.shuffle_vector(vector, vector, high),
        )
    return builder.extract_element(vector, ir.Constant(ir.IntType(32), 0))
