"""The command line: the wizard, and every step without a screen.

Names of commands and flags, events and exit codes are what scripts rely on. A command that this version does not have
says so in words and ends with 2.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from arbius_tui import __version__
from arbius_tui.domain.errors import BadInput, Failure, Fix, Problem
from arbius_tui.domain.events import Done
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.text import clean
from arbius_tui.headless import answers_of, ended, face_of, run
from arbius_tui.options import Options
from arbius_tui.plain import walk as walks
from arbius_tui.plain.faces import JsonFace, TextFace, complain
from arbius_tui.services.memory_store import MemoryStore
from arbius_tui.services.ports import Store
from arbius_tui.settings import with_config

if TYPE_CHECKING:
    from arbius_tui.domain.secret import Secret

REHEARSAL = "rehearsal"
FILE = click.Path(path_type=Path)


def shared(command: Callable[..., int]) -> Callable[..., int]:
    """Adds the flags that many commands share, as one `Options`."""
    flags = [
        click.option("--project", default="", help="The saved journey; default from the folder."),
        click.option("--network", type=click.Choice(["one", "sepolia", REHEARSAL]), default=None, help="Which chain."),
        click.option("--rpc", multiple=True, metavar="URL", help="An RPC of the chain; twice: the two are compared."),
        click.option("--engine", default="", metavar="ADDRESS", help="Another deployment of the Engine."),
        click.option("--chain-id", type=int, default=0, help="The chain id of another deployment."),
        click.option("--plain", is_flag=True, help="Lines of text instead of screens."),
        click.option("--json", "as_json", is_flag=True, help="One JSON object a line on stdout, and nothing else."),
        click.option("--no-input", is_flag=True, help="Never ask; a question without an answer ends with 10."),
        click.option("--answers", type=FILE, help="A JSON object: answers by the id of their question."),
        click.option("--config", type=FILE, help="Another config.toml."),
        click.option("--no-color", is_flag=True, help="No colours."),
        click.option("--password-file", type=FILE, help="A file whose first line is the password of the account."),
    ]

    @functools.wraps(command)
    def with_options(as_json: bool, **values: Any) -> int:
        keys = ("project", "network", "rpc", "engine", "chain_id", "plain", "no_input", "answers", "config", "no_color")
        picked = {key: values.pop(key) for key in (*keys, "password_file")}
        if picked["no_color"]:
            os.environ["NO_COLOR"] = "1"
        return command(Options(**{**picked, "network": picked["network"] or "", "json": as_json}), **values)

    found: Callable[..., int] = with_options
    for flag in reversed(flags):
        found = flag(found)
    return found


class WizardByDefault(click.Group):
    """A first argument that is a folder, or none at all, means the wizard."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """A command by its name, else the wizard on a folder that exists."""
        if args and args[0] not in self.commands:
            if Path(args[0]).is_dir():
                return "wizard", self.commands["wizard"], args
            ctx.fail(f"there is no command and no folder named {args[0]}; arbius-tui --help lists the commands")
        return super().resolve_command(ctx, args)


@click.group(cls=WizardByDefault, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="arbius-tui")
def main() -> None:
    """From a Cog model to a model registered on Arbius.

    Without a command: the wizard on the model in DIR, or with --rehearse the whole journey on embedded parts,
    where no money moves. Exit codes: 0 ok, 2 usage, 3 a check failed, 4 not reproducible, 5 template, 6 pin,
    7 chain, 8 funds, 9 transaction, 10 needs input, 129/130/143 stopped by a signal.
    """


@main.command(hidden=True)
@click.argument("folder", required=False, type=FILE)
@click.option("--rehearse", is_flag=True, help="The same journey on the embedded world.")
@click.option("--endpoint", multiple=True, metavar="URL", help="A model's server that runs already.")
@shared
def wizard(options: Options, folder: Path | None, rehearse: bool, endpoint: tuple[str, ...]) -> int:
    """The wizard; without a terminal the same journey as lines of text."""
    from arbius_tui import launch

    rehearse = rehearse or options.network == REHEARSAL
    return launch.wizard(options, folder, rehearse, endpoint)


@main.command()
@shared
def rehearse(options: Options) -> int:
    """Walk the whole journey on the embedded world; the model id on stdout."""
    from arbius_tui import launch

    return launch.rehearse(options, None, (), one_answer=True)


@main.command()
@click.option("--only", metavar="GROUP", help="One group of checks, or several with commas between.")
@click.option("--fix", metavar="ID", help="Run the command that mends this check, after asking, and look again.")
@click.option("--guide", is_flag=True, help="Where the published guide no longer works, and what to do instead.")
@shared
def check(options: Options, only: str | None, fix: str | None, guide: bool) -> int:
    """What this machine has, and what it lacks."""
    from arbius_tui.steps.checks import Checks

    if sum(map(bool, (only, fix, guide))) > 1:
        return refuse(options, "--only, --fix and --guide are three questions", "give one of them")
    if guide:
        from arbius_tui.steps.guide import Guide

        return once(options, Guide())
    if fix:
        from arbius_tui.steps.fix import MendRow

        return once(options, MendRow(fix))
    return once(options, Checks(only))


@main.command()
@click.argument("folder", metavar="[new] DIR")
@click.argument("made", metavar="", required=False, type=FILE)
@click.option("--doctor", is_flag=True, help="Also what `cog doctor` finds.")
@shared
def model(options: Options, folder: str, made: Path | None, doctor: bool) -> int:
    """Read a model's folder; `model new DIR` writes the files of a new model (a folder named new is ./new)."""
    if folder != "new" and made is None:
        from arbius_tui.steps.model import Model

        return once(options, Model(doctor), model_dir=str(Path(folder).absolute()))
    if folder != "new" or made is None:
        return refuse(
            options, "one folder is needed", "arbius-tui model DIR reads one, arbius-tui model new DIR makes one"
        )
    new_model = made.absolute()

    def work() -> Done:
        from arbius_tui.services.scaffold import scaffold

        files = [clean(str(path)) for path in scaffold(new_model)]
        if not options.json:
            click.echo("\n".join(files))
        return Done(True, 0, {"folder": clean(str(new_model)), "files": files})

    return ended(face_of(options), work)


