"""How much of a file at an address is fetched."""

from cnnfilter.addresses import reading
from cnnfilter.addresses.schemes import DEFAULT_MAX_BYTES
from tests.command import done, refused, save


def test_weights_may_have_as_many_bytes_for_the_time_of_a_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save("a.png")
    allowed = []
    monkeypatch.setattr(reading, "allow", allowed.append)
    done("apply", "edge", "a.png", "--max-bytes", "3 GB")
    assert allowed == [3 * 10**9, DEFAULT_MAX_BYTES]


def test_it_is_a_size(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = refused("edge", "a.png", "--max-bytes", "many")
    assert "--max-bytes is a size such as 800M, 4G or 2GiB, not 'many'" in told
