"""The commands about a template's file."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from arbius_tui.cli_run import FILE, in_words, once, refuse, saved, shared
from arbius_tui.domain.text import clean
from arbius_tui.options import Options


@click.group()
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


@template.command(context_settings={"ignore_unknown_options": True})
@click.argument("file", type=FILE)
@click.argument("words", nargs=-1, metavar="EDIT..")
@shared
def edit(options: Options, file: Path, words: tuple[str, ...]) -> int:
    """Edit a template: all edits or none, undone by name even tomorrow.

    EDIT is one of: set PLACE=TEXT, add input|output, duplicate PLACE, delete PLACE, move PLACE=up|down|NUMBER,
    fix PLACE|CODE, patch JSON (RFC 6902), import SOURCE (what is missing here), take SOURCE (all of it), undo, redo,
    restore (a file that cannot be read, as it was before). SOURCE is a file, a folder, a URL, image:NAME or a model id;
    PLACE is a JSON pointer; a row may go by its name:
    `arbius-tui template edit t.json set /input/steps/max=50 add input undo`.
    """
    from arbius_tui.domain.edit_words import changes
    from arbius_tui.steps.template_edit import EditTemplate

    return in_words(options, lambda: saved(options, EditTemplate(file.absolute(), changes(words))))


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
