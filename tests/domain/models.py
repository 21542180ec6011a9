"""The predictors in tests/fixtures/predictors, and how to read one as if it stood in a folder of its own.

A line that says `# <- code severity` is expected to have exactly that finding.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from arbius_tui.domain.model_reading import ModelReading, read_model

FOLDER = Path(__file__).parents[1] / "fixtures" / "predictors"
REQUIREMENTS = "numpy\npillow\ntorch\ntorchvision\ndiffusers\ntransformers\nimageio\n"
MARK = re.compile(r"# <- ([\w-]+) (\w+)")


def sources(path: Path) -> dict[str, str]:
    """The model's folder: the predictor, and packages that any of them may import."""
    text = path.read_bytes().decode()
    named = re.search(r"^class (\w+)\(Base(?:Predictor|Runner)\)", text, re.M)
    form = "run" if "BaseRunner" in text else "predict"
    requirements = "" if path.parent.name == "measured" else "  python_requirements: requirements.txt\n"
    config = f'build:\n  python_version: "3.11"\n  gpu: true\n{requirements}'
    config += f'{form}: "predict.py:{named[1] if named else "predict"}"\n'
    return {"cog.yaml": config, "predict.py": text, "requirements.txt": REQUIREMENTS}


def read(files: Mapping[str, str]) -> ModelReading:
    return read_model(files["cog.yaml"], {name: text for name, text in files.items() if name != "cog.yaml"})


def expected(text: str) -> list[tuple[int, str, str]]:
    return sorted((n, m[1], m[2]) for n, line in enumerate(text.split("\n"), 1) for m in MARK.finditer(line))


def given(reading: ModelReading) -> list[tuple[int, str, str]]:
    found = {(f.line, f.problem.code, f.problem.severity) for f in reading.findings}
    return sorted(item for item in found if item[2] != "info")


def patched(files: Mapping[str, str], patch: str, folder: Path) -> dict[str, str]:
    """The files after `patch -p1`, as the author would apply it."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text.encode())
    done = subprocess.run(
        ["patch", "-p1", "--binary", "--fuzz=0"], input=patch.encode(), cwd=folder, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout.decode() + patch
    assert not list(folder.rglob("*.orig"))
    return {name: (folder / name).read_bytes().decode() for name in files}
