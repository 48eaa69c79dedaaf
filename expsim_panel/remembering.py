"""Work that is done once for all cells that cannot tell: by what it has read of the numbers that move.

A map moves one or two numbers of a study a thousand times, and most of what a cell needs depends on one of them or
on neither. Which, nobody has to say: while a piece of work is done, every read of a number that has ever moved is
noted, and its result stands for all cells in which those numbers are the same. What comes first decides what is read
next, so that equal values of what was read make the same reads, and the same result.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Protocol, TypeVar

from expsim_panel.errors import InputError
from expsim_panel.sections import Section

T = TypeVar("T")

_MOST = 256
"""Results of a piece of work that are kept, the newest ones: more than an axis has levels, and few enough megabytes."""

_PIECES = 2048
"""Pieces of work that are known at a time; a map has a few dozen."""

_BY_VALUE = frozenset({float, int, bool, str, tuple, type(None)})
_READS = "_reads"


class Once(Protocol):
    """Calls a function, or returns what it returned before."""

    def __call__(self, function: Callable[..., T], /, *args: Any) -> T:
        """Return ``function(*args)``."""


def directly(function: Callable[..., T], /, *args: Any) -> T:
    """Call a function: the `Once` of those who work one thing out."""
    return function(*args)


class Memory:
    """What was worked out before of a study that is moved in place.

    Attributes
    ----------
    study : Section
        Its numbers are watched from here on; only through Params may they be changed.
    """

    def __init__(self, study: Section) -> None:
        self._known: dict[tuple[Any, ...], _Piece] = {}
        self._reading: list[_Reads] = []
        for section in _sections(study, set()):
            private = section._param__private
            private.values = _Still(private.values, self)

    def once(self, function: Callable[..., T], /, *args: Any) -> T:
        """Return ``function(*args)``, from memory where nothing that it reads is another than before.

        Parameters
        ----------
        function : callable
            Its result follows from its arguments and the study's numbers. Whoever gets it leaves it as it is.
        *args
            Sections and words are told apart by what they are, numbers by their value, arrays by being the same
            object, and frozen dataclasses by those fields that the function reads.

        Raises
        ------
        InputError
            Of the function; remembered as results are.
        """
        key = (function, *[one if _TOLD_APART[one.__class__] else one.__class__ for one in args])
        piece = self._known.get(key)
        if piece is None:
            if len(self._known) >= _PIECES:
                self._known.clear()  # of sections made anew for every cell
            piece = self._known[key] = _Piece()
        elif piece.idle >= _MOST:
            return function(*args)
        for kind in piece.kinds:
            found = kind.found.get(kind.at(args))
            if found is not None:
                piece.idle = -math.inf
                if self._reading:
                    self._reading[-1].slots.update(kind.reads.slots)
                break
        else:
            found = self._done(piece, function, args)
        if found.error is not None:
            raise found.error.with_traceback(None)
        value: T = found.value
        return value

    def _done(self, piece: _Piece, function: Callable[..., Any], args: tuple[Any, ...]) -> _Found:
        """Call a function, and remember what came of it among its other results."""
        reads = _Reads()
        piece.idle += 1
        seen = tuple(_watched(one, i, reads) for i, one in enumerate(args))
        self._reading.append(reads)
        error = value = None
        try:
            value = function(*seen)
        except InputError as refused:
            error = refused
        finally:
            self._reading.pop()
        # What hands back an argument means the one that it was given.
        value = next((one for one, other in zip(args, seen, strict=True) if other is value), value)
        if self._reading:
            self._reading[-1].slots.update(reads.slots)
        for kind in piece.kinds:
            if kind.reads == reads:
                break
        else:
            kind = _Kind(reads)
            piece.kinds.append(kind)
        if len(kind.found) >= _MOST:
            del kind.found[next(iter(kind.found))]
        found = kind.found[kind.at(args)] = _Found(value, error, args)
        return found

    def note(self, values: _Still, key: str) -> None:
        """Take down that a number is read that has moved."""
        if self._reading:
            self._reading[-1].slots[id(values), key] = values

    def forget(self) -> None:
        """Forget everything: a number moves for the first time, and who has read it before was not noted."""
        if self._reading:
            raise RuntimeError("what is remembered must not move the study")
        self._known.clear()


@dataclass(frozen=True)
class _Found:
    """A result or a refusal, and the arguments that it came of: while they are here, no other object has their id."""

    value: Any
    error: InputError | None
    args: tuple[Any, ...]


class _Reads:
    """What was read: `slots` of sections, and `parts` of arguments, which are an index and a field."""

    def __init__(self) -> None:
        self.slots: dict[tuple[int, str], _Still] = {}
        self.parts: dict[tuple[int, str], None] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Reads) and (self.slots.keys(), self.parts.keys()) == (
            other.slots.keys(), other.parts.keys()
        )  # fmt: skip

    __hash__ = None  # type: ignore[assignment]


class _Piece:
    """Results of one piece of work, by what it read.

    `idle` counts them until one is asked for again; where none ever is, as of what hangs on both axes, no more of
    them than an axis has levels are worth the trouble.
    """

    def __init__(self) -> None:
        self.kinds: list[_Kind] = []
        self.idle = 0.0


class _Kind:
    """Results that came of the same reads."""

    def __init__(self, reads: _Reads) -> None:
        self.reads = reads
        self.found: dict[tuple[Any, ...], _Found] = {}
        self._slots = [(values, key) for (_, key), values in reads.slots.items()]
        self._parts = list(reads.parts)

    def at(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return what there is now where the reads were."""
        made: list[Any] = []
        for values, key in self._slots:
            value = dict.__getitem__(values, key)
            made.append(tuple(value) if value.__class__ is list else value)
        for index, name in self._parts:
            value = getattr(args[index], name) if name else args[index]
            made.append(value if value.__class__ in _BY_VALUE else (id(value),))
        return tuple(made)


