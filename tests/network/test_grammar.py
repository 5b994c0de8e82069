from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnfilter.errors import ArgumentError, GrammarError
from cnnfilter.kernels.catalogue import KERNELS
from cnnfilter.kernels.kernel import get_kernel
from cnnfilter.network import grammar
from cnnfilter.network.activations import ACTIVATIONS
from cnnfilter.network.grammar import parse
from cnnfilter.network.graph import Network
from cnnfilter.network.readers import READERS
from cnnfilter.network.stages import (
    Absolute,
    Activation,
    BatchNorm,
    Conv,
    Crop,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool,
    GlobalMaxPool,
    Gray,
    LocalResponse,
    Magnitude,
    Normalize,
    Pad,
    Pool,
    PReLU,
    Resize,
    Shuffle,
    Softmax,
    Upsample,
    WeightFile,
)
from cnnfilter.network.stages.text import Piece, escape, split, unescape
from cnnfilter.network.weighted import CONV_KEYS
from cnnfilter.sizes import Border
from cnnfilter.weights.parameters import BATCHNORM, PRELU, RandomParameters

EDGE, SOBEL_X, SOBEL_Y = (get_kernel(name) for name in ("edge", "sobel-x", "sobel-y"))


@pytest.mark.parametrize(
    ("text", "stages"),
    [
        ("conv:sobel-x:stride=2:padding=same,relu,maxpool:2",
         (Conv((SOBEL_X,), stride=(2, 2), padding="same"), Activation("relu"), Pool("max", (2, 2)))),
        ("conv:sobel-x+sobel-y,magnitude", (Conv((SOBEL_X, SOBEL_Y)), Magnitude(Conv((SOBEL_X, SOBEL_Y))))),
        ("conv:gaussian:sigma=2:stride=2", (Conv((get_kernel("gaussian:sigma=2"),), stride=(2, 2)),)),
        ("conv:weights.npz:name=conv1", (Conv(file=WeightFile("weights.npz", "conv1")),)),
        ("conv:32@3x3:padding=1", (Conv(sizes=(32, (3, 3)), padding=((1, 1), (1, 1))),)),
        ("conv:0 1 0; 1 0 -1; 0 1 0,relu", (Conv((get_kernel("0 1 0; 1 0 -1; 0 1 0"),)), Activation("relu"))),
        ("gray,conv:edge,relu,avgpool:3:stride=2,flatten,dense:fc.npz,softmax",
         (Gray(), Conv((EDGE,)), Activation("relu"), Pool("avg", (3, 3), stride=(2, 2)), Flatten(),
          Dense(file=WeightFile("fc.npz")), Softmax())),
        ("depthwise:3x3", (Conv(sizes=(1, (3, 3)), depthwise=True),)),
        ("depthwise:2@5:bias=no", (Conv(sizes=(2, (5, 5)), depthwise=True, biased=False),)),
        ("depthwise:5:stride=2", (Conv(sizes=(1, (5, 5)), depthwise=True, stride=(2, 2)),)),
        ("conv:8@3:groups=2:bias=yes", (Conv(sizes=(8, (3, 3)), groups=2),)),
        ("conv:edge:bias=-1/2:flip=yes:scale=SUM:border=mirror:dilation=2x1",
         (Conv((EDGE,), bias=-0.5, flip=True, scale="sum", border=Border("reflect"), dilation=(2, 1)),)),
        ("conv:a.npy:layout=HWIO", (Conv(file=WeightFile("a.npy", layout="hwio")),)),
        ("conv:sub/kernel", (Conv(file=WeightFile("sub/kernel")),)),
        ("conv:edge:border=constant=3:padding=1+2x0+3",
         (Conv((EDGE,), border=Border("constant", 3.0), padding=((1, 2), (0, 3))),)),
        ("normalize", (Normalize(),)),
        ("normalize:255:mean=0.5+-1+2:std=1/4", (Normalize(255.0, (0.5, -1.0, 2.0), (0.25,)),)),
        ("leaky_relu:0.1,silu,rbf:1:epsilon=2",
         (Activation("leaky_relu", (0.1,)), Activation("swish"), Activation("rbf", (1.0, 2.0)))),
        ("abs,globalavgpool", (Absolute(), GlobalAveragePool())),
        ("Global-Max-Pool", (GlobalMaxPool(),)),
        ("normalize:ImageNet", (Normalize(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)),)),
        ("resize:256,crop:224,crop:3x2", (Resize(256), Crop((224, 224)), Crop((3, 2)))),
        ("resize:224x224:filter=Lanczos,resize:size=7:filter=bilinear", (Resize((224, 224), "lanczos"), Resize(7))),
        ("upsample:2,upsample:1.5x1/2:mode=bilinear,upsample:size=7x9",
         (Upsample((2.0, 2.0)), Upsample((1.5, 0.5), mode="bilinear"), Upsample(size=(7, 9)))),
        ("upsample:2:mode=bilinear:coordinates=align_corners,upsample:2:coordinates=half_pixel:rounding=ceil",
         (Upsample((2.0, 2.0), mode="bilinear", coordinates="align_corners"),
          Upsample((2.0, 2.0), coordinates="half_pixel", rounding="ceil"))),
        ("upsample:2:coordinates=asymmetric,upsample:2:mode=bilinear:coordinates=half_pixel",
         (Upsample((2.0, 2.0)), Upsample((2.0, 2.0), mode="bilinear"))),
        ("maxpool:2x3:dilation=2:ceil_mode=yes", (Pool("max", (2, 3), dilation=(2, 2), ceil_mode=True),)),
        ("avgpool:2:count_include_pad=no,sumpool:window=2:stride=2",
         (Pool("avg", (2, 2), count_include_pad=False), Pool("sum", (2, 2)))),
        ("dense:10:bias=no,dense:fc.npz:name=a:layout=hwc",
         (Dense(units=10, biased=False), Dense(file=WeightFile("fc.npz", "a"), order="hwc"))),
    ],
)  # fmt: skip
def test_text_becomes_stages_and_back(text, stages):
    parsed = parse(text)
    assert parsed.stages == stages
    assert parsed == parse(str(parsed)) == Network.chain(stages)
    assert str(parsed) == str(Network.chain(stages))
    assert str(parse(str(parsed))) == str(parsed)


