"""The cog command line: which program it is, a build, cog doctor, and the login to Replicate's registry."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import os
import re
import shutil
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arbius_tui.domain.cog_words import (
    NOT_INSTALLED,
    VERSION,
    Doctor,
    config_broken,
    doctor,
    helper_missing,
    login_problem,
    login_user,
    stranger,
)  # fmt: skip
from arbius_tui.domain.errors import Fix, NotReady, Problem
from arbius_tui.domain.secret import Secret
from arbius_tui.domain.text import clean
from arbius_tui.services.cog_build import LIMIT, BuildEvent, Inspect, Order, Untag, build, check_tag, failure
from arbius_tui.services.process import Completed, output

QUIET = {"NO_COLOR": "1", "BUILDKIT_PROGRESS": "plain", "COG_NO_UPDATE_CHECK": "1"}
"""No colour means no signs and no wrapping; plain is what can be read; the update check is a call home."""

REGISTRY = "r8.im"

PROBE, DOCTOR, LOGIN = 10.0, 60.0, 60.0
"""Seconds for `--version` and a credential helper, for `cog doctor`, for `cog login`."""

CONFIG_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class Program:
    """Replicate's cog on this machine. `version` is `dev` for one built from source."""

    path: str
    version: str


@dataclass(frozen=True, slots=True)
class LoginState:
    """Who is logged in to r8.im: `user` is "" for nobody, `helper` the program that keeps the token, if one does.

    `problem` is why that cannot be told.
    """

    user: str = ""
    helper: str = ""
    problem: Problem | None = None


class CogCli:
    """Replicate's cog as a child process. `env` is the whole environment it gets (None: ours)."""

    def __init__(self, program: str = "cog", env: Mapping[str, str] | None = None) -> None:
        self.program, self._env = program, env

    def environment(self) -> dict[str, str]:
        """What cog sees: ours, made quiet."""
        return {**(os.environ if self._env is None else self._env), **QUIET}

    async def find(self) -> Program:
        """Which cog it is; NotReady: `cog-missing`, `cog-other-program`, `cog-silent`."""
        env = self.environment()
        path = shutil.which(self.program, path=env.get("PATH"))
        if not path:
            raise failure(NOT_INSTALLED)
        done = await output([path, "--version"], PROBE, env=env)
        found = VERSION.search(done.stdout)
        if found:
            return Program(path, found[1])
        if done.ended == "late":
            raise NotReady("cog-silent", f"{path} --version did not answer", fix="try it by hand", detail=done.text)
        raise failure(stranger(path, done.text))

    async def build(
        self,
        folder: Path,
        tag: str,
        *,
        log: Path,
        inspect: Inspect,
        untag: Untag | None = None,
        dockerfile: str | None = None,
        limit: float = LIMIT,
    ) -> AsyncGenerator[BuildEvent, None]:
        """Build the model in `folder` as the image `tag`; see cog_build.build for what it yields and raises.

        `inspect` gives an image's labels, `untag` takes a name away (both are Docker's); `dockerfile` is relative to
        the folder. BadInput (`bad-tag`) for a name that docker refuses.
        """
        check_tag(tag)
        own = ("--dockerfile", dockerfile) if dockerfile else ()
        argv = (self.program, "build", "-t", tag, "--progress=plain", *own)
        work = build(Order(argv, folder, tag, log, self.environment(), limit), inspect, untag)
        try:
            async for event in work:
                yield event
        finally:
            await work.aclose()

    async def doctor(self, folder: Path) -> Doctor:
        """What cog doctor finds there; NotReady without a cog that knows it (0.19 and later)."""
        done = await output([self.program, "doctor"], DOCTOR, cwd=folder, env=self.environment())
        started(done)
        if "unknown command" in done.text:
            raise NotReady("cog-too-old", "this cog has no doctor", fix="nothing to do, or install a current cog")
        return doctor(done.text.splitlines(), done.code)

    async def login_state(self, config_dir: Path) -> LoginState:
        """Who is logged in to r8.im, by docker's configuration in this folder. No token is kept or shown."""
        try:
            config = await asyncio.to_thread(read_config, config_dir / "config.json")
        except ValueError as error:
            return LoginState(problem=config_broken(clean(str(config_dir / "config.json")), clean(str(error))))
        name = helper_name(config)
        if not name:
            return LoginState(file_user(config))
        program = f"docker-credential-{name}"
        env = self.environment()
        if not shutil.which(program, path=env.get("PATH")):
            return LoginState(helper=program, problem=helper_missing(name))
        done = await output([program, "list"], PROBE, env=env)
        return LoginState(listed_user(done), program)

    async def login(self, token: Secret, config_dir: Path) -> LoginState:
        """Log in to r8.im with a CLI token; NotReady in words. A broken configuration is refused before it is lost."""
        state = await self.login_state(config_dir)
        if state.problem:
            raise failure(state.problem)
        said, code = await self._login(token, config_dir)
        user = login_user(said)
        if code or not user:
            raise failure(login_problem(said, code))
        return LoginState(user, state.helper)

    async def _login(self, token: Secret, config_dir: Path) -> tuple[str, int]:
        """What cog login printed, without the token, and its exit code."""
        env = self.environment() | {"DOCKER_CONFIG": str(config_dir)}
        feed = token.reveal().strip().encode() + b"\n"
        done = await output([self.program, "login", "--token-stdin"], LOGIN, env=env, feed=feed)
        started(done)
        if done.ended == "late":
            raise NotReady(
                "login-late",
                f"Replicate's registry did not answer within {LOGIN:.0f} s",
                why="the token is checked there",
                fix="see that this machine reaches https://r8.im, then try again",
            )
        secret = token.reveal().strip()
        return (done.text.replace(secret, "<secret>") if secret else done.text), done.code


