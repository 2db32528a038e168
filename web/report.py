"""A finished run as one HTML file that needs no script, no network and no server.

It shows why the answer says what it says: who found what, where the members disagreed, what the
judge made of it, which passages stand behind each citation, and what it cost.
"""

import base64
import hashlib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from pydantic import ValidationError

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.result import AttachedFile, FusionResult, ImageInfo
from langgraph_fusion.graph.wording import duration
from langgraph_fusion.web.findings import findings_markdown, source_numbers
from langgraph_fusion.web.templates import render
from langgraph_fusion.web.timeline import timeline_of
from langgraph_fusion.web.view import ReportView


def read_result(value: Any) -> FusionResult:
    """Return what `fusion ask --json` printed as a result.

    Raises:
        ConfigError: If it is something else; the message names the first part that does not fit.
    """
    if isinstance(value, Mapping) and isinstance(value.get("result"), Mapping):
        value = value["result"]  # `fusion runs show --json`
    if isinstance(value, Mapping) and "answer" not in value:
        known = ", ".join(map(str, list(value)[:5])) or "nothing"
        raise ConfigError(f"this is not the result of a run: it holds {known}, and no answer")
    try:
        return FusionResult.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise ConfigError(f"this is not the result of a run: {where}: {first['msg']}") from None


def report_html(result: FusionResult) -> str:
    """Return the report; it holds the whole result, and nothing in it is executed."""
    css = style_sheet()
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    return render(
        "report.html",
        view=ReportView(result),
        timeline=timeline_of(result.bill.calls),
        css=css,
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'",
    )


def report_markdown(result: FusionResult) -> str:
    """Return question, answer, what the judge found, and what each member wrote, as Markdown."""
    view = ReportView(result)
    whole = result.model_dump(mode="json")
    parts = [f"# {view.title}", f"{view.cost} · {duration(result.seconds)}"]
    parts += [f"> {line}" for line in (*result.warnings, *result.notes)]
    parts.append(f"```json\n{result.answer}\n```" if view.is_json else result.answer)
    if whole["analysis"]:
        numbers = source_numbers(whole["sources"])
        parts.append(findings_markdown(whole["analysis"], whole["follow_ups"], numbers))
    if result.images:
        parts.append("\n".join(["## Images", "", *map(_image_line, result.images)]))
    if result.attached:
        parts.append("\n".join(["## Files", "", *map(_file_line, result.attached)]))
    for one in result.answers:
        round_ = f", follow-up round {one.round}" if one.round else ""
        parts.append(f"## Seat {one.seat} ({one.model}{round_})\n\n{one.text or 'No answer.'}")
    return "\n\n".join(part.strip() for part in parts if part.strip()) + "\n"


def _image_line(one: ImageInfo) -> str:
    size = f", {one.width} x {one.height} pixels" if one.width else ""
    seen = f"seen by {', '.join(one.seen_by) or 'nobody'}"
    told = f"; in words to {', '.join(one.described_to)}" if one.described_to else ""
    blind = f"; neither to {', '.join(one.unseen_by)}" if one.unseen_by else ""
    return (
        f"- Image {one.number}: {one.media_type}{size} (sha256 {one.sha256}): {seen}{told}{blind}"
    )


def _file_line(one: AttachedFile) -> str:
    """A file that came with the question, as an item of a list."""
    name = one.name.replace("`", "'")
    size = "" if one.size is None else f", {one.size:,} bytes (sha256 {one.sha256})"
    cited = f"; sources {', '.join(one.sources)}" if one.sources else ""
    became = f"not read: {one.reason}" if one.reason else "read"
    return f"- `{name}`: {one.kind}{size}: {became}{cited}"


def style_sheet() -> str:
    """The style of reports and pages."""
    return files("langgraph_fusion.web").joinpath("static/page.css").read_text("utf-8")
