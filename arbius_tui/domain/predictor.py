"""A predictor, read from its source: its inputs, its output, its seed, and what cog lets through and then fails late.

The rules are those of the static reader of cog 0.22, seen with the real command line; nothing of the model is run.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from arbius_tui.domain.errors import Fix, Severity
from arbius_tui.domain.finding import Edit, Finding, diff, found, with_patch
from arbius_tui.domain.flow_values import LARGEST
from arbius_tui.domain.inputs import ModelInput
from arbius_tui.domain.predictor_types import InputType, Names, OutputType, input_type, names_of, output_type
from arbius_tui.domain.predictor_values import UNREAD, choices_of, fits, module_scope, value_of
from arbius_tui.domain.python_source import Function, PythonFile, classes, functions

METHODS = ("run", "predict")
LATE = "cog starts the build, then stops"


@dataclass(frozen=True, slots=True)
class Predictor:
    """What the source says. `method` is "" for a function; `function` is None where there is none."""

    file: str = ""
    name: str = ""
    method: str = ""
    inputs: tuple[ModelInput, ...] = ()
    output: OutputType = field(default_factory=OutputType)
    function: Function | None = field(default=None, repr=False, compare=False)
    owner: ast.ClassDef | None = field(default=None, repr=False, compare=False)
    findings: tuple[Finding, ...] = ()

    @property
    def seed(self) -> ModelInput | None:
        """The input named seed, or None."""
        return next((i for i in self.inputs if i.name == "seed"), None)


def read(file: PythonFile, name: str, local: frozenset[str] = frozenset(), sdk: tuple[int, ...] = ()) -> Predictor:
    """Read the predictor `name` of a file; `local` are the model's own modules. Never raises."""
    if file.broken is not None:
        return Predictor(file.name, name, findings=(file.broken,))
    owner = next((c for c in classes(file.tree.body) if c.name == name), None)
    function = method_of(owner) if owner else next((f for f in functions(file.tree.body) if f.name == name), None)
    if function is None:
        problem = no_method(file, owner) if owner else no_class(file, name)
        return Predictor(file.name, name, owner=owner, findings=(problem,))
    signature = Signature(file, function, names_of(file, local), module_scope(file.tree), sdk)
    inputs = tuple(signature.inputs(owner is not None))
    output = signature.output()
    made = Predictor(
        file.name, name, function.name if owner else "", inputs, output, function, owner, tuple(signature.found)
    )
    return replace(made, findings=(*made.findings, *seed_findings(file, made)))


def method_of(owner: ast.ClassDef) -> Function | None:
    """The method of a class that answers predictions; cog looks into the class itself and not into its parents."""
    by_name = {f.name: f for f in functions(owner.body)}
    return next((by_name[name] for name in METHODS if name in by_name), None)


def no_method(file: PythonFile, owner: ast.ClassDef) -> Finding:
    """A class without run and predict."""
    return found(
        file.place(owner),
        "no-predict-method",
        f"class {owner.name} has neither predict() nor run() in its own body",
        why=f"{LATE}: Runner must define run() or predict(); it does not look into parent classes",
        fix="define predict(self, ...) in this class, if only to call the parent's",
    )


def no_class(file: PythonFile, name: str) -> Finding:
    """A name that the file does not define."""
    known = [c.name for c in classes(file.tree.body)] + [f.name for f in functions(file.tree.body)]
    near = (
        difflib.get_close_matches(name, known, 1, 0.5) or [c.name for c in classes(file.tree.body) if method_of(c)][:1]
    )
    return found(
        file.place(file.tree),
        "no-such-class",
        f"{file.name} defines no class or function named {name}",
        why=f"{LATE}; it prints only: {name}",
        fix=f"did you mean {file.name}:{near[0]}?" if near else "mend the name in cog.yaml",
    )


