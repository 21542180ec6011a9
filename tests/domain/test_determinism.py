"""Models that would differ are named with line, reason and patch; models that would not have no finding at all."""

from __future__ import annotations

import textwrap
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from arbius_tui.domain.model_reading import ModelReading, read_model
from tests.domain.models import FOLDER, expected, given, patched, read, sources

CLEAN, MARKED = sorted((FOLDER / "clean").glob("*.py")), sorted((FOLDER / "marked").glob("*.py"))
EXAMPLE = Path(__file__).parents[2] / "assets" / "example-model"


def name(path: Path) -> str:
    return path.stem


@pytest.mark.parametrize("path", CLEAN, ids=name)
def test_a_clean_model_has_no_finding(path: Path) -> None:
    reading = read(sources(path))
    assert reading.findings == ()
    assert reading.seed["used"] is True


@pytest.mark.parametrize("path", MARKED, ids=name)
def test_what_differs_is_named_where_it_stands_and_nothing_else(path: Path) -> None:
    reading = read(sources(path))
    assert given(reading) == expected(path.read_text())
    assert all(f.problem.why and f.problem.fix and f.problem.path == f"predict.py:{f.line}" for f in reading.findings)


@pytest.mark.parametrize("path", MARKED, ids=name)
def test_each_patch_applies_and_mends_what_it_stands_beside(path: Path, tmp_path: Path) -> None:
    files = sources(path)
    before = Counter(f.problem.code for f in read(files).findings)
    for place, finding in enumerate(f for f in read(files).findings if f.patch):
        after = Counter(f.problem.code for f in read(patched(files, finding.patch, tmp_path / str(place))).findings)
        assert after[finding.problem.code] < before[finding.problem.code], finding.patch
        assert not after - before, finding.patch


WITHOUT_PATCH = {"host-in-output", "name-not-stable", "output-shape", "output-type", "state-between-predictions"}


def test_nearly_every_source_of_differences_has_a_patch() -> None:
    bare = [f for path in MARKED for f in read(sources(path)).findings if not f.patch]
    assert {f.problem.code for f in bare} == WITHOUT_PATCH
    assert {f.file for f in bare} == {"predict.py"}


@pytest.mark.parametrize("ending", ["\r\n", "no last line feed", "bom"])
@pytest.mark.parametrize("path", [p for p in MARKED if p.stem in ("numpy_global", "helper_sources", "sets")], ids=name)
def test_patches_apply_to_files_of_other_systems(path: Path, ending: str, tmp_path: Path) -> None:
    files = sources(path)
    text = files["predict.py"]
    changed = {"\r\n": text.replace("\n", "\r\n"), "no last line feed": text.rstrip("\n"), "bom": "\ufeff" + text}
    files["predict.py"] = changed[ending]
    found = [f for f in read(files).findings if f.patch]
    assert len(found) >= 1
    for place, finding in enumerate(found):
        after = patched(files, finding.patch, tmp_path / str(place))["predict.py"]
        assert after != files["predict.py"]
        assert ("\r\n" in after) == (ending == "\r\n")
        assert "\n" not in after.replace("\r\n", "") or ending != "\r\n"
        assert after.startswith("\ufeff") == (ending == "bom")


MEASURED = {
    "nondet": {"unseeded-randomness"},
    "hashseed": {"hash-randomisation"},
    "stateful": {"state-between-predictions"},
    "runner": {"state-between-predictions"},
    "seedignored": {"seed-ignored"},
    "stamp": {"time-in-output"},
    "npseed": {"seed-over-32-bits"},
    "importerr": {"import-not-installed"},
    "crash": {"seed-ignored"},
    "iter": {"seed-ignored"},
    "pathin": {"seed-ignored"},
    "stream": {"seed-ignored"},
}
"""The errors of the models whose behaviour on real Cog servers is known; the others have none."""


@pytest.mark.parametrize("path", sorted((FOLDER / "measured").glob("*.py")), ids=name)
def test_measured_models_are_named_as_their_servers_behaved(path: Path) -> None:
    errors = {f.problem.code for f in read(sources(path)).findings if f.problem.severity == "error"}
    assert errors == MEASURED.get(path.stem, set())


@pytest.mark.parametrize("stem", ["nondet", "hashseed", "stateful", "stamp", "npseed", "image"])
def test_the_patches_of_measured_models_apply(stem: str, tmp_path: Path) -> None:
    files = sources(FOLDER / "measured" / f"{stem}.py")
    for place, finding in enumerate(f for f in read(files).findings if f.patch):
        after = read(patched(files, finding.patch, tmp_path / str(place)))
        assert finding.problem.code not in {f.problem.code for f in after.findings}


