"""What goes wrong with accounts, in words; none of them ever holds a key or a password."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from arbius_tui.domain.errors import BadInput, Failure, NotReady, Problem


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


def wrong_password(name: str) -> BadInput:
    """The MAC of a keystore does not fit."""
    return BadInput(
        "wrong-password",
        f"the password does not open {name}",
        why="without the key nothing can be signed",
        fix="try again; watch caps lock and the keyboard's layout",
    )


def other_address(path: Path, stated: str, real: str) -> NotReady:
    """A keystore that says it is somebody else's."""
    return NotReady(
        "keystore-other-address",
        f"{path} states the address {stated}, but its key is that of {real}",
        why="the model id follows from the address: signing with another account registers another model",
        fix="use the keystore that belongs to the address; this one was changed or mixed up",
    )


def faulty(failure: Failure) -> Problem:
    """The same problem, holding nothing up."""
    return replace(failure.problem, severity="warn")


def found_again(name: str, address: str) -> BadInput:
    """The keyring has a key under this name that our list did not know."""
    return BadInput(
        "account-exists",
        f"the keyring has a key named {name} already, of {address}; it is on the list again now",
        why="a key that is overwritten is gone for ever",
        fix="use it, or choose another name for the new one",
    )
