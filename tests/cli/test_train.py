"""`cnnfilter train`: from labelled pictures to a file that `run` needs nothing else for."""

import io
import json
import math
import os
import re
import shlex
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnfilter.cli import epochs
from cnnfilter.cli import train as module
from cnnfilter.errors import DiskFullError
from cnnfilter.learning.training import Figures, Learner, Step
from cnnfilter.writing import write
from tests.command import ROOT, Terminal, done, files, refused, run, start
from tests.learning.strokes import LABELS, strokes
from tests.terminals import Terminal as On

STAGES = "conv:6@3x3,relu,maxpool:2,flatten,dense:10"
QUICK = ("--epochs", "3", "--lr", "0.01", "--batch", "16")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pictures, classes = strokes()
    np.savez("d.npz", x=pictures, y=classes)
    return tmp_path


def train(*arguments, output="net.npz", quick=QUICK, data="d.npz", stages=STAGES):
    return run("train", stages, data, "-o", output, *quick, *arguments)


def trained(*arguments, **keywords):
    result = train(*arguments, **keywords)
    assert result.exit_code == 0, result.err
    return result


def test_a_line_is_told_for_each_epoch_and_the_file_runs(folder):
    for number, (picture, kind) in enumerate(zip(*strokes(60), strict=True)):
        (folder / "data" / LABELS[kind]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(folder / "data" / LABELS[kind] / f"{number:02}.png")
    Image.fromarray(np.stack([strokes(3)[0][1]] * 3, axis=2)).save("photo.png")
    (folder / "data" / "empty").mkdir()
    result = trained(stages=f"gray,{STAGES}", data="data", quick=("--epochs", "12", "--lr", "0.01", "--batch", "16"))
    assert result.out == ""
    assert result.messages[:6] == [
        "stage 6 is dense:3, not dense:10: there are 3 classes", "normalize is put first", "softmax is put last",
        "the file begins with resize:12x12: it takes any picture", "warning: without pictures, and left out: 'empty'",
        "EPOCH     LOSS  ACCURACY  VAL. LOSS  VAL. ACCURACY  PICTURES/S  TIME LEFT",
    ]  # fmt: skip
    assert [line.split()[0] for line in result.messages[6:-1]] == [str(number) for number in range(1, 13)]
    assert "net.npz takes pictures of any size: give the SIZE before it, such as" in run("shape", "net.npz").err
    assert result.messages[-1].startswith("wrote net.npz  ")
    assert files() == ["d.npz", "data", "net-checkpoint.npz", "net.npz", "photo.png"]
    told = done("run", "net.npz", "photo.png", "--top", "1").out.splitlines()
    assert told[1].split()[2] == "lie"


def test_json_has_a_line_for_each_epoch_and_one_for_the_file():
    result = trained("--json")
    *lines, last = [json.loads(line) for line in result.out.splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3]
    assert {*lines[0]} == {
        "epoch", "loss", "accuracy", "validation_loss", "validation_accuracy", "pictures_per_second", "seconds_left",
    }  # fmt: skip
    assert last["output"] == "net.npz"
    assert last["bytes"] == Path("net.npz").stat().st_size
    assert last["best"]["epoch"] in (1, 2, 3)
    assert trained("--quiet", "--force").err == ""


def test_nothing_is_overwritten_unless_that_is_asked_for():
    trained()
    before = Path("net.npz").read_bytes()
    refusal = refused(STAGES, "d.npz", "-o", "net.npz", command="train")
    assert refusal == "'net.npz' exists already; --force overwrites it"
    Path("net.npz").unlink()
    refusal = refused(STAGES, "d.npz", "-o", "net.npz", command="train")
    assert refusal == "'net-checkpoint.npz' exists already; --resume goes on with it, and --force overwrites it"
    trained("--force", "--threads", "1")
    assert Path("net.npz").read_bytes() == before


def test_what_could_not_be_written_in_the_end_is_refused_at_once(monkeypatch):
    Path("folder.npz").mkdir()
    Path("link.npz").symlink_to("nowhere")
    for arguments, reason in (
        (("-o", "no/net.npz"), "there is no folder 'no' for the output 'net.npz'"),
        (("-o", "d.npz/net.npz"), "there is no folder 'd.npz' for the output 'net.npz'"),
        (("-o", "folder.npz", "--force"), "the output 'folder.npz' is a folder"),
        (("-o", "link.npz"), "'link.npz' exists already; --force overwrites it"),
        (("-o", "net.npz", "--plot", "no/c.svg"), "there is no folder 'no' for the output 'c.svg'"),
        (("-o", "net.npz", "--report", "no/r.html"), "there is no folder 'no' for the output 'r.html'"),
    ):
        assert refused(STAGES, "d.npz", *arguments, command="train") == reason
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    refusal = refused(STAGES, "d.npz", "-o", "net.npz", command="train")
    assert refusal == "the folder '.' of the output 'net.npz' cannot be written to"


def test_a_training_goes_on_where_it_left_off():
    trained("--epochs", "5", output="whole.safetensors", quick=QUICK[2:])
    trained("--epochs", "2", output="net.safetensors", quick=QUICK[2:])
    refusal = refused(STAGES, "d.npz", "-o", "no.npz", "--resume", command="train")
    assert refusal == "there is no checkpoint no-checkpoint.npz to go on with"
    result = trained("--epochs", "5", "--resume", output="net.safetensors", quick=QUICK[2:])
    assert [line.split()[0] for line in result.messages[5:-1]] == ["3", "4", "5"]
    assert Path("net.safetensors").read_bytes() == Path("whole.safetensors").read_bytes()
    again = trained("--epochs", "5", "--resume", output="net.safetensors", quick=QUICK[2:])
    assert again.messages[-1].startswith("wrote net.safetensors")
    told = "warning: 5 epochs are done already, and --epochs is {}: nothing more is learned; --epochs 6 would go on"
    assert told.format(5) in again.messages
    fewer = trained("--resume", output="net.safetensors")
    assert told.format(3) in fewer.messages
    assert trained("--resume", "--quiet", output="net.safetensors").err == ""
    assert not any("done already" in line for line in result.messages)
    result = train("--resume", "--seed", "9", output="net.safetensors")
    assert result.exit_code == 2
    assert "a checkpoint of a training with --seed 0, not 9; --force in place of --resume begins anew" in result.err


def test_what_was_written_beside_it_is_written_anew_when_a_training_goes_on():
    beside = ("--report", "r.html", "--plot", "c.svg")
    trained("--epochs", "1", *beside, quick=QUICK[2:])
    before = [Path(name).read_bytes() for name in ("r.html", "c.svg")]
    result = trained("--epochs", "2", "--resume", *beside, quick=QUICK[2:])
    assert result.messages[-2:] == ["wrote r.html", "wrote c.svg"]
    assert all(Path(name).read_bytes() != old for name, old in zip(("r.html", "c.svg"), before, strict=True))


def test_options_reach_the_training():
    trained("--validation", "0.5", "--optimizer", "momentum", "--weight-decay", "0.1", "--augment", "flip,shift=1",
            "--memory", "5M")  # fmt: skip
    trained("--from", "net.npz", "--freeze", "1", "--validation", "d.npz", "--force", output="other.npz")
    with np.load("net.npz") as one, np.load("other.npz") as other:
        np.testing.assert_array_equal(one["conv1.weight"], other["conv1.weight"])
        assert not np.array_equal(one["dense2.weight"], other["dense2.weight"])
        told = json.loads(one["cnnfilter.json"])
    assert told["settings"] == {
        "epochs": 3, "batch": 16, "rate": 0.01, "optimizer": "momentum", "weight_decay": 0.1, "augment": "flip,shift=1",
        "fraction": 0.5, "seed": 0, "freeze": [],
    }  # fmt: skip
    assert (told["pictures"], told["validation_pictures"]) == (60, 60)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (
            (STAGES, "d.npz", "-o", "net.onnx"),
            ".npz or .safetensors, and 'net.onnx' is neither",
        ),
        ((STAGES, "no", "-o", "net.npz"), "no: no such file"),
        ((STAGES, "d.npz", "-o", "net.npz", "--lr", "0"), "--lr must be a number above 0 and below 3.4e38, not 0.0"),
        ((STAGES, "d.npz", "-o", "net.npz", "--validation", "1.5"), "--validation must be a number from 0 to below 1"),
        (("relu", "d.npz", "-o", "net.npz"), "no stage learns"),
        ((STAGES, "d.npz", "-o", "net.npz", "--augment", "spin"), "unknown augmentation 'spin'"),
        ((STAGES, "d.npz", "-o", "net.npz", "--memory", "x"), "memory is a size such as"),
    ],
)
def test_what_cannot_be_done_is_refused_before_any_work(arguments, reason):
    assert reason in refused(*arguments, command="train")


