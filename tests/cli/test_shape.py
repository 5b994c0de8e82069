import json
import re
from math import ceil, floor

import numpy as np
import pytest
from PIL import Image

from cnnfilter.cli import plans, render
from cnnfilter.cli import shape as shape_command
from cnnfilter.export import PROGRAMS, emit
from cnnfilter.network.grammar import parse
from cnnfilter.network.plan import plan
from cnnfilter.network.presets import PRESETS
from cnnfilter.network.stages import Conv
from cnnfilter.weights.parameters import Arrays, RandomParameters
from tests.command import Terminal, run
from tests.engine.test_seed_cases import CASES


def shape(*arguments):
    result = run("shape", *arguments)
    assert result.exit_code == 0, result.err
    assert result.err == ""
    return result.out


def refused(*arguments):
    result = run("shape", *arguments)
    assert result.exit_code == 2
    assert result.out == ""
    (line,) = result.messages
    return line.removeprefix("cnnfilter: error: ").removesuffix("; see cnnfilter shape --help")


def outputs(*arguments):
    """The sizes after each stage, from the table and from the JSON, as text."""
    header, *lines = shape(*arguments).splitlines()
    cells = [line[header.index("OUTPUT") :].partition(" ")[0] for line in lines[: lines.index("")]]
    from_table = list(filter(None, cells))  # not a second line of arithmetic
    from_json = [stage["output"] for stage in json.loads(shape(*arguments, "--json"))["stages"]]
    assert from_table == ["x".join(map(str, size)) for size in from_json]
    return from_table


# The course's cases


@pytest.mark.parametrize("case", CASES["shape"], ids=lambda case: case["name"])
def test_the_sizes_of_the_course(case):
    assert outputs(case["input"], case["stages"]) == case["out"]


@pytest.mark.parametrize("case", CASES["params"], ids=lambda case: case["name"])
def test_the_parameters_of_the_course(case):
    assert json.loads(shape(case["input"], case["stages"], "--json"))["total"]["params"] == case["params"]
    assert f"total: {case['params']:,} parameters" in shape(case["input"], case["stages"])


# Chains

TABLE = """\
STAGE        INPUT     OUTPUT       PARAMS  MULTIPLY-ADDS  FIELD  JUMP  DROPPED  ARITHMETIC
conv:32@3x3  28x28x1   26x26x32        320        216,320  3x3    1     0        floor((28 + 2*0 - 3)/1) + 1 = 26
                                                                                 params: (3*3*1 + 1)*32 = 320
relu         26x26x32  26x26x32          0              0  3x3    1
conv:64@3x3  26x26x32  24x24x64     18,496     10,653,696  5x5    1     0        floor((26 + 2*0 - 3)/1) + 1 = 24
                                                                                 params: (3*3*32 + 1)*64 = 18496
relu         24x24x64  24x24x64          0              0  5x5    1
maxpool:2    24x24x64  12x12x64          0              0  6x6    2     0        floor((24 + 2*0 - 2)/2) + 1 = 12
flatten      12x12x64  9216              0              0  6x6    -              12*12*64 = 9216
dense:128    9216      128       1,179,776      1,179,776  28x28  -              params: (9216 + 1)*128 = 1179776
relu         128       128               0              0  28x28  -
dense:10     128       10            1,290          1,290  28x28  -              params: (128 + 1)*10 = 1290
softmax      10        10                0              0  28x28  -

total: 1,199,882 parameters (4.8 MB as float32), 12,051,082 multiply-adds
"""


def test_the_table_of_the_course_network():
    plain = re.sub(":as=[^,]*", "", PRESETS["mnist-cnn"].text)
    assert shape("28x28x1", plain) == TABLE
    header, first, *_ = shape("mnist-cnn").splitlines()
    assert header.split() == ["NODE", "NAME", *TABLE.splitlines()[0].split()]
    assert first.split()[:3] == ["1", "conv1", "conv:32@3x3"]
    assert shape("mnist-cnn").splitlines()[-1] == TABLE.splitlines()[-1]


