"""What is kept of a seed test: a report for people and for scripts, and the card that a miner needs.

The report is made of what the journey keeps, so it can be written again at any time. Nothing in it comes from memory.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from arbius_tui.domain.text import clean, exact_bytes, seconds, short

VERSION = 1
EQUAL = "Equal letters are equal bytes. A prediction that failed has no hash. Whole hashes are in seed-test.json."
CPU_NOTE = "Run on the CPU only: this is no proof for miners with GPUs."


def report(test: Mapping[str, Any], about: Mapping[str, Any]) -> dict[str, Any]:
    """The report for scripts. `test` is the saved seed test, `about` names project, image, digest and versions."""
    keys = ("reproducible", "at", "endpoints", "cases")
    return {"v": VERSION, **about, **{key: test.get(key) for key in keys}, "diagnosis": list(test.get("diagnosis", ()))}


def markdown(found: Mapping[str, Any], card: Mapping[str, Any] | None) -> str:
    """The report as a page for a pull request."""
    lines = [f"# Seed test of {code(found.get('project'))}", "", verdict(found), ""]
    lines += list(facts(found))
    if any(server.get("cpu_only") for server in found["endpoints"]):
        lines += ["", f"**{CPU_NOTE}**"]
    lines += ["", "## Cases", "", *table(found["endpoints"], found["cases"])]
    lines += ["", EQUAL, ""]
    if found["diagnosis"]:
        lines += ["## Diagnosis", "", *(cause for problem in found["diagnosis"] for cause in causes(problem)), ""]
    if card:
        lines += ["## Known answer", "", *known(card), ""]
    return "\n".join(lines)


def verdict(found: Mapping[str, Any]) -> str:
    """The result in a sentence."""
    count = len(found["endpoints"])
    where = "one server" if count == 1 else f"{count} servers"
    if found.get("reproducible"):
        return (
            f"**Reproducible** on {where}: the same seed gave the same bytes in every case, another seed gave others."
        )
    return f"**Not reproducible** on {where}."


def facts(found: Mapping[str, Any]) -> Iterator[str]:
    """What was tested, where, and with which versions, as a list."""
    for key in ("image", "image_id", "digest", "at", "arbius_tui"):
        if found.get(key):
            yield f"- {key.replace('_', ' ')}: {code(found[key])}"
    first = next((case for case in found["cases"] if case["expect"] == "base"), None)
    if first:
        yield f"- inputs of the first run: {code(json.dumps(first['inputs'], ensure_ascii=False))}"
    for server in found["endpoints"]:
        names = {"gpu": "GPU", "driver": "driver", "cog": "cog"}
        known = [f"{name} {code(server[key]) if server.get(key) else 'not known'}" for key, name in names.items()]
        if server.get("cpu_only"):
            known[:2] = ["CPU only"]
        runs = f", runs {code(server['image'])}" if server.get("image") and server.get("place", "cog") != "cog" else ""
        yield f"- server {code(server['id'])}: {code(server['url'])}, {', '.join(known)}{runs}"


def table(servers: Sequence[Mapping[str, Any]], cases: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A row for each case, a column for each server: letter, hash and verdict."""
    ids = [str(server["id"]) for server in servers]
    yield "| # | case | seed | inputs that differ | " + " | ".join(f"server {id}" for id in ids) + " |"
    yield "|" + "---|" * (4 + len(ids))
    rows: dict[str, dict[str, Mapping[str, Any]]] = {}
    for case in cases:
        rows.setdefault(str(case["id"]), {})[str(case["endpoint"])] = case
    for row in rows.values():
        one = next(iter(row.values()))
        changes = code(json.dumps(one.get("changes") or {}, ensure_ascii=False)) if one.get("changes") else ""
        cells = [cell(row[id]) if id in row else "" for id in ids]
        yield f"| {one['number']} | {escaped(one['title'])} | {one['seed']} | {changes} | {' | '.join(cells)} |"


def cell(case: Mapping[str, Any]) -> str:
    """What a case gave on one server."""
    if case["status"] == "succeeded" and case["outputs"]:
        first, more = case["outputs"][0], len(case["outputs"]) - 1
        verdict = case["verdict"] if case["wanted"] else f"**{case['verdict']}** {escaped(case['why'])}"
        return f"{case['letter']} {code(short(first['sha256']))}{f' +{more}' if more else ''} {verdict}"
    return f"{case['verdict']}: {escaped(case['why'] or case['error'])}"


