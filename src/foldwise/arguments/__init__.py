"""What the arguments of public functions may be, and what they are taken for."""

from foldwise.arguments.checking import checked

__all__ = ["checked"]
