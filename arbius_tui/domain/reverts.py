"""Why the engine refused, in words: the custom errors of V6 and the require strings of V1 to V5.

One row for each reason; a V6 selector, the text of an older engine and the name as some node prints it lead to the
same row, so an author reads the same words whatever engine and whatever RPC answered.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from arbius_tui.domain.errors import Fix, Problem
from arbius_tui.domain.evm import selector


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason of the engine: the V6 error (empty: only a string), the strings of older engines, and our words."""

    error: str
    code: str
    what: str
    why: str = ""
    fix: str = ""
    texts: tuple[str, ...] = ()


_MINING = "this is a rule for validators; registering and keeping a model never meets it"
_OWNER = "use the account that is the model's addr; with addr 0x..01 nobody but the engine's owner can"

REASONS: tuple[Reason, ...] = (
    # What an author can meet.
    Reason(
        "Paused",
        "engine-paused",
        "the engine is paused",
        "while it is paused it registers nothing and takes no tasks; only its pauser can end that",
        "wait and try again; nothing was sent and nothing is lost. News are in the Arbius channels",
        ("paused",),
    ),
    Reason(
        "AddressMustBeNonZero",
        "address-zero",
        "the model's addr is the zero address",
        "the engine takes a model without an addr for one that does not exist",
        "take your own address, or 0x0000000000000000000000000000000000000001 to give the model up for good",
        ("address must be non-zero",),
    ),
    Reason(
        "",
        "template-too-big",
        "the template is larger than 65,536 bytes",
        "the engine computes the CID of the whole template and refuses more (other tools check only 262,144)",
        "shorten the template: long descriptions and lists of choices are the usual cause",
        ("max content size is 65536 bytes",),
    ),
    Reason(
        "ModelAlreadyRegistered",
        "already-registered",
        "this model is registered already",
        "the same sender, addr, fee and template give the same id, and an id is registered once",
        "use the model as it is; for another one change the template, the fee or the addr",
        ("model already registered",),
    ),
    Reason(
        "NotModelOwner",
        "not-model-owner",
        "this account may not change the model",
        "only the account in the model's addr may, not the one that registered it; nobody may where there is no model",
        _OWNER,
        ("not model owner",),
    ),
    Reason(
        "ModelDoesNotExist",
        "model-does-not-exist",
        "the engine has no model of this id",
        "ids belong to one engine: the same model on another chain must be registered there",
        "check the id and the network",
        ("model does not exist",),
    ),
    Reason(
        "AllowListNotEnabled",
        "allow-list-not-enabled",
        "this model has no allow list",
        "it was registered without one, or the list was ended; anybody may solve its tasks",
        "a list can only be given at registration: register again with one, which gives another id only if the "
        "template, fee or addr differs",
    ),
    Reason(
        "CannotReenableAllowList",
        "cannot-reenable-allow-list",
        "an allow list that was ended cannot be taken up again",
        "ending it is for good",
        "register the model again with an allow list and another template, fee or addr",
    ),
    Reason(
        "NotAllowedToSubmitSolution",
        "not-allowed-to-submit-solution",
        "this miner is not on the model's allow list",
        "the model takes solutions only from the listed accounts",
        "the account in the model's addr can add the miner to the list",
    ),
    Reason(
        "LowerFeeThanModelFee",
        "lower-fee-than-model-fee",
        "the task pays less than the model's fee",
        "a task must bring at least the fee that the model asks",
        "submit the task with the model's fee or more, in AIUS",
        ("lower fee than model fee",),
    ),
    Reason(
        "NotPauser",
        "not-pauser",
        "this account may not pause the engine",
        "only the engine's pauser may",
        "use the pauser's account",
        ("not pauser",),
    ),
    Reason(
        "PercentageTooHigh",
        "percentage-too-high",
        "the percentage is over 100 %",
        "1000000000000000000 is 100 %",
        "take a value between 0 and 1000000000000000000",
        ("percentage too high",),
    ),
    Reason(
        "NoOverrideExists",
        "no-override-exists",
        "this model has no fee share of its own",
        "there is nothing to take away: the engine's general share holds for it",
        "nothing to do",
    ),
    Reason(
        "",
        "not-owner",
        "only the engine's owner may do this",
        "a model's mining rate and the engine's settings are decided by Arbius, not by authors",
        "ask in the Arbius channels; registration itself needs nobody's leave",
        ("ownable: caller is not the owner",),
    ),
    Reason(
        "",
        "token-allowance",
        "the engine may not take the fee in AIUS from this account",
        "a task's fee is paid in AIUS, and the account has not allowed the engine to take so much",
        "approve the engine for the fee in AIUS, then try again",
        ("erc20: insufficient allowance",),
    ),
    Reason(
        "",
        "token-balance",
        "the account has too little AIUS",
        "a task's fee is paid in AIUS, not in ETH",
        "send AIUS to the account; on Arbitrum Sepolia the test token is free",
        ("erc20: transfer amount exceeds balance",),
    ),
    # Rules of mining, voting and staking: an author meets them only by a wrong call, but should read words even then.
    Reason("MinStakedTooLow", "min-staked-too-low", "the validator has too little at stake", _MINING,
           texts=("min staked too low", "validator min staked too low")),
    Reason("NotMasterContester", "not-master-contester", "this account is not a master contester", _MINING),
    Reason("InvalidRegistry", "invalid-registry", "this is not a registry of master contesters",
           "it is a setting of the engine's owner"),
    Reason("InvalidMultiplier", "invalid-multiplier", "this multiplier is out of range",
           "it is a setting of the engine's owner"),
    Reason("InsufficientStake", "insufficient-stake", "more is asked back than is at stake and free", _MINING),
    Reason("RequestNotExist", "request-not-exist", "there is no such request to withdraw", _MINING,
           texts=("request not exist",)),
    Reason("WaitLonger", "wait-longer", "the time to withdraw has not come", _MINING, "wait until it is unlocked",
           ("wait longer",)),
    Reason("StakeInsufficient", "stake-insufficient", "the stake is smaller than what is to be withdrawn", _MINING,
           texts=("stake insufficient",)),
    Reason("MinVals", "min-vals", "the engine was asked for a reward at time or supply zero",
           "it is too young to compute rewards", texts=("min vals",)),
    Reason("CommitmentExists", "commitment-exists", "this commitment was made already", _MINING,
           texts=("commitment exists",)),
    Reason("TaskDoesNotExist", "task-does-not-exist", "the engine has no task of this id",
           "a task belongs to one engine", "check the task's id and the network", ("task does not exist",)),
    Reason("SolutionAlreadySubmitted", "solution-already-submitted", "somebody has solved this task already", _MINING,
           texts=("solution already submitted",)),
    Reason("NonExistentCommitment", "non-existent-commitment", "no commitment was made to this solution", _MINING,
           texts=("non existent commitment",)),
    Reason("CommitmentMustBeInPast", "commitment-must-be-in-past", "the commitment is in the same block", _MINING,
           "submit the solution a block later", ("commitment must be in past",)),
    Reason("SubmitSolutionCooldown", "submit-solution-cooldown", "the validator must wait after a lost contestation",
           _MINING, texts=("submitsolution cooldown after lost contestation",)),
    Reason("SolutionRateLimit", "solution-rate-limit", "the validator submits too fast", _MINING,
           texts=("solution rate limit",)),
    Reason("SolutionNotFound", "solution-not-found", "nobody has solved this task yet", _MINING,
           texts=("solution not found", "solution does not exist")),
    Reason("HasContestation", "has-contestation", "the solution is contested", _MINING,
           "wait until the vote is finished", ("has contestation",)),
    Reason("NotEnoughDelay", "not-enough-delay", "the solution can still be contested", _MINING,
           "claim it when its time is over", ("not enough delay",)),
    Reason("ClaimSolutionCooldown", "claim-solution-cooldown", "the validator must wait after a lost contestation",
           _MINING, texts=("claimsolution cooldown after lost contestation",)),
    Reason("AlreadyClaimed", "already-claimed", "the solution was claimed already", _MINING,
           texts=("already claimed",)),
    Reason("ContestationAlreadyExists", "contestation-already-exists", "the solution is contested already", _MINING,
           texts=("contestation already exists",)),
    Reason("TooLate", "too-late", "the time to contest is over", _MINING, texts=("too late",)),
    Reason("Wtf", "claimed-before-contest", "the solution was claimed before it could be contested", _MINING,
           texts=("wtf",)),
    Reason("MasterContesterMinStakedTooLow", "master-contester-min-staked-too-low",
           "the master contester has too little at stake", _MINING),
    Reason("ContestationDoesntExist", "contestation-doesnt-exist", "the solution is not contested", _MINING,
           texts=("contestation doesn't exist",)),
    Reason("VotingPeriodNotEnded", "voting-period-not-ended", "the vote is not over", _MINING,
           texts=("voting period not ended",)),
    Reason("AmntTooSmall", "amnt-too-small", "the number of votes to count is zero", _MINING,
           texts=("amnt too small",)),
    Reason("NotAllowed", "not-allowed", "this validator may not vote here", _MINING, texts=("not allowed",)),
)  # fmt: skip

