"""One look at the chain before something is signed: all questions at once, and the same of a second RPC.

A registration needs ten questions; in one request they take the time of one. What is asked of the engine is proven by
the simulation: it runs the very call, so an engine that is paused, wants another sender or computes another id shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from arbius_tui.domain import engine
from arbius_tui.domain.errors import Failure, Problem, WrongChain
from arbius_tui.domain.networks import ARBITRUM, Network, chain_title
from arbius_tui.services.ports import ChainStatus, Look, OnChainModel, Quote, Registration, Request, Share
from arbius_tui.services.rpc import Question, Rpc, is_revert

HEADROOM = 25
"""Percent on top of the estimate: on Arbitrum the L1 part of the gas varies between blocks. The rest is refunded."""

NODE_INTERFACE = "0x00000000000000000000000000000000000000C8"
"""Where an Arbitrum node tells what it thinks of gas; there is no contract."""

COMPONENTS = "0xc94e6eeb"
"""The selector of gasEstimateComponents(address,bool,bytes)."""

REGISTERING = ("registerModel", "registerModelWithAllowList")


class NoEngine(ValueError):
    """Whatever lies at the engine's address does not answer like one."""


def view(address: str, name: str, *arguments: Any) -> Question:
    """The question of one of the engine's functions."""
    return "eth_call", {"to": address, "data": engine.call_data(name, *arguments)}, "latest"


def request_of(registration: Registration) -> Request:
    """The call of a registration."""
    listed = registration.allow_list
    data = engine.register_calldata(registration.addr, registration.fee_wei, registration.template, listed)
    return Request(engine.parse_address(registration.sender), REGISTERING[listed is not None], data)


def on_chain(model: tuple[Any, ...]) -> OnChainModel | None:
    """models(id) as it was returned; None where there is none."""
    fee, addr, rate, cid = model
    return OnChainModel(engine.checksum(addr), fee, rate, "0x" + cid.hex()) if int(addr, 16) else None


def right_chain(rpc: Rpc, network: Network, found: Any) -> None:
    """WrongChain if this chain id is not the network's; a Failure that came in its place is raised."""
    if isinstance(found, Failure):
        raise found
    number = rpc.quantity("eth_chainId", found) if found is not None else None
    if number == network.chain_id:
        return
    wanted = f"{network.title} ({network.chain_id})"
    said = f"is {chain_title(number)}, not {wanted}" if number is not None else "does not say which chain it is"
    raise WrongChain(
        "wrong-chain",
        f"this RPC {said}",
        why="the engine lies on one chain; on another its address belongs to nobody, or to somebody else",
        fix=f"give the URL of an RPC of {network.title}, or choose the network that is meant",
        detail=rpc.redact.where,
    )


