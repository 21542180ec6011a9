"""The commands that send a transaction, and the one that looks at what anybody sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import click

from arbius_tui.cli_run import FILE, REHEARSAL, in_words, once, refuse, saved, shared
from arbius_tui.options import Options

if TYPE_CHECKING:
    from arbius_tui.steps.register import Register


@click.command()
@click.option("--template", "file", type=FILE, help="The template's file.")
@click.option("--from", "account", metavar="NAME", help="The account that signs.")
@click.option("--addr", metavar="A", help="The owner; default the account itself.")
@click.option("--fee", metavar="AIUS", default="0", help="The fee of a task.")
@click.option("--allow-list", "miners", type=FILE, metavar="F", help="Only these miners: addresses in a file.")
@click.option("--unsigned", type=FILE, metavar="F", help="Sign nothing: write the transaction for another device.")
@click.option("--signed", type=FILE, metavar="F", help="Send what another device signed.")
@click.option("--confirm", metavar="TAIL", help="The last four characters of the model id.")
@click.option("--speed-up", is_flag=True, help="Pay more for the transaction that waits; not on Arbitrum.")
@click.option("--cancel", is_flag=True, help="Put one that does nothing in its place; not on Arbitrum.")
@click.option("--ipfs", multiple=True, metavar="URL", help="A Kubo RPC.")
@click.option("--gateway", "gateways", multiple=True, metavar="URL", help="Gateways to ask, not the default ones.")
@shared
def register(
    options: Options, file: Path | None, account: str | None, ipfs: tuple[str, ...], gateways: tuple[str, ...],
    **more: Any,
) -> int:  # fmt: skip
    """Register a template: one transaction, journaled before it is sent."""
    if more["speed_up"] or more["cancel"]:
        from arbius_tui.steps.hurry import Hurry

        return saved(options, Hurry("cancel" if more["cancel"] else "speed-up"))
    if file is None or account is None:
        return refuse(options, "a registration needs a template and an account", "give --template F and --from NAME")
    if more["unsigned"] and more["signed"]:
        return refuse(options, "an unsigned file goes out, a signed one comes back", "give one of them")

    def work() -> int:
        from arbius_tui.steps.template_check import CheckFile
        from arbius_tui.steps.wallet import Wallet

        Thread(target=import_module, args=("eth_account",), daemon=True).start()  # it signs, once all else is known
        if begun(options):  # that ends first, whatever IPFS and vaults say now
            return saved(options, registration(more))
        flags = {"account": account, "addr": more["addr"], "fee": more["fee"], "confirm": more["confirm"]}
        given = {key: value for key, value in flags.items() if value is not None}
        stops = (CheckFile(file.absolute()), "pin", Wallet(priced=False), registration(more))
        return saved(replace(options, given=given), *stops, ipfs=ipfs, gateways=gateways)

    return in_words(options, work)


def begun(options: Options) -> bool:
    """Whether a transaction of this journey may be mined at any moment."""
    from arbius_tui.domain.records import UNDER_WAY
    from arbius_tui.services.store import ProjectStore, default_folder

    name = options.project or Path.cwd().name or "model"
    record = ProjectStore.peek(default_folder(name), name).records.get("register", {})
    return options.network != REHEARSAL and record.get("state") in UNDER_WAY


def registration(more: Mapping[str, Any]) -> Register:
    """The step with what the flags say; BadInput for a list that cannot be read."""
    from arbius_tui.services import files
    from arbius_tui.steps.register import Register, parse_list

    listed = None
    if more["miners"] is not None:
        listed = parse_list(files.read(more["miners"]).decode("utf-8", "replace")) or ()
    return Register(listed, absolute(more["unsigned"]), absolute(more["signed"]))


def absolute(path: Path | None) -> Path | None:
    """A path that stays true wherever the process goes."""
    return path.absolute() if path else None


@click.group()
def owner() -> None:
    """What a model's addr can change later: fee, addr, allow list; the same review as a registration."""


def owner_action(name: str, help: str, values: int) -> None:
    """One action; `values` is how many follow the id, -1 for one or more."""

    def command(options: Options, model_id: str, account: str | None, **more: Any) -> int:
        from arbius_tui.steps.owner import Change, Owner
        from arbius_tui.steps.wallet import Wallet

        def work() -> int:
            typed = more.get("typed") or ()
            change = Change.parse(name, model_id, typed if isinstance(typed, tuple) else (typed,))
            flags = {"account": account, "confirm": more["confirm"]}
            given = {key: value for key, value in flags.items() if value is not None}
            step = Owner(change, absolute(more["unsigned"]), absolute(more["signed"]))
            return saved(replace(options, given=given), Wallet(priced=False), step)

        return in_words(options, work)

    marks = [
        click.argument("model_id", metavar="ID"),
        *([click.argument("typed", nargs=values, metavar="VALUE" if values > 0 else "ADDRESS..")] if values else []),
        click.option("--from", "account", metavar="NAME", help="The account in the model's addr."),
        click.option("--confirm", metavar="TAIL", help="The last four characters of the model id."),
        click.option("--unsigned", type=FILE, metavar="F", help="Sign nothing: write it for another device."),
        click.option("--signed", type=FILE, metavar="F", help="Send what another device signed."),
    ]
    made: Callable[..., int] = shared(command)
    for mark in reversed(marks):
        made = mark(made)
    owner.command(name=name, help=help)(made)


owner_action("set-fee", "Another fee for each task, in AIUS.", 1)
owner_action("set-addr", "Hand the model to another address; it alone decides from then on.", 1)
owner_action("allow", "Put miners on the allow list.", -1)
owner_action("disallow", "Take miners off the allow list.", -1)
owner_action("open", "End the allow list for good: every miner may solve.", 0)


@owner.command(name="speed-up")
@shared
def owner_speed_up(options: Options) -> int:
    """Pay more for a change that waits; not on Arbitrum."""
    from arbius_tui.steps.hurry import HurryOwner

    return saved(options, HurryOwner("speed-up"))


@owner.command(name="cancel")
@shared
def owner_cancel(options: Options) -> int:
    """Put a transaction that does nothing in place of a change that waits; not on Arbitrum."""
    from arbius_tui.steps.hurry import HurryOwner

    return saved(options, HurryOwner("cancel"))


@click.command()
@click.argument("model_id", metavar="ID")
@click.option("--repo", type=FILE, metavar="DIR", help="A checkout of Arbius: who lists the model there.")
@click.option("--ipfs", multiple=True, metavar="URL", help="A Kubo RPC to look for the template in.")
@click.option("--gateway", "gateways", multiple=True, metavar="URL", help="IPFS gateways to ask, not the public ones.")
@shared
def verify(options: Options, model_id: str, repo: Path | None, **where: Any) -> int:
    """Audit any model id: bytes, CID, id, and who lists it with other values."""
    from arbius_tui.steps.verify import Verify

    return once(options, Verify(model_id, absolute(repo)), **where)


COMMANDS = (register, owner, verify)
"""What the root group has from here."""
