"""Chooses the world, the project and the face: the wizard in a terminal, or the same journey as lines of text."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arbius_tui.domain.errors import Failure
from arbius_tui.domain.journey import Journey
from arbius_tui.options import Options
from arbius_tui.services.store import ProjectStore, default_folder
from arbius_tui.settings import with_config
from arbius_tui.steps.crash import log_folder

if TYPE_CHECKING:
    from arbius_tui.headless import OpenServices
    from arbius_tui.plain.faces import Face
    from arbius_tui.services.ports import Services, Store

REHEARSAL = "rehearsal"
SLOW = ("pydantic", "httpx", "eth_utils", "eth_abi", "eth_keys", "eth_account")
"""What later steps need and takes a second to load, in pieces of a tenth of it."""
EMBEDDED = ("aiohttp", "web3")
"""What only the rehearsal's chain needs; a real one is asked without."""


@contextmanager
def project(options: Options, folder: Path, network: str, model_dir: str = "") -> Iterator[ProjectStore]:
    """The saved journey of this folder, held by this process alone."""
    name = options.project or folder.absolute().name or "model"
    with ProjectStore.open(default_folder(name), name, network, model_dir) as store:
        yield repaired(store)


def repaired(store: ProjectStore) -> ProjectStore:
    """The store, after a word on stderr about what had to be repaired."""
    if store.recovered:
        sys.stderr.write(f"{store.recovered}\n")
    return store


@contextmanager
def journey_of(options: Options, folder: Path) -> Iterator[ProjectStore]:
    """The journey that a command without a screen goes on with: the folder's own, or the rehearsal's."""
    if options.network == REHEARSAL:
        home, name, model = rehearsal_of(options, None)
        with ProjectStore.open(home, name, REHEARSAL, str(model)) as store:
            yield repaired(store)
    else:
        with project(options, folder, options.network) as store:
            yield store


def world_of(options: Options, store: Store, settings: Mapping[str, Any]) -> OpenServices:
    """The world of this journey's network."""
    if isinstance(store, ProjectStore) and store.load().network == REHEARSAL:
        return embedded_world(store, settings.get("endpoints", ()))
    lasting = isinstance(store, ProjectStore)
    return lambda journey: real_world(options, journey, {**settings, "lasting": lasting})


def real_world(
    options: Options, journey: Journey, settings: Mapping[str, Any]
) -> AbstractAsyncContextManager[Services]:
    """The services of a real network: the one that was named, else the journey's."""
    from platformdirs import user_data_path

    from arbius_tui.services.browser_wallet import remote_host
    from arbius_tui.services.containers import project_key
    from arbius_tui.services.world import Settings, open_world

    state = default_folder(journey.project)
    chosen = Settings(
        network=options.network or journey.network,
        rpc=options.rpc,
        engine=options.engine,
        chain_id=options.chain_id,
        out=Path.cwd(),
        project=project_key(journey.project, state),
        state=state,
        remote=remote_host(os.environ, os.environ.get("USER") or os.environ.get("LOGNAME") or "you"),
        # A browser from the snap store sees another /tmp than we do.
        pages=Path.home() if Path("/snap").is_dir() else None,
        **{**settings, **{key: settings.get(key) or getattr(options, key) for key in ("ipfs", "gateways", "remotes")}},
    )
    return open_world(chosen, user_data_path("arbius-tui", appauthor=False))


def embedded_world(store: ProjectStore, endpoints: tuple[str, ...]) -> OpenServices:
    """The services of the rehearsal, below the project's own folder."""

    def services(journey: Journey) -> AbstractAsyncContextManager[Services]:
        from arbius_tui.rehearsal.world import open_rehearsal

        return open_rehearsal(store.folder / REHEARSAL, endpoints)

    return services


def rehearsal_of(options: Options, folder: Path | None) -> tuple[Path, str, Path]:
    """The rehearsal's own folder, its project's name, and the model it walks with: the author's, or the example."""
    from arbius_tui.rehearsal.example import example_model

    model = folder.absolute() if folder else example_model()
    key = options.project or (f"{REHEARSAL}-{model.name}" if folder else REHEARSAL)
    return default_folder(key), options.project or (model.name if folder else "example"), model