@main.command()
@click.argument("folder", type=FILE)
@click.option("-t", "--tag", default="", metavar="NAME", help="The image's name; default as cog names it.")
@click.option("--dockerfile", default="", metavar="F", help="Your own Dockerfile, as seen from the folder.")
@click.option("--image", default="", metavar="NAME", help="Build nothing: this image is the model's.")
@shared
def build(options: Options, folder: Path, tag: str, dockerfile: str, image: str) -> int:
    """Build the image of a model's folder with cog, or take one that exists."""
    from arbius_tui import launch
    from arbius_tui.steps.build import Build, UseImage

    if image and (tag or dockerfile):
        return refuse(options, "an image that exists is not built", "give --image alone, or -t and --dockerfile")

    if options.network == REHEARSAL:
        return refuse(options, "the rehearsal builds no image", "leave --network rehearsal out")
    place = folder.resolve()

    def work(chosen: Options) -> int:
        with launch.project(chosen, place, chosen.network, str(place)) as store:
            return walk(chosen, store, (UseImage(image) if image else Build(tag, dockerfile),), {})

    return configured(options, work)


@main.command()
@click.option("--token-file", type=FILE, metavar="F", help="A file whose first line is the token.")
@click.option("--api", is_flag=True, help="Keep an API token in the keyring instead, for models that Replicate hosts.")
@shared
def login(options: Options, token_file: Path | None, api: bool) -> int:
    """Log in to Replicate's registry through cog; the token is asked for unseen."""
    from arbius_tui.steps.publish import KeepApiToken, Login

    def work(_: Options) -> int:
        token = secret_of(token_file)
        return once(options, KeepApiToken(token) if api else Login(token))

    return configured(options, work)


def secret_of(path: Path | None) -> Secret | None:
    """The secret in the first line of a file, if one is named."""
    from arbius_tui.domain.secret import Secret
    from arbius_tui.headless import read_secret

    return Secret(read_secret(path)) if path else None


