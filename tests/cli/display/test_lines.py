from typing import Any

from langgraph_fusion.cli.display.lines import lines
from langgraph_fusion.cli.display.model import RunView
from langgraph_fusion.cli.display.reducer import apply_event
from langgraph_fusion.cli.display.result import citation_lines, closing_line, warnings
from tests.cli import recorded
from tests.cli.display.test_live_view import hostile_run


def told(events: list[dict[str, Any]], *, verbose: bool = False) -> list[str]:
    return [line for event in events for line in lines(event, verbose=verbose)]


def test_progress_is_told_in_plain_lines() -> None:
    assert told(recorded.whole_run()) == [
        "panel (budget): A vendor/one, B vendor/two, C vendor/three",
        "A web_search fish census lake",
        "C asks again in 2s: its provider limits requests",
        "B switches from vendor/two to vendor/spare: outage",
        "A answered (1 tool call, 9.5s)",
        "B answered (1 tool call, 9.5s)",
        "C failed (0 tool calls, 9.5s): its provider limits requests: slow down",
        "judge (vendor/judge) compares the answers",
        "judge is asked to correct its reply (1 error)",
        "judge: 1 agreement, 1 conflict (open), 1 gap, 1 suspect claim",
        "judge: conflict: number of fish (open); A: 4,200 [A1]; B: 3,900",
        "judge: gap: Nobody says when it froze.",
        "judge: suspect: B: Pike are extinct.; No source.",
        "follow-up F1 to A and B: Which census gives the number, and for which year?",
        "A is asked: Which census gives the number, and for which year?",
        "A web_fetch https://lake.example/census",
        "A answered (1 tool call, 9.5s)",
        "judge (vendor/judge) compares the answers",
        "judge: 1 agreement, 1 conflict (resolved), 1 gap, 1 suspect claim",
        "judge: conflict: number of fish (resolved); A: 4,200 [A1]; B: 3,900; "
        "resolved: 4,200: the census of 2024; 3,900 was 2019.",
        "judge: gap: Nobody says when it froze.",
        "judge: suspect: B: Pike are extinct.; No source.",
        "writer (vendor/writer) writes",
        "writer (vendor/writer) failed: the reply was empty",
        "writer (vendor/second) writes",
    ]


def test_verbose_also_tells_calls_and_what_tools_returned() -> None:
    said = told(recorded.whole_run(), verbose=True)
    assert "A model call: 12.0k in, 800 out, $0.0125, 4.2s" in said
    assert "B model call: 12.0k in, 800 out, cost unknown, 4.2s" in said
    assert "A web_search done in 0.8s: 5 hits" in said


def test_every_line_is_one_line_of_plain_text() -> None:
    for line in told(hostile_run(), verbose=True):
        assert line.isprintable()


def test_the_last_line_says_cost_time_and_rounds() -> None:
    result = recorded.result([recorded.call("A", "vendor/one")], rounds=2, seconds=125.0)
    assert closing_line(result) == "$0.0125 · 2m05s · 2 follow-up rounds · 1 of 9 sources cited"


def test_everything_that_went_worse_is_said_in_words() -> None:
    result = recorded.result(
        [],
        notes=["Members had no bash: no engine answers."],
        unverified=[{"kind": "unknown_source", "text": "A9"}],
        dropped=[{"url": "https://x.example"}] * 2,
    )
    assert list(warnings(result)) == [
        "Members had no bash: no engine answers.",
        "1 citation not found among the sources: A9",
        "2 results kept from the members by `exclude`",
    ]


def test_what_an_adaptive_panel_does_is_told() -> None:
    grows = {"type": "panel.growth", "first": ["A", "B"], "added": ["C"], "reason": "conflict"}
    stays = grows | {"added": [], "reason": "agreement", "about": []}
    assert told([grows | {"about": ["K1"]}]) == ["panel grows by C: conflict (K1)"]
    assert told([recorded.first_round()[0], stays])[1:] == ["panel stays with A and B: agreement"]
    view = apply_event(apply_event(RunView(), recorded.first_round()[0], 0.0), stays, 0.0)
    assert (view.seats["C"].status, view.seats["C"].note) == ("not seated", "not needed")
    assert view.seats["A"].status == "waiting"


def test_an_early_end_and_a_run_without_a_panel_are_told() -> None:
    ended = {"type": "rounds.ended", "round": 0, "reason": "nothing_open"}
    assert told([ended]) == ["nothing that matters is open: no further round"]
    repair = {"type": "writer.repair", "errors": ["$: wrong"], "attempt": 1}
    assert told([repair]) == ["writer is asked to keep to the form (1 error)"]
    alone = recorded.first_round()[0] | {"seats": [], "judge": None}
    assert told([alone]) == ["no panel: vendor/writer answers alone"]


