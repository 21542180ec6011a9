"""The four palettes and which one a terminal gets. Every colour of the application is named here and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass

from textual.theme import Theme


def palette(name: str, **c: str) -> Theme:
    """A theme from our dozen tokens; Textual derives the rest from them."""
    return Theme(
        name=name,
        dark=name != "arbius-light",
        ansi=c["background"] == "ansi_default",
        primary=c["accent"],
        secondary=c["accent"],
        accent=c["accent"],
        success=c["success"],
        warning=c["warning"],
        error=c["error"],
        foreground=c["ink"],
        background=c["background"],
        surface=c["surface"],
        panel=c["panel"],
        variables={**_ours(c), **_textuals(c)},
    )


def _ours(c: Mapping[str, str]) -> dict[str, str]:
    """Our own tokens. `*-style` carry an attribute, so that a palette without colours can use reverse."""
    return {
        "ink": c["ink"],
        "muted": c["muted"],
        "line": c["line"],
        "rule": c.get("rule", c["line"]),
        "field": c["field"],
        "bar": c["panel"],
        "strip": c["surface"],
        "select": c["select"],
        "select-blurred": c["blurred"],
        "on-accent": c["on_accent"],
        "cursor-style": c.get("cursor", "bold"),
        "chip": c.get("filled", c["accent"]),
        "chip-style": c.get("chip", "bold"),
        "alarm": c["warning"],
        "on-alarm": c.get("on_alarm", c["background"]),
        "alarm-style": c.get("alarm", "none"),
    }


def _textuals(c: Mapping[str, str]) -> dict[str, str]:
    """The tokens Textual's own widgets name."""
    return {
        "text-muted": c.get("quiet", c["muted"]),
        "border": c["line"],
        "border-blurred": c["line"],
        "input-cursor-background": c["accent"],
        "input-cursor-foreground": c["on_accent"],
        "input-cursor-text-style": c.get("caret", "none"),
        "input-selection-background": c["select"],
        "scrollbar": c["line"],
        "scrollbar-background": c["background"],
        # An `ansi` theme without these two makes Textual fail when it composes a screen.
        "ansi-background": "ansi_black",
        "ansi-foreground": "ansi_white",
    }


DARK = palette(
    "arbius-dark",
    background="#11131A",
    surface="#171A23",
    panel="#1F2430",
    field="#252B3A",
    select="#243056",
    blurred="#1E2330",
    ink="#DCE1EC",
    muted="#919BB2",
    line="#434C62",
    accent="#8FB0FF",
    on_accent="#0D1120",
    success="#7CCB9B",
    warning="#E8BC66",
    error="#FF8592",
)
LIGHT = palette(
    "arbius-light",
    background="#FBFBF9",
    surface="#F1F2F5",
    panel="#E3E6ED",
    field="#E9ECF3",
    select="#D3DFFC",
    blurred="#E8EAF0",
    ink="#1B2030",
    muted="#545D70",
    line="#B2BAC8",
    accent="#2A4CC7",
    on_accent="#FFFFFF",
    success="#156640",
    warning="#7E4E00",
    error="#B01F2E",
)
_GROUNDS = ("background", "surface", "panel", "field", "select", "blurred", "ink", "on_accent", "quiet")
_BARE = dict.fromkeys(_GROUNDS, "ansi_default") | {
    "muted": "dim",
    "rule": "dim",
    "cursor": "reverse",
    "chip": "reverse",
    "filled": "ansi_default",
}
ANSI = palette(
    "arbius-ansi",
    **_BARE,
    line="ansi_bright_black",
    accent="ansi_bright_blue",
    on_alarm="ansi_black",
    success="ansi_green",
    warning="ansi_yellow",
    error="ansi_red",
)
MONO = palette(
    "arbius-mono",
    **_BARE,
    line="ansi_default",
    accent="ansi_default",
    success="ansi_default",
    warning="ansi_default",
    error="ansi_default",
    caret="reverse",
    alarm="reverse",
)
THEMES = (DARK, LIGHT, ANSI, MONO)
PALETTES = ("dark", "light", "ansi", "mono")
"""What `--palette` takes."""


@dataclass(frozen=True, slots=True)
class Look:
    """The theme's name and Textual's `ansi_color`: True sends the terminal's own colours, or none at all."""

    theme: str
    ansi_color: bool | None = None


def choose(setting: str, environ: MutableMapping[str, str]) -> Look:
    """The look for this terminal: NO_COLOR first, then the setting, then what the terminal can show.

    Textual takes an empty NO_COLOR for a set one (the rule of no-color.org is "set and not empty"), so an empty one is
    removed here; call this before `App.__init__` reads the environment.
    """
    if environ.get("NO_COLOR") or setting == "mono":
        environ["NO_COLOR"] = "1"
        return Look(MONO.name, ansi_color=True)
    environ.pop("NO_COLOR", None)
    name = f"arbius-{setting}" if setting in ("dark", "light", "ansi") else ""
    name = name or (DARK.name if many_colours(environ) else ANSI.name)
    return Look(name, ansi_color=True if name == ANSI.name else None)


def many_colours(environ: Mapping[str, str]) -> bool:
    """Whether the terminal says that it has 256 colours or more; the same signs that Rich goes by."""
    if environ.get("COLORTERM", "").strip().lower() in ("truecolor", "24bit"):
        return True
    return environ.get("TERM", "").strip().lower().rpartition("-")[2] in ("256color", "kitty", "direct")
