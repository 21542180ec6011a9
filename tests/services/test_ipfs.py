from __future__ import annotations

import asyncio
import json
import re
import secrets
from contextlib import asynccontextmanager
from hashlib import sha256

import pytest

from arbius_tui.domain.cid import block, cid, to_multihash
from arbius_tui.domain.cid_forms import difference
from arbius_tui.domain.errors import BadInput, PinFailed
from arbius_tui.domain.secret import Secret
from arbius_tui.services.ipfs import ADD, KuboNode, added
from arbius_tui.services.ipfs_address import default_address, endpoint, header, nearness
from arbius_tui.services.ipfs_http import rows
from arbius_tui.services.servers import free_port
from tests import parts
from tests.loopback import listening
from tests.stores import kubo

DATA = b'{"meta":{"title":"a template"}}\n'
CID = cid(DATA)
CANARY = "tok-canary-5f1e"


# -- addresses and tokens


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("http://127.0.0.1:5001", "http://127.0.0.1:5001"),
        ("http://127.0.0.1:5001/", "http://127.0.0.1:5001"),
        ("http://127.0.0.1:5001/api/v0", "http://127.0.0.1:5001"),
        (" 127.0.0.1:5001\n", "http://127.0.0.1:5001"),
        ("/ip4/127.0.0.1/tcp/5001", "http://127.0.0.1:5001"),
        ("/ip4/127.0.0.1/tcp/5001/http", "http://127.0.0.1:5001"),
        ("/ip6/::1/tcp/5001", "http://[::1]:5001"),
        ("/dns/node.example/tcp/443/https", "https://node.example:443"),
        ("/dns4/node.example/tcp/443/tls/http", "https://node.example:443"),
        ("https://rpc.filebase.io", "https://rpc.filebase.io"),
        ("https://host.example/ipfs/api/v0/", "https://host.example/ipfs"),
    ],
)
def test_addresses_as_people_write_them(text, base):
    assert endpoint(text) == base


@pytest.mark.parametrize(
    "text",
    [
        "", "/", "/ip4/127.0.0.1", "/ip4/127.0.0.1/udp/5001/quic", "ftp://x", "http://", "http://x:port", "http://x:99999",
        "http://a b", "http://x?arg=1", "/unix/", "file:///etc/passwd", "http://x\r\nHost: y",
    ],
)  # fmt: skip
def test_what_is_no_address(text):
    with pytest.raises(BadInput) as refused:
        endpoint(text)
    assert refused.value.problem.code == "ipfs-address"


def test_a_password_in_the_address_is_refused_and_not_repeated():
    with pytest.raises(BadInput) as refused:
        endpoint(f"https://me:{CANARY}@rpc.example")
    assert CANARY not in str(refused.value.problem)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("tok", "Bearer tok"),
        ("tok\n", "Bearer tok"),
        ("bearer:tok", "Bearer tok"),
        ("Bearer tok", "Bearer tok"),
        ("basic:user:pass", "Basic dXNlcjpwYXNz"),
    ],
)
def test_a_token_as_a_header(text, value):
    assert header(Secret(text)).reveal() == value


@pytest.mark.parametrize("text", ["", " \n", "two\nlines" + CANARY, "ümlaut" + CANARY])
def test_what_is_no_token(text):
    with pytest.raises(BadInput) as refused:
        header(Secret(text))
    assert refused.value.problem.code == "ipfs-token"
    assert CANARY not in repr(refused.value) + str(refused.value.problem)


# -- answers that are not Kubo's, played by a server that says what it is told to


class Played:
    """A server on loopback that answers each command with (status, media type, body); it keeps what it was asked."""

    def __init__(self, answers: dict[str, tuple[int, str, bytes]]) -> None:
        self.answers, self.requests = answers, []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        self.requests.append(head)
        if length := re.search(r"content-length: (\d+)", head.lower()):
            await reader.readexactly(int(length[1]))
        command = head.split(" ")[1].removeprefix("/api/v0/").partition("?")[0]
        status, kind, body = self.answers.get(command, (404, "text/plain", b"404 page not found\n"))
        try:
            if status == 0:  # never answers
                await reader.read()
            elif status == 1:  # ends in the middle of its answer
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n" + body)
            else:
                lines = (
                    f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close"
                )
                writer.write(f"{lines}\r\n\r\n".encode() + body)
            await writer.drain()
        finally:
            writer.close()


@asynccontextmanager
async def played(answers, **more):
    server = Played(answers)
    async with listening(server) as address, KuboNode(f"http://{address}", **more) as node:
        yield node, server