def test_the_example_model_has_no_finding() -> None:
    sources_ = {"predict.py": (EXAMPLE / "predict.py").read_text()}
    reading = read_model((EXAMPLE / "cog.yaml").read_text(), sources_)
    assert reading.findings == ()
    assert reading.seed == {
        "present": True, "type": "integer", "default": 0, "min": 0, "max": None, "used": True,
    }  # fmt: skip


def body(code: str, *, setup: str = "", imports: str = "", config: str = "", inputs: str = "") -> ModelReading:
    """A model whose prediction runs these lines and writes `out`."""
    head = f"import os, random, time\nimport numpy as np\nimport torch\n{textwrap.dedent(imports)}\n"
    made = (
        f"{head}from cog import BasePredictor, Path\n"
        "class Predictor(BasePredictor):\n    def setup(self):\n        pass\n"
        + textwrap.indent(textwrap.dedent(setup).strip() or "pass", " " * 8)
        + f"\n    def predict(self, prompt: str, {inputs}seed: int = 0) -> list[Path]:\n"
        + textwrap.indent(textwrap.dedent(code).strip(), " " * 8)
        + "\n        path = Path('/tmp/out-1.txt')\n        path.write_text(str(out))\n        return [path]\n"
    )
    yaml = (
        'build:\n  python_version: "3.11"\n  python_requirements: requirements.txt\npredict: "predict.py:Predictor"\n'
    )
    return read_model(yaml + config, {"predict.py": made, "requirements.txt": "numpy\ntorch\nscipy\nPyYAML\n"})


def codes(reading: ModelReading, *severities: str) -> set[str]:
    wanted = severities or ("error", "warn")
    return {f.problem.code for f in reading.findings if f.problem.severity in wanted}


GOOD_BODIES = [
    "np.random.seed(seed % 2**32)\nout = np.random.rand()",
    "np.random.seed(seed & 0xFFFFFFFF)\nout = np.random.rand()",
    "np.random.seed(min(seed, 2**32 - 1))\nout = np.random.rand()",
    "np.random.seed(seed >> 32)\nout = np.random.rand()",
    "small = int(seed) % (2**31 - 1)\nnp.random.seed(small)\nout = np.random.choice([1, 2])",
    "if seed > 2**32 - 1:\n    seed = seed % 2**32\nnp.random.seed(seed)\nout = np.random.rand()",
    "seed = seed if seed < 2**32 else seed % 2**32\nnp.random.seed(seed)\nout = np.random.rand()",
    "while seed >= 2**32:\n    seed //= 2\nout = random.Random(seed).random()",
    "np.random.seed(random.Random(seed).getrandbits(32))\nout = np.random.rand()",
    "out = np.random.default_rng(seed).normal(size=4)",
    "out = np.random.Generator(np.random.PCG64(seed)).normal(size=4)",
    "if seed is None or seed < 0:\n    seed = random.randint(0, 2**32)\nout = random.Random(seed).random()",
    "seed = int.from_bytes(os.urandom(4), 'big') if seed == -1 else seed\nout = random.Random(seed).random()",
    "random.seed(seed)\nitems = [1, 2, 3]\nrandom.shuffle(items)\nout = items",
    "torch.manual_seed(seed)\nout = torch.empty(4).normal_()",
    "g = torch.manual_seed(seed)\nout = torch.rand(4, generator=g)",
    "g = [torch.Generator().manual_seed(seed + i) for i in range(2)]\nout = torch.rand(4, generator=g[0])",
    "start = time.time()\nout = seed\nprint(time.time() - start)",
    "deadline = time.time() + 5\nwhile time.time() < deadline:\n    time.sleep(0.1)\nout = seed",
    "out = sorted({prompt, 'b'})[0] + str(seed)",
    "out = len(set(prompt)) + seed",
    "out = [n + seed for n in {1, 2, 3}]",
    "out = hash(seed)",
    "out = hash((seed, 1.5))",
    "out = f'{prompt}/{seed}' if prompt in {'a', 'b'} else seed",
    "tmp = f'/tmp/{os.getpid()}.bin'\nopen(tmp, 'wb').write(bytes([seed % 256]))\nout = open(tmp, 'rb').read()",
    "out = sorted(os.listdir('/src'))[0] + str(seed)",
    "import scipy.stats\nout = scipy.stats.norm.rvs(size=3, random_state=seed % 2**32)",
    "out = (seed % 2**32).to_bytes(4, 'big')",
    "out = self.scaled(seed)",
]


