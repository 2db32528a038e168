"""An error says in fields what it is; its text is for people."""

from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from langgraph_fusion.graph.errors import INVALID_VALUE, PRICE_UNKNOWN, ConfigError


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")

    rounds: int = 0
    tools: tuple[Literal["docs", "bash"], ...] = ()


def _wrong(**given: object) -> ConfigError:
    with pytest.raises(ValidationError) as raised:
        _Given.model_validate(given)
    return ConfigError.from_validation(raised.value)


def test_an_error_carries_its_field_and_begins_with_it() -> None:
    error = ConfigError("there is no such thing", field="docs")
    assert (error.field, error.code) == ("docs", INVALID_VALUE)
    assert str(error) == "docs: there is no such thing"
    assert str(ConfigError("nothing is kept")) == "nothing is kept"


def test_joined_errors_have_a_line_each_and_the_first_ones_field() -> None:
    first = ConfigError("has no price", field="budget_usd", code=PRICE_UNKNOWN, about=["m/x"])
    both = ConfigError.joined([first, ConfigError("is missing", field="docs")])
    assert str(both) == "budget_usd: has no price\ndocs: is missing"
    assert (both.field, both.code, both.about) == ("budget_usd", PRICE_UNKNOWN, ("m/x",))
    assert ConfigError.joined([first]) is first


def test_what_validation_finds_keeps_its_place() -> None:
    error = _wrong(rounds="many")
    assert error.field == "rounds"
    assert str(error).startswith("rounds: ")


def test_a_misspelt_choice_is_named_with_the_one_it_resembles() -> None:
    error = _wrong(tools=["docs", "bsh"])
    assert str(error) == "tools.1: there is no `bsh`; did you mean `bash`?"


def test_a_value_that_resembles_no_choice_is_not_echoed() -> None:
    said = str(_wrong(tools=["sk-or-secret"]))
    assert "secret" not in said
    assert "'docs' or 'bash'" in said


@pytest.mark.parametrize("unknown", [13, 500, 50_000])
def test_thousands_of_wrong_fields_are_counted_and_not_listed(unknown: int) -> None:
    lines = str(_wrong(**{f"x{number}": 1 for number in range(unknown)})).splitlines()
    assert len(lines) == 13
    assert lines[-1] == f"and {unknown - 12} more"
