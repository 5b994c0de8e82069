"""Addresses in programs and notebooks: wherever a public function takes a path."""

from pathlib import Path

import fsspec
import numpy as np
import pytest

import cnnfilter
from cnnfilter import Picture, Pipeline, load_bank, read, train
from cnnfilter.addresses import copies
from cnnfilter.errors import ArgumentError, CnnfilterError, CnnfilterWarning, ExistsError, OutputError, PictureError
from tests.command import ROOT, run

SAMPLES = ROOT / "samples"
PIXELS = np.arange(192, dtype=np.uint8).reshape(8, 8, 3)
DATA = (np.repeat(np.arange(20, dtype=np.uint8) % 2 * 255, 36).reshape(20, 6, 6), [0, 1] * 10)


@pytest.fixture(autouse=True)
def memory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return fsspec.filesystem("memory")


def test_a_picture_is_read_and_written(memory):
    memory.pipe_file("/box/camera.png", (SAMPLES / "camera.png").read_bytes())
    picture = read("memory://box/camera.png")
    np.testing.assert_array_equal(picture.pixels, read(SAMPLES / "camera.png").pixels)
    picture.write("memory://box/out.jpg", options={"quality": 90})
    picture.write("out.jpg", options={"quality": 90})
    assert memory.cat("/box/out.jpg") == Path("out.jpg").read_bytes()
    picture.write("memory://box/out.jpg", options={"quality": 90})  # which is there as it shall be
    with pytest.raises(ExistsError, match="'memory://box/out.jpg' exists already; overwrite=True overwrites it"):
        picture.write("memory://box/out.jpg", options={"quality": 10})
    picture.write("memory://box/out.jpg", options={"quality": 10}, overwrite=True)
    assert memory.cat("/box/out.jpg") != Path("out.jpg").read_bytes()
    with pytest.raises(PictureError, match="^memory://box/none.png: no such file$"):
        read("memory://box/none.png")


def test_a_path_is_no_address():
    with pytest.raises(PictureError, match="^s3:/a.png: no such file; an address is a text that begins with s3://$"):
        read(Path("s3://a.png"))


def test_what_is_fetched_is_bounded(memory):
    data = (SAMPLES / "camera.png").read_bytes()
    memory.pipe_file("/box/camera.png", data)
    message = f"^memory://box/camera.png: cannot be read: more than {len(data) - 1:,} bytes; max_bytes allows more$"
    with pytest.raises(PictureError, match=message):
        read("memory://box/camera.png", max_bytes=len(data) - 1)
    assert read("memory://box/camera.png", max_bytes=len(data)).pixels.shape == (512, 512)
    assert read(SAMPLES / "camera.png", max_bytes=1).pixels.shape == (512, 512)
    with pytest.raises(ArgumentError, match="^max_bytes must be at least 1, not 0$"):
        read("memory://box/camera.png", max_bytes=0)


def test_filters_and_networks_are_read_and_written(memory):
    memory.pipe_file("/box/gabor.npz", (SAMPLES / "kernels/gabor.npz").read_bytes())
    np.testing.assert_array_equal(
        load_bank("memory://box/gabor.npz").weight, load_bank(SAMPLES / "kernels/gabor.npz").weight
    )
    bases = ["memory://box", "memory://box/", SAMPLES / "kernels"]
    results = [Pipeline.parse("conv:gabor.npz,relu", base=base).run(PIXELS[..., 0]) for base in bases]
    np.testing.assert_array_equal(results, [results[0]] * 3)
    network = Pipeline.parse("conv:2@2x2:random=1,relu")
    network.save("memory://box/net.npz", size=(8, 8, 3))
    np.testing.assert_array_equal(Pipeline.load("memory://box/net.npz").run(PIXELS), network.run(PIXELS))
    with pytest.raises(ExistsError, match="memory://box/net.npz"):
        Pipeline.parse("conv:2@2x2:random=2").save("memory://box/net.npz", size=(8, 8, 3))


def test_what_changed_at_an_address_is_fetched_again(memory):
    before, after = (Pipeline.parse(f"conv:2@2x2:random={seed},relu") for seed in (1, 2))
    before.save("memory://box/net.npz", size=(8, 8, 3))
    first = Pipeline.load("memory://box/net.npz")
    after.save("memory://box/net.npz", size=(8, 8, 3), overwrite=True)
    second = Pipeline.parse("memory://box/net.npz")
    np.testing.assert_array_equal(second.run(PIXELS), after.run(PIXELS))
    np.testing.assert_array_equal(first.run(PIXELS), before.run(PIXELS))
    np.save("k.npy", np.ones((2, 2)))
    for value in (1, 2):
        np.save("k.npy", np.full((2, 2), value))
        memory.pipe_file("/box/k.npy", Path("k.npy").read_bytes())
        assert load_bank("memory://box/k.npy").weight[0, 0, 0, 0] == value
    copies.hold({"memory://box/k.npy": Path("k.npy").absolute()})
    memory.pipe_file("/box/k.npy", b"")
    assert load_bank("memory://box/k.npy").weight[0, 0, 0, 0] == 2  # a worker has what it was sent


