"""Three panel members that retrieve in three ways and answer with quoted, cited sentences."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from langchain_core.messages import AIMessage, BaseMessage

from langgraph_fusion.models.offline.arithmetic import arithmetic
from langgraph_fusion.models.offline.blocks import FollowUp, Source
from langgraph_fusion.models.offline.chat import OfflineChatModel, Tools, tool_calls
from langgraph_fusion.models.offline.computing import (
    check_command,
    checked,
    compute_command,
    computed,
    quoted_numbers,
)
from langgraph_fusion.models.offline.drafting import Draft, draft, read_candidates, write
from langgraph_fusion.models.offline.follow_up_answers import answer_follow_ups
from langgraph_fusion.models.offline.questions import (
    broader_query,
    main_query,
    narrow_queries,
)
from langgraph_fusion.models.offline.ranking import rank
from langgraph_fusion.models.offline.toolbox import Call, Toolbox, document_of
from langgraph_fusion.models.offline.transcript import Transcript, read_transcript

MOST_TURNS = 4
"""Tool-calling turns before a member writes whatever it has."""


class MemberModel(OfflineChatModel):
    """Searches, perhaps reads, then writes; without tools it writes from the transcript."""

    def reply(self, messages: Sequence[BaseMessage], tools: Tools) -> AIMessage:
        transcript = read_transcript(messages, final=not tools)
        toolbox = Toolbox(tools)
        calls = self._calls(transcript, toolbox) if transcript.turns < MOST_TURNS else []
        if calls:
            return tool_calls(transcript.turns, calls)
        if transcript.follow_ups:
            return AIMessage(content=answer_follow_ups(transcript))
        return AIMessage(content=self.answer(transcript))

    @abstractmethod
    def queries(self, question: str) -> list[str]:
        """Return the first searches for a question."""

    @abstractmethod
    def to_read(self, transcript: Transcript) -> list[Source]:
        """Return the sources to read in full."""

    @abstractmethod
    def answer(self, transcript: Transcript) -> str:
        """Write the answer from what was found."""

    def compute(self, transcript: Transcript) -> str:
        """Return a command to run in bash, or nothing."""
        return ""

    def _calls(self, transcript: Transcript, toolbox: Toolbox) -> list[Call]:
        return (
            self._search(transcript, toolbox)
            or self._read(transcript, toolbox)
            or self._compute(transcript, toolbox)
        )

    def _search(self, transcript: Transcript, toolbox: Toolbox) -> list[Call]:
        if not toolbox.searcher or transcript.sources or len(transcript.searches) > 4:
            return []
        if transcript.turns == 0:
            return [toolbox.search(query) for query in self._first_queries(transcript)]
        retry = broader_query(_asked(transcript))
        return [] if retry in transcript.searches else [toolbox.search(retry)]

    def _first_queries(self, transcript: Transcript) -> list[str]:
        if not transcript.follow_ups:
            return self.queries(transcript.question)
        return [main_query(each.text) for each in transcript.follow_ups[:4]]

    def _read(self, transcript: Transcript, toolbox: Toolbox) -> list[Call]:
        if transcript.results_of("docs_read") or transcript.results_of("web_fetch"):
            return []
        wanted = _to_read_for(transcript) if transcript.follow_ups else self.to_read(transcript)
        return [call for source in wanted if (call := toolbox.read(source))]

    def _compute(self, transcript: Transcript, toolbox: Toolbox) -> list[Call]:
        if not toolbox.has_bash or transcript.results_of("bash") or transcript.follow_ups:
            return []
        command = self.compute(transcript)
        return [toolbox.bash(command)] if command else []


class KeywordModel(MemberModel):
    """One search with the question's content words; reads the top document and quotes it."""

    def queries(self, question: str) -> list[str]:
        return [main_query(question)]

    def to_read(self, transcript: Transcript) -> list[Source]:
        return list(transcript.sources.values())[:1]

    def answer(self, transcript: Transcript) -> str:
        return write(draft(transcript.question, transcript.sources.values(), 5))


class BroadModel(MemberModel):
    """Several searches at once, one per part of the question; quotes many passages, reads none."""

    def queries(self, question: str) -> list[str]:
        return narrow_queries(question, 4)

    def to_read(self, transcript: Transcript) -> list[Source]:
        return []

    def answer(self, transcript: Transcript) -> str:
        found = draft(transcript.question, transcript.sources.values(), 7, per_source=2)
        return write(found, bullets=True)


class CarefulModel(MemberModel):
    """Reads the two or three best documents in full; computes and checks numbers in bash."""

    def queries(self, question: str) -> list[str]:
        return list(dict.fromkeys([main_query(question), *narrow_queries(question, 1)]))

    def to_read(self, transcript: Transcript) -> list[Source]:
        return _best_documents(transcript.question, list(transcript.sources.values()), 3)

    def compute(self, transcript: Transcript) -> str:
        expression = arithmetic(transcript.question)
        if expression:
            return compute_command(expression)
        pairs = self._numbers(transcript)
        return check_command(pairs) if pairs else ""

    def answer(self, transcript: Transcript) -> str:
        answer = write(self._draft(transcript))
        outputs = transcript.results_of("bash")
        value = computed(outputs)
        if value:
            return (
                f"Computed with `python3`: {arithmetic(transcript.question)} = {value}.\n\n{answer}"
            )
        check = checked(outputs)
        return f"{answer}\n\n{_check_line(*check)}" if check else answer

    def _draft(self, transcript: Transcript) -> Draft:
        return draft(transcript.question, transcript.sources.values(), 6, per_source=3)

    def _numbers(self, transcript: Transcript) -> list[tuple[str, str]]:
        texts = {source.id: source.text for source in transcript.sources.values()}
        return quoted_numbers(self._draft(transcript).chosen, texts)


def _asked(transcript: Transcript) -> str:
    return " ".join(each.text for each in transcript.follow_ups) or transcript.question


def _best_documents(question: str, found: list[Source], limit: int) -> list[Source]:
    """Order documents by their best sentence; of each, the first source found stands for it."""
    owner = {source.id: document_of(source) for source in found}
    best: dict[str, float] = {}
    for ranked in rank(question, read_candidates(found)):
        best.setdefault(owner[ranked.candidate.source], ranked.score)
    first = {document_of(source): source for source in reversed(found)}
    return [first[document] for document in sorted(best, key=lambda each: -best[each])[:limit]]


def _to_read_for(transcript: Transcript) -> list[Source]:
    tops = [_top(transcript, at, each) for at, each in enumerate(transcript.follow_ups[:4])]
    unique = {document_of(source): source for source in tops if source}
    return list(unique.values())[:2]


def _top(transcript: Transcript, at: int, follow_up: FollowUp) -> Source | None:
    found = transcript.found_by(f"call_0_{at}") or list(transcript.sources.values())
    best = _best_documents(follow_up.text, found, 1)
    return best[0] if best else None


def _check_line(found: int, total: int) -> str:
    if found == total:
        what = (
            "the number quoted above stands"
            if total == 1
            else f"all {total} numbers quoted above stand"
        )
        return f"Checked in the sandbox: {what} in the cited text."
    return (
        f"Checked in the sandbox: {found} of {total} numbers quoted above stand in the cited text."
    )
