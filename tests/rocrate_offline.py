"""Validate a crate without a network: ``python rocrate_offline.py CONTEXT.json CACHE -- arguments of the validator``.

Run by the validator's own Python. The validator looks up one document, the context of RO-Crate 1.1; it is put into its
HTTP cache, and the validator is told to use nothing but the cache.
"""

import io
import sys
from pathlib import Path

from requests.adapters import HTTPAdapter
from requests_cache import CachedSession
from rocrate_validator.cli.main import cli
from urllib3 import HTTPResponse

CONTEXT = "https://w3id.org/ro/crate/1.1/context"
#: What the validator, and the library that it reads JSON-LD with, ask for.
ACCEPTED = ("application/ld+json, application/json", "application/ld+json, application/json, */*;q=0.1")


class Answers(HTTPAdapter):
    """Answers every request with one document."""

    def __init__(self, document):
        super().__init__()
        self.document = document

    def send(self, request, **kwargs):
        headers = {"Content-Type": "application/ld+json"}
        body = HTTPResponse(io.BytesIO(self.document), headers, status=200, preload_content=False)
        return self.build_response(request, body)


def fill(*, cache: str, document: bytes) -> None:
    """Put the context into the cache as the answer to every way in which it is asked for."""
    with CachedSession(cache_name=cache, backend="sqlite", expire_after=-1) as session:
        session.mount(CONTEXT, Answers(document))
        for accepted in ACCEPTED:
            session.get(CONTEXT, headers={"Accept": accepted})


if __name__ == "__main__":
    context, cache, _, *arguments = sys.argv[1:]
    fill(cache=cache, document=Path(context).read_bytes())
    cli([*arguments, "--offline", "--cache-path", cache])
