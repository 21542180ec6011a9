"""The Wallet step and its commands over real vaults, with a chain that only knows balances."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account as Accounts

from arbius_tui.domain.errors import Failure, WrongChain
from arbius_tui.domain.events import Done, Event, Found, Line, Saved, Trouble
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.questions import Choice, Question
from arbius_tui.domain.records import TemplateRecord, WalletRecord
from arbius_tui.domain.secret import Secret
from arbius_tui.services.ports import Account, Quote, Registration, Services
from arbius_tui.services.vault_external import ClefVault, FrameVault
from arbius_tui.services.vault_found import found_vaults
from arbius_tui.services.vault_keystore import KeystoreVault
from arbius_tui.services.vault_watch import WatchVault
from arbius_tui.steps.accounts import KeepKey, Kept, ListAccounts, Reach, Remove, Watch
from arbius_tui.steps.base import Step
from arbius_tui.steps.money import Money
from arbius_tui.steps.wallet import Wallet
from tests.services.hidden import ADDRESS, KEY, PASSWORD
from tests.services.signer_double import double

OTHER = "0x1298F8A91B046d7fCBd5454cd3331Ba6f4feA168"


class Balances:
    """A chain that knows what accounts have and what a registration costs."""

    def __init__(self) -> None:
        self.wei, self.cost, self.fault = 10**15, 4 * 10**14, None

    async def balance(self, address: str) -> int:
        if self.fault:
            raise self.fault
        return self.wei

    async def quote(self, registration: Registration) -> Quote:
        return Quote("0x", 1, self.cost, self.wei, 0, {})


@dataclass
class Author:
    """Answers by question id; what is not there gets the question's default."""

    answers: dict[str, str]
    asked: list[Question]

    async def __call__(self, question: Question) -> str:
        self.asked.append(question)
        answer = self.answers.get(question.id, question.default)
        assert answer is not None, question
        return answer

    async def secret(self, question: Question) -> Secret:
        self.asked.append(question)
        return Secret(self.answers.get(question.id, PASSWORD))


@pytest.fixture
def chain() -> Balances:
    return Balances()


@pytest.fixture
def services(services: Services, chain: Balances, tmp_path: Path) -> Services:
    """The rehearsal's, but for real vaults and another chain: nothing of it is asked outside."""
    data = tmp_path / "data"
    vaults: Any = (
        KeystoreVault(data / "keys", scrypt_n=2), *found_vaults(tmp_path / "home", data),
        ClefVault(data / "clef.json"), FrameVault(data / "frame.json"), WatchVault(data / "watch.json"),
    )  # fmt: skip
    found: Any = chain
    return replace(services, vaults=vaults, chain=found, network="one", fund=None)


async def ran(
    step: Step, services: Services, journey: Journey | None = None, **answers: str
) -> tuple[list[Event], Author]:
    author: Any = Author({key.replace("_", "-"): value for key, value in answers.items()}, [])
    return [event async for event in step.run(journey or Journey("demo", "one", ""), services, author)], author


async def refused(step: Step, services: Services, **answers: str) -> str:
    with pytest.raises(Failure) as raised:
        await ran(step, services, **answers)
    assert raised.value.problem.why
    assert raised.value.problem.fix
    return raised.value.problem.code


def items(events: list[Event], kind: type) -> list[Any]:
    return [event.item for event in events if isinstance(event, Found) and isinstance(event.item, kind)]


def saved(events: list[Event]) -> WalletRecord:
    (change,) = [event.change for event in events if isinstance(event, Saved)]
    assert isinstance(change, WalletRecord)
    return change


