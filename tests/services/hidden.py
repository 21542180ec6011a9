"""A known key, and what must hold for every failure near it: words for a person, and the key in none of them."""

from __future__ import annotations

import traceback
from pathlib import Path

HERE = Path(__file__).parent
"""Frames of the tests themselves hold the key, of course."""

KEY = "0x" + "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"
ADDRESS = "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23"
PASSWORD = "correct horse canary staple"
TRANSACTION = {
    "type": 2, "chainId": 31337, "nonce": 3, "to": "0x9b51Ef044d3486A1fB0A2D55A6e0CeeAdd323E66", "value": 0,
    "data": "0x1234", "gas": 200_000, "maxFeePerGas": 10**8, "maxPriorityFeePerGas": 0,
}  # fmt: skip


def code(raised) -> str:
    problem = raised.value.problem
    assert problem.what
    assert problem.why
    assert problem.fix
    assert_opaque(raised.value)
    return problem.code


def assert_opaque(error: BaseException) -> None:
    """Neither the key nor the password in the words, the frames' locals, or anything the error is chained to."""
    seen = [str(error), repr(vars(error)), "".join(traceback.format_exception(error))]
    at: BaseException | None = error
    while at is not None:
        frames = traceback.walk_tb(at.__traceback__)
        seen += [repr(frame.f_locals) for frame, _ in frames if Path(frame.f_code.co_filename).parent != HERE]
        seen += [] if at is error else [repr(at)]
        at = at.__context__
    for text in seen:
        for hidden in (KEY[2:], KEY[2:].upper(), PASSWORD, str(int(KEY, 16)), repr(bytes.fromhex(KEY[2:]))[2:-1]):
            assert hidden not in text
