"""Files made from the code: `python -m tests.generated` writes them, a test compares them."""

import json
import re
from pathlib import Path

from langgraph_fusion.graph.build import create_fusion
from langgraph_fusion.graph.result import FusionResult
from langgraph_fusion.graph.settings import load_settings

ROOT = Path(__file__).parents[1]
_PICTURE = re.compile(r"```mermaid\n.*?```", re.DOTALL)


def schema() -> str:
    """The JSON schema of the result."""
    made = FusionResult.model_json_schema(mode="serialization")
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


def readme() -> str:
    """The README with the picture of the graph as it is."""
    drawn = create_fusion(load_settings()).get_graph().draw_mermaid()
    picture = f"```mermaid\n{drawn.strip()}\n```".replace("\t", "    ")
    return _PICTURE.sub(lambda _: picture, (ROOT / "README.md").read_text(), count=1)


if __name__ == "__main__":
    (ROOT / "docs" / "result.schema.json").write_text(schema())
    (ROOT / "README.md").write_text(readme())
