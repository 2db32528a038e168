"""Text of a model makes no event of a stream, no header, no label and no line of its own."""

import json
import re
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from langgraph_fusion.server.middleware import _without_line_ends
from langgraph_fusion.server.sse import frame
from tests.graph.cast import JUDGE, PANEL, WRITER, B
from tests.scripted import Reply, Seen, text, upstream_error
from tests.server.asking import body
from tests.server.conftest import Serving

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # LangServe calls what is old
FORGED = (
    '\r\n\r\ndata: {"forged": 1}\n\nevent: forged\u2028data: {"forged": 1}\u2029\u0085'
    'data: {"forged": 1}\x0b\x0c\x1c\x1d\x1e</script><b>\x1b]0;x\x07\x9b2J\u202e'
)
ENDS = re.compile("\r\n|[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
"""Every end of a line that Python's `splitlines` knows: many clients read streams with it."""
LABELS = re.compile(r'\w+="([^"]*)"')


@given(st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from(FORGED))))
def test_no_text_ends_the_line_of_its_event(said: str) -> None:
    sent = _without_line_ends(frame({"text": said}, "named")).decode()
    lines = sent.splitlines()
    assert len(lines) == 3
    assert lines[0] == "event: named"
    assert json.loads(lines[1].removeprefix("data: ")) == {"text": said}


def hostile(seen: Seen) -> Reply:
    """Members, judge and writer that say all they can to be taken for something else."""
    if seen.model == B:
        return upstream_error(FORGED)
    return text(FORGED if seen.model != JUDGE else json.dumps({"consensus": [FORGED]}))


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/v1/chat/completions", body(stream=True)),
        ("/v1/responses", body(stream=True, input=FORGED, fusion=body()["fusion"])),
        ("/fusion/stream", None),
        ("/fusion/stream_events", None),
    ],
)
async def test_a_hostile_panel_forges_nothing_through_any_door(
    serving: Serving, path: str, sent: Any
) -> None:
    served = await serving(hostile)
    if sent is None:
        chosen: dict[str, Any] = {"panel": list(PANEL), "judge": JUDGE, "synthesizer": WRITER}
        chosen |= {
            "tools": "none",
            "deadline_s": 45,
        }  # short enough that nobody waits for an outage to pass
        messages = [{"type": "human", "content": FORGED}]
        sent = {"input": {"messages": messages}, "config": {"configurable": chosen}}
    async with httpx2.AsyncClient(base_url=served.url, timeout=60) as http:
        reply = await http.post(path, json=sent)
        assert reply.status_code == 200
        page = (await http.get("/metrics")).text
    lines = ENDS.split(reply.text)
    assert not [line for line in lines if re.match(r'(data: *\{"forged|event: *forged)', line)]
    for line in lines:
        assert re.match(r"(event|data|id|retry|): ?|$", line), line
    assert "forged" not in str(reply.headers).lower()
    labels = {label for line in page.splitlines() for label in LABELS.findall(line)}
    assert not [label for label in labels if not re.fullmatch(r"[\w+./{}:-]{0,80}", label)]
    assert "forged" not in page
