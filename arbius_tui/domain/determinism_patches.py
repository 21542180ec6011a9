"""Patches for what makes outputs differ: small edits of the author's own text, to look at before they are applied."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from arbius_tui.domain import random_sources as sources
from arbius_tui.domain.finding import Edit, diff
from arbius_tui.domain.flow_machine import TooBig
from arbius_tui.domain.flow_values import Origin
from arbius_tui.domain.predictor import Predictor
from arbius_tui.domain.python_source import PythonFile, bindings, resolved

Edits = dict[str, list[Edit]]
SEED = {
    "random": "{module}.seed({seed})", "numpy": "{module}.random.seed({seed} % 2**32)",
    "torch": "{module}.manual_seed({seed})", "tensorflow": "{module}.random.set_seed({seed})",
    "cupy": "{module}.random.seed({seed} % 2**32)",
}  # fmt: skip
ENTROPY = {
    "os.urandom": "{random}.randbytes({args})", "os.getrandom": "{random}.randbytes({args})",
    "secrets.token_bytes": "{random}.randbytes({args})", "secrets.token_hex": "{random}.randbytes({args}).hex()",
    "secrets.token_urlsafe": "{random}.randbytes({args}).hex()", "secrets.randbelow": "{random}.randrange({args})",
    "secrets.choice": "{random}.choice({args})", "secrets.randbits": "{random}.getrandbits({args})",
    "random.SystemRandom": "{random}.Random({seed})", "uuid.uuid4": "{uuid}.UUID(int={random}.getrandbits(128))",
    "uuid.uuid1": "{uuid}.UUID(int={random}.getrandbits(128))", "secrets.SystemRandom": "{random}.Random({seed})",
}  # fmt: skip
CLOCK = {
    "time.time": "0.0", "time.time_ns": "0", "time.monotonic": "0.0", "time.monotonic_ns": "0",
    "time.perf_counter": "0.0", "time.perf_counter_ns": "0", "time.process_time": "0.0", "time.process_time_ns": "0",
    "timeit.default_timer": "0.0", "time.ctime": "{call}(0)", "time.localtime": "{call}(0)", "time.gmtime": "{call}(0)",
}  # fmt: skip
SHORT = {"numpy": "np", "tensorflow": "tf", "cupy": "cp"}


@dataclass(frozen=True, slots=True)
class Workshop:
    """The files, and the predictor whose seed is at hand."""

    files: Mapping[str, PythonFile]
    model: Predictor

    @property
    def seeded(self) -> bool:
        """Whether there is a whole number named seed to use."""
        return self.model.seed is not None and self.model.seed.type == "integer"

    def diff(self, edits: Edits) -> str:
        """The edits as a patch."""
        fine = edits and all(name in self.files and self.files[name].can_be_edited for name in edits)
        return diff({name: file.text for name, file in self.files.items()}, edits) if fine else ""

    def module(self, file: PythonFile, name: str, edits: Edits) -> str:
        """How a module is called in a file; where it is not imported, an edit imports it."""
        bound = bindings(file.tree)
        top = {a for n in file.tree.body if isinstance(n, ast.Import) for a in names_bound(n)}
        for alias, full in bound.items():
            if full == name and alias in top:
                return alias
        alias = SHORT.get(name, name)
        alias = alias if alias not in bound and not defines(file.tree, alias) else f"{name}_module"
        spelled = f"import {name}" if alias == name else f"import {name} as {alias}"
        place = next((n for n in file.tree.body if not is_head(n)), None)
        edit = file.before(place, spelled) if place is not None else None
        if edit is not None and edit not in edits.setdefault(file.name, []):
            edits[file.name].append(edit)
        return alias

    def seed_for(self, origin: Origin) -> str:
        """What to seed with at an origin: the prediction's seed, or a fixed number while the model is set up."""
        return "0" if origin.in_setup else "seed"

    def seeding(self, origin: Origin, library: str, edits: Edits) -> bool:
        """Add the statement that seeds a library before the statement that draws from it."""
        if library not in SEED or origin.top is None or not (self.seeded or origin.in_setup):
            return False
        file = self.files[origin.top_file]
        module = self.module(file, library, edits)
        edit = file.before(origin.top, SEED[library].format(module=module, seed=self.seed_for(origin)))
        edits.setdefault(file.name, []).extend([edit] if edit else [])
        return edit is not None

    def entropy(self, origin: Origin) -> str:
        """The system's randomness, or a uuid, replaced by numbers that the seed decides."""
        file, call = self.files[origin.place.file], origin.node
        edits: Edits = {}
        name = full_name(file, call)
        if not isinstance(call, ast.Call) or name not in ENTROPY or not self.seeding(origin, "random", edits):
            return ""
        arguments = ", ".join(file.code(a, 2000) for a in call.args) or (
            "32" if name.startswith("secrets.token") else ""
        )
        words = {"args": arguments, "seed": self.seed_for(origin), "random": self.module(file, "random", edits)}
        if "{uuid}" in ENTROPY[name]:
            words["uuid"] = self.module(file, "uuid", edits)
        return self.swapped(file, call, ENTROPY[name].format(**words), edits)

    def swapped(self, file: PythonFile, node: ast.AST, text: str, edits: Edits) -> str:
        """A node's text replaced, beside other edits."""
        edit = located(file, node, text)
        if edit is None:
            return ""
        edits.setdefault(file.name, []).append(edit)
        return self.diff(edits)

    def clock(self, origin: Origin) -> str:
        """A clock replaced by one that stands still."""
        file, call = self.files[origin.place.file], origin.node
        if not isinstance(call, ast.Call):
            return ""
        name, spelled = full_name(file, call), file.code(call.func)
        owner = spelled.rpartition(".")[0]
        if name in CLOCK:
            return self.swapped(file, call, CLOCK[name].format(call=spelled), {})
        if name == "time.strftime" and owner and call.args:
            return self.swapped(file, call, f"{spelled}({file.code(call.args[0], 500)}, {owner}.gmtime(0))", {})
        if name in (
            "datetime.datetime.now",
            "datetime.datetime.utcnow",
            "datetime.datetime.today",
            "datetime.date.today",
        ):
            zone = [*call.args, *(k.value for k in call.keywords)]
            rest = f", tzinfo={file.code(zone[0], 200)}" if zone else ""
            return self.swapped(file, call, f"{owner}(2000, 1, 1{rest})", {}) if owner else ""
        return ""

    def hashing(self, origin: Origin) -> str:
        """`hash(x)` replaced by a digest."""
        file, call = self.files[origin.place.file], origin.node
        if not isinstance(call, ast.Call) or len(call.args) != 1:
            return ""
        edits: Edits = {}
        module = self.module(file, "hashlib", edits)
        inside = file.code(call.args[0], 2000)
        text = f'int.from_bytes({module}.sha256(repr({inside}).encode()).digest()[:8], "big")'
        if in_f_string(file, call):
            text = text.replace('"big"', "'big'")
        return self.swapped(file, call, text, edits)

    def order(self, origin: Origin) -> str:
        """A set or a folder gone through in order."""
        file, node = self.files[origin.place.file], origin.node
        inner = node.value if isinstance(node, ast.Starred) else node
        if inner is None or (isinstance(inner, ast.Call) and origin.code.endswith(".pop()")):
            return ""
        return self.swapped(file, inner, f"sorted({file.code(inner, 2000)})", {})

    def drawn(self, origin: Origin) -> str:
        """A draw from a library's own generator: the library is seeded before it."""
        edits: Edits = {}
        library = sources.GENERATORS.get(origin.library, origin.library)
        if origin.library in sources.GENERATORS:
            return self.own_generator(origin)
        node, file = origin.node, self.files[origin.place.file]
        if isinstance(node, ast.Call) and not node.args and is_seeder(full_name(file, node)) and self.seeded:
            spelled = file.code(node.func)
            spelled = (
                spelled.removesuffix(".seed") + ".manual_seed" if full_name(file, node) == "torch.seed" else spelled
            )
            limit = " % 2**32" if library == "numpy" else ""
            return self.swapped(file, node, f"{spelled}({self.seed_for(origin)}{limit})", {})
        return self.diff(edits) if self.seeding(origin, library, edits) else ""

    def own_generator(self, origin: Origin) -> str:
        """A generator of the model's own gets the seed where it is made, or again at the start of each prediction."""
        file, node = self.files[origin.place.file], origin.node
        if not isinstance(node, ast.Call) or not self.seeded:
            return ""
        if origin.kind == "carried":
            owner = file.code(node.func.value) if isinstance(node.func, ast.Attribute) else ""
            return self.reseeded(origin.library, owner, origin.top)
        if origin.in_setup:
            owner = self.held_in(file, node)
            return self.reseeded(origin.library, owner, first_statement(self.model)) if owner else ""
        if origin.kind == "constant":
            return self.swapped(file, node, f"{file.code(node, 500)}.manual_seed(seed)", {})
        limit = " % 2**32" if origin.library in sources.LIMITED else ""
        return self.swapped(file, node, f"{file.code(node.func)}(seed{limit})", {}) if self.in_predictor(node) else ""

    def in_predictor(self, node: ast.AST) -> bool:
        """Whether a node stands in the method that has the seed."""
        return self.model.function is not None and any(node is other for other in ast.walk(self.model.function))

    def held_in(self, file: PythonFile, node: ast.AST) -> str:
        """`self.x` of the statement `self.x = node`, or ""."""
        for other in ast.walk(file.tree):
            if isinstance(other, ast.Assign) and other.value is node and isinstance(other.targets[0], ast.Attribute):
                return file.code(other.targets[0])
        return ""

    def reseeded(self, kind: str, owner: str, before: ast.stmt | None) -> str:
        """A generator that is kept gets the seed at the start of each prediction."""
        file = self.files[self.model.file]
        edits: Edits = {}
        if before is None or not owner.startswith("self."):
            return ""
        if kind == "random.Random":
            text = f"{owner}.seed(seed)"
        elif kind.endswith(".RandomState"):
            text = f"{owner}.seed(seed % 2**32)"
        elif kind in sources.FIXED_WHEN_NEW:
            text = f"{owner}.manual_seed(seed)"
        elif kind.startswith("numpy."):
            text = f"{owner} = {self.module(file, 'numpy', edits)}.random.default_rng(seed)"
        else:
            return ""
        edit = file.before(before, text)
        edits.setdefault(file.name, []).extend([edit] if edit else [])
        return self.diff(edits) if edit else ""


