"""What Replicate's API refuses, in words; each has a code and a way out.

The statuses and the shape of errors (`title`, `detail`, `status`, `invalid_fields`, `retry_after`) are those of
Replicate's HTTP API, https://replicate.com/docs/reference/http.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from arbius_tui.domain.errors import BadInput, Failure, NotReady
from arbius_tui.domain.text import clean
from arbius_tui.services import replies
from arbius_tui.services.tokens import PAGE

NOTHING = "without an output there is nothing to hash, and nothing is proved"


def refused(status: int, body: bytes, what: str) -> Failure:
    """The failure that a status means; `what` was asked for, e.g. `owner/name`. 429 comes here when it stays."""
    reply = replies.document(body)
    said = words(reply, body)
    if status in (400, 422):
        return input_refused(reply, said)
    if status in STATUSES:
        code, sentence, fix = STATUSES[status]
        return NotReady(code, sentence.format(clean(what)), why=NOTHING, fix=fix, detail=said)
    if status >= 500:
        return NotReady(
            "replicate-broken",
            f"Replicate failed with HTTP {status}",
            why=NOTHING,
            fix="try again later; https://www.replicatestatus.com says what is known",
            detail=said,
        )
    return strange(f"HTTP {status}", said)


STATUSES: Mapping[int, tuple[str, str, str]] = {
    401: ("replicate-token", "Replicate refuses the API token",
          f"make a new one at {PAGE} and keep it: arbius-tui login --api"),
    402: ("replicate-payment", "Replicate wants credit before it runs {}",
          "add credit at https://replicate.com/account/billing, then run what failed again"),
    403: ("replicate-forbidden", "this API token may not use {}",
          "take a token of somebody who may: a private model belongs to its owner"),
    404: ("replicate-not-found", "Replicate has no {}",
          "look at owner, name and version on the model's page; a private model needs its owner's token"),
    429: ("replicate-limit", "Replicate's rate limit holds on, so {} was given up",
          "wait some minutes and run what failed again; with little credit it allows six predictions a minute"),
}  # fmt: skip


def words(reply: Any, body: bytes) -> str:
    """An error's title and detail."""
    if not isinstance(reply, dict):
        return replies.words(body)
    parts = [reply.get(key) for key in ("title", "detail")]
    return clean(". ".join(part for part in parts if isinstance(part, str) and part))[:4000]


def input_refused(reply: Any, said: str) -> BadInput:
    """An input, or a version, that is refused."""
    listed = reply.get("invalid_fields") if isinstance(reply, dict) else None
    fields = [field(item) for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    return replies.input_refused("; ".join(dict.fromkeys(fields)) or said, None)


def field(item: Mapping[str, Any]) -> str:
    """One refused field."""
    name = str(item.get("field") or "").removeprefix("input.")
    return clean(f"{name}: {item.get('description') or 'refused'}" if name else str(item.get("description")))


def strange(what: str, said: str = "") -> NotReady:
    """An answer that Replicate's API does not give."""
    return NotReady(
        "replicate-strange",
        f"what answers is not Replicate's API ({what})",
        why=NOTHING,
        fix="look at the network: a proxy or a portal may answer in its place",
        detail=said,
    )


def unreachable(said: str) -> NotReady:
    """Nobody answers."""
    return NotReady(
        "replicate-unreachable",
        "Replicate's API cannot be reached",
        why="the model runs there",
        fix="look at the network of this machine",
        command="curl -sSI https://api.replicate.com",
        detail=clean(said),
    )


def lost(said: str) -> NotReady:
    """A connection that broke."""
    return NotReady(
        "endpoint-lost",
        "the connection to Replicate broke before the answer was complete",
        why=NOTHING,
        fix="run what failed again",
        detail=clean(said),
    )


def late(what: str, limit: float) -> NotReady:
    """A prediction that took too long; it was cancelled there."""
    return NotReady(
        "timeout",
        f"no answer from {clean(what)} within {limit:.0f} s; the prediction was cancelled there",
        why=NOTHING,
        fix="try with fewer steps or a smaller size; a model that starts slowly may be warm now",
    )


def no_version(what: str) -> NotReady:
    """A model without a version that could run."""
    return NotReady(
        "replicate-no-version",
        f"{clean(what)} has no version at Replicate yet",
        why="a version is what runs",
        fix="push the model there first: cog push r8.im/OWNER/NAME; an official model has no versions to compare",
    )