def test_a_loss_that_is_not_finite_keeps_what_was_good(monkeypatch):
    result = train("--lr", "1e38", quick=())
    assert result.exit_code == 1
    assert "the loss is not finite in epoch 1, batch 2: " in result.err
    assert result.messages[-1].endswith("; no epoch is done, and nothing is written")
    assert files() == ["d.npz"]
    steps = Learner._steps

    def spoiled(self, wants_stop):
        if self.epoch == 2:
            self.optimiser.rate = 1e38
        return steps(self, wants_stop)

    monkeypatch.setattr(Learner, "_steps", spoiled)
    result = train("--json", quick=("--lr", "0.01"))
    assert result.exit_code == 1
    assert json.loads(result.out.splitlines()[-1])["best"]["epoch"] in (1, 2)
    assert "; wrote net.npz" in result.messages[-1]


def test_a_full_disk_at_a_checkpoint_is_told_once_and_at_the_end_is_an_error(monkeypatch):
    def full(path, data, writing):
        msg = f"cannot write '{path}': No space left on device"
        raise DiskFullError(msg)

    monkeypatch.setattr(write, "write_atomically", full)
    result = train()
    assert result.exit_code == 1
    told = "warning: cannot write 'net-checkpoint.npz': No space left on device; training goes on"
    assert [line for line in result.messages if "warning" in line] == [f"{told}, and cannot be resumed from here"]
    assert result.messages[-1] == "cnnfilter: error: cannot write 'net.npz': No space left on device"
    assert files() == ["d.npz"]


