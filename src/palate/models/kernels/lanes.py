"""Several float32 numbers in one register, for compiled loops that numba leaves scalar.

Numba vectorises simple loops over long arrays. It cannot keep a block of sums in registers,
nor know that two rows of one array do not overlap, and so reaches a quarter of what dense
algebra allows. These few operations, compiled to whatever the processor has (AVX, SSE, NEON),
close that gap without a call of BLAS, whose own threads and locks stand in the way of ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from llvmlite import binding, ir  # type: ignore[import-untyped]  # it has no types
from numba import extending, types

__all__ = [
    "LANES",
    "above",
    "first_bit",
    "load",
    "multiply_add",
    "splat",
    "store",
    "store_four_totals",
    "total",
]

# As many as this machine's registers hold: 512 bits, or 256 (two registers of 128 elsewhere).
LANES = 16 if binding.get_host_cpu_features().get("avx512f") else 8

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
        super().__init__(manager, kind, _VECTOR)  # type: ignore[no-untyped-call]  # numba's


def _is_matrix(array: Any) -> bool:
    return (
        isinstance(array, types.Array)
        and array.dtype == types.float32
        and array.ndim == 2
        and array.layout == "C"
    )


def _place(context: Any, builder: Any, kind: Any, array: Any, row: Any, column: Any) -> Any:
    """A pointer to the numbers of a row from a column on, unaligned."""
    struct = context.make_array(kind)(context, builder, array)
    width = builder.extract_value(struct.shape, 1)
    at = builder.add(builder.mul(row, width), column)
    return builder.gep(struct.data, [at])


def _whole(builder: Any, place: Any) -> Any:
    """The same as a pointer to a register's content."""
    return builder.bitcast(place, _VECTOR.as_pointer())


@_intrinsic
def load(_: Any, array: Any, row: Any, column: Any) -> Any:
    """`array[row, column:column + LANES]` of a C-contiguous (n, m) float32, unchecked."""
    if not _is_matrix(array):
        return None

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = _place(context, builder, signature.args[0], *args)
        loaded = builder.load(_whole(builder, place))
        loaded.align = 4
        return loaded

    return _LANES(array, types.intp, types.intp), generate


@_intrinsic
def store(_: Any, array: Any, row: Any, column: Any, value: Any) -> Any:
    """`array[row, column:column + LANES] = value`; bounds are not checked."""
    if not _is_matrix(array):
        return None

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = _place(context, builder, signature.args[0], *args[:3])
        builder.store(args[3], _whole(builder, place)).align = 4
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp, _LANES), generate


@_intrinsic
def splat(_: Any, number: Any) -> Any:
    """The float32 `number` in all lanes."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        nothing = ir.Constant(_VECTOR, ir.Undefined)
        first = builder.insert_element(nothing, args[0], ir.Constant(ir.IntType(32), 0))
        return builder.shuffle_vector(first, nothing, _lanes([0] * LANES))

    return _LANES(types.float32), generate


@_intrinsic
def multiply_add(_: Any, a: Any, b: Any, c: Any) -> Any:
    """A * b + c, lane by lane."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        product = builder.fmul(args[0], args[1], flags=_FUSED)
        return builder.fadd(product, args[2], flags=_FUSED)

    return _LANES(_LANES, _LANES, _LANES), generate


@_intrinsic
def total(_: Any, value: Any) -> Any:
    """The sum of all lanes, float32; halves are added to halves."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        one = _halved(builder, args[0], 1)
        return builder.extract_element(one, ir.Constant(ir.IntType(32), 0))

    return types.float32(_LANES), generate


@_intrinsic
def above(_: Any, value: Any, bound: Any) -> Any:
    """Which lanes exceed those of `bound`: bits of an int64; NaN never does."""

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


@_intrinsic
def store_four_totals(
    _: Any, array: Any, row: Any, column: Any, a: Any, b: Any, c: Any, d: Any
) -> Any:
    """`array[row, column:column + 4]` = the sums of all lanes of a, b, c and d."""
    if not _is_matrix(array):
        return None

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        # Pairs are merged before they are added: half the work of four sums.
        first = _merged(builder, *(_halved(builder, x, 4) for x in args[3:5]))
        second = _merged(builder, *(_halved(builder, x, 4) for x in args[5:7]))
        found = _merged(builder, first, second)
        place = _place(context, builder, signature.args[0], *args[:3])
        builder.store(found, builder.bitcast(place, found.type.as_pointer())).align = 4
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp, *[_LANES] * 4), generate


def _halved(builder: Any, vector: Any, width: int) -> Any:
    """The upper half of the lanes added to the lower, until `width` are left."""
    while vector.type.count > width:
        half = vector.type.count // 2
        low, high = _lanes(range(half)), _lanes(range(half, 2 * half))
        vector = builder.fadd(
            builder.shuffle_vector(vector, vector, low),
            builder.shuffle_vector(vector, vector, high),
        )
    return vector


def _merged(builder: Any, a: Any, b: Any) -> Any:
    """Sums of neighbours, four lanes: those of a, then those of b."""
    even, odd = _lanes((0, 2, 4, 6)), _lanes((1, 3, 5, 7))
    return builder.fadd(builder.shuffle_vector(a, b, even), builder.shuffle_vector(a, b, odd))


def _lanes(places: Iterable[int]) -> Any:
    """Which lanes a shuffle takes."""
    chosen = list(places)
    return ir.Constant(ir.VectorType(ir.IntType(32), len(chosen)), chosen)
