"""A cluster whose scheduler and workers speak TLS alone, by Dask's own security settings."""

import os

import pytest

from tests.certificates import signed_by_itself
from tests.clusters import cluster, settings
from tests.command import run_process, save


@pytest.fixture
def secured(tmp_path, monkeypatch):
    """Dask's settings as an environment: all have the same certificate, which vouches for itself."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "both.pem").write_bytes(signed_by_itself())
    parts = [f"comm__tls__{who}__{what}" for who in ("scheduler", "worker", "client") for what in ("cert", "key")]
    files = dict.fromkeys(["comm__tls__ca_file", *parts], str(tmp_path / "both.pem"))
    return settings(comm__require_encryption="true", comm__default_scheme="tls", **files)


@pytest.mark.slow
def test_who_has_a_certificate_is_let_in_and_nobody_else(secured):
    save("a.png")
    command = ["apply", "edge", "a.png", "-o", "out.png", "--cluster"]
    with cluster(1, environment=secured) as made:
        assert made.address.startswith("tls://")
        for address, why in (
            (made.address, "needs a certificate and a key; Dask's settings distributed.comm.tls name them"),
            (made.address.replace("tls", "tcp"), "does not answer"),
        ):
            refused = run_process(*command, address)
            assert refused.exit_code == 2, refused.err
            assert f"the scheduler {address} {why}" in refused.err
        done = run_process(*command, made.address, env={**os.environ, **secured})
        assert done.exit_code == 0, done.err
        assert done.messages[0].startswith("wrote out.png"), done.err
