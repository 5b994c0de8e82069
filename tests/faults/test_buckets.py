"""Buckets that refuse, throttle, cut off and lose what they were told, and others who write there at the same time."""

import json
import signal
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from cnnfilter.addresses import putting
from tests.addresses.conftest import found
from tests.buckets import CREDENTIALS, buckets
from tests.clusters import wait_until
from tests.command import run
from tests.faults import contents, crops, finished, generator, started

COUNT = 8
ONCE = {"AWS_MAX_ATTEMPTS": "1"}
"""What makes botocore give up at once, so that s3fs's own five tries are all there are."""
PARTS = """
import sys
from cnnfilter.addresses import putting
from cnnfilter.cli.main import main
putting.PART = 5 << 20
sys.exit(main(sys.argv[1:]))
"""
"""The command, which sends in parts what is larger than the least that S3 takes."""


@pytest.fixture(scope="module")
def s3():
    with buckets("photos") as server:
        yield server


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A folder of pictures, and what two kernels make of them, by the outputs' names."""
    folder = tmp_path_factory.mktemp("pictures")
    crops(folder / "in", COUNT)
    made = {}
    for kernel in ("gaussian", "edge"):
        out = folder / kernel
        assert finished("apply", kernel, folder / "in", "-o", f"{out}/{{name}}.png")[0] == 0
        made[kernel] = contents(out)
    return folder / "in", made


@pytest.fixture
def bucket(s3, pictures):
    """A server whose bucket has the pictures below `in/`, and nothing else."""
    for name in s3.keys("photos"):
        s3.ask("DELETE", f"/photos/{name}")
    for name, data in contents(pictures[0]).items():
        s3.put(f"photos/in/{name}", data)
    s3.forget()
    yield s3
    s3.forget()


INPUTS, OUTPUTS = "s3://photos/in/", "s3://photos/out/{name}.png"
LONG = ("GET /photos/in/002", {"kind": "lost"})
"""What takes s3fs and botocore 12 s of tries, if it lasts."""
FAULTS = [
    ("GET /photos/in/000", {"kind": "status", "status": 503}),
    ("GET /photos/in/001", {"kind": "truncate"}),
    LONG,
    ("GET /photos/in/003", {"kind": "status", "status": 500}),
    ("PUT /photos/out/004", {"kind": "status", "status": 503}),
    ("PUT /photos/out/005", {"kind": "lost"}),
    ("PUT /photos/out/006", {"kind": "lost-answer"}),
]


def apply(bucket, *options, **environment):
    """Run `apply` in this process, from the bucket to the bucket; the exit code and the lines on standard error."""
    with found(bucket.environment(**environment)):
        result = run("apply", "gaussian", INPUTS, "-o", OUTPUTS, *options)
    assert result.data == b""
    assert_no_secrets(bucket, result.messages)
    return result.exit_code, result.messages


def assert_no_secrets(bucket, lines):
    text = "\n".join(lines)
    assert "Traceback" not in text, text
    assert not any(secret in text for secret in (*CREDENTIALS.values(), bucket.url, "Signature")), text


def test_what_fails_once_is_tried_again(bucket, pictures):
    for match, fault in FAULTS:
        bucket.order(match=match, **fault)
    code, lines = apply(bucket)
    assert (code, lines[-1]) == (0, f"{COUNT} written"), lines
    assert bucket.contents("photos", "out/") == pictures[1]["gaussian"]
    for match, _ in FAULTS:
        assert len(bucket.requests(match)) >= 2, match


def test_what_fails_for_ever_is_told_and_the_others_are_done(bucket, pictures):
    expected = pictures[1]["gaussian"]
    lasting = [each for each in FAULTS if each != LONG]
    for match, fault in lasting:
        bucket.order(match=match, count=None, **fault)
    code, lines = apply(bucket, **ONCE)
    assert (code, lines[-1]) == (1, f"{COUNT - len(lasting)} written, {len(lasting)} failed"), lines
    failed = [line for line in lines if line.startswith("cnnfilter: error: ")]
    for line, (match, _) in zip(failed, lasting, strict=True):
        assert line.startswith(f"cnnfilter: error: s3://photos/in/{match[-3:]}."), lines
    # what was put, and no answer ever came, is told as failed, and stands there whole
    stands = {name: data for name, data in expected.items() if name[:3] in ("002", "006", "007")}
    assert bucket.contents("photos", "out/") == stands
    bucket.forget()
    code, lines = apply(bucket, "--skip-existing")
    assert (code, lines[-1]) == (0, f"{COUNT - len(stands)} written, {len(stands)} skipped"), lines
    assert bucket.contents("photos", "out/") == expected


