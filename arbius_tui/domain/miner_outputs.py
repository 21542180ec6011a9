"""A model's output against what today's miners can read, named for each of them.

Three clients are known: the published TypeScript miner (an array of exactly one data URL whose type matches
`data:word/word;base64,`), gobius (an array of exactly one, from which it cuts the prefix of a PNG; for its language
models one text that is no list), and kasumi-3 (an array or a text). Miners name the file themselves.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

from arbius_tui.domain.errors import Severity
from arbius_tui.domain.finding import Edit, Finding, diff, found, with_patch
from arbius_tui.domain.predictor import Predictor
from arbius_tui.domain.predictor_types import OutputType
from arbius_tui.domain.python_source import PythonFile
from arbius_tui.domain.seed_flow import Flow

READ_BY_MINERS = re.compile(r"data:\w+/\w+;base64,")
MIMES: Mapping[str, tuple[str, ...]] = {
    ".png": ("image/png",), ".jpg": ("image/jpeg",), ".jpeg": ("image/jpeg",), ".webp": ("image/webp",),
    ".gif": ("image/gif",), ".mp4": ("video/mp4",), ".webm": ("video/webm",), ".mov": ("video/quicktime",),
    ".mp3": ("audio/mpeg",), ".flac": ("audio/flac", "audio/x-flac"), ".ogg": ("audio/ogg",), ".txt": ("text/plain",),
    ".json": ("application/json",), ".svg": ("image/svg+xml",), ".wav": ("audio/wav", "audio/x-wav"),
    ".m4a": ("audio/m4a", "audio/mp4"), ".mkv": ("video/x-matroska",), ".avi": ("video/x-msvideo",),
    ".zip": ("application/zip",), ".tar": ("application/x-tar",), ".gz": ("application/gzip", "None"),
    ".ply": ("application/octet-stream", "None"), ".npy": ("application/octet-stream", "None"),
    ".safetensors": ("application/octet-stream", "None"), ".obj": ("model/obj", "None"), ".glb": ("model/gltf-binary",),
    ".stl": ("model/stl", "None"), ".bin": ("application/octet-stream",), ".pt": ("application/octet-stream", "None"),
    ".csv": ("text/csv",), ".bmp": ("image/bmp", "image/x-ms-bmp"), ".tiff": ("image/tiff",), ".tif": ("image/tiff",),
    ".srt": ("application/x-subrip", "None"), ".mid": ("audio/midi", "audio/mid"),
}  # fmt: skip
"""What Cog says of a file with this ending; several where its generations differ."""

LIST_OF_ONE = "return a list with exactly one file"
SHAPES: Mapping[str, tuple[str, str, str]] = {
    "text": (
        "the output is a text, not a list of one file",
        "gobius reads a text only for its language models; the published miner wants a list of one; kasumi-3 takes it",
        "right for a language model; else " + LIST_OF_ONE,
    ),
    "texts": (
        "the output is a list of texts",
        "no miner makes a file of it: the published one and gobius expect one data URL in the list",
        "write the text to a file and " + LIST_OF_ONE,
    ),
    "number": ("the output is a number", "no miner reads it", LIST_OF_ONE),
    "object": ("the output is an object", "no miner reads it: all of them expect one file or one text", LIST_OF_ONE),
    "any": ("the output may be anything", "miners expect one file or one text", LIST_OF_ONE),
    "iterator": (
        "the output is an iterator, which becomes a list of as many files as it yields",
        "the published miner and gobius want exactly one", LIST_OF_ONE,
    ),
    "text-iterator": (
        "the output is a text in pieces, which becomes a list of texts",
        "the published miner and gobius want one data URL in the list; kasumi-3 writes one file for each piece",
        "collect the pieces and return one text, or " + LIST_OF_ONE,
    ),
}  # fmt: skip


def findings(file: PythonFile, model: Predictor, flow: Flow) -> Iterator[Finding]:
    """What miners would not read."""
    function = model.function
    if function is None or function.returns is None or model.output.refused:
        return
    if model.output.shape == "file":
        yield with_patch(told(file, function.returns, *ONE_FILE), listed(file, function))
    elif model.output.shape == "files":
        yield from counted(file, function, flow)
    elif model.output.shape in SHAPES:
        yield told(file, function.returns, *SHAPES[model.output.shape])
    if model.output.shape in ("file", "files"):
        yield from mime(file, function.returns, flow)


ONE_FILE = (
    "the output is one file, not a list of one",
    "the published miner and gobius want a list of exactly one, and the guide's own test reads .output[0]; kasumi-3 "
    "takes both",
    LIST_OF_ONE,
)


def told(
    file: PythonFile,
    node: ast.AST,
    what: str,
    why: str,
    fix: str,
    severity: Severity = "warn",
    code: str = "output-shape",
) -> Finding:
    """A finding about the output."""
    return found(file.place(node), code, what, why=why, fix=fix, severity=severity)


def counted(file: PythonFile, function: ast.FunctionDef | ast.AsyncFunctionDef, flow: Flow) -> Iterator[Finding]:
    """A list of files: is it always one?"""
    if flow.output.length == 1 or not flow.complete or function.returns is None:
        return
    count = flow.output.length
    what = (
        f"the list has {count} files, not one"
        if count is not None
        else "the list of files may have another length than one"
    )
    yield told(file, function.returns, what, "the published miner and gobius refuse any other number", LIST_OF_ONE)


def mime(file: PythonFile, node: ast.AST, flow: Flow) -> Iterator[Finding]:
    """The file's ending decides the type in the data URL."""
    suffix = flow.output.suffix
    if suffix in ("", ".png"):
        return
    types = MIMES.get(suffix, ("application/octet-stream", "None"))
    bad = [t for t in types if not READ_BY_MINERS.match(f"data:{t};base64,")]
    if bad:
        yield told(
            file, node, f"a {suffix} file is sent as data:{bad[0]};base64,",
            f"the published miner cuts only data:word/word;base64, and would decode the rest of {bad[0]} as data",
            "give out png, jpg, webp, mp4, mp3 or txt", "warn", "output-type",
        )  # fmt: skip
    elif suffix in (".jpg", ".jpeg", ".webp", ".gif", ".bmp"):
        yield told(
            file, node, f"the output is a {suffix} file", "gobius cuts only the prefix of a PNG; the others read it",
            "give out png, unless no gobius miner shall take it", "info", "output-type",
        )  # fmt: skip


def listed(file: PythonFile, function: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """A diff that returns a list of the one file."""
    if function.returns is None or not file.can_be_edited:
        return ""
    edits: list[Edit] = [file.replaced(function.returns, f"list[{file.code(function.returns)}]")]
    stack: list[ast.AST] = list(function.body)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            continue
        if isinstance(node, ast.Return) and node.value is not None:
            inside = file.replaced(node.value, "")
            edits += [
                Edit(inside.line, inside.column, inside.line, inside.column, "["),
                Edit(inside.end_line, inside.end_column, inside.end_line, inside.end_column, "]"),
            ]
        stack += list(ast.iter_child_nodes(node))
    return diff({file.name: file.text}, {file.name: edits})


def is_text(output: OutputType) -> bool:
    """Whether the output is text rather than files: then what looks like a file's name is content."""
    return output.shape in ("text", "texts", "text-iterator", "number")
