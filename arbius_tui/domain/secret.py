"""A secret: a value that never shows itself."""

from __future__ import annotations


class Secret:
    """Holds a private key or a password; its repr, str and format are opaque, and it cannot be pickled or compared."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself; call it as late as possible and keep the answer in no attribute."""
        return self._value

    def __len__(self) -> int:
        return len(self._value)

    def __repr__(self) -> str:
        return "<secret>"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "<secret>"

    def __reduce__(self) -> str:
        raise TypeError("a secret is never pickled")
