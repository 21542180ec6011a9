"""The cases of a seed test as lines of text: all that the screen says, and nothing that is too long to be heard."""

from __future__ import annotations

from arbius_tui.domain.case_edits import Edits, applied
from arbius_tui.domain.cases import Case, cases_for
from arbius_tui.domain.events import Event, Found
from arbius_tui.domain.inputs import ModelInput, sample
from arbius_tui.domain.journey import Journey
from arbius_tui.plain.lines import text
from arbius_tui.services.signers import Handover
from arbius_tui.steps.seed_edit import seen
from arbius_tui.steps.seed_plan import Plan, Planned

KNOWN = (
    ModelInput("prompt", "string", 0, True),
    ModelInput("picture", "file", 1, True),
    ModelInput("steps", "integer", 2, False, 50, True, 1, 500),
    ModelInput("seed", "integer", 3, False),
)


def listed() -> list[str]:
    known = sample(KNOWN)
    edits = Edits({}, (Case("mine", "my [b]case", 7, "differs", "restart", {"prompt": "x\ny"}),), (), True)
    plan = Plan(applied(edits, cases_for(KNOWN, known)), known.inputs, None, KNOWN)
    events: list[Event] = seen(Planned(plan, edits, known), Journey("demo"))
    return [row for event in events for row in text("seed_test", event)]


def test_every_input_and_every_case_is_a_line() -> None:
    rows = listed()
    assert "  input prompt  arbius test cat (made up: it has no default)" in rows
    assert "  input steps  50" in rows
    assert "  input seed  of each case" in rows
    assert any(row.startswith("  input picture  data:image/png") and "characters" in row for row in rows)
    assert any("pairs of values too" in row for row in rows)
    assert "  case 2  again  same seed again  seed 33111  the bytes of first" in rows
    (mine,) = [row for row in rows if "  mine  " in row]
    assert mine == '  case 19  mine  my [b]case  seed 7  other bytes than first  after a restart  {"prompt": "x\\ny"}'
    assert max(map(len, rows)) < 400


def test_a_wallet_elsewhere_is_its_words_its_address_and_the_tunnel_to_it() -> None:
    link = Handover("page", "ask", "open this", "http://127.0.0.1:1/#t", tunnel="ssh -N -L 1:127.0.0.1:1 me@far")
    assert text("wallet", Found(link)) == [
        "  open this",
        "    http://127.0.0.1:1/#t",
        "    from another machine, first there: ssh -N -L 1:127.0.0.1:1 me@far",
    ]
    assert text("register", Found(Handover("page", "line", "MetaMask is asked"))) == ["  MetaMask is asked"]
