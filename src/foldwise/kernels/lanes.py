"""Lanes: a number type that is a vector of doubles, one gene in each.

A tile of genes advances together, lane by lane, and no lane sees another: a gene's sums run in sample order in its
own lane, so its digits depend neither on its neighbours nor on how wide the vectors are. Operators may be
contracted (multiply-add), never reassociated. FOLDWISE_LANES sets the width; any gives the same bits. 16
are several registers on every processor: while one waits for a result, the next is at work.

``formula`` turns a Python function over ``Vector`` into one operation of the kernels. The function runs while the
kernel is compiled and leaves its arithmetic in the machine code; so formulas are written once, as formulas, and cost
the compiler little.
"""

from __future__ import annotations

import inspect
import operator
import os
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

from foldwise.arrays import FloatArray
from foldwise.kernels._kept import LANES_VARIABLE

WIDTH = int(os.environ.get(LANES_VARIABLE, "16"))
DOUBLE, INT = ir.DoubleType(), ir.IntType(64)
VECTOR, INTS = ir.VectorType(DOUBLE, WIDTH), ir.VectorType(INT, WIDTH)
CONTRACT = ("contract",)


class LanesType(types.Type):
    def __init__(self) -> None:
        super().__init__(name=f"Lanes{WIDTH}")


lanes = LanesType()


@register_model(LanesType)
class LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, fe_type: Any) -> None:
        super().__init__(manager, fe_type, VECTOR)


class Vector:
    """A vector while a kernel is being compiled: operators append instructions."""

    __slots__ = ("builder", "value")

    def __init__(self, builder: Any, value: Any) -> None:
        self.builder, self.value = builder, value

    def lift(self, other: Vector | float) -> Vector:
        if isinstance(other, Vector):
            return other
        return Vector(self.builder, ir.Constant(VECTOR, [float(other)] * WIDTH))

    def _with(self, name: str, other: Vector | float, swap: bool = False) -> Vector:
        a, b = (self.lift(other), self) if swap else (self, self.lift(other))
        return Vector(self.builder, getattr(self.builder, name)(a.value, b.value, flags=CONTRACT))

    def __add__(self, other: Vector | float) -> Vector:
        return self._with("fadd", other)

    def __sub__(self, other: Vector | float) -> Vector:
        return self._with("fsub", other)

    def __mul__(self, other: Vector | float) -> Vector:
        return self._with("fmul", other)

    def __truediv__(self, other: Vector | float) -> Vector:
        return self._with("fdiv", other)

    def __radd__(self, other: float) -> Vector:
        return self._with("fadd", other, swap=True)

    def __rsub__(self, other: float) -> Vector:
        return self._with("fsub", other, swap=True)

    def __rmul__(self, other: float) -> Vector:
        return self._with("fmul", other, swap=True)

    def __rtruediv__(self, other: float) -> Vector:
        return self._with("fdiv", other, swap=True)

    def _compare(self, sign: str, other: Vector | float) -> Mask:
        return Mask(self.builder, self.builder.fcmp_ordered(sign, self.value, self.lift(other).value))

    def __lt__(self, other: Vector | float) -> Mask:
        return self._compare("<", other)

    def __le__(self, other: Vector | float) -> Mask:
        return self._compare("<=", other)

    def __gt__(self, other: Vector | float) -> Mask:
        return self._compare(">", other)

    def equals(self, other: Vector | float) -> Mask:
        return self._compare("==", other)

    def is_nan(self) -> Mask:
        return Mask(self.builder, self.builder.fcmp_unordered("uno", self.value, self.value))

    def where(self, mask: Mask, other: Vector | float) -> Vector:
        """This where the mask holds, ``other`` elsewhere."""
        return Vector(self.builder, self.builder.select(mask.value, self.value, self.lift(other).value))

    def at_least(self, other: Vector | float) -> Vector:
        """The larger of both; NaN stays NaN."""
        other = self.lift(other)
        return other.where(self < other, self)

    def bits(self) -> Bits:
        return Bits(self.builder, self.builder.bitcast(self.value, INTS))


class Mask:
    """True or false in every lane."""

    __slots__ = ("builder", "value")

    def __init__(self, builder: Any, value: Any) -> None:
        self.builder, self.value = builder, value

    def __and__(self, other: Mask) -> Mask:
        return Mask(self.builder, self.builder.and_(self.value, other.value))

    def __or__(self, other: Mask) -> Mask:
        return Mask(self.builder, self.builder.or_(self.value, other.value))

    def __invert__(self) -> Mask:
        return Mask(self.builder, self.builder.not_(self.value))

    def ones(self) -> Vector:
        """1 where it holds, 0 elsewhere."""
        return Vector(self.builder, self.builder.uitofp(self.value, VECTOR))


class Bits:
    """The bits of a vector, as integers."""

    __slots__ = ("builder", "value")

    def __init__(self, builder: Any, value: Any) -> None:
        self.builder, self.value = builder, value

    def _with(self, name: str, other: Bits | int) -> Bits:
        if isinstance(other, int):
            other = Bits(self.builder, ir.Constant(INTS, [other] * WIDTH))
        return Bits(self.builder, getattr(self.builder, name)(self.value, other.value))

    def __add__(self, other: Bits | int) -> Bits:
        return self._with("add", other)

    def __sub__(self, other: Bits | int) -> Bits:
        return self._with("sub", other)

    def __and__(self, other: Bits | int) -> Bits:
        return self._with("and_", other)

    def __or__(self, other: Bits | int) -> Bits:
        return self._with("or_", other)

    def __rshift__(self, other: int) -> Bits:
        return self._with("lshr", other)

    def __lshift__(self, other: int) -> Bits:
        return self._with("shl", other)

    def vector(self) -> Vector:
        return Vector(self.builder, self.builder.bitcast(self.value, VECTOR))


