"""Which names the classes of a network have that come with its file."""

import pytest

from cnnfilter.models.labels import Labels, offered_labels
from cnnfilter.network.graph import Group, Network, Node
from cnnfilter.network.stages import Flatten, Softmax


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def network(*groups):
    """A chain of a node in each of some groups, and one in none."""
    nodes = [Node(Flatten(), (number - 1,), group=group) for number, group in enumerate(groups)]
    return Network([*nodes, Node(Softmax(), (len(nodes) - 1,))])


def test_a_file_of_labels_goes_before_what_the_network_s_own_file_holds(tmp_path):
    own = Group("net.onnx", path="net.onnx", labels=("a", "b"))
    assert offered_labels(network(own)) == Labels(("a", "b"), "net.onnx")
    (tmp_path / "net.labels.txt").write_text("cat\ndog\n")
    assert offered_labels(network(own)) == Labels(("cat", "dog"), "net.labels.txt")


def test_the_last_file_counts_and_there_may_be_none(tmp_path):
    (tmp_path / "first.labels.txt").write_text("cat\ndog\n")
    first, second, preset = Group("first.pth", path="first.pth"), Group("b.pth", path="b.pth"), Group("vgg-16:random=1")
    assert offered_labels(network(first, preset)) == Labels(("cat", "dog"), "first.labels.txt")
    assert offered_labels(network(first, second)) is None
    assert offered_labels(network(preset)) is None
    (tmp_path / "b.labels.txt").mkdir()
    assert offered_labels(network(second)) is None
