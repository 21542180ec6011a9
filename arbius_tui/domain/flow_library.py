"""What calls of libraries do: draw, seed, read a clock, keep to themselves; the unknown ones pass everything on."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace

from arbius_tui.domain import random_sources as sources
from arbius_tui.domain.flow_machine import Call, Machine, TooBig
from arbius_tui.domain.flow_values import (
    FUNCTIONS,
    NONE,
    NOTHING,
    ORDERS,
    SEEDS,
    Kind,
    Origins,
    Value,
    each,
    suffix_of,
    union,
)

ORDERLESS = ("builtins.sorted", "builtins.sum", "builtins.any", "builtins.all", "builtins.min", "builtins.max",
             "builtins.len", "builtins.set", "builtins.frozenset", "statistics.mean", "math.fsum")  # fmt: skip
"""They give the same whatever order they are given."""
LONGEST_LOOP = 10**9


def known(m: Machine, call: Call, function: Value) -> Value | None:
    """The result of a call that this module knows, or None."""
    name = call.name
    if name:
        for rule in (seeding, drawing, builtin, calculated, silent, pathlike):
            found = rule(m, call)
            if found is not None:
                return found
        return None
    if call.receiver is not None:
        return method(m, call, call.receiver)
    return None


def source_text(m: Machine, call: Call) -> Origins:
    """Everything that the arguments are made of."""
    found = NONE
    for value in call.everything:
        found |= m.content(value, call.node)
    return found


def seeding(m: Machine, call: Call) -> Value | None:
    """Functions that seed a library's own generator, and constructors of generators."""
    if call.name in sources.RESEEDED_FROM_SYSTEM:
        library = sources.RESEEDED_FROM_SYSTEM[call.name]
        origins = frozenset({m.origin("unseeded", call.node, library)})
        m.seeded(library, origins)
        return Value(origins, type="int")
    if call.name in sources.SEEDERS:
        libraries, largest = sources.SEEDERS[call.name]
        seed = call.argument(0, "seed", "a", "s", "seed_value")
        limited(m, call, seed, largest)
        for library in libraries:
            m.seeded(library, from_seed(m, call, seed, library))
        return Value(from_seed(m, call, seed, libraries[-1]), type=call.name)
    if call.name in sources.GENERATORS:
        return generator(m, call, sources.GENERATORS[call.name])
    if call.name in sources.LIMITED:
        limited(m, call, call.argument(0), sources.LIMITED[call.name])
    return None


def from_seed(m: Machine, call: Call, seed: Value | None, library: str) -> Origins:
    """Where the numbers of a generator come from that gets this seed; without one the system gives it."""
    if seed is None or seed.is_none:
        return frozenset({m.origin("unseeded", call.node, library)})
    return m.content(seed, call.node) | (seed.origins if seed.path else NONE) | m.control


def generator(m: Machine, call: Call, library: str) -> Value:
    """A generator with a state of its own."""
    limited(m, call, call.argument(0, "seed", "x"), sources.LIMITED.get(call.name))
    made = Value(cells=frozenset({m.cell()}), type=call.name, early=m.phase == "setup")
    (cell,) = made.cells
    if call.name in sources.FIXED_WHEN_NEW:
        m.seeded(cell, frozenset({m.origin("constant", call.node, call.name)}))
    elif "non_deterministic" in call.name:
        m.seeded(cell, frozenset({m.origin("unseeded", call.node, library)}))
    else:
        m.seeded(cell, from_seed(m, call, call.argument(0, "seed", "x", "entropy", "bit_generator"), call.name))
    return made


def limited(m: Machine, call: Call, value: Value | None, largest: int | None) -> None:
    """Note a function that refuses a seed as large as this one."""
    if value is None or value.samples is None or largest is None or not seeded_value(value):
        return
    seeds = zip(value.samples, m.state.reach, strict=True)
    numbers = [s for s, here in seeds if here and isinstance(s, int) and not isinstance(s, bool)]
    if any(n > largest or n < 0 for n in numbers):
        bad = tuple(
            seed
            for seed, s, here in zip(SEEDS, value.samples, m.state.reach, strict=True)
            if here and isinstance(s, int) and not 0 <= s <= largest
        )
        argument = call.node.args[0] if call.node.args else next((k.value for k in call.node.keywords), None)
        own: ast.expr | None = argument if value in call.arguments[:1] or not call.arguments else None
        if call.name == "int.to_bytes" and isinstance(call.node.func, ast.Attribute):
            own = call.node.func.value
        m.refused.append(TooBig(m.origin("seed", call.node), largest, call.name or call.method, bad, own))


