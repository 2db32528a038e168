"""Your own search engine for every member of the panel.

Real models: set OPENROUTER_API_KEY and change the preset to `fast`. Any LangChain tool will do,
with any name and arguments; the offline members, no language models, know only search tools.
"""

from langchain_core.tools import tool

from langgraph_fusion import ask, load_settings

INTRANET = {"bridge": "The bridge is 120 metres long.", "tower": "The tower is 40 metres high."}


@tool
def web_search(query: str) -> str:
    """Search the intranet of the building department."""
    found = [text for word, text in INTRANET.items() if word in query]
    return "\n".join(f'<source id="W{n}">{text}</source>' for n, text in enumerate(found, 1))


settings = load_settings({"preset": "offline", "tools": [], "docs": None})
result = ask("How long is the bridge?", settings, tools=[web_search])
for answer in result.answers:
    print(f"{answer.seat} ({answer.tool_calls} tool calls): {answer.text}")
