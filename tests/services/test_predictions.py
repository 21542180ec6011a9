"""Cog's HTTP server in three generations, and everything that is none: a hash, or a failure in words."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from arbius_tui.domain.errors import BadInput, Failure, NotReady
from arbius_tui.rehearsal.example import example_model
from arbius_tui.rehearsal.server import LocalServers
from arbius_tui.services import predictions as module
from arbius_tui.services.notes import heard
from arbius_tui.services.ports import Health
from arbius_tui.services.predictions import CogPredictions
from arbius_tui.services.servers import free_port
from tests import parts
from tests.loopback import listening

MODELS = Path(__file__).parents[1] / "models"
EXAMPLE_1337 = "6873fbec12b09d82bf90e7f587d0a534e0b1814279eb21ce630acebbd407c0f1"
EXAMPLE_LARGEST = "3626eaa66f33927ce20a71c5892360ebab611db5d71cb9f84d28b24dc19da137"
"""Of the example model, prompt "arbius test cat", seeds 1337 and 2^53 - 17; the same on every generation of Cog."""


def python_of(generation: str) -> str:
    """The interpreter that has this generation of Cog."""
    if generation == "0.23":
        return sys.executable
    return parts.need("cog-old" if generation == "0.9" else "cog-mid")


GENERATIONS = pytest.mark.parametrize("generation", ["0.23", "0.16", "0.9"])


@asynccontextmanager
async def model(folder: str | Path, state: Path, generation: str = "0.23") -> AsyncIterator[tuple[str, CogPredictions]]:
    """A model on a real server that has begun to listen."""
    servers = LocalServers(state, python_of(generation))
    async with AsyncExitStack() as stack:
        stack.push_async_callback(servers.aclose)
        server = await servers.start(MODELS / folder)
        yield server.url, await stack.enter_async_context(CogPredictions())


@asynccontextmanager
async def ready(folder: str | Path, state: Path, generation: str = "0.23") -> AsyncIterator[tuple[str, CogPredictions]]:
    """A model that is ready."""
    async with model(folder, state, generation) as (url, predictions):
        async for _ in predictions.wait_ready(url, 60):
            pass
        yield url, predictions


def code(failure: pytest.ExceptionInfo[Failure]) -> str:
    return failure.value.problem.code


# The real servers


@GENERATIONS
async def test_the_example_model_gives_the_same_bytes_on_every_generation(generation: str, tmp_path: Path) -> None:
    async with ready(example_model(), tmp_path, generation) as (url, predictions):
        inputs = {"prompt": "arbius test cat"}
        found = await predictions.predict(url, {**inputs, "seed": 1337})
        again = await predictions.predict(url, {**inputs, "seed": 1337})
        largest = await predictions.predict(url, {**inputs, "seed": 2**53 - 17})
        document = await predictions.schema(url)
    (output,) = found.outputs
    assert (output.filename, output.mime, output.sha256) == ("out-1.png", "image/png", EXAMPLE_1337)
    assert output.head.startswith(b"\x89PNG\r\n\x1a\n")
    assert again.outputs == found.outputs
    assert largest.outputs[0].sha256 == EXAMPLE_LARGEST
    assert found.shape == "list of 1"
    assert "Using seed: 1337" in found.logs
    assert list(document["components"]["schemas"]["Input"]["required"]) == ["prompt"]


def slow_model(folder: Path) -> Path:
    """A model whose setup does not end as soon as it has printed: coglet forgets words that late."""
    folder.mkdir()
    (folder / "cog.yaml").write_text('build:\n  python_version: "3.11"\npredict: "predict.py:Predictor"\n')
    (folder / "predict.py").write_text(
        "import time\nfrom cog import BasePredictor\n\n\nclass Predictor(BasePredictor):\n"
        '    def setup(self):\n        print("\\x1b[1mno weights to load", flush=True)\n        time.sleep(0.5)\n\n'
        "    def predict(self, x: int = 1) -> str:\n        return str(x)\n"
    )
    return folder


@GENERATIONS
async def test_health_goes_from_starting_to_ready(generation: str, tmp_path: Path) -> None:
    async with model(slow_model(tmp_path / "slow"), tmp_path, generation) as (url, predictions):
        seen = [health async for health in predictions.wait_ready(url, 60)]
    assert [health.status for health in seen[:-1]] == ["STARTING"] * (len(seen) - 1)
    assert seen[-1].status == "READY"
    assert "no weights to load" in seen[-1].logs
    assert "\x1b" not in seen[-1].logs
    assert seen[-1].cog == {"0.23": "0.23.1", "0.16": "0.16.12", "0.9": ""}[generation]


async def test_four_hundred_predictions_in_a_row_meet_no_spurious_refusal(tmp_path: Path) -> None:
    said: list[str] = []
    async with ready("text", tmp_path) as (url, predictions):
        with heard(said.append):
            for seed in range(400):
                assert (await predictions.predict(url, {"prompt": "p", "seed": seed})).shape == "text"
    assert said == []


async def test_a_busy_server_is_waited_for(tmp_path: Path) -> None:
    async with ready("crash", tmp_path) as (url, predictions):
        found = await asyncio.gather(
            *(predictions.predict(url, {"mode": "ok", "secs": 0.5, "seed": n}) for n in range(3))
        )
    assert [prediction.outputs[0].filename for prediction in found] == ["out-1.txt"] * 3


@pytest.mark.parametrize("generation", ["0.23", "0.16"])
async def test_there_is_one_word_about_a_server_that_is_really_busy(
    generation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SPURIOUS", 0.2)
    said: list[str] = []
    async with ready("crash", tmp_path, generation) as (url, predictions):
        at_work = asyncio.create_task(predictions.predict(url, {"mode": "ok", "secs": 4, "seed": 1}))
        while (await predictions.health(url)).status != "BUSY":
            assert not at_work.done()
        with heard(said.append):
            found = await predictions.predict(url, {"mode": "ok", "secs": 0, "seed": 2})
        assert found.outputs
        assert (await at_work).outputs
    assert said == [f"{url} is waited for: busy with a prediction"]


@GENERATIONS
async def test_a_model_that_raises_has_no_output_and_its_own_words(generation: str, tmp_path: Path) -> None:
    async with ready("crash", tmp_path, generation) as (url, predictions):
        with pytest.raises(NotReady, match="model says no") as failure:
            await predictions.predict(url, {"mode": "raise", "secs": 0, "seed": 1})
        assert code(failure) == "model-failed"
        assert failure.value.problem.what.count("Prediction failed") == 0
        with pytest.raises(NotReady) as failure:
            await predictions.predict(url, {"mode": "none", "secs": 0, "seed": 1})
        assert code(failure) == "no-output"
        assert (await predictions.predict(url, {"mode": "ok", "secs": 0, "seed": 1})).outputs


@pytest.mark.parametrize(
    ("generation", "codes"),
    [
        ("0.23", {"model-crashed"}),
        ("0.16", {"server-error", "endpoint-lost"}),
        ("0.9", {"server-error", "endpoint-lost"}),
    ],
)
async def test_a_model_whose_process_dies_is_a_failure(generation: str, codes: set[str], tmp_path: Path) -> None:
    async with ready("crash", tmp_path, generation) as (url, predictions):
        with pytest.raises(NotReady) as failure:
            await predictions.predict(url, {"mode": "osexit", "secs": 0, "seed": 1}, 60)
        assert code(failure) in codes
        with pytest.raises(NotReady) as failure:
            await predictions.predict(url, {"mode": "ok", "secs": 0, "seed": 1}, 60)
        assert code(failure) in codes | {"server-broken", "endpoint-unreachable"}


@GENERATIONS
async def test_a_refused_input_names_its_field(generation: str, tmp_path: Path) -> None:
    async with ready(example_model(), tmp_path, generation) as (url, predictions):
        with pytest.raises(BadInput, match="width: ") as failure:
            await predictions.predict(url, {"prompt": "x", "seed": 1, "width": 65})
        assert code(failure) == "input-refused"
        with pytest.raises(BadInput, match=r"prompt: [Ff]ield required"):
            await predictions.predict(url, {"seed": 1})


@GENERATIONS
async def test_an_object_is_read_in_one_order_on_every_generation(generation: str, tmp_path: Path) -> None:
    async with ready("dict", tmp_path, generation) as (url, predictions):
        found = await predictions.predict(url, {"seed": 7})
    image, rest = found.outputs
    assert (image.filename, image.sha256) == ("out-1.png", hashlib.sha256(b"\x89PNG\x07").hexdigest())
    assert rest.head == b'{"caption":"hi","image":"out-1.png","score":0.5}'
    assert found.shape == "object of 3"


@GENERATIONS
async def test_tokens_are_one_text_on_every_generation(generation: str, tmp_path: Path) -> None:
    async with ready("iter", tmp_path, generation) as (url, predictions):
        found = await predictions.predict(url, {"n": 3, "delay": 0, "seed": 0})
    assert found.outputs[0].head == b"tok0 tok1 tok2 "
    assert found.shape == "text in 3 pieces"


@GENERATIONS
async def test_every_media_type_is_decoded_on_every_generation(generation: str, tmp_path: Path) -> None:
    async with ready("mimes", tmp_path, generation) as (url, predictions):
        found = await predictions.predict(url, {"exts": "png,jpg,wav,mp4,none,svg,webp"})
    assert {output.sha256 for output in found.outputs} == {hashlib.sha256(b"x").hexdigest()}
    names = [output.filename for output in found.outputs]
    assert names == ["out-1.png", "out-2.jpg", "out-3.wav", "out-4.mp4", "out-5.bin", "out-6.svg", "out-7.webp"]


async def test_a_big_output_is_hashed_as_it_comes(tmp_path: Path) -> None:
    import random

    wanted, source = hashlib.sha256(), random.Random(3)
    for _ in range(20):
        wanted.update(source.randbytes(1024 * 1024))
    async with ready("big", tmp_path) as (url, predictions):
        (output,) = (await predictions.predict(url, {"mb": 20, "seed": 3, "ext": "mp4"})).outputs
        assert (output.bytes, output.sha256) == (20 * 1024 * 1024, wanted.hexdigest())
        predictions.largest = 1024 * 1024
        with pytest.raises(NotReady) as failure:
            await predictions.predict(url, {"mb": 20, "seed": 3, "ext": "mp4"})
        assert code(failure) == "output-too-big"


async def test_outputs_that_cannot_be_written_are_a_failure_and_not_a_crash(tmp_path: Path) -> None:
    async with ready("text", tmp_path / "state") as (url, predictions):
        with pytest.raises(NotReady) as failure:
            await predictions.predict(url, {"prompt": "x"}, folder=tmp_path / "not there")
    assert code(failure) == "cannot-write"
    async with ready("big", tmp_path / "other") as (url, predictions):
        with pytest.raises(NotReady) as failure:
            await predictions.predict(url, {"mb": 1}, folder=tmp_path / "not there")
        assert code(failure) == "cannot-write"
        (output,) = (await predictions.predict(url, {"mb": 1})).outputs
        assert output.path == ""


@GENERATIONS
async def test_a_setup_that_fails_ends_the_wait(
    generation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SILENCE", 0.5)
    async with model("setupfail", tmp_path, generation) as (url, predictions):
        with pytest.raises(NotReady) as failure:
            [_ async for _ in predictions.wait_ready(url, 60)]
    assert code(failure) in {"setup-failed", "endpoint-lost"}
    if generation == "0.23":
        assert "weights not found" in failure.value.problem.detail


async def test_a_prediction_that_takes_too_long_is_a_timeout(tmp_path: Path) -> None:
    async with ready("crash", tmp_path) as (url, predictions):
        with pytest.raises(NotReady) as failure:
            await predictions.predict(url, {"mode": "ok", "secs": 30, "seed": 1}, limit=0.5)
        assert code(failure) == "timeout"
        assert (await predictions.predict(url, {"mode": "ok", "secs": 0, "seed": 1}, limit=30)).outputs


async def test_cancelling_frees_a_new_server(tmp_path: Path) -> None:
    async with ready("crash", tmp_path) as (url, predictions):
        running = asyncio.create_task(predictions.predict(url, {"mode": "ok", "secs": 60, "seed": 1}))
        for _ in range(1000):
            if (await predictions.health(url)).status == "BUSY":
                break
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert (await predictions.predict(url, {"mode": "ok", "secs": 0, "seed": 1}, limit=30)).outputs


async def test_a_server_without_a_schema_says_so(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    for name in ("cog.yaml", "predict.py"):
        (tmp_path / "model" / name).write_bytes((MODELS / "text" / name).read_bytes())
    async with ready(tmp_path / "model", tmp_path / "state") as (url, predictions):
        with pytest.raises(NotReady) as failure:
            await predictions.schema(url)
        assert code(failure) == "no-schema"


# What is no Cog server, or a broken one


class Script:
    """A loopback server that answers each request with the next reply; the last one stays."""

    def __init__(self, *answers: bytes) -> None:
        self.answers, self.asked = list(answers), list[tuple[str, dict[str, str], bytes]]()
        self.url = ""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.asked.append((head.partition(" HTTP")[0], headers, body))
        writer.write(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])
        await writer.drain()


def answer(status: int, body: bytes, announced: int | None = None, mime: str = "application/json") -> bytes:
    size = len(body) if announced is None else announced
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {mime}\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


def done(output: object, **more: object) -> bytes:
    return answer(200, json.dumps({"status": "succeeded", "output": output, **more}).encode())


@asynccontextmanager
async def scripted(*answers: bytes) -> AsyncIterator[tuple[Script, CogPredictions]]:
    script = Script(*answers)
    async with listening(script.handle) as address, CogPredictions() as predictions:
        script.url = f"http://{address}"
        yield script, predictions


PNG = "data:image/png;base64," + base64.b64encode(b"\x89PNG").decode()


@pytest.mark.parametrize(
    ("reply", "wanted"),
    [
        (answer(200, b'{"status":"failed","error":"boom","output":null}'), "model-failed"),
        (answer(200, b'{"status":"failed","output":"' + PNG.encode() + b'"}'), "model-failed"),
        (answer(200, b'{"status":"failed"}'), "model-failed"),
        (answer(200, b'{"status":"canceled"}'), "model-failed"),
        (answer(200, b'{"status":"failed","error":"Worker crashed"}'), "model-crashed"),
        (done(None), "no-output"),
        (done([]), "no-output"),
        (done({}), "no-output"),
        (done(""), "no-output"),
        (answer(200, b'{"status":"succeeded"}'), "no-output"),
        (done("data:image/png;base64,@@@@"), "output-broken"),
        (done("data:image/png;base64,iVBORw0KGgo"), "output-broken"),
        (done([PNG, "https://replicate.delivery/x.png"]), "output-broken"),
        (answer(200, b'{"status":"succeeded","output":"data:image/png;base64,iVBORw0KGgo'), "output-broken"),
        (answer(200, b'{"status":"succeeded","output":"' + PNG.encode() + b'"'), "output-broken"),
        (answer(200, b'{"status":"succeeded","output":"' + PNG.encode() + b'"}', 5000), "endpoint-lost"),
        (answer(200, b""), "not-a-cog-server"),
        (answer(200, b"<html>proxy</html>", mime="text/html"), "not-a-cog-server"),
        (answer(200, b'<html><a href="/login">sign in</a></html>', mime="text/html"), "not-a-cog-server"),
        (answer(200, b"[]"), "not-a-cog-server"),
        (answer(200, b"{}"), "not-a-cog-server"),
        (answer(200, b'{"output":"' + PNG.encode() + b'"}'), "not-a-cog-server"),
        (answer(200, b'{"status":7,"output":"' + PNG.encode() + b'"}'), "not-a-cog-server"),
        (answer(202, b'{"id":"x","status":"starting"}'), "not-a-cog-server"),
        (answer(302, b""), "not-a-cog-server"),
        (answer(404, b""), "not-a-cog-server"),
        (answer(405, b'{"detail":"Method Not Allowed"}'), "not-a-cog-server"),
        (answer(422, b'{"detail":[{"loc":["body","input","seed"],"msg":"x","type":"y"}]}'), "input-refused"),
        (answer(422, b'{"detail":"odd"}'), "input-refused"),
        (answer(422, b'{"detail":[1,{"loc":5}]}'), "input-refused"),
        (answer(400, b"expected value", mime="text/plain"), "input-refused"),
        (answer(401, b""), "not-allowed"),
        (answer(500, b"Internal Server Error", mime="text/plain"), "server-error"),
        (answer(500, b'{"detail":"1 validation error"}'), "server-error"),
        (answer(502, b"<html>bad gateway</html>", mime="text/html"), "server-error"),
        (answer(503, b"{}"), "not-ready"),
        (answer(200, b"", 10**13), "output-too-big"),
        (b"", "endpoint-lost"),
        (b"HTTP/1.1 200 OK\r\n", "endpoint-lost"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "endpoint-lost"),
    ],
)
async def test_a_failure_has_its_code_and_never_a_hash(reply: bytes, wanted: str) -> None:
    async with scripted(reply) as (script, predictions):
        with pytest.raises(Failure) as failure:
            await predictions.predict(script.url, {"prompt": "x", "seed": 1}, limit=20)
    problem = failure.value.problem
    assert problem.code == wanted
    assert problem.what
    assert not re.search(r"[0-9a-f]{64}", " ".join((problem.what, problem.why, problem.detail)))


async def test_the_request_is_what_every_generation_takes() -> None:
    async with scripted(done(PNG)) as (script, predictions):
        await predictions.predict(script.url + "/", {"prompt": "é", "seed": 2**53 - 17})
    ((line, headers, body),) = script.asked
    assert line == "POST /predictions"
    assert headers["content-type"] == "application/json"
    assert json.loads(body) == {"input": {"prompt": "é", "seed": 9007199254740975}}
    assert b"9007199254740975" in body


async def test_a_spurious_refusal_is_asked_again() -> None:
    busy = answer(409, b'{"error":"At capacity - all prediction slots busy","status":"failed"}')
    async with scripted(busy, busy, busy, done(PNG)) as (script, predictions):
        assert (await predictions.predict(script.url, {"seed": 1})).outputs
    assert len(script.asked) == 4


async def test_a_server_that_is_busy_for_ever_is_a_timeout() -> None:
    async with scripted(answer(409, b'{"detail":"Already running a prediction"}')) as (script, predictions):
        with pytest.raises(NotReady) as failure:
            await predictions.predict(script.url, {"seed": 1}, limit=0.4)
    assert code(failure) == "timeout"


async def test_words_of_the_model_cannot_steer_the_terminal() -> None:
    async with scripted(answer(200, b'{"status":"failed","error":"\\u001b[2Jred","logs":"a\\u001b]0;x\\u0007b"}')) as (
        script,
        predictions,
    ):
        with pytest.raises(NotReady) as failure:
            await predictions.predict(script.url, {"seed": 1})
    assert failure.value.problem.what == "the model failed: red"
    assert failure.value.problem.detail == "red\nab"


async def test_a_list_of_texts_is_no_text_in_pieces_when_the_schema_says_so() -> None:
    listed = {"components": {"schemas": {"Output": {"type": "array", "items": {"type": "string"}}}}}
    async with scripted(done(["a", "b"]), answer(200, json.dumps(listed).encode())) as (script, predictions):
        found = await predictions.predict(script.url, {"seed": 1})
    assert [output.filename for output in found.outputs] == ["out-1.txt", "out-2.txt"]
    assert found.shape == "list of 2"


@pytest.mark.parametrize(
    ("reply", "wanted"),
    [
        (answer(200, b"<html>"), "not-a-cog-server"),
        (answer(200, b'{"status":"fine"}'), "not-a-cog-server"),
        (answer(404, b""), "not-a-cog-server"),
        (answer(500, b""), "server-error"),
        (answer(200, b"", 10**10), "output-too-big"),
        (answer(200, b"[" * 200_000), "not-a-cog-server"),
        (answer(200, b'{"a":' * 200_000), "not-a-cog-server"),
        (b"", "endpoint-lost"),
    ],
)
async def test_health_of_what_is_no_cog_server(reply: bytes, wanted: str) -> None:
    async with scripted(reply) as (script, predictions):
        with pytest.raises(NotReady) as failure:
            await predictions.health(script.url)
    assert code(failure) == wanted


@pytest.mark.parametrize(
    "reply", [b'{"status":"READY","setup":null,"version":7}', b'{"status":"READY","setup":{"logs":5}}']
)
async def test_health_without_the_usual_keys_is_still_health(reply: bytes) -> None:
    async with scripted(answer(200, reply)) as (script, predictions):
        assert await predictions.health(script.url) == Health("READY")


async def test_nothing_there_is_waited_for_and_then_said() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    async with CogPredictions() as predictions:
        with pytest.raises(NotReady) as failure:
            [_ async for _ in predictions.wait_ready(url, 0.3)]
        assert code(failure) == "endpoint-unreachable"
        with pytest.raises(NotReady) as failure:
            await predictions.predict(url, {"seed": 1})
        assert code(failure) == "endpoint-unreachable"


async def test_a_server_that_never_becomes_ready_is_given_up() -> None:
    async with scripted(answer(200, b'{"status":"STARTING","setup":{"logs":"loading"}}')) as (script, predictions):
        with pytest.raises(NotReady, match="being set up") as failure:
            [_ async for _ in predictions.wait_ready(script.url, 0.3)]
    assert (code(failure), failure.value.problem.detail) == ("timeout", "loading")


async def test_each_change_of_health_comes_once() -> None:
    starting, more = b'{"status":"STARTING","setup":{}}', b'{"status":"STARTING","setup":{"logs":"1"}}'
    steps = [starting, starting, more, more, b'{"status":"READY","version":{"coglet":"0.23.1"}}']
    async with scripted(*(answer(200, step) for step in steps)) as (script, predictions):
        seen = [health async for health in predictions.wait_ready(script.url, 20)]
    assert seen == [Health("STARTING"), Health("STARTING", "1"), Health("READY", "", "0.23.1")]


async def test_a_server_that_ends_while_it_is_set_up_is_given_up_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SILENCE", 0.2)
    script = Script(answer(200, b'{"status":"STARTING","setup":{"logs":"loading"}}'))
    async with CogPredictions() as predictions:
        async with listening(script.handle) as address:
            waiting = predictions.wait_ready(f"http://{address}", 60)
            await anext(waiting)
        with pytest.raises(NotReady) as failure:
            await anext(waiting)
    assert code(failure) == "endpoint-lost"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:5000",
        "ftp://127.0.0.1",
        "http://",
        "http://127.0.0.1:99999999",
        "http://[::",
        "http://xn--a",
        "http://\0",
    ],
)
async def test_what_is_no_url_is_refused_in_words(url: str) -> None:
    async with CogPredictions() as predictions:
        with pytest.raises(Failure) as failure:
            await predictions.health(url)
    assert code(failure) == "bad-endpoint"


async def test_a_password_in_a_url_is_never_shown() -> None:
    async with CogPredictions() as predictions:
        with pytest.raises(Failure) as failure:
            await predictions.predict(f"http://me:hunter2@127.0.0.1:{free_port()}", {"seed": 1})
    assert "hunter2" not in repr(failure.value.problem)


def test_httpx_is_not_loaded_before_it_is_used() -> None:
    import subprocess

    argv = [
        sys.executable,
        "-c",
        "import sys, arbius_tui.services.predictions as p; p.CogPredictions(); sys.exit('httpx' in sys.modules)",
    ]
    assert subprocess.run(argv, check=False).returncode == 0
