"""A predictor's signature against the rules of cog's own reader, and its imports against what will be installed."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arbius_tui.domain import inputs
from arbius_tui.domain.finding import Finding
from arbius_tui.domain.model_reading import ModelReading, read_model
from tests.domain.models import FOLDER, patched

SCHEMAS = Path(__file__).parents[1] / "fixtures" / "schemas"
YAML = 'build:\n  python_version: "3.11"\n{form}: "{file}:{name}"\n'
HEAD = "from typing import *\nfrom cog import *\n\n"


def model(signature: str, *, returns: str = "-> list[Path]", head: str = "", form: str = "predict") -> ModelReading:
    """A model with this signature; what stands behind it has a seed that is used, and gives one file."""
    text = (
        "import random\nfrom typing import Any, Dict, Iterator, List, Literal, Optional, Union\n"
        "from cog import BaseModel, BasePredictor, ConcatenateIterator, File, Input, Path, Secret\n"
        f"{textwrap.dedent(head)}\nclass Predictor(BasePredictor):\n"
        f"    def {form}(self, {signature}) {returns}:\n"
        "        path = Path('/tmp/out-1.png')\n        path.write_text(str(random.Random(seed).random()))\n"
        "        return [path]\n"
    )
    return read_model(YAML.format(form=form, file="predict.py", name="Predictor"), {"predict.py": text})


def by_code(reading: ModelReading) -> dict[str, Finding]:
    return {finding.problem.code: finding for finding in reading.findings}


@pytest.mark.parametrize(
    ("stem", "schema"),
    [("types", "schema-types-v019"), ("types", "schema-types-v016"), ("types9", "schema-types-v0.9.26")],
)
def test_the_inputs_are_those_of_cogs_own_document(stem: str, schema: str) -> None:
    """v0.16 and older say of an int whose default is None that it is not required; they differ in nothing else."""
    text = (FOLDER / "measured" / f"{stem}.py").read_text()
    reading = read_model(YAML.format(form="predict", file="predict.py", name="Predictor"), {"predict.py": text})
    document = inputs.read(json.loads((SCHEMAS / f"{schema}.json").read_text()))
    assert len(document) >= 20
    for ours, theirs in zip(reading.inputs, document, strict=True):
        same = ("name", "type", "order", "default", "has_default", "min", "max", "choices", "description")
        assert [getattr(ours, key) for key in same] == [getattr(theirs, key) for key in same]
        if schema == "schema-types-v019":
            assert ours.required == theirs.required


def test_the_result_has_the_shape_that_scripts_read() -> None:
    reading = model("prompt: str, size: int = Input(choices=[1, 2], default=1), seed: int = Input(ge=0, default=3)")
    result = reading.result()
    assert json.loads(json.dumps(result)) == result
    assert result["config"]["predict"] == "predict.py:Predictor"
    assert result["inputs"][1] == {
        "name": "size", "type": "integer", "default": 1, "min": None, "max": None, "choices": [1, 2], "order": 1,
    }  # fmt: skip
    assert result["seed"] == {
        "present": True, "type": "integer", "default": 3, "min": 0, "max": None, "used": True,
    }  # fmt: skip
    assert result["findings"] == []
    (finding,) = model("prompt: str, seed: int = Input(le=9)").result()["findings"][:1]
    keys = {"code", "severity", "what", "why", "fix", "detail", "path", "file", "line", "patch"}
    assert finding.keys() == keys
    assert (finding["code"], finding["file"], finding["line"]) == ("seed-range", "predict.py", 6)


GOOD = [
    "prompt: str, seed: int = 0",
    "prompt: str = 'x', seed: Optional[int] = 0",
    "prompt: 'str', seed: int | None = Input(default=0)",
    "scale: float = Input(ge=0, le=20, default=7.5), seed: int = 0",
    "scale: float = Input(default=7), seed: int = 0",
    "image: Path, mask: Optional[Path] = None, key: Secret = Input(default=None), seed: int = 0",
    "words: list[str], sizes: List[int] = Input(default=[]), table: Dict[str, int] = {}, seed: int = 0",
    "anything: Any = None, seed: int = 0",
    "*, prompt: str, seed: int = 0",
    "size: int = Input(choices=SIZES, default=1), seed: int = 0",
    "size: int = Input(choices=SIZES + [3], default=3), seed: int = 0",
    "name: str = Input(choices=list(TABLE.keys()), default='a'), seed: int = 0",
    "name: Union[str, None] = Input(default=DEFAULT, description=DEFAULT), seed: int = Input(default=0)",
]


@pytest.mark.parametrize("signature", GOOD)
def test_what_cog_takes_has_no_finding(signature: str) -> None:
    head = "SIZES = [1, 2]\nTABLE = {'a': 1, 'b': 2}\nDEFAULT = 'x'\n"
    assert model(signature, head=head).findings == ()


BAD = [
    ("prompt, seed: int = 0", "no-annotation", "error"),
    ("prompt='x', seed: int = 0", "no-annotation", "error"),
    ("prompt: str, seed=Input(default=0)", "no-annotation", "error"),
    ("prompt: str, seed: int = 0, **rest", "kwargs", "error"),
    ("seed: int = 0, *rest: str", "kwargs", "error"),
    ("prompt: set, seed: int = 0", "unsupported-type", "error"),
    ("prompt: Union[str, int], seed: int = 0", "unsupported-type", "error"),
    ("prompt: Literal['a', 'b'], seed: int = 0", "unsupported-type", "error"),
    ("prompt: list[list[str]], seed: int = 0", "unsupported-type", "error"),
    ("prompt: Own, seed: int = 0", "unsupported-type", "error"),
    ("n: int = Input(choices=list(range(3)), default=1), seed: int = 0", "computed-choices", "error"),
    ("n: int = Input(choices=[i for i in (1, 2)], default=1), seed: int = 0", "computed-choices", "error"),
    ("n: int = Input(default_factory=int), seed: int = 0", "default-factory", "error"),
    ("n: int = 2 ** 3, seed: int = 0", "computed-default", "error"),
    ("n: int = Input(default=2 ** 3), seed: int = 0", "computed-default", "warn"),
    ("n: int = Input(default=0, ge=1, le=5), seed: int = 0", "default-out-of-range", "error"),
    ("n: int = Input(default=9, ge=1, le=5), seed: int = 0", "default-out-of-range", "error"),
    ("n: int = Input(default=3, choices=[1, 2]), seed: int = 0", "default-not-a-choice", "error"),
    ("n: int = Input(default='3'), seed: int = 0", "default-type", "error"),
    ("n: bool = 1, seed: int = 0", "default-type", "error"),
    ("n: int = Input(default=1, le=2**10), seed: int = 0", "computed-bound", "warn"),
    ("seed: str = '0'", "seed-type", "error"),
    ("seed: float = 0", "seed-type", "warn"),
    ("seed: int = Input(choices=[1, 2], default=1)", "seed-range", "error"),
    ("seed: int = Input(le=4294967295, default=1)", "seed-range", "error"),
    ("seed: int = Input(ge=1, default=1)", "seed-range", "warn"),
    ("seed: int = Input(default=None)", "seed-default", "warn"),
    ("seed: int = None", "seed-default", "warn"),
    ("seed: int", "seed-default", "warn"),
    ("seed: int = Input(default=-1)", "seed-default", "warn"),
    ("seed: int = -1", "seed-default", "warn"),
    ("seed: int = Input(default=9007199254740976)", "seed-default", "warn"),
    ("seed: Optional[int] = None", "seed-default", "warn"),
]


@pytest.mark.parametrize(("signature", "code", "severity"), BAD)
def test_what_cog_refuses_or_leaves_out_is_said_before_the_build(signature: str, code: str, severity: str) -> None:
    found = by_code(model(signature, head="class Own:\n    pass\n"))
    assert code in found
    assert found[code].problem.severity == severity
    assert found[code].problem.why
    assert found[code].problem.fix
    assert found[code].line > 0


OUTPUTS = [
    ("-> list[Path]", "files", set()),
    ("-> List[Path]", "files", set()),
    ("-> 'list[Path]'", "files", set()),
    ("-> Path", "file", {"output-shape"}),
    ("-> str", "text", {"output-shape"}),
    ("-> list[str]", "texts", {"output-shape"}),
    ("-> Iterator[Path]", "iterator", {"output-shape"}),
    ("-> ConcatenateIterator[str]", "text-iterator", {"output-shape"}),
    ("-> dict", "object", {"output-shape"}),
    ("-> Answer", "object", {"output-shape"}),
    ("-> int", "number", {"output-shape"}),
    ("-> Any", "any", {"output-shape"}),
    ("", "", {"no-return-type"}),
    ("-> Optional[Path]", "any", {"unsupported-output"}),
    ("-> Path | None", "any", {"unsupported-output"}),
    ("-> None", "any", {"unsupported-output"}),
    ("-> set", "any", {"unsupported-output"}),
    ("-> np.ndarray", "any", {"unsupported-output"}),
    ("-> tuple[Path, str]", "any", {"unsupported-output"}),
    ("-> ConcatenateIterator[Path]", "text-iterator", {"unsupported-output"}),
]


@pytest.mark.parametrize(("returns", "shape", "codes"), OUTPUTS)
def test_the_output_is_read_and_held_against_miners(returns: str, shape: str, codes: set[str]) -> None:
    reading = model("seed: int = 0", returns=returns, head="class Answer(BaseModel):\n    image: Path\n")
    assert reading.predictor.output.shape == shape
    assert {f.problem.code for f in reading.findings} == codes


def test_each_miner_is_named_for_an_output_it_cannot_read() -> None:
    (finding,) = model("seed: int = 0", returns="-> Path").findings
    assert all(miner in finding.problem.why for miner in ("published miner", "gobius", "kasumi-3"))
    assert finding.problem.severity == "warn"


@pytest.mark.parametrize(
    ("suffix", "code", "severity"),
    [(".png", "", ""), (".mp4", "", ""), (".jpg", "output-type", "info"), (".svg", "output-type", "warn"),
     (".wav", "output-type", "warn"), (".glb", "output-type", "warn"), (".unheard", "output-type", "warn")],
)  # fmt: skip
def test_the_files_ending_decides_what_miners_can_decode(suffix: str, code: str, severity: str) -> None:
    text = (
        "from cog import BasePredictor, Path\n\nclass Predictor(BasePredictor):\n"
        "    def predict(self, seed: int = 0) -> list[Path]:\n"
        f"        path = Path('/tmp') / 'out-1{suffix}'\n        path.write_text(str(seed))\n        return [path]\n"
    )
    reading = read_model(YAML.format(form="predict", file="predict.py", name="Predictor"), {"predict.py": text})
    assert [(f.problem.code, f.problem.severity) for f in reading.findings] == ([(code, severity)] if code else [])


def test_one_file_becomes_a_list_of_one_by_its_patch(tmp_path: Path) -> None:
    text = (FOLDER / "measured" / "image.py").read_text()
    yaml = YAML.format(form="predict", file="predict.py", name="Predictor")
    reading = read_model(yaml, {"predict.py": text})
    (finding,) = [f for f in reading.findings if f.problem.code == "output-shape"]
    after = patched({"predict.py": text}, finding.patch, tmp_path)["predict.py"]
    assert "-> list[Path]:" in after
    assert "return [out]" in after
    assert "output-shape" not in {f.problem.code for f in read_model(yaml, {"predict.py": after}).findings}


FORMS = [
    ("class P(BasePredictor):\n  def predict(self, seed: int = 0) -> str:\n    return f'{seed}'\n", "P", "predict"),
    ("class P(BaseRunner):\n    def run(self, seed: int = 0) -> str:\n        return str(seed)\n", "P", "run"),
    ("class P(BaseRunner):\n    async def run(self, seed: int = 0) -> str:\n        return str(seed)\n", "P", "run"),
    ("class P:\n    def predict(self, seed: int = 0) -> str:\n        return str(seed)\n", "P", "predict"),
    ("def predict(seed: int = 0) -> str:\n    return str(seed)\n", "predict", "predict"),
    ("@concurrent(max=2)\nasync def go(seed: int = 0) -> str:\n    return str(seed)\n", "go", "run"),
    ("class P(BaseRunner):\n  @streaming\n  def run(self, seed: int = 0) -> Iterator[str]:\n    yield f'{seed}'\n",
     "P", "run"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "name", "form"), FORMS)
def test_every_form_of_a_predictor_is_read(text: str, name: str, form: str) -> None:
    reading = read_model(YAML.format(form=form, file="sub/p.py", name=name), {"sub/p.py": HEAD + text})
    assert [i.name for i in reading.inputs] == ["seed"]
    assert reading.seed["used"] is True
    assert {f.problem.code for f in reading.findings} == {"output-shape"}


LATE = [
    ("class Other:\n    pass\n", "no-such-class", "Predictor"),
    ("from elsewhere import Predictor\n", "no-such-class", "Predictor"),
    ("class Predictor:\n    def setup(self):\n        pass\n", "no-predict-method", "must define run() or"),
    ("class Base:\n    def predict(self) -> str:\n        return ''\nclass Predictor(Base):\n    pass\n",
     "no-predict-method", "parent classes"),
    ("class Predictor:\n    def predict(self) -> str:\n        x = = 1\n", "syntax-error", "SETUP_FAILED"),
    ("class Predictor:\n    def predict(self) -> str:\n      a = 1\n     return a\n", "syntax-error", "SETUP_FAILED"),
    ("class Predictor:\n    def predict(self) -> str:\n        return 1\nreturn 2\n", "syntax-error", "SETUP_FAILED"),
    ("class Predictor:\n    def predict(self, a: int, a: int) -> str:\n        pass\n", "syntax-error", "SETUP_FAILED"),
    ("x = '\x00'\n", "syntax-error", "SETUP_FAILED"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code", "why"), LATE)
def test_what_cog_lets_through_or_says_badly_is_found_here(text: str, code: str, why: str) -> None:
    found = by_code(read_model(YAML.format(form="predict", file="p.py", name="Predictor"), {"p.py": text}))
    assert found[code].problem.severity == "error"
    assert why in found[code].problem.why + found[code].problem.what


def test_a_syntax_error_has_line_and_column_also_in_a_file_that_is_imported() -> None:
    files = {
        "p.py": "import helper\n" + FORMS[3][0],
        "helper.py": "def f():\n    return (1,\n",
        "unused.py": "print 'x'\n",
    }
    reading = read_model(YAML.format(form="predict", file="p.py", name="P"), files)
    (finding,) = [f for f in reading.findings if f.problem.severity == "error"]
    assert (finding.file, finding.line) == ("helper.py", 2)
    assert "line 2, column 12" in finding.problem.what


def test_newer_syntax_than_ours_is_only_a_warning() -> None:
    text = "type X = int\n" if __import__("sys").version_info < (3, 12) else "x = = 1\n"
    yaml = 'build:\n  python_version: "3.14"\npredict: "p.py:P"\n'
    found = by_code(read_model(yaml, {"p.py": text}))
    assert found["syntax-error"].problem.severity == "warn"
    assert "syntax-error" in by_code(read_model(yaml.replace("3.14", "3.10"), {"p.py": "try: pass\nexcept* E: pass\n"}))


IMPORTS = [
    ("import numpy", "numpy==2.0\n", None),
    ("import numpy.linalg as la", "NumPy>=1\n", None),
    ("import cv2, yaml, PIL.Image", "opencv-python\nPillow # pictures\n", None),
    ("import sklearn", "scikit_learn[extra] ~= 1.0 ; python_version > '3'\n", None),
    ("from bs4 import X", "beautifulsoup4\n", None),
    ("import numpy", "torchvision\n", None),
    ("import custom", "git+https://example.org/x.git#egg=custom\n", None),
    ("import custom", "custom @ https://example.org/x.whl\n", None),
    ("import os.path, json, zoneinfo, tomllib", "", None),
    ("import cog, coglet, requests, typing_extensions", "", None),
    ("import helper, package.inner, native", "", None),
    ("try:\n    import xformers\nexcept ImportError:\n    xformers = None", "", None),
    ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import numpy", "", None),
    ("import numpy", "-r more.txt\n", None),
    ("import torch", "--extra-index-url https://x\n--index-url https://y\ntorch\n", None),
    ("import numpy", "", "error"),
    ("import numpy as np", "pillow\n", "error"),
    ("import cv2", "pillow\n", "error"),
    ("def f():\n    import numpy", "", "error"),
    ("import torch_nope", "torch\n", "error"),
    ("import distutils", "", None),
    ("import numpy", "some-unheard-package\n", "warn"),
    ("import numpy", "https://example.org/x.whl\n", "warn"),
    ("import yolo", "git+https://example.org/yolo.git\n", "warn"),
]


@pytest.mark.parametrize(("line", "requirements", "severity"), IMPORTS)
def test_imports_are_held_against_what_will_be_installed(line: str, requirements: str, severity: str | None) -> None:
    files = {
        "predict.py": line + "\n" + FORMS[3][0], "requirements.txt": requirements, "more.txt": "numpy\n",
        "helper.py": "", "package/__init__.py": "", "package/inner.py": "",
    }  # fmt: skip
    yaml = 'build:\n  python_version: "3.11"\n  python_requirements: requirements.txt\npredict: "predict.py:P"\n'
    found = by_code(read_model(yaml, files, files=[*files, "native.cpython-311-x86_64-linux-gnu.so"]))
    finding = found.get("import-not-installed")
    assert (finding.problem.severity if finding else None) == severity
    if finding:
        assert finding.patch.startswith("--- a/requirements.txt\n")


def test_packages_and_commands_of_cog_yaml_count_too() -> None:
    text = "import numpy, einops, timm\n" + FORMS[3][0]
    yaml = (
        'build:\n  python_version: "3.11"\n  python_packages: [numpy==2.0]\n  run:\n    - pip install "einops>=0.7"\n'
        "    - command: python -m pip install --no-cache timm\npredict: 'predict.py:P'\n"
    )
    assert "import-not-installed" not in by_code(read_model(yaml, {"predict.py": text}))


def test_a_module_that_a_newer_python_dropped_is_an_error() -> None:
    yaml = 'build:\n  python_version: "3.13"\npredict: "predict.py:P"\n'
    finding = by_code(read_model(yaml, {"predict.py": "import distutils\n" + FORMS[3][0]}))["import-not-installed"]
    assert "not in Python 3.13" in finding.problem.what


def test_a_relative_import_of_the_predictor_fails_late() -> None:
    files = {"predict.py": "from .helper import x\n" + FORMS[3][0], "helper.py": "x = 1\n"}
    found = by_code(read_model(YAML.format(form="predict", file="predict.py", name="P"), files))
    assert "no known parent package" in found["relative-import"].problem.why


def test_the_missing_package_is_added_by_its_patch(tmp_path: Path) -> None:
    yaml = 'build:\n  python_version: "3.11"\n  python_requirements: requirements.txt\npredict: "predict.py:P"\n'
    for place, before in enumerate(("pillow\n", "pillow", "")):
        files = {"cog.yaml": yaml, "predict.py": "import sklearn\n" + FORMS[3][0], "requirements.txt": before}
        finding = by_code(read_model(yaml, files))["import-not-installed"]
        after: Mapping[str, str] = patched(files, finding.patch, tmp_path / str(place))
        assert after["requirements.txt"].split() == [*before.split(), "scikit-learn"]
        assert "import-not-installed" not in by_code(read_model(yaml, after))


def test_cog_among_the_requirements_is_said() -> None:
    yaml = 'build:\n  python_version: "3.11"\n  python_requirements: r.txt\npredict: "predict.py:P"\n'
    files = {"predict.py": FORMS[3][0], "r.txt": "cog==0.16.12\n"}
    assert "cog-in-requirements" in by_code(read_model(yaml, files))


def test_an_optional_input_on_an_old_runtime_is_said() -> None:
    yaml = 'build:\n  python_version: "3.11"\n  sdk_version: "0.9.26"\npredict: "p.py:P"\n'
    text = HEAD + FORMS[3][0].replace("seed: int = 0", "seed: Optional[int] = 0")
    assert {"optional-on-old", "sdk-too-old"} <= by_code(read_model(yaml, {"p.py": text})).keys()


def test_a_missing_seed_is_a_warning_that_names_what_is_near() -> None:
    text = FORMS[3][0].replace("seed", "random_seed")
    finding = by_code(read_model(YAML.format(form="predict", file="p.py", name="P"), {"p.py": text}))["no-seed"]
    assert finding.problem.severity == "warn"
    assert "random_seed" in finding.problem.what


def test_the_reference_given_by_hand_is_used_where_cog_yaml_has_none() -> None:
    reading = read_model("", {"p.py": FORMS[3][0]}, "p.py:P")
    assert [i.name for i in reading.inputs] == ["seed"]
    assert "cog-yaml-empty" in by_code(reading)


@given(st.text(max_size=200), st.text(max_size=30))
def test_no_text_makes_it_raise(text: str, name: str) -> None:
    read_model(YAML.format(form="run", file="p.py", name=name), {"p.py": text, "requirements.txt": text})
    read_model(text, {"p.py": text}, f"p.py:{name}")
