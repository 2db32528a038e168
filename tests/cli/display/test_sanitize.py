import json

from langgraph_fusion.cli.display.sanitize import clean, clean_json, one_line

HOSTILE = (
    "a\x1b[31mred\x1b[0m \x1b]0;title\x07b \x1b]8;;http://x\x1b\\link\x9b2J \x1bc\r\x08"
    "\x7f\u202egnp\u2066z"
)


def test_escape_sequences_and_controls_are_removed() -> None:
    assert clean(HOSTILE) == "ared b link gnpz"


def test_an_unfinished_sequence_hides_no_escape() -> None:
    assert clean("before \x1b[31") == "before 31"
    assert "\x1b" not in clean("x\x1b]52;c;aGk=")


def test_lines_and_tabs_and_other_alphabets_stay() -> None:
    assert clean("eins\tzwei\r\n三 🐟 é") == "eins\tzwei\n三 🐟 é"


def test_half_a_character_becomes_the_replacement_character() -> None:
    assert clean("x\ud83dy") == "x\ufffdy"


def test_one_line_has_no_line_breaks() -> None:
    assert one_line(" a\n\n b\r\n\tc ") == "a b c"


def test_cleaned_json_is_the_same_json_and_safe_to_print() -> None:
    value = {"text": HOSTILE + "\ud83d \U000e0041 é"}
    printed = clean_json(json.dumps(value, ensure_ascii=False))
    assert json.loads(printed) == value
    assert clean(printed) == printed
    assert "é" in printed
