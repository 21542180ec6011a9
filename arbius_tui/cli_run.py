"""How a command runs: the flags that many share, the journey it works on, and a failure in words."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from arbius_tui.domain.errors import BadInput, Failure, Fix, Problem
from arbius_tui.domain.journey import Journey
from arbius_tui.headless import answers_of, face_of, run
from arbius_tui.options import Options
from arbius_tui.plain import walk as walks
from arbius_tui.plain.faces import complain
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
    return in_words(options, lambda: work(with_config(options)))


def in_words(options: Options, work: Callable[[], int]) -> int:
    """The exit code of the work; a failure is said in words."""
    try:
        return work()
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


def secret_of(path: Path | None) -> Secret | None:
    """The secret in the first line of a file, if one is named."""
    from arbius_tui.domain.secret import Secret
    from arbius_tui.headless import read_secret

    return Secret(read_secret(path)) if path else None


def later(name: str, instead: str) -> click.Command:
    """A command of the interface that this version does not have; it says so and takes any arguments."""
    text = f"Not in this version: {instead}."

    @click.command(name=name, help=text, context_settings={"ignore_unknown_options": True})
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    def command(arguments: tuple[str, ...]) -> int:
        return not_built(Options(json="--json" in arguments), name, instead)

    return command
