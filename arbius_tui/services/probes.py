"""Checks of the host that belong to no other group: this interpreter, and the keyring of the desktop."""

from __future__ import annotations

import platform

from arbius_tui.domain.errors import Failure, Fix
from arbius_tui.services.machine import PATIENCE, Finding, Machine
from arbius_tui.services.vault_keyring import BACKENDS, allowed_backend, patiently


async def system_keyring(machine: Machine) -> Finding:
    """Named on screen, because a key's safety is its keyring's."""
    try:
        backend = await patiently(allowed_backend, PATIENCE)
    except Failure as failure:
        fix = Fix("nothing to do: an encrypted keystore with a password is used instead")
        return Finding("warn", "none that keeps a key safely", fix, failure.problem.detail)
    return Finding("ok", BACKENDS[type(backend).__module__])


async def python(machine: Machine) -> Finding:
    """This very interpreter."""
    return Finding("ok", platform.python_version())