@pytest.mark.parametrize("code", GOOD_BODIES)
def test_what_the_seed_decides_has_no_finding(code: str) -> None:
    assert codes(body(code)) == set()


BAD_BODIES = [
    ("np.random.seed(seed)\nout = np.random.rand()", "seed-over-32-bits"),
    ("np.random.seed(seed + 1)\nout = np.random.rand()", "seed-over-32-bits"),
    ("np.random.seed(seed % 2**33)\nout = np.random.rand()", "seed-over-32-bits"),
    ("f = np.random.seed\nf(seed)\nout = np.random.rand()", "seed-over-32-bits"),
    ("out = np.random.RandomState(seed).rand()", "seed-over-32-bits"),
    ("r = np.random.RandomState(0)\nr.seed(seed)\nout = r.rand()", "seed-over-32-bits"),
    ("if seed > 4294967295:\n    raise ValueError('seed')\nout = seed", "seed-over-32-bits"),
    ("assert 0 <= seed < 2**32\nout = seed", "seed-over-32-bits"),
    ("for _ in range(seed):\n    pass\nout = seed", "seed-over-32-bits"),
    ("out = seed.to_bytes(4, 'big')", "seed-over-32-bits"),
    ("out = random.random() + seed", "unseeded-randomness"),
    ("random.seed()\nout = random.random() + seed", "unseeded-randomness"),
    ("random.seed(None)\nout = random.random() + seed", "unseeded-randomness"),
    ("out = random.Random().random() + seed", "unseeded-randomness"),
    ("out = np.random.default_rng().random() + seed", "unseeded-randomness"),
    ("out = np.random.default_rng(None).random() + seed", "unseeded-randomness"),
    ("x = random.random()\nrandom.seed(seed)\nout = x + random.random()", "unseeded-randomness"),
    ("items = [1, 2, seed]\nrandom.shuffle(items)\nout = items", "unseeded-randomness"),
    ("items = [1, 2, seed]\nitems.sort(key=lambda x: random.random())\nout = items", "unseeded-randomness"),
    ("out = torch.randn(3) + seed", "unseeded-randomness"),
    ("x = torch.zeros(3)\nx.uniform_()\nout = x + seed", "unseeded-randomness"),
    ("torch.seed()\nout = torch.rand(3) + seed", "unseeded-randomness"),
    ("out = torch.rand(3, generator=torch.Generator())", "seed-ignored"),
    ("out = random.SystemRandom().random() + seed", "unseeded-randomness"),
    ("import secrets\nout = secrets.choice('abc') + str(seed)", "unseeded-randomness"),
    ("import uuid\nout = str(uuid.uuid1()) + str(seed)", "unseeded-randomness"),
    ("d = {'t': time.time()}\nout = {**d, 's': seed}", "time-in-output"),
    ("from datetime import datetime as dt\nout = f'{dt.utcnow():%Y} {seed}'", "time-in-output"),
    ("import datetime\nout = datetime.date.today().isoformat() + str(seed)", "time-in-output"),
    ("out = time.strftime('%H:%M:%S') + str(seed)", "time-in-output"),
    ("out = hash(prompt) + seed", "hash-randomisation"),
    ("out = {'a': 1, 'b': 2}[['a', 'b'][hash(prompt) % 2]] + seed", "hash-randomisation"),
    ("out = id(self) + seed", "host-in-output"),
    ("out = [w for w in set(prompt.split())] + [seed]", "set-order"),
    ("out = next(iter({prompt, 'b'})) + str(seed)", "set-order"),
    ("out = os.listdir('/tmp') + [seed]", "folder-order"),
    ("from pathlib import Path as P\nout = [p.name for p in P('/tmp').glob('*.png')] + [seed]", "folder-order"),
    ("out = prompt", "seed-ignored"),
    ("print(seed)\nif seed is None:\n    seed = 3\nout = prompt", "seed-ignored"),
    ("random.seed(seed)\nout = prompt", "seed-ignored"),
    ("out = (lambda: random.choice('ab'))() + str(seed)", "unseeded-randomness"),
    ("out = list(map(lambda c: c + random.choice('ab'), prompt)) + [seed]", "unseeded-randomness"),
    ("def noise():\n    return random.gauss(0, 1)\nout = noise() + seed", "unseeded-randomness"),
    ("from functools import partial\nout = partial(random.choice, 'ab')() + str(seed)", "unseeded-randomness"),
    ("with open('/tmp/out-1.txt', 'w') as f:\n    f.write(str(time.time()))\nout = seed", "time-in-output"),
    ("try:\n    out = seed + random.random()\nexcept ValueError:\n    out = 0", "unseeded-randomness"),
    (
        "match prompt:\n    case 'a':\n        out = random.random()\n    case _:\n        out = seed",
        "unseeded-randomness",
    ),
    ("out = 0\nfor i in range(3):\n    out += random.random()\nout += seed", "unseeded-randomness"),
    ("out = seed + (yes := random.random())", "unseeded-randomness"),
]


