"""Which certificates are trusted: those of `SSL_CERT_FILE` or `SSL_CERT_DIR`, else the system's."""

from __future__ import annotations

import os
import ssl
import sys
from functools import lru_cache


def tls_context() -> ssl.SSLContext:
    """Return the context of all connections to models; loaded once, as it takes 20 ms."""
    return _loaded(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@lru_cache(maxsize=4)
def _loaded(file: str | None, folder: str | None) -> ssl.SSLContext:
    if file or folder:
        return ssl.create_default_context(cafile=file or None, capath=None if file else folder)
    if sys.platform in ("darwin", "win32"):  # their certificates are in no file
        import truststore

        return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context = ssl.create_default_context()
    paths = ssl.get_default_verify_paths()
    if paths.cafile is None and paths.capath is None:  # a slim image has none
        import certifi

        context.load_verify_locations(certifi.where())
    return context
