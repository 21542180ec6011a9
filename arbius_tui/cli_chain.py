"""The commands about IPFS and accounts."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from arbius_tui.cli_run import FILE, not_built, once, shared
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


COMMANDS = (pin, wallet)
"""What the root group has from here."""
