"""What goes wrong in the libraries of back ends, as people are told: by class and status, and nothing of its text."""

import asyncio
import socket
import traceback

import aiohttp
import asyncssh
import botocore.exceptions
import pytest

from cnnfilter.addresses.failures import AddressError, failures
from cnnfilter.errors import KernelError

LOGIN = "the server refuses the login: sftp://USER@HOST names the user, whose key is in ~/.ssh or an agent"
HALF = "the credentials lack a part: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY go together"
UNSAFE = "no safe connection (TLS) to the server"
FEWER = "the service asks for fewer requests (429); try again later"
SECRET = "https://host/a?signature=0penSesame"


def made(name, *bases, **facts):
    """An error of a class of that name: of a library that is not there, or that is hard to make."""
    return type(name, bases or (Exception,), facts)(SECRET)


def caused(error, cause):
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        (FileNotFoundError(SECRET), FileNotFoundError, "no such file"),
        (PermissionError(SECRET), PermissionError, "permission denied"),
        (NotADirectoryError(SECRET), FileNotFoundError, "no such folder"),
        (IsADirectoryError(SECRET), IsADirectoryError, "is a folder"),
        (FileExistsError(SECRET), FileExistsError, "it exists already"),
        (ConnectionResetError(SECRET), AddressError, "the connection was lost"),
        (ConnectionRefusedError(SECRET), AddressError, "no connection to the server"),
        (socket.gaierror(SECRET), AddressError, "no server of that name is known"),
        (TimeoutError(SECRET), AddressError, "no answer in time"),
        (asyncio.IncompleteReadError(b"0penSesame", 1), AddressError, "the connection was lost"),
        (botocore.exceptions.EndpointConnectionError(endpoint_url=SECRET), AddressError, "no connection to the server"),
        (botocore.exceptions.ReadTimeoutError(endpoint_url=SECRET), AddressError, "no answer in time"),
        (botocore.exceptions.ConnectTimeoutError(endpoint_url=SECRET), AddressError, "no connection to the server"),
        (botocore.exceptions.SSLError(endpoint_url=SECRET, error=1), AddressError, UNSAFE),
        (botocore.exceptions.ConnectionClosedError(endpoint_url=SECRET), AddressError, "the connection was lost"),
        (botocore.exceptions.ParamValidationError(report=SECRET), AddressError, "the service takes no such name"),
        (botocore.exceptions.PartialCredentialsError(provider=SECRET, cred_var=SECRET), PermissionError, HALF),
        (aiohttp.SocketTimeoutError(SECRET), AddressError, "no answer in time"),
        (aiohttp.ServerDisconnectedError(SECRET), AddressError, "the connection was lost"),
        (aiohttp.InvalidURL(SECRET), AddressError, "that is no address of the web"),
        (made("ClientConnectorCertificateError"), AddressError, "the server's certificate is not to be trusted"),
        (made("Broken", type("ClientSSLError", (OSError,), {})), AddressError, UNSAFE),
        (asyncssh.SFTPNoSpaceOnFilesystem(SECRET), OSError, "the server has no space left"),
        (asyncssh.SFTPFailure(SECRET), AddressError, "the server refuses that"),
        (asyncssh.ConnectionLost(SECRET), AddressError, "the connection was lost"),
        (asyncssh.ProtocolError(SECRET), AddressError, "the server ended the connection"),
        (caused(OSError(SECRET), made("HttpError", code=429)), AddressError, FEWER),
        (made("ResourceNotFoundError", status_code=404), FileNotFoundError, "no such file"),
        (made("HttpResponseError", status_code=409), AddressError, "the service refuses that (409)"),
        (made("Strange", code=404), AddressError, "its library failed (Strange)"),
        (caused(PermissionError(SECRET), asyncssh.PermissionDenied(SECRET)), PermissionError, LOGIN),
        (caused(OSError(SECRET), LookupError(SECRET)), AddressError, "its library failed (LookupError)"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)  # fmt: skip
def test_what_a_library_raises_is_told_in_our_words(error, kind, reason, monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with pytest.raises(OSError, match=r".") as caught, failures():
        raise error
    assert (type(caught.value), caught.value.strerror) == (kind, reason)
    assert "0penSesame" not in f"{caught.value}{caught.value!r}"
    assert "0penSesame" not in "".join(traceback.format_exception(caught.value))


def test_which_service_of_buckets_is_not_reached_is_told(monkeypatch):
    error = botocore.exceptions.EndpointConnectionError(endpoint_url=SECRET)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://ann:0penSesame@127.0.0.1:1")
    for name, told in (
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1 (AWS_ENDPOINT_URL)"),
        ("AWS_ENDPOINT_URL_S3", "http://s3.invalid (AWS_ENDPOINT_URL_S3)"),
    ):
        with pytest.raises(AddressError) as caught, failures():
            raise error
        assert caught.value.strerror == f"no connection to {told}", name
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://s3.invalid")


def test_what_is_told_already_passes():
    for error in (AddressError("so it is"), KernelError("no")):
        with pytest.raises(type(error)) as caught, failures():
            raise error
        assert caught.value is error
    with pytest.raises(KeyboardInterrupt), failures():
        raise KeyboardInterrupt


def test_each_error_is_a_new_one():
    found = []
    for _ in range(2):
        with pytest.raises(FileNotFoundError) as caught, failures():
            raise FileNotFoundError
        found.append(caught.value)
    assert found[0] is not found[1]
