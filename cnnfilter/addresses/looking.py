"""Whether there is a file or a folder at an address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnfilter.addresses.listing import kind_of, pages_of, prefix_of
from cnnfilter.addresses.reading import head
from cnnfilter.addresses.schemes import SCHEMES
from cnnfilter.addresses.systems import asked, over_sftp

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

    from cnnfilter.addresses.address import Address


def has_file(address: Address) -> bool:
    """Whether a file is there.

    Raises
    ------
    OSError
        If that cannot be told.
    """
    if address.scheme in ("http", "https"):
        try:
            head(address, 1)
        except FileNotFoundError:
            return False
        return True
    if not address.name or address.text.endswith("/"):
        return False
    return _kind(address) == "file"


def has_folder(address: Address) -> bool:
    """Whether a folder is there: of a bucket, the bucket itself or any key below it.

    Raises
    ------
    OSError
        If that cannot be told.
    """
    if not SCHEMES[address.scheme].lists:
        return False
    if address.scheme != "s3":
        return _kind(address) == "directory"
    try:
        page = next(pages_of(address, prefix_of(address), flat=True, size=1))
    except FileNotFoundError:  # no such bucket
        return False
    return not address.name or bool(page.get("Contents"))


def check_bucket(address: Address) -> None:
    """Refuse an address whose bucket is not there, as far as S3 tells; others tell when something is written.

    Raises
    ------
    FileNotFoundError
        If there is no such bucket.
    """
    if address.scheme == "s3":
        try:
            next(pages_of(address, prefix_of(address), flat=True, size=1))
        except FileNotFoundError:
            raise
        except OSError:  # whoever may write there need not be let list, or it will fail then
            return


def _kind(address: Address) -> str | None:
    """What fsspec calls what is there: a `file`, a `directory`, something `other`; None where nothing is."""
    if address.scheme == "sftp":
        question = _kind_on_server
    elif address.scheme == "s3":
        question = _kind_of_object
    else:
        question = _kind_in_system
    try:
        return asked(address, lambda fs: question(fs, address))
    except FileNotFoundError:
        return None


def _kind_in_system(fs: AbstractFileSystem, address: Address) -> str:
    return str(fs.info(address.key)["type"])


def _kind_of_object(fs: AbstractFileSystem, address: Address) -> str:
    """It is asked for by its own name, which takes no right to list."""
    bucket, _, key = address.key.partition("/")
    fs.call_s3("head_object", Bucket=bucket, Key=key)
    return "file"


def _kind_on_server(fs: AbstractFileSystem, address: Address) -> str:
    async def stat(channel: Any) -> str:
        return kind_of((await channel.stat(address.key)).permissions)

    return over_sftp(fs, stat)
