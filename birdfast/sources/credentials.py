"""Credentials: where those who speak to stores look for them, said where a store lets nobody in."""

from __future__ import annotations

# By protocol, as the libraries have it; the variables FSSPEC_* are fsspec's own for a library's arguments.
PLACES = {
    **dict.fromkeys(
        ("s3", "s3a"),
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE of ~/.aws/credentials and ~/.aws/config,"
        " this machine's role; FSSPEC_S3_ANON=true asks without any, as of public buckets",
    ),
    **dict.fromkeys(
        ("gs", "gcs"),
        "GOOGLE_APPLICATION_CREDENTIALS, ~/.config/gcloud, this machine's account; FSSPEC_GCS_TOKEN=anon asks"
        " without any, as of public buckets",
    ),
    **dict.fromkeys(
        ("az", "abfs", "abfss", "adl"),
        "AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_ACCOUNT_NAME with AZURE_STORAGE_ACCOUNT_KEY or"
        " AZURE_STORAGE_SAS_TOKEN",
    ),
    **dict.fromkeys(
        ("sftp", "ssh"),
        "the agent of ssh, ~/.ssh/id_*, FSSPEC_SFTP_USERNAME and FSSPEC_SFTP_PASSWORD",
    ),
}
ALL = "and the files of fsspec, ~/.config/fsspec/*.json or in FSSPEC_CONFIG_DIR"
KINDS = ("Credential", "Authentication", "RefreshError")  # in the names of errors of any library
WORDS = ("credential", "anonymous caller", "no authentication methods")  # adlfs, gcsfs, paramiko: no own kind


def hint(url: str, error: BaseException) -> str:
    """Return where credentials are looked for, if an error may be for the lack of some; else ""."""
    speaks = url.rpartition("::")[2].partition("://")[0]  # of an archive: where that lies
    places = PLACES.get(speaks.lower())
    if places is None or not (isinstance(error, PermissionError) or are_lacking(error)):
        return ""
    return f"; credentials are looked for in {places}; {ALL}"


def are_lacking(error: BaseException) -> bool:
    """Whether a library says that it has no credentials, or some that are not taken."""
    names = [kind.__name__ for kind in type(error).__mro__]
    text = str(error).lower()
    return any(kind in name for kind in KINDS for name in names) or any(word in text for word in WORDS)
