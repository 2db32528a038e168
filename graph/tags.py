"""The labelled tags in which untrusted text stands in prompts.

Text from models, pages and documents cannot open or close one of these tags: its `<` becomes
`&lt;`. What the tags do not do: stop a model from believing what it reads inside them.
"""

import re
from html import escape

_NAMES = (
    "question", "conversation", "answer", "evidence", "source", "failed", "earlier_analysis",
    "your_earlier_answer", "follow_up", "analysis", "best_answer",
)  # fmt: skip
_TAG = re.compile(rf"<(?=\s*/?\s*(?:{'|'.join(_NAMES)})\b)", re.IGNORECASE)


def tag(name: str, text: str, **attributes: str | None) -> str:
    """Wrap untrusted text in one of our tags; attributes that are None are left out."""
    given = "".join(
        f' {key}="{_attribute(value)}"' for key, value in attributes.items() if value is not None
    )
    return f"<{name}{given}>\n{untagged(text)}\n</{name}>"


def blocks(name: str, inner: str, **attributes: str) -> str:
    """Wrap tags that were made by `tag` already."""
    given = "".join(f' {key}="{_attribute(value)}"' for key, value in attributes.items())
    return f"<{name}{given}>\n{inner}\n</{name}>"


def untagged(text: str) -> str:
    """Take the meaning out of any tag of ours inside untrusted text."""
    return _TAG.sub("&lt;", text)


def _attribute(value: str) -> str:
    return escape(" ".join(value.split()), quote=True)
