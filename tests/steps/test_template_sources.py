"""Where a template can come from: every source, to the byte, and each that gives nothing in words."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from arbius_tui.domain import cid, images
from arbius_tui.domain.errors import NotReady
from arbius_tui.domain.events import Done, Event, Found, Line, Trouble
from arbius_tui.domain.journey import Journey
from arbius_tui.domain.questions import Choice
from arbius_tui.domain.records import RegisterRecord, RunRecord, SeedTestRecord, TemplateRecord
from arbius_tui.rehearsal.example import example_model
from arbius_tui.services.memory_store import MemoryStore
from arbius_tui.services.ports import Check, Services
from arbius_tui.services.world import Settings, open_world
from arbius_tui.steps import template_meta
from arbius_tui.steps.base import Step, Walk
from arbius_tui.steps.model import Fact
from arbius_tui.steps.template_file import DraftFile, source_of
from arbius_tui.steps.template_meta import About
from arbius_tui.steps.template_taken import Source
from tests import parts
from tests.real.images import TestImages
from tests.services.test_predictions import GENERATIONS, ready
from tests.services.test_repository import cloned, git
from tests.steps.conftest import Author, collect, end

__all__ = ["cloned"]
SCHEMAS = Path(__file__).parents[1] / "fixtures" / "schemas"
PRETTY = b'{\n  "meta": {"title": "T"},\n  "input": [ ],\n  "output": []\n}'
"""A template as its author spelt it, without a final newline."""


EXAMPLE = ["prompt", "width", "height", "num_inference_steps", "guidance_scale", "scheduler"]
"""The inputs of the example model that a template can have."""


def alone(services: Services) -> Walk:
    """A walk of a command that knows no journey."""
    return Walk(MemoryStore(Journey("model", "rehearsal")), services)


async def drafted(services: Services, source: Source, out: Path | None, **answers: str) -> tuple[list[Event], Done]:
    events = await collect(alone(services), "template", Author(**answers), DraftFile(out, source))
    return events, end(events)


def codes(events: list[Event]) -> set[str]:
    return {event.problem.code for event in events if isinstance(event, Trouble)}


def facts(events: list[Event]) -> dict[str, Fact]:
    return {e.item.id: e.item for e in events if isinstance(e, Found) and isinstance(e.item, Fact)}


def rows(done: Done) -> list[str]:
    return [row["variable"] for row in done.result["template"]["input"]]


# The step asks


async def test_the_step_asks_where_the_template_shall_come_from(walk: Walk) -> None:
    assert end(await collect(walk, "run")).ok
    author = Author()
    done = end(await collect(walk, "template", author))
    assert done.ok
    question = next(q for q in author.asked if q.id == "template-source")
    assert isinstance(question, Choice)
    kinds = [value for value, _ in question.options]
    assert kinds == ["server", "folder", "file", "checkout", "model-id"]
    assert question.default == "server"
    assert done.result["counts"]["mapped"] == len(done.result["mapped"]) == 6
    record = walk.journey.get(TemplateRecord)
    assert record is not None
    assert record.source.startswith("the server at http://127.0.0.1:")
    again = Author()
    assert end(await collect(walk, "template", again)).ok
    assert again.asked == [], "there is a file now"
    assert walk.journey.get(TemplateRecord) == record


async def test_the_folder_and_the_server_give_the_same_draft(walk: Walk, services: Services) -> None:
    assert end(await collect(walk, "run")).ok
    first = end(await collect(walk, "template")).result["template"]
    other = Walk(MemoryStore(Journey("demo", "rehearsal", str(example_model()))), services)
    author = Author(**{"template-source": "folder", "template-path": str(services.out / "other.json")})
    assert end(await collect(other, "template", author)).result["template"]["input"] == first["input"]


async def test_a_file_an_id_or_a_checkout_is_asked_for(services: Services, tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_bytes(PRETTY)
    author = Author(**{
        "template-path": str(tmp_path / "out.json"), "template-source": "file",
        "template-file": str(tmp_path / "mine.json"),
    })  # fmt: skip
    walk = alone(services)
    assert end(await collect(walk, "template", author)).exit in (0, 5)
    assert (tmp_path / "out.json").read_bytes() == PRETTY
    author = Author(**{
        "template-path": str(tmp_path / "none.json"), "template-source": "model-id", "template-model-id": "0x12",
    })  # fmt: skip
    events = await collect(alone(services), "template", author)
    assert (end(events).exit, codes(events)) == (2, {"model-id"})
    assert not (tmp_path / "none.json").exists()


@pytest.mark.parametrize(("answer", "code", "exit"), [("server", "step-needs", 3), ("moon", "template-source", 2)])
async def test_without_a_server_the_running_step_is_named(
    answer: str, code: str, exit: int, services: Services, tmp_path: Path
) -> None:
    author = Author(**{"template-path": str(tmp_path / "t.json"), "template-source": answer})
    events = await collect(alone(services), "template", author)
    assert (end(events).exit, codes(events)) == (exit, {code})


async def test_what_the_draft_cannot_know_is_answered_one_by_one(services: Services, tmp_path: Path) -> None:
    source = Source("schema", str(SCHEMAS / "schema-types-v019.json"))
    _, done = await drafted(services, source, None)
    before = done.result["counts"]
    asked = {f"{i.variable}.{i.key}": i.put for i in done.result["asked"]}
    assert asked["i_opt.max"] == 2
    answers = {"i_opt.default": "7", "i_opt.min": "-3", "i_opt.max": "9", "output.type": "video", "f_req.min": "0.5",
               "meta.description": "on A100"}  # fmt: skip
    _, done = await drafted(services, source, None, **{"draft-asked": "each", **answers})
    made = {row["variable"]: row for row in done.result["template"]["input"]}
    assert {key: made["i_opt"][key] for key in ("min", "max", "default")} == {"min": -3, "max": 9, "default": 7}
    assert made["f_req"]["min"] == 0.5
    assert done.result["template"]["output"][0]["type"] == "video"
    assert done.result["template"]["meta"]["description"] == "on A100"
    assert done.result["counts"]["mapped"] > before["mapped"]
    assert done.result["asked"] == [item for item in done.result["asked"] if item.key == "choices"]


@pytest.mark.parametrize("text", ["many", "1_000", "٣", "1e999", ""])
async def test_an_answer_of_another_kind_is_refused(text: str, services: Services) -> None:
    source = Source("schema", str(SCHEMAS / "schema-types-v019.json"))
    events, done = await drafted(services, source, None, **{"draft-asked": "each", "i_opt.max": text})
    assert (done.exit, codes(events)) == (2, {"draft-answer"})


# A model's document


@GENERATIONS
async def test_the_example_models_agree_on_every_generation(
    generation: str, services: Services, tmp_path: Path
) -> None:
    async with ready(example_model(), tmp_path / "server", generation) as (url, _):
        events, done = await drafted(services, Source("server", url), None, **{"draft-predict": "yes"})
    assert rows(done) == EXAMPLE
    assert done.result["template"]["output"] == [{"filename": "out-1.png", "type": "image"}]
    assert done.result["counts"] == {
        "inputs": 7, "mapped": 6, "asked": 0, "left_out": 1, "refused": 0, "asked_values": 3,
    }  # fmt: skip
    assert facts(events)["output"].why == "a real prediction (image/png)"
    saved = json.loads((example_model() / ".cog" / "openapi_schema.json").read_bytes())
    from arbius_tui.domain.draft import draft

    assert done.result["template"]["input"] == draft(saved).template.document["input"]


async def test_a_prediction_is_made_only_when_it_is_wanted_and_tells_something(
    services: Services, tmp_path: Path
) -> None:
    async with ready(example_model(), tmp_path / "server") as (url, _):
        events, _ = await drafted(services, Source("server", url), None, **{"draft-predict": "no"})
        assert facts(events)["output"].state == "warn"
    async with ready("text", tmp_path / "text") as (url, _):
        author = Author()
        events = await collect(alone(services), "template", author, DraftFile(None, Source("server", url)))
    assert [q.id for q in author.asked] == [], "the document says that it is text"
    assert end(events).result["template"]["output"][0]["type"] == "text"


async def test_the_proof_of_the_journey_tells_the_output_and_the_gpu(walk: Walk) -> None:
    assert end(await collect(walk, "run")).ok
    await walk.save(SeedTestRecord(True, mime="image/webp", endpoints=({"id": "1", "gpu": "NVIDIA A100"},)))
    author = Author()
    events = await collect(walk, "template", author)
    found = end(events).result["template"]
    assert found["output"] == [{"filename": "out-1.webp", "type": "image"}]
    assert found["meta"]["description"] == "Proven on NVIDIA A100."
    assert "draft-predict" not in {q.id for q in author.asked}
    assert any(e.problem.path == "/meta/description" for e in events if isinstance(e, Trouble))


@pytest.fixture(scope="module")
def built() -> Iterator[TestImages]:
    found = TestImages(parts.need("docker"))
    yield found
    found.api.close()


@pytest.fixture
async def docker(tmp_path: Path) -> AsyncIterator[Services]:
    async with open_world(Settings(state=tmp_path, project="test-draft"), tmp_path) as found:
        yield found


@pytest.mark.real
async def test_the_label_of_a_real_image(built: TestImages, docker: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    events, done = await drafted(docker, Source("image", built.example()), None)
    assert rows(done) == EXAMPLE
    assert done.result["template"]["meta"]["title"] == "arbius-tui-test"
    assert facts(events)["meta-docker"].found.startswith("the image was not pushed yet")
    events, done = await drafted(docker, Source("image", built.model("text")), None)
    assert (done.exit, codes(events)) == (3, {"image-no-schema"})
    events, done = await drafted(docker, Source("image", "no-such-image"), None)
    assert (done.exit, codes(events)) == (3, {"no-image"})


async def test_the_document_that_the_last_build_left(services: Services, tmp_path: Path) -> None:
    shutil.copytree(example_model(), tmp_path / "my-model")
    events, done = await drafted(services, Source("folder", str(tmp_path / "my-model")), tmp_path / "t.json")
    assert done.ok
    assert done.result["template"]["meta"]["title"] == "my-model"
    assert cid.cid((tmp_path / "t.json").read_bytes()) == done.result["cid"]
    assert any(isinstance(e, Line) and "7 inputs: 6 mapped, 0 asked, 1 left out" in e.text for e in events)
    shutil.rmtree(tmp_path / "my-model" / ".cog")
    events, done = await drafted(services, Source("folder", str(tmp_path / "my-model")), None)
    assert (done.exit, codes(events)) == (3, {"folder-no-schema"})


async def test_what_stands_there_is_not_written_over(services: Services, tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text("mine")
    events, done = await drafted(services, Source("folder", str(example_model())), tmp_path / "t.json")
    assert (done.exit, codes(events)) == (2, {"file-exists"})
    assert (tmp_path / "t.json").read_text() == "mine"


@pytest.mark.parametrize(
    ("data", "exit", "code"),
    [
        (b"{ half", 2, "schema-not-json"),
        (b"[1]", 2, "schema-no-object"),
        (b"\xff\xfe", 2, "schema-not-json"),
        (b"{}", 2, "schema-no-input"),
        (PRETTY, 2, "schema-no-input"),
        (b'{"components":{"schemas":{"Input":{}}}}', 0, ""),
    ],
)
async def test_a_schema_that_is_none(data: bytes, exit: int, code: str, services: Services, tmp_path: Path) -> None:
    (tmp_path / "s.json").write_bytes(data)
    events, done = await drafted(services, Source("schema", str(tmp_path / "s.json")), None)
    assert done.exit == exit
    assert code in codes(events) or not code
    assert code or any("describes no inputs" in e.problem.what for e in events if isinstance(e, Trouble))


# A template that exists


@pytest.mark.parametrize(
    "data", [PRETTY, b'{"meta":{},"input":[],"output":[]}\n', b'{"input":[{"min":1e3,"max":1.0}]}']
)
async def test_a_template_is_taken_to_the_byte(data: bytes, services: Services, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(data)
    _, done = await drafted(services, Source("file", str(tmp_path / "a.json")), tmp_path / "b.json")
    assert (tmp_path / "b.json").read_bytes() == data
    assert done.result["cid"] == cid.cid(data)
    assert done.result["counts"] == {}
    assert done.result["mapped"] == done.result["asked"] == done.result["left_out"] == []


async def test_a_document_as_the_file_is_drafted_however_big(services: Services, tmp_path: Path) -> None:
    document = json.loads((SCHEMAS / "v-new-image-openapi.json").read_bytes())
    for name, found in {"small": document, "big": {**document, "info": "x" * 70_000}}.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(found))
        _, done = await drafted(services, Source("file", str(tmp_path / f"{name}.json")), None)
        assert "num_inference_steps" in rows(done)


@pytest.mark.parametrize(("data", "code"), [(b"{ half", "not-json"), (b"", "empty"), (b"[]", "not-an-object")])
async def test_a_broken_template_is_not_taken(data: bytes, code: str, services: Services, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(data)
    events, done = await drafted(services, Source("file", str(tmp_path / "a.json")), tmp_path / "b.json")
    assert (done.exit, codes(events)) == (5, {code})
    assert not (tmp_path / "b.json").exists()
    events, done = await drafted(services, Source("file", str(tmp_path)), None)
    assert (done.exit, codes(events)) == (2, {"folder-not-file"})


async def test_a_template_of_a_checkout_is_chosen_by_its_name(services: Services, tmp_path: Path) -> None:
    for folder in ("templates", "contract"):
        (tmp_path / folder).mkdir()
    (tmp_path / "templates" / "one.json").write_bytes(PRETTY)
    (tmp_path / "templates" / "two.json").write_bytes(b'{"input":[]}\n')
    for flag in ("folder", "file"):
        assert source_of(flag, str(tmp_path)) == Source("checkout", str(tmp_path))
    assert source_of("folder", str(tmp_path / "templates" / "one.json")).kind == "file"
    source = Source("checkout", str(tmp_path))
    for name in ("one", "one.json"):
        _, done = await drafted(services, source, None, **{"template-pick": name})
        assert done.result["cid"] == cid.cid(PRETTY)
    events, done = await drafted(services, source, None, **{"template-pick": "three"})
    assert (done.exit, codes(events)) == (2, {"no-such-template"})
    events, done = await drafted(services, Source("checkout", str(tmp_path / "contract")), None)
    assert (done.exit, codes(events)) == (2, {"no-templates"})


# A model on chain


class NoHistory:
    """The chain of a world whose RPC finds no old transaction."""

    def __init__(self, chain: Any) -> None:
        self.chain = chain

    def __getattr__(self, name: str) -> Any:
        return getattr(self.chain, name)

    async def registered(self, model_id: str) -> Any:
        raise NotReady("registration-not-found", "the RPC cannot say which transaction registered the model")


async def test_a_registered_model_gives_its_bytes_back_proven(walk: Walk, services: Services, tmp_path: Path) -> None:
    for name in ("run", "template", "pin", "wallet", "register"):
        assert end(await collect(walk, name)).ok
    record, file = walk.journey.get(RegisterRecord), walk.journey.get(TemplateRecord)
    assert record is not None
    assert file is not None
    data = Path(file.path).read_bytes()

    events, done = await drafted(services, Source("model-id", record.model_id.upper()[2:]), tmp_path / "t.json")
    assert (tmp_path / "t.json").read_bytes() == data
    assert done.result["cid"] == record.cid
    assert facts(events)["sender"].found == record.sender
    assert facts(events)["transaction"].found.startswith(record.tx_hash)
    assert facts(events)["proof"].state == "ok"

    blind: Any = NoHistory(services.chain)
    events, done = await drafted(replace(services, chain=blind), Source("model-id", record.model_id), None)
    assert done.result["cid"] == record.cid
    assert facts(events)["proof"].state == "ok", "sender and addr are the same account: the id proves the CID"

    nowhere = replace(services, chain=blind, ipfs=())
    events, done = await drafted(nowhere, Source("model-id", record.model_id), tmp_path / "none.json")
    assert (done.exit, codes(events)) == (6, {"template-unreachable"})
    assert not (tmp_path / "none.json").exists()


async def test_a_model_that_the_chain_does_not_know(services: Services) -> None:
    events, done = await drafted(services, Source("model-id", "0x" + "ab" * 32), None)
    assert (done.exit, codes(events)) == (7, {"model-unknown"})


# Meta


class OneImage:
    """A builder of a world that has this image."""

    def __init__(self, **found: Any) -> None:
        self.found = images.read({"Id": "sha256:" + "ab" * 32, **found})

    async def image(self, reference: str) -> images.Image:
        return self.found


DIGEST = "@sha256:" + "4e" * 32


def with_image(services: Services, *digests: str, revision: str = "") -> Services:
    labels = {"org.opencontainers.image.revision": revision} if revision else {}
    builder: Any = OneImage(RepoDigests=list(digests), Config={"Labels": labels})
    return replace(services, builder=builder, network="one")


async def test_meta_of_a_pushed_model_is_complete_but_for_the_description(cloned: Path, services: Services) -> None:
    one = cloned / "models" / "one"
    (one / "cog.yaml").write_text("image: r8.im/me/little-model\n")
    git(cloned, "commit", "-q", "-am", "second")
    git(cloned, "update-ref", "refs/remotes/origin/main", "HEAD")
    commit = git(cloned, "rev-parse", "HEAD")
    world = with_image(services, "localhost:5000/x" + DIGEST, "r8.im/me/little-model" + DIGEST, revision=commit)
    found = await template_meta.gather(About("one", one, gpu="NVIDIA A100"), world)
    assert found.meta == {
        "title": "little-model", "description": "Run on NVIDIA A100.",
        "git": f"https://github.com/me/model/tree/{commit}/models/one", "docker": "r8.im/me/little-model" + DIGEST,
        "version": 1,
    }  # fmt: skip
    assert list(found.open) == ["description"]
    assert found.problems == []
    assert [fact.state for fact in found.facts] == ["ok", "warn", "ok", "ok"]


async def test_what_is_only_half_right_is_said(cloned: Path, services: Services) -> None:
    (cloned / "new.py").write_text("x")
    git(cloned, "commit", "-q", "--allow-empty", "-m", "not pushed")
    world = with_image(services, "localhost:5000/x" + DIGEST, revision="b" * 40)
    found = await template_meta.gather(About("one", cloned, image="localhost:5000/x"), world)
    assert {p.code for p in found.problems} == {"git-dirty", "git-not-pushed", "image-other-commit"}
    assert all(p.severity == "warn" and p.path == "/meta/git" for p in found.problems)
    assert set(found.open) == {"git", "docker"}
    assert found.meta["docker"] == "localhost:5000/x" + DIGEST
    assert found.meta["git"].startswith("https://github.com/me/model/tree/")


async def test_an_image_alone_tells_its_name_and_the_commit_it_was_built_from(services: Services) -> None:
    config = json.dumps({"image": "r8.im/me/little-model", "predict": "predict.py:Predictor"})
    builder: Any = OneImage(
        Config={"Labels": {"run.cog.config": config, "org.opencontainers.image.revision": "c" * 40}}
    )
    found = await template_meta.gather(About("cog-x", image="cog-x"), replace(services, builder=builder, network="one"))
    assert found.meta["title"] == "little-model"
    assert found.open == {
        "git": f"the image was built from commit {'c' * 40}",
        "docker": "the image was not pushed yet",
    }
    assert found.problems == []


class Cards:
    """A machine with a graphics card."""

    async def checks(self, only: str | None = None, subject: Any = None) -> AsyncIterator[Check]:
        yield Check("nvidia-driver", "gpu", "ok", "2 x NVIDIA A100, driver 550.54.15", "why")


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (RunRecord("http://x", container="abc"), "Run on 2 x NVIDIA A100."),
        (RunRecord("http://x", container="abc", cpu_only=True), "Run on CPU only."),
        (RunRecord("http://x"), ""),
        (RunRecord("http://x", gpu="NVIDIA T4"), "Run on NVIDIA T4."),
    ],
)
async def test_the_card_is_named_only_where_the_model_had_it(record: RunRecord, said: str, services: Services) -> None:
    toolchain: Any = Cards()
    journey = Journey("demo", "one").having(record)
    found = await template_meta.gather(About.of(journey), replace(services, toolchain=toolchain, network="one"))
    assert found.meta["description"] == said


async def test_what_nobody_knows_is_empty_and_says_why(services: Services, tmp_path: Path) -> None:
    found = await template_meta.gather(About("x", tmp_path), services)
    assert (found.open["git"], found.problems) == ("the rehearsal asks no git", [])
    found = await template_meta.gather(About("x", tmp_path), replace(services, network="one"))
    assert found.meta == {"title": "x", "description": "", "git": "", "docker": "", "version": 1}
    assert {p.code for p in found.problems} == {"git-no-link"}
    journey = Journey("demo", "rehearsal").having(RunRecord("http://x", cpu_only=True))
    found = await template_meta.gather(About.of(journey), services)
    assert found.meta["description"] == "Run on CPU only."


def test_every_source_of_the_command_line_is_a_source() -> None:
    flags = {"endpoint": "server", "image": "image", "schema": "schema", "file": "file", "model_id": "model-id",
             "folder": "folder"}  # fmt: skip
    assert {flag: source_of(flag, "/nowhere").kind for flag in flags} == flags
    assert source_of("endpoint", "http://127.0.0.1:5000/").value == "http://127.0.0.1:5000"


def test_the_step_is_found_by_its_name() -> None:
    from arbius_tui.steps.base import load
    from arbius_tui.steps.template import TemplateStep

    found: Step = load("template")
    assert isinstance(found, TemplateStep)
