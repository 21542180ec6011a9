"""Publish: Replicate. What is known is shown; pushing is not built yet, and it says so."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from arbius_tui.domain.cog_words import TOKEN_PAGE
from arbius_tui.domain.errors import BadInput, Fix, Problem
from arbius_tui.domain.events import Done, Event, Found, Line, Trouble
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.questions import Ask, Question
from arbius_tui.domain.records import ModelRecord, RunRecord
from arbius_tui.domain.secret import Secret
from arbius_tui.services.ports import Services
from arbius_tui.services.tokens import PAGE
from arbius_tui.steps.base import Step
from arbius_tui.steps.model import Fact

NOT_BUILT = Problem(
    "not-built-yet",
    "pushing to Replicate from here is not built yet",
    "others try your model there; the template's meta.docker names the digest",
    Fix(
        "log in and push by hand, then put the digest it prints into meta.docker",
        "arbius-tui login && cog push r8.im/OWNER/NAME",
    ),
    severity="info",
)


class Publish(Step):
    """Say what would be published."""

    name = "publish"

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield what is known, then what this version cannot do yet."""
        model, run = journey.get(ModelRecord), journey.get(RunRecord)
        folder = model.folder if model else "no folder was given"
        image = run.image if run and run.image else "none known: a server was taken as it runs"
        yield Found(Fact("model", "model", "ok" if model else "wait", folder, "cog push builds it once more"))
        yield Found(
            Fact("image", "image", "ok" if run and run.image else "off", image, "its digest is what miners run")
        )
        yield Trouble(NOT_BUILT)
        yield Done(True, 0, {"image": run.image if run else "", "digest": None}, "off")


class Login(Publish):
    """Log in to Replicate's registry with a token that is asked for and never shown, then say what is known."""

    def __init__(self, token: Secret | None = None) -> None:
        self.token = token

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield who is logged in now; NotReady in words for every way in which cog refuses."""
        if services.builder is None:
            raise BadInput(
                "rehearsal-login",
                "the rehearsal logs in nowhere",
                why="nothing leaves this machine in it",
                fix="leave --network rehearsal out",
            )
        why = f"copy the CLI token from {TOKEN_PAGE}; cog gets it over a pipe and docker's configuration keeps it"
        token = self.token or await ask.secret(Question("replicate-token", "Replicate's CLI token", why))
        yield Line("asking Replicate's registry")
        user = await services.builder.login(token)
        yield Found(Fact("r8-login", "login", "ok", f"{user} at r8.im", "cog push and cog build speak to it as you"))
        async with aclosing(super().run(journey, services, ask)) as events:
            async for event in events:
                yield Done(True, 0, {"user": user}, event.state) if isinstance(event, Done) else event


class KeepApiToken(Step):
    """Keep Replicate's API token in the keyring, after Replicate has said whose it is."""

    name = "publish"

    def __init__(self, token: Secret | None = None) -> None:
        self.token = token

    async def run(self, journey: Journey, services: Services, ask: Ask) -> AsyncGenerator[Event, None]:
        """Yield whose it is and where it is kept; NotReady when Replicate refuses it or no keyring works."""
        if services.hosted is None:
            raise BadInput(
                "rehearsal-login",
                "the rehearsal logs in nowhere",
                why="nothing leaves this machine in it",
                fix="leave --network rehearsal out",
            )
        why = f"copy it from {PAGE}; the keyring keeps it for models that Replicate hosts, and only there it is"
        services.hosted.give(
            self.token or await ask.secret(Question("replicate-api-token", "Replicate's API token", why))
        )
        user = await services.hosted.account()
        where = await services.hosted.keep()
        yield Found(Fact("r8-api", "API token", "ok", f"{user}'s, in {where}", "hosted models are asked with it"))
        yield Done(True, 0, {"user": user, "kept_in": where}, journey.state(self.name))
