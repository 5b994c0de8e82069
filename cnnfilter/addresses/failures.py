"""What goes wrong at an address, in our words: by the class and the status of an error, never by its text.

The texts of back ends hold URLs with their queries, names of keys, and whatever a server likes to say.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from typing import NoReturn

from cnnfilter.errors import CnnfilterError
from cnnfilter.messages import printable, without_secrets


class AddressError(OSError):
    """What a server or a bucket did not do; `strerror` is one line for people.

    Parameters
    ----------
    reason : str
    is_passing : bool
        Whether trying again may help.
    """

    def __init__(self, reason: str, *, is_passing: bool = False) -> None:
        super().__init__(errno.EIO, reason)
        self.is_passing = is_passing


class NoPartError(AddressError):
    """A file that is too short for the part of it that was asked for."""


LOST = "the connection was lost"
SLOW = "no answer in time"
ENDED_UPLOAD = "the service no longer knows the upload"
CONTESTED = "another is written there at this moment; try again"
DENIED = "permission denied (403)"
UNKNOWN_CONDITION = "the service cannot do that (501)"
_NO_HTTP = "HttpProcessingError"
_UNREACHED = "no connection to the server"
_UNKNOWN = "no server of that name is known"
_UNSAFE = "no safe connection (TLS) to the server"
_LOGIN = (
    "no credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; "
    "FSSPEC_S3_ANON=true reads a public bucket without any"
)
_HALF = "the credentials lack a part: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY go together"
_NOT_GIVEN = "what ~/.aws/config names gives no credentials"
_REFUSED = "the server refuses the login: sftp://USER@HOST names the user, whose key is in ~/.ssh or an agent"
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
"""What names another service than Amazon's, the first before the second."""

_CODES = {
    "NoSuchBucket": FileNotFoundError(errno.ENOENT, "no such bucket"),
    "ExpiredToken": PermissionError(errno.EACCES, "the credentials have expired"),
    "RequestTimeTooSkewed": PermissionError(errno.EACCES, "this machine's clock is wrong"),
    "PermanentRedirect": AddressError("the bucket is in another region than AWS_DEFAULT_REGION"),
    "NoSuchUpload": AddressError(ENDED_UPLOAD),
    "ConditionalRequestConflict": AddressError(CONTESTED, is_passing=True),
    "NotImplemented": AddressError(UNKNOWN_CONDITION),
}
"""By what S3 calls them, where that tells more than the status."""

_STATUSES = {
    400: AddressError("the service does not take the request (400)"),
    401: PermissionError(errno.EACCES, "the service asks for a login (401)"),
    403: PermissionError(errno.EACCES, DENIED),
    404: FileNotFoundError(errno.ENOENT, "no such file"),
    408: AddressError(SLOW, is_passing=True),
    410: FileNotFoundError(errno.ENOENT, "no such file any more"),
    412: FileExistsError(errno.EEXIST, "it exists already"),
    416: NoPartError("it is shorter than that"),
    429: AddressError("the service asks for fewer requests (429); try again later", is_passing=True),
    503: AddressError("the service is not available (503); try again later", is_passing=True),
}

_UNREACHED_BUCKETS = ("EndpointConnectionError", "ConnectTimeoutError")
"""The classes of botocore that say so: an address `s3://` does not tell which server is asked."""

_CLASSES = {
    # botocore
    "NoCredentialsError": PermissionError(errno.EACCES, _LOGIN),
    "PartialCredentialsError": PermissionError(errno.EACCES, _HALF),
    "CredentialRetrievalError": PermissionError(errno.EACCES, _NOT_GIVEN),
    "ProfileNotFound": PermissionError(errno.EACCES, "the profile of AWS_PROFILE is not in its library's settings"),
    "ParamValidationError": AddressError("the service takes no such name"),
    "ProxyConnectionError": AddressError("no connection to the proxy", is_passing=True),
    "SSLError": AddressError(_UNSAFE),
    "ReadTimeoutError": AddressError(SLOW, is_passing=True),
    "HTTPClientError": AddressError(LOST, is_passing=True),
    # aiohttp
    "ClientConnectorCertificateError": AddressError("the server's certificate is not to be trusted"),
    "ClientSSLError": AddressError(_UNSAFE),
    "ClientConnectorDNSError": AddressError(_UNKNOWN, is_passing=True),
    "ClientConnectorError": AddressError(_UNREACHED, is_passing=True),
    "ServerTimeoutError": AddressError(SLOW, is_passing=True),
    "ClientConnectionError": AddressError(LOST, is_passing=True),
    _NO_HTTP: AddressError("its answer is none of the web (HTTP)"),
    "ClientPayloadError": AddressError(LOST, is_passing=True),
    "RedirectClientError": AddressError("it redirects to what is not of the web"),
    "TooManyRedirects": AddressError("it redirects again and again"),
    "InvalidURL": AddressError("that is no address of the web"),
    # asyncssh
    "HostKeyNotVerifiable": AddressError(
        "~/.ssh/known_hosts has no such key of the server: connect with ssh, which says whether it is new or another"
    ),
    "PermissionDenied": PermissionError(errno.EACCES, _REFUSED),
    "KeyImportError": AddressError("a key in ~/.ssh asks for its passphrase: give it to ssh-agent"),
    "SFTPNoSuchFile": _STATUSES[404],
    "SFTPNoSuchPath": _STATUSES[404],
    "SFTPPermissionDenied": PermissionError(errno.EACCES, "permission denied"),
    "SFTPFileAlreadyExists": _STATUSES[412],
    "SFTPNoSpaceOnFilesystem": OSError(errno.ENOSPC, "the server has no space left"),
    "SFTPQuotaExceeded": OSError(errno.ENOSPC, "the server has no space left"),
    "SFTPOpUnsupported": AddressError("the server cannot do that"),
    "SFTPFailure": AddressError("the server refuses that"),
    "SFTPNoConnection": AddressError(LOST, is_passing=True),
    "SFTPConnectionLost": AddressError(LOST, is_passing=True),
    "ConnectionLost": AddressError(LOST, is_passing=True),
    "DisconnectError": AddressError("the server ended the connection", is_passing=True),
}
"""By the names of classes, those of bases too: the libraries that define them need not be there."""

