"""Who takes part: the models of every arm, the question, and the cheap tool."""

MEMBERS = ("m/a", "m/b", "m/c")
JUDGE, WRITER = "j/judge", "w/writer"
SPARE_JUDGE, SPARE_WRITER = "j/spare", "w/spare"
QUESTION = "What is it, and how do we know?"
TOOL = "lookup"
TOOL_TURNS = 5
"""Tool calls of a member in the agentic workload; a sixth turn answers."""


SERVED_TOOL = "docs_search"
"""What stands for it in a server, which takes no tool of ours: the documents of a folder."""


def looked_up(key: str) -> str:
    """What the tool returns: about a thousand characters, at once."""
    return f"{key}: " + "a fact that is worth a line of its own. " * 25
