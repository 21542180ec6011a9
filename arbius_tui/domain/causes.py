"""Why a seed does not mean one output, in words: what was seen, why it matters to miners, and what mends it."""

from __future__ import annotations

from collections.abc import Mapping

from arbius_tui.domain.case_values import LARGEST_SEED
from arbius_tui.domain.errors import Fix, Problem, Severity


def cause(code: str, what: str, why: str, fix: str, severity: Severity = "error") -> tuple[str, Problem]:
    """A row of the table of causes."""
    return code, Problem(code, what, why, Fix(fix), severity=severity)


CAUSES: Mapping[str, Problem] = dict(
    (
        cause(
            "unseeded-randomness",
            "the same seed gives other bytes at once",
            "a miner's answer is compared byte by byte; this one never matches",
            "seed every generator from the seed input in each prediction: random, numpy, torch; no os.urandom, no uuid",
        ),
        cause(
            "state-between-predictions",
            "the same seed gives other bytes until the server is restarted",
            "something is seeded once, or counts on between predictions; miners run many tasks in one process",
            "seed at the start of each prediction, not in setup, and keep nothing between predictions",
        ),
        cause(
            "hash-randomisation",
            "the same seed gives other bytes after a restart",
            "something is drawn anew in each process: Python's hash() of text and the order of its sets, or what setup "
            "makes at random, such as weights that no file gives",
            'sort sets, do not use hash(), or add environment: ["PYTHONHASHSEED=0"] to cog.yaml; seed what setup makes',
        ),
        cause(
            "time-in-output",
            "the same seed gives other bytes a second later",
            "the file carries the time it was made",
            "write no timestamps, dates or random ids into the output or its metadata",
        ),
        cause(
            "seed-ignored",
            "another seed gives the same bytes",
            "the seed has no effect, so every task with the same prompt has one answer that can be copied",
            "use the seed input for every random choice",
        ),
        cause(
            "seed-zero-unused",
            "seed 0 gives other bytes each time",
            "0 is a seed like any other; a predictor that takes it for no seed draws one of its own",
            "test for None where a seed may be missing: if seed is None, not if not seed",
        ),
        cause(
            "large-seed-unused",
            "a seed above 32 bits gives other bytes each time",
            f"nearly every task has such a seed, up to {LARGEST_SEED}",
            "use the whole seed, or reduce it where a generator wants 32 bits: seed % 2**32",
        ),
        cause(
            "metadata-only",
            "the picture or the sound is the same, and the bytes around it are not",
            "miners compare bytes: a time, a name or a random id in the file is enough to lose",
            "write the file without metadata: no timestamps, no ids, no comments; for video ffmpeg -bitexact",
        ),
        cause(
            "arithmetic-noise",
            "the same seed gives nearly the same output, and not the same bytes",
            "miners compare bytes: sums in another order, on many threads or on a GPU, end in another last digit",
            "make the arithmetic strict: torch.use_deterministic_algorithms(True), cudnn.benchmark = False, "
            "CUBLAS_WORKSPACE_CONFIG=:4096:8; where that is not enough, one thread, or round the output",
        ),
        cause(
            "not-explained",
            "now and then the same seed gives other bytes",
            "neither time nor a restart nor the order of predictions explains it; threads that race do such things",
            "compare two of the runs with d, and see whether it stays with one thread and strict arithmetic: "
            "OMP_NUM_THREADS=1, torch.use_deterministic_algorithms(True)",
        ),
        cause(
            "prompt-ignored",
            "another prompt gives the same bytes",
            "the seed decides the output, and what people ask for does not",
            "use every text input, or leave it out of the predictor",
            "warn",
        ),
        cause(
            "hardware",
            "the same seed gives other bytes on another machine",
            "miners compare their bytes with those of other machines",
            "say in the title which GPU it is for, and make the arithmetic strict: "
            "torch.use_deterministic_algorithms(True), no TF32, CUBLAS_WORKSPACE_CONFIG=:4096:8",
        ),
        cause(
            "seed-over-32-bits",
            "seeds above 32 bits fail",
            f"miners send any seed up to {LARGEST_SEED}; nearly every task would fail",
            "reduce the seed where a generator wants 32 bits: np.random.seed(seed % 2**32)",
        ),
        cause(
            "seed-bounded",
            "the model takes no seed above its own bound",
            f"miners send any seed up to {LARGEST_SEED}; a task with a larger one is refused",
            "take the bound off the seed input; where a generator wants 32 bits: seed % 2**32",
        ),
        cause(
            "order-leak",
            "the output depends on the prediction before it",
            "miners run tasks in any order",
            "reset caches and generators at the start of each prediction",
        ),
        cause(
            "output-shape",
            "the number or the names of the outputs change",
            "a miner commits to one folder of files; another set of files is another answer",
            "return the same number of files, with the same types, for every input",
        ),
        cause(
            "model-failed",
            "the model does not answer a prediction with an output",
            "a prediction that fails has no bytes, so there is nothing that could be equal",
            "read the model's own error below, mend it and run the test again",
        ),
        cause(
            "too-slow",
            "the model gives no answer in time",
            "a miner gives a task up that takes far longer than others, and somebody may ask for just that",
            "narrow the bounds of that input, in the model and in the template",
        ),
        cause(
            "endpoint-lost",
            "the server stopped answering",
            "without an answer nothing can be compared",
            "look at the server's log, start it again and rerun the cases that failed",
        ),
    )
)
"""Each cause by its code."""
