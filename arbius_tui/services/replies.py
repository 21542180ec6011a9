"""What a Cog server answered, in words: each way a prediction can fail has a code, and none of them has a hash.

- `input-refused`: the server refuses an input (422, 400, 415); names the fields
- `model-failed`: the model itself failed, or the prediction was cancelled
- `model-crashed`: the model's worker is gone
- `no-output`: it succeeded and returned nothing
- `output-broken`: an output that is cut, is no base64, or is a link
- `output-too-big`: more than we are ready to take
- `server-error`: 500 and the like
- `not-ready`: setup is not over, or it failed
- `not-allowed`: 401, 403
- `not-a-cog-server`: anything that no Cog server says
- `endpoint-unreachable`: nothing answers at the URL
- `endpoint-lost`: the connection broke while it worked
- `timeout`: no answer in time
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from arbius_tui.domain.errors import BadInput, Failure, NotReady
from arbius_tui.domain.text import clean
from arbius_tui.services.outputs import Broken, depth

LOG_TAIL = 16_384
"""Characters of a model's log that are kept; its end says why."""

STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
PROOF = "without an output there is nothing to hash, and nothing is proved"


def shown(url: str) -> str:
    """A URL as it may be shown: without a user, a password or a query."""
    try:
        parts = urlsplit(url)
        where = parts.netloc.rpartition("@")[2]
        return clean(f"{parts.scheme}://{where}{parts.path}") if where else "the endpoint"
    except ValueError:
        return "the endpoint"


def tail(log: Any) -> str:
    """The end of a log, clean; nothing for what is no text."""
    return clean(log[-LOG_TAIL:]) if isinstance(log, str) else ""


def refused(status: int, body: bytes, url: str) -> Failure:
    """The failure that another status than success means. 409 never comes here."""
    said = words(body)
    if status in (400, 415, 422):
        return input_refused(said, document(body))
    if status == 503:
        return NotReady(
            "not-ready",
            f"the model at {shown(url)} is not set up",
            why="it cannot predict until its setup has succeeded",
            fix="wait until it is READY; if setup failed, its log says why",
            detail=said,
        )
    if status in (401, 403):
        return NotReady("not-allowed", f"{shown(url)} refuses us with HTTP {status}", why=PROOF, detail=said)
    if status >= 500:
        return NotReady(
            "server-error",
            f"the server failed with HTTP {status}" + (f": {said[:200]}" if said else ""),
            why=PROOF,
            fix="look at the server's log; a model that ends its process takes an old Cog server with it",
            detail=said,
        )
    return not_cog(url, f"HTTP {status}", said)


def input_refused(said: str, reply: Any) -> BadInput:
    """A 422 and its likes; Cog names each field in `loc`: body, input, NAME."""
    detail = reply.get("detail") if isinstance(reply, dict) else None
    fields = [field(item) for item in detail if isinstance(item, dict)] if isinstance(detail, list) else []
    what = "; ".join(dict.fromkeys(fields)) or said[:200] or "no reason given"
    return BadInput(
        "input-refused",
        f"the model refuses the input: {what}",
        why="a miner who sends this gets no output either",
        fix="send what its schema allows, or change the input in the predictor",
        detail=said,
    )


def field(item: Mapping[str, Any]) -> str:
    """One refused field in words."""
    loc = item.get("loc")
    name = str(loc[2]) if isinstance(loc, list) and len(loc) > 2 else ""
    return clean(f"{name}: {item.get('msg', 'refused')}" if name else str(item.get("msg", "refused")))


def unsuccessful(reply: Mapping[str, Any]) -> Failure:
    """A prediction that ended without success; servers say so with HTTP 200."""
    log = tail(reply.get("logs"))
    if reply.get("status") == "canceled":
        return NotReady("model-failed", "the prediction was cancelled on the server", why=PROOF, detail=log)
    raw = reply.get("error")
    error = re.sub(r"^(?:Prediction failed: )+", "", clean(raw).strip()) if isinstance(raw, str) else ""
    if error == "Worker crashed":
        return NotReady(
            "model-crashed",
            "the model's process crashed",
            why="this server answers nothing more until it is restarted",
            fix="restart it; running out of memory and faults in native code end a process so",
            detail=log,
        )
    return NotReady(
        "model-failed",
        f"the model failed: {error or 'it gave no reason'}",
        why=PROOF,
        fix="mend the model; its own words are below",
        detail="\n".join(part for part in (error, log) if part),
    )