@dataclass(slots=True)
class Signature:
    """A predictor's signature while it is read; problems are in `found`."""

    file: PythonFile
    function: Function
    names: Names
    scope: Mapping[str, Any]
    sdk: tuple[int, ...] = ()
    found: list[Finding] = field(default_factory=list)

    def add(
        self, node: ast.AST, code: str, what: str, why: str, fix: str | Fix = "", severity: Severity = "error"
    ) -> None:
        """Note a problem at a node."""
        self.found.append(found(self.file.place(node), code, what, why=why, fix=fix, severity=severity))

    def inputs(self, method: bool) -> Iterator[ModelInput]:
        """The inputs in the author's order."""
        given = self.function.args
        listed = [*given.posonlyargs, *given.args]
        static = any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in self.function.decorator_list)
        pairs = [*zip(listed[len(listed) - len(given.defaults) :], given.defaults, strict=True)]
        defaults: dict[str, ast.expr | None] = {a.arg: d for a, d in pairs}
        defaults |= {a.arg: d for a, d in zip(given.kwonlyargs, given.kw_defaults, strict=True)}
        for rest in (given.vararg, given.kwarg):
            if rest:
                stars = "*" if rest is given.vararg else "**"
                self.add(rest, "kwargs", f"{self.function.name}() takes {stars}{rest.arg}",
                         "cog leaves it out without a word: nobody can send anything for it",
                         "write each input with its name and type")  # fmt: skip
        order = 0
        for argument in [*(listed[1:] if method and not static else listed), *given.kwonlyargs]:
            made = self.one(argument, defaults.get(argument.arg), order)
            if made is not None:
                order += 1
                yield made

    def one(self, argument: ast.arg, default: ast.expr | None, order: int) -> ModelInput | None:
        """One input, or None where cog leaves it out."""
        name = argument.arg
        if argument.annotation is None:
            if default is None:
                self.add(argument, "no-annotation", f"input {name} has no type, so cog leaves it out without a word",
                         "each prediction then fails: an argument is missing", f"write {name}: str")  # fmt: skip
                return None
            self.add(argument, "no-annotation", f"input {name} has no type", f"{LATE}: no type annotation",
                     f"write its type: {name}: int = ...")  # fmt: skip
            kind = InputType()
        else:
            kind = input_type(argument.annotation, self.names)
        if kind.refused and argument.annotation is not None:
            self.add(argument, "unsupported-type", f"input {name} is of a type that cog does not take: "
                     f"{self.file.code(argument.annotation, 60)}", f"{LATE}; {kind.refused}",
                     "use str, int, float, bool, Path, Secret, or a list of one of these")  # fmt: skip
        if kind.optional and self.sdk and self.sdk < (0, 16):
            self.add(argument, "optional-on-old", f"input {name} is optional, which cog {'.'.join(map(str, self.sdk))} "
                     "does not know", "the model then fails as it is loaded", "write int = Input(...)")  # fmt: skip
        return self.field(argument, kind, default, order)

    def field(self, argument: ast.arg, kind: InputType, default: ast.expr | None, order: int) -> ModelInput:
        """The input with its default, bounds, choices and description."""
        options = self.options(default)
        value = self.default(argument, default, options)
        bounds = {key: self.bound(argument, key, options) for key in ("ge", "le")}
        choices = self.choices(argument, options)
        described = value_of(options["description"], self.scope) if "description" in options else ""
        deprecated = value_of(options["deprecated"], self.scope) if "deprecated" in options else False
        made = ModelInput(
            argument.arg, kind.type, order, not kind.optional and value in (UNREAD, None),
            None if value is UNREAD else value, value is not UNREAD and value is not None,
            bounds["ge"], bounds["le"], choices,
            described if isinstance(described, str) else "", deprecated is True,
        )  # fmt: skip
        self.judge(argument, made)
        return made

    def options(self, default: ast.expr | None) -> dict[str, ast.expr]:
        """The keywords of Input(...); for a plain default only that."""
        if default is None:
            return {}
        if isinstance(default, ast.Call) and self.names.full(default.func) in ("cog.Input", "Input"):
            return {k.arg: k.value for k in default.keywords if k.arg}
        return {"default": default}

    def default(self, argument: ast.arg, default: ast.expr | None, options: Mapping[str, ast.expr]) -> Any:
        """The default, None where cog takes it as none, or UNREAD where there is none."""
        if "default_factory" in options:
            self.add(options["default_factory"], "default-factory", f"input {argument.arg} has a default_factory",
                     f"{LATE}: it reads only literals", "write default=...")  # fmt: skip
        if "default" not in options:
            return UNREAD
        value = value_of(options["default"], self.scope)
        if value is not UNREAD:
            return value
        plain = default is options["default"]
        self.add(options["default"], "computed-default",
                 f"the default of {argument.arg} cannot be read without running the model",
                 f"{LATE}" if plain else "cog takes it as no default: the input becomes required",
                 "write the value itself", "error" if plain else "warn")  # fmt: skip
        return None

    def bound(self, argument: ast.arg, key: str, options: Mapping[str, ast.expr]) -> float | int | None:
        """`ge` or `le`; only a number that is written out counts."""
        if key not in options:
            return None
        value = value_of(options[key], {})
        if isinstance(value, int | float) and not isinstance(value, bool):
            return value
        self.add(options[key], "computed-bound", f"{key} of {argument.arg} is not a number that is written out",
                 "cog drops it without a word: every value is let in", "write the number", "warn")  # fmt: skip
        return None

    def choices(self, argument: ast.arg, options: Mapping[str, ast.expr]) -> tuple[Any, ...]:
        """The choices, which must be written out."""
        if "choices" not in options or value_of(options["choices"], self.scope) is None:
            return ()
        value = choices_of(options["choices"], self.scope)
        if value is UNREAD:
            self.add(options["choices"], "computed-choices",
                     f"the choices of {argument.arg} cannot be read without running the model",
                     f"{LATE}: choices expression cannot be statically resolved", "write choices=[...]")  # fmt: skip
            return ()
        return tuple(value)

    def judge(self, argument: ast.arg, made: ModelInput) -> None:
        """A default that the input itself refuses."""
        value = made.default
        if not made.has_default:
            return
        low, high = made.min, made.max
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not fits(value, made.type):
            self.add(argument, "default-type", f"the default of {made.name}, {value!r:.40}, is not of its type",
                     "cog or the server refuses it", "write one of its type")  # fmt: skip
        elif number and ((low is not None and value < low) or (high is not None and value > high)):
            self.add(argument, "default-out-of-range", f"the default of {made.name}, {value}, is outside "
                     f"{'-inf' if low is None else low}..{'inf' if high is None else high}",
                     f"{LATE}, with pages of schema: invalid default", "move the default or the bounds")  # fmt: skip
        elif made.choices and value not in made.choices:
            self.add(argument, "default-not-a-choice",
                     f"the default of {made.name}, {value!r:.40}, is none of its choices",
                     "miners send the default when a user gives nothing, and the model refuses it",
                     "make it one of the choices")  # fmt: skip

    def output(self) -> OutputType:
        """What comes back."""
        if self.function.returns is None:
            self.add(self.function, "no-return-type", f"{self.function.name}() does not say what it returns",
                     f"{LATE}; it prints only: {self.function.name}",
                     f"write it: def {self.function.name}(...) -> list[Path]:")  # fmt: skip
            return OutputType()
        made = output_type(self.function.returns, self.file, self.names)
        if made.refused:
            self.add(self.function.returns, "unsupported-output", f"cog does not take the output {made.text}",
                     f"{LATE}; {made.refused}", "return Path, list[Path], str, or a BaseModel")  # fmt: skip
        return made


