from tests.graph.conftest import priced, serve

__all__ = ["priced", "serve"]
