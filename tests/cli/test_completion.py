"""Completion for bash, zsh and fish, by what these ask for and are answered; in bash also by pressing Tab."""

import contextlib
import os
import select
import shutil
import subprocess
import sys

import numpy as np
import pytest

from cnnfilter.cli import shells
from cnnfilter.cli.completion import MOST_FILES
from cnnfilter.kernels.catalogue import KERNELS
from cnnfilter.network.presets import PRESETS
from cnnfilter.network.readers import ALIASES, READERS
from cnnfilter.network.weighted import CONV_KEYS
from cnnfilter.sizes import BORDER_WORDS
from tests.command import run, run_process

VARIABLE = "_CNNFILTER_COMPLETE"


@pytest.fixture
def answer(tmp_path, monkeypatch):
    """Answers for a line up to the cursor, as a list of kinds, words and what is said of them."""
    monkeypatch.chdir(tmp_path)

    def ask(line, shell="fish", breaks=" \t\n\"'@><=;|&(:"):
        monkeypatch.setenv(VARIABLE, f"{shell}_complete")
        monkeypatch.setenv(shells.LINE, line)
        monkeypatch.setenv(shells.BREAKS, breaks)
        result = run()
        assert (result.exit_code, result.err) == (0, "")
        return [tuple(line.split("\t")) for line in result.out.splitlines() if line]

    return ask


@pytest.fixture
def words(answer):
    """Answers, without what is said of them."""
    return lambda *asked, **options: [line[1] for line in answer(*asked, **options) if line != ("file",)]


@pytest.mark.parametrize(
    ("shell", "part"), [("bash", "complete -o"), ("zsh", "#compdef cnnfilter"), ("fish", "complete ")]
)
def test_each_shell_gets_its_script(shell, part):
    result = run_process(env={**os.environ, VARIABLE: f"{shell}_source"})
    assert result.exit_code == 0, result.err
    assert part in result.out
    assert f"{VARIABLE}={shell}_complete" in result.out
    assert "%" not in result.out.replace("'%s\\t%s\\n'", "")
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=result.out, text=True, check=True)


def test_an_unknown_request_is_an_error(monkeypatch):
    monkeypatch.setenv(VARIABLE, "tcsh_source")
    assert run().exit_code == 1


# Words of the command line


@pytest.mark.parametrize("command", ["apply", "kernels"])
def test_kernels_are_completed_by_name(answer, words, command):
    assert words(f"cnnfilter {command} ") == list(KERNELS)
    assert words(f"cnnfilter {command} sob") == [name for name in KERNELS if name.startswith("sob")]
    assert ("plain", "sobel-x", KERNELS["sobel-x"].description) in answer(f"cnnfilter {command} ")
    assert answer(f"cnnfilter {command} ./conv") == [("file",)]


def test_parameters_of_kernels_are_completed(answer, words):
    assert words("cnnfilter apply gaussian:") == ["gaussian:size=", "gaussian:sigma="]
    assert words("cnnfilter apply gaussian:si") == ["gaussian:size=", "gaussian:sigma="]
    assert answer("cnnfilter apply gaussian:size=5:") == [
        ("part", "gaussian:size=5:sigma=", KERNELS["gaussian"].parameters[1].description)
    ]
    assert words("cnnfilter apply gaussian:size=5:sigma=") == words("cnnfilter apply edge:") == []


def test_behind_strip_stands_a_word_or_a_file(answer, words):
    assert words("cnnfilter apply edge --strip pri") == ["privacy"]
    assert words("cnnfilter apply edge --strip=a") == ["--strip=all"]
    assert answer("cnnfilter apply edge --strip ph") == [("file",)]


def test_behind_an_address_that_has_begun_no_blank_is_set(answer, words):
    assert words("cnnfilter run relu --cluster ") == ["local", "tcp://", "tls://"]
    kinds = {value: kind for kind, value, *_ in answer("cnnfilter run relu --cluster=")}
    assert kinds == {"--cluster=local": "plain", "--cluster=tcp://": "part", "--cluster=tls://": "part"}


def test_presets_files_commands_and_options_are_completed(answer, words):
    assert words("cnnfilter shape ") == words("cnnfilter networks ") == list(PRESETS)
    assert words("cnnfilter networks x") == []
    for line in ("apply edge ph", "run gray ph", "apply edge a.png -o ph", "apply edge --files-from ", "run --labels "):
        assert answer(f"cnnfilter {line}") == [("file",)]
    assert answer("cnnfilter ap") == [("plain", "apply", "Filter pictures with a kernel.")]
    assert words("cnnfilter apply edge --bor") == ["--border"]


