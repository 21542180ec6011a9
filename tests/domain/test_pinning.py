"""What a pin is worth to the registration that follows it."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest

from arbius_tui.domain.cid import cid
from arbius_tui.domain.errors import PinFailed
from arbius_tui.domain.pinning import consent, refuse_other_bytes, standing
from arbius_tui.domain.records import PinRecord

DATA = b'{"meta":{}}\n'


def record(*stores: dict[str, Any], **more: Any) -> PinRecord:
    return PinRecord(cid(DATA), len(DATA), sha256(DATA).hexdigest(), stores, **more)


HERE, ALONE, PLAY = {"sort": "kubo"}, {"sort": "kubo", "alone": True}, {"sort": "embedded", "alone": True}


@pytest.mark.parametrize(
    ("pinned", "where", "asks"),
    [
        (record(HERE, fetchable=True), "fetched", False),
        (record(fetchable=True), "fetched", False),
        (record(HERE), "announced", False),
        (record(ALONE, HERE), "announced", False),
        (record(ALONE), "stored", True),
        (record(), "nowhere", True),
        (record(PLAY), "rehearsal", False),
        (record({"id": "a record of an earlier version"}), "announced", False),
    ],
)
def test_how_far_it_got_and_whether_registering_needs_a_consent(pinned: PinRecord, where: str, asks: bool) -> None:
    assert standing(pinned) == where
    question = consent(pinned)
    assert bool(question) == asks
    if question:
        assert question.default is None
        assert question.changes
        assert question.undo


def test_only_the_very_bytes_are_registered() -> None:
    refuse_other_bytes(record(HERE), DATA)
    for other in (DATA[:-1], DATA + b"\n", DATA.replace(b"\n", b"\r\n")):
        with pytest.raises(PinFailed) as refused:
            refuse_other_bytes(record(HERE, kept="/kept.json"), other)
        assert refused.value.problem.code == "changed-since-pin"
        assert "/kept.json" in str(refused.value.problem.fix)


def test_a_cid_that_differed_anywhere_blocks() -> None:
    with pytest.raises(PinFailed) as refused:
        refuse_other_bytes(record(HERE, blocked="the node says another CID"), DATA)
    assert (refused.value.problem.code, refused.value.problem.what) == ("pin-blocked", "the node says another CID")