def test_every_stage_can_be_read():
    bare = {
        "crop": "4", "resize": "4", "upsample": "2", "convtranspose": "edge", "shuffle": "1", "pad": "1",
        "conv": "edge", "depthwise": "3", "maxpool": "2", "avgpool": "2", "sumpool": "2", "dense": "3",
        "add": "in", "multiply": "in", "concat": "in",
    }  # fmt: skip
    for name in READERS:
        text = f"{name}:{bare[name]}" if name in bare else name
        assert parse(f"conv:edge,{text}").stages[1].name == name


def test_blanks_around_separators_do_not_count():
    assert parse(" conv : sobel-x + sobel-y : stride = 2 , relu ") == parse("conv:sobel-x+sobel-y:stride=2,relu")


def test_no_parameter_of_a_kernel_has_the_name_of_a_key():
    assert not {each.name for entry in KERNELS.values() for each in entry.parameters} & set(CONV_KEYS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("resize", "stage 1 'resize' (column 1): needs the shorter side, such as resize:256, or height and width, such "
         "as resize:224x224"),
        ("crop", "stage 1 'crop' (column 1): needs a size, such as crop:224 or crop:224x160"),
        ("upsample", "stage 1 'upsample' (column 1): takes a scale, such as upsample:2, or the size of the result, "
         "such as upsample:size=56x56"),
        ("upsample:2:size=4", "stage 1 'upsample:2:size=4' (column 10): takes a scale, such as upsample:2, or the size "
         "of the result, such as upsample:size=56x56"),
        ("upsample:0", "stage 1 'upsample:0' (column 10): scale must be from 1e-06 to 1000000, not 0"),
        ("upsample:2x3x4", "stage 1 'upsample:2x3x4' (column 10): scale takes one number or two (HEIGHTxWIDTH), not "
         "'2x3x4'"),
        ("upsample:2:mode=cubic", "stage 1 'upsample:2:mode=cubic' (column 17): unknown mode 'cubic' (known: nearest, "
         "bilinear)"),
        ("upsample:2:align_corners=yes", "stage 1 'upsample:2:align_corners=yes' (column 12): unknown key "
         "'align_corners'; write coordinates=align_corners (known: scale, size, mode, coordinates, rounding)"),
        ("upsample:2:mode=bilinear:rounding=ceil", "stage 1 'upsample:2:mode=bilinear:rounding=ceil' (column 10): "
         "rounding is for mode=nearest"),
        ("normalize:imagenet:std=2", "stage 1 'normalize:imagenet:std=2' (column 11): imagenet is a mean and a std "
         "already; give it alone"),
        ("conv:edge,relo", "stage 2 'relo' (column 11): unknown stage; did you mean relu?"),
        ("zzz", f"stage 1 'zzz' (column 1): unknown stage (known: {', '.join(READERS)})"),
        ("conv:edge, ,relu", "stage 2 (column 12): no stage here; a comma stands between two stages"),
        ("", "stage 1 (column 1): no stage here; a comma stands between two stages"),
        ("conv:edg", "stage 1 'conv:edg' (column 6): unknown kernel 'edg'; did you mean edge or dog? "
         "(cnnfilter kernels lists them all)"),
        ("relu, conv:edge:strid=2", "stage 2 'conv:edge:strid=2' (column 17): unknown key 'strid'; did you mean "
         "stride? (known: kernel, stride, padding, dilation, border, groups, flip, scale, bias, random, weights, name, "
         "layout)"),
        ("maxpool:2:sride=2", "stage 1 'maxpool:2:sride=2' (column 11): unknown key 'sride'; did you mean stride? "
         "(known: window, stride, padding, ceil_mode, dilation)"),
        ("conv:gaussian:sigm=2", "stage 1 'conv:gaussian:sigm=2' (column 15): unknown key 'sigm'; did you mean sigma "
         "or size? (known: kernel, stride, padding, dilation, border, groups, flip, scale, bias, random, weights, "
         "name, layout, size, sigma)"),
        ("conv:gaussian:sigma=-1", "stage 1 'conv:gaussian:sigma=-1' (column 6): gaussian: sigma must be 0.01 to "
         "1000, not -1"),
        ("conv:edge:stride=0", "stage 1 'conv:edge:stride=0' (column 18): stride must be at least 1, not 0"),
        ("conv:edge:stride= a", "stage 1 'conv:edge:stride= a' (column 19): stride must be a whole number, not 'a'"),
        ("conv:edge:2", "stage 1 'conv:edge:2' (column 11): '2' must be written as KEY=VALUE, such as stride=2 (known: "
         "kernel, stride, padding, dilation, border, groups, flip, scale, bias, random, weights, name, layout)"),
        ("conv:edge:stride=2:stride=3", "stage 1 'conv:edge:stride=2:stride=3' (column 20): stride is given twice"),
        ("conv", "stage 1 'conv' (column 1): needs a kernel, a weight file or sizes, such as conv:sobel-x or "
         "conv:32@3x3"),
        ("conv:stride=2", "stage 1 'conv:stride=2' (column 1): needs a kernel, a weight file or sizes, such as "
         "conv:sobel-x or conv:32@3x3"),
        ("depthwise", "stage 1 'depthwise' (column 1): needs a window, a kernel or a weight file, such as "
         "depthwise:3x3"),
        ("depthwise:3x3:groups=2", "stage 1 'depthwise:3x3:groups=2' (column 15): unknown key 'groups' (known: kernel, "
         "stride, padding, dilation, border, flip, scale, bias, random, weights, name, layout)"),
        ("maxpool", "stage 1 'maxpool' (column 1): needs a window, such as maxpool:2"),
        ("dense", "stage 1 'dense' (column 1): needs a number of units or a weight file, such as dense:10"),
        ("dense:0", "stage 1 'dense:0' (column 7): units must be at least 1, not 0"),
        ("dense:many", "stage 1 'dense:many' (column 7): 'many' is neither a number of units nor a weight file"),
        ("dense:10:name=a", "stage 1 'dense:10:name=a' (column 7): name is for weight files"),
        ("relu:1", "stage 1 'relu:1' (column 6): relu takes no arguments, not '1'"),
        ("conv:32@", "stage 1 'conv:32@' (column 6): sizes are written FILTERS@HEIGHTxWIDTH, such as 32@3x3, not "
         "'32@'"),
        ("conv:3x3", "stage 1 'conv:3x3' (column 6): sizes are written FILTERS@HEIGHTxWIDTH, such as 32@3x3, not "
         "'3x3'"),
        ("conv:0@3x3", "stage 1 'conv:0@3x3' (column 6): there must be at least 1 filter"),
        ("conv:4@3x3:bias=2", "stage 1 'conv:4@3x3:bias=2' (column 6): '2' must be yes or no"),
        ("conv:4@3x3:groups=x", "stage 1 'conv:4@3x3:groups=x' (column 19): 'x' must be a whole number"),
        ("conv:edge:bias=no", "stage 1 'conv:edge:bias=no' (column 6): bias 'no' is not a number"),
        ("conv:edge:scale=l2", "stage 1 'conv:edge:scale=l2' (column 17): unknown scale 'l2'; did you mean l1? "
         "(known: none, sum, l1)"),
        ("conv:edge:name=a", "stage 1 'conv:edge:name=a' (column 6): name and layout are for weight files"),
        ("conv:sobel-x+roberts-x", "stage 1 'conv:sobel-x+roberts-x' (column 6): kernels of one stage must have one "
         "size: sobel-x is 3x3, roberts-x is 2x2"),
        ("conv:1 2; 3", "stage 1 'conv:1 2; 3' (column 6): inline matrix: row 2 has 1 numbers, row 1 has 2"),
        ("normalize:mean=a", "stage 1 'normalize:mean=a' (column 16): 'a' is not a number"),
        ("gray,magnitude", "stage 2 'magnitude' (column 6): needs a conv before it, whose maps of each channel it "
         "combines: conv:sobel-x+sobel-y,magnitude"),
        ("relu,@net.txt", "stage 2 '@net.txt' (column 6): a pipeline file stands alone, with no other stages beside "
         "it"),
    ],
)  # fmt: skip
def test_an_error_names_the_stage_and_the_column(text, message):
    with pytest.raises(GrammarError) as caught:
        parse(text)
    assert str(caught.value) == message
    assert f"stage {caught.value.stage}" in message
    assert f"(column {caught.value.column})" in message


