"""The benchmarks run, and have a row for every target; nothing here depends on a time."""

import json
import os

import numpy as np
import pytest

from tests.benchmarks import __main__ as benchmarks
from tests.benchmarks import learning, networks, peers
from tests.benchmarks.measure import Different, Measured, Setting, agree, alternate, run_process
from tests.benchmarks.processes import command
from tests.benchmarks.report import HEADINGS, closing, quantity, table
from tests.benchmarks.rows import Case, Outcome, Target

AT_LEAST = {
    "filter2d-3": 2.0,
    "filter2d": 1.1,
    "filter2d-mean": 1.5,
    "filter2d-large": 1.2,
    "sparse": 2.0,
    "box": 0.8,
    "box-pillow": 5,
    "gaussian": 0.8,
    "gaussian-pillow": 5,
    "sobel-magnitude": 1.5,
    "float-scipy": 5,
    "float-opencv": 1.0,
    "second-thread": 1.8,
    "fused": 100,
    "bank-3-64": 5,
    "bank-64-64": 1.5,
    "bank-7x7": 1.2,
    "networks": 1.0,
    "large-torch": 1.2,
    "large-onnxruntime": 1.0,
    "resnet-50-onnxruntime": 0.8,
    "small-torch": 2.0,
    "small-onnxruntime": 0.6,
    "functions": 1.2,
    "top-onnxruntime": 0.8,
    "top-torch": 5,
    "top-memory": 1,
    "apply-small-vips": 0.65,
    "apply-small-imagemagick": 0.8,
    "apply-jpeg-vips": 0.8,
    "apply-jpeg-imagemagick": 2.0,
    "apply-png-imagemagick": 1.5,
    "first-use": 1,
    "new-kernel": 1,
    "memory": 1,
    "folder-vips": 4,
    "folder-mogrify": 8,
    "folder-pillow": pytest.approx(1 / 1.3),
    "folder-small-vips": 15,
    "folder-memory": 0.95,
    "cluster-local": 0.9,
    "cluster-second-worker": 1.6,
    "cluster-client": 1,
    "cluster-memory": 0.95,
    "million": 1,
    "million-start": 1,
    "million-memory": 1,
    "epoch-lenet-5": 2.0,
    "epoch-convnetjs": 2.0,
    "epoch-mnist-cnn": 1.2,
    "gradients": 20,
    "learn": 5,
    "learn-memory": 5,
    "train-start": 3,
    "train-first-use": 1,
}
SMALL = "filter2d-3/grey-3-int-1t"


def test_every_target_has_a_row():
    assert {target.name: target.at_least for target in benchmarks.TARGETS} == AT_LEAST


def test_cases_cover_sizes_colours_and_threads():
    names = {target.name: {case.name for case in target.cases} for target in benchmarks.TARGETS}
    assert names["filter2d"] == {
        f"{colour}-{side}-{kind}-{threads}t"
        for colour in ("grey", "rgb")
        for side in (3, 5, 7, 9, 11)
        for kind in ("int", "float")
        for threads in (1, 2)
    }
    assert len(names["filter2d-large"]) == 16
    assert names["networks"] == {f"{net}-{n}t" for net in ("lenet-5", "tiny-vgg", "mnist-cnn") for n in (1, 2)}


def test_table(capsys):
    assert benchmarks.main(["--quick", SMALL]) == 0
    lines = capsys.readouterr().out.splitlines()
    heading = next(place for place, line in enumerate(lines) if line.startswith("TARGET"))
    assert lines[heading].split() == " ".join(HEADINGS).split()
    assert lines[heading + 1].startswith("filter2d-3  grey-3-int-1t")
    assert "OpenCV filter2D" in lines[heading + 1]
    assert lines[-1] in ("1 met, 0 missed, 0 skipped", "0 met, 1 missed, 0 skipped")


def test_json(capsys):
    assert benchmarks.main(["--quick", "--json", SMALL]) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told) == {"machine", "targets"}
    assert {"processor", "cores", "load", "peers"} <= set(told["machine"])
    (target,) = told["targets"]
    (case,) = target["cases"]
    assert target["name"] == "filter2d-3"
    assert target["at_least"] == 2
    assert target["skipped"] is None
    assert target["problem"] is None
    assert case["ratio"] == target["ratio"] == pytest.approx(case["theirs"] / case["ours"])
    assert target["met"] == (target["ratio"] >= 2)


def test_a_case_of_two_targets_is_measured_once(capsys):
    benchmarks.main(["--quick", "--json", "filter2d*/grey-3-int-1t"])
    captured = capsys.readouterr()
    assert len(captured.err.splitlines()) == 1
    assert [target["name"] for target in json.loads(captured.out)["targets"]] == [
        "filter2d-3",
        "filter2d",
        "filter2d-mean",
    ]


