"""The report of a run as a file: its forms, and what is checked before a run is paid for."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from langgraph_fusion.cli.output import check_file, to_json

if TYPE_CHECKING:
    from langgraph_fusion.graph.result import FusionResult

Form = Literal["html", "md", "json"]
_SUFFIXES: dict[str, Form] = {".htm": "html", ".html": "html", ".md": "md", ".json": "json"}
_OF_ASK = {
    ".html": "the report to read, send and print",
    ".htm": "the same",
    ".md": "it as Markdown",
}


def form_of(path: Path | None) -> Form:
    """The form that a file's ending says, else HTML."""
    return _SUFFIXES.get(path.suffix.lower() if path else "", "html")


def check_report(path: Path | None, save: Path | None) -> None:
    """Refuse, before a run costs anything, a file that its report cannot be written to.

    Raises:
        ConfigError: If its ending says no form, it is that of `--save`, or it cannot be written.
    """
    check_file(path, "--report", _OF_ASK, taken=save, taken_by="--save")


def report_text(result: "FusionResult", form: Form) -> str:
    """The report of a finished run."""
    from langgraph_fusion.web.report import report_html, report_markdown

    if form == "html":
        return report_html(result)
    if form == "md":
        return report_markdown(result)
    return to_json(result.model_dump(mode="json"), indent=2)
