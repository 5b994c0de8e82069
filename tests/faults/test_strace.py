"""The kernel itself reports an error, by strace, once for each call that a run makes to write its files."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.faults import clean_runs, contents, temporaries, without_coverage

COUNT = 3
CALLS = {
    "write": "write,writev,pwrite64",
    "fsync": "fsync,fdatasync",
    "rename": "?rename,?renameat,?renameat2",
    "link": "?link,?linkat",
}
ALONE = (
    "import sys; from cnnfilter.batch import sharing; from cnnfilter.cli.main import main; "
    "sharing.AT_REST = 1; sys.exit(main())"
)
"""One thread for one job, as strace counts the calls of each thread."""
REASONS = {"EIO": "Input/output error", "ENOSPC": "No space left on device"}


def traced(log, *arguments, inject=""):
    """Run the command under strace; return its exit code and lines."""
    options = ["-f", "-qq", "-o", str(log), "-e", f"trace={inject.split(':')[0] or ','.join(CALLS.values())}"]
    if inject:
        options += ["-e", f"inject={inject}"]
    result = subprocess.run(
        ["strace", *options, sys.executable, "-c", ALONE, *map(str, arguments)],
        capture_output=True, text=True, timeout=120, env=without_coverage(),
    )  # fmt: skip
    return result.returncode, result.stderr.splitlines()


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    if shutil.which("strace") is None:
        pytest.skip("there is no strace here")
    probe = subprocess.run(["strace", "-f", "-o", os.devnull, "true"], capture_output=True, text=True)
    if probe.returncode:
        pytest.skip(f"strace cannot run here: {probe.stderr.strip()}")
    return clean_runs(tmp_path_factory.mktemp("clean"), COUNT, ["apply"])


@pytest.mark.slow
@pytest.mark.parametrize("force", [False, True])
def test_whichever_call_the_kernel_refuses_files_are_old_or_new(clean, tmp_path, force):
    pictures, made = clean
    new = made["apply"][0]
    arguments = ["apply", "gaussian", pictures, "-o", tmp_path / "out", "-j", "1", *["--force"] * force]
    log = tmp_path / "log"

    def prepare():
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        if force:
            (tmp_path / "out").mkdir()
            for name in new:
                (tmp_path / "out" / name).write_bytes(b"old")

    prepare()
    assert traced(log, *arguments)[0] == 0
    seen = log.read_text()
    counts = {name: len(re.findall(rf"^\d+ +({calls.replace(',', '|').replace('?', '')})\(", seen, re.MULTILINE))
              for name, calls in CALLS.items()}  # fmt: skip
    assert counts["write"] >= COUNT + 1  # messages too
    folders = 1 + (not force)  # of a folder that was made, the one that it is in as well
    assert (counts["fsync"], counts["rename"], counts["link"]) == (COUNT + folders, COUNT * force, COUNT * (not force))
    refused = {name: set() for name in CALLS}
    for name, error in [("write", "ENOSPC"), ("write", "EIO"), ("fsync", "EIO"), ("rename", "EIO"), ("link", "EIO")]:
        for when in range(1, counts[name] + 1):
            prepare()
            code, lines = traced(log, *arguments, inject=f"{CALLS[name]}:error={error}:when={when}")
            where = (name, error, when, lines)
            if "(INJECTED)" not in log.read_text():  # calls are counted for each thread
                assert when > COUNT, where
                break
            out = tmp_path / "out"
            assert temporaries(out) == [], where
            done = contents(out)
            assert all(data in ((b"old",) if force else ()) + (new[file],) for file, data in done.items()), where
            missing = {file for file, data in new.items() if done.get(file) != data}
            of_a_folder = name == "fsync" and when <= folders  # by the main thread
            assert code == (1 if missing or of_a_folder else 0), where
            errors = [line for line in lines if line.startswith("cnnfilter: error: ")]
            assert all(line.endswith(f": {REASONS[error]}") for line in errors), where
            if name != "write":  # which messages are, too: they are lost then
                assert len(errors) == len(missing) + of_a_folder, where
            refused[name] |= missing
    every = set(new)
    # a name that cannot be linked is renamed
    assert refused == {"write": every, "fsync": every, "rename": every if force else set(), "link": set()}