def seeded_value(value: Value) -> bool:
    """Whether the seed that miners send is part of it."""
    return any(o.kind == "seed" for o in value.origins)


def drawing(m: Machine, call: Call) -> Value | None:
    """Functions that draw from a library's own generator, from the system, or read a clock."""
    kind = sources.kind_of(call.name, len(call.arguments) + len(call.keywords))
    if kind in ("listing", "finish"):
        made = m.derived(*call.everything, node=call.node)
        return among_others(m, call, made, kind) if m.phase == "predict" else made
    if kind:
        return replace(m.derived(*call.everything, node=call.node), origins=frozenset({m.origin(kind, call.node)}))
    library = sources.drawn_from(call.name)
    if not library:
        return None
    own = call.keywords.get("generator") or call.keywords.get("random_state")
    made = m.derived(*call.everything, node=call.node)
    if own is not None and not own.is_none:
        return made
    origins = m.drawn(library, call.node, library)
    for value in call.arguments:
        m.changed(value, origins)
    kind_ = {"random.randint": "int", "random.randrange": "int", "random.getrandbits": "int"}.get(call.name, "")
    return replace(made, origins=made.origins | origins, type=kind_)


def among_others(m: Machine, call: Call, made: Value, kind: Kind) -> Value:
    """What comes in an order that others decide, and may be files that others wrote."""
    cell = m.cell()
    m.heap[cell] = m.world
    return replace(made, origins=made.origins | {m.origin(kind, call.node)}, cells=made.cells | {cell})


def builtin(m: Machine, call: Call) -> Value | None:
    """Builtins whose result says more than what they were given."""
    if call.name in BUILTINS:
        return BUILTINS[call.name](m, call)
    if call.name in ORDERLESS:
        whole = union(call.everything)
        samples = each(FUNCTIONS[call.name], *call.everything) if call.name in FUNCTIONS else None
        origins = frozenset(o for o in source_text(m, call) if o.kind not in ORDERS)
        return Value(origins, whole.names, whole.cells, samples, suffix=first_of(call).suffix)
    return listed(m, call) if call.name in LISTERS else None


def first_of(call: Call) -> Value:
    """The first argument, or nothing."""
    return call.arguments[0] if call.arguments else NOTHING


def hashed(m: Machine, call: Call) -> Value:
    """`hash(x)`: of a number it is the same everywhere, of a text another one after each start."""
    first = first_of(call)
    made = m.derived(*call.everything, node=call.node)
    stable = first.type in ("int", "float", "bool", "NoneType") or (first.type == "tuple" and numbers(first))
    return made if stable else replace(made, origins=made.origins | {m.origin("hash", call.node)}, type="hash")


def set_of(m: Machine, call: Call) -> Value:
    """`set(x)`."""
    first, made = first_of(call), union(call.everything)
    items = first.items if first.items is not None else (Value(type="int"),) if first.type == "range" else None
    return Value(made.origins, made.names, made.cells | {m.cell()}, type="set", items=items)


def ranged(m: Machine, call: Call) -> Value:
    """`range(x)`: a loop as long as the seed never ends."""
    for value in call.arguments:
        limited(m, replace(call, name="range"), value, LONGEST_LOOP)
    return Value(source_text(m, call), type="range")


def stepped(m: Machine, call: Call) -> Value | None:
    """`next(x)` of something that outlives the prediction."""
    first = first_of(call)
    if not first.early or m.phase != "predict":
        return None
    return replace(first, origins=first.origins | {m.origin("counter", call.node)}, early=False)


