"""What a kernel tells the compiler and the processor beforehand; no hint changes a result."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload
from numpy.typing import NDArray

from book_engines.kernel import Int

CACHE_LINE: Final = 64


def unlikely(condition: Any) -> bool:
    """Return whether `condition` holds, which it seldom does.

    The code for it is laid out away from the path of all other records, which then takes fewer
    lines of the instruction cache.
    """
    return bool(condition)


def prefetch(entries: NDArray[Any], slot: Int) -> None:
    """Ask the processor to fetch an entry that a later record will need; changes nothing."""


@intrinsic  # type: ignore[untyped-decorator]
def _expect_false(_typing: Any, condition: Any) -> Any:  # noqa: ARG001
    signature = types.boolean(types.boolean)

    def generate(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        bit = ir.IntType(1)
        call = builder.module.globals.get("llvm.expect.i1") or ir.Function(
            builder.module, ir.FunctionType(bit, [bit, bit]), "llvm.expect.i1"
        )
        return builder.call(call, [args[0], bit(0)])

    return signature, generate


@intrinsic  # type: ignore[untyped-decorator]
def _prefetch(_typing: Any, entries: Any, slot: Any) -> Any:  # noqa: ARG001
    signature = types.void(entries, types.int64)

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        array = context.make_array(sig.args[0])(context, builder, args[0])
        byte = ir.IntType(8).as_pointer()
        word = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
        call = builder.module.globals.get("llvm.prefetch.p0") or ir.Function(
            builder.module, kind, "llvm.prefetch.p0"
        )
        pointer = builder.bitcast(builder.gep(array.data, [args[1]]), byte)
        for offset in range(0, context.get_abi_sizeof(array.data.type.pointee), CACHE_LINE):
            line = builder.gep(pointer, [word(offset)])
            # read access, as no other core has a line; highest temporal locality; data cache
            builder.call(call, [line, word(0), word(3), word(1)])
        return context.get_dummy_value()

    return signature, generate


@overload(unlikely)
def _jit_unlikely(condition: Any) -> Any:  # noqa: ARG001
    def implementation(condition: Any) -> bool:
        return _expect_false(bool(condition))  # type: ignore[no-any-return, call-arg]

    return implementation


@overload(prefetch)
def _jit_prefetch(entries: Any, slot: Any) -> Any:  # noqa: ARG001
    def implementation(entries: Any, slot: Any) -> None:
        _prefetch(entries, np.int64(slot))

    return implementation
