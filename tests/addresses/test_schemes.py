"""What reaches fsspec is of a scheme that is on the list, and never a text that it would follow further."""

import contextlib

import fsspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cnnfilter.addresses import systems
from cnnfilter.addresses.address import Address, located
from cnnfilter.addresses.copies import file_at
from cnnfilter.addresses.listing import entries
from cnnfilter.addresses.reading import fetch
from cnnfilter.addresses.schemes import SCHEMES
from cnnfilter.errors import ArgumentError, MissingExtraError
from tests.command import ROOT

STRANGE = ["file", "local", "zip", "simplecache", "filecache", "reference", "dir", "github", "ssh", "ftp", "data", "x"]
SECRET = b"what nobody should read"


@pytest.fixture
def reached(monkeypatch):
    """The schemes of the systems that are asked for; none is there."""
    asked = []

    def filesystem(scheme, **options):
        asked.append(scheme)
        raise FileNotFoundError

    monkeypatch.setattr(fsspec, "filesystem", filesystem)
    monkeypatch.setattr(fsspec, "open", None)
    monkeypatch.setattr(systems, "_sftp", lambda address: filesystem("sftp"))
    systems.forget()
    return asked


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)  # back ends load slowly
@given(
    st.lists(st.sampled_from([*STRANGE, *SCHEMES]), min_size=1, max_size=3),
    st.text(st.sampled_from("ab/:.@?#*[]"), max_size=8),
    st.sampled_from(["::", "://", "://a::", "://a/b::", ":/", "|"]),
)
def test_only_what_is_on_the_list_is_opened(reached, schemes, path, mark):
    reached.clear()
    text = f"{mark.join(schemes)}://{path}"
    for question in (fetch, file_at, lambda address: list(entries(address, recursive=True))):
        with contextlib.suppress(ArgumentError, MissingExtraError, OSError):
            where = located(text)
            if isinstance(where, Address):
                question(where)
    assert set(reached) <= {*SCHEMES}


def test_files_of_this_machine_are_reached_by_no_address(tmp_path):
    path = tmp_path / "secret.txt"
    path.write_bytes(SECRET)
    texts = [
        f"file://{path}", f"local://{path}", f"simplecache::file://{path}", f"memory://a::file://{path}",
        f"memory://a/b::{path}", f"memory://a/../..{path}", f"memory:/{path}", f"memory:///{path}", f"MEMORY://{path}",
        f"zip://secret.txt::{path}", f"reference://::{path}", f"dir::{path}", f"data://{path}",
    ]  # fmt: skip
    for text in texts:
        try:
            where = located(text)
            found = fetch(where) if isinstance(where, Address) else where.read_bytes()
        except (ArgumentError, OSError):
            continue
        pytest.fail(f"{text} gives {found!r}")


def test_the_readme_tells_every_scheme_and_which_nobody_has_tested():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = [line for line in text.partition("### Addresses")[2].splitlines() if line.startswith("| `")]
    for name, scheme in SCHEMES.items():
        (row,) = [row for row in rows if f"`{name}://" in row]
        assert ("nobody has tested" in row) != scheme.tested
        assert ("only read" in row) != scheme.writes