def test_a_long_stage_is_shown_in_part():
    with pytest.raises(GrammarError, match=rf"stage 1 '{'a' * 57}\.\.\.' \(column 1\): unknown stage"):
        parse("a" * 300)


def test_magnitude_belongs_to_the_nearest_conv():
    stages = parse("conv:edge,relu,conv:sobel-x+sobel-y,abs,maxpool:2,magnitude")
    assert stages[-1].stage.of is stages[2].stage
    with pytest.raises(GrammarError, match="stage 3 'magnitude' .* needs a conv before it"):
        parse("conv:sobel-x+sobel-y,magnitude,magnitude")


# Files


def test_a_file_that_exists_wins_over_plus(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sobel-x+sobel-y").touch()
    assert parse("conv:sobel-x+sobel-y").stages[0].file == WeightFile("sobel-x+sobel-y")
    (tmp_path / "sobel-x+sobel-y").unlink()
    assert parse("conv:sobel-x+sobel-y").stages[0].kernels == (SOBEL_X, SOBEL_Y)


@pytest.mark.parametrize("text", ["conv:32", "conv: 32 :stride=2", "conv:kernel=1"])
def test_a_number_alone_is_no_kernel_in_a_chain(text):
    with pytest.raises(
        GrammarError, match=r"a number alone is no kernel; write (32|1)@3x3 for \1 filters of 3x3, or \[\1\]"
    ):
        parse(text)


@pytest.mark.parametrize("text", ["conv:[32]", "conv:[-0.5]", "conv:1/4", "conv:2.0"])
def test_a_matrix_of_one_number_is_read_back(text):
    stages = parse(text)
    assert stages[0].stage.window == (1, 1)
    assert parse(str(stages)) == stages


def test_commas_between_the_numbers_of_a_matrix_are_told_of():
    with pytest.raises(
        GrammarError, match="commas part stages; in a chain the numbers of a matrix are split at blanks"
    ):
        parse("conv:-1,0,1")


def test_a_name_wins_over_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "edge").touch()
    assert parse("conv:edge").stages[0].kernels == (EDGE,)


