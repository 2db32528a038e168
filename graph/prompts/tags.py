"""The labelled tags around untrusted text in prompts; `tools.formatting` does the escaping.

What the tags do not do: stop a model from believing what it reads inside them.
"""

from langgraph_fusion.tools.formatting import escape_attribute, escape_text


def tag(name: str, text: str, **attributes: str | None) -> str:
    """Wrap untrusted text in one of our tags; attributes that are None are left out."""
    return blocks(name, escape_text(text), **attributes)


def blocks(name: str, inner: str, **attributes: str | None) -> str:
    """Wrap tags that were made by `tag` already."""
    given = {key: value for key, value in attributes.items() if value is not None}
    shown = "".join(f' {key}="{escape_attribute(value)}"' for key, value in given.items())
    return f"<{name}{shown}>\n{inner}\n</{name}>"
