"""Pages: how stores list what lies below a name, a page at a time, in the order of keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .tries import patiently
from .urls import AMAZON, AZURE, GOOGLE

PAGE = 1000
Objects = list[Mapping[str, Any]]


def of_s3(url: str, store: Any, bucket: str, prefix: str) -> Iterator[Objects]:
    """Yield the pages of a bucket of S3; StoreError where one is not given."""
    from fsspec.asyn import sync

    keys = store._iterdir(bucket, delimiter="", prefix=prefix)

    async def page() -> Objects:
        got = Objects()
        async for one in keys:
            got.append(one)
            if len(got) == PAGE:
                break
        return got

    # s3fs tries each page again by itself; a generator that failed would be at its end.
    while some := patiently(url, lambda: sync(store.loop, page), n_tries=1):
        yield some


def of_google(url: str, store: Any, bucket: str, prefix: str) -> Iterator[Objects]:
    """Yield the pages of a bucket of Google; errors as `of_s3`."""

    def page(token: str | None) -> tuple[Objects, str | None]:
        asked = {"prefix": prefix or None, "maxResults": PAGE, "pageToken": token}
        told = store.call("GET", "b/{}/o", bucket, json_out=True, **asked)
        return [_of_object(bucket, one) for one in told.get("items", ())], told.get("nextPageToken")

    return _marked(url, page)


def of_azure(url: str, store: Any, bucket: str, prefix: str) -> Iterator[Objects]:
    """Yield the pages of a container of Azure; errors as `of_s3`."""
    from fsspec.asyn import sync

    container = store.service_client.get_container_client(bucket)

    def page(marker: str | None) -> tuple[Objects, str | None]:
        found: tuple[Objects, str | None] = sync(store.loop, ask, marker)
        return found

    async def ask(marker: str | None) -> tuple[Objects, str | None]:
        asked = {"name_starts_with": prefix, "include": ["metadata"], "results_per_page": PAGE}
        pages = container.list_blobs(**asked).by_page(continuation_token=marker)
        async for one in pages:
            return [_of_blob(bucket, blob) async for blob in one], pages.continuation_token
        return [], None

    return _marked(url, page)


def _of_object(bucket: str, told: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what gcsfs tells of an object."""
    return {**told, "name": f"{bucket}/{told['name']}", "size": int(told["size"]), "type": "file"}


def _of_blob(bucket: str, blob: Any) -> Mapping[str, Any]:
    """Return what adlfs tells of a blob; where folders are blobs, their metadata says so."""
    is_folder = (blob.metadata or {}).get("hdi_isfolder") == "true"
    told = {"name": f"{bucket}/{blob.name}", "size": blob.size, "etag": blob.etag}
    return {**told, "type": "directory" if is_folder else "file"}


def _marked(url: str, page: Callable[[str | None], tuple[Objects, str | None]]) -> Iterator[Objects]:
    """Yield pages, each of which tells where the next begins: so each can be asked for again."""
    marker, is_over = None, False
    while not is_over:
        some, marker = patiently(url, lambda: page(marker))  # noqa: B023 - asked at once
        is_over = not marker
        yield some


OF = {
    **dict.fromkeys(AMAZON, of_s3),
    **dict.fromkeys(GOOGLE, of_google),
    **dict.fromkeys(AZURE, of_azure),
}
