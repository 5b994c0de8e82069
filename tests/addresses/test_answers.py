"""What buckets answer where a cluster's command is given, they must answer its workers (here for the server)."""

import pytest

from cnnfilter.addresses import systems
from cnnfilter.cluster.probing import answers, check_answered
from cnnfilter.errors import ClusterError
from tests.plans import planned

NEEDED = "each worker needs credentials and settings of its own"
LOGIN = (
    "no credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; "
    "FSSPEC_S3_ANON=true reads a public bucket without any"
)


@pytest.fixture
def plan(box):
    box.put("box/in/a.png", b"x")
    return planned(["s3://box/in/a.png", "s3://box/in/b.png", "https://127.0.0.1:1/c.png"], output="s3://box/out/")


@pytest.fixture
def without_credentials(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    systems.forget()
    yield
    systems.forget()


def test_each_bucket_is_asked_once_and_the_web_never(box, plan):
    box.forget()
    found = answers(plan)
    assert found == [["s3://box/in/a.png", True]]
    check_answered(found)
    assert box.requests() == ["HEAD /box/in/a.png"] * 2


def test_a_bucket_of_outputs_alone_is_asked_for_what_is_not_there(box, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    [(text, is_there)] = found = answers(planned(["a.png"], output="s3://box/out/"))
    assert text.startswith("s3://box/out/")
    assert not is_there
    check_answered(found)
    box.order("status", "HEAD", None, status=403)  # as of a worker that may write and not read
    check_answered(found)


@pytest.mark.parametrize(
    ("order", "why"),
    [
        ({"kind": "status", "status": 403}, "permission denied (403)"),
        ({"kind": "status", "status": 404}, "no such file"),
    ],
)
def test_a_worker_that_is_refused_is_unfit(box, plan, order, why):
    found = answers(plan)
    box.order(match="HEAD", count=None, **order)
    with pytest.raises(ClusterError) as raised:
        check_answered(found)
    assert str(raised.value) == f"s3://box/in/a.png: {why}; {NEEDED}"
    box.forget()
    box.order("status", "HEAD", None, status=503)  # which may pass
    check_answered(found)


def test_a_worker_without_credentials_is_unfit(plan, request):
    found = answers(plan)
    request.getfixturevalue("without_credentials")
    with pytest.raises(ClusterError) as raised:
        check_answered(found)
    assert str(raised.value) == f"s3://box/in/a.png: {LOGIN}; {NEEDED}"


@pytest.mark.usefixtures("without_credentials")
def test_who_has_no_credentials_where_the_command_is_given_asks_no_worker(plan):
    assert answers(plan) == []