def test_a_put_whose_answer_is_lost_is_no_one_else_s(bucket, pictures):
    bucket.order("lost-answer", "PUT /photos/out/", 3)
    code, lines = apply(bucket, "-j", "1")
    assert (code, lines[-1]) == (0, f"{COUNT} written"), lines
    assert bucket.contents("photos", "out/") == pictures[1]["gaussian"]
    assert len(bucket.requests("PUT")) == COUNT + 3


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 403},
        {"kind": "truncate"},
        pytest.param({"kind": "status", "status": 503}, marks=pytest.mark.slow),
        pytest.param({"kind": "lost"}, marks=pytest.mark.slow),
    ],
    ids=lambda fault: str(fault.get("status", fault["kind"])),
)
def test_a_listing_that_fails_for_ever_is_told(bucket, fault):
    bucket.order(match=r"GET /photos/?\?", count=None, **fault)
    code, lines = apply(bucket, **ONCE)
    assert (code, lines[-1]) == (1, "0 written, 1 failed"), lines
    assert lines[0].startswith("cnnfilter: error: s3://photos/in/: cannot be looked into: "), lines
    assert bucket.requests("PUT") == []


def test_what_is_there_since_is_told_and_left(bucket, pictures):
    bucket.order("gate", "PUT /photos/out/000", None)
    arguments = ["apply", "gaussian", INPUTS, "-o", OUTPUTS]
    with started(*arguments, env=bucket.environment()) as process:
        wait_until(bucket.held, "it puts the first", process=process)
        bucket.put("photos/out/000.png", b"another's")
        bucket.forget()
        lines = process.communicate(timeout=60)[1].decode().splitlines()
    assert process.returncode == 1, lines
    assert lines[-1] == f"{COUNT - 1} written, 1 failed", lines
    assert [line for line in lines if "exists already" in line and "000.png" in line], lines
    assert bucket.get("photos/out/000.png") == b"another's"


def race(bucket, pictures, inputs, count):
    """Two clients write the same names at once, from two kernels; each name is one's, and told by the other."""
    expected = {"ONE": pictures["gaussian"], "TWO": pictures["edge"]}
    for name in bucket.keys("photos", "out/"):
        bucket.ask("DELETE", f"/photos/{name}")
    bucket.forget()
    bucket.order("gate", "PUT /photos/out/", None)
    with (
        started("apply", "gaussian", inputs, "-o", OUTPUTS, env=bucket.environment("ONE")) as one,
        started("apply", "edge", inputs, "-o", OUTPUTS, env=bucket.environment("TWO")) as two,
    ):
        for key, process in (("ONE", one), ("TWO", two)):
            wait_until(lambda key=key: bucket.requests("^PUT", by=key), "it has listed, and puts", process=process)
        bucket.forget()
        told = {}
        for key, process in (("ONE", one), ("TWO", two)):
            told[key] = process.communicate(timeout=120)[1].decode().splitlines()
    found = bucket.contents("photos", "out/")
    assert len(found) == count
    won = {key: {name for name, data in found.items() if expected[key][name] == data} for key in expected}
    assert won["ONE"] | won["TWO"] == found.keys()
    assert not won["ONE"] & won["TWO"]
    for key, process in (("ONE", one), ("TWO", two)):
        lines = told[key]
        assert_no_secrets(bucket, lines)
        lost = [line for line in lines if " exists already" in line]
        wrote = [line for line in lines if line.startswith("wrote ")]
        assert (len(wrote), len(lost)) == (len(won[key]), count - len(won[key])), lines
        assert all(any(name in line for line in wrote) for name in won[key])
        assert all(any(name in line for line in lost) for name in found.keys() - won[key])
        assert process.returncode == (1 if lost else 0), lines
    return len(won["ONE"])


def test_two_clients_at_once_lose_and_overwrite_nothing(bucket, pictures):
    race(bucket, pictures[1], INPUTS, COUNT)


@pytest.mark.slow
def test_two_clients_at_once_lose_and_overwrite_nothing_of_many(s3, tmp_path):
    count, made = 40, {}
    crops(tmp_path / "in", count)
    for kernel in ("gaussian", "edge"):
        assert finished("apply", kernel, tmp_path / "in", "-o", f"{tmp_path / kernel}/{{name}}.png")[0] == 0
        made[kernel] = contents(tmp_path / kernel)
    won = [race(s3, made, tmp_path / "in", count) for _ in range(5)]
    assert any(0 < number < count for number in won), "all was one's, each time"


