"""Checks of the chain: two RPCs, and what each of them says of the engine. One RPC alone can lie."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from arbius_tui.domain.errors import Fix
from arbius_tui.domain.networks import chain_title
from arbius_tui.domain.text import grouped, seconds, short
from arbius_tui.services.machine import Finding, Machine, Reply, host_of
from arbius_tui.services.probe_words import quantity

ABI_VERSION, ABI_PAUSED = "0x54fd4d50", "0x5c975abb"
"""Selectors of version() and paused()."""
BEHIND = 1200
"""Blocks that one RPC may be behind the other; Arbitrum makes about four a second, so five minutes."""
NO_RPC = Finding("off", "this network needs no RPC")


async def first(machine: Machine) -> Finding:
    """The first RPC serves the expected chain."""
    urls = machine.network.rpcs
    return await served(machine, urls[0]) if urls else NO_RPC


async def second(machine: Machine) -> Finding:
    """The second opinion serves it too, and has seen the same blocks."""
    urls = machine.network.rpcs
    if len(urls) < 2:
        return Finding("off", "no second RPC is set (--rpc twice)") if urls else NO_RPC
    found = await served(machine, urls[1])
    heads = await asyncio.gather(*(machine.rpc(url, "eth_blockNumber") for url in urls[:2]))
    if found.state != "ok" or any(head.fault for head in heads):
        return found
    lag = quantity(heads[0].value) - quantity(heads[1].value)
    if abs(lag) <= BEHIND or quantity((await machine.rpc(urls[0], "eth_chainId")).value) != machine.network.chain_id:
        return found
    slow = host_of(urls[1] if lag > 0 else urls[0])
    return Finding("warn", f"{slow} is {grouped(abs(lag))} blocks behind the other", Fix("use another RPC: --rpc URL"))


async def served(machine: Machine, url: str) -> Finding:
    """Chain id, head and time of one RPC."""
    chain, block = await asyncio.gather(machine.rpc(url, "eth_chainId"), machine.rpc(url, "eth_blockNumber"))
    if chain.fault:
        return no_rpc(url, chain)
    found, expected = quantity(chain.value), machine.network.chain_id
    if found == expected:
        head = f"block {grouped(quantity(block.value))} " if not block.fault else ""
        return Finding("ok", f"{found}  {head}{seconds(chain.seconds)}  {host_of(url)}")
    fix = Fix(f"use an RPC of {machine.network.title}: --rpc URL")
    return Finding("FAIL", f"{host_of(url)} is {chain_title(found)}, not {chain_title(expected)}", fix)


def no_rpc(url: str, reply: Reply) -> Finding:
    """An RPC that does not answer is no fault of this machine; one that refuses is worth a look."""
    if not reply.reached:
        return Finding("off", f"no network, or {host_of(url)} is down", raw=reply.fault)
    return Finding("warn", f"{host_of(url)}: {reply.fault}"[:100], Fix("use another RPC: --rpc URL"), reply.fault)


async def engine_code(machine: Machine) -> Finding:
    """The engine's address has code on this chain."""
    engine = short(machine.network.engine)

    def told(value: Any) -> Finding:
        if len(str(value)) > 2:
            return Finding("ok", f"{engine} has code")
        return Finding("FAIL", f"no contract at {engine}", Fix("look at --engine and --network"))

    return await compared(machine, told, lambda v: "code" if len(str(v)) > 2 else "no code", "eth_getCode")


async def engine_version(machine: Machine) -> Finding:
    """The wizard knows versions 1 to 6."""

    def told(value: Any) -> Finding:
        if (found := quantity(value)) == 6:
            return Finding("ok", "version 6")
        return Finding("warn", f"version {found}; this wizard was made for 6", Fix("look for a newer arbius-tui"))

    return await compared(machine, told, lambda v: f"version {quantity(v)}", "eth_call", ABI_VERSION)


async def engine_paused(machine: Machine) -> Finding:
    """A paused engine registers nothing."""

    def told(value: Any) -> Finding:
        if not quantity(value):
            return Finding("ok", "not paused")
        return Finding("FAIL", "paused: it registers nothing now", Fix("wait, and ask in the Arbius community"))

    return await compared(machine, told, lambda v: "paused" if quantity(v) else "not paused", "eth_call", ABI_PAUSED)


async def compared(
    machine: Machine, told: Callable[[Any], Finding], said: Callable[[Any], str], method: str, data: str = ""
) -> Finding:
    """Ask both RPCs the same of the engine. Two answers that differ are a finding of their own.

    A second RPC that is down or on another chain has a row of its own; here it only means one opinion.
    """
    replies = await asyncio.gather(*(on_chain(machine, url, method, data) for url in machine.network.rpcs[:2]))
    if not replies:
        return NO_RPC
    if replies[0].fault:
        return no_rpc(machine.network.rpcs[0], replies[0])
    words = [said(reply.value) for reply in replies if not reply.fault]
    if len(set(words)) > 1:
        a, b = (host_of(url) for url in machine.network.rpcs[:2])
        fix = Fix("one of them lies or is behind: use two RPCs that you trust, --rpc URL --rpc URL")
        return Finding("FAIL", f"{a} says {words[0]}, the second ({b}) {words[1]}", fix)
    found = told(replies[0].value)
    if found.state == "ok":
        return Finding("ok", f"{found.found}, {'both RPCs say so' if len(words) > 1 else 'says one RPC alone'}")
    return found


async def on_chain(machine: Machine, url: str, method: str, data: str) -> Reply:
    """Ask the engine through this RPC, if it serves the right chain."""
    chain = await machine.rpc(url, "eth_chainId")
    if chain.fault:
        return chain
    if quantity(chain.value) != machine.network.chain_id:
        return Reply(fault="another chain")
    engine = machine.network.engine
    return await machine.rpc(url, method, {"to": engine, "data": data} if data else engine, "latest")
