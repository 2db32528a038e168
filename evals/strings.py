"""All the text in a JSON value."""

from collections.abc import Iterator, Mapping


def strings_in(value: object) -> Iterator[str]:
    """Yield every string, in order of appearance; keys of objects are left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from strings_in(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from strings_in(one)