def test_a_name_no_file_can_have_is_no_file():
    with pytest.raises(GrammarError, match="unknown kernel"):
        parse("conv:a\0b")
    with pytest.raises(GrammarError, match="unknown kernel"):
        parse("conv:" + "a" * 5000)
    with pytest.raises(GrammarError, match="the kernel is empty"):
        parse("conv:")


def test_paths_are_relative_to_the_base(tmp_path):
    (conv, dense) = parse("conv:k.npy,dense:fc.npy", base=tmp_path).stages
    assert conv.file.path == str(tmp_path / "k.npy")
    assert dense.file.path == str(tmp_path / "fc.npy")
    (absolute,) = parse(f"conv:{tmp_path / 'k.npy'}", base=Path("elsewhere")).stages
    assert absolute.file.path == str(tmp_path / "k.npy")


def test_a_pipeline_file_has_a_stage_a_line(tmp_path):
    folder = tmp_path / "nets"
    folder.mkdir()
    np.save(folder / "k.npy", np.ones((3, 3), np.float32))
    (folder / "net.txt").write_text(
        "\ufeff# a small net\n\nconv:k.npy:padding=1  # learned\n  relu,\nmaxpool:2,flatten\ndense:10\n",
        encoding="utf-8",
    )
    stages = parse(f"@{folder / 'net.txt'}")
    assert str(stages) == f"conv:{escape(str(folder / 'k.npy'))}:padding=1,relu,maxpool:2,flatten,dense:10"
    assert stages[0].stage.output((5, 5, 1)) == (5, 5, 1)
    assert parse("@net.txt", base=folder) == stages


