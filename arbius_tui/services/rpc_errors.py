"""What goes wrong between us and a chain's RPC, as failures in words.

Four sorts of trouble meet here: the contract reverts, the node refuses, HTTP or the network breaks, and the answer is
no answer. Nodes differ in their texts (anvil, geth, nitro and the embedded chain were read); the words do not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from arbius_tui.domain.engine import explain_revert
from arbius_tui.domain.errors import BadInput, Failure, InsufficientFunds, NotReady, TransactionFailed, WrongChain
from arbius_tui.domain.reverts import ENGINE_REFUSES
from arbius_tui.domain.text import amount, clean

SEND = "eth_sendRawTransaction"
"""The one method that is never repeated by itself, and whose lost answers leave doubt."""

METHOD_NOT_FOUND, REVERTED = -32601, 3
"""JSON-RPC's own code, and the one with which nodes say that a contract reverted."""

UNCLEAR = "send-unclear"
"""The code of a broadcast whose answer was lost."""


class Refused(Exception):
    """A JSON-RPC error, as the node wrote it; `status` is HTTP's."""

    def __init__(self, body: Mapping[str, Any], status: int = 200) -> None:
        super().__init__(str(body.get("message") or "")[:500])
        self.body, self.status = body, status


class HttpStatus(Exception):
    """An HTTP status that is no answer."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"HTTP {status}: {text}")
        self.status = status


class NoJson(Exception):
    """Something that is no JSON, or not of JSON-RPC."""


def result(answer: Any, method: str) -> Any:
    """The result in an answer, None where it says null; Refused or NoJson when there is none."""
    if isinstance(answer, Mapping) and answer.get("error") is not None:
        error, status = answer["error"], answer.get("status")
        body = error if isinstance(error, Mapping) else {"message": str(error)}
        raise Refused(body, status if isinstance(status, int) else 200)
    if not isinstance(answer, Mapping) or "result" not in answer:
        raise NoJson(f"{method}: {str(answer)[:300]}")
    return answer["result"]


class Redactor:
    """Makes text from an RPC fit to show: harmless, and without the parts of URLs that are mostly an API key."""

    def __init__(self, url: str = "") -> None:
        parts = urlsplit(url)
        self.where = f"{parts.scheme}://{_host(parts.netloc)}" if parts.netloc else "the embedded chain"
        """The RPC as it may be shown: scheme, host and port."""
        path = [segment for segment in parts.path.split("/") if len(segment) >= 8]
        query = re.split(r"[&=]", parts.query) if parts.query else []
        secret = {*path, *(q for q in query if len(q) >= 8), parts.username or "", parts.password or ""} - {""}
        self._secrets = sorted({*secret, *map(unquote, secret)}, key=len, reverse=True)

    def __call__(self, text: str, longest: int = 800) -> str:
        """The text, clean, with its secrets as `***` and URLs cut to their host."""
        text = re.sub(r"(https?://)([^\s/'\"<>()?#]+)[^\s'\"<>()]*", lambda m: m[1] + _host(m[2]), clean(text))
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text if len(text) <= longest else text[:longest] + " ..."

    def __repr__(self) -> str:
        return f"<redactor of {self.where}>"


def _host(netloc: str) -> str:
    return netloc.rpartition("@")[2]


def check_url(url: str) -> None:
    """BadInput `rpc-url` unless this is an http or https URL with a host."""
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        fine = False
    if not fine:
        raise BadInput(
            "rpc-url",
            "the RPC URL is not an http or https URL",
            why="the chain is asked over JSON-RPC and HTTP; ws:// and file paths do not work here",
            fix="give a whole URL, e.g. https://arb1.arbitrum.io/rpc",
        )


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a node says when it refuses, and our words for it; the first that matches is taken."""

    says: str
    kind: type[Failure]
    code: str
    what: str
    why: str
    fix: str


