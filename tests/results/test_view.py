"""Which names the results of a network have."""

from cnnfilter.results.view import View


def test_labels_that_a_person_gives_go_before_those_that_are_offered():
    assert View(offered=("a", "b")).labels_for(2) == ("a", "b")
    assert View(offered=("a", "b")).labels_for(3) is None
    assert View(labels=("c", "d"), offered=("a", "b")).labels_for(2) == ("c", "d")