def byte_string(m: Machine, call: Call) -> Value | None:
    """`bytes([x])` takes numbers up to 255."""
    for item in first_of(call).items or ():
        limited(m, call, item, 255)
    return None


def numbers(value: Value) -> bool:
    """Whether a tuple is known to hold nothing but numbers."""
    return value.items is not None and all(
        i.type in ("int", "float", "bool") or (i.type == "tuple" and numbers(i)) for i in value.items
    )


def listed(m: Machine, call: Call) -> Value:
    """What is gone through in order: a set among it makes the order another one after each start."""
    origins, whole = source_text(m, call), union(call.everything)
    for value, node in zip(call.arguments, call.node.args, strict=False):
        if value.type in ("set", "frozenset") and not numbers(value):
            origins |= {m.origin("order", node)}
    first = call.arguments[-1] if call.arguments else NOTHING
    same = call.name in ("builtins.list", "builtins.tuple")
    return Value(
        origins, whole.names, whole.cells | {m.cell()}, type=call.name.rpartition(".")[2],
        length=first.length if same else None, suffix=first.suffix, items=first.items if same else None,
        early=first.early,
    )  # fmt: skip


def opened(m: Machine, call: Call) -> Value:
    """A file: it shares the storage of its name."""
    name = call.argument(0, "file") or NOTHING
    return Value(cells=name.cells or frozenset({m.cell()}), names=name.names | name.origins, type="file")


BUILTINS: dict[str, Callable[[Machine, Call], Value | None]] = {
    "builtins.hash": hashed, "builtins.set": set_of, "builtins.frozenset": set_of, "builtins.range": ranged,
    "builtins.next": stepped, "builtins.bytes": byte_string, "builtins.bytearray": byte_string, "builtins.open": opened,
}  # fmt: skip
LISTERS = (
    "builtins.list", "builtins.tuple", "builtins.enumerate", "builtins.iter", "builtins.zip", "builtins.map",
    "builtins.filter", "builtins.reversed", "itertools.chain",
)  # fmt: skip


def calculated(m: Machine, call: Call) -> Value | None:
    """Functions of numbers."""
    rule = FUNCTIONS.get(call.name)
    if rule is None or call.keywords:
        return None
    kind = call.name.rpartition(".")[2]
    samples = each(rule, *call.arguments) if call.arguments else None
    both = union(call.everything)
    first = call.arguments[0] if call.arguments else NOTHING
    if kind == "str" and first.path:
        return replace(first, type="str")
    origins = NONE
    for value in call.everything:
        origins |= m.content(value, call.node)
    return Value(origins, both.names, both.cells if kind == "str" else frozenset(), samples,
                 type=kind if kind in ("int", "float", "bool", "str") else first.type)  # fmt: skip


def silent(m: Machine, call: Call) -> Value | None:
    """Functions that only tell somebody something; a file that is named gets it."""
    if not sources.is_silent(call.name):
        return None
    file = call.keywords.get("file")
    if file is not None:
        m.changed(file, source_text(m, call))
    made = m.derived(node=call.node)
    return replace(made, type="logging") if call.name.startswith(("logging.", "structlog.", "loguru.")) else made


def pathlike(m: Machine, call: Call) -> Value | None:
    """Functions that make the name of a file."""
    if call.name not in sources.PATHS and not call.name.startswith("cog.Path"):
        return None
    whole = union(call.everything)
    origins = NONE
    for value in call.everything:
        origins |= value.origins
    last = call.arguments[-1] if call.arguments else NOTHING
    cells = whole.cells or frozenset({m.cell()})
    return Value(origins, whole.names, cells, type="pathlib.Path", path=True, suffix=last.suffix)