def test_the_arithmetic_in_the_table_is_true():
    lines = [line for line in TABLE.splitlines()[1:] if " = " in line]
    assert len(lines) == 8
    for line in lines:
        begin = TABLE.splitlines()[0].index("ARITHMETIC")
        left, _, right = line[begin:].removeprefix("params: ").partition(" = ")
        assert eval(left, {"floor": floor}) == int(right)
    rows = [line.replace(",", "").split() for line in TABLE.splitlines()[1:13] if not line.startswith(" ")]
    assert [row[1] for row in rows[1:]] == [row[2] for row in rows[:-1]]
    numbers = [[int(cell) for cell in row[3:5]] for row in rows]
    assert sum(params for params, _ in numbers) == 1_199_882 == 320 + 18_496 + 1_179_776 + 1_290
    assert sum(macs for _, macs in numbers) == 12_051_082 == 320 * 26**2 + 18_496 * 24**2 + 1_179_776 + 1_290
    assert round(1_199_882 * 4 / 1e6, 1) == 4.8


def test_axes_that_differ_have_a_line_each():
    assert shape("6x9x2", "conv:sobel-x+sobel-y,magnitude,abs") == (
        """\
STAGE                 INPUT  OUTPUT  PARAMS  MULTIPLY-ADDS  FIELD  JUMP  DROPPED  ARITHMETIC
conv:sobel-x+sobel-y  6x9x2  4x7x4        0          1,008  3x3    1     0        height: floor((6 + 2*0 - 3)/1) + 1 = 4
                                                                                  width: floor((9 + 2*0 - 3)/1) + 1 = 7
magnitude             4x7x4  4x7x2        0              0  3x3    1              4 maps / 2 = 2
abs                   4x7x2  4x7x2        0              0  3x3    1

total: 0 parameters, 1,008 multiply-adds
"""
    )


@pytest.mark.parametrize(
    "chain", [preset.text for preset in PRESETS.values()] + ["maxpool:3:stride=2:padding=1:ceil_mode=yes"]
)
def test_every_size_formula_of_a_plan_is_true(chain):
    for row in plan(parse(chain), (225, 226, 3)):
        for line in row.arithmetic.splitlines():
            *expressions, result = line.rpartition(": ")[2].removeprefix("mean of ").split(" = ")
            assert {eval(each, {"floor": floor, "ceil": ceil}) for each in expressions} == {int(result)}


def test_small_and_large_networks_say_how_large_they_are():
    assert " 10 parameters (40 bytes as float32), " in shape("3x3x1", "conv:1@3x3")
    assert " 320 parameters (1.3 kB as float32), " in shape("28x28x1", "conv:32@3x3")
    assert " 138,357,544 parameters (553.4 MB as float32), " in shape("vgg-16")
    assert " 1,000,000,000 parameters (4.00 GB as float32), " in shape("100000", "dense:10000:bias=no")


def test_the_json_has_the_documented_keys():
    data = json.loads(shape("28x28x1", "conv:32@3x3,relu,maxpool:2,flatten", "--json"))
    assert list(data) == ["stages", "total"]
    assert list(data["total"]) == ["params", "macs"]
    for stage in data["stages"]:
        assert list(stage) == [
            "stage", "name", "reads", "input", "output", "params", "macs", "receptive_field", "jump", "dropped",
        ]  # fmt: skip
        for key in ("input", "output", "receptive_field", *(["jump"] if len(stage["output"]) == 3 else [])):
            assert all(type(number) is int for number in stage[key])
    assert data["stages"][0] == {
        "stage": "conv:32@3x3",
        "name": None,
        "reads": [0],
        "input": [28, 28, 1],
        "output": [26, 26, 32],
        "params": 320,
        "macs": 216320,
        "receptive_field": [3, 3],
        "jump": [1, 1],
        "dropped": [0, 0],
    }
    assert data["stages"][3]["output"] == [13 * 13 * 32]
    assert (data["stages"][3]["jump"], data["stages"][3]["dropped"]) == (None, None)
    assert data["total"] == {"params": 320, "macs": 216320}