def none_only(shop: Workshop, origin: Origin) -> str:
    """A test that takes 0 for no seed, asked for None instead."""
    for file in shop.files.values():
        for node in ast.walk(file.tree):
            inside = any(part is origin.node for part in ast.walk(node))
            if (
                inside
                and isinstance(node, ast.BoolOp)
                and isinstance(node.values[0], ast.Name)
                and len(node.values) == 2
            ):
                name, other = node.values[0].id, file.code(node.values[1], 1000)
                return shop.swapped(file, node, f"{name} if {name} is not None else {other}", {})
            if inside and isinstance(node, ast.If) and dotted_names(node.test) == {"seed"}:
                return shop.swapped(file, node.test, "seed is None", {})
    return ""


def reduced(shop: Workshop, big: TooBig) -> str:
    """The seed reduced to what a function takes."""
    smallest = min(big.seeds)
    modulus = "2**32" if smallest >= 2**32 else "2**31" if smallest >= 2**31 else ""
    if big.largest is not None and (big.largest + 1).bit_count() == 1:
        modulus = f"2**{big.largest.bit_length()}"
    file = shop.files[big.origin.place.file]
    if not modulus or big.how == "range":
        return ""
    if big.argument is not None:
        inside = file.code(big.argument, 500)
        plain = isinstance(big.argument, ast.Name | ast.Attribute | ast.Call | ast.Subscript)
        reduced_ = f"{inside if plain else f'({inside})'} % {modulus}"
        return shop.swapped(file, big.argument, f"({reduced_})" if big.how == "int.to_bytes" else reduced_, {})
    if big.origin.top is None or not shop.seeded or big.how != "raise":
        return ""
    top = shop.files[big.origin.top_file]
    edit = top.before(big.origin.top, f"seed %= {modulus}")
    return shop.diff({top.name: [edit]}) if edit else ""


