"""Variables of the environment that would break every call: found before a run, in one sentence."""

import os
import ssl
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.models.errors import ModelConfigError
from langgraph_fusion.models.parallel import VARIABLE, chosen_limits
from langgraph_fusion.models.providers import providers
from langgraph_fusion.tools.search.engines import search_keys

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
_SCHEMES = ("http", "https")


def check_environment(env: Mapping[str, str] = os.environ) -> None:
    """Refuse variables with which no model can be reached.

    Raises:
        ConfigError: Naming each such variable and the way out; never a password of a proxy.
    """
    if problems := list(environment_problems(env)):
        raise ConfigError.joined(problems)


def environment_problems(env: Mapping[str, str] = os.environ) -> Iterator[ConfigError]:
    """Yield what is wrong with certificates, proxies and keys."""
    yield from _certificate_problems(env)
    yield from _parallel_problem(env)
    for name in (*_PROXIES, *map(str.lower, _PROXIES)):
        if value := env.get(name, "").strip():
            yield from _proxy_problem(name, value)
    keys = {one.key for one in providers().values() if one.key} | search_keys()
    for name in sorted(keys):
        value = env.get(name, "").strip()
        if not (value.isascii() and value.isprintable()) or " " in value:
            yield ConfigError(
                "it holds a space, a line break or another character that no key has; set it anew",
                field=name,
            )


def _parallel_problem(env: Mapping[str, str]) -> Iterator[ConfigError]:
    try:
        chosen_limits(env.get(VARIABLE, ""))
    except ModelConfigError as error:
        yield ConfigError(str(error), field=VARIABLE)


def _certificate_problems(env: Mapping[str, str]) -> Iterator[ConfigError]:
    if path := env.get("SSL_CERT_FILE"):
        try:
            _load_certificates(path, Path(path).stat().st_mtime_ns)
        except ssl.SSLError:
            yield _unusable("SSL_CERT_FILE", f"{path} holds no certificates in PEM format")
        except OSError as error:
            yield _unusable("SSL_CERT_FILE", f"{path} cannot be read: {error.strerror}")
    elif (path := env.get("SSL_CERT_DIR")) and not any(
        Path(part).is_dir() for part in path.split(os.pathsep)
    ):
        yield _unusable("SSL_CERT_DIR", f"there is no folder {path}")


@lru_cache(maxsize=4)
def _load_certificates(path: str, changed_ns: int) -> None:
    """Load the file once, until it changes: it takes 20 ms, and every run is checked."""
    ssl.create_default_context(cafile=path)


def _unusable(name: str, why: str) -> ConfigError:
    return ConfigError(f"{why}. Name one that can be used, or `unset {name}`", field=name)


def _proxy_problem(name: str, value: str) -> Iterator[ConfigError]:
    address = value if "://" in value else f"http://{value}"
    try:
        found = urlsplit(address)
        port_is_fine = found.port is None or found.port > 0
    except ValueError:
        found, port_is_fine = SplitResult("", "", "", "", ""), False
    if found.scheme.lower().startswith("socks"):
        why = "SOCKS proxies are not supported; name an http:// proxy"
    elif found.scheme.lower() in _SCHEMES and found.hostname and port_is_fine:
        return
    else:
        why = "it is no address of a proxy; write it as http://HOST:PORT"
    yield ConfigError(f"{why}, or `unset {name}`", field=name)