REFUSALS: tuple[Refusal, ...] = (
    Refusal(
        r"method .*not (?:found|supported|available|allowed)|does not exist/is not available|unknown rpc endpoint",
        NotReady,
        "rpc-method",
        "this RPC lacks a method that is needed",
        "sequencer endpoints only take transactions; some services leave methods out",
        "take a full RPC of the chain",
    ),
    Refusal(
        r"nonce too low|nonce has already been used|old nonce",
        TransactionFailed,
        "nonce-too-low",
        "the account has sent another transaction with this nonce",
        "every nonce is used once: either this very transaction is on chain already, or another took its place",
        "look this transaction up by its hash; if the chain does not know it, review and sign again",
    ),
    Refusal(
        r"nonce too high|nonce gap",
        TransactionFailed,
        "nonce-too-high",
        "a transaction of this account is missing before this one",
        "nonces are used in order, and Arbitrum keeps a later one for about a second only",
        "send the earlier transaction, or review and sign again with the next nonce",
    ),
    Refusal(
        r"already known|already imported|known transaction|already exists in (?:the )?mempool",
        TransactionFailed,
        "already-known",
        "the node has this transaction already",
        "the same signed bytes were sent before",
        "wait for its receipt",
    ),
    Refusal(
        r"insufficient (?:funds|balance)|cannot afford",
        InsufficientFunds,
        "insufficient-funds",
        "the account cannot pay for this transaction",
        "a node takes a transaction only if the account could pay its highest possible cost",
        "send ETH on this chain to the account, then try again",
    ),
    Refusal(
        r"invalid chain ?id|chain ?id (?:mismatch|does not match)|wrong chain|invalid sender",
        WrongChain,
        "wrong-chain",
        "the transaction was signed for another chain",
        "the chain id is inside the signature, so that a transaction is worth nothing elsewhere",
        "take the RPC of the chain it was signed for, or sign again",
    ),
    Refusal(
        r"(?:max ?fee|fee ?cap)\b.*(?:less|lower|below).*base ?fee|gas price.*(?:less|below).*base ?fee",
        TransactionFailed,
        "fee-too-low",
        "the chain became more expensive than this transaction may pay",
        "its highest gas price is below the block's base fee",
        "review and sign again: the price is read anew",
    ),
    Refusal(
        r"intrinsic gas|gas limit|out of gas|gas required exceeds|floor data gas|gas too low",
        TransactionFailed,
        "gas-limit",
        "the transaction's gas limit does not fit",
        "it is below what its bytes alone cost, or above what a block holds",
        "review and sign again: the gas is estimated anew",
    ),
    Refusal(
        r"underpriced",
        TransactionFailed,
        "underpriced",
        "another transaction with this nonce is waiting",
        "a node replaces a waiting transaction only by one that pays more",
        "wait until the other one is mined",
    ),
    Refusal(
        r"oversized data|transaction size|exceeds.*size",
        TransactionFailed,
        "transaction-too-big",
        "the transaction is too large for this node",
        "the sequencer takes at most about 95,000 bytes; a template within 65,536 bytes fits",
        "shorten the template, or take the chain's own RPC",
    ),
    Refusal(
        r"rate limit|too many requests|limit exceeded|capacity|daily request|throttl",
        NotReady,
        "rpc-busy",
        "the RPC answers no more questions for now",
        "public RPC services limit how often one may ask",
        "wait a minute, or take an RPC URL of your own",
    ),
    Refusal(
        r"unauthorized|must be authenticated|invalid (?:api|project)|forbidden|access denied|missing api ?key",
        NotReady,
        "rpc-denied",
        "the RPC does not let us in",
        "the key in its URL is wrong, used up, or not for this chain",
        "check the RPC URL, or take another",
    ),
)
"""The refusals of nodes, most telling first; matched without regard to case."""

NO_VERDICT = re.compile(r"deadline exceeded|timed? ?out|internal error|server error", re.IGNORECASE)
"""Refusals of a broadcast that do not say whether the transaction was taken."""

SEND_DEFINITE = frozenset({"rpc-unreachable", "rpc-busy", "rpc-denied", "rpc-not-found"})
"""Transport troubles of a broadcast after which the transaction was certainly not taken."""


def failure(error: Exception, method: str, redact: Redactor) -> Failure:
    """Whatever a call to the RPC raised, as a Failure in words; `method` is the JSON-RPC method that was asked."""
    if isinstance(error, Failure):
        return error
    found = _node(error, method, redact) or _transport(error, redact)
    if method == SEND and isinstance(found, NotReady) and found.problem.code not in SEND_DEFINITE:
        return unclear(found.problem.detail or found.problem.what)
    return found


def unclear(detail: str) -> TransactionFailed:
    """The answer to a broadcast was lost or says nothing."""
    return TransactionFailed(
        UNCLEAR,
        "the transaction was sent, and the answer was lost",
        why="it may be on chain or not; sending the same bytes again can never register twice",
        fix="look it up by its hash; it and its hash are saved",
        detail=detail,
    )


def reverted(data: str, text: str, redact: Redactor) -> Failure:
    """A revert of the engine in words: WrongChain if the engine refuses everybody, else TransactionFailed."""
    problem = explain_revert(data, text)
    kind = WrongChain if problem.code in ENGINE_REFUSES else TransactionFailed
    fix = problem.fix.text if problem.fix else ""
    return kind(problem.code, redact(problem.what), why=problem.why, fix=fix, detail=redact(problem.detail))