@pytest.mark.parametrize(
    ("option", "values"),
    [
        ("--border", [*BORDER_WORDS]),
        ("--padding", ["valid", "same", "same-lower"]),
        ("--range", ["clip", "abs", "normalize", "center"]),
        ("--scale", ["none", "sum", "l1"]),
        ("--alpha", ["keep", "drop", "filter"]),
        ("--layout", ["oihw", "hwio"]),
        ("--quality", ["keep"]),
    ],
)
def test_values_of_options_are_completed_in_both_spellings(words, option, values):
    assert words(f"cnnfilter apply {option} ") == values
    assert words(f"cnnfilter apply {option}=") == [f"{option}={value}" for value in values]
    assert words(f"cnnfilter apply edge x.png {option}={values[0][:2]}")[0] == f"{option}={values[0]}"
    assert words(f"cnnfilter apply {option} nothing") == []


def test_formats_are_completed_by_name(words):
    assert {"png", "jpeg", "npy"} <= set(words("cnnfilter apply --format "))
    assert words("cnnfilter run --colormap vi") == ["viridis"]
    assert words("cnnfilter apply --save-option comp") == ["compress_level=", "compress_type=", "compression="]
    assert words("cnnfilter shape 28 -k 3 -p sam") == ["same", "same-lower"]
    assert words("cnnfilter run --frame ") == ["all"]
    assert words("cnnfilter shape 28 --emit to") == ["torch"]


# Chains


@pytest.mark.parametrize("command", ["run", "explain", "why", "shape 28"])
def test_stages_are_completed_in_every_command_that_takes_them(words, command):
    names = [name + ":" * bool(READERS[name].needs) for name in READERS] + [*ALIASES, *PRESETS]
    assert words(f"cnnfilter {command} ") == names
    assert words(f"cnnfilter {command} gray,") == [f"gray,{name}" for name in names]
    assert words(f"cnnfilter {command} gray,max") == ["gray,maxpool:"]
    assert words(f"cnnfilter {command} conv:so") == [f"conv:{name}" for name in KERNELS if name.startswith("so")]


def test_networks_are_completed_with_their_weights(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("net.onnx", "net.pth", "net.png"):
        (tmp_path / name).touch()
    assert words("cnnfilter run gray,resnet-1") == ["gray,resnet-18", "gray,resnet-101", "gray,resnet-152"]
    assert words("cnnfilter run resnet-18:") == ["resnet-18:weights=", "resnet-18:random="]
    assert words("cnnfilter run resnet-18:weights=n") == ["resnet-18:weights=net.pth"]
    assert words("cnnfilter explain gray,ne") == ["gray,net.onnx"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("conv:sobel-x:pad", ["conv:sobel-x:padding="]),
        ("conv:sobel-x:padding=sa", ["conv:sobel-x:padding=same", "conv:sobel-x:padding=same-lower"]),
        ("conv:sobel-x:border=ref", ["conv:sobel-x:border=reflect"]),
        ("conv:sobel-x:border=con", ["conv:sobel-x:border=constant="]),
        ("conv:sobel-x:flip=", ["conv:sobel-x:flip=yes", "conv:sobel-x:flip=no"]),
        ("conv:sobel-x:scale=l", ["conv:sobel-x:scale=l1"]),
        ("conv:gaussian:si", ["conv:gaussian:size=", "conv:gaussian:sigma="]),
        ("conv:sobel-x+sobel-", ["conv:sobel-x+sobel-x", "conv:sobel-x+sobel-y"]),
        ("conv:kernel=lapl", ["conv:kernel=laplacian"]),
        ("gray, conv:lapl", ["gray, conv:laplacian"]),
        ("relu,maxpool:2:ceil_mode=n", ["relu,maxpool:2:ceil_mode=no"]),
        ("maxpool:2:str", ["maxpool:2:stride="]),
        ("MaxPool:2:str", ["MaxPool:2:stride="]),
        ("leaky_relu:sl", []),
        ("elu:1:", []),
        ("gelu:", ["gelu:none", "gelu:tanh"]),
        ("gelu:approximate=t", ["gelu:approximate=tanh"]),
        ("prelu:sh", ["prelu:shared="]),
        ("dense:10:layout=", ["dense:10:layout=chw", "dense:10:layout=hwc"]),
        ("relu:", []),
        ("nothing:", []),
        ("conv:sobel-x:nothing=", []),
        (r"conv:a\,b.npy,sig", [r"conv:a\,b.npy,sigmoid"]),
    ],
)
def test_arguments_and_values_of_stages_are_completed(answer, text, expected):
    found = answer(f"cnnfilter run '{text}")
    assert [each[:2] for each in found] == ([("part", word) for word in expected] or [("file",)])