JSON, TEXT, HTML = "application/json", "text/plain", "text/html"
PAGE = b"<html>\x1b]0;owned\x07<body>not what you wanted</body></html>"
HASH = json.dumps({"Name": "t.json", "Hash": CID, "Size": "771"}).encode() + b"\n"
PINNED = json.dumps({"Keys": {CID: {"Type": "recursive"}}}).encode()


def error(message: str) -> bytes:
    return json.dumps({"Message": message, "Code": 0, "Type": "error"}).encode()


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((403, TEXT, b"Kubo RPC Access Denied: Please provide a valid authorization token"), "ipfs-refused"),
        ((401, JSON, b'{"error":"no"}'), "ipfs-refused"),
        ((500, JSON, error("disk full")), "ipfs-error"),
        ((500, JSON, b""), "ipfs-error"),
        ((502, HTML, PAGE), "ipfs-error"),
        ((400, JSON, error("invalid encoding")), "ipfs-error"),
        ((400, TEXT, b"400"), "ipfs-not-kubo"),
        ((404, TEXT, b"404 page not found"), "ipfs-not-kubo"),
        ((405, TEXT, b"405 - Method Not Allowed"), "ipfs-not-kubo"),
        ((301, HTML, b""), "ipfs-not-kubo"),
        ((200, HTML, PAGE), "ipfs-not-kubo"),
        ((429, TEXT, b"slow down"), "ipfs-busy"),
        ((200, JSON, HASH.replace(b"Qm", b"QmX")), "cid-mismatch"),
        ((200, JSON, b""), "ipfs-answer"),
        ((200, JSON, b"{"), "ipfs-answer"),
        ((200, JSON, b"[[[\n1\nnull\n"), "ipfs-answer"),
        ((200, JSON, b'{"Hash":5}'), "ipfs-answer"),
        ((200, JSON, error("late trouble")), "ipfs-answer"),
        ((1, JSON, b'{"Name"'), "ipfs-answer"),
        ((0, JSON, b""), "ipfs-timeout"),
        ((200, JSON, bytes(5 << 20)), "ipfs-answer"),
    ],
)
async def test_every_bad_answer_to_add_is_a_sentence(answer, code):
    async with played({"add": answer}, limit=0.5 if answer[0] == 0 else 10) as (node, _):
        with pytest.raises(PinFailed) as failed:
            await node.pin(DATA, "t.json")
    problem = failed.value.problem
    assert problem.code == code
    assert problem.fix
    assert problem.why
    assert node.id.split()[-1] in problem.what
    assert "\x1b" not in str(problem)
    assert failed.value.__context__ is None


async def test_nobody_listens():
    async with KuboNode(f"127.0.0.1:{free_port()}") as node:
        with pytest.raises(PinFailed) as failed:
            await node.pin(DATA, "t.json")
    assert failed.value.problem.code == "ipfs-unreachable"
    assert failed.value.problem.fix.command == "ipfs daemon"


async def test_cancelling_ends_a_call_that_hangs():
    async with played({"add": (0, "", b"")}) as (node, _):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(node.pin(DATA, "t.json"), 0.2)


@pytest.mark.parametrize("body", [b"", b"another block", block(DATA)[:-1]])
async def test_a_block_that_does_not_hash_to_its_cid_is_never_given_out(body):
    async with played({"block/get": (200, TEXT, body)}) as (node, _):
        with pytest.raises(PinFailed) as failed:
            await node.block(CID)
    assert failed.value.problem.code == "cid-mismatch"


async def test_what_a_pin_asks_for():
    answers = {
        "add": (200, JSON, HASH),
        "pin/ls": (200, JSON, PINNED),
        "provide/once": (200, JSON, b'{"Queued":"x"}'),
    }
    async with played(answers, authorization=Secret(CANARY)) as (node, server):
        stored = await node.pin(DATA, "my template.json")
    assert (stored.cid, stored.pinned, stored.announced) == (CID, True, True)
    add = server.requests[0].lower()
    for option, value in ADD.items():
        assert f"{option}={value}" in add
    assert "pin-name=my+template.json" in add or "pin-name=my%20template.json" in add
    for request in server.requests:
        assert f"authorization: bearer {CANARY}" in request.lower()
        assert "user-agent: arbius-tui" in request.lower()
        assert "origin:" not in request.lower()
        assert "referer:" not in request.lower()
    assert CANARY not in repr(node) + repr(vars(node)) + repr(stored)


