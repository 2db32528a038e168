import re

from hypothesis import given
from hypothesis import strategies as some
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from langgraph_fusion.graph.members.compaction import (
    chars_of_results,
    compact,
    shorten,
    with_true_references,
)


def talk(*sizes: int) -> list[BaseMessage]:
    messages: list[BaseMessage] = [HumanMessage("Why?")]
    for number, size in enumerate(sizes):
        messages += [AIMessage(""), ToolMessage("x" * size, tool_call_id=str(number))]
    return messages


def lengths(messages: list[BaseMessage]) -> list[int]:
    return [len(one.text) for one in messages if isinstance(one, ToolMessage)]


def test_nothing_is_shortened_while_there_is_room() -> None:
    before = talk(1000, 1000)
    assert compact(before, 2000) == (before, 0)


def test_the_oldest_of_equal_results_goes_first() -> None:
    after, count = compact(talk(5000, 5000, 5000), 11_000)
    assert count == 1
    assert lengths(after)[1:] == [5000, 5000]


def test_a_long_result_goes_before_an_older_short_one() -> None:
    after, _ = compact(talk(600, 9000, 600), 3000)
    assert lengths(after)[0] == lengths(after)[2] == 600


def test_all_are_short_in_the_end() -> None:
    after, count = compact(talk(5000, 5000), 0)
    assert count == 2
    assert 0 < chars_of_results(after) < 1000


def test_ids_and_titles_of_sources_stay() -> None:
    text = "\n".join(
        f'<source id="A{n}" title="T{n}" url="http://x/{n}">\n{"y" * 3000}\n</source>'
        for n in (1, 2)
    )
    short = shorten(text)
    assert '<source id="A1" title="T1" url="http://x/1">' in short
    assert '<source id="A2" title="T2" url="http://x/2">' in short
    assert len(short) < 1000
    assert shorten(short) == short


def test_the_id_of_a_commands_output_stays() -> None:
    facts = "[exit 0 | cwd /work | 0.1s]\n[to cite this output: A3]"
    short = shorten("y" * 3000 + f"\n [not ours]\n{facts}")
    assert short.endswith(f"\n{facts}")
    assert len(short) < 500
    assert shorten(short) == short


@given(some.integers(0, 9000))
def test_what_a_result_says_you_have_stands_whole_in_the_same_request(room: int) -> None:
    def source(id: str, size: int) -> str:
        return f'<source id="{id}" title="T">\n{id * (size // 2)}\n</source>'

    noted = "[found as well, and you have: A1, A9 (in A2)]\n[you have lines 5-12 as A2]"
    results = [source("A1", 3000), source("A2", 5000), f"{source('A3', 900)}\n{noted}"]
    messages: list[BaseMessage] = [HumanMessage("Why?")]
    for number, text in enumerate(results):
        messages += [AIMessage(""), ToolMessage(text, tool_call_id=str(number))]
    sent = with_true_references(compact(messages, room)[0])
    told = "\n".join(str(one.text) for one in sent)
    for id, size in (("A1", 3000), ("A2", 5000)):
        assert f'<source id="{id}"' in told
        if id * (size // 2) in told:
            assert re.search(rf"you have[^\]]*\b{id}\b", told)
        else:
            assert not re.search(rf"you have[^\]]*\b{id}\b", told)
            assert "no longer here" in told
