"""The values that the cases of a seed test try: choices and bounds of each input, texts, pictures and seeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from arbius_tui.domain.inputs import ModelInput, Sample, as_sent, edges, sample_picture, text_like, whole

BASE_SEED = 33111
"""The seed of the published guide's own example."""
LARGEST_SEED = 2**53 - 17
"""A miner takes the task's id modulo 2^53 - 16: seeds run from 0 to this one."""
SECOND_TEXT = "a second arbius test"
ABSENT = object()
"""The value of an input that is not sent."""


def varied(inputs: Sequence[ModelInput]) -> list[ModelInput]:
    """The inputs that a task can say: not the seed, which miners set, and not what no template can name."""
    return [i for i in inputs if i.name != "seed" and i.type != "secret" and not (i.deprecated and not i.required)]


def is_prompt(item: ModelInput, sample: Sample) -> bool:
    """Whether any text will do here: it was made up, or is a prompt by its name. Others may be words of a set."""
    free = item.type == "string" and not item.choices
    return free and (item.name in sample.stated or "prompt" in item.name or item.name == "text")


def second_value(item: ModelInput, sample: Sample) -> Any:
    """Another text for a prompt, another picture for one that we made up; ABSENT where there is none."""
    usual = sample.inputs.get(item.name, ABSENT)
    if is_prompt(item, sample):
        text = text_like(item, SECOND_TEXT)
        return ABSENT if text is None or text == usual else text
    return sample_picture(second=True) if item.type == "file" and item.name in sample.stated else ABSENT


def values(item: ModelInput, usual: Any = ABSENT) -> Iterator[Any]:
    """The choices or the bounds of an input, without the value it has in the sample."""
    seen = [usual]
    for value in listed(item, usual):
        if not any(value == known and type(value) is type(known) for known in seen):
            seen.append(value)
            yield value


def listed(item: ModelInput, usual: Any) -> Sequence[Any]:
    """Choices, bounds, or yes and no; nothing for an input that takes anything."""
    if item.choices:
        return [as_sent(choice) for choice in item.choices if choice is not None]
    if item.type == "boolean":
        return (False, True) if usual is ABSENT else (not usual,)
    return [bound for bound in edges(item) if bound is not None]


# -- seeds


def seed_input(inputs: Sequence[ModelInput]) -> ModelInput | None:
    """The model's own seed, None where it has none."""
    return next((item for item in inputs if item.name == "seed"), None)


def refusal(item: ModelInput | None, seed: int) -> str:
    """Why the model's own schema refuses this seed, which a miner may send; empty when it does not."""
    if item is None or item.type not in ("integer", "number", "any"):
        return ""
    if item.choices:
        return "" if seed in item.choices else f"the model takes only {len(item.choices)} seeds"
    if item.max is not None and seed > item.max:
        return f"the model takes no seed above {whole(item.max)}"
    return f"the model takes no seed below {whole(item.min)}" if item.min is not None and seed < item.min else ""


def usual_seeds(item: ModelInput | None) -> tuple[int, int]:
    """A seed that most cases have and another one: the guide's own, else the next that the model takes."""
    if item and item.choices:
        whole_ones = [whole(c) for c in item.choices if isinstance(whole(c), int) and not isinstance(c, bool)]
        first, second = (*whole_ones, BASE_SEED, BASE_SEED + 1)[:2]
        return (BASE_SEED, first if first != BASE_SEED else second) if BASE_SEED in whole_ones else (first, second)
    low, high = edges(item) if item else (None, None)
    first = max(BASE_SEED if high is None else min(BASE_SEED, int(high)), 0 if low is None else int(low), 0)
    other = first + 1 if high is None or first + 1 <= high else first - 1
    return min(first, LARGEST_SEED), min(max(other, 0), LARGEST_SEED)


def seed_doubts(inputs: Sequence[ModelInput]) -> Iterator[str]:
    """What a reader should know of the model's seed before the first case runs."""
    item = seed_input(inputs)
    if item is None:
        yield "the model has no input named seed; miners send one with every task, and Cog drops it"
    elif item.type not in ("integer", "any"):
        yield f"the model's seed is a {item.type}; miners send a whole number"
    elif said := refusal(item, LARGEST_SEED) or refusal(item, 0):
        yield f"{said}; miners send seeds from 0 to {LARGEST_SEED}"


def shared(sample: Sample, own: Mapping[str, Any]) -> Sample:
    """The sample with what the author stated in place of ours."""
    stated = tuple(name for name in sample.stated if name not in own)
    impossible = tuple(name for name in sample.impossible if name not in own)
    return Sample({**sample.inputs, **own}, stated, impossible)
