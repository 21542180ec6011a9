"""Where in a text the place is that makes it no template: the line, the column, and an excerpt with a mark below."""

from __future__ import annotations

import json
import re

from arbius_tui.domain.text import clean

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:]|-?Infinity|NaN')


class Odd(ValueError):
    """What json.loads would take and a template must not have: a `key` that stands twice, or a `constant` like NaN."""

    def __init__(self, key: str = "", constant: str = "") -> None:
        super().__init__(key or constant)
        self.key, self.constant = key, constant


def place(text: str, odd: Odd) -> int:
    """Where the constant, or the key for the second time, stands; 0 where it cannot be found."""
    objects: list[set[str]] = []
    last = 0
    for token in _TOKEN.finditer(text):
        word = token[0]
        if word in "{[":
            objects.append(set())
        elif word in "}]":
            objects = objects[:-1]
        elif word == ":" and objects and not odd.constant:
            key = _text(text[last : token.start()])
            if key == odd.key and key in objects[-1]:
                return last
            objects[-1].add(key)
        elif odd.constant and word == odd.constant:
            return token.start()
        last = token.start() if word[0] == '"' else last
    return 0


def _text(spelled: str) -> str:
    try:
        return str(json.loads(spelled))
    except ValueError:
        return spelled


def words(text: str, at: int) -> str:
    """The place as a person finds it: `at line 2, column 3`."""
    return f"at line {text.count(chr(10), 0, at) + 1}, column {at - text.rfind(chr(10), 0, at)}"


def excerpt(text: str, at: int) -> str:
    """The line that has the place, as much of it as fits, with a mark below."""
    start = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at)
    before = clean(text[max(start, at - 60) : at]).replace("\t", " ")
    after = clean(text[at : len(text) if end < 0 else end][:40]).replace("\t", " ")
    return f"{before}{after}\n{' ' * len(before)}^"
