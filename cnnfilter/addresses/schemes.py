"""The schemes that an address may have, and what each takes: no other reaches fsspec."""

from __future__ import annotations

from typing import NamedTuple

DEFAULT_MAX_BYTES = 1 << 30
"""Bytes of a file that are fetched, unless somebody asks for more."""


class Scheme(NamedTuple):
    """What is known of a scheme.

    Parameters
    ----------
    library : str
        What Python imports for it, beside fsspec.
    install : str
        The command that installs it.
    writes : bool
        Whether files are written there.
    lists : bool
        Whether there are folders, which can be looked into.
    tested : bool
        Whether our tests have a server of it.
    first : str
        What comes first in such an address.
    """

    library: str
    install: str
    writes: bool = True
    lists: bool = True
    tested: bool = True
    first: str = "bucket"

    @property
    def is_of_host(self) -> bool:
        """Whether an address names a host, and perhaps a user and a port."""
        return self.first == "host"


_EXTRA = "pip install 'cnnfilter[remote]'"

SCHEMES = {
    "s3": Scheme("s3fs", _EXTRA),
    "http": Scheme("aiohttp", _EXTRA, writes=False, lists=False, first="host"),
    "https": Scheme("aiohttp", _EXTRA, writes=False, lists=False, first="host"),
    "sftp": Scheme("sshfs", _EXTRA, first="host"),
    "gs": Scheme("gcsfs", "pip install gcsfs", tested=False),
    "az": Scheme("adlfs", "pip install adlfs", tested=False, first="container"),
    "memory": Scheme("fsspec", _EXTRA, first="folder"),
}
"""The schemes by name. `memory` is of one process, for programs and tests."""
