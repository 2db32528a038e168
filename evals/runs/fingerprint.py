"""What of our own prompts and code goes into a stage's work: part of its key.

Members' runs are dear, so their key holds only the prompts they see. Everything after them is cheap
to do again, so its key holds the source of the code as well: a change of judging or writing is
never measured on stored work of the code before it.
"""

import hashlib
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Literal

from langgraph_fusion.evals.store import key_of
from langgraph_fusion.graph.prompts import prompt_texts

Stage = Literal["member", "judge", "writer"]

MEMBER_ROLES = frozenset(
    {
        "member", "member_budget", "write_now", "follow_up", "server_tools", "files",
        "images_seen", "images_described", "images_unseen", "describe_images",
    }
)  # fmt: skip
WRITER_ROLES = frozenset(
    {
        "synthesizer", "select", "use_analysis", "use_follow_ups", "check_analysis", "continue",
        "instructions", "length_auto", "length_brief", "length_full", "answer_form",
        "repair_answer", "client_tools", "revise", "verify",
    }
)  # fmt: skip
"""Every other role counts as the judge's, so that a new one never goes unnoticed."""
_CODE: dict[Stage, tuple[str, ...]] = {
    "member": (),
    "judge": ("judging", "members", "analysis.py", "prompts"),
    "writer": ("writing", "verification", "judging", "analysis.py", "prompts"),
}


@cache
def fingerprint(stage: Stage, prompts: Path | None = None) -> str:
    """Hash of what the work of this stage rests on, besides settings and earlier work."""
    texts = prompt_texts(prompts)
    roles = sorted(role for role in texts if _counts(role, stage))
    code = {part: _source(part) for part in _CODE[stage]}
    return key_of(stage, {role: texts[role] for role in roles}, code)


def _counts(role: str, stage: Stage) -> bool:
    if stage == "member":
        return role in MEMBER_ROLES
    return stage == "writer" or role not in WRITER_ROLES


@cache
def _source(part: str) -> str:
    """Hash of a module of `graph`, or of all in a folder of it."""
    whole = hashlib.sha256()
    for name, text in sorted(_modules(files("langgraph_fusion.graph").joinpath(part), part)):
        whole.update(f"{name}\0{text}\0".encode())
    return whole.hexdigest()


def _modules(place: Traversable, name: str) -> list[tuple[str, str]]:
    if place.is_file():
        return [(name, place.read_text("utf-8"))] if name.endswith(".py") else []
    return [one for part in place.iterdir() for one in _modules(part, f"{name}/{part.name}")]