def test_list(capsys):
    assert benchmarks.main(["--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(AT_LEAST)


def test_unknown_name(capsys):
    assert benchmarks.main(["sobbel"]) == 2
    assert capsys.readouterr().err == "no target matches sobbel; --list shows them all\n"


def test_a_missing_peer_is_named():
    absent = peers.Need("Halide", "pip install halide", lambda: None)
    target = Target("box", "box", "Halide blur", 0.8, (Case("grey", lambda setting: Measured(1, 1)),), (absent,))
    (outcome,) = benchmarks._measure([(target, target.cases)], None)
    assert outcome.met is None
    assert closing([outcome]) == [
        "skipped box: Halide is missing (pip install halide)",
        "0 met, 0 missed, 1 skipped",
    ]
    assert table([outcome]).splitlines()[1].split() == ["box", "Halide", "blur", "0.80", "skipped"]


def test_the_row_shows_the_worst_case_or_the_mean():
    cases = Case("fast", None), Case("slow", None)
    results = dict(zip(cases, (Measured(1, 4), Measured(2, 2)), strict=True))
    each = Outcome(Target("each", "", "", 1.5, cases), results)
    mean = Outcome(Target("mean", "", "", 1.5, cases, mean=True), results)
    assert each.shown == ("slow", Measured(2, 2))
    assert each.met is False
    assert mean.shown[1].ratio == pytest.approx(2)
    assert mean.met is True


def test_different_results_are_a_problem():
    def measure(setting):
        msg = "results differ by 3, more than 1"
        raise Different(msg)

    target = Target("box", "box", "other", 0.8, (Case("grey", measure),))
    (outcome,) = benchmarks._measure([(target, target.cases)], None)
    assert outcome.problem == "grey: results differ by 3, more than 1"
    assert outcome.met is False


def test_agree():
    one = networks.np.zeros((2, 2), dtype="uint8")
    agree(one, one + 1, 1)
    with pytest.raises(Different, match=r"^results differ by 2, more than 1$"):
        agree(one, one + 2, 1)
    with pytest.raises(Different, match=r"^shapes differ: \(2, 2\) here, \(2,\) there$"):
        agree(one, one[0], 1)


def test_sides_take_turns(tmp_path):
    turns = []
    sides = [lambda name=name: turns.append(name) or 1.0 for name in "ab"]
    assert alternate(*sides, Setting(tmp_path, runs=5, seconds=0)) == Measured(1, 1)
    assert "".join(turns) == "ab" * 5


def test_a_chain_with_random_weights_runs(tmp_path):
    chain, weights = networks.with_weights("conv:4@3x3:padding=1,relu,flatten,dense:5,softmax", (6, 6, 2), tmp_path)
    assert {name: array.shape for name, array in weights.items() if name.endswith("weight")} == {
        "stage1.weight": (4, 2, 3, 3),
        "stage4.weight": (5, 144),
    }
    assert chain.run(networks.np.ones((2, 6, 6), dtype="float32")).sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.slow
def test_clusters_are_measured(capsys):
    if peers.PROC.find() is None:
        pytest.skip("what processes take is read from /proc")
    assert benchmarks.main(["--quick", "--json", "cluster-*", "million*"]) == 0
    targets = json.loads(capsys.readouterr().out)["targets"]
    assert [target["name"] for target in targets if target["problem"]] == []
    assert len(targets) == 7


@pytest.mark.parametrize("name", learning.NETWORKS)
def test_an_epoch_gives_the_mean_loss_after_each_batch(name):
    """PyTorch's are compared with them by the benchmark."""
    training = learning._learner(learning.NETWORKS[name], 2 * learning.BATCH)
    run = learning._epochs(training)
    first, second = run(), run()
    assert len(first) == len(second) == 2
    assert [first[-1], second[-1]] == [figures.loss for figures in training.history]
    assert abs(first[-1] - second[-1]) > 10 * learning.TOLERANCE  # other steps would make a difference that is seen


def test_gradients_are_those_of_convnetjs(capsys):
    if peers.CONVNETJS.find() is None:
        assert not os.environ.get("CNNFILTER_BROWSER"), "ConvNetJS is missing, and .ci/run has installed it"
        pytest.skip("ConvNetJS is missing")
    assert benchmarks.main(["--quick", "gradients/1t"]) == 0, capsys.readouterr().err


@pytest.mark.parametrize("held", ["some", "at-once"])
def test_a_kernel_is_that_of_numpy(held, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")  # more of them spin while other tests need the cores
    *commands, results = learning._kernel_commands(held, Setting(tmp_path, megapixels=0.05))
    for each in commands:
        run_process(each)
    learning._agree_on_kernel(results)


def test_kernels_that_differ_are_told(tmp_path):
    paths = [tmp_path / name for name in ("ours", "theirs")]
    for path, weight in zip(paths, (0.5, 0.51), strict=True):
        path.write_text(json.dumps({"weight": [[weight]], "bias": [0]}))
    with pytest.raises(Different, match=r"^results differ by 0\.01, more than 1e-06$"):
        learning._agree_on_kernel(paths)


def test_one_batch_is_trained(tmp_path):
    run_process(learning._train("convnetjs", Setting(tmp_path)))
    told = json.loads(np.load(tmp_path / "convnetjs.npz")["cnnfilter.json"])
    assert told["pictures"] == told["settings"]["batch"] == learning.BATCH
    assert len(told["history"]) == 1


def test_a_process_is_timed_and_weighed():
    result = run_process([*command(), "--version"])
    assert 0 < result["seconds"] < 60
    assert 1e6 < result["peak"] < 1e9
    with pytest.raises(Different, match="^cnnfilter failed: cnnfilter: error: unknown command 'nothing'"):
        run_process([*command(), "nothing"])


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [(1.234, "s", "1.23 s"), (0.0123, "s", "12.3 ms"), (4.2e-5, "s", "42 us"), (228e6, "B", "228 MB")],
)
def test_quantity(value, unit, shown):
    assert quantity(value, unit) == shown
