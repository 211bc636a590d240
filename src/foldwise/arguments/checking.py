"""``@checked``: a public function whose arguments are looked at. What each may be is said in ``kinds``."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from foldwise.arguments.given import Rows, by_name, plain
from foldwise.arguments.kinds import ARGUMENTS, PLAIN, RANGES, Kind, is_plain, is_text
from foldwise.errors import OptionError
from foldwise.options import unknown_option

Function = TypeVar("Function", bound=Callable[..., Any])
LONGEST = 60  # letters of a value in a message


def checked(function: Function) -> Function:
    """A public function whose arguments are looked at: are they known, and is each of its kind?

    Raises
    ------
    OptionError
        For an option that is not there (which was probably meant; R's spellings are recognised), too many arguments
        by position, or a value of the wrong kind: which argument, what was given, what is allowed.
    """
    parameters = inspect.signature(function).parameters
    by_position = [name for name, p in parameters.items() if p.kind is p.POSITIONAL_OR_KEYWORD]
    takes_any = {p.kind for p in parameters.values()} & {inspect.Parameter.VAR_KEYWORD}
    name = function.__name__ if function.__name__ != "__init__" else function.__qualname__.split(".")[-2]
    own = [option for option, p in parameters.items() if not _is_receiver(p)]

    @functools.wraps(function)
    def looked_at(*args: Any, **options: Any) -> Any:
        if len(args) > len(by_position):
            raise OptionError(_too_many(name, args, parameters))
        for option in () if takes_any else options:
            if option not in parameters:
                raise OptionError(unknown_option(name, option, own))
        if twice := next((option for option in by_position[: len(args)] if option in options), None):
            raise OptionError(
                f"{name}() got {twice} twice, by position and as {twice}=.{_as_in_r(name, args, options)}"
            )
        seen = [_looked_at(function, name, *pair, parameters) for pair in zip(by_position, args, strict=False)]
        return function(*seen, **{o: _looked_at(function, name, o, value, parameters) for o, value in options.items()})

    return looked_at  # type: ignore[return-value]


def _looked_at(function: Any, called: str, name: str, value: Any, parameters: Mapping[str, Any]) -> Any:
    """The value, in the form that functions expect (``given``).

    Raises
    ------
    OptionError
        If it is not of the argument's kind.
    """
    if name in parameters and value is parameters[name].default:
        return value
    kinds = _kinds(function, called, name)
    value = plain(value, _rows_of(function, name))
    if any(kind.by_name for kind in kinds):
        value = by_name(value)
    if isinstance(value, float) and value.is_integer() and any(kind.whole for kind in kinds):
        value = int(value)  # 1e3
    if kinds and not any(kind.holds(value) for kind in kinds):
        words = ", or ".join(dict.fromkeys(kind.words for kind in kinds))
        advice = next(filter(None, (kind.advice(value) for kind in kinds)), "")
        raise OptionError(f"{name} must be {words}; got {_shown(value)}.{advice}")
    return value


def _rows_of(function: Any, name: str) -> Rows:
    """What names the rows of another library's table: functions that read files look for that themselves."""
    if any(word in str(function.__annotations__.get(name, "")) for word in ("PathLike", "TranscriptMap")):
        return "numbered"
    return "unique" if name == "samples" else "first"


@functools.cache
def _kinds(function: Any, called: str, name: str) -> tuple[Kind, ...]:
    """The kinds that an argument may be of; none where anything may be meant."""
    for key in (f"{called}.{name}", name):
        if key in ARGUMENTS:
            kind = ARGUMENTS[key]
            optional = name in (p := inspect.signature(function).parameters) and p[name].default is None
            return () if kind is None else (kind, PLAIN[type(None)]) if optional else (kind,)
    annotation = function.__annotations__.get(name, "Any")
    try:
        meant = eval(annotation, function.__globals__) if isinstance(annotation, str) else annotation
    except (NameError, TypeError):  # a name that is imported for type checkers only
        return ()
    members = get_args(meant) if get_origin(meant) in (Union, types.UnionType) else (meant,)
    number = RANGES.get(f"{called}.{name}", RANGES.get(name))
    kinds = [_kind_of(member, number) for member in members]
    return tuple(kind for kind in kinds if kind) if all(kinds) else ()


def _kind_of(member: Any, number: Kind | None) -> Kind | None:
    if get_origin(member) is Literal:
        choices = get_args(member)
        return Kind(f"one of {', '.join(map(repr, choices))}", lambda value: is_plain(value) and value in choices)
    if member in (int, float) and number is not None:
        return number
    return PLAIN.get(get_origin(member) or member)


def _shown(value: Any) -> str:
    if shape := getattr(value, "shape", None):
        return f"{type(value).__name__} of shape {shape}"
    text = " ".join(repr(value).split())
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _too_many(name: str, args: Sequence[Any], parameters: Mapping[str, inspect.Parameter]) -> str:
    places = [n for n, p in parameters.items() if p.kind is p.POSITIONAL_OR_KEYWORD and not _is_receiver(p)]
    others = [f"{n}=" for n, p in parameters.items() if p.kind is p.KEYWORD_ONLY]
    number = len(args) - sum(map(_is_receiver, parameters.values()))
    by_name = f"; by name {', '.join(others[:8])}{', …' if len(others) > 8 else ''}" if others else ""
    takes = f"{', '.join(places) or 'nothing'}{by_name}"
    return f"{name}() got {number} arguments by position; it takes {takes}.{_as_in_r(name, args, {})}"


def _is_receiver(parameter: inspect.Parameter) -> bool:
    """What stands before the dot: ``fit.results()``."""
    return parameter.name == "self" or parameter.annotation == "Fit"


def _as_in_r(name: str, args: Sequence[Any], options: Mapping[str, Any]) -> str:
    """R's order is counts, samples, design."""
    given = [*args, *options.values()]
    formula = next((a for a in given if is_text(a) and a.lstrip().startswith("~")), None)
    if formula is None or not any(hasattr(a, "columns") for a in given):
        return ""
    return f' The design comes second and the table of samples by name: {name}(counts, "{formula}", samples=samples).'