def test_a_terminal_too_narrow_for_the_table_gets_the_arithmetic_below_each_row(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    terminal = Terminal()
    monkeypatch.setattr(render, "standard_output", lambda: terminal)
    text = plans.table(plan(parse("conv:8@3x3,relu"), (9, 10, 1)))
    assert text == (
        """\
STAGE       INPUT   OUTPUT  PARAMS  MULTIPLY-ADDS  FIELD  JUMP  DROPPED
conv:8@3x3  9x10x1  7x8x8       80          4,480  3x3    1     0
    height: floor((9 + 2*0 - 3)/1) + 1 = 7
    width: floor((10 + 2*0 - 3)/1) + 1 = 8
    params: (3*3*1 + 1)*8 = 80
relu        7x8x8   7x8x8        0              0  3x3    1

total: 80 parameters (320 bytes as float32), 4,480 multiply-adds
"""
    )
    monkeypatch.setenv("COLUMNS", "200")
    assert "DROPPED  ARITHMETIC\n" in plans.table(plan(parse("conv:8@3x3,relu"), (9, 10, 1)))


BRANCHES = "relu:as=x,conv:2@1x1:as=layer1.0.conv1,from:in,conv:2@1x1,add:layer1.0.conv1,concat:x"


def test_a_network_with_branches_tells_its_nodes_and_what_they_read():
    assert shape("9x10x1", BRANCHES) == (
        """\
NODE  NAME            STAGE               READS  INPUT   OUTPUT  PARAMS  MULTIPLY-ADDS  FIELD  JUMP  DROPPED  ARITHMETIC
   1  x               relu                       9x10x1  9x10x1       0              0  1x1    1
   2  layer1.0.conv1  conv:2@1x1                 9x10x1  9x10x2       4            360  1x1    1     0        height: floor((9 + 2*0 - 1)/1) + 1 = 9
                                                                                                              width: floor((10 + 2*0 - 1)/1) + 1 = 10
                                                                                                              params: (1*1*1 + 1)*2 = 4
   3                  conv:2@1x1          in     9x10x1  9x10x2       4            360  1x1    1     0        height: floor((9 + 2*0 - 1)/1) + 1 = 9
                                                                                                              width: floor((10 + 2*0 - 1)/1) + 1 = 10
                                                                                                              params: (1*1*1 + 1)*2 = 4
   4                  add:layer1.0.conv1         9x10x2  9x10x2       0              0  1x1    1
   5                  concat:x                   9x10x2  9x10x3       0              0  1x1    1              1 + 2 = 3

total: 8 parameters (32 bytes as float32), 720 multiply-adds
"""  # noqa: E501  (as it is printed)
    )


def test_only_columns_with_something_in_them_are_there():
    assert shape("4x4x1", "relu:as=a,tanh").startswith("NODE  NAME  STAGE  INPUT  OUTPUT")
    assert shape("4x4x1", "relu,add:in").startswith("NODE  STAGE   INPUT  OUTPUT")
    assert shape("4x4x1", "relu,tanh").startswith("STAGE  INPUT  OUTPUT")


def test_the_json_of_a_network_has_its_edges():
    stages = json.loads(shape("9x10x1", BRANCHES, "--json"))["stages"]
    assert [(each["stage"], each["name"], each["reads"]) for each in stages] == [
        ("relu", "x", [0]), ("conv:2@1x1", "layer1.0.conv1", [1]), ("conv:2@1x1", None, [0]),
        ("add:layer1.0.conv1", None, [2, 3]), ("concat:x", None, [1, 4]),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (80, """\
NODE  NAME            STAGE                                   READS
    INPUT   OUTPUT  PARAMS  MULTIPLY-ADDS  FIELD  JUMP  DROPPED
   1  x               relu
    9x10x1  9x10x1       0              0  1x1    1
   2  layer1.0.conv1  conv:2@1x1
    9x10x1  9x10x2       4            360  1x1    1     0
    height: floor((9 + 2*0 - 1)/1) + 1 = 9
    width: floor((10 + 2*0 - 1)/1) + 1 = 10
    params: (1*1*1 + 1)*2 = 4
   3                  conv:2@1x1:padding=same:border=reflect  in
"""),
        (64, """\
NODE  NAME  STAGE  READS
    INPUT   OUTPUT  PARAMS  MULTIPLY-ADDS  FIELD  JUMP  DROPPED
1  x  relu
    9x10x1  9x10x1       0              0  1x1    1
2  layer1.0.conv1  conv:2@1x1
    9x10x1  9x10x2       4            360  1x1    1     0
    height: floor((9 + 2*0 - 1)/1) + 1 = 9
    width: floor((10 + 2*0 - 1)/1) + 1 = 10
    params: (1*1*1 + 1)*2 = 4
3  conv:2@1x1:padding=same:border=reflect  reads in
"""),
    ],
)  # fmt: skip
def test_a_narrow_terminal_gets_a_node_above_the_rest_of_its_row(monkeypatch, columns, expected):
    monkeypatch.setenv("COLUMNS", str(columns))
    terminal = Terminal()
    monkeypatch.setattr(render, "standard_output", lambda: terminal)
    network = parse(
        "relu:as=x,conv:2@1x1:as=layer1.0.conv1,from:in,conv:2@1x1:padding=same:border=reflect,add:layer1.0.conv1"
    )
    assert plans.table(plan(network, (9, 10, 1))).startswith(expected)


