from __future__ import annotations

import asyncio
import json
import socket
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account as Accounts

from arbius_tui.domain.engine import register_calldata
from arbius_tui.domain.errors import BadInput, Failure, NotReady, TransactionFailed
from arbius_tui.domain.secret import Secret
from arbius_tui.services.ports import Handover, Remote, Sender, Signer, way
from arbius_tui.services.signer_rpc import checked_url
from arbius_tui.services.vault_external import ClefVault, FrameVault
from tests import parts
from tests.services.hidden import ADDRESS, KEY, PASSWORD, TRANSACTION, code
from tests.services.signer_double import Refusal, double

CALL = {**TRANSACTION, "data": register_calldata(ADDRESS, 7, b'{"meta":{}}')}
NONE = Secret("")
HASH = "0x" + "ab" * 32
OTHER = "0x1298F8A91B046d7fCBd5454cd3331Ba6f4feA168"


def signing(change: dict[str, Any] | None = None, key: str = KEY) -> Callable[[list[Any]], Any]:
    """Clef's own answer: {raw, tx}; with a field changed on the way if a test says so."""

    def answer(params: list[Any]) -> Any:
        asked = {k: v for k, v in params[0].items() if k not in ("from", "accessList")} | {"type": 2}
        raw = Accounts.sign_transaction({**asked, **(change or {})}, key).raw_transaction.to_0x_hex()
        return {"raw": raw, "tx": {"nonce": asked["nonce"]}}

    return answer


def clef(**more: Callable[[list[Any]], Any]) -> dict[str, Callable[[list[Any]], Any]]:
    return {
        "account_version": lambda _: "6.1.0",
        "account_list": lambda _: [ADDRESS.lower()],
        "account_signTransaction": signing(),
    } | more


async def connected(vault: ClefVault | FrameVault, url: str, name: str = "mine") -> list[Handover]:
    return [step async for step in vault.connect_to(name, url)]


@pytest.fixture
def vault(tmp_path: Path) -> ClefVault:
    return ClefVault(tmp_path / "clef.json", patience=20)


@pytest.fixture
def frame(tmp_path: Path) -> FrameVault:
    return FrameVault(tmp_path / "frame.json", patience=20)


async def refused(work: Any) -> Failure:
    with pytest.raises(Failure) as raised:
        await work
    assert code(raised)
    return raised.value


def test_what_they_are(vault: ClefVault, frame: FrameVault) -> None:
    assert (way(vault), way(frame)) == ("sign", "send")
    assert isinstance(vault, Signer)
    assert isinstance(frame, Sender)
    assert isinstance(vault, Remote)
    assert isinstance(frame, Remote)
    assert not vault.needs_password()


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("http://127.0.0.1:8550", "http://127.0.0.1:8550"),
        (" http://localhost:1248/ ", "http://localhost:1248/"),
        ("http://[::1]:8550", "http://[::1]:8550"),
        ("https://signer.example/x", "https://signer.example/x"),
        ("/run/clef.ipc", "/run/clef.ipc"),
        ("ipc:///run/clef.ipc", "/run/clef.ipc"),
        ("unix:///run/clef.sock", "/run/clef.sock"),
    ],
)
def test_where_a_signer_may_be(typed: str, found: str) -> None:
    assert checked_url(typed) == found


@pytest.mark.parametrize(
    "typed",
    ["", "clef", "http://192.168.1.5:8550", "http://signer.example:8550", "http://user:pw@127.0.0.1:8550", "ftp://127.0.0.1:1",
     "http://127.0.0.1:notaport", "http://", "http://127.0.0.1", "https://", "file:///etc/passwd", "http://127.0.0.1.example:80"],
)  # fmt: skip
def test_where_it_may_not_be(typed: str) -> None:
    with pytest.raises(BadInput) as raised:
        checked_url(typed)
    assert code(raised) == "signer-url"
    assert "pw" not in str(vars(raised.value))


