"""Training: what is learned, that it repeats to the byte, and goes on where it left off."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import cnnfilter
from cnnfilter.errors import ArgumentError, CnnfilterError, CnnfilterWarning, KernelError, ShapeError
from cnnfilter.learning import checkpoints
from cnnfilter.learning.data.arrays import given
from cnnfilter.learning.settings import Settings
from cnnfilter.learning.training import Figures
from cnnfilter.models.own import read_record
from cnnfilter.pipeline import Pipeline
from tests.learning.strokes import LABELS, strokes
from tests.learning.trainings import TEXT, begun, data_of, learned


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_bars_are_told_apart_and_the_file_is_all_that_is_needed():
    found = learned(epochs=12)
    best = found.learner.best
    assert best.figures.validation_accuracy >= 0.9
    assert sum(map(sum, best.confusion)) == len(found.learner.parts.validation) == 12
    assert found.notes == (
        "stage 7 is dense:3, not dense:10: there are 3 classes",
        "normalize is put first",
        "softmax is put last",
    )
    Path("net.npz").write_bytes(data_of(found))
    pictures, classes = strokes(60, seed=9)
    pipeline = Pipeline.load("net.npz")
    right = [np.argmax(pipeline(picture)) == kind for picture, kind in zip(pictures, classes, strict=True)]
    assert np.mean(right) >= 0.9
    record, facts = read_record(Path("net.npz"))
    assert record.labels == LABELS
    assert record.stages.startswith("gray,resize:12x12,normalize,conv:6@3x3:as=conv1,")
    assert facts["settings"]["epochs"] == 12
    assert facts["best"] == best.figures._asdict()
    assert [each["epoch"] for each in facts["history"]] == [*range(1, 13)]


@pytest.mark.parametrize("augment", ["", "flip,upside,turn,shift=1"])
def test_the_same_seed_gives_the_same_bytes_for_any_number_of_threads(augment):
    wanted = data_of(learned(augment=augment, threads=1))
    for threads in (1, 2, 3, 4):
        assert data_of(learned(augment=augment, threads=threads)) == wanted
    assert data_of(learned(augment=augment, seed=4)) != wanted


def test_more_pictures_than_memory_are_learned_from_alike(folder):
    pictures, classes = strokes(30)
    for number, (picture, kind) in enumerate(zip(pictures, classes, strict=True)):
        (folder / "d" / str(kind)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(folder / "d" / str(kind) / f"{number}.png")
    from cnnfilter.learning.data.reading import read_data

    files = [data_of(learned(data=read_data(Path("d"), 10**6), memory=memory)) for memory in (10**6, 2000)]
    assert files[0] == files[1]
    np.savez("d.npz", x=pictures, y=classes.astype(np.uint8))
    arrays = [data_of(learned(data=read_data(Path("d.npz"), memory), memory=memory)) for memory in (10**6, 2000)]
    assert arrays[0] == arrays[1]


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_a_training_that_goes_on_is_the_one_that_was_not_interrupted(optimizer):
    keywords = {"optimizer": optimizer, "augment": "shift", "weight_decay": 0.01}
    whole = learned(epochs=4, **keywords)
    first = learned(epochs=2, **keywords)
    Path("c.npz").write_bytes(b"".join(checkpoints.saved(first.learner, first.made.text)))
    second = begun(epochs=4, threads=1, **keywords)
    checkpoints.resume(second.learner, Path("c.npz"), second.made.text)
    assert [each.epoch for each in second.learner.epochs() if isinstance(each, Figures)] == [3, 4]
    assert data_of(second) == data_of(whole)
    assert b"".join(checkpoints.saved(second.learner, second.made.text)) == b"".join(
        checkpoints.saved(whole.learner, whole.made.text)
    )


def changed(told, change):
    """A checkpoint with something else in its record."""
    from cnnfilter.models import own
    from cnnfilter.weights.state import load_state

    record, facts = read_record(Path(told))
    change(facts)
    state = load_state(told)
    arrays = {name: state.array(name, state.shape(name)) for name in state.names}
    Path("changed.npz").write_bytes(b"".join(own.written(".npz", arrays, record._replace(facts=facts))))
    return Path("changed.npz")


def test_a_checkpoint_of_something_else_is_refused():
    first = learned()
    Path("c.npz").write_bytes(b"".join(checkpoints.saved(first.learner, first.made.text)))
    for other, reason in (
        (
            begun("conv:5@3x3,relu,flatten,dense:3"),
            "a checkpoint of other stages, 'gray,resize:12x12,normalize,conv:6@3x3",
        ),
        (begun(data=given(*strokes(60))), "a checkpoint of other data"),
        (begun(data=given(255 - strokes()[0], [LABELS[kind] for kind in strokes()[1]])), "a checkpoint of other data"),
        (begun(rate=0.5), "a checkpoint of a training with --lr 0.01, not 0.5; --force"),
    ):
        with pytest.raises(KernelError, match=f"^c.npz: {reason}"):
            checkpoints.resume(other.learner, Path("c.npz"), other.made.text)
    again = begun()
    for change, reason in (
        (lambda facts: facts.update(settings=1), "no checkpoint"),
        (lambda facts: facts.update(epoch=7), "its epochs do not add up"),
        (lambda facts: facts.update(digest="0"), "its numbers are not those"),
        (lambda facts: facts.pop("history"), "damaged or cut off"),
        (lambda facts: facts.update(history=[{"epoch": 1, "no": 2}]), "damaged or cut off"),
    ):
        with pytest.raises(KernelError, match=f"^changed.npz: .*{reason}"):
            checkpoints.resume(again.learner, changed("c.npz", change), again.made.text)
    Path("cut.npz").write_bytes(Path("c.npz").read_bytes()[:-50])
    with pytest.raises(KernelError, match="^cut.npz: "):
        checkpoints.resume(again.learner, Path("cut.npz"), again.made.text)
    Path("net.npz").write_bytes(data_of(first))
    with pytest.raises(KernelError, match="^net.npz: a checkpoint of other data"):
        checkpoints.resume(again.learner, Path("net.npz"), again.made.text)


def test_nothing_need_be_held_back():
    found = learned(fraction=0.0)
    assert found.learner.history[0].validation_loss is None
    assert found.learner.best.figures.loss == min(each.loss for each in found.learner.history)
    assert found.learner.best.confusion == []


def test_frozen_numbers_stay_and_others_move():
    before = begun().learner.net.parameters
    found = learned(freeze=("1",))
    after = found.learner.net.parameters
    assert np.array_equal(before["conv1.weight"], after["conv1.weight"])
    assert not np.array_equal(before["dense3.weight"], after["dense3.weight"])
    numbered = begun("crop:12x12,conv:6@3x3,relu,flatten,dense:3", freeze=("2",)).learner.net
    assert numbered.learns == {"dense2.weight", "dense2.bias"}
    for freeze in (("conv1",), ("conv1", "1")):  # the name that it has in the file, which the person did not write
        assert learned(freeze=freeze).learner.net.learns == found.learner.net.learns
    every = ("1", "2", "7")
    nothing = "^'3' has nothing that learns, to freeze; these have: 'conv1', .*'dense3'$"
    meant = "^there is no node 'conv' .*; did you mean conv1"
    for freeze, reason in ((("conv",), meant), (("3",), nothing), (every, "all that learns")):
        with pytest.raises(ArgumentError, match=reason):
            begun(freeze=freeze)


def test_a_trained_network_is_learned_on():
    first = learned()
    Path("net.npz").write_bytes(data_of(first))
    again = begun("net.npz")
    for name, value in again.learner.net.parameters.items():
        np.testing.assert_array_equal(value, first.learner.best.parameters[name])
    assert again.notes == ()
    source = Pipeline.load("net.npz").network
    other = begun("conv:6@3x3,batchnorm,relu,maxpool:2,flatten,dense:32,relu,dense:10", source=source)
    assert "2 of 4 stages that learn begin with the numbers that are given" in other.notes
    np.testing.assert_array_equal(
        other.learner.net.parameters["conv1.bias"], first.learner.best.parameters["conv1.bias"]
    )
    with pytest.raises(ArgumentError, match="no stage that learns is the same"):
        begun("flatten,dense:7,dense:3", source=source)


def test_the_file_takes_any_picture():
    pictures, classes = strokes(30)
    colour = np.stack([pictures, pictures // 2, pictures], axis=3)
    for text, data, first in (
        ("flatten,dense:3", pictures, "gray,resize:12x12,"),
        ("flatten,dense:3", colour, "resize:12x12,rgb,"),
        ("normalize:mean=0.5,gray,flatten,dense:3", colour, "resize:12x12,"),
        ("crop:8x8,gray,flatten,dense:3", colour, ""),
        ("normalize,resize:9:filter=box,flatten,dense:3", pictures, "gray,"),
        ("flatten,dense:3", np.stack([pictures] * 2, axis=3), "resize:12x12,"),
    ):
        found = learned(text, given(data.astype(np.uint16) * 257, classes), epochs=1)
        stages = found.made.text
        assert stages.startswith(f"{first}normalize"), stages
        Path("net.npz").write_bytes(data_of(found))
        bare = stages.removeprefix(first).replace("dense:3", "dense:3:weights=net.npz")
        for picture in data[:5]:
            np.testing.assert_array_equal(Pipeline.load("net.npz")(picture), Pipeline.parse(bare)(picture))
        if data.shape[-1] != 2:
            for other in (np.ones((30, 20, 3), np.uint8), np.ones((15, 50), np.float32)):
                assert Pipeline.load("net.npz")(other).shape == (3,)
    assert found.made.notes[-1] == "the file begins with resize:12x12: it takes any picture"
    notes = begun("resize:9:filter=box,flatten,dense:3").made.notes[-2:]
    assert notes[0] == "the file has resize:9x9:filter=box for resize:9:filter=box: it takes pictures of any shape"
    assert notes[1] == "the file begins with gray: it takes any picture"


def test_the_last_stage_gets_a_value_or_a_map_for_each_class():
    for text, told in (
        (
            "conv:4@3x3,flatten,dense:10:bias=no",
            "stage 3 is dense:3:bias=no, not dense:10:bias=no: there are 3 classes",
        ),
        ("relu,conv:9@3x3:padding=1,relu,globalavgpool,flatten", "stage 2 is conv:3@3x3:padding=1, not conv:9@3x3"),
        ("conv:9@3x3:random=1,globalavgpool,softmax,flatten", "stage 1 is conv:3@3x3, not conv:9@3x3: there"),
    ):
        found = learned(text, epochs=1)
        assert found.notes[0].startswith(told)
        assert found.made.text.endswith("softmax")
        assert found.made.text.count("softmax") == 1
        Path("net.npz").write_bytes(data_of(found))
        np.testing.assert_allclose(Pipeline.load("net.npz")(strokes(1)[0][0]).sum(), 1, rtol=1e-6)
    for text, result in (
        ("conv:9@12x12,flatten", "9"),
        ("depthwise:4@12x12,globalavgpool,flatten", "4"),
        ("conv:3@12x12", "1x1x3"),
    ):
        with pytest.raises(ArgumentError, match=f"the stages end in {result}, and there are 3 classes"):
            begun(text)
    assert begun("conv:3@3x3,globalavgpool,flatten").notes == ("normalize is put first", "softmax is put last")


def test_numbers_in_the_order_of_keras_learn_and_are_saved():
    text = "conv:2@3x3:random=1,flatten,dense:3:random=2:layout=hwc"
    found = learned(text, epochs=4)
    assert found.made.text.endswith("dense:3:layout=hwc:as=dense2,softmax")
    Path("net.npz").write_bytes(data_of(found))
    pictures, classes = strokes(60, seed=9)
    loaded = Pipeline.load("net.npz")
    np.testing.assert_array_equal(loaded(pictures[0]), Pipeline(found.network())(pictures[0]))
    assert np.mean([np.argmax(loaded(each)) == kind for each, kind in zip(pictures, classes, strict=True)]) > 0.5


def test_too_few_pictures_to_hold_any_back_are_told():
    note = "there are too few pictures to hold back 0.1 of each class: none tells how well it learned"
    assert begun("flatten,dense:3", given(*strokes(9)), fraction=0.1).notes[-1] == note
    assert note not in begun("flatten,dense:3", given(*strokes(9)), fraction=0.0).notes


def test_what_cannot_be_learned_is_refused():
    pictures, classes = strokes(12)
    np.save("w.npy", np.ones((2, 1, 3, 3)))
    for text, error, reason in (
        ("relu,flatten", ArgumentError, "no stage learns"),
        ("conv:sobel-x,flatten", ArgumentError, "no stage learns"),
        (
            "conv:w.npy,flatten,dense:3",
            ArgumentError,
            "to learn on, write its sizes: conv:N@HxW:weights=FILE",
        ),
        (
            "conv:2@3x3,flatten",
            ArgumentError,
            "the stages end in 200, .*; end them in flatten,dense:3",
        ),
        ("conv:2@99x99,flatten,dense:3", ShapeError, "the stages do not fit the pictures: stage"),
    ):
        with pytest.raises(error, match=reason):
            begun(text)
    with pytest.raises(ArgumentError, match="all pictures to learn from are of one class, '0'"):
        begun(data=given(pictures, classes * 0))
    data = given(pictures, classes)
    data.validation = given(pictures[:, :9], classes)
    reason = r"the pictures of the validation part are 9x12x1, .* 12x12x1 \(height x width x channels\); put resize"
    with pytest.raises(ArgumentError, match=reason):
        begun(data=data)
    data.validation = given(pictures[:1], classes[:1])
    assert begun(data=data).notes[-1] == "the validation part has no picture of '1', '2'"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 0), ("batch", 0), ("seed", -1), ("rate", 0), ("rate", float("nan")), ("weight_decay", -1),
        ("fraction", 1), ("optimizer", "no"), ("augment", "no"), ("rate", "no"), ("rate", True),
    ],
)  # fmt: skip
def test_settings_have_limits(name, value):
    with pytest.raises(ArgumentError):
        Settings(**{name: value})


def test_unreadable_pictures_are_left_out_and_counted(folder):
    pictures, classes = strokes(30)
    for number, (picture, kind) in enumerate(zip(pictures, classes, strict=True)):
        (folder / "d" / str(kind)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(folder / "d" / str(kind) / f"{number:02}.png")
    for number in (3, 6, 9, 12):
        (folder / "d" / "0" / f"{number:02}.png").write_bytes(b"no")
    with pytest.warns(CnnfilterWarning) as told:
        training = cnnfilter.train("flatten,dense:3", "d", epochs=1)
    told = [str(each.message) for each in told]
    assert told[2].startswith("d/0/03.png: ")
    assert told[5] == "left out: 4 of 30 pictures cannot be read"
    assert sum(map(sum, training.confusion)) == 3
    for each in (folder / "d" / "0").iterdir():
        each.write_bytes(b"no")
    with pytest.raises(ArgumentError, match="no picture of '0' can be read"):
        cnnfilter.train("flatten,dense:3", "d")


def test_both_parts_share_the_memory():
    kept = set()
    for memory in range(40_000, 200_000, 10_000):
        data = given(*strokes())
        data.validation = given(*strokes(60))
        parts = begun(data=data, memory=memory).learner.parts
        prepared = [part.prepared for part in (parts.training, parts.validation)]
        sizes = [0 if each._kept is None else each._kept.nbytes for each in prepared]
        assert sum(sizes) + sum(each._source.held for each in prepared) <= memory
        kept.add(min(sizes) > 0)
    assert kept == {True, False}


@pytest.mark.filterwarnings("ignore::cnnfilter.errors.CnnfilterWarning")
def test_programs_may_hold_back_a_part_of_what_brings_one():
    pictures, classes = strokes()
    np.savez("d.npz", x_train=pictures, y_train=classes, x_test=pictures[:9], y_test=classes[:9])
    for validation, count in ((None, 9), (0.5, 60)):
        training = cnnfilter.train("flatten,dense:3", "d.npz", validation=validation, epochs=1)
        assert sum(map(sum, training.confusion)) == count


@pytest.mark.filterwarnings("ignore::cnnfilter.errors.CnnfilterWarning")
def test_programs_train_and_save():
    pictures, classes = strokes()
    told = []
    keywords = {"epochs": 2, "lr": 0.01, "batch": 32, "progress": told.append}
    training = cnnfilter.train(TEXT, (pictures, classes), validation=strokes(30, seed=5), **keywords)
    assert [each["epoch"] for each in training.history] == [1, 2]
    assert len([each for each in told if isinstance(each, Figures)]) == 2
    assert training.labels == ("0", "1", "2")
    assert sum(map(sum, training.confusion)) == 30
    assert training.problem is None
    assert training.best in training.history
    assert repr(training).startswith("<Training of 2 epochs, the best {'epoch': ")
    training.save("net.safetensors")
    wanted = training.pipeline(pictures[0])
    np.testing.assert_array_equal(Pipeline.load("net.safetensors")(pictures[0]), wanted)
    training.pipeline.save("other.npz")
    np.testing.assert_array_equal(Pipeline.load("other.npz")(pictures[0]), wanted)
    with pytest.raises(CnnfilterError, match="overwrite=True"):
        training.save("net.safetensors")
    fraction = cnnfilter.train(training.pipeline, (pictures, classes), validation=0.5, epochs=1, memory=10**7)
    assert sum(map(sum, fraction.confusion)) == 60
    with pytest.raises(ArgumentError, match="data must be a path"):
        cnnfilter.train(TEXT, 5)


@pytest.mark.filterwarnings("ignore::cnnfilter.errors.CnnfilterWarning")
def test_ctrl_c_in_a_notebook_keeps_the_best_so_far():
    seen = []

    def interrupted(each):
        seen.append(each)
        if len([each for each in seen if isinstance(each, Figures)]) == 2:
            raise KeyboardInterrupt

    training = cnnfilter.train(TEXT, strokes(), epochs=9, progress=interrupted)
    assert training.problem == "interrupted"
    assert len(training.history) == 2

    def at_once(each):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cnnfilter.train(TEXT, strokes(), progress=at_once)


def test_what_is_told_of_a_training_is_json():
    json.dumps(learned(epochs=1).learner.facts(), allow_nan=False)


def test_progress_is_a_function():
    with pytest.raises(ArgumentError, match="^progress must be a function, not 'no'$"):
        cnnfilter.train(TEXT, strokes(), progress="no")
