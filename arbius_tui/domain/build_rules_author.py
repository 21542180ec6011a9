"""What cog says of an author's own files, cog.yaml and the predictor, and what it means. One row for each text.

The texts are those of cog 0.22 with Docker Engine 20.10 and 26.1; the rows on older cogs are from their sources.
"""

from __future__ import annotations

from arbius_tui.domain.build_rule import Rule

CONFIG = (
    Rule(
        "no-cog-yaml",
        r"cog\.yaml not found in (?P<path>.+?) \(or in any parent",
        "there is no cog.yaml in {path}, nor in any folder above it",
        "cog builds a model from its cog.yaml",
        "point at the folder that has it; cog init writes a first one",
        "cog init",
        author=True,
    ),
    Rule(
        "bad-cog-yaml",
        r".*invalid YAML: (?:yaml: )?(?P<reason>.+)",
        "cog.yaml is not YAML: {reason}",
        "cog reads nothing of a file that it cannot parse",
        "mend it at the line that is named; YAML wants blanks, never tabs, and the same depth for the same block",
        author=True,
    ),
    Rule(
        "run-and-predict",
        r"only one of run or predict can be set",
        "cog.yaml has both run: and predict:",
        "they are the new and the old name of the same thing",
        "keep run: with a Runner, or predict: with a Predictor, and remove the other",
        author=True,
    ),
    Rule(
        "no-python-version",
        r'python_version is required|"python:-slim"',
        "cog.yaml does not say which Python to use",
        "cog chooses the base image by it",
        'add it to cog.yaml under build:, e.g. python_version: "3.11"',
        author=True,
    ),
    Rule(
        "python-too-old",
        r'invalid build\.python_version "(?P<version>[^"]*)": minimum supported Python version is (?P<least>\S+)',
        "this cog does not build for Python {version}",
        "its server needs Python {least} or later",
        'set python_version: "3.11" in cog.yaml',
        author=True,
    ),
    Rule(
        "predictor-form",
        r'invalid (?P<key>run|predict|train) "(?P<ref>[^"]*)": must be in the form',
        "{key}: {ref} in cog.yaml names no class",
        "cog wants the file and the class in it",
        "write it as file:class, e.g. run.py:Runner or predict.py:Predictor",
        author=True,
    ),
    Rule(
        "requirements-missing",
        r'invalid build\.python_requirements "(?P<file>[^"]*)": file does not exist',
        "cog.yaml names {file}, and there is no such file",
        "the packages of the model are installed from it",
        "write the file, or mend python_requirements in cog.yaml",
        author=True,
    ),
    Rule(
        "env-denied",
        r'environment variable "(?P<name>[^"]*)" is not allowed',
        "cog does not let a model set {name}",
        "it keeps this name for itself; PYTHONHASHSEED and CUBLAS_WORKSPACE_CONFIG are allowed",
        "take {name} out of environment: in cog.yaml; set it at the top of your own code if you must",
        author=True,
    ),
    Rule(
        "image-and-model",
        r"'model' and 'image' cannot both be set",
        "cog.yaml has both model: and image:",
        "each of them is where the model is pushed to",
        "keep one of them",
        author=True,
    ),
    Rule(
        "run-newline",
        r"One of the commands in 'run' contains a new line",
        "a command under build: run: in cog.yaml goes over two lines",
        "each command becomes one line of a Dockerfile",
        "make it one list item for each command",
        author=True,
    ),
    Rule(
        "cog-yaml-invalid",
        r"(?:schema error in \"[^\"]*\": |^invalid (?=[\w.]+[: ]))(?P<reason>.+)",
        "cog.yaml is refused: {reason}",
        "cog checks it before it builds",
        "mend what is named; docs/yaml.md of cog lists the keys",
        author=True,
    ),
)

MODEL = (
    Rule(
        "no-predictor",
        r"no predict or train reference found in cog\.yaml",
        "cog.yaml does not say where the predictor is",
        "the image would have nothing to run",
        'add it, e.g. run: "run.py:Runner" or predict: "predict.py:Predictor"',
        author=True,
    ),
    Rule(
        "predictor-missing",
        r"failed to read predictor source (?P<path>.+?): open",
        "the predictor's file is not there: {path}",
        "cog reads its inputs from the source",
        "write it, or mend run: or predict: in cog.yaml",
        author=True,
    ),
    Rule(
        "predictor-no-method",
        r"(?P<name>\w+) must define run\(\) or predict\(\)",
        "cog sees no run() and no predict() in {name}",
        "it says the same when there is a syntax error in the line of def",
        "define one of them, and see that the file compiles: python -m py_compile FILE",
        author=True,
    ),
    Rule(
        "input-without-type",
        r"parameter '(?P<name>[^']*)' on (?P<method>\w+) has no type annotation",
        "the input {name} of {method}() has no type",
        "cog makes the form of the model from the types",
        "write its type, e.g. {name}: int = Input(default=0)",
        author=True,
    ),
    Rule(
        "input-choices",
        r"parameter '(?P<name>[^']*)': choices expression cannot be statically resolved",
        "the choices of the input {name} are computed",
        "cog reads the source and never runs it",
        "write them out as a list of literals",
        author=True,
    ),
    Rule(
        "type-unknown",
        r"cannot resolve type '(?P<name>[^']*)'",
        "cog cannot tell what the type {name} is",
        "it reads the source and never imports it",
        "use str, int, float, bool, Path, a list of them or a BaseModel of your own",
        author=True,
    ),
    Rule(
        "schema-invalid",
        r"Model schema is invalid: (?:invalid components: )?(?P<reason>.+)",
        "an input contradicts itself: {reason}",
        "a default must keep to its own ge, le and choices",
        "mend the input; the words below name it",
        author=True,
    ),
    Rule(
        "sdk-too-old",
        r"(?:SDK|cog) version (?P<version>\S+) is (?:not supported|below the minimum)"
        r".*?(?:use|version) (?P<least>\d\S*)(?: or newer|$)",
        "this cog cannot build with sdk_version {version}",
        "it needs {least} or later; the older servers need an older cog",
        "take sdk_version out of cog.yaml, or install the cog of that time",
        author=True,
    ),
    Rule(
        "no-return-type",
        r"^image build failed: (?:image build failed: )?(?P<name>run|predict|train)$",
        "{name}() does not say what it returns (cog prints only the name)",
        "cog makes the schema of the output from that type",
        "write it, e.g. def {name}(self, ...) -> Path:",
        author=True,
    ),
    Rule(
        "class-missing",
        r"^image build failed: (?:image build failed: )?(?P<name>\w+)$",
        "cog finds no {name} in the predictor's file (cog prints only the name)",
        "cog.yaml names the class; where it is a function, its return type is what is missing",
        "mend the name in cog.yaml or in the file",
        author=True,
    ),
)