class _Still(dict[str, Any]):
    """Values of a section that has not moved; a number that does makes it a `_Moved` one."""

    __slots__ = ("memory", "moved")

    def __init__(self, values: dict[str, Any], memory: Memory) -> None:
        super().__init__(values)
        self.memory, self.moved = memory, set[str]()

    def __setitem__(self, key: str, value: Any) -> None:
        if key not in self.moved:
            self.memory.forget()
            self.moved.add(key)
            self.__class__ = _Moved
        super().__setitem__(key, value)

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        return {key: copy.deepcopy(self[key], memo) for key in self}

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, ([(key, self[key]) for key in self],)


class _Moved(_Still):
    """Values of a section of which some have moved: who reads those is noted."""

    __slots__ = ()

    def __getitem__(self, key: str) -> Any:
        if key in self.moved:
            self.memory.note(self, key)
        return dict.__getitem__(self, key)

    def get(self, key: str, default: Any = None) -> Any:
        try:
            return self[key]
        except KeyError:
            return default


def _sections(node: Any, met: set[int]) -> Iterator[Section]:
    """Yield every section within a study, whatever holds it."""
    if id(node) in met:
        return
    met.add(id(node))
    inside: list[Any] = []
    if isinstance(node, Section):
        yield node
        inside = [*(getattr(node, key) for key in node.fields()), *vars(node).values()]
    elif isinstance(node, list | tuple):
        inside = list(node)
    elif isinstance(node, dict):
        inside = list(node.values())
    elif is_dataclass(node) and not isinstance(node, type):
        inside = [getattr(node, one.name) for one in fields(node)]
    for one in inside:
        yield from _sections(one, met)


class _ToldApart(dict[type, bool]):
    """Whether arguments of a type are told apart by what they are."""

    def __missing__(self, kind: type) -> bool:
        return self.setdefault(kind, issubclass(kind, Section | str | None))


_TOLD_APART = _ToldApart()
_SEEN: dict[type, type] = {}


def _watched(arg: Any, index: int, reads: _Reads) -> Any:
    """Return an argument that takes down in `reads` what is read of it."""
    if _TOLD_APART[type(arg)]:
        return arg
    if not hasattr(arg, "__dataclass_fields__"):
        reads.parts[index, ""] = None
        return arg
    kind = type(arg)
    if kind not in _SEEN:
        _SEEN[kind] = _seen(kind)
    made: Any = object.__new__(_SEEN[kind])
    vars(made).update({name: value for name, value in vars(arg).items() if name != _READS})
    vars(made)[_READS] = index, reads
    return made


def _seen(kind: type) -> type:
    """Return a subclass of a dataclass whose objects take down which fields are read."""
    if kind.__name__.startswith("Seen "):
        return kind
    names = frozenset(one.name for one in fields(kind))

    def look(self: Any, name: str) -> Any:
        get = object.__getattribute__
        if name in names:
            asked = get(self, "__dict__").get(_READS)
            if asked is not None:
                asked[1].parts[asked[0], name] = None
        return get(self, name)

    return type(f"Seen {kind.__name__}", (kind,), {"__getattribute__": look})