def method(m: Machine, call: Call, receiver: Value) -> Value | None:
    """Methods that this module knows, whatever they belong to."""
    if receiver.type == "logging" or call.method in ("record_metric",):
        return Value(type="logging")
    keys = [c for c in receiver.cells if c in m.state.generators]
    if keys:
        return of_generator(m, call, receiver, keys)
    if call.method in sources.TENSOR_METHODS and not generator_given(call):
        origins = m.drawn("torch", call.node, "torch") if uses(m, "torch") else NONE
        m.changed(receiver, origins)
        made = m.derived(*call.everything, node=call.node)
        return replace(made, origins=made.origins | origins, type=receiver.type)
    if draws_inside(call, receiver):
        origins = m.drawn("torch", call.node, "torch")
        made = unknown(m, call, receiver)
        return replace(made, origins=made.origins | origins)
    if call.method in sources.LISTING_METHODS and m.phase == "predict":
        made = m.derived(receiver, *call.arguments, node=call.node)
        return among_others(m, call, made, "listing")
    return of_number(m, call, receiver) or of_text(m, call, receiver) or of_list(m, call, receiver)


def of_generator(m: Machine, call: Call, receiver: Value, keys: list[int]) -> Value:
    """A method of a generator: it is seeded, or it draws."""
    if call.method in ("seed", "manual_seed"):
        seed = call.argument(0, "seed", "a")
        limited(m, call, seed, sources.LIMIT_32 if "RandomState" in receiver.type else None)
        for key in keys:
            m.seeded(key, from_seed(m, call, seed, receiver.type))
        return replace(receiver, receiver=None, method="")
    if call.method in ("spawn", "jumped", "clone", "get_state", "getstate", "initial_seed"):
        return m.derived(receiver, *call.arguments, node=call.node)
    origins = NONE
    for key in keys:
        origins |= m.drawn(key, call.node, receiver.type)
    for value in call.arguments:
        m.changed(value, origins)
    made = m.derived(*call.arguments, *call.keywords.values(), node=call.node)
    samples = None
    return replace(made, origins=made.origins | origins, samples=samples, type="")


def generator_given(call: Call) -> bool:
    """Whether a call was given a generator of its own."""
    value = call.keywords.get("generator")
    return value is not None and not value.is_none


def uses(m: Machine, library: str) -> bool:
    """Whether any file of the model imports this library."""
    return any(v.name.split(".")[0] == library for scope in m.modules.values() for v in scope.values() if v.name)


def draws_inside(call: Call, receiver: Value) -> bool:
    """Whether a library draws from torch's own generator in here: sampling of a language model."""
    if call.method != "generate" or generator_given(call):
        return False
    sample = call.keywords.get("do_sample")
    if sample is not None:
        return sample.constant is not False
    return receiver.type.startswith("transformers.") and bool({"temperature", "top_p", "top_k"} & call.keywords.keys())


def of_number(m: Machine, call: Call, receiver: Value) -> Value | None:
    """`seed.to_bytes(4, ...)` refuses what does not fit."""
    if call.method != "to_bytes" or receiver.samples is None or not seeded_value(receiver):
        return None
    size = call.argument(0, "length")
    if size is not None and isinstance(size.constant, int) and 0 < size.constant <= 64:
        limited(m, replace(call, name="int.to_bytes"), receiver, 256**size.constant - 1)
    return m.derived(*call.everything, node=call.node)


def of_text(m: Machine, call: Call, receiver: Value) -> Value | None:
    """Methods of texts: joining a set makes the order another one after each start."""
    if call.method == "join" and call.arguments:
        made = m.derived(*call.everything, node=call.node)
        first = call.arguments[0]
        if first.type in ("set", "frozenset") and not numbers(first):
            made = replace(made, origins=made.origins | {m.origin("order", call.node.args[0])})
        return replace(made, path=receiver.path)
    if call.method == "pop" and receiver.type in ("set",) and not numbers(receiver):
        made = m.derived(receiver, node=call.node)
        return replace(made, origins=made.origins | {m.origin("order", call.node)})
    return None


