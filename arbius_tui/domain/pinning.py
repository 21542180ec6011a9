"""What a pin is worth, and what it means for the registration that follows it."""

from __future__ import annotations

from typing import Literal

from arbius_tui.domain.cid import cid
from arbius_tui.domain.errors import PinFailed
from arbius_tui.domain.questions import Consent
from arbius_tui.domain.records import PinRecord

Standing = Literal["fetched", "announced", "stored", "nowhere", "rehearsal"]
"""How far a pin got: another party fetched it; others were told; nobody can fetch it; no store has it; play."""


def standing(record: PinRecord) -> Standing:
    """How far it got. A service that announces by itself counts as announced: it cannot be asked."""
    if any(store.get("sort") == "embedded" for store in record.stores):
        return "rehearsal"
    if record.fetchable:
        return "fetched"
    if not record.stores:
        return "nowhere"
    return "stored" if all(store.get("alone") for store in record.stores) else "announced"


def refuse_other_bytes(record: PinRecord, data: bytes) -> None:
    """PinFailed unless exactly these bytes were pinned and no CID differed: `changed-since-pin`, `pin-blocked`."""
    if record.blocked:
        raise PinFailed(
            "pin-blocked",
            record.blocked,
            why="the engine registers one CID; miners look for exactly that",
            fix="mend what 7 Pin names, then pin again",
        )
    if (now := cid(data)) != record.cid:
        raise PinFailed(
            "changed-since-pin",
            "the template has changed since it was pinned",
            why="the bytes pinned must be the bytes registered, or nobody finds the template",
            fix=f"do step 7 Pin again{f'; the bytes that were pinned are in {record.kept}' if record.kept else ''}",
            detail=f"pinned {record.cid}, now {now}",
        )


def consent(record: PinRecord) -> Consent | None:
    """The question that stands before a registration that nobody could use yet; None where it needs none."""
    words = {
        "nowhere": "no store has the template",
        "stored": "the template is stored, and nobody can fetch it",
    }.get(standing(record))
    if words is None:
        return None
    return Consent(
        "not-pinned",
        f"Register all the same? {words[0].upper()}{words[1:]}",
        "miners ignore a model whose template they cannot read; the id stays the same when it is pinned later",
        rehearsal="yes",
        changes="the model is registered for good, and useless until somebody can fetch the template",
        undo="pin the same bytes later: the CID in the model stays right",
    )
