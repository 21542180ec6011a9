"""The commands about IPFS, accounts and the chain."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from arbius_tui.cli_run import FILE, REHEARSAL, configured, later, not_built, once, refuse, saved, secret_of, shared
from arbius_tui.options import Options


@click.command()
@click.argument("file", type=FILE)
@click.option(
    "--ipfs", multiple=True, metavar="URL",
    help="A Kubo RPC, as URL or multiaddr; default this machine's. A second one shows that others can fetch it.",
)  # fmt: skip
@click.option(
    "--remote", "remotes", multiple=True, metavar="NAME|URL",
    help="A pinning service: pinata, filebase, psa=URL or the URL of a Pinning Service API. Repeatable.",
)  # fmt: skip
@click.option("--gateway", "gateways", multiple=True, metavar="URL", help="Gateways to ask, not the default ones.")
@click.option(
    "--token-file", type=FILE, metavar="F",
    help="A file with the token of --remote, else of --ipfs: TOKEN, bearer:TOKEN or basic:USER:PASSWORD.",
)  # fmt: skip
@shared
def pin(options: Options, file: Path, token_file: Path | None, **where: Any) -> int:
    """Pin a template and prove its CID: here, by the engine, the stores and gateways; 6 when nobody can fetch it."""
    from arbius_tui.steps.template_check import CheckFile

    if options.network == REHEARSAL and (token_file or any(where.values())):
        return refuse(options, "the rehearsal pins nowhere else", "leave --network rehearsal out")

    def work(_: Options) -> int:
        return once(options, CheckFile(file.absolute()), "pin", store_token=secret_of(token_file), **where)

    return configured(options, work)


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
