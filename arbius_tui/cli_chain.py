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
    """One account's address."""
    from arbius_tui.steps.accounts import ListAccounts

    return once(options, ListAccounts(name))


IN = click.option("--in", "vault", type=click.Choice(["keystore", "keyring"]), help="Where the key is kept.")


@wallet.command()
@click.argument("name")
@IN
@shared
def new(options: Options, name: str, vault: str | None) -> int:
    """Make a new key and keep it encrypted."""
    from arbius_tui.steps.accounts import KeepKey, Kept

    return once(options, KeepKey(Kept(name, vault=vault or "")))


@wallet.command(name="import")
@click.argument("name")
@click.option("--keystore", type=FILE, help="Copy this keystore; without it a key or a keystore comes on stdin.")
@click.option("--address", "expected", metavar="A", help="Keep it only if the key is that of this address.")
@IN
@shared
def import_(options: Options, name: str, keystore: Path | None, expected: str | None, vault: str | None) -> int:
    """Keep a key that you have: typed unseen, from stdin, or from a keystore."""
    from arbius_tui.domain.secret import Secret
    from arbius_tui.steps.accounts import KeepKey, Kept

    kept = Kept(name, keystore=keystore, vault=vault or "", expected=expected or "")
    if keystore is None:
        kept = replace(kept, key=Secret(unseen()))
    return once(options, KeepKey(kept))


def unseen() -> str:
    """What comes on stdin, 64 KiB at most; on a terminal a line that is typed or pasted unseen."""
    if not sys.stdin.isatty():
        return sys.stdin.read(1 << 16)
    import getpass

    return getpass.getpass("  The private key, typed or pasted unseen: ")


@wallet.command()
@click.argument("address")
@click.argument("name", required=False, default="")
@shared
def watch(options: Options, address: str, name: str) -> int:
    """Watch an address: another device signs for it, e.g. a hardware wallet. NAME is yours to choose."""
    from arbius_tui.steps.accounts import Watch

    return once(options, Watch(name or address.strip()[:10].lower(), address))


@wallet.command()
@click.argument("name")
@click.argument("url")
@shared
def signer(options: Options, name: str, url: str) -> int:
    """Use the accounts of Clef or Frame at this URL or socket."""
    from arbius_tui.steps.accounts import Reach

    return once(options, Reach(name, url))


@wallet.command()
@click.argument("name")
@click.option("--confirm", metavar="TAIL", help="The last four characters of the address.")
@shared
def remove(options: Options, name: str, confirm: str | None) -> int:
    """Take an account off the list; a keystore is set aside, never deleted."""
    from arbius_tui.steps.accounts import Remove

    return once(replace(options, given={"confirm": confirm} if confirm else {}), Remove(name))


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