def test_a_hash_within_a_name_is_no_comment(tmp_path):
    (tmp_path / "net.txt").write_text("conv:a#1.npy")
    assert parse("@net.txt", base=tmp_path).stages[0].file.path == str(tmp_path / "a#1.npy")


def test_an_error_in_a_pipeline_file_names_the_line(tmp_path):
    (tmp_path / "net.txt").write_text("conv:edge\n\n relu, maxpol:2\n")
    with pytest.raises(GrammarError) as caught:
        parse("@net.txt", base=tmp_path)
    assert str(caught.value) == (
        f"stage 3 'maxpol:2' ({tmp_path / 'net.txt'}, line 3, column 8): unknown stage; did you mean maxpool?"
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "no such file"),
        (b"\xff\xfea", "no text in UTF-8 or UTF-16"),
        (b"# nothing\n", "it holds no stages"),
        (b"relu\n" * 300, r"larger than a pipeline file may be \(1000 bytes\)"),
    ],
)
def test_a_pipeline_file_that_cannot_be_used_is_an_error(tmp_path, monkeypatch, content, reason):
    monkeypatch.setattr(grammar, "MAX_FILE", 1000)
    if content is not None:
        (tmp_path / "net.txt").write_bytes(content)
    with pytest.raises(ArgumentError, match=f"pipeline file .*net.txt: {reason}"):
        parse("@net.txt", base=tmp_path)


def test_what_is_no_file_at_all_is_an_error(tmp_path):
    with pytest.raises(ArgumentError, match=r"pipeline file .*: is a folder"):
        parse(f"@{tmp_path}")
    with pytest.raises(ArgumentError, match=r"pipeline file 'a\\x00b': "):
        parse("@a\0b")


def test_a_pipeline_file_that_fails_while_it_is_read_is_an_error(tmp_path, monkeypatch):
    (tmp_path / "net.txt").write_text("relu")

    def fail(self, mode):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "open", fail)
    with pytest.raises(ArgumentError, match=r"net\.txt: Input/output error"):
        parse("@net.txt", base=tmp_path)


# Escapes


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (r"a:b\:c", ["a", r"b\:c"]),
        (r"a\\:b", [r"a\\", "b"]),
        (r"conv:C:\w.npy:stride=2", ["conv", r"C:\w.npy", "stride=2"]),
        ("conv:C:/w.npy", ["conv", "C:/w.npy"]),
        ("conv:kernel=C:/w.npy", ["conv", "kernel=C:/w.npy"]),
        ("conv:ab:/w.npy", ["conv", "ab", "/w.npy"]),
        ("conv:s3://b/k.npz:name=conv1", ["conv", "s3://b/k.npz", "name=conv1"]),
        (
            "dense:3:weights= sftp://me:se:cret@host:22/a.npz:as=x",
            ["dense", "3", "weights= sftp://me:se:cret@host:22/a.npz", "as=x"],
        ),
        ("https://h:80/net.onnx:as=x", ["https://h:80/net.onnx", "as=x"]),
        ("conv:http://[::1]:80/k.npz:name=x", ["conv", "http://[::1]:80/k.npz", "name=x"]),
        ("conv:https://h:x/k.npz?a=1:name=x", ["conv", "https://h:x/k.npz?a=1", "name=x"]),
        ("conv:https://h/k?a=0:00:0Z&b=c%:as=x:y=2", ["conv", "https://h/k?a=0:00:0Z&b=c%", "as=x", "y=2"]),
        (r"conv:https://h/a?b=c\:d:name=x", ["conv", r"https://h/a?b=c\:d", "name=x"]),
        (r"conv:sftp://me:a\,b@h:22/k.npz:name=x", ["conv", r"sftp://me:a\,b@h:22/k.npz", "name=x"]),
        ("conv:simplecache::s3://b/k.npz:name=x", ["conv", "simplecache::s3://b/k.npz", "name=x"]),
    ],
)
def test_a_drive_an_address_and_a_backslash_keep_a_colon(text, parts):
    assert [piece.text for piece in split(Piece(text, 1), ":")] == parts