def seed_findings(file: PythonFile, model: Predictor) -> Iterator[Finding]:
    """What is wrong with the input that miners set for every task."""
    function, seed = model.function, model.seed
    if function is None:
        return
    place = next((a for a in all_arguments(function) if a.arg == "seed"), function)
    where = file.place(place)
    if seed is None:
        near = [i.name for i in model.inputs if "seed" in i.name.lower()]
        yield found(
            where, "no-seed", f"there is no input named seed{f', only {near[0]}' if near else ''}",
            why="miners set `seed` for every task; without it the output must depend on the other inputs alone",
            fix=f"rename {near[0]} to seed" if near else "add `seed: int = Input(ge=0, default=0)` and use it",
            severity="warn",
        )  # fmt: skip
        return
    if seed.type != "integer":
        yield found(where, "seed-type", f"seed is {seed.type}, not an int", why="miners send a whole number",
                    fix="write seed: int", severity="warn" if seed.type == "number" else "error")  # fmt: skip
    if seed.choices:
        yield found(where, "seed-range", "seed has choices", why="miners send any number from 0 to 2^53 - 17",
                    fix="remove the choices")  # fmt: skip
    yield from seed_bounds(file, model, seed, place)
    if not seed.has_default:
        yield no_default(file, seed, place, function)
    elif isinstance(seed.default, int) and not 0 <= seed.default <= LARGEST:
        yield odd_default(file, model, seed, place)


