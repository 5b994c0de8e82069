"""The activations in the page's language, which follow from their table."""

import json
import re

import pytest

from cnnfilter.network.activations import ACTIVATIONS
from cnnfilter.page.activations import activations_script


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_each_has_an_entry_with_its_parameters(name):
    known = ACTIVATIONS[name]
    (line,) = (line for line in activations_script().splitlines() if line.startswith(f"  {json.dumps(name)}: "))
    told = {key: json.loads(re.search(rf"{key}: (.*?)(?=, \w+: )", line)[1]) for key in ("parameters", "words")}
    assert told == {"parameters": dict(known.parameters), "words": {key: [*each] for key, each in known.words.items()}}
    arguments = ", ".join(("x", *known.parameters))
    slope = f"slope: ({arguments.replace('x', 'x, y', 1)}) => {known.script_slope}"
    assert f"value: ({arguments}) => {known.script}, {slope}, worked: ({arguments}) => " in line
