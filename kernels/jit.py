"""The only place that compiles: flags, cache directory, dispatch on parameter types."""

from __future__ import annotations

import functools
import hashlib
import inspect
import os
import platform
import shutil
import sys
import tempfile
import time
import types as python_types
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

import llvmlite
import llvmlite.binding as llvm
import numba
import numpy as np
import platformdirs
from numba.core import config as numba_config
from numba.core import types
from numba.core.caching import IndexDataCacheFile
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.registry import CPUDispatcher
from numba.core.typing.templates import AbstractTemplate, infer_global

F = TypeVar("F", bound=Callable[..., Any])

_HERE = Path(__file__).resolve().parent
_KEEP_DAYS = 30


def _source_folders() -> list[Path]:
    """Return the folders whose Python files hold compiled code: the kernels and the plug-ins."""
    package = Path(sys.modules["expsim_panel"].__file__ or "").resolve().parent
    return [_HERE, package / "policies", package / "designs"]


_foreign: list[bytes] = []
_compiled: list[Any] = []


def _digest() -> str:
    """Name the machine code by everything it depends on.

    Numba does not notice an edited callee in another file (numba issue 1833), so the cache of one
    version of the sources must never be read by another.
    """
    seen = hashlib.sha256()
    for folder in _source_folders():
        for path in sorted(folder.glob("*.py")):
            seen.update(path.name.encode())
            seen.update(path.read_bytes())
    for source in _foreign:
        seen.update(source)
    parts = (numba.__version__, np.__version__, llvmlite.__version__, sys.version, platform.machine())
    seen.update("|".join(parts).encode())
    return seen.hexdigest()[:16]


def _cache_directory() -> str:
    """Return a writable folder for machine code; a temporary one where no user cache can be written."""
    wanted = os.environ.get("EXPSIM_CACHE_DIR")
    roots = [Path(wanted)] if wanted else [Path(platformdirs.user_cache_dir("expsim_panel"))]
    roots.append(Path(tempfile.gettempdir()) / f"expsim_panel-{os.getuid() if hasattr(os, 'getuid') else 'user'}")
    for root in roots:
        home = root / "kernels"
        folder = home / _digest()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError:
            continue
        _prune(home, folder)
        return str(folder)
    return tempfile.mkdtemp(prefix="expsim_panel-kernels-")


def _prune(home: Path, current: Path) -> None:
    """Remove machine code of other versions that nobody used for a month."""
    os.utime(current)
    for folder in home.iterdir():
        if folder != current and folder.is_dir() and time.time() - folder.stat().st_mtime > _KEEP_DAYS * 86400:
            shutil.rmtree(folder, ignore_errors=True)


CACHE_DIRECTORY = _cache_directory()


def _adopt(function: Callable[..., Any]) -> None:
    """Give machine code that involves a plug-in from outside this package a cache of its own.

    Its types are pickled into Numba's index; in the common cache they would break every process that
    cannot import the plug-in's module, and its source is not part of the common digest.
    """
    global CACHE_DIRECTORY
    _foreign.append(f"{function.__module__}\n{inspect.getsource(sys.modules[function.__module__])}".encode())
    CACHE_DIRECTORY = _cache_directory()
    before = numba_config.CACHE_DIR
    numba_config.CACHE_DIR = CACHE_DIRECTORY
    try:
        for dispatcher in _compiled:
            _cache(dispatcher)
    finally:
        numba_config.CACHE_DIR = before


class _OwnNames(IndexDataCacheFile):  # type: ignore[misc]
    """Machine code on disk under names of its own: processes that save at once may lose an entry, never mix two.

    Numba numbers the files by the index it has just read; two processes that compile one kernel for two policies at
    the same moment would give both the same number, and a third would load the one's code for the other.
    """

    def save(self, key: Any, data: Any) -> None:
        """Save an entry: its file first, then the index that names it."""
        name = f"{self._index_name.removesuffix('.nbi')}.{uuid.uuid4().hex}.nbc"
        self._save_data(name, data)
        self._save_index(self._load_index() | {key: name})


def _cache(dispatcher: Any) -> None:
    """Let a dispatcher keep its machine code in Numba's current cache directory."""
    dispatcher.enable_caching()
    old = getattr(dispatcher._cache, "_cache_file", None)
    if old is not None:
        base = old._index_name.removesuffix(".nbi")
        dispatcher._cache._cache_file = _OwnNames(old._cache_path, base, old._source_stamp)


class _Ingredients(JITCodeLibrary):  # type: ignore[misc]
    """What is left of an inlined function: its body for those it is inlined into, without machine code of its own.

    Numba optimises every function in full and makes machine code of it. Here each function stands in all that it is
    inlined into, which are optimised again: of a policy's compilation a fifth went into code that never ran.
    """

    _final_module: Any

    def _optimize_final_module(self) -> None:
        """Simplify a little, so that what is inlined at several places is small; the caller does the rest."""
        code = self.codegen
        cheap = {"loop_vectorize": code._loopvect, "slp_vectorize": False, "opt": code._opt_level, "cost": "cheap"}
        passes, builder = code._module_pass_manager(**cheap)
        passes.run(self._final_module, builder)

    def _finalize_final_module(self) -> None:
        """Keep the body for callers; make machine code of what Numba sets from outside, the environment's pointer."""
        whole = self._final_module
        self._finalize_dynamic_globals()
        self._verify_declare_only_symbols()
        self._finalized = True
        self._get_module_for_linking()
        kept = [str(one) for one in whole.global_variables if one.name.startswith("_ZN08NumbaEnv")]
        head = f'target datalayout = "{whole.data_layout}"\ntarget triple = "{whole.triple}"\n'
        self._final_module = llvm.parse_assembly(head + "\n".join(kept))
        self._final_module.name = whole.name
        super()._finalize_final_module()