@pytest.mark.parametrize(
    ("answers", "announced", "note"),
    [
        ({"routing/provide": (200, TEXT, b"")}, True, "announced"),
        ({}, False, "cannot be asked"),
        ({"provide/once": (500, JSON, error("cannot provide: no connected peers"))}, False, "connected to nobody"),
        ({"provide/once": (500, JSON, error("this command must be run in online mode."))}, False, "runs offline"),
        ({"provide/once": (403, TEXT, b"")}, False, "does not allow"),
        ({"provide/once": (500, JSON, error("odd"))}, False, "odd"),
        ({"provide/once": (1, TEXT, b"")}, False, "cannot be read"),
    ],
)
async def test_announcing_is_never_a_failure(answers, announced, note):
    async with played({"add": (200, JSON, HASH), "pin/ls": (200, JSON, PINNED), **answers}) as (node, _):
        stored = await node.pin(DATA, "t.json")
    assert (stored.pinned, stored.announced) == (True, announced)
    assert note in stored.note


async def test_a_store_that_forgot_the_pin_says_so():
    answers = {"add": (200, JSON, HASH), "pin/ls": (500, JSON, error(f"path '{CID}' is not pinned"))}
    async with played(answers) as (node, _):
        assert not (await node.pin(DATA, "t.json")).pinned


@pytest.mark.parametrize("bad", ["../x", "", "bafkreibth7m62"])
async def test_only_a_cidv0_is_asked_for(bad):
    async with played({}) as (node, server):
        for call in (node.block, node.pinned, node.providers):
            with pytest.raises(BadInput):
                await call(bad)
    assert server.requests == []


def test_an_answer_over_many_lines_and_one_over_one():
    assert rows(b'{"a":1}\n{"b":2}\n') == [{"a": 1}, {"b": 2}]
    assert rows(b'{"a":1}') == [{"a": 1}]


# -- real nodes


@pytest.mark.real
async def test_two_real_nodes_one_pins_and_the_other_finds_and_fetches():
    nodes = parts.need("kubo")
    data = secrets.token_bytes(1492)  # new bytes, so that the second node cannot have them
    async with KuboNode(nodes["rpc1"]) as first, KuboNode(nodes["rpc2"]) as second:
        assert not await first.pinned(cid(data))
        stored = await first.pin(data, "template.json")
        assert (stored.cid, stored.pinned, stored.announced) == (cid(data), True, True)
        peer, addresses = await first.identity()
        assert addresses
        assert peer in await second.providers(stored.cid)
        node = await second.block(stored.cid)
        assert "0x1220" + sha256(node).hexdigest() == to_multihash(stored.cid)
        assert data in node
        assert not await second.pinned(stored.cid)
        assert await first.version() == "0.42.0"


@pytest.mark.real
@pytest.mark.parametrize("size", [1, 1492, 65536, 262144, 262145, 1 << 20])
async def test_the_real_node_has_the_cid_that_was_computed_without_it(size):
    nodes = parts.need("kubo")
    data = secrets.token_bytes(size)
    async with KuboNode(nodes["rpc1"]) as node:
        stored = await node.pin(data, "a/b%20c+d.json")
        assert stored.cid == cid(data)
        assert await node.block(stored.cid) == block(data)


@pytest.mark.real
async def test_a_profile_that_changes_the_cid_does_not_change_ours(tmp_path):
    with kubo(tmp_path / "repo", profile="unixfs-v1-2025", offline=True) as daemon:
        async with KuboNode(daemon.rpc) as node:
            assert (await node.config("Import"))["CidVersion"] == 1
            stored = await node.pin(DATA, "t.json")
            assert (stored.cid, stored.pinned, stored.announced) == (CID, True, False)
            assert "offline" in stored.note
            assert (await node.identity())[1] == ()
            with pytest.raises(PinFailed) as absent:
                await node.block(cid(b"nobody has this"))
            assert absent.value.problem.code == "block-absent"
            with pytest.raises(PinFailed) as lost:
                await node.providers(CID)
            assert lost.value.problem.code == "ipfs-error"


@pytest.mark.real
async def test_a_node_that_wants_a_token(tmp_path):
    allowed = ["/api/v0/add", "/api/v0/pin", "/api/v0/block", "/api/v0/version"]
    users = {"tui": {"AuthSecret": f"bearer:{CANARY}", "AllowedPaths": allowed}}
    with kubo(tmp_path / "repo", config={"API.Authorizations": users}) as daemon:
        async with KuboNode(daemon.rpc) as stranger:
            with pytest.raises(PinFailed) as refused:
                await stranger.pin(DATA, "t.json")
            assert refused.value.problem.code == "ipfs-refused"
            assert "Access Denied" in refused.value.problem.detail
        async with KuboNode(daemon.rpc, Secret(f"bearer:{CANARY}")) as node:
            stored = await node.pin(DATA, "t.json")
            assert (stored.pinned, stored.announced) == (True, False)
            assert "does not allow" in stored.note
            assert await node.block(CID) == block(DATA)


