"""Removal of what must never be written: the key, and whatever tells whose account it is."""

from __future__ import annotations

import re
from typing import Any, Final

HIDDEN: Final = "***"
_ACCOUNT_FIELDS: Final = frozenset({"urls", "url", "user_id", "bill_id", "api_key", "key"})
_URL: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://\S+")


class Secret:
    """A text that shows itself only when it is asked for."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text."""
        return self._text

    def redact(self, text: str) -> str:
        """Return `text` without the secret."""
        return text.replace(self._text, HIDDEN)

    def __repr__(self) -> str:
        return HIDDEN

    __str__ = __repr__

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("a secret is not pickled")


def without_account(document: Any) -> Any:
    """Return a JSON document without account fields and without any URL."""
    if isinstance(document, dict):
        return {
            name: without_account(value)
            for name, value in document.items()
            if name not in _ACCOUNT_FIELDS
        }
    if isinstance(document, list):
        return [without_account(value) for value in document]
    if isinstance(document, str):
        return _URL.sub(HIDDEN, document)
    return document