@main.command(name="run")
@click.argument("image", required=False)
@click.option("--endpoint", metavar="URL", help="A server that runs already.")
@click.option("--gpus", type=click.Choice(["all", "none"]), help="Default: all, where Docker can hand them out.")
@shared
def run_(options: Options, image: str | None, endpoint: str | None, gpus: str | None) -> int:
    """Start an IMAGE or take a model's server, and wait until it is READY; `run stop` removes what we started."""
    from arbius_tui.steps.run import Stop

    if image and endpoint:
        return refuse(options, "an image and an endpoint are two servers", "give IMAGE or --endpoint URL")
    if image == "stop":
        return saved(options, Stop())
    if image and options.network == REHEARSAL:
        return refuse(options, "the rehearsal starts no image", "leave --network rehearsal out, or give --endpoint URL")
    endpoints = (endpoint,) if endpoint else ()
    return saved(options, "run", endpoints=endpoints, image=image or "", gpus=gpus or "auto")


@main.command()
@click.option("--endpoint", default="", metavar="URL", help="A model's server; default the one of this journey.")
@click.option("-i", "inputs", multiple=True, metavar="NAME=VALUE", help="An input; @FILE for a file. Repeatable.")
@click.option("-o", "--out", type=FILE, metavar="DIR", help="Where the outputs shall lie; nothing is overwritten.")
@click.option(
    "--save-case", is_flag=False, flag_value="", default=None, metavar="[NAME]", help="Keep it for the seed test."
)
@shared
def predict(options: Options, endpoint: str, inputs: tuple[str, ...], out: Path | None, save_case: str | None) -> int:
    """One prediction, decoded and hashed."""
    from arbius_tui.steps.predict import Predict

    step = Predict(inputs, endpoint=endpoint, out=out.expanduser().absolute() if out else None, save_case=save_case)
    return once(options, step) if endpoint and save_case is None else saved(options, step)


@main.command(name="seed-test")
@click.option(
    "--endpoint", multiple=True, metavar="URL",
    help="A model's server, or replicate:OWNER/NAME[:VERSION]; more than one: all are compared.",
)  # fmt: skip
@click.option("--image", default="", metavar="IMAGE", help="An image that is started in Docker for the test.")
@click.option(
    "--docker", multiple=True, metavar="ENGINE",
    help="Start the image there too: ssh://USER@HOST, tcp://HOST:PORT, unix:///PATH or a docker context. Repeatable.",
)  # fmt: skip
@click.option(
    "--gpu", multiple=True, metavar="SERVER=NAME, DRIVER", help="On what an endpoint runs, for the report. Repeatable."
)
@click.option("--token-file", type=FILE, metavar="F", help="A file whose first line is Replicate's API token.")
@click.option("--cases", type=FILE, metavar="FILE", help="Run exactly these cases; see --write-cases.")
@click.option("--write-cases", type=FILE, metavar="FILE", help="Write the model's cases to a file and run none.")
@click.option("--case", "case", multiple=True, metavar="JSON", help='Add or change a case: {"prompt": "x", "seed": 3}.')
@click.option("--without", multiple=True, metavar="ID", help="Take a case away. Repeatable, as --case and --sample.")
@click.option("--sample", multiple=True, metavar="NAME=VALUE", help="What all cases send; @FILE for a file.")
@click.option("--pairwise/--no-pairwise", default=None, help="Also every two choices or bounds together.")
@click.option("--standard", is_flag=True, help="Forget every change of the cases that was kept before.")
@click.option("--dry-run", is_flag=True, help="Say which cases there are, and about how long they take; run none.")
@click.option("--schema", type=FILE, metavar="FILE", help="An OpenAPI document that says the inputs.")
@click.option("--compare", nargs=2, metavar="CASE CASE", help="Two runs of the last test side by side; run none.")
@click.option("--again", is_flag=True, help="Only the cases of the last test that were not as wanted.")
@click.option("--report", type=FILE, metavar="DIR", help="Where the report and the miner card shall lie.")
@click.option(
    "--restart-command", default="", metavar="CMD", help="Restarts an endpoint that we did not start; {url} is its URL."
)
@shared
def seed_test(
    options: Options, endpoint: tuple[str, ...], image: str, restart_command: str, write_cases: Path | None,
    compare: tuple[str, str] | None, docker: tuple[str, ...], token_file: Path | None, **asked: Any,
) -> int:  # fmt: skip
    """Prove that a seed means one output. What is changed about the cases is kept in the project."""
    from arbius_tui.steps.seed_edit import EditCases
    from arbius_tui.steps.seed_plan import Change
    from arbius_tui.steps.seed_servers import Machines
    from arbius_tui.steps.seed_test import SeedTest, WriteCases

    if endpoint and image and not docker:
        return refuse(options, "an image and an endpoint are two servers", "give --image IMAGE or --endpoint URL")
    if compare:
        from arbius_tui.steps.seed_compare import SeedCompare

        return saved(options, SeedCompare(*compare))
    named = {"samples": "sample", "cases": "case", "without": "without", "pairwise": "pairwise", "afresh": "standard"}
    change, dry_run = Change(**{key: asked.pop(flag) for key, flag in named.items()}), asked.pop("dry_run")
    if asked["cases"] and change:
        return refuse(options, "a file of cases runs exactly as it is", "change the file, or leave --cases out")

    def work(_: Options) -> int:
        machines = Machines(engines(docker), image, asked.pop("gpu"))
        step = (
            EditCases(change, schema=asked["schema"]) if dry_run
            else WriteCases(write_cases, asked["schema"], change) if write_cases
            else SeedTest(change=change, **asked, machines=machines)
        )  # fmt: skip
        settings: dict[str, Any] = {"endpoints": endpoint, "restart_command": restart_command}
        settings["token"] = secret_of(token_file)
        if endpoint and not asked["again"]:
            return once(options, "run", step, **settings)
        if image and not endpoint:
            return saved(options, "run", step, image=image, **settings)
        return saved(options, step, **settings)

    return configured(options, work)


