"""How passages and parts of documents are shown to a member: each line once in a conversation."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby

from langgraph_fusion.tools.closeness import closest_lines
from langgraph_fusion.tools.context import ToolContext
from langgraph_fusion.tools.docs_index.docs import docs_url
from langgraph_fusion.tools.docs_index.part import Part
from langgraph_fusion.tools.docs_index.reading import Document
from langgraph_fusion.tools.docs_index.tables import Match
from langgraph_fusion.tools.excerpt import excerpt
from langgraph_fusion.tools.formatting import plain_text, source_block
from langgraph_fusion.tools.references import lines_as, you_have
from langgraph_fusion.tools.shown_lines import STEP, ShownLines

_NARROW_CHARS = 400
"""Of a passage that a search finds, shown to a member that is asked a narrow question."""
_NAMED_CHARS = 16
"""Of the name of a section that was named in full before."""
_TOP_LINES = 3
"""Of a passage, where its own heading may stand."""


def results_shown(context: ToolContext, matches: Sequence[Match], query: str, call: str) -> str:
    """The passages, by document; of those that the member has before it only the ids.

    A member that is asked a narrow question is shown the lines closest to it and to its search; it
    reads a whole passage by its id.
    """
    blocks: dict[str, list[str]] = {}
    before: dict[str, str] = {}
    had: list[str] = []
    room = _NARROW_CHARS if context.narrow else None
    for match in matches:
        of_document = blocks.setdefault(match.path, [])
        lines = match.text.split("\n")
        kept = closest_lines(lines, [query, context.topic], room or len(match.text))
        block = _passage(context, match, kept, call, after=before.get(match.path), had=had)
        if block:
            of_document.append(block)
            before[match.path] = _title(match.title, match.heading)
    parts = ["\n".join(each) for each in blocks.values() if each]
    parts += [you_have(had)] if had else []
    return "\n".join(parts)


def part_shown(
    context: ToolContext, document: Document, part: Part, *, asked: str, room: int, call: str
) -> str:
    """The part, of a long one what bears on the question, without what the member has already.

    A passage that it asked for by id is shown all the same.
    """
    sources, shown, first = context.shared.sources, context.shown, part.first_line
    url = docs_url(document.path, first, part.last_line)
    lines = part.text.split("\n")
    before = sources.seen_by(context.seat, url)
    but = {asked, before.id if before else ""}
    known = shown.had(sources, document.path, first, lines, but=but)
    kept = excerpt(lines, context.topic, room, known)
    left = frozenset(range(len(lines))) - kept
    seen = "\n[…]\n".join("\n".join(each) for each in _stretches(lines, kept))
    title = _title(document.title, part.heading)
    source = sources.add(context.seat, "document", url, title, seen)
    fresh = kept - set(known)
    called = _new_title(shown, document.path, title, lines)
    shown.note(call, document.path, (first + at for at in fresh), source.id, title)
    by_id = sources.get(asked) is not None
    text = _with_notes(lines, first, known, left, {} if by_id else shown.repeats(lines, source.id))
    notes = ["[left out: what is farthest from the question; start= and end= show it]"]
    block = source_block(source, text, title=called)
    shown.read(block)
    return "\n".join([block, *(notes if left else []), *part.notes])


def _passage(
    context: ToolContext,
    match: Match,
    kept: Collection[int],
    call: str,
    *,
    after: str | None,
    had: list[str],
) -> str | None:
    """What is kept of a passage, which may stand `after` one of its document that has this title;
    or its id for `had`.
    """
    sources, shown, first = context.shared.sources, context.shown, match.first_line
    url = docs_url(match.path, first, match.last_line)
    title = _title(match.title, match.heading)
    lines = match.text.split("\n")
    here = shown.had(sources, match.path, first, lines, least=0)
    known = shown.had(sources, match.path, first, lines)
    seen = "\n[…]\n".join("\n".join(each) for each in _stretches(lines, kept))
    source = sources.add(context.seat, "document", url, title, seen)
    if all(at in here for at in kept if lines[at].strip()):
        where = sorted({*here.values()} - {source.id})
        had.append(f"{source.id} (in {', '.join(where)})" if where else source.id)
        return None
    fresh = (first + at for at in kept if at not in known)
    called = "" if title == after else _new_title(shown, match.path, title, lines)
    shown.note(call, match.path, fresh, source.id, title)
    left = frozenset(range(len(lines))) - set(kept) - set(known)
    repeated = shown.repeats(lines, source.id)
    begins = url.rpartition("-")[0]
    block = source_block(
        source,
        _with_notes(lines, first, known, left, repeated, brief=True),
        title=called,
        url=begins if after is None else begins[begins.index("#") :],
    )
    shown.read(block)
    return block


def _with_notes(
    lines: Sequence[str],
    first: int,
    known: Mapping[int, str],
    left: Collection[int] = (),
    repeated: Mapping[int, str] | None = None,
    *,
    brief: bool = False,
) -> str:
    """The lines, with a note in place of each stretch that is known, repeated or left out."""
    shown, others = list[str](), repeated or {}
    notes = {**others, **known, **dict.fromkeys(left, "")}
    for (note, _), group in groupby(
        range(len(lines)), lambda at: (notes.get(at), at in known or at not in others)
    ):
        stretch = list(group)
        numbers = f"{first + stretch[0]}-{first + stretch[-1]}"
        if note is None:
            shown += [lines[at] for at in stretch]
        elif note and stretch[0] not in known:
            shown.append(lines_as(numbers, note, lines[stretch[0]]))
        else:
            shown.append(
                lines_as(numbers, note) if note else "…" if brief else f"[lines {numbers} left out]"
            )
    return "\n".join(shown)


def _stretches(lines: Sequence[str], kept: Collection[int]) -> Iterator[list[str]]:
    for stays, group in groupby(range(len(lines)), lambda at: at in kept):
        if stays:
            yield [lines[at] for at in group]


def _title(title: str, heading: str) -> str:
    headings = [title, heading]
    if heading.startswith(title) or not heading:
        headings = [heading or title]
    return plain_text(STEP.join(headings))


def _new_title(shown: ShownLines, path: str, title: str, lines: Sequence[str]) -> str:
    """Of a title what the conversation does not have and the top of the passage does not say.

    A section that was named before is named again by the beginning of its name.
    """
    top = " ".join(" ".join(lines[:_TOP_LINES]).split())
    parts = title.split(STEP)
    told = [part for part in parts if part not in top and not shown.has_title(path, part)]
    if told or len(parts) == 1 or parts[-1] in top:
        return STEP.join(told)
    return _beginning(parts[-1])


def _beginning(title: str) -> str:
    if len(title) <= _NAMED_CHARS:
        return title
    return f"{title[:_NAMED_CHARS].rstrip()}…"