def test_a_piece_knows_its_column():
    assert split(Piece(" a ,  b", 5), ",") == [Piece("a", 6), Piece("b", 11)]


def test_a_path_with_separators_is_escaped():
    (stage,) = parse(r"conv:a\,b\:c\+d.npz:name=x\:y").stages
    assert stage.file == WeightFile("a,b:c+d.npz", "x:y")
    assert str(stage) == r"conv:a\,b\:c\+d.npz:name=x\:y"


def test_a_windows_path_needs_no_escape():
    assert parse(r"conv:C:\nets\one.npy,relu").stages[0].file.path == r"C:\nets\one.npy"
    assert parse(r"conv:\\server\nets\one.npy").stages[0].file.path == r"\\server\nets\one.npy"
    assert parse("conv://server/nets/one.npy:name=a").stages[0].file == WeightFile("//server/nets/one.npy", "a")


def test_behind_a_name_no_path_is_taken_for_an_address():
    (stage,) = parse("Conv ://nets/one.npy:padding=same").stages
    assert stage.file == WeightFile("//nets/one.npy")
    assert parse(str(Network.chain([stage]))).stages == (stage,)


def test_an_address_needs_no_escape_and_keeps_its_secrets():
    text = "conv:https://me:pass@host:80/k.npz?signature=1&x=2:name=a,dense:sftp://me:pass@host/w.npz"
    first, second = parse(text).stages
    assert first.file == WeightFile("https://me:pass@host:80/k.npz?signature=1&x=2", "a")
    assert second.file.path == "sftp://me:pass@host/w.npz"
    assert str(first) == "conv:https://host:80/k.npz?...:name=a"
    assert str(second) == "dense:sftp://me@host/w.npz"
    with pytest.raises(
        GrammarError, match=r"stage 1 'conv:https://host/k\.npz\?\.\.\.' \(column \d+\): unknown key 'a'"
    ):
        parse("conv:https://host/k.npz?signature=1:a=2")


NAMES = st.text("ab1,:+=\\/ .", min_size=1, max_size=12)


@given(NAMES)
def test_what_is_escaped_is_read_as_it_was(name):
    assert unescape(escape(name)) == name
    (piece,) = [part for part in split(Piece(escape(name) + ",", 1), ",") if part.text] or [Piece("", 1)]
    assert unescape(piece.text) == name.strip() or name != name.strip()


@given(st.sampled_from(["s3://", "a::b+c://", "sftp://u:p@"]), st.text("ab1,:+=\\/ .@[]?&", max_size=12))
def test_an_address_that_is_escaped_is_read_as_it_was(begin, rest):
    address = f"{begin}{rest}/b"
    key, piece = split(Piece(f"weights={escape(address)}:name=x", 1), ":")[0].text.split("=", 1)
    assert (key, unescape(piece)) == ("weights", address)


