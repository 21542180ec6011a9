"""Imports against what will be installed: cog builds without looking, and the container then ends in SETUP_FAILED."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

from arbius_tui.domain.errors import Severity
from arbius_tui.domain.finding import Edit, Finding, diff, found, with_patch
from arbius_tui.domain.python_source import PythonFile, dotted

SETUP = "cog builds the image all the same; the container then ends in SETUP_FAILED"
DISTRIBUTIONS = {
    "cv2": "opencv-python-headless", "PIL": "pillow", "sklearn": "scikit-learn", "skimage": "scikit-image",
    "yaml": "PyYAML", "bs4": "beautifulsoup4", "dateutil": "python-dateutil", "dotenv": "python-dotenv",
    "google": "google-api-python-client", "OpenSSL": "pyOpenSSL", "Crypto": "pycryptodome", "serial": "pyserial",
    "usb": "pyusb", "magic": "python-magic", "docx": "python-docx", "pptx": "python-pptx", "fitz": "PyMuPDF",
    "jose": "python-jose", "jwt": "PyJWT", "git": "GitPython", "github": "PyGithub", "attr": "attrs",
    "faiss": "faiss-cpu", "pytorch_lightning": "pytorch-lightning", "llama_cpp": "llama-cpp-python", "clip": "clip",
    "flash_attn": "flash-attn", "sentence_transformers": "sentence-transformers", "whisper": "openai-whisper",
    "k_diffusion": "k-diffusion", "open_clip": "open_clip_torch", "lpips": "lpips", "pkg_resources": "setuptools",
    "imageio_ffmpeg": "imageio-ffmpeg", "ffmpeg": "ffmpeg-python", "Levenshtein": "python-Levenshtein",
    "basicsr": "basicsr", "gfpgan": "gfpgan", "realesrgan": "realesrgan", "huggingface_hub": "huggingface-hub",
    "tensorflow_hub": "tensorflow-hub", "mpl_toolkits": "matplotlib", "osgeo": "GDAL", "wx": "wxPython",
    "pythonjsonlogger": "python-json-logger", "insightface": "insightface", "taming": "taming-transformers",
}  # fmt: skip
"""Names that are imported and are not the names of their packages."""
ALSO = {
    "cv2": {"opencv-python", "opencv-contrib-python", "opencv-contrib-python-headless"},
    "PIL": {"pillow-simd"}, "faiss": {"faiss-gpu", "faiss-gpu-cu12"}, "tensorflow": {"tensorflow-cpu", "tf-nightly"},
    "clip": {"openai-clip", "clip-anytorch"}, "onnxruntime": {"onnxruntime-gpu"},
    "google": {"google-cloud-storage", "protobuf", "google-generativeai", "google-genai"},
    "pytorch_lightning": {"lightning"}, "Crypto": {"pycrypto"},
    "jwt": {"jwt"}, "ffmpeg": {"python-ffmpeg"}, "magic": {"python-magic-bin"}, "psycopg2": {"psycopg2-binary"},
    "triton": {"pytorch-triton"}, "open_clip": {"open-clip-torch"}, "moviepy": {"moviepy"},
}  # fmt: skip
"""Other packages that provide the same name."""
BRINGS = {
    "torch": {"sympy", "networkx", "jinja2", "fsspec", "filelock", "typing_extensions", "mpmath", "markupsafe",
              "triton", "torchgen", "functorch"},
    "torchvision": {"torch", "numpy", "PIL"}, "torchaudio": {"torch"}, "numpy": set(), "pillow": set(), "einops": set(),
    "scipy": {"numpy"}, "pandas": {"numpy", "dateutil", "pytz", "tzdata", "six"}, "safetensors": set(), "tqdm": set(),
    "scikit-learn": {"numpy", "scipy", "joblib", "threadpoolctl"}, "opencv-python": {"numpy"}, "requests": set(),
    "opencv-python-headless": {"numpy"}, "imageio": {"numpy", "PIL"}, "imageio-ffmpeg": set(), "pyyaml": set(),
    "scikit-image": {"numpy", "scipy", "networkx", "PIL", "imageio", "tifffile", "packaging", "lazy_loader"},
    "huggingface-hub": {"filelock", "fsspec", "packaging", "yaml", "requests", "tqdm", "typing_extensions"},
    "transformers": {"huggingface_hub", "numpy", "yaml", "regex", "requests", "safetensors", "tokenizers", "tqdm",
                     "filelock", "packaging", "fsspec"},
    "diffusers": {"huggingface_hub", "numpy", "PIL", "regex", "requests", "safetensors", "importlib_metadata",
                  "filelock", "zipp", "fsspec", "packaging", "yaml", "tqdm"},
    "accelerate": {"huggingface_hub", "numpy", "torch", "psutil", "safetensors", "packaging", "yaml"},
    "sentencepiece": set(), "protobuf": set(), "xformers": {"torch", "numpy"}, "soundfile": {"numpy", "cffi"},
    "timm": {"torch", "torchvision", "yaml", "huggingface_hub", "safetensors"},
}  # fmt: skip
"""What popular packages bring along (names as they are imported)."""
WITH_COG = {"cog", "coglet", "yaml", "requests", "structlog", "typing_extensions", "urllib3", "certifi", "idna",
            "charset_normalizer", "setuptools", "pkg_resources", "pip", "_distutils_hack", "wheel"}  # fmt: skip
"""What stands in every image that cog builds."""
GONE = {
    (3, 12): {"asynchat", "asyncore", "distutils", "imp", "smtpd"},
    (3, 13): {"aifc", "audioop", "cgi", "cgitb", "chunk", "crypt", "imghdr", "mailcap", "msilib", "nis", "nntplib",
              "ossaudiodev", "pipes", "sndhdr", "spwd", "sunau", "telnetlib", "uu", "xdrlib", "lib2to3"},
}  # fmt: skip
"""Modules that a version of Python no longer has."""
LATER = {
    "tomllib": (3, 11),
    "_pyrepl": (3, 13),
    "annotationlib": (3, 14),
    "compression": (3, 14),
    "string.templatelib": (3, 14),
}


@dataclass(frozen=True, slots=True)
class Installed:
    """What will be installed: normalised names, and whether there is more that cannot be read, e.g. a URL."""

    names: frozenset[str] = frozenset()
    opaque: bool = False
    file: str = ""


@dataclass(frozen=True, slots=True)
class Imported:
    """One import: the first part of the module's name, and where it stands."""

    module: str
    file: PythonFile = field(repr=False)
    node: ast.AST = field(repr=False)
    relative: bool = False


