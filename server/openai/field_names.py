"""Names of fields in errors: a client is told the name it sent, not the name of our setting."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.server.errors import ApiError

CHAT_FIELDS: Mapping[str, str] = {"client_tools": "tools"}
RESPONSES_FIELDS: Mapping[str, str] = {
    "client_tools": "tools",
    "response_format.json_schema": "text.format",
    "response_format": "text.format",
    "messages": "input",
}


@contextmanager
def errors_name(fields: Mapping[str, str]) -> Iterator[None]:
    """Within, errors about a setting name the field of the request that it came from."""
    try:
        yield
    except ConfigError as error:
        error.args = (_renamed(str(error), fields),)
        error.field = error.field and _renamed(f"{error.field}:", fields)[:-1]
        raise
    except ApiError as error:
        error.args = (_renamed(str(error), fields),)
        error.param = error.param and _renamed(f"{error.param}:", fields)[:-1]
        raise


def _renamed(text: str, fields: Mapping[str, str]) -> str:
    """The text with the field's new name where a line begins with the old one."""
    for ours, theirs in fields.items():
        text = re.sub(rf"^{re.escape(ours)}(?=[.:])", theirs, text, flags=re.MULTILINE)
    return text
