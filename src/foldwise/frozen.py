"""``@unchangeable``: a frozen class that says so in words."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any, NoReturn, TypeVar

Class = TypeVar("Class", bound=type)


def unchangeable(cls: Class) -> Class:
    """A frozen dataclass with slots whose every attribute, properties too, refuses to be set with the same words.

    Python's own check names another class than the one with slots, and fails on properties with
    "super(type, obj): obj must be an instance or subtype of type".
    """

    def refuse(self: Any, name: str, value: Any = None) -> NoReturn:
        raise FrozenInstanceError(
            f"A {cls.__name__} never changes: its {name!r} cannot be set. Make a new one instead."
        )

    cls.__setattr__ = cls.__delattr__ = refuse  # type: ignore[method-assign, assignment]
    return cls