def broken(reason: str) -> NotReady:
    """An answer or an output that is damaged."""
    return NotReady(
        "output-broken",
        f"the server's answer is broken: {reason}",
        why="a hash of half an output would prove nothing",
        fix="try again; if it stays, look at the server's log and at any proxy in between",
    )


def no_output(reason: str, log: str) -> NotReady:
    """A success without anything to hash."""
    return NotReady("no-output", reason, why=PROOF, fix="return a file or a text from the predictor", detail=log)


def too_big(size: int, limit: int) -> NotReady:
    """More bytes than we take."""
    return NotReady(
        "output-too-big",
        f"the server's answer has {size:,} bytes or more, and {limit:,} is the limit",
        why="miners would have to move this for every task",
        fix="return a smaller output",
    )


def unwritten(folder: Path | None, error: OSError) -> NotReady:
    """An output that could not be written as it came, e.g. on a full disk."""
    return NotReady(
        "cannot-write",
        f"cannot write the output into {clean(str(folder))}: {(error.strerror or str(error)).lower()}",
        why="a file that is cut is no output",
        fix="free some space, or name another folder: -o DIR",
    )


def not_cog(url: str, what: str, said: str = "") -> NotReady:
    """Something else listens there."""
    return NotReady(
        "not-a-cog-server",
        f"{shown(url)} does not answer as a Cog server does ({what})",
        why="only Cog's own HTTP server says what the model really returned",
        fix="check the URL; a Cog container listens on port 5000, and macOS uses that port itself",
        detail=said,
    )


def unreachable(url: str, said: str) -> NotReady:
    """Nobody listens there."""
    return NotReady(
        "endpoint-unreachable",
        f"nothing answers at {shown(url)}",
        why="the model must run to be tried",
        fix="start the model's server, or check the URL",
        detail=clean(said),
    )


def lost(url: str, said: str) -> NotReady:
    """The connection broke."""
    return NotReady(
        "endpoint-lost",
        f"the connection to {shown(url)} broke before the answer was complete",
        why=PROOF,
        fix="look whether the server still runs; a model that runs out of memory ends so",
        detail=clean(said),
    )


def late(url: str, limit: float) -> NotReady:
    """No answer in time."""
    return NotReady(
        "timeout",
        f"no answer from {shown(url)} within {limit:.0f} s",
        why="an old Cog server goes on with that prediction until it is done",
        fix="try with fewer steps or a smaller size, or allow more time",
    )


def endpoint(url: str) -> str:
    """A URL of a server without its last slash; BadInput `bad-endpoint` for what is none."""
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        known = False
    if not known:
        raise bad_endpoint(url)
    return url.rstrip("/")


def bad_endpoint(url: str) -> BadInput:
    """No URL of a server."""
    return BadInput(
        "bad-endpoint",
        f"{shown(url)} is no URL of a server",
        why="the model is asked over HTTP",
        fix="write it as http://127.0.0.1:5000",
    )


def document(body: bytes) -> Any:
    """A body as JSON, or None; also for one that is nested without end."""
    try:
        depth(STRING.sub(b"", body))
        return json.loads(body)
    except (Broken, ValueError):
        return None


def words(body: bytes) -> str:
    """A body of an error for a person: what the JSON says, or the text itself; at most 4,000 characters."""
    reply = document(body)
    said = next((reply[key] for key in ("detail", "error") if key in reply), None) if isinstance(reply, dict) else None
    text = said if isinstance(said, str) else body.decode("utf-8", "replace")
    return clean(text[:4000]).strip()