def normal(name: str) -> str:
    """A package's name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def installed(
    file: str, sources: Mapping[str, str], packages: Collection[str] = (), commands: Collection[str] = ()
) -> Installed:
    """What a requirements file, the packages of cog.yaml and its build commands install."""
    names: set[str] = set()
    opaque = False
    lines = [*packages, *requirement_lines(file, sources, set())]
    for command in commands:
        opaque |= bool(re.search(r"\b(git clone|conda|setup\.py|poetry|pdm|https?://|\.whl|-r\b|-e\b)", command))
        for part in re.findall(r"(?:pip3?|uv pip)\s+install\s+([^&|;\n]*)", command):
            lines += [word.strip("'\"") for word in part.split() if not word.startswith("-")]
    for line in lines:
        name = requirement(line)
        opaque |= name is None
        names |= {normal(name)} if name else set()
    return Installed(frozenset(names), opaque, file)


def requirement_lines(file: str, sources: Mapping[str, str], seen: set[str]) -> Iterator[str]:
    """The lines of a requirements file and of those it names."""
    if file in seen or file not in sources:
        return
    seen.add(file)
    for row in sources[file].replace("\\\n", " ").splitlines():
        line = row.partition(" #")[0].strip()
        other = re.match(r"(?:-r|--requirement)[ =]?\s*(\S+)", line)
        if other:
            folder = file.rpartition("/")[0]
            yield from requirement_lines(f"{folder}/{other[1]}" if folder else other[1], sources, seen)
        elif line and not line.startswith(("#", "--", "-c", "-i", "-f")):
            yield line


def requirement(line: str) -> str | None:
    """The name that a requirement installs, or None where it does not say."""
    named = re.search(r"[#&]egg=([A-Za-z0-9._-]+)", line)
    if named:
        return named[1]
    match = re.match(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(?:[=<>!~;@ (,]|$)", line)
    bare = line.startswith(("git+", "http")) or line.endswith((".whl", ".tar.gz", ".zip"))
    return match[1] if match and ("@" in line or not bare) and not line.startswith("git+") else None


@cache
def standard(python: tuple[int, int]) -> frozenset[str]:
    """The top-level modules of this version of Python."""
    names = set(sys.stdlib_module_names) | {"__main__", "__future__"}
    for version, gone in GONE.items():
        names = names - gone if python >= version else names | gone
    return frozenset(n for n in names | LATER.keys() if python >= LATER.get(n, (3, 0)))


def imports_of(file: PythonFile) -> Iterator[Imported]:
    """The imports that must succeed: not those that the file itself guards."""
    stack: list[ast.AST] = [file.tree]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Import):
            yield from (Imported(item.name, file, node) for item in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield Imported(node.module or "", file, node, bool(node.level))
        elif isinstance(node, ast.Try) and guards(node):
            stack += [*node.orelse, *node.finalbody]
        elif isinstance(node, ast.If) and dotted(node.test).endswith("TYPE_CHECKING"):
            stack += node.orelse
        else:
            stack += list(ast.iter_child_nodes(node))


def guards(node: ast.Try) -> bool:
    """Whether a `try` expects that an import may fail."""
    for handler in node.handlers:
        kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
        for kind in kinds:
            name = getattr(kind, "id", getattr(kind, "attr", "")) if kind is not None else "Exception"
            if name in ("ImportError", "ModuleNotFoundError", "Exception", "BaseException", "OSError"):
                return True
    return False


def local_modules(files: Collection[str], home: str = "") -> frozenset[str]:
    """The top-level names that can be imported from the model's own folder, and from the predictor's."""
    found_ = set()
    for name in files:
        for folder in {"", home}:
            start = f"{folder}/" if folder else ""
            if name.startswith(start):
                first, slash, _ = name.removeprefix(start).partition("/")
                stem, _, end = first.partition(".")
                if slash or end.endswith(("py", "so", "pyd")):
                    found_.add(first if slash else stem)
    return frozenset(found_)


def reached(home: str, files: Mapping[str, PythonFile]) -> tuple[PythonFile, ...]:
    """The model's own files that importing the predictor imports, itself first."""
    order: dict[str, PythonFile] = {}
    waiting = [home]
    while waiting:
        name = waiting.pop()
        if name in order or name not in files:
            continue
        order[name] = files[name]
        for node in ast.walk(files[name].tree):
            waiting += [file for module in modules(node, name) for file in candidates(module, name, home)]
    return tuple(order.values())


