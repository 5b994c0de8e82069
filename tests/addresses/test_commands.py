"""The command line at addresses, end to end: what is written is what a run on files writes, and no secret is told."""

import itertools
import json

import fsspec
import numpy as np
import pytest

from tests.command import ROOT, run

SECRET = "0penSesame"
SAMPLES = [ROOT / "samples" / name for name in ("coffee.jpg", "camera.png")]


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def there(request):
    """The address of a folder with the samples, for each kind of server that is written to."""
    return request.getfixturevalue(f"_{request.param}")


@pytest.fixture
def _s3(box):
    for each in SAMPLES:
        box.put(f"box/commands/in/{each.name}", each.read_bytes())
    return "s3://box/commands", lambda name: box.get(f"box/commands/{name}")


@pytest.fixture
def _sftp(files):
    folder = files.folder / "commands" / "in"
    folder.mkdir(parents=True, exist_ok=True)
    for each in SAMPLES:
        (folder / each.name).write_bytes(each.read_bytes())
    return files.address("commands"), lambda name: (files.folder / "commands" / name).read_bytes()


@pytest.fixture
def _memory():
    memory = fsspec.filesystem("memory")
    for each in SAMPLES:
        memory.pipe_file(f"/commands/in/{each.name}", each.read_bytes())
    return "memory://commands", lambda name: memory.cat_file(f"/commands/{name}")


@pytest.mark.parametrize("there", ["s3", "sftp", "memory"], indirect=True)
def test_a_folder_at_an_address_is_filtered_as_one_of_this_machine(there, tmp_path):
    base, get = there
    assert run("apply", "edge", *map(str, SAMPLES), "-o", "here/").exit_code == 0
    result = run("apply", "edge", f"{base}/in/", "-o", f"{base}/out/")
    assert result.exit_code == 0, result.err
    for path in (tmp_path / "here").iterdir():
        assert get(f"out/{path.name}") == path.read_bytes()
    again = run("apply", "edge", f"{base}/in/", "-o", f"{base}/out/")
    assert again.exit_code == 2
    assert "exists already; --force overwrites it" in again.err
    assert run("apply", "sharpen", f"{base}/in/", "-o", f"{base}/out/", "--force").exit_code == 0
    result = run("apply", "edge", f"{base}/in/*.png", "-o", f"{base}/{{dir}}/{{name}}.{{ext}}", "--dry-run")
    assert (result.exit_code, "in/camera.png" in result.out) == (0, True), result.err


@pytest.mark.parametrize("there", ["s3", "sftp", "memory"], indirect=True)
def test_a_chain_with_weights_at_an_address_runs_on_pictures_there(there, tmp_path):
    base, get = there
    np.save("blur.npy", np.ones((3, 3)) / 9)
    assert run("run", "conv:blur.npy,relu", str(SAMPLES[1]), "-o", "here.png").exit_code == 0
    (tmp_path / "list.txt").write_text(f"{base}/in/camera.png\n")
    result = run("apply", "blur.npy", "--files-from", "list.txt", "-o", f"{base}/listed.png")
    assert result.exit_code == 0, result.err
    result = run("run", "conv:blur.npy,relu", f"{base}/in/camera.png", "-o", f"{base}/there.png")
    assert result.exit_code == 0, result.err
    assert get("there.png") == (tmp_path / "here.png").read_bytes()


def told(result, fails=True):
    """What a command told anybody, which holds no secret."""
    text = result.out + result.err
    assert SECRET not in text, text
    assert "Traceback" not in text
    assert bool(result.exit_code) == fails, text
    return text


@pytest.mark.parametrize("json_too", [(), ("--json",)])
def test_no_refusal_tells_a_password_or_a_signature(site, tmp_path, json_too):
    base = f"http://ann:{SECRET}@127.0.0.1:{site.port}"
    photo = str(SAMPLES[1])
    (site.folder / "camera.png").write_bytes(SAMPLES[1].read_bytes())
    (site.folder / "text.png").write_bytes(b"no picture")
    query = f"?token={SECRET}"
    for name, status in (("text.png", None), ("none.png", None), ("camera.png", 401), ("camera.png", 503)):
        if status:
            site.order("status", name, None, status=status)
        told(run("apply", "edge", f"{base}/{name}{query}", "-o", "out/", *json_too))
        site.forget()
    for output in (f"{base}/a.png{query}", f"sftp://ann:{SECRET}@127.0.0.1:9/a.png", f"s3://key:{SECRET}/1@box/a.png"):
        told(run("apply", "edge", photo, "-o", output, *json_too))
    told(run("apply", f"{base}/none.npy{query}", photo, *json_too))
    told(run("run", f"conv:{base}/none.npy{query},relu", photo, *json_too))
    (tmp_path / "list.txt").write_text(f"{base}/none.png{query}\nfile:///etc/passwd?{SECRET}\nx::s3://k:{SECRET}@b/a\n")
    told(run("apply", "edge", "--files-from", "list.txt", "-o", "out/", *json_too))
    told(run("apply", "edge", "--files-from", f"{base}/none.txt{query}", "-o", "out/", *json_too))
    told(run("apply", "edge", f"{base}/camera.png{query}", "-o", "seen.png", "-v", *json_too), fails=False)
    text = told(run("apply", "edge", f"{base}/camera.png{query}", "-o", "out/", "--dry-run", *json_too), fails=False)
    assert "/camera.png?..." in text


def test_a_list_reaches_neither_files_by_schemes_nor_chains(tmp_path):
    (tmp_path / "camera.png").write_bytes(SAMPLES[1].read_bytes())
    path = tmp_path / "camera.png"
    refused = [
        f"file://{path}",
        f"local://{path}",
        f"simplecache::file://{path}",
        f"memory://a::file://{path}",
        "zip://a::b",
    ]
    for text in refused:
        (tmp_path / "list.txt").write_text(f"{text}\n")
        result = run("apply", "edge", "--files-from", "list.txt", "-o", "out/", "--json")
        assert result.exit_code, text
        lines = [json.loads(line) for line in result.out.splitlines()]
        assert all(line["error"] for line in lines), result.out
    assert not list(itertools.chain(tmp_path.glob("out/*")))
