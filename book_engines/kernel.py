"""How kernels are compiled.

A kernel is called from Python and cached on disk; helpers are compiled into the kernels that call
them and have no wrapper for Python (half of the compile time). Numba looks only at a kernel's own
file to tell whether a cached kernel is current, so a kernel carries a digest of its module and all
that the module imports of its own package as a closure cell, which is part of the cache key.

`_nrt=False` leaves out reference counting: an atomic operation for each array that passes from
one kernel to the next. Such kernels allocate nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import CellType, FunctionType
from typing import Any, Final, TypeAlias, TypeVar

from numba import njit

Int: TypeAlias = Any
"""An integer inside a kernel: int64 when compiled, int or NumPy scalar when not."""

Function = TypeVar("Function", bound=Callable[..., Any])

_HELPER: Final = {
    "nogil": True,
    "error_model": "numpy",
    "_nrt": False,
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}

helper: Final = njit(**_HELPER)
inlined: Final = njit(**_HELPER, forceinline=True)


@cache
def _source_digest(package: str, folder: Path, module: str) -> str:
    """Return the SHA-256 of a module's source and of all of its package that it imports."""
    imports = re.compile(rf"^from {re.escape(package)}\.(\w+) import".encode(), re.MULTILINE)
    content = hashlib.sha256()
    waiting, seen = [module], {module}
    while waiting:
        source = (folder / f"{waiting.pop()}.py").read_bytes()
        content.update(source)
        imported = {name.decode() for name in imports.findall(source)} - seen
        waiting.extend(sorted(imported))
        seen |= imported
    return content.hexdigest()


def kernel(function: Function) -> Function:
    """Compile `function` on its first call, or load it from the cache of these very sources."""
    assert isinstance(function, FunctionType)
    package, _, module = function.__module__.rpartition(".")
    folder = Path(function.__code__.co_filename).parent
    sources = CellType(_source_digest(package, folder, module))
    code = function.__code__.replace(co_freevars=(*function.__code__.co_freevars, "_sources"))
    closure = (*(function.__closure__ or ()), sources)
    stamped = FunctionType(
        code, function.__globals__, function.__name__, function.__defaults__, closure
    )
    stamped.__module__ = function.__module__
    stamped.__qualname__ = function.__qualname__
    stamped.__doc__ = function.__doc__
    compiled = njit(cache=True, nogil=True, error_model="numpy", _nrt=False, no_cfunc_wrapper=True)
    return compiled(stamped)  # type: ignore[no-any-return]