SIDES = st.integers(1, 5)
PAIRS = st.tuples(SIDES, SIDES)
FLOATS = st.floats(-1e30, 1e30)
AMOUNTS = st.tuples(*[st.tuples(st.integers(0, 3), st.integers(0, 3))] * 2)
PADDINGS = st.sampled_from(["same", "same-lower"]) | AMOUNTS
PATHS = NAMES.map(lambda name: f"{name}.npy".strip())
BORDERS = st.one_of(
    st.sampled_from(["constant", "replicate", "reflect", "symmetric", "circular"]).map(Border),
    FLOATS.map(lambda value: Border("constant", value)),
)
SLIDING = {"stride": PAIRS, "padding": PADDINGS, "dilation": PAIRS, "border": BORDERS}
GIVEN = {**SLIDING, "flip": st.booleans(), "scale": st.sampled_from(["none", "sum", "l1"]), "bias": FLOATS}
MATRICES = st.lists(st.tuples(FLOATS, FLOATS), min_size=2, max_size=3).map(
    lambda rows: get_kernel("; ".join(f"{a!r} {b!r}" for a, b in rows))
)
PARAMETERS = {
    name: [
        st.sampled_from(known.words[key])
        if key in known.words
        else FLOATS
        if default is not None
        else FLOATS | st.none()
        for key, default in known.parameters.items()
    ]
    for name, known in ACTIVATIONS.items()
}
SEEDS = st.integers(0, 10**9 - 1)
STAGES = st.one_of(
    st.builds(Conv, kernels=st.sampled_from([(EDGE,), (SOBEL_X, SOBEL_Y), (get_kernel("box:size=5"),)]), **GIVEN),
    st.builds(Conv, kernels=MATRICES.map(lambda kernel: (kernel,)), **GIVEN),
    st.builds(Conv, file=st.builds(WeightFile, PATHS, st.none() | NAMES.map(str.strip)), groups=SIDES, **GIVEN),
    st.builds(Conv, sizes=st.tuples(SIDES, PAIRS), groups=SIDES, biased=st.booleans(), **SLIDING),
    st.builds(Conv, sizes=st.tuples(SIDES, PAIRS), depthwise=st.just(True), biased=st.booleans(), **SLIDING),
    st.builds(Pool, st.just("max"), PAIRS, padding=PADDINGS, dilation=PAIRS, ceil_mode=st.booleans()),
    st.builds(Pool, st.just("avg"), PAIRS, padding=PADDINGS, count_include_pad=st.booleans()),
    st.builds(Dense, units=SIDES, biased=st.booleans()),
    st.builds(Dense, file=st.builds(WeightFile, PATHS), order=st.sampled_from(["chw", "hwc"])),
    st.sampled_from(sorted(ACTIVATIONS)).flatmap(
        lambda name: st.builds(Activation, st.just(name), st.tuples(*PARAMETERS[name]))
    ),
    st.builds(Normalize, st.floats(1, 300), st.lists(FLOATS, min_size=1, max_size=3).map(tuple)),
    st.builds(Pad, AMOUNTS, BORDERS),
    st.builds(Pad, st.tuples(*[st.tuples(st.integers(-3, 3), st.integers(-3, 3))] * 2)),
    st.builds(Shuffle, SIDES),
    st.builds(BatchNorm, st.floats(0, 1), learned=st.none() | SEEDS.map(lambda n: RandomParameters(n, BATCHNORM))),
    st.builds(PReLU, st.booleans(), learned=st.none() | SEEDS.map(lambda n: RandomParameters(n, PRELU))),
    st.builds(Dropout, st.floats(0, 1)),
    st.builds(LocalResponse, SIDES, FLOATS, FLOATS, FLOATS),
    st.sampled_from([Gray(), Absolute(), Flatten(), Softmax(), GlobalAveragePool()]),
)


@given(st.lists(STAGES, min_size=1, max_size=4).map(tuple))
@settings(max_examples=200, deadline=None)
def test_whatever_is_written_is_read_back(stages):
    text = str(Network.chain(stages))
    assert parse(text) == Network.chain(stages)
    assert str(parse(text)) == text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("normalize:mean=-0+1", "normalize:mean=0+1"),
        ("normalize:mean=-0.0+-0/5+1e30", "normalize:mean=0+0+1e30"),
        ("normalize:1e0", "normalize:divide=1"),
        ("elu:-0.0", "elu:alpha=0"),
        ("rbf:-0:epsilon=-0", "rbf:epsilon=0"),
        ("conv:-0 0.0 1E+5", "conv:0 0 100000"),
        ("conv:[-0.0]:bias=-0", "conv:[0]"),
        ("conv:motion:angle=-0.0", "conv:motion:angle=0"),
        ("conv:unsharp:amount=1e2", "conv:unsharp:amount=100"),
        ("conv:edge:border=constant=-0:padding=0x0:bias=-1/2", "conv:edge:bias=-0.5"),
    ],
)
def test_a_number_has_one_text(text, written):
    assert str(parse(text)) == written
    assert str(parse(written)) == written
