"""Names and addresses in one JSON file: for keys that lie where nothing can be listed, or not with us at all."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from arbius_tui.domain.transactions import address
from arbius_tui.services.keys import NAME
from arbius_tui.services.store import replace_file
from arbius_tui.services.vault_words import damaged, no_account, taken, vault_not_writable


class AddressBook:
    """`{"v": 1, "accounts": {NAME: ADDRESS}}`, mode 0600; `notes` are more words on an account, e.g. its wallet's URL.

    Its methods block on the disk: call them in a thread.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def known(self) -> dict[str, str]:
        """Addresses by name; NotReady `keystore-damaged` for a file that is none of ours."""
        return self._read()[0]

    def notes(self) -> dict[str, str]:
        """The notes by name."""
        return self._read()[1]

    def add(self, name: str, account: str, note: str = "") -> None:
        """Remember it; BadInput `account-exists` if the name is taken."""
        with self._alone():
            known, notes = self._read()
            if name in known:
                raise taken(name)
            self._write({**known, name: account}, {**notes, name: note} if note else notes)

    def put(self, name: str, account: str) -> None:
        """Remember it in place of what was there."""
        with self._alone():
            known, notes = self._read()
            self._write({**known, name: account}, notes)

    def remove(self, name: str, where: str) -> None:
        """Forget it; BadInput `no-such-account`."""
        with self._alone():
            known, notes = self._read()
            if name not in known:
                raise no_account(name, where)
            self._write({k: v for k, v in known.items() if k != name}, {k: v for k, v in notes.items() if k != name})

    def _read(self) -> tuple[dict[str, str], dict[str, str]]:
        try:
            found = json.loads(self.path.read_bytes())
            accounts, notes = found["accounts"], found.get("notes", {})
            named = {str(name): account for name, account in accounts.items() if NAME.fullmatch(str(name))}
            known = {name: address(account) for name, account in named.items()}
            return known, {str(name): str(note) for name, note in notes.items() if name in known}
        except FileNotFoundError:
            return {}, {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise damaged(self.path, type(error).__name__) from None

    def _write(self, known: Mapping[str, str], notes: Mapping[str, str]) -> None:
        content = {"v": 1, "accounts": dict(known)} | ({"notes": dict(notes)} if notes else {})
        try:
            replace_file(self.path, (json.dumps(content, indent=1) + "\n").encode())
        except OSError as error:
            raise vault_not_writable(self.path, error) from None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Only one process reads and writes it back; where files cannot be locked, the last one wins."""
        lock = self.path.with_suffix(".lock")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = lock.open("a")
        except OSError as error:
            raise vault_not_writable(self.path, error) from None
        with handle:
            with suppress(OSError):
                fcntl.flock(handle, fcntl.LOCK_EX)
            yield
