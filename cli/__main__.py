"""`python -m langgraph_fusion.cli` is the `fusion` command."""

from langgraph_fusion.cli.main import main

if __name__ == "__main__":
    main()
