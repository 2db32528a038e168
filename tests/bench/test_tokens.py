"""The comparison of two replays: what is sent, what a cache would serve, what evidence stays."""

from typing import Any

from bench.tokens.compare import kept_evidence, sent_by_stage

Json = dict[str, Any]
FACT = "The bridge carries 12.5 kilotonnes a day."
OTHER = "It was painted green by the harbour board."


def asked(model: str, *texts: str) -> Json:
    return {"model": model, "messages": [{"role": "user", "content": text} for text in texts]}


def shown(text: str, id: str = "A1") -> str:
    return f'<source id="{id}" title="T">\n{text}\n</source>'


def run(*requests: Json, draft: str = "") -> Json:
    answer = {"seat": "A", "round": 0, "text": "It bears 12.5 kilotonnes daily [A1]."}
    return {"requests": list(requests), "result": {"answers": [answer]}, "draft": draft}


def test_a_cache_serves_the_longest_common_beginning_of_the_same_seat() -> None:
    first, second = asked("member0", "a" * 400), asked("member0", "a" * 400, "b" * 400)
    sent = sent_by_stage([first, second, asked("member1", "a" * 400)])["members"]
    assert sent.cached == 101
    assert sent.tokens == 101 + 201 + 101


def test_evidence_is_lost_when_the_closest_sentence_stands_nowhere() -> None:
    before = run(asked("member0", shown(f"{OTHER} {FACT}")))
    elsewhere = run(asked("member0", shown(OTHER), shown(FACT, "A2")))
    without = run(asked("member0", shown(OTHER)))
    assert kept_evidence(before, before) == (1, [])
    assert kept_evidence(before, elsewhere) == (1, [])
    count, ((reader, claim, evidence),) = kept_evidence(before, without)
    assert (count, reader) == (1, "member0, members")
    assert "12.5 kilotonnes daily" in claim
    assert evidence == FACT


def test_each_reader_is_compared_with_what_it_was_shown_itself() -> None:
    evidence = shown(FACT)
    draft = "So 12.5 kilotonnes [A1]."
    before = run(
        asked("member0", evidence), asked("judge", evidence), asked("writer", evidence), draft=draft
    )
    after = run(
        asked("member0", evidence),
        asked("judge", "nothing"),
        asked("writer", evidence),
        draft=draft,
    )
    count, lost = kept_evidence(before, after)
    assert (count, [reader for reader, _, _ in lost]) == (3, ["judge, judge"])


def test_what_is_said_to_be_the_same_is_the_same() -> None:
    same = shown("(the same passages as A2)")
    before = run(asked("member0", shown(FACT, "A2"), same))
    assert kept_evidence(before, run(asked("member0", shown(OTHER, "A2"), same)))[0] == 1
