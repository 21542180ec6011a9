"""The report: what it says of each server, that foreign text in it is inert, and the card for miners."""

from __future__ import annotations

import re
from typing import Any

import pytest

from arbius_tui.domain import report

SERVERS = [{"id": "1", "url": "http://a", "gpu": "A100", "driver": "550.1", "cog": "0.23.1", "cpu_only": False},
           {"id": "2", "url": "http://b", "gpu": "", "driver": "", "cog": "", "cpu_only": False}]  # fmt: skip
FILE = {"filename": "out-1.png", "mime": "image/png", "bytes": 1412, "sha256": "ab" * 32}


def case(id: str, endpoint: str = "1", **more: Any) -> dict[str, Any]:
    return {
        "id": id, "number": 1, "title": id, "seed": 7, "endpoint": endpoint, "inputs": {"prompt": "x", "seed": 7},
        "expect": "base" if id == "first" else "runs", "changes": {}, "status": "succeeded", "verdict": "SAME",
        "wanted": True, "seconds": 1.0, "outputs": [FILE], "folder_cid": "QmFolder", "error": "", "letter": "A",
        "why": "", **more,
    }  # fmt: skip


def made(*cases: dict[str, Any], reproducible: bool = True, **about: Any) -> dict[str, Any]:
    test = {"reproducible": reproducible, "at": "2026", "endpoints": SERVERS, "cases": list(cases), "diagnosis": []}
    return report.report({**test, **{k: about.pop(k) for k in ("endpoints", "diagnosis") if k in about}}, about)


def test_each_server_has_a_column_and_each_case_a_row() -> None:
    page = report.markdown(made(case("first"), case("first", "2", verdict="BLOCKER", wanted=False, why="other")), None)
    row = next(line for line in page.splitlines() if line.startswith("| 1 |"))
    assert row.count("`abababab..abab`") == 2
    assert "**BLOCKER** other" in row
    assert "server 2" in page
    assert "GPU `A100`, driver `550.1`" in page


def test_a_failed_case_has_words_and_no_hash() -> None:
    failed = case("first", status="failed", verdict="BLOCKER", outputs=[], why="the model failed: boom", wanted=False)
    page = report.markdown(made(failed, reproducible=False), None)
    assert "abab" not in page
    assert "BLOCKER: the model failed: boom" in page
    assert "**Not reproducible**" in page


def test_foreign_text_is_inert() -> None:
    evil = "](http://evil) <script> | `x` \x1b[31m\n# head"
    bad = {"code": "x", "what": evil, "why": evil, "fix": {"text": evil, "command": None}}
    page = report.markdown(made(case("first", title=evil, why=evil), diagnosis=[bad], project=evil), None)
    assert "\x1b" not in page
    assert "<script>" not in page.replace("\\<script\\>", "").replace("`` ](http://evil) <script>", "")
    assert all(line.count("|") - line.count("\\|") == 7 for line in page.splitlines() if line.startswith("| 1 |"))


def test_the_card_holds_one_known_answer() -> None:
    card = report.miner_card(made(case("first"), image="img", digest="sha256:d"), "0xid")
    assert card
    assert card["model_id"] == "0xid"
    assert (card["gpu"], card["driver"], card["digest"]) == ("A100", "550.1", "sha256:d")
    assert card["known_answer"]["folder_cid"] == "QmFolder"
    assert card["known_answer"]["files"] == [FILE]


def test_nothing_is_known_of_a_model_that_is_not_reproducible() -> None:
    assert report.miner_card(made(case("first"), reproducible=False)) is None
    assert report.miner_card(made(case("first", status="failed", outputs=[]))) is None


def test_a_run_on_the_cpu_says_so() -> None:
    cpu = [{**SERVERS[0], "cpu_only": True}]
    assert report.CPU_NOTE in report.markdown(made(case("first"), endpoints=cpu), None)


def test_the_go_snippet_is_one_literal_whatever_the_prompt_holds() -> None:
    answer = made(case("first", inputs={"prompt": 'a "quoted" \\ prompt\nüber', "seed": 7}))
    card = report.miner_card(answer)
    assert card
    text = report.go_snippet(card)
    assert "validationSeed  = 7" in text
    assert '\\"a \\\\\\"quoted\\\\\\"' in text
    assert text.isascii()


HOSTILE = [
    "https://evil.example/a", "www.evil.example", "@somebody look", "see #12 and owner/repo#3", "a@b.example",
    "![x](http://evil.example/x.png)", "<img src=x onerror=y>", "[a](javascript:b)", "a | b | c", "`code` ``more`` ```",
    "~~gone~~ **loud** _low_", "&lt;b&gt; &copy;", "<!-- hidden -->", "line\n\n# head\n\n- item", "\\| \\` end\\",
    "\x1b]8;;http://evil\x07x\x1b]8;;\x07", "\u202egnp.exe",
]  # fmt: skip


@pytest.mark.parametrize("evil", HOSTILE)
def test_nothing_in_foreign_text_becomes_markup_a_link_or_a_mention(evil: str) -> None:
    from markdown_it import MarkdownIt

    bad = {"code": evil, "what": evil, "why": evil, "fix": {"text": evil, "command": None}}
    row = case("first", title=evil, why=evil, wanted=False, verdict="BLOCKER", inputs={evil: evil}, changes={"p": evil})
    servers = [{**SERVERS[0], "url": evil, "gpu": evil, "driver": evil}]
    found = made(row, case("again", status="failed", outputs=[], error=evil, why=evil), project=evil, image=evil,
                 digest=evil, diagnosis=[bad], endpoints=servers)  # fmt: skip
    card = report.miner_card({**found, "reproducible": True})
    page = report.markdown(found, card)
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(page)
    inline = [child for token in tokens for child in token.children or ()]
    assert {child.type for child in inline} <= {
        "text",
        "code_inline",
        "strong_open",
        "strong_close",
        "softbreak",
        "text_special",
    }
    shown = "\n".join(child.content for child in inline if child.type in ("text", "text_special"))
    assert not re.search(r"://|www\.|[@#]\w|\w@", shown), "outside of code a forge makes a link or a mention of it"
    rows = [token for token in tokens if token.type == "tr_open"]
    assert len(rows) == 3
    assert sum(token.type == "td_open" for token in tokens) == 2 * 5
    assert sum(token.type == "heading_open" for token in tokens) == 4
    assert all(letter.isprintable() or letter == "\n" for letter in page)


def test_the_reports_keys_stay_as_they_are() -> None:
    found = made(case("first"), case("again", verdict="SAME"), project="p", image="i", image_id="x", digest="d",
                 arbius_tui="1")  # fmt: skip
    assert list(found) == [
        "v", "project", "image", "image_id", "digest", "arbius_tui", "reproducible", "at", "endpoints", "cases",
        "diagnosis",
    ]  # fmt: skip
    card = report.miner_card(found, "0xid")
    assert card
    assert list(card) == ["v", "model_id", "image", "digest", "gpu", "driver", "cog", "cpu_only", "known_answer"]
    assert list(card["known_answer"]) == ["input", "seed", "folder_cid", "files", "seconds"]
    assert list(card["known_answer"]["files"][0]) == ["filename", "mime", "bytes", "sha256"]


def test_a_card_without_a_folder_says_so() -> None:
    card = report.miner_card(made(case("first", folder_cid=None)))
    assert card
    assert "was not computed" in report.markdown(made(case("first", folder_cid=None)), card)
