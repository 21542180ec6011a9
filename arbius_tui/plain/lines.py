"""Events as lines of text: one line an event, words instead of colours, no box drawing, in full instead of cut."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from arbius_tui.domain.errors import Problem
from arbius_tui.domain.events import Done, Event, Found, Line, Progress, Started, Trouble, plain
from arbius_tui.domain.journey import order
from arbius_tui.domain.text import clean, exact_bytes, seconds

TOTAL = 11
TEXT_LINES = 10
"""Lines of an output's text."""


def text(step: str, event: Event) -> list[str]:
    """What this event is for a reader; nothing for events that only machines need."""
    match event:
        case Started(title):
            return ["", f"Step {order(step)} of {TOTAL}: {title}"]
        case Line():
            return said(step, event)
        case Found(item):
            return found(item.kind, plain(item))
        case Trouble(problem):
            return trouble(problem)
        case Done(ok, code, _):
            return [f"  {'done' if ok else f'not done, exit code {code}'}"]
        case Progress() | _:
            return []


def said(step: str, line: Line) -> list[str]:
    """Text, each of its lines by itself; a build is told by its steps, and its file has every line."""
    if (step, line.source) == ("model", "log"):
        return []
    return [f"  {line.source + ': ' if line.source else ''}{row}" for row in line.text.split("\n")]


def trouble(problem: Problem) -> list[str]:
    """A problem: what, why, fix, and the raw text."""
    word = {"error": "FAIL", "warn": "warn", "info": "note"}[problem.severity]
    lines = [f"  {word}  {problem.what}{' (' + clean(problem.path) + ')' if problem.path else ''}"]
    if problem.why:
        lines.append(f"    why  {problem.why}")
    if problem.fix:
        lines += [f"    fix  {part}" for part in (problem.fix.text, problem.fix.command) if part]
    if problem.detail:
        lines += [f"    raw  {line}" for line in clean(problem.detail).splitlines()[:20]]
    return lines


def found(kind: str, item: Mapping[str, Any]) -> list[str]:
    """A finding of this kind; an unknown kind shows its values."""
    show = KINDS.get(kind)
    line = show(item) if show else "  ".join(f"{k} {v}" for k, v in item.items())
    return [f"  {row}" for row in clean(line).splitlines()]


def check(i: Mapping[str, Any]) -> str:
    """A check that has ended, and what mends one that warns; one that fails comes as a problem, too."""
    if i["state"] == "wait" and not i["found"]:
        return ""
    head, fix = f"{i['state']:<5} {i['title'] or i['id']}: {i['found']}", i["fix"] if i["state"] == "warn" else None
    return "\n".join([head, *(f"  fix  {part}" for part in (fix or {}).values() if part)])


def drift(i: Mapping[str, Any]) -> str:
    """A place of the published guide that no longer works."""
    step = f"{order(i['step'])} {i['step'].replace('_', ' ')}"
    return "\n".join([f"{i['section']}: {i['says']}", f"  today    {i['today']}", f"  instead  {i['instead']}",
                      f"  step     {step}", f"  source   {i['source']}"])  # fmt: skip


def case(i: Mapping[str, Any]) -> str:
    """A case that has ended, with its whole hash."""
    if i["status"] == "listed":
        return "  ".join(
            part for part in (f"case {i['number']}", i["id"], i["title"], f"seed {i['seed']}", asks(i)) if part
        )
    if i["status"] in ("wait", "run"):
        return ""
    where = f"server {i['endpoint']}, " if i["endpoint"] != "1" else ""
    head = f"case {i['number']}  {where}{i['title']}, seed {i['seed']}"
    if i["status"] != "succeeded":
        return f"{head}: {i['verdict']}  {i['why'] or i['error']}"
    outputs = "  ".join(f"sha256 {o['sha256']}  {o['filename']}  {exact_bytes(o['bytes'])}" for o in i["outputs"])
    verdict = i["verdict"] if i["wanted"] else f"{i['verdict']}, not wanted: {i['why']}"
    return f"{head}: {outputs}  {seconds(i['seconds'])}  {i['letter']} {verdict}"


def asks(i: Mapping[str, Any]) -> str:
    """What a case wants of its output, what happens before it, and the inputs of its own."""
    wants = {"same": f"the bytes of {i['against']}", "differs": f"other bytes than {i['against']}"}.get(i["expect"], "")
    first = {"pause": "after a second", "restart": "after a restart"}.get(i["before"], "")
    own = json.dumps(i["changes"], ensure_ascii=False) if i["changes"] else ""
    return "  ".join(part for part in (wants, first, own if len(own) <= 200 else f"{own[:200]}..") if part)


def cases(i: Mapping[str, Any]) -> str:
    """What the next test runs: the inputs that all cases share, and how many cases there are."""
    shared = [f"input {item['name']}  {' '.join(str(part) for part in sent(item['name'], i))}" for item in i["inputs"]]
    pairs = ", pairs of values too" if i["pairwise"] else ""
    return "\n".join([*shared, f"{i['count']} cases{pairs}{', ' + i['about'] if i['about'] else ''}"])


def sent(name: str, i: Mapping[str, Any]) -> list[str]:
    """What all cases send of an input."""
    if name == "seed":
        return ["of each case"]
    value = i["shared"].get(name, "not sent")
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return [text if len(text) <= 200 else f"{text[:60]}.. ({len(text):,} characters)"] + (
        ["(made up: it has no default)"] if name in i["stated"] else []
    )


