"""What the user is told about the panel before it starts."""

from collections.abc import Iterator

from langgraph_fusion.graph.settings import FusionSettings

_BUILTIN = "builtin:docs"


def notice(settings: FusionSettings, why: str) -> Iterator[str]:
    """Say which preset was chosen for the user, and plainly when no language model will answer.

    `why` is empty when the user chose.
    """
    if why:
        yield f"Using the preset `{settings.preset}`: {why}."
    if is_offline(settings):
        yield (
            "This is a demonstration, not a language model: three extractive programs quote "
            f"sentences from {_documents(settings)}."
        )


def _documents(settings: FusionSettings) -> str:
    if settings.docs == _BUILTIN:
        return "this project's documentation (--docs DIR for yours)"
    if settings.docs:
        return f"the folder {settings.docs}"
    return "no documents at all (name a folder with --docs)"


def is_offline(settings: FusionSettings) -> bool:
    return all(seat.model.startswith("offline:") for seat in settings.panel)
