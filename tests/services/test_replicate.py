"""Replicate's hosted version as a server, against a double of its API: outputs, limits, refusals, cancellation."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from arbius_tui.domain.errors import Failure, NotReady
from arbius_tui.domain.secret import Secret
from arbius_tui.services import notes, replicate_http
from arbius_tui.services import replicate as module
from arbius_tui.services.replicate import ReplicatePredictions
from arbius_tui.services.replicate_http import pause_of
from arbius_tui.services.tokens import ReplicateToken
from tests.replicate_double import SCHEMA, TOKEN, VERSION, File, Replicate, replicate

URL = "replicate:owner/name"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 400


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL", (0.001, 0.01))


@asynccontextmanager
async def asked(
    model: Callable[[Mapping[str, Any]], Any], token: str = TOKEN, **more: Any
) -> AsyncIterator[tuple[ReplicatePredictions, Replicate]]:
    """The service, asking a double."""
    async with replicate(model, **more) as double:
        largest = more.pop("largest", module.LARGEST)
        async with ReplicatePredictions(ReplicateToken(Secret(token)), double.base, largest) as service:
            yield service, double


def picture(inputs: Mapping[str, Any]) -> Any:
    return File(PNG + str(inputs["seed"]).encode())


async def test_a_file_behind_a_link_is_hashed_and_named_as_miners_name_it(tmp_path: Path) -> None:
    async with asked(picture) as (service, double):
        found = await service.predict(URL, {"prompt": "a cat", "seed": 7}, folder=tmp_path)
    (output,) = found.outputs
    assert (output.filename, output.mime, output.bytes) == ("out-1.png", "image/png", len(PNG) + 1)
    assert output.sha256 == hashlib.sha256(PNG + b"7").hexdigest()
    assert Path(output.path).read_bytes() == PNG + b"7"
    assert [path.name for path in tmp_path.iterdir()] == ["out-1.png"]
    assert (found.shape, found.seconds) == ("string", 0.25)
    assert double.predictions["prediction0"]["input"] == {"prompt": "a cat", "seed": 7}
    created = double.headers[double.asked.index("POST /v1/predictions")]
    assert created["Cancel-After"] == "1500s"


async def test_lists_objects_data_and_text_are_all_outputs() -> None:
    data = "data:image/gif;base64," + base64.b64encode(b"GIF89a12").decode()
    async with asked(lambda i: {"b": [File(b"1"), File(b"2", "video/mp4")], "a": data, "n": 3}) as (service, _):
        found = await service.predict(URL, {})
    assert [o.filename for o in found.outputs] == ["out-1.gif", "out-2.png", "out-3.mp4", "out-4.json"]
    assert [o.sha256 for o in found.outputs[:3]] == [hashlib.sha256(d).hexdigest() for d in (b"GIF89a12", b"1", b"2")]


async def test_pieces_of_a_text_are_one_text() -> None:
    pieces = {"type": "array", "items": {"type": "string"}, "x-cog-array-display": "concatenate"}
    schemas = {**SCHEMA["components"]["schemas"], "Output": pieces}
    schema = {"components": {"schemas": schemas}}
    async with asked(lambda i: ["ca", "t"], schema=schema) as (service, _):
        found = await service.predict(URL, {})
    assert (found.shape, found.outputs[0].sha256) == ("text in 2 pieces", hashlib.sha256(b"cat").hexdigest())


async def test_a_link_to_somewhere_else_is_no_output_and_the_token_goes_nowhere_else() -> None:
    async with replicate(picture) as stranger:
        async with asked(lambda i: f"{stranger.base}/files/x") as (service, _):
            with pytest.raises(NotReady) as failure:
                await service.predict(URL, {})
        assert failure.value.problem.code == "output-broken"
        assert stranger.asked == []


@pytest.mark.parametrize("value", [None, "", [], File(b"")])
async def test_nothing_is_no_output(value: Any) -> None:
    async with asked(lambda i: value) as (service, _):
        with pytest.raises(NotReady) as failure:
            await service.predict(URL, {})
    assert failure.value.problem.code == "no-output"


async def test_the_version_tells_cog_inputs_and_perhaps_hardware() -> None:
    async with asked(picture, version={"hardware": "Nvidia A100 (80GB) GPU"}) as (service, double):
        health = await service.health(URL)
        assert (health.status, health.cog, health.since) == ("READY", "0.16.8", VERSION)
        assert await service.hardware(URL) == "Nvidia A100 (80GB) GPU"
        assert await service.schema(URL) == SCHEMA
        assert [h.status async for h in service.wait_ready(URL, 1)] == ["READY"]
        assert double.asked == ["GET /v1/models/owner/name"], "looked up once, so that all cases run on one version"
        assert (await service.health(f"{URL}:{VERSION}")).since == VERSION
        assert await service.account() == "somebody"


async def test_a_rate_limit_is_waited_for_as_it_asks_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    real = asyncio.sleep

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await real(0)

    monkeypatch.setattr(replicate_http.asyncio, "sleep", sleep)
    refusals = [({"detail": "Request was throttled.", "status": 429, "retry_after": 8}, {}), ("", {"Retry-After": "3"})]

    def refuse(what: str) -> Any:
        return (429, *refusals.pop(0)) if what == "POST /v1/predictions" and refusals else None

    said: list[str] = []
    async with asked(picture, refuse=refuse) as (service, double):
        with notes.heard(said.append):
            assert (await service.predict(URL, {"seed": 1})).outputs
    assert [s for s in slept if s >= 1] == [8, 3]
    assert said == [f"Replicate's rate limit: waiting {n} s, as it asks" for n in (8, 3)]
    assert len(double.predictions) == 1


async def test_a_rate_limit_that_stays_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replicate_http, "PATIENCE", 0.5)

    def refuse(what: str) -> Any:
        return (429, {"detail": "throttled", "retry_after": 1}, {}) if what.startswith("POST") else None

    async with asked(picture, refuse=refuse) as (service, _):
        with pytest.raises(NotReady) as failure:
            await service.predict(URL, {})
    assert failure.value.problem.code == "replicate-limit"


@pytest.mark.parametrize(
    ("header", "reply", "seconds"),
    [("7", None, 7), (None, {"retry_after": 2.5}, 2.5), ("x", {"retry_after": "1"}, 1), (None, None, 5),
     ("nan", {"retry_after": -1}, 5), ("99999", None, 120), (None, [], 5)],
)  # fmt: skip
def test_how_long_a_429_wants_to_wait(header: str | None, reply: Any, seconds: float) -> None:
    assert pause_of(header, reply) == seconds


REFUSED: list[tuple[int, Any, str, int, str]] = [
    (401, {"detail": "bad token"}, "replicate-token", 3, "refuses the API token"),
    (402, {"title": "Insufficient credit", "detail": "Add credit"}, "replicate-payment", 3, "credit"),
    (403, {"detail": "no"}, "replicate-forbidden", 3, "owner/name"),
    (404, {"detail": "not found"}, "replicate-not-found", 3, "owner/name"),
    (422, {"detail": "- input.width: Must be less than 10",
           "invalid_fields": [{"type": "number_lte", "field": "input.width", "description": "Must be at most 10"}]},
     "input-refused", 2, "width: Must be at most 10"),
    (422, {"title": "Invalid version or not permitted", "detail": "The version does not exist"}, "input-refused", 2,
     "Invalid version"),
    (500, "<html>oops</html>", "replicate-broken", 3, "HTTP 500"),
    (503, "", "replicate-broken", 3, "HTTP 503"),
    (200, "<html>captive portal</html>", "replicate-strange", 3, "JSON"),
    (302, "", "replicate-strange", 3, "HTTP 302"),
    (201, {"id": "../../account"}, "replicate-strange", 3, "without an id"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "code", "exits", "words"), REFUSED)
async def test_each_refusal_has_words_and_a_way_out(status: int, body: Any, code: str, exits: int, words: str) -> None:
    def refuse(what: str) -> Any:
        return (status, body, {}) if what == "POST /v1/predictions" else None

    async with asked(picture, refuse=refuse) as (service, _):
        with pytest.raises(Failure) as failure:
            await service.predict(URL, {"seed": 1})
    problem = failure.value.problem
    assert (problem.code, failure.value.exit_code) == (code, exits)
    assert words in problem.what
    assert problem.fix
    assert problem.why
    assert TOKEN not in repr(problem)


async def test_a_wrong_token_is_said_at_the_first_look() -> None:
    async with asked(picture, token="r8_another_token_that_nobody_knows") as (service, _):
        with pytest.raises(NotReady) as failure:
            await service.health(URL)
    assert failure.value.problem.code == "replicate-token"
    assert "login --api" in str(failure.value.problem.fix)


async def test_a_model_without_a_version_cannot_run() -> None:
    async with asked(picture, version=None) as (service, _):
        with pytest.raises(NotReady) as failure:
            await service.health(URL)
    assert failure.value.problem.code == "replicate-no-version"


async def test_a_failed_prediction_has_the_models_own_words() -> None:
    def fails(inputs: Mapping[str, Any]) -> Any:
        raise ValueError("Seed must be between 0 and 2**32 - 1")

    async with asked(fails) as (service, _):
        with pytest.raises(NotReady) as failure:
            await service.predict(URL, {})
    assert failure.value.problem.code == "model-failed"
    assert "2**32 - 1" in failure.value.problem.what


async def test_a_prediction_that_somebody_cancels_is_no_output() -> None:
    async with asked(picture, looks=-1) as (service, double):
        running = asyncio.ensure_future(service.predict(URL, {}))
        await double.created.wait()
        double.predictions["prediction0"]["status"] = "canceled"
        with pytest.raises(NotReady) as failure:
            await running
    assert "cancelled" in failure.value.problem.what


async def test_a_prediction_that_takes_too_long_is_cancelled_there() -> None:
    async with asked(picture, looks=-1) as (service, double):
        with pytest.raises(NotReady) as failure:
            await service.predict(URL, {}, limit=0.05)
        assert double.canceled == ["prediction0"]
    assert failure.value.problem.code == "timeout"


async def test_a_prediction_that_nobody_waits_for_is_cancelled_there() -> None:
    async with asked(picture, looks=-1) as (service, double):
        running = asyncio.ensure_future(service.predict(URL, {}))
        await double.looked.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert double.canceled == ["prediction0"]


async def test_a_prediction_that_is_made_while_it_is_given_up_is_cancelled_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with asked(picture, looks=-1) as (service, double):
        await service.health(URL)
        running = asyncio.ensure_future(service.predict(URL, {}))
        made = double.create

        def create(body: Mapping[str, Any]) -> dict[str, Any]:
            running.cancel()
            return made(body)

        monkeypatch.setattr(double, "create", create)
        with pytest.raises(asyncio.CancelledError):
            await running
        assert double.canceled == ["prediction0"]


async def test_hiccups_while_looking_cost_nothing() -> None:
    left = [503, 502, 500]

    def refuse(what: str) -> Any:
        return (left.pop(), "", {}) if what == "GET /v1/predictions/prediction0" and left else None

    async with asked(picture, refuse=refuse) as (service, double):
        assert (await service.predict(URL, {"seed": 1})).outputs
    assert not left
    assert len(double.predictions) == 1


async def test_a_file_that_is_gone_or_too_big_is_no_output() -> None:
    def refuse(what: str) -> Any:
        return (404, "", {}) if what.startswith("GET /files/") else None

    async with asked(picture, refuse=refuse) as (service, _):
        with pytest.raises(NotReady) as failure:
            await service.predict(URL, {"seed": 1})
        assert failure.value.problem.code == "output-broken"
    async with asked(picture) as (service, _):
        service.largest = 5000
        with pytest.raises(NotReady) as failure:
            await service.predict(URL, {"seed": 1})
        assert failure.value.problem.code == "output-too-big"


async def test_nobody_at_the_other_end() -> None:
    async with ReplicatePredictions(ReplicateToken(Secret(TOKEN)), "http://127.0.0.1:9") as service:
        with pytest.raises(NotReady) as failure:
            await service.health(URL)
    assert failure.value.problem.code == "replicate-unreachable"