ERRORS: tuple[str, ...] = tuple(reason.error for reason in REASONS if reason.error)
"""The names of all custom errors of V6; none takes an argument."""

ENGINE_REFUSES = frozenset({"engine-paused"})
"""Codes where no other transaction would fare better: the engine itself is not open."""

PANICS = {
    0x01: "an assertion failed",
    0x11: "a number overflowed",
    0x12: "a division by zero",
    0x21: "a value outside its list",
    0x22: "storage in a wrong form",
    0x31: "an empty list was shortened",
    0x32: "an index outside its list",
    0x41: "too much memory was asked for",
    0x51: "a call to nowhere",
}
"""The codes of Solidity's Panic(uint256)."""

ERROR_STRING, PANIC = "0x08c379a0", "0x4e487b71"
"""The selectors of Error(string) and Panic(uint256)."""


def explain_revert(data: str, text: str = "") -> Problem:
    """Why a call was reverted, from its revert data (0x hex, may be empty) and the node's text (may be empty).

    The code is that of the reason, `panic` for a Panic(uint256), and `reverted` for what nobody could name.
    """
    raw = data if data not in ("", "0x") else _data_in(text)
    detail = " ".join(part for part in (text.strip(), data if data not in text else "") if part)
    if raw[:10] == PANIC:
        return _panic(raw, detail)
    said = _error_string(raw) if raw[:10] == ERROR_STRING else _said(text)
    reason = _by_selector().get(raw[:10]) or _by_text().get(said.lower().rstrip(".")) or _by_name().get(_name_in(text))
    if reason is None:
        return _unknown(said or raw, detail)
    fix = Fix(reason.fix) if reason.fix else None
    return Problem(reason.code, reason.what, reason.why, fix, detail or raw)