def of_list(m: Machine, call: Call, receiver: Value) -> Value | None:
    """`out.append(x)`: one more; a list that outlives the prediction remembers the ones before."""
    if call.method not in ("append", "extend", "add", "insert"):
        return None
    origins = source_text(m, replace(call, receiver=None))
    if receiver.early and m.phase == "predict" and receiver.type in ("list", "set", "dict", ""):
        origins |= {m.origin("counter", call.node)}
    m.changed(receiver, origins)
    given = union(call.arguments)
    owner = call.node.func.value if isinstance(call.node.func, ast.Attribute) else None
    if isinstance(owner, ast.Name) and m.lookup(owner.id) is not None:
        count = None if m.loops or call.method != "append" or receiver.length is None else receiver.length + 1
        known_ = call.arguments[-1].suffix if call.arguments else ""
        grown = replace(receiver, length=count, items=None, suffix=known_ if receiver.suffix in ("", known_) else "",
                        names=receiver.names | given.names, cells=receiver.cells | given.cells)  # fmt: skip
        m.assign(owner.id, replace(grown, receiver=None, method=""))
    return NOTHING


def unknown(m: Machine, call: Call, function: Value) -> Value:
    """A call of which nothing is known: its result, and all that it was given, may hold anything of the others."""
    values = (
        call.everything
        if call.receiver is not None
        else (*call.everything, Value(function.origins, cells=function.cells))
    )
    origins = m.control
    for value in values:
        origins |= m.content(value, call.node)
    if any(v.early for v in (function, call.receiver) if v is not None) and not is_standard(call):
        origins = frozenset(o for o in origins if o.kind not in ("uuid", "host"))  # the name of a request
    origins |= diffusion(m, call, function)
    if not is_standard(call):
        m.world |= frozenset(o for o in origins if o.kind in UNSEEN)
    for value in values:
        m.changed(value, frozenset(o for o in origins if o.kind != "time") if quiet(call) else origins)
    note_seed(m, call, origins)
    owner = function.type or function.name
    made = replace(m.derived(*values, kind=result_type(owner), node=call.node), origins=origins)
    path = any(v.path for v in call.everything) and call.method in ("format", "joinpath", "with_suffix", "with_name")
    suffix = next((suffix_of(v.constant) for v in call.arguments if isinstance(v.constant, str)), "") if path else ""
    return replace(made, path=path, suffix=suffix)


UNSEEN = ("seed", "unseeded", "entropy", "carried", "constant", "counter")
"""What a foreign program may write into files that are only read back."""


def quiet(call: Call) -> bool:
    """Calls that take a time only to wait or to give up."""
    return bool({"timeout", "deadline"} & call.keywords.keys())


def result_type(owner: str) -> str:
    """The type of a call's result, by the name of what was called: `diffusers.X.from_pretrained` gives a pipeline."""
    return owner.removesuffix(".to").removesuffix(".cuda").removesuffix(".eval").removesuffix(".half")


def diffusion(m: Machine, call: Call, function: Value) -> Origins:
    """A pipeline of diffusers draws its noise from torch's own generator where it is given none."""
    pipeline = function.type.startswith("diffusers.") and "Pipeline" in function.type and call.receiver is None
    own = {"latents", "**"} & call.keywords.keys() or generator_given(call)
    if not pipeline or m.phase == "setup" or own:
        return NONE
    return m.drawn("torch", call.node, "torch")


def note_seed(m: Machine, call: Call, origins: Origins) -> None:
    """Remember that the seed was given to something that may use it in a way that is not seen here."""
    if m.phase != "predict" or is_standard(call):
        return
    seeded = any(o.kind == "seed" for o in origins) or any(seeded_value(v) for v in call.everything)
    held = any(o.kind == "seed" for g in m.state.generators.values() if g.phase == "predict" for o in g.origins)
    m.seed_passed |= seeded or (held and uses_any(m))


def is_standard(call: Call) -> bool:
    """Whether a call is of Python's own library, where nothing happens that is not seen here."""
    if call.receiver is None:
        return call.name.startswith(sources.STANDARD)
    kind = call.receiver.type
    return call.receiver.path or kind in PLAIN or f"{kind}.".startswith(sources.STANDARD)


PLAIN = ("str", "bytes", "int", "float", "bool", "list", "tuple", "dict", "set", "file", "generator", "logging")


def uses_any(m: Machine) -> bool:
    """Whether a library is in use that may draw from a seeded generator unseen."""
    return any(uses(m, library) for library in ("torch", "numpy", "tensorflow", "jax", "diffusers", "transformers"))
