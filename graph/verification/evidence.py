"""What a citation is checked against: passages of all that the run saw at its address."""

from collections.abc import Iterator
from dataclasses import dataclass

from langgraph_fusion.graph.prompts.passages import closest_passages
from langgraph_fusion.graph.verification.claims import CitedClaim, cited_claims
from langgraph_fusion.tools.sources import Source, Sources

PASSAGE_CHARS = 2000
"""Shown of a source for one citation; ours."""


@dataclass(frozen=True)
class Citation:
    """A citation of the answer that leads to a source of this run."""

    claim: CitedClaim
    source: Source
    """The first one at its address, under which the answer lists it."""
    text: str
    """All that members were shown of it."""

    def passages(self, chars: int = PASSAGE_CHARS) -> str:
        """The stretches of the source that are closest to the claim, in the source's order."""
        sought = f"{self.claim.text} {self.claim.before}"
        return closest_passages(self.text, [self.claim.text, sought], chars)


def citations_of(answer: str, sources: Sources) -> Iterator[Citation]:
    """Yield the citations of an answer, with its ids in it, that lead to a source.

    Several ids of one address after a sentence are one citation, as the reader sees it.
    """
    seen: set[tuple[str, str]] = set()
    for claim in cited_claims(answer):
        source = sources.resolve(claim.id)
        if source is not None and (source.id, claim.text) not in seen:
            seen.add((source.id, claim.text))
            yield Citation(claim, source, _all_shown(claim.id, source, sources))


def _all_shown(id: str, first: Source, sources: Sources) -> str:
    """What its own member was shown, then what others were shown at the same address, once each."""
    own = sources.get(id)
    others = (one for one in sources.all() if first.id in (one.id, one.same_as))
    texts: list[str] = []
    for one in (own or first, *others):
        if not any(one.text in text for text in texts):
            texts.append(one.text)
    return "\n".join(texts)