def started(done: Completed) -> None:
    """NotReady (`cog-missing`, `cog-refused`) when there was no program to run."""
    if done.ended == "missing":
        raise failure(NOT_INSTALLED)
    if done.ended == "refused":
        raise failure(Problem("cog-refused", f"cog cannot be started: {done.stderr}", "", Fix("install it anew")))


def read_config(path: Path) -> dict[str, Any]:
    """Docker's configuration, {} where there is none; ValueError says why it cannot be read."""
    try:
        if path.stat().st_size > CONFIG_BYTES:
            raise ValueError("it is too long")
        found = json.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        return {}
    except (OSError, RecursionError) as error:
        raise ValueError(str(error)) from None
    if not isinstance(found, dict):
        raise ValueError("it is no object")  # noqa: TRY004 - the same fault as other JSON that is no configuration
    return found


def helper_name(config: Mapping[str, Any]) -> str:
    """The credential helper for r8.im: its own, else the one for all; "" for none or a strange name."""
    helpers = config.get("credHelpers")
    own = helpers.get(REGISTRY) if isinstance(helpers, dict) else None
    name = own or config.get("credsStore") or ""
    return name if isinstance(name, str) and re.fullmatch(r"[\w.-]+", name) else ""


def file_user(config: Mapping[str, Any]) -> str:
    """The user in `auths`, kept as base64 of user:token; `?` where there is an entry without a readable name."""
    auths = config.get("auths")
    entry = auths.get(REGISTRY) if isinstance(auths, dict) else None
    if not isinstance(entry, dict) or not entry:
        return ""
    try:
        user = base64.b64decode(str(entry.get("auth", "")), validate=True).partition(b":")[0].decode()
    except (binascii.Error, UnicodeDecodeError):
        return "?"
    return clean(user) or "?"


def listed_user(done: Completed) -> str:
    """The user that a credential helper lists for r8.im; it prints servers and names, never a token."""
    try:
        known = json.loads(done.stdout) if done.ok else {}
    except (ValueError, RecursionError):
        return ""
    user = known.get(REGISTRY) if isinstance(known, dict) else None
    return str(user) if user else ""
