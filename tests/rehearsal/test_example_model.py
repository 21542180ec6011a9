"""The example model keeps the rules that it is an example of."""

from __future__ import annotations

import importlib.util
import io
import json
import struct
import zlib
from types import ModuleType

import pytest
from PIL import Image

from arbius_tui.domain import inputs
from arbius_tui.rehearsal.example import example_model


@pytest.fixture(scope="module")
def predict() -> ModuleType:
    spec = importlib.util.spec_from_file_location("example_predict", example_model() / "predict.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def chunks(png: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], 8
    while at < len(png):
        (size,) = struct.unpack(">I", png[at : at + 4])
        found.append((png[at + 4 : at + 8], png[at + 8 : at + 8 + size]))
        at += 12 + size
    return found


@pytest.mark.parametrize("side", [64, 256])
def test_the_picture_is_stored_plainly_and_holds_nothing_else(predict: ModuleType, side: int) -> None:
    pixels = predict.random_bytes(b"x", side * side * 3)
    png = predict.png(side, side, pixels)
    assert [name for name, _ in chunks(png)] == [b"IHDR", b"IDAT", b"IEND"]
    picture = Image.open(io.BytesIO(png))
    assert picture.size == (side, side)
    assert picture.tobytes() == pixels
    stored = chunks(png)[1][1]
    assert len(zlib.decompress(stored)) < len(stored)


def test_more_steps_leave_less_noise_and_the_scheduler_matters(predict: ModuleType) -> None:
    left = [predict.noise_left(steps, 4, "euler") for steps in (1, 5, 10, 50)]
    assert left == sorted(left, reverse=True)
    assert left[0] < predict.FULL
    assert predict.noise_left(10, 4, "ddim") != predict.noise_left(10, 4, "euler")
    assert predict.noise_left(10, 8, "euler") < predict.noise_left(10, 4, "euler")


def test_every_seed_that_a_miner_may_send_has_its_own_noise(predict: ModuleType) -> None:
    seeds = (0, 1, 2**32 - 1, 2**32, 2**53 - 17)
    assert len({predict.random_bytes(b"%d" % seed, 99) for seed in seeds}) == len(seeds)


def test_its_schema_has_what_a_template_can_hold() -> None:
    document = json.loads((example_model() / ".cog" / "openapi_schema.json").read_text())
    names = [row.name for row in inputs.read(document)]
    assert names == ["prompt", "width", "height", "num_inference_steps", "guidance_scale", "scheduler", "seed"]
    assert document["components"]["schemas"]["Input"]["required"] == ["prompt"]
    assert document["components"]["schemas"]["Output"]["type"] == "array"
