from tests.generated import ROOT, readme, schema


def test_the_documented_schema_is_that_of_the_code() -> None:
    assert (ROOT / "docs" / "result.schema.json").read_text() == schema(), "run `make schema`"


def test_the_picture_in_the_readme_is_that_of_the_graph() -> None:
    assert (ROOT / "README.md").read_text() == readme(), "run `make schema`"
