from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langgraph_fusion.tools.docs_index.headings import Markup, headings, title_of
from langgraph_fusion.tools.docs_index.passages import passages
from langgraph_fusion.tools.docs_index.reading import read_document

MARKUPS: tuple[Markup, ...] = ("markdown", "rst", "asciidoc", "plain", "none")


def outline(text: str, markup: Markup) -> list[tuple[int, str]]:
    return [(one.level, one.title) for one in headings(text.split("\n"), markup)]


def title(text: str, markup: Markup) -> str:
    lines = text.split("\n")
    return title_of(lines, markup, headings(lines, markup))


PEP = """PEP: 8
Title: Style Guide
  for Python Code
Author: Guido van Rossum <guido@python.org>
Status: Active

Abstract
========

Conventions.

Layout
======

Indentation
-----------

Use four spaces.

Tabs or Spaces?
~~~~~~~~~~~~~~~

Spaces.

Naming
======

Names.
"""


def test_a_pep_has_the_title_of_its_header_and_its_own_levels() -> None:
    assert title(PEP, "rst") == "Style Guide for Python Code"
    assert outline(PEP, "rst") == [
        (1, "Abstract"), (1, "Layout"), (2, "Indentation"), (3, "Tabs or Spaces?"), (1, "Naming"),
    ]  # fmt: skip
    found = {passage.heading for passage in passages(PEP, "rst")}
    assert "Layout > Indentation > Tabs or Spaces?" in found
    assert "Naming" in found
    assert title(PEP, "plain") == "Style Guide for Python Code"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Title\n=====\n\nA\n-\n\nAB\n--\n\nText\n", [(1, "Title"), (2, "AB")]),
        ("=====\nTitle\n=====\n\nPart\n=====\n\nSub\n---\n",
         [(1, "Title"), (2, "Part"), (3, "Sub")]),
        ("#######\n Title\n#######\n\nx\n", [(1, "Title")]),
        (".. _label:\n\nTitle\n*****\n\nOne\n^^^^^\n\nTwo\n^^^^^\n",
         [(1, "Title"), (2, "One"), (2, "Two")]),
        ("Text::\n\n    Code\n    ====\n\nMore.\n", []),
        ("First line\nSecond line\n===========\n", []),
        ("====  ====\n a     b\n====  ====\n 1     2\n====  ====\n", []),
        ("One\n\n-----\n\nTwo\n", []),
        ("Too long a title\n===\n", []),
        ("Überschrift\n===========\n\nText\n", [(1, "Überschrift")]),
        ("Title\n=====\nText right below\n\nNext\n=====\n", [(1, "Title"), (1, "Next")]),
    ],
)  # fmt: skip
def test_titles_of_restructured_text(text: str, expected: list[tuple[int, str]]) -> None:
    assert outline(text, "rst") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("= Guide\nAuthor\n\n== Install\n\n=== Linux\n\n== Run ==\n",
         [(1, "Guide"), (2, "Install"), (3, "Linux"), (2, "Run")]),
        ("= Guide\n\n----\n== not one\n----\n\n== One\n", [(1, "Guide"), (2, "One")]),
        ("Guide\n=====\n\nInstall\n-------\n\nLinux\n~~~~~\n",
         [(1, "Guide"), (2, "Install"), (3, "Linux")]),
        ("= Guide\n\n....\n== x\n....\n////\n== y\n////\n\n## Two\n", [(1, "Guide"), (2, "Two")]),
        ("= Guide\n\n[source,sh]\n----\nmake\n----\n\n== After\n", [(1, "Guide"), (2, "After")]),
    ],
)  # fmt: skip
def test_titles_of_asciidoc(text: str, expected: list[tuple[int, str]]) -> None:
    assert outline(text, "asciidoc") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# A #\n\n## B##\n\n### C ###  \n", [(1, "A"), (2, "B##"), (3, "C")]),
        ("#no heading\n\n#\n\n####### seven\n", []),
        ("Title\n===\n\nPart\n---\n\n- item\n---\n\n| a |\n---\n", [(1, "Title"), (2, "Part")]),
        ("````\n```\n# no\n```\n````\n# yes\n", [(1, "yes")]),
        ("~~~\n# no\n```\n# no\n~~~\n# yes\n", [(1, "yes")]),
        ("```a`b```\n# yes\n", [(1, "yes")]),
        ("    # code\n\n# yes\n", [(1, "yes")]),
    ],
)
def test_titles_of_markdown(text: str, expected: list[tuple[int, str]]) -> None:
    assert outline(text, "markdown") == expected


def test_comments_of_source_code_are_no_headings() -> None:
    document = read_document("tool.py", b"# Copyright\n\nimport os\n# more\n")
    assert document.title == "tool.py"
    assert [passage.heading for passage in passages(document.text, "none")] == [""]


HOSTILE = ["# " + "#" * 100_000, "= " + "=" * 100_000, "# " + " #" * 50_000, "=" * 100_000,
           "# a" + " " * 100_000 + "b", "`" * 100_000, "a" * 100_000 + "\n" + "=" * 100_000,
           ("a" * 10 + ":") * 10_000, "\n".join(["=" * 50] * 5000), "\n".join(["a", "==="] * 5000),
           "---\n" * 10_000, ". " * 50_000, ".' " * 30_000, "[" * 100_000]  # fmt: skip


@pytest.mark.timeout(60)  # what is quadratic takes minutes
@pytest.mark.parametrize("markup", MARKUPS)
@pytest.mark.parametrize("text", HOSTILE)
def test_lines_made_to_be_slow_are_not(text: str, markup: Markup) -> None:
    for _ in range(5):
        passages(text, markup)
        title(text, markup)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.text(alphabet="ab #=-~`.|:\t>*1é\u3042", max_size=30), max_size=30),
    st.sampled_from(MARKUPS),
)
def test_any_text_is_split_whole_and_in_order(lines: list[str], markup: Markup) -> None:
    text = "\n".join(lines)
    found = passages(text, markup)
    assert "".join("".join(one.text for one in found).split()) == "".join(text.split())
    assert all(first.last_line < second.first_line for first, second in pairwise(found))
    assert all(one.title.strip() for one in headings(lines, markup))