def no_funds(account: str, needed_wei: int, balance_wei: int) -> InsufficientFunds:
    """The account lacks so much, exact to the wei; Arbitrum's gas is paid in ETH."""
    missing = needed_wei - balance_wei
    return InsufficientFunds(
        "insufficient-funds",
        f"the account {account} lacks {amount(missing, 'ETH')} ({missing} wei)",
        why=f"the transaction may cost up to {amount(needed_wei, 'ETH')}, and the account has "
        f"{amount(balance_wei, 'ETH')}; what is not used is not taken",
        fix=f"send at least {amount(missing, 'ETH')} on this chain to {account}, then try again",
    )


def garbled(method: str, detail: str, redact: Redactor) -> NotReady:
    """An answer that is no answer: HTML, cut JSON, or null where a value belongs."""
    return NotReady(
        "rpc-garbled",
        f"{redact.where} did not answer {method} like an RPC",
        why="a login page of the network, a proxy, or a URL that is no RPC answers like this",
        fix="check the RPC URL, or take another",
        detail=redact(detail),
    )


def _node(error: Exception, method: str, redact: Redactor) -> Failure | None:
    if not isinstance(error, Refused):
        return None
    body = error.body
    text, data = str(body.get("message") or ""), revert_data(body.get("data"))
    if body.get("code") == METHOD_NOT_FOUND:
        text = f"method not found: {text}"
    if body.get("code") == REVERTED or "revert" in text.lower():
        return reverted(data, text, redact)
    detail = redact(json.dumps({key: body[key] for key in ("code", "message", "data") if key in body}, default=str))
    if method == SEND and NO_VERDICT.search(text):
        return unclear(detail)
    for refusal in REFUSALS:
        if re.search(refusal.says, text, re.IGNORECASE | re.DOTALL):
            return refusal.kind(refusal.code, refusal.what, why=refusal.why, fix=refusal.fix, detail=detail)
    if error.status >= 300:
        return _http(error.status, redact, detail)
    kind = TransactionFailed if method == SEND else NotReady
    return kind(
        "rpc-refused",
        f"the node refused {method}: {redact(text, 200)}",
        why="nothing was sent" if method != SEND else "the node did not take the transaction",
        fix="try again, or take another RPC",
        detail=detail,
    )


def revert_data(found: object) -> str:
    """Revert data as 0x hex, also where a service nests it or puts a word before it; empty when there is none."""
    if isinstance(found, dict):
        return next(filter(None, map(revert_data, found.values())), "")
    said = re.fullmatch(r"(?:Reverted )?(0x(?:[0-9a-fA-F]{2})*)", found) if isinstance(found, str) else None
    return said[1].lower() if said else ""


def _transport(error: Exception, redact: Redactor) -> NotReady:
    import httpx

    detail = redact(f"{type(error).__name__}: {error}")
    if isinstance(error, HttpStatus):
        return _http(error.status, redact, detail)
    if isinstance(error, httpx.ConnectError):
        return NotReady(
            "rpc-unreachable",
            f"{redact.where} cannot be reached",
            why="no network, a wrong host or port, or the RPC is down",
            fix="check the network and the RPC URL, or take another",
            detail=detail,
        )
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return NotReady(
            "rpc-timeout",
            f"{redact.where} did not answer in time",
            why="the RPC is overloaded, or something on the way swallows the question",
            fix="try again, or take another RPC",
            detail=detail,
        )
    if isinstance(error, httpx.TransportError | ConnectionError):
        return NotReady(
            "rpc-lost",
            f"{redact.where} broke off in the middle of the answer",
            why="the RPC or something on the way closed the connection",
            fix="try again, or take another RPC",
            detail=detail,
        )
    return garbled("a question", detail, redact)


def _http(status: int, redact: Redactor, detail: str) -> NotReady:
    where = redact.where
    if status < 400:
        return NotReady(
            "rpc-garbled", f"{where} sends us on to another address (HTTP {status}), and we do not go",
            why="a signed transaction must not reach a host that nobody chose",
            fix="give the RPC's own URL", detail=detail,
        )  # fmt: skip
    if status == 429:
        busy = next(refusal for refusal in REFUSALS if refusal.code == "rpc-busy")
        return NotReady(
            "rpc-busy", f"{where} answers no more questions for now", why=busy.why, fix=busy.fix, detail=detail
        )
    if status in (401, 403, 407):
        denied = next(refusal for refusal in REFUSALS if refusal.code == "rpc-denied")
        return NotReady("rpc-denied", f"{where} does not let us in", why=denied.why, fix=denied.fix, detail=detail)
    if status in (404, 405):
        why = "there is something at this host, but no RPC at this path"
        fix = "check the whole RPC URL"
        return NotReady("rpc-not-found", f"{where} has no RPC at this URL", why=why, fix=fix, detail=detail)
    why = "the RPC, or a gateway before it, is in trouble; this is not about your transaction"
    fix = "try again in a minute, or take another RPC"
    return NotReady("rpc-down", f"{where} answers with an error (HTTP {status})", why=why, fix=fix, detail=detail)