def engines(named: tuple[str, ...]) -> tuple[str, ...]:
    """Docker Engines as --docker names them; BadInput for what is none."""
    from arbius_tui.domain.places import engine

    return tuple(engine(text).where for text in named)


@main.command()
@click.argument("file", type=FILE)
@shared
def cid(options: Options, file: Path) -> int:
    """The CIDv0 of a file, as Kubo and the engine compute it."""

    def work() -> Done:
        from arbius_tui.domain import cid as cids
        from arbius_tui.services import files

        data = files.read(file, limit=1 << 30)
        return Done(True, 0, {"cid": cids.cid(data), "bytes": len(data)})

    return ended(face_of(options, one_answer=True), work, "cid")


@main.command(name="id")
@click.argument("file", type=FILE)
@click.option("--sender", required=True, metavar="A", help="The address that will register it.")
@click.option("--addr", required=True, metavar="B", help="The address that will own it.")
@click.option("--fee", required=True, metavar="AIUS", help="The fee of a task, in AIUS.")
@shared
def id_(options: Options, file: Path, sender: str, addr: str, fee: str) -> int:
    """The model id that registering a file will give."""

    def work() -> Done:
        from arbius_tui.domain.engine import model_id
        from arbius_tui.domain.evm import parse_address
        from arbius_tui.domain.template import Template
        from arbius_tui.domain.text import parse_amount
        from arbius_tui.services import files

        found = Template.parse(files.read(file))
        wei = parse_amount(fee)
        identity = model_id(parse_address(sender), parse_address(addr), wei, found.multihash)
        return Done(True, 0, {"model_id": identity, "cid": found.cid, "fee_wei": str(wei)})

    return ended(face_of(options, one_answer=True), work, "model_id")


@main.group()
def template() -> None:
    """Draft, check, show or compare a template."""


