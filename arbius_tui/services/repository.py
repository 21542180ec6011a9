"""What git says of a model's folder: where its code is, at which commit, and whether others can see that commit.

Only the local repository is asked, never the network; nothing is written, no hook or monitor of the repository runs.
"""

from __future__ import annotations

import asyncio
import os
import re
from dataclasses import dataclass
from pathlib import Path

from arbius_tui.domain.permalink import permalink, web
from arbius_tui.services import process

LIMIT = 15.0
"""Seconds for one question; `git status` of a folder with weights may take its time."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """A folder as git has it. `trouble` says in words why there is no link; `link` is empty then.

    `changed` counts files that differ from the commit. `pushed` is as far as this folder knows: somebody else may have
    pushed the commit from elsewhere.
    """

    commit: str = ""
    link: str = ""
    changed: int = 0
    pushed: bool = False
    remote: str = ""
    trouble: str = ""
    detail: str = ""


async def read(folder: Path) -> Checkout:
    """Ask git; never a failure: what it cannot say is `trouble`."""
    head = await git(folder, "rev-parse", "--show-prefix", "HEAD")
    if not head.ok:
        return Checkout(trouble=why_not(head), detail=head.stderr)
    prefix, _, commit = head.stdout.rstrip("\n").rpartition("\n")
    name, status = await asyncio.gather(remote_of(folder), git(folder, *STATUS))
    changed = sum(bool(line) for line in status.stdout.splitlines())
    if not status.ok:
        return Checkout(commit, trouble="git cannot say whether the folder is as committed", detail=status.stderr)
    if not name:
        return Checkout(commit, changed=changed, trouble="the repository has no remote: the code lies here only")
    url, known = await asyncio.gather(
        git(folder, "remote", "get-url", name),
        git(folder, "for-each-ref", "--count=1", "--contains", commit, f"refs/remotes/{name}/"),
    )
    page = web(url.stdout) if url.ok else ""
    if not page:
        trouble = f"the remote {name} is no site whose pages can be linked"
        return Checkout(commit, changed=changed, pushed=bool(known.stdout.strip()), remote=name, trouble=trouble)
    return Checkout(commit, permalink(page, commit, prefix), changed, bool(known.stdout.strip()), name)


STATUS = ("status", "--porcelain", "--untracked-files=normal", "--", ".", ":(exclude,glob)**/.cog/**")
"""Changes in this folder alone; cog leaves its own files in .cog."""


async def remote_of(folder: Path) -> str:
    """The remote that the branch belongs to, else `origin`, else the only one there is."""
    branch, listed = await asyncio.gather(
        git(folder, "rev-parse", "--abbrev-ref", "--symbolic-full-name", "@{upstream}"), git(folder, "remote")
    )
    names = listed.stdout.split() if listed.ok else []
    upstream = next((name for name in names if branch.ok and branch.stdout.startswith(f"{name}/")), "")
    return upstream or ("origin" if "origin" in names else names[0] if len(names) == 1 else "")


async def git(folder: Path, *words: str) -> process.Completed:
    """One question to git, which neither asks back nor starts programs that the repository names."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    env |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    argv = ["git", "-c", "core.fsmonitor=false", "-c", "core.quotePath=true", "-C", str(folder), *words]
    return await process.output(argv, LIMIT, env=env)


def why_not(done: process.Completed) -> str:
    """Why git knows no commit here."""
    if done.code == 127:
        return "git is not installed"
    if re.search("not a git repository", done.stderr, re.IGNORECASE):
        return "the folder is in no git repository"
    if "dubious ownership" in done.stderr:
        return "the repository belongs to another user, and git refuses to read it"
    if re.search("unknown revision|ambiguous argument|needed a single revision", done.stderr, re.IGNORECASE):
        return "the repository has no commit yet"
    return "git cannot read the repository"
