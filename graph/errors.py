"""The errors that a caller or an operator has to act on.

FusionError
├── ConfigError            the caller: nothing was started; HTTP 400, exit 2
└── RunFailed              the operator: the run ended without an answer; HTTP 502/503/504, exit 1
    ├── AllMembersFailed   fewer members answered than `min_answers`
    ├── WriterFailed       in mode `direct` the one model that is asked gave no answer
    ├── SandboxRequired    `require_sandbox` is set and no sandbox can be had
    └── RunTakenOver       another process has the run now, and goes on with it

Both are also Python's own `ValueError` and `RuntimeError`: a LangGraph server tells its clients the
text of those and hides that of any other.

A member's, the judge's or the writer's own failure is no exception: it is recorded in the result.
"""

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from langgraph_fusion.graph.reasons import reason_text

FailureReason = str
"""`all_panels_failed`, `insufficient_credits`, `rate_limited`: OpenRouter's words; ours are
`quorum_not_met`, `budget_exceeded`, `deadline`, `timeout`, `sandbox_unavailable`, `taken_over` and
`synthesizer_failed`."""


INVALID_VALUE = "invalid_value"
MODEL_NOT_FOUND = "model_not_found"
"""No model and no preset has that name."""
PRICE_UNKNOWN = "price_unknown"
"""A spend cap cannot be kept, as a model has no price; `about` names the models."""
IMAGES_UNSEEN = "images_unsupported"
"""Images were sent to a run none of whose models reads any; `about` names the models."""
CAP_TOO_SMALL = "cap_too_small"
"""A spend cap does not pay for the shortest answer."""
_LONGEST_NAME = 64
_MOST_LINES = 12
"""Of an error of validation: a client may send thousands of wrong fields."""


class FusionError(Exception):
    """Everything this package raises on purpose."""


class ConfigError(FusionError, ValueError):
    """A setting, a key or an input is wrong; the text names the field and the way out.

    `field` is the setting, argument or variable that is wrong, if it is one; the text begins with
    it. `code` names the kind of error for programs: `invalid_value`, or one of the constants of
    this module. `about` names the models or other things that the error is about.
    """

    def __init__(
        self,
        message: str,
        *,
        field: str | None = None,
        code: str = INVALID_VALUE,
        about: Sequence[str] = (),
    ) -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.field = field
        self.code = code
        self.about = tuple(about)

    @classmethod
    def joined(cls, errors: Sequence["ConfigError"]) -> "ConfigError":
        """Return one error with a line for each; field and code are those of the first."""
        if len(errors) == 1:
            return errors[0]
        whole = cls("\n".join(map(str, errors)), code=errors[0].code, about=errors[0].about)
        whole.field = errors[0].field
        return whole

    @classmethod
    def from_validation(
        cls, error: ValidationError, known: Iterable[str] = (), nested: Iterable[str] = ()
    ) -> "ConfigError":
        """Convert a pydantic error, one line a field.

        Of what was sent only a word is echoed that resembles one of those it may be.
        Of the `known` names, inside a field of the `nested` ones, the one that a misspelt name
        resembles is named.
        """
        names = (tuple(known), tuple(nested))
        found = error.errors(include_url=False)
        places = {one["loc"] for one in found[:_MOST_LINES]}
        errors = [
            _of_one(one, names[len(one["loc"]) > 1])
            for one in found[:_MOST_LINES]
            if not _follows(one, places)
        ]
        if more := len(found) - _MOST_LINES:
            errors += [cls(f"and {more} more")] if more > 0 else []
        return cls.joined(errors)


class RunFailed(FusionError, RuntimeError):
    """The run stopped without an answer."""

    def __init__(self, message: str, reason: FailureReason) -> None:
        super().__init__(message)
        self.reason = reason


class AllMembersFailed(RunFailed):
    """Too few members answered; `failed` holds the reason of each that did not."""

    def __init__(self, failed: Sequence[Any], wanted: int, answered: int = 0) -> None:
        lines = [
            f"  {one.seat} {one.model}: {reason_text(one.reason, one.detail)}" for one in failed
        ]
        few = "no member answered" if wanted == 1 else f"fewer than {wanted} members answered"
        reason = "quorum_not_met" if answered else _overall({one.reason for one in failed})
        super().__init__("\n".join([f"{few}:", *lines]), reason)
        self.failed = tuple(failed)


class WriterFailed(RunFailed):
    """In mode `direct` no writer could answer, and there is no member's answer to return."""

    def __init__(self, model: str, reason: str, detail: str) -> None:
        super().__init__(
            f"no writer could answer: {model}: {reason_text(reason, detail)}", _writer(reason)
        )


class SandboxRequired(RunFailed):
    """`require_sandbox` is set and the sandbox cannot be had; no model was called."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the sandbox is required and cannot be had: {why}", "sandbox_unavailable")


class RunTakenOver(RunFailed):
    """Another process took the run over, because this one had said nothing for too long."""

    def __init__(self, run_id: str) -> None:
        super().__init__(
            f"run {run_id} was taken over by another process, which goes on with it; nothing more "
            "is done here",
            "taken_over",
        )
        self.run_id = run_id


def _overall(reasons: set[str]) -> FailureReason:
    """One reason for the whole run: money and limits first, they are what a caller can act on."""
    for reason in ("insufficient_credits", "rate_limited"):
        if reason in reasons:
            return reason
    if reasons == {"budget"}:
        return "budget_exceeded"
    if reasons and reasons <= {"timeout", "deadline"}:
        return "deadline" if "deadline" in reasons else "timeout"
    return "all_panels_failed"


def _writer(reason: str) -> FailureReason:
    if reason == "budget":
        return "budget_exceeded"
    known = {"insufficient_credits", "rate_limited", "timeout"}
    return reason if reason in known else "synthesizer_failed"


def _follows(found: Any, places: set[tuple[int | str, ...]]) -> bool:
    """Whether it only counts what is wrong inside, such as a list that has no good item."""
    loc = found["loc"]
    inside = any(len(one) > len(loc) and one[: len(loc)] == loc for one in places)
    return inside and found["type"] == "too_short"


def _of_one(found: Any, known: Sequence[str]) -> ConfigError:
    text = str(found["msg"]).removeprefix("Value error, ")
    if found["type"] == "extra_forbidden":
        near = get_close_matches(str(found["loc"][-1])[:_LONGEST_NAME], known, 1)
        text = "there is no such setting" + (f"; did you mean `{near[0]}`?" if near else "")
    elif found["type"] == "literal_error":
        choices = re.findall(r"'([^']+)'", found["ctx"]["expected"])
        given = str(found["input"])
        if near := get_close_matches(given[:_LONGEST_NAME], choices, 1):
            text = f"there is no `{given[:_LONGEST_NAME]}`; did you mean `{near[0]}`?"
    elif found["type"] == "too_long" and isinstance(found["input"], list | tuple):
        text = f"at most {found['ctx']['max_length']} may be given, not {len(found['input'])}"
    field = ".".join(str(part) for part in found["loc"])
    named, said, rest = text.partition(": ")
    if not field and said and named in known:  # a check of several fields names the wrong one
        field, text = named, rest
    return ConfigError(text, field=field or None)
