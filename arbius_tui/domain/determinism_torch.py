"""Settings of torch that make a graphics card repeat itself, and those that keep it from it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from arbius_tui.domain.determinism_patches import Edits, Workshop
from arbius_tui.domain.finding import Finding, Place, found, with_patch
from arbius_tui.domain.python_source import PythonFile, bindings
from arbius_tui.domain.seed_flow import Flow

STRICT = ("torch.use_deterministic_algorithms", "transformers.enable_full_determinism",
          "diffusers.training_utils.enable_full_determinism", "lightning.seed_everything")  # fmt: skip
BENCHMARK, DETERMINISTIC = "torch.backends.cudnn.benchmark", "torch.backends.cudnn.deterministic"
TF32 = ("torch.backends.cudnn.allow_tf32", "torch.backends.cuda.matmul.allow_tf32")
WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"


def switches(shop: Workshop, flow: Flow) -> Iterator[Finding]:
    """Settings that were made and that harm."""
    for name in (BENCHMARK, *TF32):
        if name not in flow.settings:
            continue
        value, node, file = flow.settings[name]
        if value.constant is True:
            yield with_patch(harmful(name, shop.files[file].place(node)), switched(shop, shop.files[file], node))


def harmful(name: str, place: Place) -> Finding:
    """One such setting in words."""
    short = name.removeprefix("torch.backends.")
    if name == BENCHMARK:
        return found(
            place, "cudnn-benchmark", f"{short} = True lets timing choose the algorithm",
            why="two runs on the same card may take different ones, and their numbers differ in the last bits",
            fix=f"set {short} = False",
        )  # fmt: skip
    return found(
        place, "tf32-allowed", f"{short} = True rounds differently on each generation of cards",
        why="the same seed gives other bytes on another miner's card", fix=f"set {short} = False", severity="warn",
    )  # fmt: skip


def switched(shop: Workshop, file: PythonFile, target: ast.AST) -> str:
    """A diff that turns such a setting off."""
    for node in ast.walk(file.tree):
        if isinstance(node, ast.Assign) and any(t is target for t in node.targets):
            return shop.diff({file.name: [file.replaced(node.value, "False")]})
    return ""


def graphics_card(shop: Workshop, flow: Flow) -> Iterator[Finding]:
    """Settings that are missing where torch computes on a graphics card."""
    used = next((file for file in shop.files.values() if uses_card(file)), None)
    if used is None:
        return
    strict = any(call.name in STRICT for call in flow.calls)
    missing = [] if strict else ["use_deterministic_algorithms(True)"]
    if DETERMINISTIC not in flow.settings and not strict:
        missing.append("backends.cudnn.deterministic = True")
    if TF32[0] not in flow.settings and not any("full_determinism" in call.name for call in flow.calls):
        missing.append("backends.cudnn.allow_tf32 = False")
    if missing:
        file = shop.files.get(shop.model.file, used)
        finding = found(
            file.place(torch_import(file)), "gpu-nondeterminism",
            "torch computes on a graphics card without: " + ", ".join(missing),
            why="the same seed may give other bytes from run to run, and on another kind of card",
            fix="set them once, when the file is loaded", severity="warn",
        )  # fmt: skip
        yield with_patch(finding, set_once(shop, file, missing))


def uses_card(file: PythonFile) -> bool:
    """Whether a file uses torch on a graphics card."""
    bound = bindings(file.tree)
    if not any(full.split(".")[0] in ("torch", "diffusers", "transformers") for full in bound.values()):
        return False
    return any(names_card(node) for node in ast.walk(file.tree))


def names_card(node: ast.AST) -> bool:
    """Whether a node asks for a graphics card: `"cuda"`, `.cuda()`, `device_map=`."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value == "cuda" or node.value.startswith("cuda:")
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr == "cuda" or any(k.arg == "device_map" for k in node.keywords)
    return False


def torch_import(file: PythonFile) -> ast.AST:
    """The statement that imports torch, or the file."""
    for node in ast.walk(file.tree):
        names = [i.name for i in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        if any(name.split(".")[0] == "torch" for name in names):
            return node
    return file.tree


def set_once(shop: Workshop, file: PythonFile, missing: list[str]) -> str:
    """A diff that makes the settings after the last import of the file."""
    body = file.tree.body
    last = max((i for i, n in enumerate(body) if isinstance(n, ast.Import | ast.ImportFrom)), default=-1)
    if last < 0 or last + 1 >= len(body):
        return ""
    edits: Edits = {}
    module = shop.module(file, "torch", edits)
    lines = [f"{module}.{line}" for line in missing]
    edit = file.before(body[last + 1], file.newline.join([*lines, "", ""]))
    edits.setdefault(file.name, []).extend([edit] if edit else [])
    return shop.diff(edits) if edit else ""


def workspace(shop: Workshop, flow: Flow) -> bool:
    """Whether the strict algorithms are asked for and cuBLAS is not told how to be steady: torch then raises."""
    strict = any(call.name in STRICT[:1] for call in flow.calls)
    card = any(uses_card(file) for file in shop.files.values())
    return strict and card and not any(WORKSPACE in file.text for file in shop.files.values())
