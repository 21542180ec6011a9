"""The template: the JSON file that is hashed, pinned and registered, and that tells every miner what a task may say.

Its exact bytes decide the CID and the model id, so a template keeps the bytes it was read from, and looking at it
changes nothing. `canonical` is the one way this product writes a template: compact, one final newline, meta, input,
output, then keys we do not know in their order. Unknown keys and the spelling of numbers (1.0, 1e3, 9007199254740993)
survive the round trip.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, NoReturn, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from arbius_tui.domain import cid, json_faults
from arbius_tui.domain.errors import TemplateInvalid
from arbius_tui.domain.json_faults import Odd
from arbius_tui.domain.text import clean, exact_bytes

MAX_BYTES = 65_536
"""The engine refuses longer content with `Max content size is 65536 bytes` (IPFS.sol, in every version)."""
MAX_DEPTH = 64
"""Levels of objects and arrays in one another; the deepest template known has four."""
LEVELS = 500
"""Levels of brackets that are read at all."""
_STRINGS, _BRACKETS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL), re.compile(r"[][{}]")
INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1
"""Miners accept an int only where `value === (value | 0)` holds in JavaScript."""

_BOM = b"\xef\xbb\xbf"
_SURROGATE = re.compile("[\ud800-\udfff]")
ORDER = ("meta", "input", "output")
"""The keys of canonical form that come first."""


class Spelled(float):
    """A JSON number that Python would write in another way; `spelling` is how the author wrote it."""

    __slots__ = ("spelling",)
    spelling: str

    def __new__(cls, spelling: str) -> Spelled:
        """Read the number from its spelling."""
        number = super().__new__(cls, spelling)
        number.spelling = spelling
        return number

    def __repr__(self) -> str:
        return self.spelling

    def __reduce__(self) -> tuple[type[Spelled], tuple[str]]:
        return Spelled, (self.spelling,)


def _or(default: Any) -> WrapValidator:
    """A field that reads a value of the wrong type as its default: to name wrong types is lint's business."""

    def tolerant(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
        try:
            return read(value)
        except ValidationError:
            return default

    return WrapValidator(tolerant)


_Text = Annotated[str, _or("")]
_Number = Annotated[int | float | None, _or(None)]


class _View(BaseModel):
    """A typed look at one object of the template; what is not known of it is in `extras`."""

    model_config = ConfigDict(strict=True, frozen=True, extra="allow")

    @property
    def extras(self) -> Mapping[str, Any]:
        """Keys of the object that have no field here."""
        return self.model_extra or {}


class Meta(_View):
    """`meta`: what is said of the model as a whole. A missing or mistyped value is empty, `version` None."""

    title: _Text = ""
    description: _Text = ""
    git: _Text = ""
    docker: _Text = ""
    version: _Number = None


class Input(_View):
    """A row of `input`: one variable that a task may set.

    `type` is one of string, int, decimal, string_enum, int_enum where the template is right. `default` is whatever
    the file says; ask `model_fields_set` whether it says anything.
    """

    variable: _Text = ""
    type: _Text = ""
    required: Annotated[bool, _or(False)] = False
    default: Any = None
    choices: Annotated[tuple[Any, ...], Field(strict=False), _or(())] = ()
    min: _Number = None
    max: _Number = None
    description: _Text = ""


class Output(_View):
    """A row of `output`: the name of a file the model makes, and image, video, audio or text."""

    filename: _Text = ""
    type: _Text = ""


_V = TypeVar("_V", bound=_View)


@dataclass(frozen=True)
class Template:
    """A template and the exact bytes it was read from; two templates are equal when their bytes are.

    `document` is the parsed JSON and must not be changed: `Template.of` makes a new template from a changed copy.
    """

    data: bytes = field(repr=False)
    document: Mapping[str, Any] = field(compare=False)

    @classmethod
    def parse(cls, data: bytes) -> Template:
        """Read a template; TemplateInvalid unless it is one JSON object that the engine would take.

        Codes: empty, too-big, bom, not-utf8, not-json, duplicate-key, nan, nested-too-deep, not-an-object. Whether
        the object is a good template is for `lint.lint` to say.
        """
        _check_size(data)
        return cls.read(data)

    @classmethod
    def read(cls, data: bytes) -> Template:
        """`parse` for bytes of any size: an edit may make a file too big for a while, and lint says so."""
        return cls(data, _loads(_decode(data)))

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Template:
        """The canonical template of a document; of any size, so that a draft that grew too big can be shown."""
        _check_depth(document)
        read = _loads(written(ordered(document)))
        return cls(_bytes(read), read)

    def canonical(self) -> bytes:
        """The bytes this product would write: compact, UTF-8, meta, input, output first, one final newline."""
        return _bytes(self.document)

    @property
    def size(self) -> int:
        """How many bytes the file has; the engine takes at most MAX_BYTES."""
        return len(self.data)

    @cached_property
    def cid(self) -> str:
        """The CIDv0 of the exact bytes."""
        return cid.cid(self.data)

    @cached_property
    def multihash(self) -> str:
        """The CID as the engine keeps it, `0x1220..`."""
        return cid.multihash(self.data)

    @cached_property
    def meta(self) -> Meta:
        """The typed view of `meta`."""
        return _view(Meta, self.document.get("meta"))

    @cached_property
    def inputs(self) -> tuple[Input, ...]:
        """The typed rows of `input`; what is not an object is an empty row, so that positions stay."""
        return tuple(_view(Input, row) for row in _rows(self.document.get("input")))

    @cached_property
    def outputs(self) -> tuple[Output, ...]:
        """The typed rows of `output`."""
        return tuple(_view(Output, row) for row in _rows(self.document.get("output")))


def _rows(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else ()


def _view(kind: type[_V], value: Any) -> _V:
    """A typed view. Keys with half a surrogate pair are left out: JSON can hold them, pydantic cannot."""
    known = value if isinstance(value, dict) else {}
    return kind.model_validate({key: part for key, part in known.items() if not _SURROGATE.search(key)})


def _check_size(data: bytes) -> None:
    if len(data) > MAX_BYTES:
        _refuse(
            "too-big",
            f"the template has {exact_bytes(len(data))}, the engine takes at most {exact_bytes(MAX_BYTES)}",
            "registering it would revert with `Max content size is 65536 bytes`",
            "shorten descriptions, or write it compact with `arbius-tui template draft`",
        )


def _decode(data: bytes) -> str:
    """The bytes as text, or why they cannot be a template."""
    if not data.strip():
        _refuse("empty", "the template is empty", "the engine would register the CID of nothing", "choose another file")
    if data.startswith(_BOM):
        _refuse(
            "bom",
            "the template begins with a byte order mark",
            "JSON must not have one, and miners would fail to read the file",
            "save it as UTF-8 without BOM",
        )
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        _refuse(
            "not-utf8",
            f"the template is not UTF-8: byte {error.start:,} is 0x{data[error.start]:02x}",
            "JSON is UTF-8, and miners would fail to read the file",
            "save it as UTF-8",
        )


def _loads(text: str) -> dict[str, Any]:
    """One JSON object, without duplicate keys, with the spelling of its numbers."""
    try:
        value = value_of(text)
    except json.JSONDecodeError as error:
        what = f"the template is not JSON: {clean(error.msg)} {json_faults.words(text, error.pos)}"
        fix = "mend that place; a comma too many is the usual cause"
        _refuse("not-json", what, "miners read it as JSON", fix, json_faults.excerpt(text, error.pos))
    except Odd as odd:
        _refuse_odd(text, odd)
    except RecursionError:
        _refuse_depth()
    if not isinstance(value, dict):
        what = f"the template is {_name(value)}, not an object"
        _refuse("not-an-object", what, "miners look for meta, input and output in it", "put it into { }")
    _check_depth(value)
    return value


def value_of(text: str) -> Any:
    """Any JSON text as a value, with the spelling of its numbers; what `json.loads` raises, or Odd."""
    if _deep(text):
        raise RecursionError
    return json.loads(text, parse_int=_integer, parse_float=_real, parse_constant=_constant, object_pairs_hook=_object)


def _deep(text: str) -> bool:
    """Whether the brackets stand in more levels than can be read.

    Python's own guard counts up to a limit that any package may lift (py-evm does); then its reader runs out of stack.
    """
    if text.count("{") + text.count("[") <= LEVELS:
        return False
    level = 0
    for mark in _BRACKETS.findall(_STRINGS.sub("", text)):
        level += 1 if mark in "[{" else -1
        if level > LEVELS:
            return True
    return False


def _integer(spelling: str) -> int | Spelled:
    """An integer; one that Python would not write the same way (-0, thousands of digits) keeps its spelling."""
    if spelling == "-0" or len(spelling) > 1000:
        return Spelled(spelling)
    return int(spelling)


def _real(spelling: str) -> float | Spelled:
    number = float(spelling)
    return number if repr(number) == spelling else Spelled(spelling)


def _constant(name: str) -> NoReturn:
    raise Odd(constant=name)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    twice = Counter(key for key, _ in pairs)
    raise Odd(next(key for key in found if twice[key] > 1))


def _refuse_odd(text: str, odd: Odd) -> NoReturn:
    """What Python's JSON takes and other readers do not, with its place."""
    at = json_faults.place(text, odd)
    where, detail = json_faults.words(text, at), json_faults.excerpt(text, at)
    if odd.constant:
        _refuse_number(f"{odd.constant} {where}", detail)
    shown = clean(odd.key).replace("\n", " ")[:80]
    what = f"the key `{shown}` stands twice in one object of the template, again {where}"
    _refuse("duplicate-key", what, "readers differ in which of the two they take", "remove one of them", detail)


def _refuse_number(what: str, detail: str = "") -> NoReturn:
    why = "JavaScript refuses it"
    _refuse("nan", f"the template has {what}, which is not a JSON number", why, "write a number", detail)


def _check_depth(document: Mapping[str, Any]) -> None:
    level: list[Any] = [document]
    for _ in range(MAX_DEPTH):
        level = [child for value in level for child in _children(value)]
    if any(isinstance(value, Mapping | list | tuple) for value in level):
        _refuse_depth()


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list | tuple) else ()


def _refuse_depth() -> NoReturn:
    _refuse(
        "nested-too-deep",
        f"the template has more than {MAX_DEPTH} objects and arrays in one another",
        "programs that read it may crash on that",
        "a template needs four levels; take the rest out",
    )


def ordered(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with its keys in the order of canonical form."""
    return {key: document[key] for key in (*ORDER, *document) if key in document}


def _bytes(document: Mapping[str, Any]) -> bytes:
    """Half a surrogate pair, which UTF-8 cannot hold, is written as the JSON escape it was read from."""
    return (written(ordered(document)) + "\n").encode("utf-8", "backslashreplace")


def written(value: Any) -> str:
    """A value as compact JSON. Our own writer: json.dumps writes a float subclass as Python spells the float."""
    match value:
        case Spelled():
            return value.spelling
        case Mapping():
            return "{" + ",".join(f"{_string(key)}:{written(part)}" for key, part in value.items()) + "}"
        case list() | tuple():
            return "[" + ",".join(map(written, value)) + "]"
        case str():
            return _string(value)
        case float() if value - value != 0:
            _refuse_number(str(value))
        case _:
            return json.dumps(value)


def _string(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _name(value: object) -> str:
    names = {list: "an array", str: "a string", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def _refuse(code: str, what: str, why: str, fix: str, detail: str = "") -> NoReturn:
    raise TemplateInvalid(code, what, why=why, fix=fix, detail=detail)