def test_networks_learn_from_addresses_and_are_saved_at_them(memory):
    np.savez("data.npz", x=DATA[0], y=DATA[1])
    memory.pipe_file("/box/data.npz", Path("data.npz").read_bytes())
    Pipeline.parse("normalize,flatten,dense:2:random=3,softmax").save("memory://box/begin.npz", size=(6, 6, 1))
    stages = "normalize,flatten,dense:2,softmax"
    data, begin = "memory://box/data.npz", "memory://box/begin.npz"
    with pytest.warns(CnnfilterWarning, match="1 of 1 stages that learn begin with the numbers"):
        local = train(stages, DATA, validation=DATA, epochs=1, source=Pipeline.load(begin))
    with pytest.warns(CnnfilterWarning, match="1 of 1 stages that learn begin with the numbers"):
        there = train(stages, data, validation=data, epochs=1, source=begin)
    assert there.history == local.history
    there.save("memory://box/net.npz")
    np.testing.assert_array_equal(Pipeline.load("memory://box/net.npz").run(DATA[0][0]), local.pipeline.run(DATA[0][0]))


CALLS = {
    "read": lambda name: read(f"{name}.png"),
    "Picture.write": lambda name: Picture(PIXELS).write(f"{name}.png"),
    "load_bank": lambda name: load_bank(f"{name}.npz"),
    "Pipeline.parse": lambda name: Pipeline.parse(f"conv:{name}.npz").load_weights(),
    "Pipeline.parse@": lambda name: Pipeline.parse(f"@{name}.txt"),
    "Pipeline.parse base": lambda name: Pipeline.parse("@net.txt", base=name),
    "Pipeline.load": lambda name: Pipeline.load(f"{name}.onnx"),
    "Pipeline.save": lambda name: Pipeline.parse("relu").save(f"{name}.npz"),
    "train": lambda name: train("flatten,dense:2", f"{name}.npz"),
    "train validation": lambda name: train("flatten,dense:2", DATA, validation=name),
    "train source": lambda name: train("flatten,dense:2", DATA, source=f"{name}.npz"),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("file:///etc/a", "it is of this machine"),
        ("simplecache::memory://box/a", "chains of addresses"),
        ("ftp://me:hunter2@host/a", "the scheme 'ftp' is not known"),
        ("https://me:hunter2@host:port/a", "its port is no number"),
    ],
)
def test_what_is_no_address_is_refused(call, name, reason):
    with pytest.raises(CnnfilterError) as caught:
        call(name)
    assert reason in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_the_web_is_only_read():
    for call in (CALLS["Picture.write"], CALLS["Pipeline.save"]):
        with pytest.raises(OutputError, match="https://host/a.*: https:// is only read"):
            call("https://host/a")
    with pytest.raises(ArgumentError, match="https://host/pets: https:// has no folders; give an .npz, an IDX file or"):
        train("flatten,dense:2", "https://host/pets")


# Commands


def test_training_goes_on_at_an_address(memory):
    np.savez("data.npz", x=DATA[0], y=DATA[1])
    words = ["train", "flatten,dense:2", "data.npz", "-q"]
    assert run(*words, "--epochs", "3", "-o", "whole.npz").exit_code == 0
    result = run(*words, "--epochs", "2", "-o", "memory://box/net.npz", "--resume")
    assert result.messages == ["cnnfilter: error: there is no checkpoint memory://box/net-checkpoint.npz to go on with"]
    assert run(*words, "--epochs", "2", "-o", "memory://box/net.npz").exit_code == 0
    assert {*memory.store} >= {"/box/net.npz", "/box/net-checkpoint.npz"}
    memory.rm("/box/net.npz")
    result = run(*words, "--epochs", "3", "-o", "memory://box/net.npz")
    assert "memory://box/net-checkpoint.npz' exists already; --resume goes on with it" in result.err
    assert run(*words, "--epochs", "3", "-o", "memory://box/net.npz", "--resume").exit_code == 0
    assert memory.cat("/box/net.npz") == Path("whole.npz").read_bytes()


def test_a_program_does_not_load_an_address(memory):
    np.savez(
        "net.npz", **{"conv1.weight": np.zeros((3000, 3, 2, 2), np.float32), "conv1.bias": np.zeros(3000, np.float32)}
    )
    memory.pipe_file("/box/net.npz", Path("net.npz").read_bytes())
    stages = "conv:3000@2x2:weights={}net.npz:name=conv1,relu"
    there = run("shape", "8x8x3", stages.format("memory://box/"), "--emit", "torch")
    assert "torch.load" not in there.out
    assert "--weights FILE.npz, added to the command that wrote this program" in there.out
    assert cnnfilter.__name__ not in there.err
