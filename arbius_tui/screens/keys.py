"""How keys are named, and which ones the footer and the help show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from textual.binding import ActiveBinding, Binding

NAMES = {
    "escape": "Esc", "enter": "Enter", "space": "Space", "tab": "Tab", "delete": "Del", "slash": "/",
    "question_mark": "?", "up": "Up", "down": "Down", "left": "Left", "right": "Right", "home": "Home", "end": "End",
    "pageup": "PgUp", "pagedown": "PgDn", "backspace": "Bksp", "plus": "+", "minus": "-", "full_stop": ".",
}  # fmt: skip


def key_name(key: str) -> str:
    """A key as it is written on screen: `^Q`, `F10`, `Esc`, `r`."""
    if key.startswith("ctrl+"):
        return "^" + key_name(key[5:]).upper() if len(key) == 6 else "^" + key_name(key[5:])
    if key.startswith("shift+"):
        return "S-" + key_name(key[6:])
    if key in NAMES:
        return NAMES[key]
    return key.upper() if len(key) > 1 and key[0] == "f" and key[1:].isdigit() else key


def by_id(active: Mapping[str, ActiveBinding]) -> dict[str, tuple[str, Binding]]:
    """The first key of each binding that works now, by the binding's id; remapped keys are already in."""
    found: dict[str, tuple[str, Binding]] = {}
    for key, (_, binding, _, _) in active.items():
        if binding.id:
            found.setdefault(binding.id, (key, binding))
    return found


def hints(wanted: Iterable[str], active: Mapping[str, tuple[str, Binding]]) -> list[str]:
    """`F4 copy` for each wanted id that works now; what has a blank in it is taken as it is."""
    shown = []
    for id in wanted:
        if " " in id:
            shown.append(id)
        elif id in active:
            key, binding = active[id]
            shown.append(f"{key_name(key)} {binding.description}")
    return shown


def groups(active: Mapping[str, ActiveBinding], ours: str) -> dict[str, Sequence[tuple[str, str]]]:
    """All keys that work now, for the help: those of this step, of what has the focus, and those of every screen."""
    found: dict[str, list[tuple[str, str]]] = {ours: [], "what has the focus": [], "every screen": []}
    for key, (_, binding, _, tooltip) in active.items():
        if not binding.id or not (text := tooltip or binding.description):
            continue
        area = binding.id.partition(".")[0]
        group = "every screen" if area in ("frame", "app") else ours if binding.show else "what has the focus"
        found[group].append((key_name(key), text))
    return {name: rows for name, rows in found.items() if rows}
