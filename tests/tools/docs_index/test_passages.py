import pytest

from langgraph_fusion.tools.docs_index.passages import SIZE, passages
from langgraph_fusion.tools.docs_index.reading import read_document

GUIDE = """Intro line.

# Guide

Welcome.

## Install

```sh
# not a heading
make
```

### On Debian
apt.

## Run
go
"""


def test_sections_know_their_headings_and_lines() -> None:
    assert [(p.heading, p.first_line, p.last_line) for p in passages(GUIDE)] == [
        ("", 1, 1),
        ("Guide", 3, 5),
        ("Guide > Install", 7, 12),
        ("Guide > Install > On Debian", 14, 15),
        ("Guide > Run", 17, 18),
    ]


def test_underlined_headings_are_headings() -> None:
    text = "=====\nTitle\n=====\n\nText.\n\nPart\n----\n\nMore.\n\nOther part\n----------\nEnd.\n"
    assert [p.heading for p in passages(text, "rst")] == [
        "Title",
        "Title > Part",
        "Title > Other part",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "\n\n".join(f"Paragraph {n}. " + "words " * 40 for n in range(60)),
        "\n".join(f"line {n}" for n in range(2000)),
        "x" * 30_000,
        GUIDE * 20,
        "",
        " \n \n",
    ],
)
def test_passages_hold_everything_once_and_stay_small(text: str) -> None:
    found = passages(text)
    held = "".join(p.text for p in found)
    assert "".join(held.split()) == "".join(text.split())
    assert all(len(p.text) <= 4 * SIZE for p in found)
    lines = text.split("\n")
    for p in found:
        assert p.text in "\n".join(lines[p.first_line - 1 : p.last_line])


def test_paragraphs_are_kept_whole() -> None:
    text = "\n\n".join(f"Paragraph {n}. " + "words " * 40 for n in range(20))
    assert all(p.text.startswith("Paragraph") for p in passages(text))


def test_front_matter_is_no_heading() -> None:
    text = "---\ntitle: Setup\ndescription: How to set up\n---\n\nWords.\n\n# Install\n\nMore.\n"
    found = passages(text)
    assert [p.heading for p in found] == ["", "Install"]
    assert "Words." in found[0].text


def test_front_matter_names_the_document() -> None:
    data = b'---\ntitle: "Setup guide"\n---\n\n# Install\n'
    assert read_document("setup.md", data).title == "Setup guide"
    data = b"---\ndescription: How\n---\n\n# Install\n"
    assert read_document("setup.md", data).title == "Install"