_OF_PYTHON = {
    "FileNotFoundError": _STATUSES[404],
    "PermissionError": PermissionError(errno.EACCES, "permission denied"),
    "FileExistsError": _STATUSES[412],
    "IsADirectoryError": IsADirectoryError(errno.EISDIR, "is a folder"),
    "NotADirectoryError": FileNotFoundError(errno.ENOENT, "no such folder"),
    "TimeoutError": AddressError(SLOW, is_passing=True),
    "ValueError": AddressError(
        "its library refuses its settings; AWS_ENDPOINT_URL, if set, begins with http:// or https://"
    ),
    "InterruptedError": AddressError("the process is about to end"),
    "gaierror": AddressError(_UNKNOWN, is_passing=True),
    "ConnectionRefusedError": AddressError(_UNREACHED, is_passing=True),
    "ConnectionError": AddressError(LOST, is_passing=True),
    "IncompleteReadError": AddressError(LOST, is_passing=True),
}
"""By the names of Python's own classes, which tell less than what caused them."""


_STATUS_NAMES = {"HttpError": "code", "HttpResponseError": "status_code", "ResourceNotFoundError": "status_code"}
"""Where the libraries of gs and az have it; that of the web has `status`, and calls other things `code`."""


@contextlib.contextmanager
def failures() -> Iterator[None]:
    """Turn what back ends raise into an `OSError` whose `strerror` is one line in our words.

    Raises
    ------
    FileNotFoundError, PermissionError, FileExistsError, AddressError
    """
    try:
        yield
    except (CnnfilterError, AddressError):
        raise
    except Exception as error:
        _tell(error)


def _tell(error: Exception) -> NoReturn:
    found = failure(error)
    if isinstance(found, AddressError):
        raise type(found)(str(found.strerror), is_passing=found.is_passing) from None
    raise type(found)(found.errno, found.strerror) from None


def failure(error: BaseException) -> OSError:
    """What an error of a back end means."""
    causes = _causes(error)
    for each in causes:
        if code_of(each) in _CODES:
            return _CODES[code_of(each)]
    for each in causes:
        status = status_of(each)
        if status in _STATUSES:
            return _STATUSES[status]
        if status >= 500:
            return AddressError(f"the service failed ({status}); try again later", is_passing=status != 501)
        if status >= 400:
            return AddressError(f"the service refuses that ({status})")
    for table in (_CLASSES, _OF_PYTHON):
        for each in causes:
            for kind in type(each).__mro__:
                if kind.__name__ in _UNREACHED_BUCKETS:
                    return _unreached()
                if kind.__name__ in table:
                    return table[kind.__name__]
    return AddressError(f"its library failed ({type(causes[-1]).__name__})")


def _unreached() -> AddressError:
    """That no service of buckets is reached, and which one it was."""
    for name in _ENDPOINTS:
        if url := os.environ.get(name):
            return AddressError(f"no connection to {printable(without_secrets(url))} ({name})", is_passing=True)
    return AddressError(_UNREACHED, is_passing=True)


def _causes(error: BaseException) -> list[BaseException]:
    """An error and what caused it, the last first."""
    found = [error]
    while (cause := found[-1].__cause__) is not None and len(found) < 10:
        found.append(cause)
    return found


def code_of(error: BaseException) -> str:
    """What S3 calls an error; empty where it is none of its."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def status_of(error: BaseException) -> int:
    """The status of an answer that was an error, or of what caused one; 0 if it was none."""
    causes = _causes(error)
    if any(kind.__name__ == _NO_HTTP for each in causes for kind in type(each).__mro__):
        return 0  # which aiohttp gives a status of its own
    for each in causes:
        response = getattr(each, "response", None)
        if isinstance(response, dict):
            status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        else:
            name = _STATUS_NAMES.get(type(each).__name__, "status")
            status = getattr(each, name, 0)
        if isinstance(status, int) and 300 <= status < 1000:
            return status
    return 0