def seed_bounds(file: PythonFile, model: Predictor, seed: ModelInput, place: ast.AST) -> Iterator[Finding]:
    """Bounds that refuse seeds which miners send."""
    if seed.max is not None and seed.max < LARGEST:
        refused = found(
            file.place(place), "seed-range", f"seed takes at most {seed.max:,}, and miners send up to {LARGEST:,}",
            why="the server refuses nearly every task before the model sees it",
            fix="remove le, and reduce the seed in the code where a library needs less: seed % 2**32",
        )  # fmt: skip
        yield with_patch(refused, replaced_option(file, model, "le", str(LARGEST)))
    if seed.min is not None and seed.min > 0:
        low = found(
            file.place(place), "seed-range", f"seed takes nothing below {seed.min:,}, and miners begin at 0",
            why="a task whose seed is below is refused; few are", fix="write ge=0", severity="warn",
        )  # fmt: skip
        yield with_patch(low, replaced_option(file, model, "ge", "0"))


def no_default(file: PythonFile, seed: ModelInput, place: ast.AST, function: Function) -> Finding:
    """A seed that must be sent: cog 0.17 and newer require an int whose default is None."""
    option = option_of(function, "default")
    first = max(0, round(seed.min or 0))
    finding = found(
        file.place(place), "seed-default", "seed has no default" if option is None else "the default of seed is None",
        why=(
            "a user who leaves it out gets another picture each time" if not seed.required
            else "cog 0.17 and newer then require it, older ones answer HTTP 500 without it; miners always send one"
        ),
        fix=f"write default={first}", severity="warn",
    )  # fmt: skip
    edits = [file.replaced(option, str(first))] if option is not None else []
    return with_patch(finding, diff({file.name: file.text}, {file.name: edits}) if edits and file.can_be_edited else "")


def odd_default(file: PythonFile, model: Predictor, seed: ModelInput, place: ast.AST) -> Finding:
    """A default that no miner sends, most often -1 for "any": whoever leaves the seed out sees what none can prove."""
    finding = found(
        file.place(place), "seed-default", f"the default of seed is {seed.default:,}, which no miner sends",
        why="miners send 0 to 2^53 - 17; if it stands for a random seed, a user who leaves it out gets another output "
        "each time",
        fix="write default=0", severity="warn",
    )  # fmt: skip
    return with_patch(finding, replaced_option(file, model, "default", "0"))


def all_arguments(function: Function) -> list[ast.arg]:
    """All arguments of a function that have a name."""
    return [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]


def option_of(function: Function, key: str) -> ast.expr | None:
    """The expression of one option of Input(...) of the seed; for a plain default that itself."""
    given = function.args
    listed = [*given.posonlyargs, *given.args]
    pairs: list[tuple[ast.arg, ast.expr | None]] = [
        *zip(listed[len(listed) - len(given.defaults) :], given.defaults, strict=True),
        *zip(given.kwonlyargs, given.kw_defaults, strict=True),
    ]
    value = next((d for a, d in pairs if a.arg == "seed"), None)
    if isinstance(value, ast.Call):
        return next((k.value for k in value.keywords if k.arg == key), None)
    return value if key == "default" else None


def replaced_option(file: PythonFile, model: Predictor, key: str, text: str) -> str:
    """A diff that changes one option of the seed's Input(...)."""
    option = option_of(model.function, key) if model.function else None
    if option is None or not file.can_be_edited:
        return ""
    edits: list[Edit] = [file.replaced(option, text)]
    return diff({file.name: file.text}, {file.name: edits})