class _InlinedCompiler(Compiler):  # type: ignore[misc]
    """Compile into `_Ingredients`."""

    def compile_extra(self, func: Callable[..., Any]) -> Any:
        """Compile `func`."""
        self.state.library = _Ingredients(self.state.targetctx.codegen(), func.__qualname__)
        self.state.library.enable_object_caching()
        return super().compile_extra(func)


class _Inlined(CPUDispatcher):  # type: ignore[misc]
    """A function that is inlined into kernels; called from Python it is a kernel of its own."""

    @functools.cached_property
    def alone(self) -> Callable[..., Any]:
        """The same function with machine code that Python can call, under another name: caches go by the name."""
        own = self.py_func
        copy = python_types.FunctionType(own.__code__, own.__globals__, own.__name__, own.__defaults__, own.__closure__)
        copy.__module__, copy.__qualname__ = own.__module__, f"{own.__qualname__}_alone"
        return _compile(copy, inline=False)

    def __call__(self, *args: Any) -> Any:
        """Run it, compiled at the first call."""
        return self.alone(*args)


def _compile(function: F, inline: bool) -> F:
    if numba_config.DISABLE_JIT:
        return function
    before = numba_config.CACHE_DIR
    numba_config.CACHE_DIR = CACHE_DIRECTORY
    try:
        # Spelled out for kernels too: a callee without the flag would inherit its caller's. No function of ours is
        # handed to C, nor called from Python if it is inlined: the compiler would copy it into a wrapper for each.
        flags = {"forceinline": inline, "_nrt": not inline, "no_cfunc_wrapper": True, "no_cpython_wrapper": inline}
        options = {"nopython": True, "nogil": True, "error_model": "numpy", **flags}
        if inline:
            made = _Inlined(function, targetoptions=options, pipeline_class=_InlinedCompiler)
        else:
            made = CPUDispatcher(function, targetoptions=options)
        _cache(made)
    finally:
        numba_config.CACHE_DIR = before
    _compiled.append(made)
    return cast(F, made)


def kernel(function: F) -> F:
    """Compile `function` for the nopython mode, without the GIL, cached on disk.

    ``error_model="numpy"``: a division by zero gives inf or nan as in NumPy, never an exception in a
    loop that holds no GIL. No ``fastmath`` (nan is a signal), no ``parallel`` (blocks run on threads).
    """
    return _compile(function, inline=False)


def inner(function: F) -> F:
    """Compile like `kernel`, inlined into the caller and without counting references.

    For what runs once per simulated day: counting the references of every array that such a function is
    given costs more than its work (Thompson sampling: 19 ms against 8 ms per block, measured). The caller
    holds the arrays; an inner function may not create any (Numba then says that the NRT is required).
    """
    return _compile(function, inline=True)


class Generic(Protocol):
    """A function whose body is chosen by the type of its first argument."""

    def __call__(self, *args: Any) -> Any:
        """Run the body registered for ``type(args[0])``."""

    def register(self, cls: type) -> Callable[[F], F]:
        """Register the decorated function as the body for parameters of type `cls`."""


def generic(signature: Callable[..., Any]) -> Generic:
    """Make `signature` (whose body never runs) a function whose body is chosen by the type of its first argument."""
    return _dispatch(signature, None)


def generic_or(signature: F) -> Generic:
    """Make `signature` such a function too, with its own body for every type that registers none."""
    return _dispatch(signature, inner(signature))


def _choose_while_compiling(call: Callable[..., Any], body_for: Callable[[type], Any]) -> None:
    """Let compiled code call the body that belongs to the type of the first argument, as if by its name.

    An `overload` would do the same through a function in between, made anew for every type and not cached:
    each stands for another pass of the compiler over everything below it (a sixth of the time it takes, measured).
    """

    class Chosen(AbstractTemplate):  # type: ignore[misc]
        key = call

        def __init__(self, context: Any) -> None:
            super().__init__(context)
            self._found: dict[Any, Any] = {}

        def generic(self, args: Any, kws: Any) -> Any:
            body = body_for(getattr(args[0], "instance_class", type(None)))
            if body is None:
                return None
            chosen = types.Dispatcher(body)
            signature: Any = chosen.get_call_type(self.context, args, kws)
            self._found[signature.args] = chosen.get_overload(signature)
            return signature

        def get_impl_key(self, signature: Any) -> Any:
            return self._found[signature.args]

    infer_global(call, types.Function(Chosen))


def _dispatch(signature: Callable[..., Any], otherwise: Callable[..., Any] | None) -> Generic:
    """Make a function whose body is chosen by the type of its first argument.

    That argument is a NamedTuple of parameters. Inside compiled code the choice is made while compiling
    and costs nothing; with the JIT off it is a dictionary look-up. The NamedTuple classes must stand at
    module level: machine code is cached under their name. Register a body with ``signature.register(Class)``.
    """
    table: dict[type, Callable[..., Any]] = {}

    @functools.wraps(signature)
    def call(params: Any, *args: Any) -> Any:
        body = table[type(params)] if otherwise is None else table.get(type(params), otherwise)
        return body(params, *args)

    def register(cls: type) -> Callable[[F], F]:
        def decorate(function: F) -> F:
            if not cls.__module__.startswith("expsim_panel."):
                _adopt(function)
            table[cls] = inner(function)
            return cast(F, table[cls])

        return decorate

    _choose_while_compiling(call, lambda cls: table.get(cls, otherwise))
    call.register = register  # type: ignore[attr-defined]
    return cast(Generic, call)