def test_numbers_that_stages_share_count_once():
    shared = Arrays({"weight": np.ones((2, 2, 1, 1), np.float32)})
    one = Conv(sizes=(2, (1, 1)), biased=False, learned=shared)
    other = Conv(sizes=(2, (1, 1)), biased=False, learned=RandomParameters(1))
    again = Conv(sizes=(2, (1, 1)), biased=False, learned=RandomParameters(1))
    rows = plan([one, one, other, again, parse("conv:2@1x1").stages[0]], (3, 3, 2))
    assert plans.totals(rows) == (4 + 4 + 4 + 6, 9 * (4 * 4 + 6))


def test_a_name_from_outside_is_made_printable(tmp_path):
    path = tmp_path / "a\x1b[31m.npy"
    np.save(path, np.ones((3, 3), np.float32))
    assert "\x1b" not in shape("9x9x1", f"conv:{path}")
    assert "\x1b" not in shape("9x9x1", f"conv:{path}", "--compare")


# Sizes


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        (["784", "dense:30"], ["30"]),
        (["784", "relu,dense:30"], ["784", "30"]),
        (["28", "conv:edge"], ["26x26x1"]),
        (["28x30", "conv:edge"], ["26x28x1"]),
        (["28x30x3", "conv:edge"], ["26x28x3"]),
        (["64", "maxpool:2,flatten"], ["32x32x1", "1024"]),
    ],
)
def test_what_a_size_means(arguments, output):
    assert outputs(*arguments) == output


@pytest.mark.parametrize(
    ("size", "warning"),
    [
        ("3x224x224", "3 high and 224 wide with 224 channels: {}; for 3 channels write 224x224x3"),
        ("1x28x30", "1 high and 28 wide with 30 channels: {}; for 1 channel write 28x30x1"),
        ("28x28x3", None),
        ("5x224x224", None),
        ("4x4x256", None),
    ],
)
def test_a_size_with_channels_first_is_told_of(size, warning):
    rule = "sizes are height x width x channels"
    for chain in (["conv:64@1x1"], ["-k", "1"]):
        result = run("shape", size, *chain)
        assert result.exit_code == 0, result.err
        assert result.messages == ([] if warning is None else [f"warning: {size} is {warning.format(rule)}"])


def test_a_picture_tells_its_size(tmp_path):
    path = tmp_path / "photo [1].png"
    Image.new("RGBA", (9, 7)).save(path)
    assert outputs(path, "gray,conv:edge") == ["7x9x1", "5x7x1"]
    assert "result   5x7\n" in shape(path, "-k", "3")


def test_a_preset_has_its_own_input_and_takes_another():
    assert outputs("mnist-cnn")[0] == "26x26x32"
    assert outputs("28", "mnist-cnn") == outputs("mnist-cnn")
    assert outputs("32x32x3", "mnist-cnn")[0] == "30x30x32"