@pytest.mark.parametrize(("code", "wanted"), BAD_BODIES)
def test_what_the_seed_does_not_decide_is_named(code: str, wanted: str) -> None:
    assert codes(body(code)) == {wanted}


@pytest.mark.parametrize(
    ("setup", "code", "wanted"),
    [
        ("random.seed(7)", "out = random.random() + seed", {"state-between-predictions"}),
        ("self.r = random.Random(7)", "out = self.r.random() + seed", {"state-between-predictions"}),
        ("self.r = random.Random(7)", "self.r.seed(seed)\nout = self.r.random()", set()),
        ("self.w = np.random.rand(3)", "out = self.w + seed", {"unseeded-randomness"}),
        ("np.random.seed(1)\nself.w = np.random.rand(3)", "out = self.w + seed", set()),
        ("self.n = 0", "self.n += 1\nout = self.n + seed", {"state-between-predictions"}),
        ("self.n = 0", "self.n = 0\nself.n += 1\nout = self.n + seed", set()),
        ("self.n = 0", "self.n += 1\nprint(self.n)\nout = seed", set()),
        ("self.begun = time.time()", "out = self.begun + seed", {"time-in-output"}),
        ("self.g = torch.Generator()", "out = torch.rand(2, generator=self.g.manual_seed(seed))", set()),
        ("import itertools\nself.c = itertools.count()", "out = next(self.c) + seed", {"state-between-predictions"}),
    ],
)
def test_what_setup_leaves_behind_is_told_from_what_each_prediction_makes(
    setup: str, code: str, wanted: set[str]
) -> None:
    assert codes(body(code, setup=setup)) == wanted


def test_a_fixed_hash_seed_in_cog_yaml_is_enough_for_hashes_and_sets() -> None:
    code = "out = hash(prompt) + len(', '.join(set(prompt))) + seed"
    assert codes(body(code)) == {"hash-randomisation"}
    assert codes(body(code, config='environment:\n  - "PYTHONHASHSEED=0"\n')) == set()
    assert codes(body(code, config='environment:\n  - "PYTHONHASHSEED=random"\n')) == {"hash-randomisation"}


def test_what_only_a_yes_or_no_input_asks_for_is_a_warning_because_miners_cannot_send_it() -> None:
    code = "if wild:\n    seed = random.randint(0, 99)\nout = random.Random(seed).random()"
    assert codes(body(code, inputs="wild: bool = False, "), "error") == set()
    assert codes(body(code, inputs="wild: bool = False, "), "warn") == {"unseeded-randomness"}
    assert codes(body(code, inputs="wild: bool = True, "), "error") == {"unseeded-randomness"}


def test_strict_algorithms_on_a_card_need_a_variable_in_cog_yaml() -> None:
    code = "torch.use_deterministic_algorithms(True)\ntorch.backends.cudnn.allow_tf32 = False\n"
    code += "out = torch.ones(seed % 3, device='cuda')"
    reading = body(code)
    assert codes(reading, "info") == {"steady-environment"}
    assert "CUBLAS_WORKSPACE_CONFIG=:4096:8" in reading.findings[-1].patch
    assert codes(body(code, config='environment:\n  - "CUBLAS_WORKSPACE_CONFIG=:4096:8"\n'), "info") == set()


