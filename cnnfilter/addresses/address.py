"""Addresses of files that are not of this machine: `SCHEME://BUCKET/KEY` or `SCHEME://HOST/PATH`.

An address is checked as a text, before anything is asked for: its scheme is one of `SCHEMES`, and fsspec's chains are
none. It may hold a password or a signature, which opening it takes and nobody is shown: its `str` is for people.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from cnnfilter.addresses.schemes import SCHEMES
from cnnfilter.errors import ArgumentError
from cnnfilter.messages import alternatives, either, nearest, quoted, readable

LONGEST = 4095
"""Bytes of an address, as many as a path may have."""

_SCHEME = r"[A-Za-z][A-Za-z0-9+.-]+"  # of one letter it is a drive's
_ADDRESS = re.compile(rf"(?:[\w+.-]*::)*{_SCHEME}://")
_CHAIN = re.compile(rf"::{_SCHEME}://")
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|\w(?:[\w.-]*\w)?\.?)")
_BUCKET = re.compile(r"\w[\w.-]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_OF_THIS_MACHINE = ("file", "local")


def is_address(text: str) -> bool:
    """Whether a text is an address rather than a path, be it one that is refused.

    Examples
    --------
    >>> is_address("s3://photos/a.jpg"), is_address("zip://a::file://b.zip"), is_address("./s3://a"), is_address("C://a")
    (True, True, False, False)
    """
    return "://" in text and _ADDRESS.match(text) is not None


def no_file(name: str | os.PathLike[str]) -> str:
    """What is said of a path that leads to nothing, which may have been meant as an address.

    Examples
    --------
    >>> no_file("a.png"), no_file(Path("s3://photos/a.png"))
    ('no such file', 'no such file; an address is a text that begins with s3://')
    """
    meant = re.match(rf"\s*({_SCHEME}):/", os.fspath(name))
    if meant is None or meant[1].lower() not in SCHEMES:
        return "no such file"
    begins = f"begins with {meant[1].lower()}://"
    return f"no such file; an address {either(f'{begins}, and no blank before it', f'is a text that {begins}')}"


def wrong_address(text: str) -> str | None:
    """Why an address is refused; None if it is not, or is a path. The reason repeats nothing that may be secret.

    Examples
    --------
    >>> wrong_address("s4://photos/a.jpg")
    "the scheme 's4' is not known; did you mean s3 or gs? (known: s3, http, https, sftp, gs, az and memory)"
    """
    if not is_address(text):
        return None
    try:
        length = len(text.encode())
    except UnicodeEncodeError:
        return "it holds bytes that are no text"
    if length > LONGEST:
        return f"it has {length:,} bytes, more than the {LONGEST:,} of an address"
    if _CONTROL.search(text):
        return "it holds a control character"
    if re.search(_CHAIN, text):
        return "chains of addresses ('::') are not followed"
    scheme, _, rest = text.partition("://")
    if scheme.lower() in _OF_THIS_MACHINE:
        return "it is of this machine: give its path"
    known = SCHEMES.get(scheme.lower())
    if known is None:
        known_ones = alternatives([*SCHEMES], "and")
        return f"the scheme {quoted(scheme)} is not known{nearest(scheme, SCHEMES)} (known: {known_ones})"
    if known.is_of_host:
        return _wrong_host(_authority(scheme.lower(), rest))
    first = rest.partition("/")[0]
    if re.search("[@:]", first) and scheme.lower() != "memory":
        return "credentials have no place in it; its library finds them as it always does"
    if not first:
        return f"it names no {known.first}"
    if scheme.lower() != "memory" and not _BUCKET.fullmatch(first):
        return f"no {known.first} has such a name"
    if scheme.lower() == "s3" and "?versionId=" in rest:
        return "versions of an object are not told apart: leave ?versionId= out"
    return None


def _wrong_host(authority: str) -> str | None:
    host = authority.rpartition("@")[2]
    port = re.search(r":([^\]:]*)$", host)
    if port:
        host = host[: port.start()]
        if not (re.fullmatch(r"[0-9]{1,5}", port[1]) and 0 < int(port[1]) <= 65535):
            return "its port is no number from 1 to 65535"
    if not host:
        return "it names no host"
    return None if _HOST.fullmatch(host) else "no host has such a name"


def _authority(scheme: str, rest: str) -> str:
    """What names user, host and port; of the web it ends at a query, too."""
    return re.split(r"[/?#]" if scheme.startswith("http") else "/", rest, maxsplit=1)[0]


def shown(name: str) -> str:
    """A file's name as people may see it: an address, also one that is refused, without password and query.

    Of one whose bucket or host is refused, nobody knows what is a password.

    Examples
    --------
    >>> shown("sftp://ann:secret@host/a.jpg"), shown("https://host/a.jpg?signature=1"), shown("a?b.jpg")
    ('sftp://ann@host/a.jpg', 'https://host/a.jpg?...', 'a?b.jpg')
    """
    if not is_address(name):
        return name
    scheme, _, rest = name.partition("://")
    authority = _authority(scheme.lower(), rest)
    if wrong_address(f"{scheme}://{authority}/") or re.search(_CHAIN, rest):  # whatever its parts were meant to be
        return f"{scheme}://..." if re.search("[@?#]", rest) else name
    if not SCHEMES[scheme.lower()].is_of_host:
        return name
    user, _, host = authority.rpartition("@")
    path, mark = rest[len(authority) :], ""
    if scheme.lower() == "sftp":
        host = f"{user.partition(':')[0]}@{host}" if user else host  # of the web, a user may be a token
    elif found := re.search(r"[?#]", path):
        path, mark = path[: found.start()], f"{found[0]}..."
    return f"{scheme}://{host}{path}{mark}"


def located(name: str | os.PathLike[str] | Address) -> Path | Address:
    """A path or an address, whichever a name is.

    Raises
    ------
    ArgumentError
        If it is an address that is refused.

    Examples
    --------
    >>> located("s3://photos/2024/a.jpg").name
    'a.jpg'
    """
    if isinstance(name, Address):
        return name
    if not isinstance(name, str) or not is_address(name):
        return Path(name)
    if reason := wrong_address(name):
        msg = f"the address {readable(shown(name))}: {reason}"
        raise ArgumentError(msg)
    scheme, mark, rest = name.partition("://")
    return Address(f"{scheme.lower()}{mark}{rest}")


@dataclass(frozen=True, slots=True, order=True, repr=False)
class Address:
    """The address of a file or folder, which `located` makes. It is no `os.PathLike`: the system has no such file.

    Its names are those of what stands behind the host or the bucket, as of a `PurePosixPath`; a query of the web
    belongs to none of them.

    Parameters
    ----------
    text : str
        All of it, its secrets too.
    """

    text: str

    def __str__(self) -> str:
        return shown(self.text)

    def __repr__(self) -> str:
        return f"Address({shown(self.text)!r})"

    @property
    def scheme(self) -> str:
        """One of `SCHEMES`."""
        return self.text.partition("://")[0]

    @property
    def first(self) -> str:
        """What its scheme puts first: a bucket, or a host with user and port."""
        scheme, _, rest = self.text.partition("://")
        return _authority(scheme, rest)

    @property
    def path(self) -> str:
        """What stands behind its bucket or host, with the slash before it; empty if nothing does."""
        scheme, _, rest = self.text.partition("://")
        path = rest[len(_authority(scheme, rest)) :]
        return re.split(r"[?#]", path, maxsplit=1)[0] if scheme.startswith("http") else path

    @property
    def key(self) -> str:
        """What its file system calls it: `bucket/a.jpg`, the path on a server of SFTP, the whole address of the web."""
        if SCHEMES[self.scheme].is_of_host:
            return self.path or "/" if self.scheme == "sftp" else self.text
        return self.text.partition("://")[2]

    @property
    def name(self) -> str:
        """Its last part, without a slash; empty if it is a bucket or a host."""
        return self.path.rstrip("/").rpartition("/")[2]

    @property
    def stem(self) -> str:
        """Its name without the suffix."""
        name, suffix = self.name, self.suffix
        return name[: len(name) - len(suffix)]

    @property
    def suffix(self) -> str:
        """The end of its name from the last dot on, unless the dot is its first or last character."""
        name = self.name
        dot = name.rfind(".")
        return name[dot:] if 0 < dot < len(name) - 1 else ""

    @property
    def parts(self) -> tuple[str, ...]:
        """Its bucket or host, without a user, and the names of the folders down to its own."""
        return (self.first.rpartition("@")[2], *filter(None, self.path.split("/")))

    @property
    def _base(self) -> str:
        """All of it down to the first slash."""
        scheme, mark, rest = self.text.partition("://")
        return f"{scheme}{mark}{_authority(scheme, rest)}"

    @property
    def parent(self) -> Address:
        """The folder that it is in; of a bucket or a host itself."""
        folder = self.path.rstrip("/").rpartition("/")[0]
        return Address(self._base + (f"{folder}/" if folder.endswith("/") else folder))

    def with_name(self, name: str) -> Address:
        """The address of another file of its folder."""
        return self.parent / name

    def __truediv__(self, name: str) -> Address:
        path = self.path
        return Address(f"{self._base}{path}{'' if path.endswith('/') else '/'}{name}")

    def is_file(self) -> bool:
        """Whether there is such a file.

        Raises
        ------
        OSError
            If that cannot be told; so of the others.
        """
        from cnnfilter.addresses.looking import has_file  # few names are addresses

        return has_file(self)

    def is_dir(self) -> bool:
        """Whether there is such a folder: of a bucket, the bucket itself or any key below it."""
        from cnnfilter.addresses.looking import has_folder

        return has_folder(self)

    def exists(self) -> bool:
        """Whether there is such a file or folder."""
        return self.is_file() or self.is_dir()

    def check_bucket(self) -> None:
        """Refuse what is in no bucket that is there, as far as that can be told before something is written.

        Raises
        ------
        FileNotFoundError
            If there is no such bucket.
        """
        from cnnfilter.addresses.looking import check_bucket

        check_bucket(self)

    def open(self, mode: str = "rb") -> BinaryIO:
        """All of its bytes, as a file in memory.

        Raises
        ------
        OSError
            If it cannot be read, or is larger than `schemes.DEFAULT_MAX_BYTES`.
        """
        from cnnfilter.addresses.reading import Fetched

        return Fetched(self)


Where = Path | Address
"""Where a file is: on this machine, or at an address."""


def text_of(where: Where) -> str:
    """The whole text of a path or an address, its secrets too: what opens it again."""
    return where.text if isinstance(where, Address) else str(where)


def name_in(folder: Where | None, name: str) -> str:
    """The whole text of a name that is relative to a folder, unless there is none or it is an address itself.

    Examples
    --------
    >>> name_in(located("s3://nets/lenet/"), "conv1.npz"), name_in(Path("nets"), "s3://other/conv1.npz")
    ('s3://nets/lenet/conv1.npz', 's3://other/conv1.npz')
    """
    return name if folder is None or is_address(name) else text_of(folder / name)
