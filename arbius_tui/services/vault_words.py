"""What goes wrong with accounts, in words; none of them ever holds a key or a password."""

from __future__ import annotations

from pathlib import Path

from arbius_tui.domain.errors import BadInput, NotReady


def taken(name: str) -> BadInput:
    """A key is never replaced."""
    return BadInput(
        "account-exists",
        f"there is an account named {name} already",
        why="a key that is overwritten is gone for ever",
        fix="choose another name",
    )


def no_account(name: str, where: str) -> BadInput:
    """Nothing of that name."""
    return BadInput(
        "no-such-account", f"there is no account named {name} in {where}",
        why="it takes a key to sign", fix="look at the list: arbius-tui wallet list", command="arbius-tui wallet list",
    )  # fmt: skip


def damaged(path: Path, detail: str) -> NotReady:
    """A file that should hold an account and does not."""
    return NotReady(
        "keystore-damaged", f"{path} is no keystore that can be used",
        why="the key in it cannot be read", fix="put the file back from a backup, or use another account",
        detail=detail,
    )  # fmt: skip


def lost(name: str) -> NotReady:
    """The keyring took the key and does not give it back."""
    return NotReady(
        "keyring-lost", f"the keyring does not give back the key of {name}",
        why="without the key nothing can be signed", fix="keep the key in an encrypted keystore instead",
    )  # fmt: skip


def unavailable(code: str, what: str, detail: str = "") -> NotReady:
    """The operating system's keyring cannot be used now."""
    return NotReady(
        code, what, why="a key is kept only where it is encrypted",
        fix="unlock the keyring of your desktop, or keep the key in an encrypted keystore", detail=detail,
    )  # fmt: skip


def vault_not_writable(path: Path, error: OSError) -> NotReady:
    """The file cannot be written, and why."""
    return NotReady(
        "vault-not-writable", f"{path} cannot be written: {error.strerror}",
        why="the key must be on disk before it is used", fix="set XDG_STATE_HOME to a folder you can write to",
        detail=str(error),
    )  # fmt: skip
