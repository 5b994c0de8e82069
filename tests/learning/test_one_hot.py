import pytest

from cnnfilter.errors import ArgumentError
from cnnfilter.learning.one_hot import one_hot


def test_one_hot():
    assert one_hot(["dog", "cat", "dog"]).classes == ("cat", "dog")
    assert one_hot(["dog", "cat", "dog"]).rows == ((0, 1), (1, 0), (0, 1))
    assert one_hot(["1", "0"], 3).rows == ((0, 1, 0), (1, 0, 0))
    assert one_hot(["10", "9"]).classes[-1] == "10"


@pytest.mark.parametrize(
    ("labels", "count", "message"),
    [
        (["a", ""], None, "label 2 is empty"),
        (["3"], 3, "label 3 is no class: there are 3, counted from 0"),
        (["a", "b"], 1, "there are 2 different labels, more than 1 class$"),
        (["a", "b"], 4, "the names of the other 2 are not known"),
        (["9" * 5000], None, "a label must be"),
        (["900000", "1"], None, r"2 labels of 900,001 classes are too many numbers \(at most 1,000,000\)"),
    ],
)
def test_labels_that_are_refused(labels, count, message):
    with pytest.raises(ArgumentError, match=message):
        one_hot(labels, count)