def test_keys_that_are_given_are_not_offered_again(words):
    keys = [key for key in CONV_KEYS if key not in ("kernel", "stride", "bias")]
    assert words("cnnfilter run conv:edge:stride=2:bias=1:") == [f"conv:edge:stride=2:bias=1:{key}=" for key in keys]


def test_weight_files_and_their_layers_are_completed(words, tmp_path):
    names = ("conv1.weight", "net/conv2/kernel:0", "W", "a b", "esc\x1b[31m")
    np.savez("net.npz", **{name: np.eye(3) for name in names}, **{"conv1.bias": [0]})
    for name in ("net.png", "net work.npy", "ne\x1b[31m.npy", "net:1.npy", ".net.npy", "net.txt"):
        (tmp_path / name).touch()
    (tmp_path / "nets").mkdir()
    np.save("nets/k.npy", np.eye(3))
    assert words("cnnfilter run conv:ne") == ["conv:net.npz", "conv:net.txt", "conv:nets/"]
    assert words("cnnfilter run conv:nets/") == ["conv:nets/k.npy"]
    assert words("cnnfilter run gray,dense:.n") == ["gray,dense:.net.npy"]
    assert words("cnnfilter run @ne") == ["@net.npz", "@net.png", "@net.txt", "@nets/"]
    layers = ("conv1", "net/conv2", "W")
    assert words("cnnfilter run conv:net.npz:name=") == [f"conv:net.npz:name={layer}" for layer in layers]
    for text in ("conv:none.npz:name=", "conv:net.txt:name=", "conv:nets:name=", "conv:nowhere/", "conv:net.npz/"):
        assert words(f"cnnfilter run {text}") == []


def test_state_dicts_and_the_names_in_them_are_completed(words):
    np.savez("net.npz", **{f"layer1.{name}": np.ones(2) for name in ("bn.weight", "bn.bias", "conv.weight")}, one=[1])
    assert words("cnnfilter run batchnorm:weights=ne") == ["batchnorm:weights=net.npz"]
    names = [f"batchnorm:weights=net.npz:name=layer1.{name}" for name in ("bn", "conv")]
    assert words("cnnfilter run batchnorm:weights=net.npz:name=") == names
    assert words("cnnfilter run prelu:weights=none.npz:name=") == []


def test_of_many_files_some_are_offered(words, tmp_path):
    for i in range(MOST_FILES + 5):
        (tmp_path / f"many{i}.npy").touch()
    assert len(words("cnnfilter run conv:many")) == MOST_FILES


# What a person has typed so far need not make sense


@pytest.mark.parametrize(
    "line",
    ["rnu co", "--nothing run co", "run -q -v gr", "apply --border nope ed", "apply -- --stride ed", "apply 'it", ""],
)
def test_a_mistake_before_the_cursor_is_no_error(answer, line):
    for shell in ("bash", "zsh", "fish"):
        answer(f"cnnfilter {line}", shell)


def test_what_fails_completes_nothing_and_says_nothing(monkeypatch):
    def fail(*_):
        raise OSError

    monkeypatch.setattr(shells.Fish, "get_completion_args", fail)
    monkeypatch.setenv(VARIABLE, "fish_complete")
    result = run()
    assert (result.exit_code, result.out, result.err) == (1, "", "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_nothing_that_a_terminal_obeys_is_answered(answer, shell):
    for line in ("run 'conv:a\x1b[31mb,re", "run 'a\nplain\tinjected\t,re", "apply 'a\x1b]0;x\x07", "shape 28 '\x9b"):
        for answered in answer(f"cnnfilter {line}", shell):
            assert "".join(answered).isprintable()
            assert "injected" not in "".join(answered)


def test_a_chain_is_completed_without_numpy(tmp_path):
    code = (
        "import sys; from cnnfilter.cli.main import main; main([]); print('numpy' in sys.modules, 'PIL' in sys.modules)"
    )
    asked = {VARIABLE: "fish_complete", shells.LINE: "cnnfilter run gray,conv:sobel-x:bor"}
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **asked},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout == "part\tgray,conv:sobel-x:border=\t\nFalse False\n"


