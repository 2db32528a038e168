"""The settings of a question at the terminal, and what has to be said of them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from langgraph_fusion.cli.input import Given
    from langgraph_fusion.graph.settings import FusionSettings

_CHOOSES_MODELS = {"preset", "panel", "judge", "synthesizer"}
"""With one of these settings the user has chosen models, and no preset is chosen for them."""


async def choose_settings(given: "Given") -> tuple["FusionSettings", str]:
    """Return the settings, and why their preset was chosen; nothing if the user chose it."""
    from langgraph_fusion.graph.preflight.readiness import default_preset
    from langgraph_fusion.graph.settings import load_settings

    why = ""
    if not _CHOOSES_MODELS & given.keys():
        name, why = await default_preset()
        given = {**given, "preset": name}
    return load_settings(given), why


def notices_on(settings: "FusionSettings", why: str) -> Iterator[str]:
    """Say which preset was chosen for the user, and plainly when no language model will answer.

    `why` is empty when the user chose.
    """
    if why:
        yield f"Using the preset `{settings.preset}`: {why}."
    if all(seat.model.startswith("offline:") for seat in settings.panel):
        yield (
            "This is a demonstration, not a language model: three extractive programs quote "
            f"sentences from {_documents(settings)}."
        )


def _documents(settings: "FusionSettings") -> str:
    from langgraph_fusion.graph.preflight.readiness import BUILTIN_DOCS

    if settings.docs == BUILTIN_DOCS:
        return "this project's documentation (--docs DIR for yours)"
    if settings.docs:
        return f"the folder {settings.docs}"
    return "no documents at all (name a folder with --docs)"