def endpoint(i: Mapping[str, Any]) -> str:
    """A server of the test: when it is named, when it begins and when it has gone."""
    if i["state"] == "wait":
        return f"server {i['id']}  {i['url']}"
    if i["state"] == "run" and not i["why"]:
        gpu = "CPU-ONLY" if i["cpu_only"] else i["gpu"] or "GPU not known"
        known = [gpu, *(f"{key} {i[key]}" for key in ("driver", "cog") if i[key])]
        return f"server {i['id']}  {i['url']}  {'  '.join(known)}"
    return f"FAIL  server {i['id']}: {i['why']}" if i["state"] == "FAIL" and i["why"] else ""


def comparison(i: Mapping[str, Any]) -> str:
    """Two outputs compared, with all there is to say."""
    head = f"{i['one']} and {i['other']}  {i['filename']}: {i['verdict']}"
    return "\n".join([head, *(f"  {row}" for row in i["lines"])])


def part(i: Mapping[str, Any]) -> str:
    """A row of the template."""
    return f"{i['group'].lower()}: {i['name']} {i['type']} {i['flag']} {i['note']}".rstrip()


def finding(i: Mapping[str, Any]) -> str:
    """A note, and the patch of any finding in full; its words have come as a problem unless it is only a note."""
    place = f"{i['file']}:{i['line']}" if i["line"] else i["file"]
    note = [f"note  {i['what']} ({place})", *(f"  why  {i['why']}" for _ in (1,) if i["why"])]
    patch = [f"  patch  {row}" for row in (i["patch"] or "").splitlines()]
    head = [f"a patch for {i['code']} ({place})"] if patch else []
    return "\n".join([*(note if i["severity"] == "info" else []), *head, *patch])


def review(i: Mapping[str, Any]) -> str:
    """A row of the review, its value in full."""
    full = i["full"]
    value = i["value"] if not full or full in i["value"] else f"{full}{i['value'].partition(' ')[1]}{rest(i['value'])}"
    return f"{i['state']:<5} {i['id']}: {value}; checked against {i['against']}"


def rest(value: str) -> str:
    """What follows the short form of an address or a hash."""
    return value.partition(" ")[2].strip()


def health(i: Mapping[str, Any]) -> str:
    """A change of health with what it means."""
    return (
        f"{i['status']}  {i['url']}{'  cog ' + i['cog'] if i['cog'] else ''}{': ' + i['words'] if i['words'] else ''}"
    )


def output(i: Mapping[str, Any]) -> str:
    """An output with all that is known of it; of a text its first lines."""
    sizes = [f"{i['width']} x {i['height']} pixels"] if i["width"] else []
    sizes += [seconds(i["duration"])] if i["duration"] else []
    parts = [i["filename"], i["mime"], exact_bytes(i["bytes"]), *sizes, f"sha256 {i['sha256']}"]
    head = [f"  text  {row}" for row in i["text"].splitlines()[:TEXT_LINES]]
    return "\n".join(["  ".join(parts), *([f"  written to {i['path']}"] if i["path"] else []), *head])


def prediction(i: Mapping[str, Any]) -> str:
    """How a prediction went as a whole."""
    folder = f"  folder CID {i['folder_cid']}" if i["folder_cid"] else ""
    cpu = "  CPU-ONLY: no proof for miners with GPUs" if i["cpu_only"] else ""
    return f"succeeded in {seconds(i['seconds'])}  {i['shape']}{folder}{cpu}"


KINDS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "check": check,
    "drift": drift,
    "case": case,
    "cases": cases,
    "endpoint": endpoint,
    "comparison": comparison,
    "part": part,
    "reader": lambda i: f"{i['state']:<5} {i['id']}: {i['found']}\n  {i['does']}",
    "finding": finding,
    "review": review,
    "build_step": lambda i: "" if i["state"] == "run" else f"{i['state']:<6} {i['title']}  {seconds(i['seconds'])}",
    "fact": lambda i: f"{i['state']:<5} {i['title']}: {i['found']}",
    "status": lambda i: f"{i['state']:<5} {i['title']}: {i['found']}",
    "health": health,
    "output": output,
    "prediction": prediction,
    "identity": lambda i: f"{i['path']}  {exact_bytes(i['bytes'])}  CID {i['cid']}",
    "way": lambda i: "" if i["state"] == "wait" else f"{i['state']:<5} {i['title']}: {ways(i)}",
    "account": lambda i: f"account {i['name']}  {i['address'] or 'its password tells the address'}  {i['vault']}",
    "handover": lambda i: f"{i['text']}{'  ' * bool(i['url'])}{i['url']}",
    "money": lambda i: f"it has {i['text']}",
    "transaction": lambda i: f"{i['state']}  {i['tx_hash']}  nonce {i['nonce']}{block(i)}",
}


def ways(i: Mapping[str, Any]) -> str:
    """The CID that a way gave, if it gave one, and what is to say of it."""
    return "  ".join(part for part in (i["cid"], i["note"]) if part)


def block(i: Mapping[str, Any]) -> str:
    """The block of a mined transaction."""
    return f"  block {i['block']}" if i["block"] else ""