def modules(node: ast.AST, file: str) -> list[str]:
    """The full names of the modules that a statement may import."""
    if isinstance(node, ast.Import):
        return [item.name for item in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    start = (
        ".".join([*file.split("/")[: -node.level], node.module or ""]).strip(".") if node.level else node.module or ""
    )
    return [start, *(f"{start}.{item.name}".strip(".") for item in node.names)]


def candidates(module: str, file: str, home: str) -> Iterator[str]:
    """The files that a module may be: from the model's folder, the predictor's, or the importing file's."""
    parts = module.split(".")
    for folder in {"", home.rpartition("/")[0], file.rpartition("/")[0]}:
        start = f"{folder}/" if folder else ""
        for count in range(1, len(parts) + 1):
            path = start + "/".join(parts[:count])
            yield from (f"{path}.py", f"{path}/__init__.py")


def missing(
    home: str, files: Mapping[str, PythonFile], every: Collection[str], have: Installed, python: tuple[int, int],
    sources: Mapping[str, str],
) -> Iterator[Finding]:  # fmt: skip
    """Imports that will fail, each once."""
    local = local_modules(every, home.rpartition("/")[0])
    known = provided(have)
    told: set[str] = set()
    reach = reached(home, files)
    moved = any("sys.path" in file.text for file in reach)
    for file in reach:
        for item in imports_of(file):
            module = item.module.partition(".")[0]
            if item.relative:
                yield from relative(item, home)
            elif (
                module
                and module not in told | local | known | standard(python)
                and not (moved and inner(module, every))
            ):
                told.add(module)
                yield absent(item, module, have, python, sources)


def inner(module: str, files: Collection[str]) -> bool:
    """Whether a module stands somewhere deeper in the folder; code that changes sys.path may find it there."""
    return any(module in name.removesuffix(".py").split("/") for name in files)


def provided(have: Installed) -> frozenset[str]:
    """The modules that the installed packages bring."""
    names = {name for distribution in have.names for name in BRINGS.get(distribution, set())} | WITH_COG
    names |= {name.replace("-", "_") for name in have.names} | set(have.names)
    for module, distribution in DISTRIBUTIONS.items():
        if {normal(d) for d in {distribution, *ALSO.get(module, set())}} & have.names:
            names.add(module)
    for module, others in ALSO.items():
        if {normal(d) for d in others} & have.names:
            names.add(module)
    return frozenset(names)


def relative(item: Imported, home: str) -> Iterator[Finding]:
    """A relative import in the predictor's own file, which is no part of a package."""
    if item.file.name == home:
        yield found(
            item.file.place(item.node), "relative-import", "the predictor's file has a relative import",
            why=f"{SETUP}: attempted relative import with no known parent package", fix="import by the full name",
        )  # fmt: skip


def absent(
    item: Imported, module: str, have: Installed, python: tuple[int, int], sources: Mapping[str, str]
) -> Finding:
    """An import of something that is not installed; only a warning where other packages may bring it."""
    gone = module in {name for names in GONE.values() for name in names}
    sure = not have.opaque and have.names <= BRINGS.keys()
    severity: Severity = "error" if sure or gone else "warn"
    package = DISTRIBUTIONS.get(module, module)
    where = have.file or "a requirements file that cog.yaml names as python_requirements"
    what = f"{module} is not in Python {python[0]}.{python[1]}" if gone else f"{module} is imported and not installed"
    why = f"{SETUP}: No module named {module!r}" if sure or gone else "perhaps another package brings it; else " + SETUP
    finding = found(
        item.file.place(item.node), "import-not-installed", what, why=why,
        fix=f"add {package} to {where}", severity=severity, detail=item.file.code(item.node),
    )  # fmt: skip
    return with_patch(finding, "" if gone else added(have.file, sources, package))


def added(file: str, sources: Mapping[str, str], package: str) -> str:
    """A diff that adds a package to a requirements file."""
    if file not in sources:
        return ""
    text = sources[file]
    line = text.count("\n") + 1
    last = text.rpartition("\n")[2]
    edit = Edit(line, len(last), line, len(last), ("\n" if last else "") + package + "\n")
    return diff(sources, {file: [edit]})
