"""Which functions of which libraries draw random numbers, seed a generator, read a clock, or differ between machines.

Names are full dotted names, so an alias (`import numpy as np`) makes no difference.
"""

from __future__ import annotations

from arbius_tui.domain.flow_values import Kind

TIME = frozenset({
    "time.time", "time.time_ns", "time.monotonic", "time.monotonic_ns", "time.perf_counter", "time.perf_counter_ns",
    "time.process_time", "time.process_time_ns", "time.ctime", "time.asctime", "time.localtime", "time.gmtime",
    "time.strftime", "time.thread_time", "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today",
    "datetime.date.today", "pandas.Timestamp.now", "pandas.Timestamp.utcnow", "arrow.now", "arrow.utcnow",
    "pendulum.now", "timeit.default_timer",
})  # fmt: skip
TIME_OF_ARGUMENT = {
    "time.ctime": 1, "time.asctime": 1, "time.localtime": 1, "time.gmtime": 1, "time.strftime": 2,
}  # fmt: skip
"""With this many arguments they format a time that was given, and read no clock."""
UUIDS = frozenset({
    "uuid.uuid1", "uuid.uuid4", "shortuuid.uuid", "shortuuid.random", "nanoid.generate", "ulid.new", "ulid.ULID",
    "uuid.getnode",
})  # fmt: skip
ENTROPY = frozenset(
    {"os.urandom", "os.getrandom", "random.SystemRandom", "ssl.RAND_bytes", "Crypto.Random.get_random_bytes"}
)
HOST = frozenset({
    "os.getpid", "os.getppid", "socket.gethostname", "socket.getfqdn", "platform.node", "threading.get_ident",
    "threading.get_native_id", "builtins.id",
})  # fmt: skip


LISTINGS = frozenset({"os.listdir", "os.scandir", "os.walk", "glob.glob", "glob.iglob"})
LISTING_METHODS = frozenset({"iterdir", "glob", "rglob"})
UNORDERED = frozenset({"concurrent.futures.as_completed", "asyncio.as_completed", "concurrent.futures.wait"})


def kind_of(name: str, count: int) -> Kind | None:
    """The sort of origin that a call of this name with so many arguments is, or None."""
    if name in TIME:
        return None if count >= TIME_OF_ARGUMENT.get(name, 99) else "time"
    if name in UUIDS:
        return "uuid"
    if name in LISTINGS or name in UNORDERED:
        return "listing" if name in LISTINGS else "finish"
    if name in ENTROPY or (name.startswith("secrets.") and name != "secrets.compare_digest"):
        return "entropy"
    return "host" if name in HOST else None


LIMIT_32 = 2**32 - 1
EVERYTHING = ("random", "numpy", "torch")

SEEDERS: dict[str, tuple[tuple[str, ...], int | None]] = {
    "random.seed": (("random",), None),
    "numpy.random.seed": (("numpy",), LIMIT_32),
    "torch.manual_seed": (("torch",), None),
    "torch.random.manual_seed": (("torch",), None),
    "torch.cuda.manual_seed": (("torch",), None),
    "torch.cuda.manual_seed_all": (("torch",), None),
    "torch.cuda.random.manual_seed": (("torch",), None),
    "torch.cuda.random.manual_seed_all": (("torch",), None),
    "torch.mps.manual_seed": (("torch",), None),
    "torch.default_generator.manual_seed": (("torch",), None),
    "transformers.set_seed": (EVERYTHING, LIMIT_32),
    "transformers.trainer_utils.set_seed": (EVERYTHING, LIMIT_32),
    "transformers.enable_full_determinism": (EVERYTHING, LIMIT_32),
    "accelerate.utils.set_seed": (EVERYTHING, LIMIT_32),
    "accelerate.utils.random.set_seed": (EVERYTHING, LIMIT_32),
    "diffusers.training_utils.set_seed": (EVERYTHING, LIMIT_32),
    "lightning.seed_everything": (EVERYTHING, LIMIT_32),
    "lightning.pytorch.seed_everything": (EVERYTHING, LIMIT_32),
    "lightning_fabric.seed_everything": (EVERYTHING, LIMIT_32),
    "pytorch_lightning.seed_everything": (EVERYTHING, LIMIT_32),
    "pytorch_lightning.utilities.seed.seed_everything": (EVERYTHING, LIMIT_32),
    "keras.utils.set_random_seed": (("random", "numpy", "tensorflow"), LIMIT_32),
    "tensorflow.keras.utils.set_random_seed": (("random", "numpy", "tensorflow"), LIMIT_32),
    "tensorflow.random.set_seed": (("tensorflow",), None),
    "tensorflow.compat.v1.set_random_seed": (("tensorflow",), None),
    "cv2.setRNGSeed": (("cv2",), 2**31 - 1),
    "cupy.random.seed": (("cupy",), LIMIT_32),
}
"""What each seeds, and the largest seed it takes (None: every one that miners send)."""
RESEEDED_FROM_SYSTEM = {"torch.seed": "torch", "torch.random.seed": "torch", "torch.cuda.seed_all": "torch"}

