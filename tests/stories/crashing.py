"""Runs arbius-tui in a process that kills itself with SIGKILL at the point that the environment names.

The points lie at every seam between review and receipt: each write of the journal and of the state, each request to
the chain, and the signature; before it and after it. Nothing of this is in the product: the seams are patched here.
`CRASH_AT` is the number of the point, `CRASH_ON` its name; the names of all are written to the file `CRASH_POINTS`.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from arbius_tui.services import rpc, store, vault_keystore

POINTS: list[str] = []
AT = int(os.environ.get("CRASH_AT", "-1"))
PASSING = "eth_chainId"
"""A request that only a slow machine makes once more before it sends; it would shift the numbers."""


def point(name: str) -> None:
    """A moment at which power may fail; the points begin with the first signature."""
    if (not POINTS and not name.endswith("sign")) or name.endswith(PASSING):
        return
    if len(POINTS) == AT or name == os.environ.get("CRASH_ON"):
        os.kill(os.getpid(), signal.SIGKILL)
    POINTS.append(name)


def around(owner: Any, name: str, label: Callable[..., str]) -> None:
    """A point before and after each call of a function."""
    plain = getattr(owner, name)

    def crashing(*args: Any, **more: Any) -> Any:
        said = label(*args)
        point(f"before {said}")
        found = plain(*args, **more)
        point(f"after {said}")
        return found

    setattr(owner, name, crashing)


def around_request(owner: Any, name: str, label: Callable[..., str]) -> None:
    """The same for a coroutine."""
    plain: Callable[..., Awaitable[Any]] = getattr(owner, name)

    async def crashing(*args: Any, **more: Any) -> Any:
        said = label(*args)
        point(f"before {said}")
        found = await plain(*args, **more)
        point(f"after {said}")
        return found

    setattr(owner, name, crashing)


around(store, "append", lambda path, *_: f"append {path.name}")
around(store, "replace_file", lambda path, *_: f"replace {path.name}")
around_request(rpc.HttpProvider, "make_request", lambda _, method, __: str(method))
around_request(vault_keystore.KeystoreVault, "sign", lambda *_: "sign")


def register(url: str) -> int:
    """Step 9 of the saved journey, as JSON lines."""
    from pathlib import Path

    from arbius_tui.cli_run import saved
    from arbius_tui.options import Options
    from arbius_tui.rehearsal.chain import REHEARSAL

    given = {"addr": os.environ["OWN"], "fee": "0.0035", "confirm": os.environ["TAIL"]}
    deployment: dict[str, Any] = {"rpc": (url,), "engine": REHEARSAL.engine, "chain_id": REHEARSAL.chain_id}
    password = Path(os.environ["PASSWORD_FILE"])
    options = Options(project="demo", network="sepolia", json=True, given=given, password_file=password, **deployment)
    return saved(options, "register")


if __name__ == "__main__":
    code = register(sys.argv[1])
    if "CRASH_POINTS" in os.environ:
        with open(os.environ["CRASH_POINTS"], "w", encoding="utf-8") as file:
            file.write("\n".join(POINTS))
    sys.exit(code)