@cache
def _by_selector() -> dict[str, Reason]:
    return {selector(f"{reason.error}()"): reason for reason in REASONS if reason.error}


@cache
def _by_text() -> dict[str, Reason]:
    return {text: reason for reason in REASONS for text in reason.texts}


@cache
def _by_name() -> dict[str, Reason]:
    return {reason.error: reason for reason in REASONS if reason.error}


def _panic(raw: str, detail: str) -> Problem:
    number = int(raw[10:74] or "0", 16)
    cause = PANICS.get(number, "a fault in the contract")
    return Problem(
        "panic",
        f"the engine failed: {cause} (panic 0x{number:02x})",
        "this is a fault inside the contract, or a value that it was never meant to get",
        Fix("check fee and addr; if they are right, report it to Arbius with the text below"),
        detail or raw,
    )


def _unknown(said: str, detail: str) -> Problem:
    if said:
        why = "this reason is in no version of the engine that is known here"
        return Problem("reverted", f"the engine refused: {said}", why, Fix("look at the engine's source"), detail)
    why = "it would fail when mined, too, and cost its gas. Some RPC services leave out the reason"
    fix = Fix("try another RPC URL; it may name the reason")
    return Problem("reverted", "the engine refused without a reason", why, fix, detail)


def _error_string(raw: str) -> str:
    """The text of an Error(string); what is there if it was cut short, nothing if it is no such thing."""
    try:
        body = bytes.fromhex(raw[10:])
    except ValueError:
        return ""
    length = int.from_bytes(body[32:64], "big")
    return body[64 : 64 + min(length, 1000)].decode("utf-8", "replace")


_FRAMES = (
    r"reverted with reason string '(?P<said>[^']*)'",
    r"(?:execution|transaction|vm exception)?[\w ]*\brevert(?:ed)?\b:? *(?P<said>.*)",
)


def _said(text: str) -> str:
    """The reason in a node's text: what stands after `execution reverted:` or in the quotes of Hardhat."""
    for frame in _FRAMES:
        if match := re.search(frame, text, re.IGNORECASE | re.DOTALL):
            return match["said"].strip().strip("\"'")
    return text.strip()


def _data_in(text: str) -> str:
    """Revert data that a node put into its text, e.g. `custom error 0x78ea387c` or `Reverted 0x08c379a0..`."""
    match = re.search(r"0x[0-9a-fA-F]{8,}", text)
    return match[0].lower() if match and (len(match[0]) - 10) % 64 == 0 else ""


def _name_in(text: str) -> str:
    """A custom error's name in a node's text, e.g. `reverted with custom error 'Paused()'`."""
    match = re.search(r"\b([A-Z]\w+)\(\)", text)
    return match[1] if match else ""
