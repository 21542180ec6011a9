"""Images with Cog's real server in them, built by our own code on the base image of parts.sh; nothing is pulled.

The wheels are fetched on the host, once, into the cache of the parts; an image is built again only when its Dockerfile
or its model changed, and stays for the next run (`docker images arbius-tui-test`).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docker
import pytest
from filelock import FileLock

from arbius_tui.rehearsal.example import example_model
from arbius_tui.services.containers_engine import Address, Engine
from arbius_tui.services.containers_images import Images
from tests import parts

BASE = "debian-python:bookworm"
REPOSITORY = "arbius-tui-test"
MODELS = Path(__file__).parents[1] / "models"
NEW, OLD = "0.23.1", "0.9.26"

COG = """\
FROM {base}
COPY wheels /wheels
RUN python -m venv /opt/cog && /opt/cog/bin/pip install --no-index --find-links /wheels cog=={version} {also} \\
    && rm -rf /wheels
ENV PATH=/opt/cog/bin:$PATH PYTHONUNBUFFERED=1
WORKDIR /src
EXPOSE 5000
CMD ["python", "-m", "cog.server.http"]
"""

MODEL = """\
FROM {cog}
COPY src /src
ENV COG_PREDICT_TYPE_STUB=predict.py:Predictor
"""

BROKEN = """\
FROM {cog}
RUN printf 'this is no program' > /usr/bin/broken && chmod +x /usr/bin/broken
CMD ["broken", "-m", "cog.server.http"]
"""

ENDS = """\
FROM {cog}
CMD ["python", "-c", "import sys; print('cog.server.http'); sys.exit(3)"]
"""


def wheels(version: str) -> Path:
    """The wheels of a Cog and of all it needs, for the Python of the base image (Debian 12: 3.11)."""
    folder = parts.CACHE / f"wheels-cog-{version}"
    with FileLock(parts.CACHE / "wheels.lock"):
        if not (folder / ".ok").exists():
            shutil.rmtree(folder, ignore_errors=True)
            also = ["setuptools"] if version == OLD else []
            argv = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
            argv += [
                "--only-binary",
                ":all:",
                "--python-version",
                "3.11",
                "--dest",
                str(folder),
                f"cog=={version}",
                *also,
            ]
            done = subprocess.run(argv, capture_output=True, text=True, timeout=300)
            if done.returncode:
                pytest.fail(f"pip could not fetch the wheels of cog {version}:\n{done.stderr}", pytrace=False)
            (folder / ".ok").touch()
    return folder


def labels(folder: Path) -> dict[str, str]:
    """The labels that `cog build` puts on an image."""
    return {
        "run.cog.version": NEW,
        "run.cog.config": json.dumps({"build": {"python_version": "3.11"}, "predict": "predict.py:Predictor"}),
        "run.cog.openapi_schema": (folder / ".cog/openapi_schema.json").read_text(),
        "run.cog.pip_freeze": f"cog=={NEW}\ncoglet=={NEW}\n",
        "run.cog.has_init": "true",
    }


GPU = """\
FROM {model}
RUN printf '#!/bin/sh\\necho "NVIDIA GeForce RTX 4090, 550.54.15"\\n' > /usr/bin/nvidia-smi \\
    && chmod +x /usr/bin/nvidia-smi
"""
"""There is no GPU on the machine of the tests; what is asked of one answers as the real one does."""


class TestImages:
    """Builds the images of the tests on one Engine; each name is built at most once."""

    __test__ = False

    def __init__(self, host: str) -> None:
        self.host = host
        self.api = docker.APIClient(base_url=host, version="auto", timeout=300)

    def example(self) -> str:
        """The example model with all labels of a cog build."""
        return self._model(example_model(), NEW, labelled=True)

    def model(self, name: str, version: str = NEW) -> str:
        """A model of tests/models, as from a Dockerfile of the author's own: no label."""
        return self._model(MODELS / name, version)

    def with_gpu(self, name: str) -> str:
        """A model of tests/models in an image in which nvidia-smi lists a card."""
        return self._built(GPU.format(model=self.model(name)), {})

    def broken(self) -> str:
        """An image whose command is no program for any processor."""
        return self._built(BROKEN.format(cog=self._cog(NEW)), {})

    def ends(self) -> str:
        """An image whose command ends with exit code 3 at once."""
        return self._built(ENDS.format(cog=self._cog(NEW)), {})

    def _model(self, folder: Path, version: str, *, labelled: bool = False) -> str:
        tag = self._built(MODEL.format(cog=self._cog(version)), {"src": folder})
        return self._labelled(tag, labels(folder)) if labelled else tag

    def _labelled(self, tag: str, found: dict[str, str]) -> str:
        """The same image with labels, of several lines too, which a Dockerfile cannot write."""
        name = f"{tag}-{hashlib.sha256(json.dumps(found).encode()).hexdigest()[:8]}"
        with FileLock(parts.CACHE / "images.lock"):
            if not self.api.images(name):
                made = self.api.create_container(tag)["Id"]
                self.api.commit(made, *name.split(":"), conf={"Labels": found})
                self.api.remove_container(made)
        return name

    def _cog(self, version: str) -> str:
        also = "setuptools" if version == OLD else ""
        return self._built(COG.format(base=BASE, version=version, also=also), {"wheels": wheels(version)})

    def _built(self, dockerfile: str, folders: dict[str, Path]) -> str:
        digest = hashlib.sha256(dockerfile.encode())
        for name, folder in folders.items():
            for path in sorted(p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts):
                digest.update(f"{name}/{path.relative_to(folder)}".encode() + path.read_bytes())
        tag = f"{REPOSITORY}:{digest.hexdigest()[:16]}"
        with FileLock(parts.CACHE / "images.lock"):
            if not self.api.images(tag):
                # In a thread: a test that asks has a loop of its own already.
                with ThreadPoolExecutor(1) as pool:
                    pool.submit(lambda: asyncio.run(self._build(dockerfile, folders, tag))).result()
        return tag

    async def _build(self, dockerfile: str, folders: dict[str, Path], tag: str) -> None:
        with tempfile.TemporaryDirectory() as context:
            for name, folder in folders.items():
                shutil.copytree(folder, Path(context, name), ignore=shutil.ignore_patterns("__pycache__"))
            Path(context, "Dockerfile").write_text(dockerfile)
            async with Engine(Address(self.host)) as engine:
                async for line in Images(engine).build(Path(context), "Dockerfile", tag):
                    print(line)