@dataclass(frozen=True)
class Looking:
    """What to ask about a call. With `model_id` also about the model, with `fee` about who gets its fee."""

    rpc: Rpc
    network: Network
    request: Request
    model_id: str = ""
    fee: bool = False

    def questions(self) -> dict[str, Question]:
        """Each question by our name for it."""
        request, address = self.request, self.network.engine
        call = {"from": request.sender, "to": address, "data": request.data}
        asked: dict[str, Question] = {
            "chain": ("eth_chainId",),
            "head": ("eth_getBlockByNumber", "latest", False),
            "simulated": ("eth_call", call, "latest"),
            "estimate": ("eth_estimateGas", call),
            "nonce": ("eth_getTransactionCount", request.sender, "pending"),
            "balance": ("eth_getBalance", request.sender, "latest"),
        }
        if self.model_id:
            id = bytes.fromhex(self.model_id[2:])
            asked |= {"version": view(address, "version"), "model": view(address, "models", id)}
            if request.function not in REGISTERING:
                asked |= {"listed": view(address, "modelRequiresAllowList", id)}
            if self.fee:
                asked |= {
                    "share": view(address, "solutionModelFeePercentage"),
                    "own": view(address, "hasSolutionModelFeePercentageOverride", id),
                }
        if self.network.chain_id in ARBITRUM:
            asked |= {"parts": ("eth_call", {**call, "to": NODE_INTERFACE, "data": self.components()}, "latest")}
        return asked

    def components(self) -> str:
        """The calldata that asks an Arbitrum node for the parts of the gas."""
        from eth_abi.abi import encode

        data = bytes.fromhex(self.request.data[2:])
        return COMPONENTS + encode(["address", "bool", "bytes"], [self.network.engine, False, data]).hex()

    async def look(self) -> Looked:
        """Ask everything; only a node that cannot be asked at all is a failure here."""
        asked = self.questions()
        answers = dict(zip(asked, await self.rpc.batch(list(asked.values())), strict=True))
        if self.fee and (own := decoded(self.rpc, "hasSolutionModelFeePercentageOverride", answers["own"])) and own[0]:
            id = bytes.fromhex(self.model_id[2:])
            (answers["override"],) = await self.rpc.batch(
                [view(self.network.engine, "solutionModelFeePercentageOverride", id)]
            )
        if not isinstance(answers["head"], Failure) and self.rpc.base_fee(answers["head"]) is None:
            answers["price"] = hex(await self.rpc.number("eth_gasPrice"))
        return Looked(self, answers)


@dataclass(frozen=True)
class Looked:
    """The answers by name, each a result or the Failure it met."""

    asked: Looking
    answers: Mapping[str, Any]

    @property
    def chain(self) -> Any:
        """The chain id as it was answered."""
        return self.answers["chain"]

    def quote(self) -> Quote:
        """The simulation's outcome and what it costs; a revert is raised in words, NoEngine when none answered."""
        rpc, answers, request = self.asked.rpc, self.answers, self.asked.request
        returned = self.simulated()
        estimate = rpc.quantity("eth_estimateGas", answers["estimate"])
        gas = estimate + estimate * HEADROOM // 100
        base = rpc.base_fee(answers["head"])
        base = base if base is not None else rpc.quantity("eth_gasPrice", answers["price"])
        price = 2 * base
        nonce = rpc.quantity("eth_getTransactionCount", answers["nonce"])
        transaction = {
            "type": 2,
            "chainId": self.asked.network.chain_id,
            "nonce": nonce,
            "to": self.asked.network.engine,
            "value": 0,
            "data": request.data,
            "gas": gas,
            "maxFeePerGas": price,
            "maxPriorityFeePerGas": 0,
        }
        balance = rpc.quantity("eth_getBalance", answers["balance"])
        return Quote(returned, gas, gas * price, balance, nonce, transaction, estimate * base, self.l1_gas())

    def simulated(self) -> str:
        """The id that the engine returned for a registration, empty for every other call."""
        function = self.asked.request.function
        found = self.answers["simulated"]
        data = self.asked.rpc.data("eth_call", found)
        if function in REGISTERING:
            return "0x" + str(self.returned(function, data)[0].hex())
        return ""

    def l1_gas(self) -> int:
        """The part of the gas that pays for data on Ethereum, where an Arbitrum node says it."""
        from eth_abi.abi import decode
        from eth_abi.exceptions import DecodingError

        found = self.answers.get("parts")
        if not isinstance(found, str):
            return 0
        try:
            _, l1, _, _ = decode(["uint64", "uint64", "uint256", "uint256"], self.asked.rpc.data("eth_call", found))
        except (DecodingError, Failure):
            return 0
        return int(l1)

    def all(self) -> Look:
        """Everything; a call that the engine refuses is `refused` and no failure yet."""
        rpc, network = self.asked.rpc, self.asked.network
        model = on_chain(self.returned("models", rpc.data("eth_call", self.answers["model"])))
        (version,) = self.returned("version", rpc.data("eth_call", self.answers["version"]))
        head = self.answers["head"]
        rpc.base_fee(head)  # raises what is wrong with it
        block = rpc.quantity("eth_getBlockByNumber", head["number"])
        quote, refused = None, None
        try:
            quote = self.quote()
        except Failure as failure:
            if not is_revert(failure):
                raise
            refused = failure
        paused = refused is not None and refused.problem.code == "engine-paused"
        status = ChainStatus(network.chain_id, block, network.engine, True, version, paused)
        return Look(status, model, quote, refused, self.share(), self.listed())

    def share(self) -> Share | None:
        """Who gets the fee; before version 5 all of it is the author's."""
        if not self.asked.fee:
            return None
        rpc = self.asked.rpc
        general = decoded(rpc, "solutionModelFeePercentage", self.answers["share"])
        own = decoded(rpc, "solutionModelFeePercentageOverride", self.answers.get("override"))
        if own is not None:
            return Share(own[0], own=True)
        return Share(general[0] if general else 0)

    def listed(self) -> bool | None:
        """Whether the model has an allow list now."""
        found = decoded(self.asked.rpc, "modelRequiresAllowList", self.answers.get("listed"))
        return found[0] if found else None

    @staticmethod
    def returned(name: str, data: bytes) -> tuple[Any, ...]:
        """What a function returned, decoded; NoEngine when these bytes are not of that shape."""
        try:
            return engine.returned(name, data)
        except ValueError as error:
            raise NoEngine(str(error)) from None