class TestClef:
    async def test_its_accounts_are_asked_for_once_and_then_known(self, vault: ClefVault) -> None:
        async with double(**clef(account_list=lambda _: [ADDRESS, OTHER, ADDRESS, "junk", 5])) as found:
            assert await vault.speaks(found.url)
            steps = await connected(vault, found.url)
        assert [(s.state, s.address) for s in steps] == [("ask", ""), ("connected", ADDRESS), ("connected", OTHER)]
        assert "Clef" in steps[0].text
        assert [(a.name, a.address, a.vault) for a in await vault.accounts()] == [
            ("mine", ADDRESS, "signer"),
            ("mine-2", OTHER, "signer"),
        ]
        assert stat.S_IMODE(vault.book.path.stat().st_mode) == 0o600

    async def test_it_signs_and_is_told_which_function_is_called(self, vault: ClefVault) -> None:
        async with double(**clef()) as found:
            await connected(vault, found.url)
            done = await vault.sign("mine", NONE, CALL)
        assert Accounts.recover_transaction(done.raw) == ADDRESS
        assert done.hash == Accounts.sign_transaction(CALL, KEY).hash.to_0x_hex()
        (fields, method) = found.asked[-1][1]
        assert method == "registerModel(address,uint256,bytes)"
        assert fields["from"] == ADDRESS
        assert fields["chainId"] == "0x7a69"

    async def test_over_a_socket(self, vault: ClefVault, tmp_path: Path) -> None:
        async with double(tmp_path / "clef.ipc", **clef()) as found:
            await connected(vault, found.url)
            assert (await vault.sign("mine", NONE, TRANSACTION)).nonce == 3

    @pytest.mark.parametrize(
        ("change", "name"),
        [
            ({"nonce": 4}, "nonce"), ({"to": OTHER}, "to"), ({"value": 1}, "value"), ({"data": "0x"}, "data"),
            ({"gas": 21000}, "gas limit"), ({"maxFeePerGas": 10**9}, "max fee per gas"), ({"chainId": 1}, "chain id"),
            ({"maxPriorityFeePerGas": 1}, "max priority fee per gas"),
        ],
    )  # fmt: skip
    async def test_an_answer_with_a_changed_field_is_refused_by_name(
        self, vault: ClefVault, change: dict[str, Any], name: str
    ) -> None:
        async with double(**clef(account_signTransaction=signing(change))) as found:
            await connected(vault, found.url)
            failure = await refused(vault.sign("mine", NONE, CALL))
        assert failure.problem.code == "signed-differs"
        assert name in failure.problem.what

    async def test_another_account_signed(self, vault: ClefVault) -> None:
        async with double(**clef(account_signTransaction=signing(key="0x" + "11" * 32))) as found:
            await connected(vault, found.url)
            failure = await refused(vault.sign("mine", NONE, CALL))
        assert failure.problem.code == "signed-differs"
        assert "from" in failure.problem.what

    @pytest.mark.parametrize(
        ("answer", "wanted"),
        [
            (Refusal(-32000, "Request denied"), "signer-denied"),
            (Refusal(-32000, "requested chainid 31337 does not match the configuration"), "signer-wrong-chain"),
            (Refusal(-32000, "no key for given address or file\x1b[31m"), "signer-refused"),
            (b"<html>", "signer-garbled"), (b"[]", "signer-garbled"), (b"{", "signer-garbled"),
            (b'{"id":1}', "signer-garbled"), (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", "signer-unreachable"),
            (b"HTTP/1.1 307 No\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", "signer-unreachable"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", "signer-unreachable"),
            (b"x" * (2 << 20), "signer-garbled"), ({"raw": "0x02"}, "signed-unreadable"), ("", "signed-unreadable"),
            ({"tx": {}}, "signed-unreadable"), ({"raw": 5}, "signed-unreadable"),
            ({"raw": "0xzz"}, "signed-unreadable"),
        ],
    )  # fmt: skip
    async def test_what_it_may_answer_instead(self, vault: ClefVault, answer: Any, wanted: str) -> None:
        def say(_: list[Any]) -> Any:
            if isinstance(answer, Refusal):
                raise answer
            return answer

        async with double(**clef(account_signTransaction=say)) as found:
            await connected(vault, found.url)
            failure = await refused(vault.sign("mine", NONE, CALL))
        assert failure.problem.code == wanted
        assert "\x1b" not in str(vars(failure))

    async def test_an_owner_who_never_answers(self, tmp_path: Path) -> None:
        vault = ClefVault(tmp_path / "clef.json", patience=0.2)
        async with double(**clef(account_signTransaction=lambda _: None)) as found:
            await connected(vault, found.url)
            failure = await refused(vault.sign("mine", NONE, CALL))
        assert failure.problem.code == "signer-timeout"

    async def test_waiting_can_be_cancelled(self, vault: ClefVault) -> None:
        async with double(**clef(account_signTransaction=lambda _: None)) as found:
            await connected(vault, found.url)
            work = asyncio.create_task(vault.sign("mine", NONE, CALL))
            await found.waits.wait()
            work.cancel()
            with pytest.raises(asyncio.CancelledError):
                await work

    async def test_nobody_there(self, vault: ClefVault) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{free.getsockname()[1]}"
            assert (await refused(vault.speaks(url))).problem.code == "signer-unreachable"
        assert (await refused(vault.speaks("/no/such.ipc"))).problem.code == "signer-unreachable"

    @pytest.mark.parametrize("listed", [[], {}, "0x", ["0x12"], [None]])
    async def test_no_account_for_us(self, vault: ClefVault, listed: Any) -> None:
        async with double(**clef(account_list=lambda _: listed)) as found:
            assert (await refused(connected(vault, found.url))).problem.code == "signer-empty"
        assert await vault.accounts() == ()

    async def test_a_name_that_is_taken_and_one_that_is_unknown(self, vault: ClefVault) -> None:
        async with double(**clef()) as found:
            await connected(vault, found.url)
            assert (await refused(connected(vault, found.url))).problem.code == "account-exists"
        assert (await refused(vault.sign("who", NONE, CALL))).problem.code == "no-such-account"
        assert "Clef" in await vault.remove("mine")
        assert await vault.accounts() == ()

    async def test_no_proxy_of_the_environment_sees_it(self, vault: ClefVault, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")
        async with double(**clef()) as found:
            assert await vault.speaks(found.url)


def wallet(**more: Callable[[list[Any]], Any]) -> dict[str, Callable[[list[Any]], Any]]:
    return {
        "eth_chainId": lambda _: "0x7a69",
        "eth_requestAccounts": lambda _: [ADDRESS.lower()],
        "wallet_switchEthereumChain": lambda _: False,
        "eth_sendTransaction": lambda _: HASH,
    } | more


async def sent(frame: FrameVault, transaction: dict[str, Any] = CALL) -> list[Handover]:
    return [step async for step in frame.send("mine", transaction)]


class TestFrame:
    async def test_it_sends_and_its_hash_is_said(self, frame: FrameVault) -> None:
        async with double(**wallet()) as found:
            assert await frame.speaks(found.url)
            await connected(frame, found.url)
            steps = await sent(frame)
        assert [(s.state, s.tx_hash) for s in steps] == [("ask", ""), ("sent", HASH)]
        ((fields,),) = [params for method, params in found.asked if method == "eth_sendTransaction"]
        assert fields["from"] == ADDRESS
        assert fields["data"] == CALL["data"]
        assert "nonce" not in fields
        assert "origin: http://arbius-tui.localhost" in found.headers[0].lower()

    async def test_each_tells_the_other_from_itself(self, frame: FrameVault, vault: ClefVault) -> None:
        async with double(**wallet()) as framed, double(**clef()) as clefed:
            assert not await vault.speaks(framed.url)
            assert not await frame.speaks(clefed.url)

    @pytest.mark.parametrize("chain", ["0x1", "zz", None.__class__.__name__, 5])
    async def test_on_another_chain_nothing_is_handed_over(self, frame: FrameVault, chain: Any) -> None:
        async with double(**wallet(eth_chainId=lambda _: chain)) as found:
            await connected(frame, found.url)
            failure = await refused(sent(frame))
        assert failure.problem.code == "signer-wrong-chain"
        assert "eth_sendTransaction" not in [method for method, _ in found.asked]

    async def test_the_owner_said_no(self, frame: FrameVault) -> None:
        def no(_: list[Any]) -> Any:
            raise Refusal(4001, "User rejected the request.")

        async with double(**wallet(eth_sendTransaction=no)) as found:
            await connected(frame, found.url)
            failure = await refused(sent(frame))
        assert failure.problem.code == "signer-denied"
        assert not isinstance(failure, TransactionFailed)

    @pytest.mark.parametrize(
        "answer", [b"<html>", b"HTTP/1.1 502 x\r\nContent-Length: 0\r\n\r\n", "0x12", 7, [HASH], HASH[:-1] + "g", b"{"]
    )
    async def test_an_answer_that_is_lost_is_never_taken_for_a_no(self, frame: FrameVault, answer: Any) -> None:
        async with double(**wallet(eth_sendTransaction=lambda _: answer)) as found:
            await connected(frame, found.url)
            failure = await refused(sent(frame))
        assert failure.problem.code == "send-unclear"
        assert isinstance(failure, TransactionFailed)

    async def test_silence_after_the_hand_over_is_unclear(self, tmp_path: Path) -> None:
        frame = FrameVault(tmp_path / "frame.json", patience=0.2)
        async with double(**wallet(eth_sendTransaction=lambda _: None)) as found:
            await connected(frame, found.url)
            failure = await refused(sent(frame))
        assert failure.problem.code == "send-unclear"

    async def test_gone_before_anything_was_handed_over(self, frame: FrameVault) -> None:
        async with double(**wallet()) as found:
            await connected(frame, found.url)
        assert isinstance(await refused(sent(frame)), NotReady)


@pytest.fixture
async def real_clef(tmp_path: Path) -> AsyncIterator[tuple[str, str, dict[str, Any]]]:
    """geth's own Clef with one account; its owner is played over stdio. (HTTP URL, socket, what the owner says.)"""
    program = parts.need("clef")
    keys = tmp_path / "keys"
    keys.mkdir()
    (keys / f"UTC--2026--{ADDRESS[2:].lower()}").write_text(json.dumps(Accounts.encrypt(KEY, PASSWORD, iterations=2)))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ipc = tmp_path / "clef.ipc"
    argv = ["--stdio-ui", "--suppress-bootwarn", "--nousb", "--chainid", "31337", "--keystore", str(keys),
            "--auditlog", "",
            "--configdir", str(tmp_path), "--4bytedb-custom", str(tmp_path / "4byte.json"), "--ipcpath", str(ipc),
            "--http", "--http.port", str(port)]  # fmt: skip
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        program, *argv, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL, limit=1 << 20
    )
    assert process.stdout
    assert process.stdin
    says: dict[str, Any] = {"approve": True}
    ready = asyncio.Event()

    async def owner() -> None:
        async for line in process.stdout or ():
            request = json.loads(line)
            match request["method"]:
                case "ui_onSignerStartup":
                    says.update(request["params"][0]["info"])
                    ready.set()
                    continue
                case "ui_approveListing":
                    result: Any = {"accounts": request["params"][0]["accounts"] if says["approve"] else []}
                case "ui_approveTx":
                    transaction = request["params"][0]["transaction"] | says.get("change", {})
                    result = {"approved": says["approve"], "transaction": transaction}
                case "ui_onInputRequired":
                    result = {"text": PASSWORD}
                case _:
                    continue
            process.stdin.write(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}).encode() + b"\n")
            await process.stdin.drain()

    task = asyncio.create_task(owner())
    try:
        async with asyncio.timeout(60):
            await ready.wait()
        yield f"http://127.0.0.1:{port}", says["extapi_ipc"], says
    finally:
        process.terminate()
        await process.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.real
@pytest.mark.parametrize("socket_", [False, True])
async def test_the_real_clef(real_clef: tuple[str, str, dict[str, Any]], vault: ClefVault, socket_: bool) -> None:
    http, ipc, says = real_clef
    url = ipc if socket_ else http
    assert await vault.speaks(url)
    assert [step.address for step in await connected(vault, url)] == ["", ADDRESS]
    done = await vault.sign("mine", NONE, CALL)
    assert done.hash == Accounts.sign_transaction(CALL, KEY).hash.to_0x_hex()
    assert (await refused(vault.sign("mine", NONE, {**CALL, "chainId": 1}))).problem.code == "signer-wrong-chain"
    says["change"] = {"maxFeePerGas": "0x77359400"}
    failure = await refused(vault.sign("mine", NONE, CALL))
    assert failure.problem.code == "signed-differs"
    assert "max fee per gas" in failure.problem.what
    says["approve"] = False
    assert (await refused(vault.sign("mine", NONE, CALL))).problem.code == "signer-denied"