def causes(problem: Mapping[str, Any]) -> Iterator[str]:
    """A likely cause with its fix."""
    yield f"- **{escaped(problem['what'])}** ({code(problem['code'])}): {escaped(problem['why'])}"
    fix = problem.get("fix")
    if fix:
        yield f"  - {escaped(fix['text'])}"


def known(card: Mapping[str, Any]) -> Iterator[str]:
    """The answer that every miner must find again."""
    answer = card["known_answer"]
    yield f"- input: {code(json.dumps(answer['input'], ensure_ascii=False))}"
    if answer["folder_cid"]:
        yield f"- folder that miners commit: {code(answer['folder_cid'])}"
    else:
        yield "- the CID of the folder that miners commit was not computed: the outputs are too large or gone"
    for file in answer["files"]:
        yield f"- {code(file['filename'])}: {exact_bytes(file['bytes'])}, sha256 {code(file['sha256'])}"
    yield f"- it took {seconds(answer['seconds'])}"


def miner_card(found: Mapping[str, Any], model_id: str = "") -> dict[str, Any] | None:
    """What a miner needs to know of the model, with one known answer; None when nothing was proved.

    The known answer is the first run: all servers agreed on it, and it was repeated. Its folder CID is a CIDv0 of a
    folder with the files under the names that the template gives them, as miners commit it.
    """
    first = next((c for c in found["cases"] if c["expect"] == "base" and c["status"] == "succeeded"), None)
    if not found.get("reproducible") or first is None:
        return None
    server = next(s for s in found["endpoints"] if s["id"] == first["endpoint"])
    return {
        "v": VERSION,
        "model_id": model_id or None,
        "image": found.get("image") or None,
        "digest": found.get("digest") or None,
        "gpu": server.get("gpu") or None,
        "driver": server.get("driver") or None,
        "cog": server.get("cog") or None,
        "cpu_only": bool(server.get("cpu_only")),
        "known_answer": {
            "input": dict(first["inputs"]),
            "seed": first["seed"],
            "folder_cid": first["folder_cid"],
            "files": [dict(output) for output in first["outputs"]],
            "seconds": first["seconds"],
        },
    }


def renamed(card: Mapping[str, Any], names: Sequence[str], folder_cid: str | None) -> dict[str, Any]:
    """The card with its files under these names, and the CID of their folder; None where nobody can compute it."""
    answer = card["known_answer"]
    files = [{**file, "filename": name} for file, name in zip(answer["files"], names, strict=True)]
    return {**card, "known_answer": {**answer, "folder_cid": folder_cid, "files": files}}


def go_snippet(card: Mapping[str, Any]) -> str:
    """The known answer as gobius wants it for a check at its start: a Go literal to be pasted."""
    answer = card["known_answer"]
    text = json.dumps(answer["input"], ensure_ascii=False, sort_keys=True)
    return (
        f"// {quoted(card['model_id'] or 'not registered yet')}, {quoted(card['gpu'] or 'no GPU known')}\n"
        f"const (\n\tvalidationInput = {quoted(text)}\n\tvalidationSeed  = {answer['seed']}\n"
        f"\tvalidationCID   = {quoted(answer['folder_cid'] or '')}\n)\n"
    )


def quoted(text: str) -> str:
    """A text as a Go string; Go reads every escape that JSON writes, but for the slash."""
    return json.dumps(clean(text), ensure_ascii=True)


def code(value: Any) -> str:
    """Foreign text as code in Markdown: inert, on one line."""
    text = " ".join(clean(str(value)).split()).replace("|", "\\|")
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    pad = " " if "`" in text else ""
    return f"{fence}{pad}{text}{pad}{fence}"


LIVE = re.compile(r"://|www\.|[@#:]\w|\w@", re.IGNORECASE)
"""What a forge makes a link, a mention or a reference of, however it is escaped; only code is left alone."""


def escaped(value: Any) -> str:
    """Foreign text in Markdown: nothing in it is markup."""
    text = " ".join(clean(str(value)).split())
    if LIVE.search(text):
        return code(text)
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>()#+!|~&" else c for c in text)