def test_ctrl_c_keeps_the_best_so_far(folder):
    with start("train", STAGES, "d.npz", "-o", "net.npz", "--epochs", "10000", "--json", cwd=folder) as process:
        for _ in range(3):
            process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert json.loads(out.splitlines()[-1])["output"] == "net.npz"
    assert b"error: interrupted; wrote net.npz  " in err
    assert err.rstrip().endswith(b"; --resume goes on")
    assert files() == ["d.npz", "net-checkpoint.npz", "net.npz"]
    done("shape", "12x12x1", "net.npz")


def test_ctrl_c_before_the_first_epoch_writes_nothing(monkeypatch):
    monkeypatch.setattr(module, "_interruptible", lambda: module.contextlib.nullcontext(lambda: True))
    result = train()
    assert result.exit_code == 130
    assert result.messages[-1] == "cnnfilter: error: interrupted; no epoch is done, and nothing is written"


def test_an_interrupt_is_asked_for_once_and_ignored_where_it_was():
    before = signal.getsignal(signal.SIGINT)
    with module._interruptible() as wants_stop:
        assert not wants_stop()
        signal.raise_signal(signal.SIGINT)
        assert wants_stop()
        assert signal.getsignal(signal.SIGINT) is before
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with module._interruptible() as wants_stop:
            signal.raise_signal(signal.SIGINT)
            assert not wants_stop()
    finally:
        signal.signal(signal.SIGINT, before)


def test_speed_and_time_left_are_those_of_the_clock():
    now = [0.0]
    clock = epochs.Clock(100, 2, 5, lambda: now[0])
    now[0] = 10.0
    assert clock.speed(50) == 5
    assert clock.left(3, 50) == 50
    clock.next()
    now[0] = 30.0
    assert clock.speed(100) == 5
    figures = Figures(4, 0.5, 0.75)
    assert epochs.cells(figures, clock, 100) == ("4", "0.5000", "75.00%", "-", "-", "5", "15 s")
    assert epochs.record(figures, clock, 100)["seconds_left"] == 15
    assert [epochs.show_seconds(each) for each in (0.2, 59.5, 185, 3723)] == ["1 s", "1:00", "3:05", "1:02:03"]


@pytest.fixture
def terminal(monkeypatch):
    """Makes standard error a terminal of so many columns."""

    def make(columns):
        stream = Terminal()
        monkeypatch.setattr("sys.stderr", stream)
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("TERM", "xterm")
        return stream

    return make


@pytest.mark.parametrize(("columns", "has_bar"), [(120, True), (50, False)])
def test_a_terminal_shows_how_far_an_epoch_is(terminal, columns, has_bar):
    stream = terminal(columns)
    with epochs.bar(100, epochs.Clock(100, 0, 3), 3, quiet=False) as tell:
        tell(Step(2, 50, 100, 0.25, 0.9))
        epochs.render.message("a line above")
    text = stream.getvalue()
    assert "a line above" in text
    assert "epoch 2/3  loss 0.2500  90.0%" in text
    assert ("━" in text) == has_bar
    assert not epochs.is_watched(quiet=True)


def test_lines_are_as_long_as_there_is_room_for():
    cells = ("10", "12.3456", "100.00%", "0.1234", "99.99%", "123,456", "1:02:03")
    wide, at_80, at_40 = (epochs.line(cells, room) for room in (math.inf, 80, 40))
    assert wide == at_80 == "   10  12.3456   100.00%     0.1234         99.99%     123,456    1:02:03"
    assert at_40 == "   10  12.3456   100.00%         99.99%"
    assert [len(epochs.line(epochs.COLUMNS, room)) < room for room in (80, 70, 60, 50, 40, 30)] == [True] * 6
    step, clock = Step(2, 50, 100, 0.25, 0.9), epochs.Clock(100, 0, 3, lambda: 0.0)
    assert epochs.told(step, clock, 3, 79) == "epoch 2/3  loss 0.2500  90.0%  50,000,000 pictures/s  0 s left"
    assert epochs.told(step, clock, 3, 45) == "epoch 2/3  loss 0.2500  90.0%  0 s left"
    assert epochs.told(step, clock, 3, 36) == "epoch 2/3  loss 0.2500  0 s left"
    assert epochs.told(step, clock, 3, 12) == "epoch 2/3  0"
    losses = (0.00004, 99.99, 123.456, 99999.9, 1.64e32)
    shown = [epochs.cells(Figures(1, loss, 0.5, loss, 0.5), clock, 100)[1] for loss in losses]
    assert shown == ["0.0000", "99.9900", "123.46", "1e+05", "1.6e+32"]