def dotted_names(node: ast.AST) -> set[str]:
    """The names in an expression."""
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def names_bound(node: ast.Import) -> list[str]:
    """The names that an import binds."""
    return [item.asname or item.name.partition(".")[0] for item in node.names]


def defines(tree: ast.Module, name: str) -> bool:
    """Whether a name is bound anywhere in a file."""
    return any(
        (isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store) and n.id == name)
        or (isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and n.name == name)
        or (isinstance(n, ast.arg) and n.arg == name)
        for n in ast.walk(tree)
    )


def is_head(node: ast.stmt) -> bool:
    """Whether a statement must stay before any import: the docstring, `from __future__`."""
    docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return docstring or (isinstance(node, ast.ImportFrom) and node.module == "__future__")


def is_seeder(name: str) -> bool:
    """Whether a function only seeds."""
    return name in sources.SEEDERS or name in sources.RESEEDED_FROM_SYSTEM


def full_name(file: PythonFile, node: ast.AST | None) -> str:
    """The full dotted name of what a call calls."""
    return resolved(node.func, bindings(file.tree)) if isinstance(node, ast.Call) else ""


def first_statement(model: Predictor) -> ast.stmt | None:
    """The first statement of a predictor's method, its docstring not counted."""
    body = model.function.body if model.function else []
    return next((n for n in body if not is_head(n)), body[0] if body else None)


def located(file: PythonFile, node: ast.AST, text: str) -> Edit | None:
    """The edit that replaces a node; None where its place is not known exactly, as inside some f-strings."""
    edit = file.replaced(node, text)
    code = file.code(node, 4000)
    if same(code, node):
        return edit
    row = file.text.split("\n")[edit.line - 1] if edit.line else ""
    try:
        written = ast.unparse(node)
    except RecursionError:
        return None
    if row.count(written) == 1:
        at = row.index(written)
        return Edit(edit.line, at, edit.line, at + len(written), text)
    return None


def same(code: str, node: ast.AST) -> bool:
    """Whether a text is this expression."""
    try:
        return ast.dump(ast.parse(code.strip(), mode="eval").body) == ast.dump(node)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def in_f_string(file: PythonFile, node: ast.AST) -> bool:
    """Whether a node stands inside an f-string."""
    strings: Iterable[ast.AST] = (n for n in ast.walk(file.tree) if isinstance(n, ast.JoinedStr))
    return any(node is part for string in strings for part in ast.walk(string))
