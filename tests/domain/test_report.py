"""The report: what it says of each server, that foreign text in it is inert, and the card for miners."""

from __future__ import annotations

from typing import Any

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