LIMITED: dict[str, int] = {
    "numpy.random.RandomState": LIMIT_32, "numpy.random.mtrand.RandomState": LIMIT_32, "numpy.uint32": LIMIT_32,
    "numpy.int32": 2**31 - 1, "ctypes.c_int32": 2**63, "sklearn.utils.check_random_state": LIMIT_32,
}  # fmt: skip
"""Functions that refuse a larger first argument."""

GENERATORS: dict[str, str] = {
    "random.Random": "random", "numpy.random.default_rng": "numpy", "numpy.random.RandomState": "numpy",
    "numpy.random.mtrand.RandomState": "numpy", "numpy.random.Generator": "numpy", "numpy.random.PCG64": "numpy",
    "numpy.random.PCG64DXSM": "numpy", "numpy.random.MT19937": "numpy", "numpy.random.Philox": "numpy",
    "numpy.random.SFC64": "numpy", "numpy.random.SeedSequence": "numpy", "torch.Generator": "torch",
    "torch.random.Generator": "torch",
    "sklearn.utils.check_random_state": "numpy", "tensorflow.random.Generator.from_seed": "tensorflow",
    "tensorflow.random.Generator.from_non_deterministic_state": "tensorflow", "cupy.random.default_rng": "cupy",
    "cupy.random.RandomState": "cupy",
}  # fmt: skip
"""Constructors of generators with a state of their own."""
FIXED_WHEN_NEW = frozenset({"torch.Generator", "torch.random.Generator"})
"""A new one always has the same seed: it repeats, and ignores the seed that was asked for."""

_STATE = {"getstate", "setstate", "get_state", "set_state", "Random", "SystemRandom", "seed"}
_NUMPY_OTHERS = _STATE | {"default_rng", "RandomState", "Generator", "PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64",
                          "SeedSequence", "BitGenerator", "mtrand", "bit_generator", "get_bit_generator"}  # fmt: skip
_TORCH = {
    "rand", "randn", "randint", "randperm", "rand_like", "randn_like", "randint_like", "normal", "bernoulli",
    "multinomial", "poisson", "binomial", "dropout", "alpha_dropout", "feature_dropout", "rrelu",
}  # fmt: skip
_TORCH_FUNCTIONS = {"gumbel_softmax", "dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout"}
TENSOR_METHODS = frozenset({
    "normal_", "uniform_", "random_", "bernoulli_", "exponential_", "cauchy_", "log_normal_", "geometric_",
    "multinomial", "bernoulli", "rsample",
})  # fmt: skip
"""Methods of a tensor or a distribution that draw from torch's own generator."""


def drawn_from(name: str) -> str:
    """The library whose own generator a call of this name draws from, or ""."""
    owner, _, last = name.rpartition(".")
    if owner == "random" and last not in _STATE:
        return "random"
    if owner in ("numpy.random", "numpy.random.mtrand") and last not in _NUMPY_OTHERS:
        return "numpy"
    if owner == "torch" and last in _TORCH:
        return "torch"
    if (owner == "torch.nn.functional" and last in _TORCH_FUNCTIONS) or owner == "torch.nn.init":
        return "torch"
    if owner in ("tensorflow.random", "tensorflow.compat.v1.random", "keras.random") and last not in _STATE:
        return "tensorflow" if not last.startswith(("set_", "stateless_", "Generator", "create_")) else ""
    return "cupy" if owner == "cupy.random" and last not in _NUMPY_OTHERS else ""


SILENT = (
    "builtins.print", "logging.", "warnings.", "loguru.", "structlog.", "tqdm.write",
    "tqdm.tqdm.write", "time.sleep", "sys.stdout.",
    "sys.stderr.", "gc.", "torch.cuda.empty_cache", "torch.cuda.synchronize", "asyncio.sleep", "wandb.",
    "cog.emit_metric", "cog.current_scope", "traceback.", "builtins.len", "builtins.isinstance", "builtins.issubclass",
    "builtins.callable", "builtins.hasattr", "builtins.type", "os.makedirs", "os.mkdir", "os.remove", "os.unlink",
    "shutil.rmtree", "pprint.", "faulthandler.", "atexit.", "signal.",
)  # fmt: skip
"""What they are given does not become output."""


def is_silent(name: str) -> bool:
    """Whether a call only tells somebody something."""
    return any(name.startswith(s) if s.endswith(".") else name == s for s in SILENT)


PATHS = (
    "pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath", "cog.Path", "cog.File", "os.path.join", "os.path.abspath",
    "os.fspath", "os.path.realpath", "os.path.expanduser", "os.path.normpath", "tempfile.mkdtemp", "tempfile.mktemp",
)  # fmt: skip
"""They make a path of what they are given."""
STANDARD = (
    "time.", "datetime.", "os.", "sys.", "math.", "json.", "re.", "string.", "builtins.", "collections.", "itertools.",
    "functools.", "operator.", "typing.", "logging.", "copy.", "contextlib.", "dataclasses.", "enum.", "pathlib.",
    "tempfile.", "shutil.", "cog.", "random.", "io.", "base64.", "struct.", "zlib.", "uuid.", "secrets.", "hashlib.",
)  # fmt: skip
"""A call of these cannot pass a seed on to anything that is not seen here."""