def test_every_change_of_plan_of_a_seat_is_told() -> None:
    seats = [{"seat": "A", "model": "vendor/one"}]
    others = {"judge": "vendor/two", "synthesizer": "vendor/three"}
    waits = {"seat": "A", "model": "vendor/one", "reason": "rate_limited", "wait_s": 5.0}
    hedge = {"seat": "judge", "model": "vendor/two", "next": "vendor/spare", "after_s": 20.0}
    size = {"seat": "A", "model": "vendor/one", "results": 2, "chars": 9000}
    assert told(
        [
            {"type": "run.started", "preset": "x", "seats": seats, **others},
            {"type": "model.wait", **waits},
            {"type": "model.hedge", **hedge},
            {"type": "images.started", "seat": "A", "model": "vendor/one", "images": 2},
            {"type": "images.finished", "seat": "A", "model": "vendor/one", "reason": "empty"},
            {"type": "model.without_images", "seat": "B", "model": "vendor/two"},
            {"type": "model.without_tools", "seat": "A", "model": "vendor/one"},
            {"type": "context.compacted", **size},
            {"type": "context.compacted", **size, "seat": "synthesizer", "results": None},
            {"type": "member.loop", "seat": "A", "round": 0, "tool": "web_search", "times": 3},
        ]
    )[1:] == [
        "A waits 5s: its provider limits requests",
        "judge asks vendor/spare as well: vendor/two has not begun after 20s",
        "vendor/one describes 2 images for models that see none",
        "vendor/one gave no description of the images: the reply was empty",
        "B goes on without the images: vendor/two reads none",
        "A goes on without tools: vendor/one takes none",
        "A shortens 2 tool results by 9000 characters: too long for vendor/one",
        "writer shortens the evidence by 9000 characters: too long for vendor/one",
        "A is told that it repeats web_search (3 times)",
    ]


def test_the_last_line_and_the_notes_say_what_was_read_and_what_was_not() -> None:
    skipped = [{"path": f"{n}.docx", "reason": "not text; save it as PDF"} for n in range(10)]
    documents = {"indexed": 12, "complete": False, "skipped": skipped, "skipped_count": 11}
    used = {"sources_shown": 9, "sources_cited": 4, "documents": documents, "failed_tools": []}
    result = recorded.result([], used=used, notes=["Seat A: all 3 calls of web_search failed."])
    assert closing_line(result).endswith(
        "4 of 9 sources cited · 12 documents indexed (not yet all) · 11 files skipped"
    )
    said = list(warnings(result))
    assert said[0] == "Seat A: all 3 calls of web_search failed."
    assert said[1] == "skipped 0.docx: not text; save it as PDF"
    assert said[-1] == "skipped 3 further files; `--json` lists them under `used`"


def test_the_code_and_the_detail_of_a_failure_are_told_when_verbose() -> None:
    failed = recorded.first_round()[-1]
    assert told([failed], verbose=True)[1] == "C rate_limited : slow down"


def test_the_check_of_citations_is_told_and_summed_up() -> None:
    started = {"type": "verify.started", "method": "model", "model": "a:m", "citations": 3}
    counted = {"supported": 1, "partly": 0, "not_found": 2, "unchecked": 0}
    assert told([started]) == ["verifier (a:m): 3 citations against the cited passages"]
    assert told([{"type": "verify.finished", **counted}]) == ["citations: 1 supported, 2 not found"]
    one = {"number": 2, "claim": "It is free", "verdict": "partly", "missing": "the price"}
    fine = {"number": 1, "claim": "It is", "verdict": "supported", "missing": ""}
    result = {"verification": {"model": None, "citations": [fine, one]}}
    assert list(citation_lines(result)) == [
        "citations: 1 supported, 1 partly (by words alone, which often errs)",
        "[2] partly: It is free (not: the price)",
    ]
    assert list(citation_lines({"verification": None})) == []


def test_a_revision_is_told_while_it_is_under_way() -> None:
    lost = {"type": "writer.revision", "model": "a:m", "lost": {"figure": 3, "name": 1}}
    assert told([lost]) == ["writer (a:m) revises its draft, which lost 3 figures, 1 name"]
    assert told([{"type": "writer.revised", "kept": "revision", "brought": 2}]) == [
        "the revision brings back 2 of it"
    ]