class TestWays:
    async def test_with_no_account_every_way_is_offered(self, services: Services) -> None:
        _, author = await ran(Wallet(), services, account="new")
        (choice,) = [q for q in author.asked if isinstance(q, Choice)]
        assert [value for value, _ in choice.options] == ["new", "paste", "import", "url", "watch"]

    async def test_a_pasted_key_is_shown_by_length_and_address_and_kept_after_a_yes(self, services: Services) -> None:
        events, author = await ran(Wallet(), services, account="paste", key=f"PRIVATE_KEY={KEY}", account_name="mine")
        assert [q.id for q in author.asked] == [
            "account", "account-name", "key", "key-address", "new-password", "new-password-again",
        ]  # fmt: skip
        assert f"78 characters came; the key is that of {ADDRESS}" in [e.text for e in events if isinstance(e, Line)]
        assert saved(events) == WalletRecord("mine", ADDRESS, "keystore")
        assert KEY[2:] not in repr(events) + repr(author.asked)

    async def test_a_no_keeps_nothing(self, services: Services) -> None:
        wanted = {"account": "paste", "key": KEY, "account_name": "mine", "key_address": "no"}
        assert await refused(Wallet(), services, **wanted) == "key-not-meant"
        assert await services.vaults[0].accounts() == ()

    async def test_a_slip_in_the_password_keeps_nothing(self, services: Services) -> None:
        assert await refused(Wallet(), services, account="new", new_password_again="slip") == "passwords-differ"
        assert await services.vaults[0].accounts() == ()

    async def test_a_seed_phrase_is_refused(self, services: Services) -> None:
        assert await refused(Wallet(), services, account="paste", key="zoo " * 12) == "key-is-phrase"

    async def test_an_address_alone(self, services: Services) -> None:
        events, _ = await ran(Wallet(), services, account="watch", watch_address=OTHER.lower())
        assert saved(events) == WalletRecord("cold", OTHER, "watch")

    async def test_a_keystore_of_another_tool_is_copied(self, services: Services, tmp_path: Path) -> None:
        (tmp_path / "theirs").write_text(json.dumps(Accounts.encrypt(KEY, PASSWORD, iterations=2)))
        answers = {"account": "import", "keystore_file": str(tmp_path / "theirs"), "account_name": "copy"}
        events, _ = await ran(Wallet(), services, **answers)
        assert saved(events) == WalletRecord("copy", ADDRESS, "keystore")

    async def test_a_signer_by_its_url(self, services: Services) -> None:
        async with double(account_version=lambda _: "6.1.0", account_list=lambda _: [ADDRESS, OTHER]) as clef:
            events, _ = await ran(Wallet(), services, account="url", signer_url=clef.url)
        assert saved(events) == WalletRecord("signer", ADDRESS, "signer")
        assert [a.name for a in items(events, Account)][:2] == ["signer", "signer-2"]

    async def test_what_answers_is_no_signer(self, services: Services) -> None:
        async with double() as nothing:
            assert await refused(Wallet(), services, account="url", signer_url=nothing.url) == "signer-unknown"

    async def test_foundrys_keystore_is_opened_to_see_its_address(self, services: Services, tmp_path: Path) -> None:
        folder = tmp_path / "home/.foundry/keystores"
        folder.mkdir(parents=True)
        made = Accounts.encrypt(KEY, PASSWORD, iterations=2)
        (folder / "deployer").write_text(json.dumps({k: v for k, v in made.items() if k != "address"}))
        events, author = await ran(Wallet(), services, account="deployer")
        assert saved(events) == WalletRecord("deployer", ADDRESS, "foundry")
        assert "password" in [q.id for q in author.asked]
        done = events[-1]
        assert isinstance(done, Done)
        assert done.result["accounts"] == [{"name": "deployer", "address": ADDRESS, "kind": "foundry"}]


class TestNames:
    async def test_two_of_one_name_are_told_apart_by_their_vault(self, services: Services) -> None:
        await ran(KeepKey(Kept("a", Secret(KEY))), services)
        await ran(Watch("a", OTHER), services)
        assert await refused(Wallet(), services, account="a") == "account-ambiguous"
        events, _ = await ran(Wallet(), services, account="watch/a")
        assert saved(events).address == OTHER
        events, _ = await ran(Wallet(), services, account=ADDRESS.lower())
        assert saved(events).kind == "keystore"

    async def test_an_account_may_be_called_like_a_way(self, services: Services) -> None:
        await ran(Watch("new", OTHER), services)
        events, _ = await ran(Wallet(), services, account="watch/new")
        assert saved(events).address == OTHER

    async def test_the_account_of_before_is_the_default(self, services: Services) -> None:
        await ran(Watch("a", OTHER), services)
        journey = Journey("demo", "one", "").having(WalletRecord("a", OTHER, "watch"))
        events, _ = await ran(Wallet(), services, journey)
        assert saved(events).address == OTHER