def test_a_pipeline_file_is_read(tmp_path):
    (tmp_path / "net.txt").write_text("# two\nconv:8@3x3\nrelu\n")
    assert outputs("9", f"@{tmp_path / 'net.txt'}") == ["7x7x8", "7x7x8"]


def test_a_weight_file_tells_its_sizes(tmp_path):
    np.save(tmp_path / "k.npy", np.ones((4, 3, 5, 5), np.float32))
    assert outputs("9x9x3", f"conv:{tmp_path / 'k.npy'}:layout=oihw") == ["5x5x4"]


# Frameworks


def test_frameworks_side_by_side():
    assert shape("224", "conv:64@7x7:stride=2:padding=same,relu,maxpool:2", "--compare") == (
        """\
stage 1  conv:64@7x7:stride=2:padding=same on 224x224x1
FRAMEWORK  OUTPUT   TOP  BOTTOM  LEFT  RIGHT  DIFFERS  ASKED FOR AS
cnnfilter  112x112    2       3     2      3           padding=same
PyTorch    112x112    3       3     3      3  pads     padding=3
Keras      112x112    2       3     2      3           padding="same"
ONNX       112x112    2       3     2      3           auto_pad="SAME_UPPER"
PyTorch: padding="same" with a stride above 1 is refused; padding=3 is the usual stand-in

stage 3  maxpool:2 on 112x112x64
FRAMEWORK  OUTPUT  TOP  BOTTOM  LEFT  RIGHT  DIFFERS  ASKED FOR AS
cnnfilter  56x56     0       0     0      0           padding=0
PyTorch    56x56     0       0     0      0           padding=0
Keras      56x56     0       0     0      0           padding="valid"
ONNX       56x56     0       0     0      0           pads=[0, 0, 0, 0]

different: stage 1 PyTorch (pads)
"""
    )


def test_frameworks_may_refuse():
    text = shape("9", "maxpool:2:dilation=2:stride=1", "--compare")
    assert "Keras      refused    -       -     -      -  refused  MaxPooling2D\n" in text
    assert text.endswith("Keras: its pools have no dilation\n\ndifferent: stage 1 Keras (refused)\n")


def test_frameworks_may_agree_or_have_nothing_to_do():
    assert shape("9", "conv:edge", "--compare").endswith("\n\nall agree\n")
    assert shape("9", "relu", "--compare") == "no stage has a window that moves: there is nothing to compare\n"


def test_frameworks_for_one_window():
    text = shape("224", "-k", "7", "-s", "2", "-p", "same", "--compare")
    assert text.startswith("-k 7 -s 2 -p same on 224x224\nFRAMEWORK")
    assert text.endswith("different: PyTorch (pads)\n")


def test_frameworks_as_json():
    data = json.loads(shape("9", "maxpool:2:dilation=2:stride=1,relu", "--compare", "--json"))
    first, second = data["stages"]
    assert second["frameworks"] == []
    assert [each["framework"] for each in first["frameworks"]] == ["cnnfilter", "PyTorch", "Keras", "ONNX"]
    assert first["frameworks"][1] == {
        "framework": "PyTorch",
        "output": [7, 7],
        "pads": {"top": 0, "bottom": 0, "left": 0, "right": 0},
        "request": "padding=0",
        "notes": [],
    }
    assert first["frameworks"][2] == {
        "framework": "Keras",
        "output": None,
        "pads": None,
        "request": "MaxPooling2D",
        "notes": ["its pools have no dilation"],
    }
    (window,) = json.loads(shape("9", "-k", "3", "--compare", "--json"))["stages"]
    assert len(window["frameworks"]) == 4


# Programs


@pytest.mark.parametrize("language", PROGRAMS)
def test_a_network_as_a_program(language):
    assert shape("mnist-cnn", "--emit", language) == emit(plan(parse(PRESETS["mnist-cnn"].text), (28, 28, 1)), language)


def test_the_help_names_every_language_and_preset():
    (option,) = [each for each in shape_command.command.params if each.name == "language"]
    assert sorted(option.type.choices) == sorted(PROGRAMS)
    assert all(name in shape("--help") for name in PRESETS)


