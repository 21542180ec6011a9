"""What a person has to know of a draft, each as a problem at its place in the template or beside it."""

from __future__ import annotations

from collections.abc import Iterator

from arbius_tui.domain.draft import MAX_SEED, Asked, Draft, LeftOut
from arbius_tui.domain.errors import Fix, Problem


def problems(found: Draft) -> list[Problem]:
    """What blocks, what is asked, what cannot be said, and what is wrong with the model's seed.

    `draft-blocked` is an error: no task can succeed. An asked key of meta that is empty is lint's business, which says
    it in the same place.
    """
    places = {row.get("variable"): f"/input/{n}" for n, row in enumerate(found.template.document["input"])}
    made = [blocked(item) for item in found.left_out if item.blocks]
    made += [asked(item, places) for item in found.asked if item.part != "meta" or item.put]
    made += [
        Problem(
            "draft-unsaid",
            f"`{item.variable}`: {item.reason}",
            "miners check only type, bounds and choices before they send a value",
            Fix("say it in the description, or let the model take more"),
            severity="info",
            path=places.get(item.variable, ""),
        )
        for item in found.unsaid
    ]
    return made + list(seed(found))


def blocked(item: LeftOut) -> Problem:
    """An input that the model needs and that no task can give."""
    return Problem(
        "draft-blocked",
        f"`{item.variable}` is needed by the model and cannot be in a template",
        item.reason,
        Fix(f"give `{item.variable}` a default in the model's code, build it again, and draft again"),
        path=f"/left/{item.variable}",
    )


def asked(item: Asked, places: dict[str, str]) -> Problem:
    """A value that was put there and that only the author can confirm."""
    known = {"meta": "/meta", "output": "/output/0"}
    place = known.get(item.part) or places.get(item.variable, "")
    return Problem(
        "draft-asked",
        f"{item.variable}{f'.{item.key}' if item.key else ''}: {item.reason}",
        "nothing is made up without saying so",
        Fix("look at this value and change it if it is wrong"),
        severity="warn",
        path=f"{place}/{item.key}" if place and item.key else place,
    )


def seed(found: Draft) -> Iterator[Problem]:
    """What is wrong with the seed: miners set it, whatever the model takes."""
    item = found.seed
    if item is None:
        if found.total:
            yield Problem(
                "draft-no-seed",
                "the model has no input named seed",
                "miners set `seed` for every task; a model that does not take it must give the same bytes every time",
                Fix("add `seed: int` to predict() and seed everything random with it"),
                severity="warn",
            )
        return
    if item.type not in ("integer", "number"):
        what = f"the model takes `seed` as {item.type}"
    elif item.max is not None and item.max < MAX_SEED:
        what = f"the model takes seeds up to {item.max} only"
    elif item.min is not None and item.min > 0:
        what = f"the model takes seeds from {item.min} only"
    else:
        return
    yield Problem(
        "draft-seed-range",
        what,
        f"miners send whole numbers from 0 to {MAX_SEED}; the model would refuse nearly every task"
        if item.type in ("integer", "number")
        else f"miners send a whole number from 0 to {MAX_SEED}, and the model would refuse it",
        Fix("take it as it comes, `seed: int`, and bring it into range in the code: seed % 2**32"),
        severity="warn",
        path="/left/seed",
    )