@pytest.mark.parametrize("kills", [1, pytest.param(15, marks=pytest.mark.slow)])
def test_a_client_that_is_killed_leaves_whole_objects(bucket, pictures, kills):
    draw = generator()
    expected = pictures[1]["gaussian"]
    for kill in range(kills):
        for name in bucket.keys("photos", "out/"):
            bucket.ask("DELETE", f"/photos/{name}")
        bucket.forget()
        held = kill % 2 == 0  # while one is put, or between two
        after = draw.randrange(1, COUNT)
        if held:
            bucket.order("gate", f"PUT /photos/out/00{after}", None)
        with started("apply", "gaussian", INPUTS, "-o", OUTPUTS, "-j", "1", env=bucket.environment()) as process:
            if held:
                wait_until(bucket.held, "it puts one", process=process)
            else:
                wait_until(lambda: len(bucket.requests("^PUT")) >= after, "it has put some", process=process)  # noqa: B023
            process.kill()
            process.communicate(timeout=30)
        bucket.forget()
        done = wait_until(lambda: bucket.contents("photos", "out/"), "what was sent is there")
        assert done == {name: expected[name] for name in done}
        code, lines = apply(bucket, "--skip-existing")
        assert code == 0, lines
        assert bucket.contents("photos", "out/") == expected


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A picture whose output is 13 MB, in three parts, and that output."""
    folder = tmp_path_factory.mktemp("large")
    path = folder / "large.bmp"
    pixels = np.random.default_rng(7).integers(0, 256, (1500, 3000, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    assert finished("apply", "identity", path, "-o", folder / "out.bmp")[0] == 0
    return path, (folder / "out.bmp").read_bytes()


def send_in_parts(bucket, path):
    """A process that sends a picture in parts."""
    return subprocess.Popen(
        [sys.executable, "-c", PARTS, "apply", "identity", path, "-o", "s3://photos/large.bmp"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=bucket.environment(),
    )  # fmt: skip


@pytest.fixture
def in_parts(bucket, large, monkeypatch):
    """Sends the large picture in parts, from this process; the exit code and the lines on standard error."""
    monkeypatch.setattr(putting, "PART", 5 << 20)

    def send(**environment):
        with found(bucket.environment(**environment)):
            result = run("apply", "identity", large[0], "-o", "s3://photos/large.bmp")
        assert_no_secrets(bucket, result.messages)
        return result.exit_code, result.messages

    return send


def ended(bucket, process):
    with process:
        lines = process.communicate(timeout=120)[1].decode().splitlines()
    assert_no_secrets(bucket, lines)
    return process.returncode, lines


COMPLETION = "POST /photos/large.bmp.uploadId="


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(("PUT.*partNumber=2", {"kind": "status", "status": 503}), marks=pytest.mark.slow),
        ("PUT.*partNumber=3", {"kind": "lost"}),
        pytest.param((COMPLETION, {"kind": "status", "status": 503}), marks=pytest.mark.slow),
        pytest.param((COMPLETION, {"kind": "lost"}), marks=pytest.mark.slow),
        (COMPLETION, {"kind": "lost-answer"}),
    ],
    ids=lambda fault: f"{fault[0].split()[0]}-{fault[1]['kind']}",
)
def test_what_is_sent_in_parts_is_tried_again(bucket, large, in_parts, fault):
    bucket.order(match=fault[0], **fault[1])
    code, lines = in_parts()
    assert code == 0, lines
    assert bucket.get("photos/large.bmp") == large[1]
    assert len(bucket.requests("PUT.*partNumber")) >= 3


def test_parts_that_are_never_completed_leave_nothing(bucket, in_parts):
    bucket.order("status", COMPLETION, None, status=503)
    code, lines = in_parts(**ONCE)
    assert (code, len(lines)) == (1, 1), lines
    assert "s3://photos/large.bmp" in lines[0]
    assert bucket.keys("photos", "large") == []


def test_parts_that_another_came_before_are_told_and_his_left(bucket, large):
    bucket.order("gate", COMPLETION, None)
    process = send_in_parts(bucket, large[0])
    wait_until(bucket.held, "all parts are sent", process=process)
    bucket.put("photos/large.bmp", b"another's")
    bucket.forget()
    code, lines = ended(bucket, process)
    assert (code, len(lines)) == (1, 1), lines
    assert "'s3://photos/large.bmp' exists already" in lines[0]
    assert bucket.get("photos/large.bmp") == b"another's"


def test_parts_of_a_client_that_is_killed_are_no_object(bucket, large):
    bucket.order("gate", COMPLETION, None)
    process = send_in_parts(bucket, large[0])
    with process:
        wait_until(bucket.held, "all parts are sent", process=process)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=30)
    assert bucket.keys("photos", "large") == []


@pytest.mark.slow
def test_a_bucket_that_hangs_is_told_and_the_others_are_done(bucket, pictures):
    bucket.order("hang", "GET /photos/in/000", seconds=60)
    bucket.order("hang", "GET /photos/in/001", None, seconds=60)
    code, lines = apply(bucket, **ONCE)
    assert (code, lines[-1]) == (1, f"{COUNT - 1} written, 1 failed"), lines
    (failed,) = [line for line in lines if line.startswith("cnnfilter: error: ")]
    assert failed.startswith("cnnfilter: error: s3://photos/in/001.png: "), failed
    assert "no answer in time" in failed


def test_who_has_no_credentials_is_told_so(bucket):
    code, lines = apply(bucket, **dict.fromkeys(CREDENTIALS, ""))
    assert (code, len(lines)) == (1, 2), lines
    assert "no credentials were found" in lines[0]


def test_json_tells_no_secret(bucket):
    bucket.order("status", "PUT /photos/out/000", None, status=403)
    with found(bucket.environment(**ONCE)):
        result = run("apply", "gaussian", INPUTS, "-o", OUTPUTS, "--json")
    assert result.exit_code == 1, result.err
    assert_no_secrets(bucket, [result.out, *result.messages])
    told = [json.loads(line) for line in result.out.splitlines()]
    assert sum(each["error"] is not None for each in told) == 1