@pytest.mark.real
async def test_the_gateway_is_not_the_rpc():
    async with KuboNode(parts.need("kubo")["gateway1"]) as node:
        with pytest.raises(PinFailed) as failed:
            await node.pin(DATA, "t.json")
    assert failed.value.problem.code == "ipfs-not-kubo"


@pytest.mark.real
@pytest.mark.parametrize(
    ("options", "rules"),
    [
        ({"cid-version": "1", "raw-leaves": "false"}, ("cid-version",)),
        ({"cid-version": "1"}, ("raw-leaves", "cid-version")),
        ({"raw-leaves": "true"}, ("raw-leaves", "cid-version")),
        ({"chunker": "size-1024"}, ("chunker",)),
        ({"chunker": "size-1024", "raw-leaves": "true"}, ("chunker",)),
        ({"chunker": "size-512", "cid-version": "1"}, ("chunker", "cid-version")),
        ({"chunker": "size-256", "cid-version": "1", "max-file-links": "1024"}, ("chunker", "cid-version")),
        ({"trickle": "true"}, ("trickle",)),
        ({"wrap-with-directory": "true"}, ("wrapped",)),
        ({"wrap-with-directory": "true", "cid-version": "1"}, ("wrapped", "cid-version")),
        ({"cid-version": "1", "hash": "blake2b-256"}, ("raw-leaves", "other-hash", "cid-version")),
        ({"cid-version": "1", "hash": "sha2-512", "raw-leaves": "false"}, ("other-hash", "cid-version")),
        ({"cid-version": "1", "hash": "blake3"}, ("other-hash",)),
    ],
)
async def test_what_a_real_node_makes_by_other_rules_is_explained(options, rules):
    data = secrets.token_bytes(60_000)
    async with KuboNode(parts.need("kubo")["rpc1"]) as node:
        plain = {"only-hash": "true", "raw-leaves": "false", **options}
        if options.get("cid-version") == "1" and "raw-leaves" not in options:
            del plain["raw-leaves"]
        answer = await node.post("add", plain, data=data, name="t.json")
        found = difference(data, added(answer), "t.json")
    assert found.rules == rules, found


@pytest.mark.real
async def test_what_is_inlined_is_explained():
    async with KuboNode(parts.need("kubo")["rpc1"]) as node:
        answer = await node.post("add", {"only-hash": "true", "cid-version": "1", "inline": "true"}, b"short", "t")
    assert difference(b"short", added(answer)).rules == ("inline",)


@pytest.mark.real
@pytest.mark.parametrize("shape", ["/unix{}", "unix://{}"])
async def test_a_daemon_at_a_socket(tmp_path, shape):
    socket = tmp_path / "api.sock"
    with kubo(tmp_path / "repo", offline=True, config={"Addresses.API": f"/unix{socket}"}):
        async with KuboNode(shape.format(socket)) as node:
            assert node.id == f"kubo {socket}"
            assert (await node.pin(DATA, "t.json")).cid == CID


@pytest.mark.real
async def test_the_daemon_says_in_its_repository_where_it_answers(tmp_path, monkeypatch):
    monkeypatch.setenv("IPFS_PATH", str(tmp_path / "repo"))
    assert default_address() == "http://127.0.0.1:5001"
    with kubo(tmp_path / "repo", offline=True) as daemon:
        assert default_address() == daemon.rpc
        async with KuboNode(default_address()) as node:
            assert (await node.pin(DATA, "t.json")).cid == CID


@pytest.mark.parametrize("text", [b"", b"ftp://x\n", b"\xff", b"x y", b"/ip4/1/udp/2"])
def test_an_api_file_that_says_nothing_is_left_alone(tmp_path, monkeypatch, text):
    monkeypatch.setenv("IPFS_PATH", str(tmp_path))
    (tmp_path / "api").write_bytes(text)
    assert default_address() == "http://127.0.0.1:5001"


@pytest.mark.parametrize(
    ("base", "near"),
    [
        ("http://127.0.0.1:1", "machine"), ("http://localhost", "machine"), ("http://[::1]:1", "machine"),
        ("http://10.1.2.3", "network"), ("http://nas:5001", "network"), ("http://nas.local", "network"),
        ("http://192.168.0.9", "network"), ("https://8.8.8.8", "internet"), ("https://rpc.filebase.io", "internet"),
    ],
)  # fmt: skip
def test_how_near_an_address_is(base, near):
    assert nearness(base) == near


async def test_an_rpc_that_is_open_to_the_internet_is_known_as_one():
    assert KuboNode("https://rpc.example").exposed
    assert not KuboNode("https://rpc.example", Secret("tok")).exposed
    assert not KuboNode("http://127.0.0.1:5001").exposed