# Bash, which ends words at colons and equals signs too


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("run conv:sobel-x:pad", ["padding="]),
        ("run conv:edge,sigm", ["edge,sigmoid"]),
        ("run gray,sigm", ["gray,sigmoid"]),
        ("run gray,maxpool:2:ceil_mode=y", ["yes"]),
        ("run 'conv:sobel-x:pad", ["conv:sobel-x:padding="]),
        ('run "conv:sobel-x:pad', ["conv:sobel-x:padding="]),
        (r"run conv:my\ net.npz,sigm", [r"my\ net.npz,sigmoid"]),
        ("run 'a b'.npy,sigm", ["'a b'.npy,sigmoid"]),
        ("apply --border=refle", ["reflect"]),
        ("apply gaussian:sig", ["sigma="]),
        ("apply --border refle", ["reflect"]),
    ],
)
def test_bash_is_told_what_follows_its_own_last_word(words, line, expected):
    assert words(f"cnnfilter {line}", "bash") == expected


def test_bash_may_break_words_at_blanks_alone(words):
    assert words("cnnfilter run conv:edge,sigm", "bash", breaks=" \t\n") == ["conv:edge,sigmoid"]
    assert words("cnnfilter run 'a b'.npy,sigm", "bash", breaks=" \t\n") == ["'a b'.npy,sigmoid"]


FUNCTION = """
cnnfilter() {
    if [ -n "$_CNNFILTER_COMPLETE" ]; then "$PYTHON" -m cnnfilter; else printf '= %s\\n' "$*"; fi
}
"""
"""Stands for the command: it answers as the command does, and is run with what Tab made of a line."""


MOST_SECONDS = 30
"""How long bash may be silent before it is given up."""


def typed_in_bash(script, lines):
    """Type lines in a real bash, with Tab at the end of each; return what became of them."""
    import pty  # of POSIX only

    here, terminal = pty.openpty()
    environment = {**os.environ, "PYTHON": sys.executable, "TERM": "dumb", "INPUTRC": os.devnull}
    options = {"stdin": terminal, "stdout": terminal, "stderr": terminal, "env": environment}
    with subprocess.Popen(["bash", "--norc", "--noprofile", "-i"], start_new_session=True, **options) as bash:
        os.close(terminal)
        os.write(here, f"source {script}\n".encode())
        for line in lines:
            os.write(here, f"{line}\t\n".encode())
        os.write(here, b"exit\n")
        shown = b""
        with contextlib.suppress(OSError):  # as Linux says that nobody has the other end any more
            while select.select([here], [], [], MOST_SECONDS)[0] and (read := os.read(here, 65536)):
                shown += read
        bash.kill()
    os.close(here)
    return [line.removeprefix("= ") for line in shown.decode().splitlines() if line.startswith("= ")]


@pytest.mark.skipif(shutil.which("bash") is None or os.name != "posix", reason="needs bash and a terminal")
def test_tab_in_a_real_bash(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    script = run_process(env={**os.environ, VARIABLE: "bash_source"}).out
    (tmp_path / "script").write_text(script + FUNCTION)
    (tmp_path / "photo.png").touch()
    became = {
        "cnnfilter run conv:sobel-x:pad": "run conv:sobel-x:padding=",
        "cnnfilter run gray,max": "run gray,maxpool:",
        "cnnfilter run conv:edge,sigm": "run conv:edge,sigmoid",
        "cnnfilter run conv:edge,maxpool:2:ceil_mode=y": "run conv:edge,maxpool:2:ceil_mode=yes",
        "cnnfilter apply gaussian:sig": "apply gaussian:sigma=",
        "cnnfilter apply --border=refle": "apply --border=reflect",
        "cnnfilter apply --range cen": "apply --range center",
        "cnnfilter apply edge ph": "apply edge photo.png",
        "cnnfilter run @ph": "run @photo.png",
        "cnnfilter rnu gr": "rnu gr",
        "true; cnnfilter apply shar": "apply sharpen",
    }
    assert typed_in_bash(tmp_path / "script", became) == list(became.values())