@template.command()
@click.argument("folder", required=False, type=FILE)
@click.option("--endpoint", default="", metavar="URL", help="A running model's document.")
@click.option("--image", default="", metavar="IMAGE", help="The document in an image's labels.")
@click.option("--schema", default="", metavar="FILE", help="An OpenAPI document.")
@click.option("--from", "file", default="", metavar="FILE", help="A template as it is, or an Arbius checkout's folder.")
@click.option("--model-id", "--from-id", default="", metavar="ID", help="A registered model's template, proven.")
@click.option("--ipfs", multiple=True, metavar="URL", help="A Kubo RPC that has the template of --model-id.")
@click.option("--gateway", "gateways", multiple=True, metavar="URL", help="IPFS gateways to ask, not the public ones.")
@click.option("-o", "--out", type=FILE, metavar="FILE", help="Where it shall lie; default stdout.")
@shared
def draft(
    options: Options, folder: Path | None, out: Path | None, ipfs: tuple[str, ...], gateways: tuple[str, ...],
    **given: str,
) -> int:  # fmt: skip
    """Draft a template from a model's document, or take one that exists.

    FOLDER is a model's folder, whose last build left its document in it, or an Arbius checkout.
    """
    from arbius_tui.steps.template_file import DraftFile, source_of

    named = {**given, "folder": str(folder) if folder else ""}
    chosen = [(kind, value) for kind, value in named.items() if value]
    if len(chosen) != 1:
        what = "nothing to draft from" if not chosen else "a template has one source"
        return refuse(options, what, "give FOLDER, --endpoint, --image, --schema, --from or --model-id")
    step = DraftFile(out.expanduser().absolute() if out else None, source_of(*chosen[0]))
    code = once(replace(options, one_answer=out is None), step, ipfs=ipfs, gateways=gateways)
    if out is None and not options.json:
        sys.stdout.buffer.write(step.data)
        sys.stdout.buffer.flush()
    return code


@template.command(name="check")
@click.argument("file", type=FILE)
@click.option("--endpoint", default="", metavar="URL", help="Hold it against a running model, and send all defaults.")
@click.option("--schema", default="", metavar="FILE", help="Hold it against an OpenAPI document.")
@click.option("--image", default="", metavar="IMAGE", help="Hold it against the document in an image's labels.")
@click.option(
    "--reader",
    default="",
    metavar="NAME",
    help="Only what breaks for kasumi-2, kasumi-3, gobius, website, website2 or explorer.",
)
@shared
def check_template(options: Options, file: Path, reader: str, **model: str) -> int:
    """Everything that is wrong with a template."""
    from arbius_tui.domain.lint import READERS
    from arbius_tui.steps.template_check import CheckFile
    from arbius_tui.steps.template_file import source_of

    chosen = [(kind, value) for kind, value in model.items() if value]
    if len(chosen) > 1:
        return refuse(options, "a template is held against one model", "give one of --endpoint, --schema and --image")
    if reader and reader not in READERS:
        return refuse(options, f"nobody called {clean(reader)[:40]} reads templates", f"one of {', '.join(READERS)}")
    source = source_of(*chosen[0]) if chosen else None
    return once(options, CheckFile(file.absolute(), source=source, reader=reader))


@template.command()
@click.argument("file", type=FILE)
@shared
def show(options: Options, file: Path) -> int:
    """A template's bytes, CID and parts, and what each reader makes of it; the file is never written."""
    from arbius_tui.steps.template_check import CheckFile

    return once(options, CheckFile(file.absolute(), judge=False))


@template.command()
@click.argument("file", type=FILE)
@click.argument("other", required=False, type=FILE)
@click.option("--git", is_flag=True, help="To the last commit; so it is without OTHER.")
@click.option("--id", "model_id", default="", metavar="ID", help="To what is registered under a model id, proven.")
@click.option("--ipfs", multiple=True, metavar="URL", help="A Kubo RPC that has the template of --id.")
@click.option("--gateway", "gateways", multiple=True, metavar="URL", help="IPFS gateways to ask, not the public ones.")
@shared
def diff(options: Options, file: Path, other: Path | None, git: bool, model_id: str, **where: Any) -> int:
    """Differences to another file, to the last commit, or to what is registered."""
    from arbius_tui.steps.template_check import DiffFile

    if sum(map(bool, (other, git, model_id))) > 1:
        return refuse(options, "a template is compared with one other", "give one of OTHER, --git and --id")
    return once(options, DiffFile(file.absolute(), other, model_id), **where)


@main.command()
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


@main.group()
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


@main.command()
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


@main.command()
@shared
def status(options: Options) -> int:
    """Where the journey stands, looked at anew."""
    return saved(options, "after")


@main.command(name="wire-in")
@click.argument("checkout", required=False, type=FILE)
@click.option("--id", "model_id", hidden=True)
@click.option("--template", type=FILE, hidden=True)
@click.option("--apply", is_flag=True, hidden=True)
@click.option("--revert", is_flag=True, hidden=True)
@shared
def wire_in(options: Options, checkout: Path | None, apply: bool, revert: bool, **later: Any) -> int:
    """The model's entry for an Arbius checkout; nothing is written."""
    if apply or revert:
        return not_built(options, "writing into a checkout", "copy the entry that `arbius-tui wire-in` prints")
    return saved(options, "wire_in")