def test_sources_in_the_models_other_files_are_found_there() -> None:
    helper = "import random\nclass Noise:\n    def __call__(self, n):\n        return random.random() * n\n"
    text = (
        "from cog import BasePredictor\nfrom lib.noise import Noise\nimport lib.other as other\n"
        "class Predictor(BasePredictor):\n    def setup(self):\n        self.noise = Noise()\n"
        "    def predict(self, seed: int = 0) -> str:\n        return f'{self.noise(seed)} {other.when()}'\n"
    )
    other = "from time import time as now\ndef when():\n    return now()\n"
    files = {"predict.py": text, "lib/__init__.py": "", "lib/noise.py": helper, "lib/other.py": other}
    reading = read_model('build:\n  python_version: "3.11"\npredict: "predict.py:Predictor"\n', files)
    errors = [(f.file, f.line, f.problem.code) for f in reading.findings if f.problem.severity == "error"]
    assert errors == [("lib/noise.py", 4, "unseeded-randomness"), ("lib/other.py", 3, "time-in-output")]


def test_a_patch_may_touch_several_files(tmp_path: Path) -> None:
    text = (
        "from cog import BasePredictor\nfrom noise import salt\n\n\nclass Predictor(BasePredictor):\n"
        "    def predict(self, seed: int = 0) -> str:\n        return salt() + str(seed)\n"
    )
    files = {
        "cog.yaml": 'build:\n  python_version: "3.11"\npredict: "predict.py:Predictor"\n',
        "predict.py": text,
        "noise.py": "import os\n\n\ndef salt():\n    return os.urandom(4).hex()\n",
    }
    (finding,) = [f for f in read(files).findings if f.problem.severity == "error"]
    after = patched(files, finding.patch, tmp_path)
    assert "random.randbytes(4).hex()" in after["noise.py"]
    assert "random.seed(seed)" in after["predict.py"]
    assert not [f for f in read(after).findings if f.problem.severity == "error"]


ALL = [p.read_text() for p in (*CLEAN, *MARKED, *sorted((FOLDER / "measured").glob("*.py")))]
CONFIG = sources(CLEAN[0])["cog.yaml"]


@settings(max_examples=60, deadline=None)
@for_all(st.data())
def test_no_damage_to_real_sources_makes_it_raise(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(ALL))
    for _ in range(data.draw(st.integers(1, 3))):
        begin = data.draw(st.integers(0, len(text)))
        end = min(len(text), begin + data.draw(st.integers(0, 30)))
        new = data.draw(
            st.sampled_from([text[end : end + 40], "seed", "()", "self.", "\n", "*", "random.random()", "é", "\x00"])
        )
        text = text[:begin] + new + text[end:]
    read_model(CONFIG, {"predict.py": text})


@settings(max_examples=40, deadline=None)
@for_all(st.data())
def test_no_lines_of_real_sources_in_another_order_make_it_raise(data: st.DataObject) -> None:
    lines = data.draw(st.sampled_from(ALL)).split("\n") + data.draw(st.sampled_from(ALL)).split("\n")
    keep = data.draw(st.lists(st.integers(0, len(lines) - 1), max_size=60))
    read_model(CONFIG, {"predict.py": "\n".join(lines[i] for i in keep)})


MONSTERS = {
    "sum": "out = " + "+".join(["random.random()"] * 300),
    "power": "out = seed ** 99999999999 ** 9999999",
    "shift": "out = 1 << seed << seed",
    "text": "out = 'x' * (seed * 10**12)",
    "attributes": "out = seed" + ".a" * 900,
    "brackets": "out = " + "[" * 90 + "seed" + "]" * 90,
    "elif": "\n".join(f"{'elif' if n else 'if'} seed == {n}:\n    out = {n}" for n in range(300)),
    "recursion": "def f(n):\n    return f(n) + g(n)\ndef g(n):\n    return f(n) + f(n)\nout = f(seed)",
    "doubling": "f0 = lambda x: x\n"
    + "\n".join(f"f{n} = lambda x: f{n - 1}(x) + f{n - 1}(x)" for n in range(1, 40))
    + "\nout = f39(seed)",
    "loops": "for a in prompt:\n"
    + "".join(" " * 4 * n + "for x in prompt:\n" for n in range(1, 18))
    + " " * 72
    + "out = seed",
}


@pytest.mark.parametrize("which", MONSTERS)
def test_monsters_end_soon_never_raise_and_say_that_they_were_not_followed(which: str) -> None:
    reading = body(MONSTERS[which])
    followed = which in ("power", "shift", "text", "brackets", "recursion", "doubling")
    assert ("not-followed" in codes(reading, "info")) == (not followed)
    assert "seed-ignored" not in codes(reading)