def rehearse(options: Options, folder: Path | None, endpoints: tuple[str, ...], one_answer: bool = False) -> int:
    """The whole journey as lines of text; one that was finished starts over, one that was stopped goes on."""
    from arbius_tui.headless import answers_of, face_of, run
    from arbius_tui.plain import walk as walks

    face = face_of(options, one_answer)
    try:
        home, name, model = rehearsal_of(options, folder)
        with ProjectStore.open(home, name, REHEARSAL, str(model)) as store:
            if repaired(store).load().state("after") == "ok":
                forget(home)
        with ProjectStore.open(home, name, REHEARSAL, str(model)) as store:
            ask = answers_of(options, rehearsal=True)
            return run(store, embedded_world(store, endpoints), walks.everything, face, ask, "model_id")
    except Failure as failure:
        return refused(failure, face)


def refused(failure: Failure, face: Face) -> int:
    """The journey could not be opened; the exit code."""
    from arbius_tui.plain.faces import complain

    complain(face, failure.problem, failure.exit_code)
    return failure.exit_code


def forget(folder: Path) -> None:
    """Start a rehearsal over: nothing in it was worth anything."""
    shutil.rmtree(folder / REHEARSAL, ignore_errors=True)
    for name in ("state.json", "journal.jsonl"):
        (folder / name).unlink(missing_ok=True)


def wizard(options: Options, folder: Path | None, rehearsal: bool, endpoints: tuple[str, ...]) -> int:
    """The screens where there is a terminal for them, else the same journey as lines of text."""
    try:
        options = with_config(options)
    except Failure as failure:
        from arbius_tui.headless import face_of

        return refused(failure, face_of(options))
    rehearsal = rehearsal or options.network == REHEARSAL
    if not on_screen(options):
        return rehearse(options, folder, endpoints) if rehearsal else walk_through(options, folder, endpoints)
    try:
        if rehearsal:
            home, name, model = rehearsal_of(options, folder)
            with ProjectStore.open(home, name, REHEARSAL, str(model)) as store:
                return screens(options, store, embedded_world(store, endpoints))
        with project(options, folder or Path.cwd(), options.network, str(folder.absolute()) if folder else "") as store:
            return screens(options, store, lambda journey: real_world(options, journey, {"endpoints": endpoints}))
    except Failure as failure:
        from arbius_tui.headless import face_of

        return refused(failure, face_of(options))


def walk_through(options: Options, folder: Path | None, endpoints: tuple[str, ...]) -> int:
    """The real journey as lines of text, from where it stands."""
    from arbius_tui.headless import answers_of, face_of, run
    from arbius_tui.plain import walk as walks

    face = face_of(options)
    try:
        with project(options, folder or Path.cwd(), options.network, str(folder.absolute()) if folder else "") as store:
            ask = answers_of(options, rehearsal=False)
            return run(store, lambda j: real_world(options, j, {"endpoints": endpoints}), walks.everything, face, ask)
    except Failure as failure:
        return refused(failure, face)


def on_screen(options: Options) -> bool:
    """Whether there is a terminal that can hold screens, and a reader who wants them."""
    spoken = os.environ.get("ACCESSIBLE", "").lower() not in ("", "0", "false")
    if options.plain or options.json or options.no_input or spoken or os.environ.get("TERM") in ("dumb", ""):
        return False
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()


def screens(options: Options, store: ProjectStore, open_services: OpenServices) -> int:
    """Run the wizard; its exit code."""
    import asyncio
    import gc

    gc.disable()  # nothing that is imported on the way to the first frame is garbage; the app turns it on again
    if not os.environ.get("NO_COLOR"):
        os.environ.pop("NO_COLOR", None)  # Textual takes an empty one for set
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    os.environ.setdefault("TEXTUAL_FPS", "240")  # a key whose frame comes right after another waits 4 ms, not 17
    from arbius_tui.app import ArbiusApp
    from arbius_tui.steps.base import Walk

    journey = store.load()

    async def show() -> int:
        async with AsyncExitStack() as stack:

            async def open_walk() -> Walk:
                # The imports behind it take a tenth of a second, in which the first key is answered.
                world = await asyncio.to_thread(open_services, journey)
                return Walk(store, await stack.enter_async_context(world))

            slow = SLOW + EMBEDDED if journey.network == REHEARSAL else SLOW
            app = ArbiusApp(
                open_walk, journey, log_dir=log_folder(), prefetch=slow, palette=options.palette, keymap=options.keys
            )
            await app.run_async()
            return app.return_code or 0

    return asyncio.run(show())
