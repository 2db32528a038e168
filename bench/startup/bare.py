"""The reference: a script that imports what we are built on and makes one call. Takes the address.

It is what somebody writes who wants one answer of one model, with nothing around it.
"""

import sys

from langchain.agents import create_agent  # noqa: F401  it is imported, not used
from langchain_openai import ChatOpenAI
from langgraph.graph import StateGraph  # noqa: F401
from pydantic import SecretStr

from bench.graph.cast import MEMBERS, QUESTION

if __name__ == "__main__":
    model = ChatOpenAI(
        model=MEMBERS[0], base_url=sys.argv[1], api_key=SecretStr("bench"), streaming=True
    )
    print(model.invoke(QUESTION).text)