def decoded(rpc: Rpc, name: str, found: Any) -> tuple[Any, ...] | None:
    """What a getter of newer engines returned; None where this engine has none."""
    try:
        return engine.returned(name, rpc.data("eth_call", found))
    except (Failure, ValueError):
        return None


@dataclass(frozen=True)
class Opinion:
    """What the second RPC says: its chain id and what the same call returned there. `trouble`: it said nothing."""

    where: str = ""
    chain: Any = None
    simulated: Any = None
    trouble: Problem | None = None


async def opinion(rpc: Rpc | None, network: Network, request: Request) -> Opinion:
    """Ask the second RPC for the same; one that is down is no reason to stop."""
    if rpc is None:
        return Opinion()
    call = {"from": request.sender, "to": network.engine, "data": request.data}
    try:
        chain, simulated = await rpc.batch([("eth_chainId",), ("eth_call", call, "latest")])
        if isinstance(chain, Failure):
            raise chain
    except Failure as failure:
        return Opinion(rpc.redact.where, trouble=failure.problem)
    said = simulated.problem.code if isinstance(simulated, Failure) else simulated
    silent = simulated.problem if isinstance(simulated, Failure) and not is_revert(simulated) else None
    return Opinion(rpc.redact.where, chain, said, silent)


def with_opinion(look: Look, where: str, other: Opinion) -> Look:
    """The look with the second opinion; WrongChain `rpcs-disagree` when the two say different things."""
    look = replace(look, where=where)
    if not other.where:
        return look
    if other.trouble is not None:
        return replace(look, doubt=other.trouble)
    first = look.quote.model_id if look.quote else look.refused.problem.code if look.refused else ""
    second = str(other.simulated)
    same_call = first == second or (look.quote is not None and not first and second == "0x")
    chain = int(other.chain, 16) if isinstance(other.chain, str) and other.chain.startswith("0x") else None
    if chain == look.status.chain_id and same_call:
        return replace(look, second=other.where)
    a, b = f"chain {look.status.chain_id}, {first or 'fine'}", f"chain {chain}, {second or 'fine'}"
    raise WrongChain(
        "rpcs-disagree",
        f"two RPCs disagree: {where} and {other.where}",
        why="one of them is on another chain, far behind, or lies; nothing is signed on such ground",
        fix="take two RPCs of this chain that you trust: --rpc URL --rpc URL",
        detail=f"{where}: {a}\n{other.where}: {b}",
    )