# Errors

KNOWN = f"(presets: {', '.join(PRESETS)})"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing argument 'SIZE|PRESET'"),
        (["28"], "give the STAGES that follow 28, such as conv:32@3x3,relu, or -k for one window "
         + KNOWN),
        (["conv:edge,relu"], "put a SIZE or a picture before conv:edge,relu, such as cnnfilter shape 224x224x3 STAGES"),
        (["alexnt"], "unknown preset 'alexnt'; did you mean alexnet? "
         + KNOWN),
        (["28", "vgg16"], "unknown preset 'vgg16'; did you mean vgg-16? "
         + KNOWN),
        (["28", "conv:edge,relo"], "stage 2 'relo' (column 11): unknown stage; did you mean relu?"),
        (["6", "conv:edge,relu,maxpool:5", "--emit", "numpy"], "stage 3 (maxpool): window 5x5 does not fit in 4x4; "
         "use more padding or a smaller kernel"),
        (["28", "relu,conv:none.npy"], "stage 2 (conv): none.npy: no such file"),
        (["28", "@none.txt"], "pipeline file none.txt: no such file"),
        (["0", "relu"], "a size is from 1 to 1000000000, not 0"),
        (["none.png", "relu"], "'none.png' is no size (N, HxW or HxWxC), and there is no picture of that name"),
        (["-k", "3", "28x"], "'28x' is no size (N, HxW or HxWxC), and there is no picture of that name"),
        (["3", "-k", "5"], "stage 1 (conv): window 5x5 does not fit in 3x3; use more padding or a smaller kernel"),
        (["28", "relu", "-k", "3"], "give STAGES or -k, not both"),
        (["28", "relu", "-s", "2"], "-s, -p and -d go with -k; in STAGES they are written "
         "conv:32@3x3:stride=2:padding=1:dilation=1"),
        (["28", "-k", "0"], "kernel must be at least 1, not 0"),
        (["28", "-k", "3", "-p", "-1"], "padding must be at least 0, not -1"),
        (["28", "-k", "3", "--emit", "torch"], "--emit prints a program of STAGES, and goes with none of -k, "
         "--compare and --json"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line(arguments, message):
    assert refused(*arguments) == message


def test_a_chain_that_does_not_fit_shows_the_table_up_to_there():
    wrong = "stage 2 (maxpool): window 5x5 does not fit in 4x4; use more padding or a smaller kernel"
    lines = [f"cnnfilter: error: {wrong}"]
    result = run("shape", "6", "conv:edge,maxpool:5,relu")
    assert (result.exit_code, result.messages) == (2, lines)
    assert result.out == (
        """\
STAGE      INPUT  OUTPUT  PARAMS  MULTIPLY-ADDS  FIELD  JUMP  DROPPED  ARITHMETIC
conv:edge  6x6x1  4x4x1        0            144  3x3    1     0        floor((6 + 2*0 - 3)/1) + 1 = 4
"""
    )
    result = run("shape", "6", "conv:edge,maxpool:5,relu", "--json")
    assert (result.exit_code, result.messages) == (2, lines)
    data = json.loads(result.out)
    assert [stage["stage"] for stage in data["stages"]] == ["conv:edge"]
    assert data["error"] == wrong
    result = run("shape", "6", "conv:edge,maxpool:5,relu", "--compare")
    assert (result.exit_code, result.messages) == (2, lines)
    assert result.out.startswith("stage 1  conv:edge on 6x6x1\nFRAMEWORK")
    assert refused("4", "maxpool:5") == wrong.replace("stage 2", "stage 1")


def test_an_address_that_is_refused_is_no_size():
    assert refused("s4://a/b.png", "relu").startswith("the address s4://a/b.png: the scheme 's4' is not known")


def test_a_file_that_is_no_picture_is_named(tmp_path):
    path = tmp_path / "text.png"
    path.write_text("hello")
    assert refused(path, "relu").startswith(f"{path}: not a picture that cnnfilter knows: it is text")
    assert refused(tmp_path, "relu") == f"{tmp_path}: is a folder"