def square_root(x: Vector) -> Vector:
    function = cgutils.get_or_insert_function(
        x.builder.module, ir.FunctionType(VECTOR, [VECTOR]), f"llvm.sqrt.v{WIDTH}f64"
    )
    return Vector(x.builder, x.builder.call(function, [x.value]))


def absolute(x: Vector) -> Vector:
    return (x.bits() & 0x7FFFFFFFFFFFFFFF).vector()


def _spread(builder: Any, scalar: Any) -> Any:
    one = builder.insert_element(ir.Constant(VECTOR, ir.Undefined), scalar, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), None)
    return builder.shuffle_vector(one, ir.Constant(VECTOR, ir.Undefined), zeros)


def _vectors(builder: Any, values: Any, kinds: Any) -> list[Any]:
    return [_vector(builder, value, kind) for value, kind in zip(values, kinds, strict=True)]


def _vector(builder: Any, value: Any, kind: Any) -> Vector | tuple[Vector, ...]:
    if isinstance(kind, types.UniTuple):
        return tuple(Vector(builder, part) for part in cgutils.unpack_tuple(builder, value))
    return Vector(builder, value if kind == lanes else _spread(builder, value))


def formula(function: Callable[..., Any]) -> Any:
    """Make a function of vectors (returning a vector, or a tuple of them) an operation of the kernels.

    Its arguments may be lanes, tuples of lanes, or single numbers there.
    """

    def typed(typingctx: Any, *arguments: Any) -> Any:
        outputs = _count_outputs(function, arguments)
        answer = lanes if outputs == 1 else types.UniTuple(lanes, outputs)

        def codegen(context: Any, builder: Any, sig: Any, values: Any) -> Any:
            result = function(*_vectors(builder, values, sig.args))
            if outputs == 1:
                return result.value
            return context.make_tuple(builder, sig.return_type, [part.value for part in result])

        kept = (lanes, *(a for a in arguments if isinstance(a, types.UniTuple)))
        return answer(*(a if a in kept else types.float64 for a in arguments)), codegen

    typed.__name__ = typed.__qualname__ = function.__name__
    typed.__doc__ = function.__doc__
    typed.__module__ = function.__module__
    own = inspect.signature(function).parameters.values()
    typed.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter("typingctx", inspect.Parameter.POSITIONAL_OR_KEYWORD), *own]
    )
    return intrinsic(typed)


@cache
def _count_outputs(function: Callable[..., Any], kinds: tuple[Any, ...]) -> int:
    """Try the formula on a function that is thrown away."""
    scratch = ir.Function(ir.Module(), ir.FunctionType(ir.VoidType(), []), "scratch")
    builder = ir.IRBuilder(scratch.append_basic_block())
    zero = Vector(builder, ir.Constant(VECTOR, [0.0] * WIDTH))
    result = function(*((zero,) * kind.count if isinstance(kind, types.UniTuple) else zero for kind in kinds))
    return len(result) if isinstance(result, tuple) else 1


for _operator, _name in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):

    @infer_global(_operator)
    class _Template(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            if len(args) == 2 and lanes in args and all(a in (lanes, types.float64) for a in args):
                return signature(lanes, *args)
            return None

    def _lower(context: Any, builder: Any, sig: Any, args: Any, name: str = _name) -> Any:
        a, b = _vectors(builder, args, sig.args)
        return getattr(builder, name)(a.value, b.value, flags=CONTRACT)

    for _kinds in ((lanes, lanes), (lanes, types.float64), (types.float64, lanes)):
        lower_builtin(_operator, *_kinds)(_lower)


@intrinsic
def spread(typingctx, number):  # type: ignore[no-untyped-def]
    """One number in every lane."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        return _spread(builder, args[0])

    return lanes(types.float64), codegen


def _address(context: Any, builder: Any, kind: Any, array: Any, row: Any) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    at = builder.gep(data, [builder.mul(row, ir.Constant(INT, WIDTH))])
    return builder.bitcast(at, VECTOR.as_pointer())


def load_row(context: Any, builder: Any, kind: Any, array: Any, row: Any) -> Any:
    """While a kernel is being compiled: a row of an array as lanes."""
    value = builder.load(_address(context, builder, kind, array, row))
    value.align = 8
    return value


def store_row(context: Any, builder: Any, kind: Any, array: Any, row: Any, value: Any) -> None:
    """While a kernel is being compiled: lanes into a row of an array."""
    builder.store(value, _address(context, builder, kind, array, row)).align = 8


@intrinsic
def load(typingctx, array, row):  # type: ignore[no-untyped-def]
    """Row of a C-contiguous (n, WIDTH) array as lanes."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        return load_row(context, builder, sig.args[0], *args)

    return lanes(array, types.intp), codegen


@intrinsic
def store(typingctx, array, row, value):  # type: ignore[no-untyped-def]
    """Put lanes into a row of a C-contiguous (n, WIDTH) array."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        store_row(context, builder, sig.args[0], *args)
        return context.get_dummy_value()

    return types.none(array, types.intp, lanes), codegen


def tile(rows: int) -> FloatArray:
    """(rows, WIDTH) scratch, aligned to a cache line."""
    raw = np.zeros(rows * WIDTH + 8)
    skip = (-raw.ctypes.data // 8) % 8
    return raw[skip : skip + rows * WIDTH].reshape(rows, WIDTH)