def test_a_terminal_shows_how_many_pictures_are_read(terminal, monkeypatch):
    stream = terminal(80)
    with epochs.reading(quiet=False) as tell:
        for done in range(1, 1001):
            tell(done, 2000)
        epochs.render.message("a line above")
    drawn = stream.getvalue().split("\r\x1b[K")
    assert drawn[1] == "reading pictures: 1 of 2,000"
    assert drawn[-2:] == ["a line above\n", ""]
    assert len(drawn) < 100  # not once for each
    stream = terminal(80)
    with epochs.reading(quiet=False):
        pass
    assert stream.getvalue() == ""
    monkeypatch.setattr("sys.stderr", io.StringIO())
    with epochs.reading(quiet=False) as tell:
        tell(1, 2)
    assert epochs.sys.stderr.getvalue() == ""


@pytest.mark.parametrize("columns", [80, 40])
def test_all_of_it_on_a_terminal(folder, columns):
    shown = On(what=b"", columns=columns)
    (folder / "cache").mkdir()
    code = shown.run(
        folder, "train", "conv:2@3x3,flatten,dense:3", "d.npz", "-o", "net.npz", "--epochs", "2",
        CNNFILTER_CACHE_DIR=str(folder / "cache"),
    )  # fmt: skip
    assert code == 0
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.shown.decode()).replace("\r", "\n").split("\n")
    assert lines.count("compiling for this machine, which takes a few seconds") == 1
    own = [line for line in lines if line.startswith(("EPOCH", " ", "epoch", "━"))]
    assert max(map(len, own)) < columns
    assert any(line.startswith("    2 ") for line in own)
    assert "-" not in [line.split()[-1] for line in own if line.startswith("    ")]
    result = trained("--force", quick=("--epochs", "2"), stages="conv:2@3x3,flatten,dense:3")
    assert "\x1b" not in result.err
    assert "compiling" not in result.err
    assert "reading" not in result.err


def test_a_report_and_curves_are_written_beside_it(monkeypatch):
    result = trained("--report", "r.html", "--plot", "c.svg")
    assert result.messages[-2:] == ["wrote r.html", "wrote c.svg"]
    assert Path("r.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert "<svg" in Path("c.svg").read_text(encoding="utf-8")
    trained("--plot", "c.png", "--force", "--quiet")
    with Image.open("c.png") as picture:
        assert picture.format == "PNG"
    for arguments, reason in (
        (("--report", "r.html"), "'r.html' exists already; --force overwrites it"),
        (("--report", "r.txt"), "--report writes an HTML file, and 'r.txt' does not end in .html"),
        (("--plot", "c.jpg"), "--plot writes .png or .svg, and 'c.jpg' is neither"),
    ):
        assert refused(STAGES, "d.npz", "-o", "new.npz", *arguments, command="train") == reason
    with monkeypatch.context() as later:  # its folder goes while the network learns
        later.setattr(write, "check_free", lambda path, **how: None)
        result = train("--report", "no/r.html", "--force")
    assert result.exit_code == 1
    assert result.messages[-1].startswith("cnnfilter: error: cannot write 'no/r.html'")
    result = train("--lr", "1e38", "--report", "none.html", "--force", quick=())
    assert result.exit_code == 1
    assert not Path("none.html").exists()


def test_the_samples_can_be_learned_as_their_readme_has_it(folder):
    place = ROOT / "samples" / "textures"
    assert sum(each.stat().st_size for each in place.rglob("*.*")) < 500_000
    (folder / "samples").symlink_to(ROOT / "samples")
    lines = (place / "README.md").read_text(encoding="utf-8").splitlines()
    training, running, why = (shlex.split(line)[2:] for line in lines if line.startswith("$ cnnfilter "))
    told = done(*training).messages
    assert {*told[:3], told[-1]} <= {*lines}
    assert json.loads(np.load("textures.npz")["cnnfilter.json"])["best"]["validation_accuracy"] >= 0.8
    assert Path("report.html").stat().st_size > 10_000
    told = done(*running).out.splitlines()
    assert told[1].split()[2] == "wood"
    assert done(*why).messages[-1].startswith("wrote why.png  1204x490, wood ")
