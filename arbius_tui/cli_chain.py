"""The commands about IPFS, accounts and the chain."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from arbius_tui.cli_run import FILE, later, not_built, once, saved, shared
from arbius_tui.options import Options


@click.command()
@click.argument("file", type=FILE)
@click.option("--ipfs", multiple=True, metavar="URL", help="A Kubo RPC; default http://127.0.0.1:5001.")
@click.option("--gateway", multiple=True, hidden=True)
@click.option("--token-file", type=FILE, hidden=True)
@shared
def pin(options: Options, file: Path, ipfs: tuple[str, ...], gateway: tuple[str, ...], token_file: Path | None) -> int:
    """Pin a template and prove its CID."""
    from arbius_tui.steps.template_check import CheckFile

    if gateway or token_file:
        return not_built(options, "pin with a gateway or a token", "pin to a Kubo node: --ipfs URL")
    return once(options, CheckFile(file.absolute()), "pin", ipfs=ipfs)


@click.group()
def wallet() -> None:
    """The accounts that can sign."""


@wallet.command(name="list")
@shared
def list_accounts(options: Options) -> int:
    """All accounts."""
    from arbius_tui.steps.accounts import ListAccounts

    return once(options, ListAccounts())


@wallet.command()
@click.argument("name")
@shared
def address(options: Options, name: str) -> int:
    """One account."""
    from arbius_tui.steps.accounts import ListAccounts

    return once(options, ListAccounts(name))


@wallet.command()
@click.argument("name")
@shared
def new(options: Options, name: str) -> int:
    """Make a new key and encrypt it."""
    from arbius_tui.steps.accounts import KeepKey

    return once(options, KeepKey(name, None))


@wallet.command(name="import")
@click.argument("name")
@shared
def import_(options: Options, name: str) -> int:
    """Keep a key that comes on stdin."""
    from arbius_tui.domain.secret import Secret
    from arbius_tui.steps.accounts import KeepKey

    return once(options, KeepKey(name, Secret(sys.stdin.read(4096))))


@click.command()
@click.option("--template", "file", type=FILE, required=True, help="The template's file.")
@click.option("--from", "account", required=True, metavar="NAME", help="The account that signs.")
@click.option("--addr", metavar="A", help="The owner; default the account itself.")
@click.option("--fee", metavar="AIUS", default="0", help="The fee of a task.")
@click.option("--confirm", metavar="TAIL", help="The last four characters of the model id.")
@click.option("--ipfs", multiple=True, metavar="URL", help="A Kubo RPC.")
@click.option("--allow-list", type=FILE, hidden=True)
@click.option("--unsigned", type=FILE, hidden=True)
@click.option("--signed", type=FILE, hidden=True)
@shared
def register(options: Options, file: Path, account: str, ipfs: tuple[str, ...], **more: Any) -> int:
    """Register a template: one transaction, journaled before it is sent."""
    from arbius_tui.steps.template_check import CheckFile

    later = [name for name in ("allow_list", "unsigned", "signed") if more[name] is not None]
    if later:
        return not_built(options, f"register --{later[0].replace('_', '-')}", "register with an account of a vault")
    flags = {"account": account, "addr": more["addr"], "fee": more["fee"], "confirm": more["confirm"]}
    given = {key: value for key, value in flags.items() if value is not None}
    stops = (CheckFile(file.absolute()), "pin", "wallet", "register")
    return saved(replace(options, given=given), *stops, ipfs=ipfs)


COMMANDS = (
    pin,
    wallet,
    register,
    later("owner", "call setModelFee or setModelAddr on the engine from the model's addr"),
    later("verify", "compare `cid FILE` and `id FILE` with what the engine says"),
)
"""What the root group has from here."""
