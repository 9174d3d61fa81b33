"""Credentials: where those who speak to stores look for them, said where a store lets nobody in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from .urls import AMAZON, AZURE, GOOGLE, links, protocol

# By protocol, as the libraries have it; the variables FSSPEC_* are fsspec's own for a library's arguments.
PLACES = {
    **dict.fromkeys(
        AMAZON,
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE of ~/.aws/credentials and ~/.aws/config,"
        " this machine's role; FSSPEC_S3_ANON=true asks without any, as of public buckets",
    ),
    **dict.fromkeys(
        GOOGLE,
        "GOOGLE_APPLICATION_CREDENTIALS, ~/.config/gcloud (gcloud auth application-default login), this"
        " machine's account; without any it is asked as a public bucket is",
    ),
    **dict.fromkeys(
        AZURE,
        "AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_ACCOUNT_NAME with AZURE_STORAGE_ACCOUNT_KEY,"
        " AZURE_STORAGE_SAS_TOKEN, az login or this machine's identity; AZURE_STORAGE_ANON=true asks without"
        " any, as of public containers",
    ),
    **dict.fromkeys(
        ("sftp", "ssh"),
        "the agent of ssh, ~/.ssh/id_*, FSSPEC_SFTP_USERNAME and FSSPEC_SFTP_PASSWORD",
    ),
}
ALL = "and the files of fsspec, ~/.config/fsspec/*.json or in FSSPEC_CONFIG_DIR"
KINDS = ("Credential", "Authentication", "RefreshError")  # in the names of errors of any library
# adlfs, gcsfs, paramiko: no own kind.
WORDS = ("credential", "connection string", "anonymous caller", "no authentication methods")
REFUSED = (401, 403)
FORBIDDEN = "Forbidden: "  # where gcsfs tells no status
PATH = re.compile(r"\S*/\S*")  # or a URL


def hint(url: str, error: BaseException) -> str:
    """Return where credentials are looked for, if an error may be for the lack of some; else ""."""
    places = PLACES.get(protocol(links(url)[-1]))  # of an archive: where that lies
    if places is None or not (isinstance(error, PermissionError) or are_lacking(url, error)):
        return ""
    return f"; credentials are looked for in {places}; {ALL}"


def are_lacking(url: str, error: BaseException) -> bool:
    """Whether a library says that it has no credentials, or some that are not taken, of a URL."""
    if any(status >= 500 for status in statuses(error)):  # the server's own trouble, whatever it says of it
        return False
    if str(error).startswith(FORBIDDEN) or any(status in REFUSED for status in statuses(error)):
        return True
    names = [kind.__name__ for kind in type(error).__mro__]
    text = _without_names(str(error), url).lower()
    return any(kind in name for kind in KINDS for name in names) or any(word in text for word in WORDS)


def statuses(error: BaseException) -> Iterator[int]:
    """Yield the HTTP statuses that a store's error tells of, as the libraries have it."""
    names = (name for name in ("status", "status_code", "code") if hasattr(error, name))
    told = [getattr(error, next(names, ""), None)]  # the first: aiohttp's own `code` warns that it is old
    for one in (error, error.__cause__):
        response = getattr(one, "response", None)  # botocore's
        if isinstance(response, Mapping):
            told.append(response.get("ResponseMetadata", {}).get("HTTPStatusCode"))
    yield from (one for one in told if isinstance(one, int))


def _without_names(text: str, url: str) -> str:
    """Return an error's text without URLs and paths: recordings may be called anything."""
    for link in links(url):  # the asked ones may have blanks
        for name in (link, link.partition("://")[2]):
            if "/" in name:
                text = text.replace(name, "")
    return PATH.sub("", text)
