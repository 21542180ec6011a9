"""What an image is, from what the Engine says of it; nothing it says can break the reading."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arbius_tui.domain import images
from arbius_tui.domain.images import Image, default_name, numbers, pinned, read, troubles

OPENAPI = {"openapi": "3.0.2", "components": {"schemas": {"Input": {"properties": {}}}}}


def inspected(labels: dict[str, str] | None = None, env: tuple[str, ...] = (), **other: Any) -> dict[str, Any]:
    """As `GET /images/NAME/json` answers for an image of cog 0.22."""
    config = {"Env": [*env], "Cmd": ["python", "-m", "cog.server.http"], "Entrypoint": ["/sbin/tini", "--"]}
    found = {
        "Id": "sha256:" + "a1" * 32,
        "RepoTags": ["cog-demo:latest"],
        "RepoDigests": ["r8.im/alice/demo@sha256:" + "b2" * 32],
        "Size": 412_000_000,
        "Created": "2026-11-22T11:12:53.1Z",
        "Os": "linux",
        "Architecture": "amd64",
        "Config": {**config, "Labels": labels},
    }
    return found | other


def labels(**changed: str) -> dict[str, str]:
    found = {
        "version": "0.22.0",
        "config": json.dumps({"build": {"gpu": True, "python_version": "3.11"}, "predict": "run.py:Runner"}),
        "openapi_schema": json.dumps(OPENAPI),
        "pip_freeze": "cog==0.23.1\ncoglet==0.23.1\nnumpy==2.1.0\n",
    }
    return {f"run.cog.{name}": value for name, value in (found | changed).items()}


def test_an_image_of_cogs() -> None:
    image = read(inspected(labels(), ("COG_PREDICT_TYPE_STUB=run.py:Runner", "PATH=/usr/bin")))
    assert (image.labelled, image.is_cog, image.wants_gpu) == (True, True, True)
    assert (image.cog_version, image.coglet_version, image.predictor) == ("0.22.0", "0.23.1", "run.py:Runner")
    assert image.openapi == OPENAPI
    assert image.pip_freeze == ("cog==0.23.1", "coglet==0.23.1", "numpy==2.1.0")
    assert (image.size, image.platform, image.tags) == (412_000_000, "linux/amd64", ("cog-demo:latest",))
    assert image.digest("r8.im/alice/demo") == "sha256:" + "b2" * 32
    assert image.digest("r8.im/alice/demo:latest") == image.digest("r8.im/alice/demo")
    assert image.digest("r8.im/alice/other") == ""
    assert troubles(image, "linux/amd64") == ()


def test_an_image_of_an_old_cog() -> None:
    old = {
        "org.cogmodel.cog_version": "0.8.6",
        "org.cogmodel.config": json.dumps({"build": {"gpu": False}, "predict": "predict.py:Predictor"}),
        "org.cogmodel.openapi_schema": json.dumps(OPENAPI),
    }
    image = read(inspected(old))
    assert (image.labelled, image.is_cog, image.wants_gpu) == (True, True, False)
    assert (image.cog_version, image.openapi, image.predictor) == ("0.8.6", OPENAPI, "predict.py:Predictor")


def test_an_image_of_a_dockerfile_with_cogs_server_in_it() -> None:
    image = read(inspected(None, ("CUDA_VERSION=12.4.1", "COG_PREDICT_TYPE_STUB=predict.py:Predictor")))
    assert (image.labelled, image.is_cog, image.wants_gpu, image.openapi) == (False, True, True, None)
    assert troubles(image) == ()


def test_a_cog_yaml_that_wants_no_gpu_is_right_whatever_its_base_image_has() -> None:
    no_gpu = json.dumps({"build": {}})
    assert not read(inspected(labels(config=no_gpu), ("CUDA_VERSION=12.4.1",))).wants_gpu


def test_an_image_of_somebody_elses() -> None:
    image = read(inspected(None) | {"Config": {"Cmd": ["nginx"], "Labels": None}})
    (problem,) = troubles(image)
    assert problem.code == "not-cog-image"
    assert "cog-demo:latest" in problem.what
    assert problem.detail == "its command: nginx"


def test_an_image_for_another_processor() -> None:
    (problem,) = troubles(read(inspected(labels())), "linux/arm64")
    assert (problem.code, problem.severity) == ("image-platform", "warn")
    assert "linux/amd64" in problem.what
    assert troubles(read(inspected(labels(), Architecture="arm64", Variant="v8")), "linux/aarch64") == ()


def test_a_coglet_that_does_not_fit_its_cog() -> None:
    (problem,) = troubles(read(inspected(labels(pip_freeze="cog==0.19.3\ncoglet==0.23.1\n"))))
    assert problem.code == "cog-coglet-differ"
    assert "0.19.3" in problem.what
    assert "0.23.1" in problem.what


@pytest.mark.parametrize(
    ("line", "version"),
    [
        ("cog==0.23.1", "0.23.1"),
        ("cog @ file:///wheels/cog-0.23.1-py3-none-any.whl#sha256=00", "0.23.1"),
        ("coglet==0.23.1", ""),
        ("-e git+https://example.com/cog#egg=cog", ""),
    ],
)
def test_a_line_of_pip_freeze(line: str, version: str) -> None:
    assert pinned(("numpy==2.1.0", line), "cog") == version


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("demo", "cog-demo"),
        ("Kandinsky 2", "cog-kandinsky-2"),
        ("cog-demo", "cog-demo"),
        ("a_b.c", "cog-abc"),
        ("x" * 40, "cog-" + "x" * 26),
    ],
)
def test_the_name_that_cog_gives_the_image_of_a_folder(folder: str, name: str) -> None:
    assert default_name(folder) == name


@pytest.mark.parametrize(
    ("version", "expected"), [("26.1.5+dfsg1", (26, 1, 5)), ("20.10.24", (20, 10, 24)), ("dev", ()), ("", ())]
)
def test_a_version(version: str, expected: tuple[int, ...]) -> None:
    assert numbers(version) == expected


@pytest.mark.parametrize(
    "label", ["", "{", "[]", "7", "[" * 100_000, "x" * (images.LARGEST + 1)], ids=lambda v: v[:8] or "empty"
)
def test_a_label_that_cannot_be_read_counts_as_missing(label: str) -> None:
    image = read(inspected(labels(openapi_schema=label, config=label)))
    assert (image.openapi, image.config) == (None, None)
    assert image.labelled


def test_nothing_that_a_terminal_obeys_comes_out() -> None:
    evil = "\x1b]0;owned\x07\u202e"
    image = read(inspected(labels(version=f"0.22{evil}"), (f"A={evil}b",), RepoTags=[f"x{evil}"], Created=evil))
    assert (image.cog_version, image.env["A"], image.tags, image.created) == ("0.22", "b", ("x",), "")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
ODD = st.dictionaries(
    st.sampled_from(["Id", "RepoTags", "RepoDigests", "Size", "Created", "Os", "Architecture", "Variant", "Config"]),
    JSON | st.fixed_dictionaries({}, optional=dict.fromkeys(("Labels", "Env", "Cmd", "Entrypoint"), JSON)),
)


@given(ODD)
def test_no_answer_of_an_engine_breaks_the_reading(found: dict[str, Any]) -> None:
    image = read(found)
    assert isinstance(image, Image)
    assert isinstance(troubles(image, "linux/amd64"), tuple)
    assert image.size >= 0 or isinstance(found["Size"], int)
