"""The command line: the wizard, and every step without a screen.

Names of commands and flags, events and exit codes are what scripts rely on. A command that this version does not have
says so in words and ends with 2.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from arbius_tui import __version__, cli_chain, cli_register
from arbius_tui.cli_run import (
    FILE,
    REHEARSAL,
    configured,
    in_words,
    later,
    not_built,
    once,
    refuse,
    saved,
    secret_of,
    shared,
    walk,
)
from arbius_tui.cli_template import template
from arbius_tui.domain.errors import BadInput, Fix, Problem
from arbius_tui.domain.events import Done
from arbius_tui.domain.text import clean
from arbius_tui.headless import ended, face_of
from arbius_tui.options import Options
from arbius_tui.plain.faces import JsonFace, TextFace, complain


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

    def work() -> int:
        token = secret_of(token_file)
        return once(options, KeepApiToken(token) if api else Login(token))

    return in_words(options, work)


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

    def work() -> int:
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

    return in_words(options, work)


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
def wire_in(options: Options, checkout: Path | None, apply: bool, revert: bool, **unused: Any) -> int:
    """The model's entry for an Arbius checkout; nothing is written."""
    if apply or revert:
        return not_built(options, "writing into a checkout", "copy the entry that `arbius-tui wire-in` prints")
    return saved(options, "wire_in")


LATER = {
    "publish": "run `arbius-tui login` and `cog push r8.im/OWNER/NAME`",
    "serve": "run the wizard in a terminal",
    "bench": "run `make bench` in the repository",
    "report": "send the files of the state folder that you want to share",
}

for _command in (
    template,
    *cli_chain.COMMANDS,
    *cli_register.COMMANDS,
    *(later(name, instead) for name, instead in LATER.items()),
):
    main.add_command(_command)


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
