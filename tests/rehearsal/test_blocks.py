from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arbius_tui.domain.cid import to_multihash
from arbius_tui.domain.errors import BadInput, NotReady, PinFailed
from arbius_tui.rehearsal.blocks import EmbeddedBlocks

COUNTERS = b"".join(i.to_bytes(4, "big") for i in range(65536))


@pytest.fixture
def blocks(tmp_path):
    return EmbeddedBlocks(tmp_path / "blocks")


@pytest.mark.parametrize(
    ("size", "cid"),
    [
        (1, "QmS9JArPwa55ePgDnyg6TzX24mYTS1b1vLqWNebyVotKxQ"),
        (10, "QmSrXUhgaPp9GtXRVGB1MbJR9vHfLrGUXtwuJAA6zXJwxw"),
        (65536, "Qmc8SEYZMupGXars22yK9zkHoLuCRy8V8CEi7G7rSduMim"),
        (262144, "QmRvQEkbnu2aprD6rfbgZYFZ2HSZmd8vFti1VjXJqnXmGj"),
    ],
)
async def test_what_is_pinned_has_the_cid_that_kubo_gives(blocks, size, cid):
    stored = await blocks.pin(COUNTERS[:size], "template.json")
    assert (stored.cid, stored.pinned, stored.announced) == (cid, True, False)
    assert await blocks.pinned(cid)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(data=st.binary(max_size=3000))
async def test_a_block_hashes_to_its_cid_and_contains_the_data(blocks, data):
    stored = await blocks.pin(data, "x")
    node = await blocks.block(stored.cid)
    assert to_multihash(stored.cid) == "0x1220" + sha256(node).hexdigest()
    assert data in node


async def test_pinning_twice_is_the_same_block_and_leaves_one_file(blocks):
    first, second = await blocks.pin(b"same", "a"), await blocks.pin(b"same", "b")
    assert first == second
    assert [path.name for path in blocks.folder.iterdir()] == [first.cid]


async def test_a_block_that_is_not_there(blocks):
    with pytest.raises(PinFailed) as failed:
        await blocks.block("QmS9JArPwa55ePgDnyg6TzX24mYTS1b1vLqWNebyVotKxQ")
    assert failed.value.problem.code == "block-absent"
    assert not await blocks.pinned("QmS9JArPwa55ePgDnyg6TzX24mYTS1b1vLqWNebyVotKxQ")


async def test_a_damaged_block_is_never_given_out(blocks):
    stored = await blocks.pin(b"the template", "x")
    (blocks.folder / stored.cid).write_bytes(b"another template")
    with pytest.raises(PinFailed) as failed:
        await blocks.block(stored.cid)
    assert failed.value.problem.code == "cid-mismatch"
    assert not await blocks.pinned(stored.cid)


@pytest.mark.parametrize("cid", ["../secret", "/etc/passwd", "", "bafkreibth7m62", "Qm" + "0" * 44])
async def test_only_a_cid_reaches_the_file_system(blocks, cid, tmp_path):
    (tmp_path / "secret").write_bytes(b"x")
    with pytest.raises(BadInput) as refused:
        await blocks.block(cid)
    assert refused.value.problem.code == "cid"


async def test_more_than_one_block_is_refused(blocks):
    with pytest.raises(BadInput) as refused:
        await blocks.pin(bytes(262145), "big")
    assert refused.value.problem.code == "file-too-big"


async def test_a_folder_that_cannot_be(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(NotReady) as refused:
        await EmbeddedBlocks(tmp_path / "file" / "blocks").pin(b"x", "x")
    assert refused.value.problem.code == "store-not-writable"
    assert refused.value.problem.fix is not None
