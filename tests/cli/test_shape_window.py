import json

import pytest

from tests.cli.test_shape import shape


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            ["28", "-k", "3", "-s", "1", "-p", "0"],
            """\
formula  floor((n + 2p - k)/s) + 1
numbers  floor((28 + 2*0 - 3)/1) + 1 = 26
result   26
dropped  no pixels: the last window ends where the input ends
""",
        ),
        (
            ["224", "-k", "7", "-s", "2", "-p", "same"],
            """\
formula  floor((n + begin + end - k)/s) + 1
numbers  floor((224 + 2 + 3 - 7)/2) + 1 = 112
result   112
dropped  no pixels: the last window ends where the input ends
""",
        ),
        (
            ["10x9x3", "-k", "3x2", "-s", "2", "-d", "1x2", "-p", "1+0x0"],
            """\
formula  floor((n + begin + end - d*(k - 1) - 1)/s) + 1
height   floor((10 + 1 + 0 - 3)/2) + 1 = 5
width    floor((9 + 2*0 - 2*(2 - 1) - 1)/2) + 1 = 4
result   5x4
dropped  no pixels: the last window ends where the input ends
""",
        ),
        (
            ["8x9", "--kernel", "3", "--stride", "2"],
            """\
formula  floor((n + 2p - k)/s) + 1
height   floor((8 + 2*0 - 3)/2) + 1 = floor(2.5) + 1 = 3
width    floor((9 + 2*0 - 3)/2) + 1 = 4
result   3x4
dropped  height: 1 pixel at the end; width: no pixels: the last window ends where the input ends
""",
        ),
    ],
)
def test_one_window(arguments, text):
    assert shape(*arguments) == text


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["28", "-k", "3"], "no pixels: the last window ends where the input ends"),
        (["6", "-k", "3", "-s", "2"], "1 pixel at the end"),
        (["12", "-k", "3", "-s", "5"], "4 pixels at the end"),
        (["224", "-k", "7", "-s", "2", "-p", "3"], "1 pixel of padding at the end"),
        (["11", "-k", "3", "-s", "5", "-p", "0+4x0+4"], "2 pixels of padding at the end"),
    ],
)
def test_what_the_floor_drops(arguments, line):
    assert f"dropped  {line}\n" in shape(*arguments)


@pytest.mark.parametrize("n", [9, 10, 11, 12, 13])
def test_the_dropped_pixels_are_counted_from_the_last_window(n):
    stride, window, padding = 4, 3, 1
    text = shape(n, "-k", window, "-s", stride, "-p", padding)
    result = int(text.split("result   ")[1].split()[0])
    left = n + 2 * padding - ((result - 1) * stride + window)
    expected = {
        0: "no pixels: the last window ends where the input ends",
        1: "1 pixel of padding at the end",
        2: "2 pixels at the end, 1 of padding among them",
        3: "3 pixels at the end, 1 of padding among them",
    }
    assert f"dropped  {expected[left]}\n" in text


def test_one_window_as_json():
    assert json.loads(shape("28", "-k", "3", "-s", "2", "-d", "2", "--json")) == {
        "stages": [
            {
                "stage": "-k 3 -s 2 -p 0 -d 2",
                "input": [28],
                "output": [12],
                "params": 0,
                "macs": 0,
                "receptive_field": [5],
                "jump": [2],
                "dropped": [1],
            }
        ],
        "total": {"params": 0, "macs": 0},
    }
    assert json.loads(shape("3", "-k", "3", "--json"))["stages"][0]["jump"] is None
    (stage,) = json.loads(shape("28", "-k", "3x5", "-p", "same", "--json"))["stages"]
    assert stage["stage"] == "-k 3x5 -s 1 -p same"
    assert (stage["input"], stage["output"], stage["receptive_field"]) == ([28, 28], [28, 28], [3, 5])
