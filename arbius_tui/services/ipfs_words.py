"""What goes wrong with a store of IPFS, in words: what happened, why it matters, what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arbius_tui.domain.cid_forms import difference
from arbius_tui.domain.errors import PinFailed
from arbius_tui.domain.text import clean
from arbius_tui.services.ipfs_address import on_this_machine

if TYPE_CHECKING:
    from arbius_tui.services.ipfs_http import Answer

WHY = "the template must be stored where others can fetch it"
MINERS = "the engine registers one CID; miners look for exactly that"


def other_cid(store: str, expected: str, said: str, data: bytes, filename: str) -> PinFailed:
    """The store gave our bytes another CID; the rule that makes the difference is found by computing the others."""
    found = difference(data, said, filename)
    said = clean(said)[:120] or "nothing"
    known = "other-bytes" not in found.rules
    return PinFailed(
        "cid-mismatch",
        f"{store} says {said}: {found.words}" if known else f"{store} says {said}, which these bytes do not give",
        why=MINERS,
        fix="use a node or service that takes its CID options from the call (Kubo does), or mend what changes the file;"
        " nothing is registered with a CID that differs",
        detail=f"here {expected}\nthere {said}\ndiffers {', '.join(found.rules)}: {found.words}",
    )


def other_block(store: str, expected: str, found: str, detail: str = "") -> PinFailed:
    """The store gave another block than it was asked for."""
    return PinFailed(
        "cid-mismatch",
        f"{store} gave a block with the CID {found} instead of {expected}",
        why=MINERS,
        fix="pin it again; if it stays so, the store is damaged or lies: use another one",
        detail=clean(detail),
    )


def unreachable(node: str, base: str, detail: str) -> PinFailed:
    """Nobody listens there."""
    local = on_this_machine(base)
    return PinFailed(
        "ipfs-unreachable",
        f"{node} does not answer",
        why=WHY,
        fix="start the IPFS daemon and leave it running" if local else "look at the address, and whether it runs",
        command="ipfs daemon" if local else None,
        detail=clean(detail),
    )


def silent(node: str, command: str, seconds: float) -> PinFailed:
    """It took the call and did not end it in time."""
    return PinFailed(
        "ipfs-timeout",
        f"{node} did not answer {command} within {seconds:g} s",
        why="without its answer nobody knows whether the template is stored",
        fix="try again; pinning the same bytes twice changes nothing",
    )


def broken(node: str, detail: str) -> PinFailed:
    """The answer ended early, or is none of HTTP's."""
    return PinFailed(
        "ipfs-answer",
        f"{node} gave an answer that cannot be read",
        why="without its answer nobody knows whether the template is stored",
        fix="look whether this is the RPC address (port 5001), then try again",
        detail=clean(detail),
    )


def refused(node: str, answer: Answer, command: str = "this", token: bool = False) -> PinFailed:
    """An answer that is not a good one, in words."""
    said = answer.message
    if answer.status in (401, 403):
        code, what = "ipfs-refused", f"{'does not accept the token' if token else 'wants a token'} for {command}"
        fix = f"allow /api/v0/{command} in the node's API.Authorizations, or give another token: --token-file F"
        fix = fix if token else "put its token into a file that only you can read, and name it: --token-file F"
    elif answer.status == 429:
        code, what, fix = "ipfs-busy", "asks for fewer calls", "wait a minute, then try again"
    elif answer.status >= 500 or answer.late or (answer.status == 400 and answer.kind == "application/json"):
        code, fix = "ipfs-error", "look at the node's own log, then try again"
        what = f"could not do it: {said.splitlines()[0][:160] if said else 'no reason given'}"
    else:
        code, fix = "ipfs-not-kubo", "use the RPC address (port 5001), not the gateway (8080)"
        what = f"answers, but not as Kubo's RPC does ({answer.kind or 'no media type'})"
    return PinFailed(
        code,
        f"{node} {what}",
        why=WHY,
        fix=fix,
        detail=f"HTTP {answer.status}\n{said}".strip(),
    )
