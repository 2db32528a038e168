"""`fusion graph`: the deliberation of a panel as a Mermaid picture, drawn from the graph itself."""

from pathlib import Path

from langgraph_fusion.cli.input import Given
from langgraph_fusion.cli.output import write
from langgraph_fusion.graph.build import create_fusion
from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.settings import load_settings


def print_picture(settings: Given, *, xray: bool, file: Path | None) -> None:
    """Write Mermaid to standard output or to a file; `xray` opens every member's agent.

    Raises:
        ConfigError: If the settings are wrong or the file cannot be written.
    """
    graph = create_fusion(load_settings(settings)).get_graph(xray=xray)
    mermaid = graph.draw_mermaid()
    if file is None:
        write(mermaid)
        return
    try:
        file.write_text(mermaid.rstrip("\n") + "\n", "utf-8")
    except OSError as error:
        raise ConfigError(f"--output {file}: it cannot be written: {error.strerror}") from None
