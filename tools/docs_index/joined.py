"""Several indexes as one: the files that came with a question, and the user's folder."""

from collections.abc import Sequence
from itertools import chain, zip_longest

from langgraph_fusion.tools.docs_index.docs import DocsIndex
from langgraph_fusion.tools.docs_index.reading import Document
from langgraph_fusion.tools.docs_index.tables import Match


class JoinedDocs:
    """Of documents with the same path the first index's is the one that is read."""

    def __init__(self, parts: Sequence[DocsIndex]) -> None:
        self._parts = parts

    async def search(self, query: str, limit: int) -> list[Match]:
        """Return the passages that fit best: the first of each index, then the second, and so on.

        Scores of two indexes cannot be compared; places can.
        """
        found = [await part.search(query, limit) for part in self._parts]
        in_turn = chain.from_iterable(zip_longest(*found))
        return [match for match in in_turn if match is not None][:limit]

    async def document(self, path: str) -> Document | None:
        """Return a document by its path."""
        for part in self._parts:
            if (document := await part.document(path)) is not None:
                return document
        return None

    async def documents(self) -> list[Document]:
        """Return all documents, skipped ones too, without their text."""
        return [one for part in self._parts for one in await part.documents()]
