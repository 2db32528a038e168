"""Compare two replays of a recorded run: tokens sent, what a cache serves, evidence that stays."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from langgraph_fusion.graph.citations import cited_ids
from langgraph_fusion.tools.closeness import closest_sentence, sentences_of

Json = dict[str, Any]
CHARS_PER_TOKEN = 4
AGAIN = "<your_earlier_answer"
CUT = re.compile(r" … |\n?\(\d+ of \d+ characters shown\)")
"""What stands in an excerpt and is not of the source."""
SAME = re.compile(r"\(the same passages as (\w+)\)")
SOURCE = re.compile(r'<source id="(\w+)"[^>]*>\n(.*?)\n</source>', re.S)


@dataclass(frozen=True)
class Sent:
    """What the requests of one stage amount to."""

    tokens: int
    cached: int
    """Of these, what a provider that caches prefixes would have served: the longest common
    beginning with an earlier request of the same seat."""


def stage_of(request: Json) -> str:
    """`members`, `follow-ups`, `judge`, `second judge` or `writer`."""
    model, told = request["model"], _text(request)
    if model == "judge":
        return "second judge" if "<earlier_analysis>" in told else "judge"
    if model == "writer":
        return "writer"
    return "follow-ups" if AGAIN in told else "members"


def sent_by_stage(requests: Sequence[Json]) -> dict[str, Sent]:
    """Tokens by stage, four characters each, tools and schema included."""
    sent: dict[str, Sent] = {}
    before: dict[str, list[str]] = {}
    for request in requests:
        stage, whole = stage_of(request), _text(request)
        known = before.setdefault(request["model"], [])
        cached = max((_common(whole, other) for other in known), default=0)
        known.append(whole)
        old = sent.get(stage, Sent(0, 0))
        sent[stage] = Sent(
            old.tokens + len(whole) // CHARS_PER_TOKEN, old.cached + cached // CHARS_PER_TOKEN
        )
    return sent


def kept_evidence(before: Json, after: Json) -> tuple[int, list[tuple[str, str, str]]]:
    """How many cited claims have evidence in `before`, and those that lost it in `after`.

    A claim is a sentence that cites a source; its evidence is the sentence closest to it of all
    that was shown under that id: to the member that wrote it, to the judge that compared the
    answers and to the writer. It is lost if it stands nowhere in what the same reader was shown.
    Each that is lost is (reader, claim, evidence).
    """
    count, lost = 0, []
    for reader, claims, shown, told in _readings(before, after):
        for claim, id in claims:
            evidence = closest_sentence(shown.get(id, ""), claim)
            if evidence is None:
                continue
            count += 1
            if _plain(evidence) not in told:
                lost.append((reader, claim, evidence))
    return count, lost


Claims = list[tuple[str, str]]


def _readings(before: Json, after: Json) -> Iterator[tuple[str, Claims, dict[str, str], str]]:
    """Reader, claims, what `before` showed it under each id, and all that `after` showed it."""
    answers = {
        (one["seat"], bool(one["round"])): one["text"] for one in before["result"]["answers"]
    }
    old, new = _last_of(before["requests"]), _last_of(after["requests"])
    for reader, request in old.items():
        model, stage = reader
        if stage == "writer":
            claims = claims_in([_draft(before)])
        elif model == "judge":
            later = stage == "second judge"
            claims = claims_in(text for (_, round), text in answers.items() if round == later)
        else:
            seat = "ABCDEFGH"[int(model.removeprefix("member"))]
            claims = claims_in([answers.get((seat, stage == "follow-ups"), "")])
        told = _plain(_text(new[reader])) if reader in new else ""
        yield f"{model}, {stage}", claims, _shown(_text(request)), told


def _draft(run: Json) -> str:
    """The writer's own words, with the ids that it cited."""
    return str(run["draft"])


def claims_in(texts: Iterable[str]) -> Claims:
    """Every sentence that cites a source, with the id."""
    sentences = [one for text in texts for one in sentences_of(text)]
    return [(one, id) for one in sentences for id in cited_ids(one)]


def _last_of(requests: Sequence[Json]) -> dict[tuple[str, str], Json]:
    """The last request of each reader in each stage, which holds all that it was shown."""
    return {(one["model"], stage_of(one)): one for one in requests}


def _shown(told: str) -> dict[str, str]:
    shown: dict[str, str] = {}
    for id, text in SOURCE.findall(told):
        if same := SAME.fullmatch(text):
            text = shown.get(same[1], "")
        shown[id] = f"{shown.get(id, '')}\n{CUT.sub(chr(10), text)}"
    return shown


def _text(request: Json) -> str:
    """All of a request that costs tokens, in the order in which providers read it."""
    parts = [json.dumps(request.get(name) or "") for name in ("tools", "response_format")]
    for one in request["messages"]:
        parts.append(str(one.get("content") or ""))
        parts += [
            f"{call['function']['name']} {call['function']['arguments']}"
            for call in one.get("tool_calls") or ()
        ]
    return "\n".join(parts)


def _common(one: str, other: str) -> int:
    """Length of the common beginning."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[:middle] == other[:middle] else (low, middle - 1)
    return low


def _plain(text: str) -> str:
    return " ".join(text.split())