class TestMoney:
    async def test_what_it_has_and_what_registering_takes(self, services: Services, tmp_path: Path) -> None:
        (tmp_path / "t.json").write_text("{}")
        journey = Journey("demo", "one", "").having(TemplateRecord(str(tmp_path / "t.json")))
        await ran(Watch("a", OTHER), services)
        events, _ = await ran(Wallet(), services, journey, account="a")
        (money,) = items(events, Money)
        assert (money.balance_wei, money.needed_wei, money.short_wei) == (str(10**15), str(4 * 10**14), "0")
        assert money.text == "0.001 ETH on Arbitrum One; registering takes at most 0.0004 ETH"
        assert events[-1].state == "ok"

    async def test_the_shortfall_is_exact_and_the_bridge_is_the_official_one(
        self, services: Services, chain: Balances, tmp_path: Path
    ) -> None:
        chain.wei = 1
        (tmp_path / "t.json").write_text("{}")
        journey = Journey("demo", "one", "").having(TemplateRecord(str(tmp_path / "t.json")))
        await ran(Watch("a", OTHER), services)
        events, _ = await ran(Wallet(), services, journey, account="a")
        (money,) = items(events, Money)
        assert money.short_wei == str(4 * 10**14 - 1)
        (problem,) = [event.problem for event in events if isinstance(event, Trouble)]
        assert (problem.code, problem.severity) == ("balance-short", "warn")
        assert str(4 * 10**14 - 1) in problem.what
        assert problem.fix
        assert "https://bridge.arbitrum.io/?destinationChain=arbitrum-one" in problem.fix.text
        assert events[-1].state == "warn"

    async def test_nothing_at_all(self, services: Services, chain: Balances) -> None:
        chain.wei = 0
        events, _ = await ran(Wallet(), services, account="watch", watch_address=OTHER)
        (problem,) = [event.problem for event in events if isinstance(event, Trouble)]
        assert "has no ETH on Arbitrum One" in problem.what

    async def test_sepolia_has_its_bridge_and_its_faucet_token(self, services: Services) -> None:
        events, _ = await ran(Wallet(), replace(services, network="sepolia"), account="watch", watch_address=OTHER)
        (money,) = items(events, Money)
        assert "arbitrum-sepolia" in money.bridge
        assert money.faucet == (
            "https://sepolia.arbiscan.io/address/0x8D9753e0af7ed426c63c7D6f0424d83f257C7821#writeContract"
        )

    async def test_without_a_chain_the_account_is_chosen_all_the_same(
        self, services: Services, chain: Balances
    ) -> None:
        chain.fault = WrongChain("wrong-chain", "another chain")
        events, _ = await ran(Wallet(), services, account="watch", watch_address=OTHER)
        assert saved(events).address == OTHER
        assert [e.problem.severity for e in events if isinstance(e, Trouble)] == ["warn"]
        assert events[-1].state == "warn"


class TestCommands:
    async def test_a_keystore_on_stdin(self, services: Services) -> None:
        text = json.dumps(Accounts.encrypt(KEY, PASSWORD, iterations=2))
        events, _ = await ran(KeepKey(Kept("mine", Secret(text))), services, key_address="yes")
        assert events[-1].result["address"] == ADDRESS

    @pytest.mark.parametrize("expected", [ADDRESS, ADDRESS.lower()])
    async def test_the_address_that_was_expected(self, services: Services, expected: str) -> None:
        _, author = await ran(KeepKey(Kept("mine", Secret(KEY), expected=expected)), services)
        assert "key-address" not in [q.id for q in author.asked]

    async def test_another_address_than_expected_keeps_nothing(self, services: Services) -> None:
        assert await refused(KeepKey(Kept("mine", Secret(KEY), expected=OTHER)), services) == "key-not-meant"
        assert await services.vaults[0].accounts() == ()

    async def test_no_such_vault(self, services: Services) -> None:
        assert await refused_code(KeepKey(Kept("mine", Secret(KEY), vault="keyring")), services) == "no-vault"

    async def test_listed_with_their_kinds(self, services: Services) -> None:
        await ran(KeepKey(Kept("mine", Secret(KEY))), services)
        await ran(Watch("cold", OTHER), services)
        events, _ = await ran(ListAccounts(), services)
        assert events[-1].result["accounts"] == [
            {"name": "mine", "address": ADDRESS, "kind": "keystore"},
            {"name": "cold", "address": OTHER, "kind": "watch"},
        ]  # fmt: skip
        events, _ = await ran(ListAccounts("cold"), services)
        assert len(events[-1].result["accounts"]) == 1

    async def test_removed_after_its_tail_was_typed(self, services: Services) -> None:
        await ran(Watch("cold", OTHER), services)
        assert await refused(Remove("cold"), services, confirm="0000") == "not-confirmed"
        events, _ = await ran(Remove("cold"), services, confirm="A168")
        assert events[-1].ok
        assert await refused(Remove("cold"), services, confirm="A168") == "no-such-account"

    async def test_files_of_other_tools_are_not_removed(self, services: Services, tmp_path: Path) -> None:
        folder = tmp_path / "home/.foundry/keystores"
        folder.mkdir(parents=True)
        (folder / "theirs").write_text(json.dumps(Accounts.encrypt(KEY, PASSWORD, iterations=2)))
        assert await refused(Remove("theirs"), services, confirm=ADDRESS[-4:]) == "account-not-ours"
        assert (folder / "theirs").exists()

    async def test_frame_is_reached(self, services: Services) -> None:
        async with double(eth_chainId=lambda _: "0xa4b1", eth_requestAccounts=lambda _: [OTHER]) as frame:
            events, _ = await ran(Reach("f", frame.url), services)
        assert events[-1].result["accounts"] == [{"name": "f", "address": OTHER, "kind": "frame"}]


async def refused_code(step: Step, services: Services) -> str:
    with pytest.raises(Failure) as raised:
        await ran(step, services)
    return raised.value.problem.code