def later(name: str, instead: str) -> None:
    """A command of the interface that this version does not have; it says so and takes any arguments."""
    text = f"Not in this version: {instead}."

    @main.command(name=name, help=text, context_settings={"ignore_unknown_options": True})
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    def command(arguments: tuple[str, ...]) -> int:
        return not_built(Options(json="--json" in arguments), name, instead)


for _name, _instead in {
    "publish": "run `arbius-tui login` and `cog push r8.im/OWNER/NAME`",
    "owner": "call setModelFee or setModelAddr on the engine from the model's addr",
    "verify": "compare `cid FILE` and `id FILE` with what the engine says",
    "serve": "run the wizard in a terminal",
    "bench": "run `make bench` in the repository",
    "report": "send the files of the state folder that you want to share",
}.items():
    later(_name, _instead)


def once(options: Options, *stops: walks.Stop, model_dir: str = "", **settings: Any) -> int:
    """Run steps on a journey that is kept nowhere; in rehearsal on the rehearsal's own."""
    if options.network == REHEARSAL:
        return saved(options, *stops, **settings)

    def work(chosen: Options) -> int:
        store = MemoryStore(Journey(chosen.project or "model", chosen.network or "one", model_dir))
        return walk(chosen, store, stops, settings)

    return configured(options, work)


def saved(options: Options, *stops: walks.Stop, **settings: Any) -> int:
    """Run steps on the saved journey, which nobody else may have open."""

    def work(chosen: Options) -> int:
        from arbius_tui import launch

        with launch.journey_of(chosen, Path.cwd()) as store:
            return walk(chosen, store, stops, settings)

    return configured(options, work)


def configured(options: Options, work: Callable[[Options], int]) -> int:
    """Do the work with what the config file adds; the exit code, with words for a failure before any step."""
    try:
        return work(with_config(options))
    except Failure as failure:
        complain(face_of(options), failure.problem, failure.exit_code)
        return failure.exit_code


def walk(options: Options, store: Store, stops: tuple[walks.Stop, ...], settings: dict[str, Any]) -> int:
    """Run steps in the world of this journey."""
    from arbius_tui import launch

    ask = answers_of(options, rehearsal=store.load().network == REHEARSAL)
    services = launch.world_of(options, store, settings)
    face = face_of(options, options.one_answer)
    return run(store, services, lambda w, a, f: walks.steps(w, stops, a, f), face, ask)


def not_built(options: Options, what: str, instead: str) -> int:
    """A part of the interface that a later version fills."""
    problem = Problem(
        "not-built-yet", f"{what} is not part of this version", "it has its place in the journey and comes later",
        Fix(instead),
    )  # fmt: skip
    complain(face_of(options), problem, BadInput.exit_code)
    return BadInput.exit_code


def refuse(options: Options, what: str, fix: str) -> int:
    """A wrong combination of flags."""
    complain(face_of(options), Problem("usage", what, fix=Fix(fix)), BadInput.exit_code)
    return BadInput.exit_code


def usage(error: click.ClickException, arguments: list[str]) -> int:
    """A mistake on the command line, in words and, for scripts, as JSON."""
    problem = Problem("usage", error.format_message(), fix=Fix("arbius-tui --help lists commands and flags"))
    face = JsonFace(sys.stdout) if "--json" in arguments else TextFace(sys.stdout, sys.stderr, sys.stdout)
    complain(face, problem, BadInput.exit_code)
    return BadInput.exit_code


def run_cli(arguments: list[str]) -> int:
    """The exit code of the command line."""
    if not arguments or (arguments[0].startswith("-") and arguments[0] not in ("-h", "--help", "--version")):
        arguments = ["wizard", *arguments]
    try:
        code = main.main(arguments, prog_name="arbius-tui", standalone_mode=False)
    except click.exceptions.Abort:
        return 130
    except click.ClickException as error:
        return usage(error, arguments)
    return code if isinstance(code, int) else 0
