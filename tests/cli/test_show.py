"""`--show` on terminals: what they draw is the picture that was written, and nothing else of us is left on them."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import termios
import threading
import time
import tty
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnfilter.cli import render, terminal
from cnnfilter.cli.preview import Preview
from cnnfilter.imaging.picture import Picture
from tests import terminals
from tests.command import COMMAND, ROOT, done, files, load, run, save
from tests.terminals import Terminal, half_blocks, kitty_pictures, sixels

FEW = np.array([[255, 0, 0], [0, 255, 0], [51, 102, 204], [255, 255, 255]], np.uint8)
PICTURE = FEW[np.random.default_rng(4).integers(0, 4, (12, 17))]
"""Of colours that sixel has."""
LARGE = PICTURE.repeat(10, axis=0).repeat(10, axis=1)
SIXEL = b"62;4;22"
SHOW = ("apply", "identity", "a.png", "-o", "b.png", "--show")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save("a.png", PICTURE)
    return tmp_path


def on(screen, *arguments, code=0, **options):
    """Run a command on a terminal, which is left as it was."""
    assert screen.run(".", *arguments, **options) == code, screen.shown
    assert screen.as_before
    assert screen.left == b""
    return screen


# What is drawn


@pytest.mark.parametrize("command", [("apply", "identity"), ("run", "conv:identity:padding=1")])
def test_half_blocks_where_the_terminal_has_no_graphics(command):
    text = on(Terminal(), *command, "a.png", "-o", "b.png", "--show").text
    first, picture = text.split("\n", 1)
    assert first == "wrote b.png  17x12"
    assert np.array_equal(half_blocks(picture), PICTURE)


def test_a_picture_for_kitty_is_on_whole_cells():
    ground = b"rgb:ffff/8080/0000"
    screen = on(Terminal(kitty=True, what=SIXEL, cell=(22, 10), ground=ground), *SHOW)
    assert b"wrote b.png" in screen.shown
    ((picture, cells),) = kitty_pictures(screen.shown)
    assert np.array_equal(picture[:120, :170], LARGE)
    assert picture.shape == (132, 170, 3)
    assert cells == (6, 17)
    assert (picture[120:] == (255, 128, 0)).all()
    around = re.sub("(\x1b_G[^\x1b]*\x1b\\\\)+", "PICTURE", screen.text.partition("\n")[2])
    assert around == "\n" * 6 + "\x1b[6A\x1b7PICTURE\x1b8\x1b[6B"


def test_a_picture_in_sixels_is_drawn_below_what_stands_there():
    screen = on(Terminal(what=SIXEL), *SHOW, NO_COLOR="1")
    (picture,) = sixels(screen.shown)
    assert np.array_equal(picture[:120, :170], LARGE)
    around = re.sub(rb"\x1bP.*\x1b\\", b"SIXEL", screen.shown.rpartition(b"17x12\r\n")[2], flags=re.DOTALL).decode()
    assert around.replace("\r\n", "\n") == (" " * 17 + "\n") * 6 + "\x1b7\x1b[6ASIXEL\x1b8"


def test_a_large_picture_keeps_to_the_terminal_and_its_proportions():
    save("a.png", np.zeros((400, 300), np.uint8))
    assert half_blocks(on(Terminal(lines=12, columns=40), *SHOW).text.split("\n", 1)[1]).shape[:2] == (20, 15)
    (picture,) = sixels(on(Terminal(what=SIXEL, lines=12, columns=40), *SHOW, "-f").shown)
    assert picture.shape[:2] == (200, 150)


def test_where_a_cell_s_size_is_not_told_the_window_s_is_taken():
    screen = Terminal(what=SIXEL, cell=None)
    assert sixels(on(screen, *SHOW).shown)[0].shape == (120, 170, 3)
    answer = terminals.CELL, None
    screen = Terminal(what=SIXEL, cell=(16, 8))
    screen.answers = lambda: (answer, (terminals.WHAT, b"\x1b[?62;4c"))
    assert sixels(on(screen, *SHOW, "-f").shown)[0].shape == (96, 136, 3)


def test_all_of_a_batch_is_shown_in_order_and_no_bar_among_it():
    shades = {name: np.full((2, 2, 3), ord(name), np.uint8) for name in "cdefgh"}
    for name, pixels in shades.items():
        save(f"{name}.png", pixels)
    Path("f.png").write_bytes(b"no picture")
    text = on(Terminal(), "apply", "identity", *(f"{name}.png" for name in shades), "-o", "out", "--show", code=1).text
    assert "pictures/s" not in text
    parts = re.split(r"(?m)^((?:wrote|cnnfilter).*)\n", text)[1:]
    told = dict(zip(parts[::2], parts[1::2], strict=True))
    assert [name.split("/")[-1][0] for name in told if name[0] == "w"] == list("cdegh")
    for line, picture in told.items():
        if line[0] == "w":
            shown = half_blocks(picture.removesuffix("5 written, 1 failed\n"))
            assert np.array_equal(shown, shades[line.split("/")[-1][0]])


def test_maps_in_files_of_their_own_and_the_first_of_frames_are_shown():
    text = on(Terminal(), "run", "gray,conv:sobel-x+sobel-y", "a.png", "--maps", "each", "-o", "out/", "--show").text
    first, picture = text.split("\n", 1)
    assert first == "wrote out/a-chain-0.png to out/a-chain-1.png  15x10, 2 maps"
    assert np.array_equal(half_blocks(picture), np.vstack([load("out/a-chain-0.png"), load("out/a-chain-1.png")]))
    frames = [Image.fromarray(PICTURE), Image.fromarray(PICTURE[::-1])]
    frames[0].save("c.tif", save_all=True, append_images=frames[1:])
    text = on(Terminal(), "apply", "identity", "c.tif", "--frame", "all", "-o", "d.tif", "--show").text
    assert np.array_equal(half_blocks(text.split("\n", 1)[1]), PICTURE)


def test_what_no_screen_shows_as_it_is_is_shown_as_it_is_looked_at():
    save("d.png", PICTURE[..., 0].astype(np.uint16) * 257)
    Image.fromarray(np.array([[-1, 0, 1]], np.float32)).save("e.tif")
    save("f.png", np.dstack([PICTURE, np.zeros((12, 17), np.uint8)]))
    text = on(Terminal(), "apply", "identity", "d.png", "e.tif", "f.png", "-o", "out/", "--show").text
    grey, floats, transparent = (
        half_blocks(part.partition("3 written")[0]) for part in re.split("wrote .*\n", text)[1:]
    )
    assert np.array_equal(grey[..., 1], PICTURE[..., 0])
    assert [row.argmax() for row in floats[0, ::2]] == [2, 0]
    assert np.unique(transparent).tolist() == [102, 153]


def test_a_kernel_is_shown_in_the_place_of_its_cells_and_beside_its_file():
    described = on(Terminal(lines=400, columns=400), "kernels", "sobel-x", "--show")
    assert b"cv2.Sobel" in described.shown
    written = on(Terminal(lines=400, columns=400), "kernels", "sobel-x", "-o", "k.png", "--show")
    assert written.shown.startswith(b"wrote k.png")
    sheet = load("k.png")
    for screen in (described, written):
        assert np.array_equal(half_blocks(screen.text)[: len(sheet)], sheet)


# What is not


def test_nothing_is_shown_that_nobody_sees():
    plain = done(*SHOW)
    assert (plain.data, plain.messages) == (b"", ["wrote b.png  17x12"])
    quiet = on(Terminal(kitty=True), *SHOW, "-fq")
    assert quiet.shown == b""
    described = done("kernels", "sobel-x")
    assert done("kernels", "sobel-x", "--show").data == described.data
    assert done("kernels", "sobel-x", "--show", "-o", "k.png").data == b""
    assert on(Terminal(), *SHOW, "-f", "-n").text.startswith("a.png -> b.png\n1 to write; ")
    assert on(Terminal(), "apply", "identity", "a.png", "-o", "b.png", "--skip-existing", "--show").text == ""


def test_numbers_and_pipes_are_not_drawn():
    told = "numbers are not shown; a picture of them, such as a .png, is\n"
    text = on(Terminal(), "run", "gray,conv:sobel-x", "a.png", "-o", "b.npy", "--show").text
    assert text == f"wrote b.npy  1x10x15 float32\n{told}"
    os.mkfifo("pipe.png")
    with subprocess.Popen(["cat", "pipe.png"], stdout=subprocess.PIPE) as reader:
        text = on(Terminal(), "apply", "identity", "a.png", "-o", "pipe.png", "--show").text
        assert reader.communicate()[0].startswith(b"\x89PNG")
    assert text.endswith("warning: pipe.png is not shown: is a pipe or a device, not a file\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("apply", "edge", "a.png", "--json"), "--show draws on standard output, and --json writes lines for programs"),
        (("run", "gray,flatten", "a.png"), "--show is for maps, and this chain ends in a vector; leave it out"),
        (("kernels",), "--show needs a KERNEL to draw"),
        (("kernels", "edge", "--json"), "--show draws the KERNEL, and --json writes its numbers; give one of them"),
    ],
)
def test_what_makes_no_picture_to_show_is_refused(arguments, message):
    result = run(*arguments, "--show")
    assert (result.exit_code, files()) == (2, ["a.png"])
    assert message in result.messages[0]


# How the terminal is asked, and left


def in_half_blocks(screen):
    """Check that a picture is shown so, and the terminal was not asked."""
    assert not any(question in screen.shown for question in (b"\x1b[c", b"\x1b_G", b"\x1bP"))
    assert np.array_equal(half_blocks(screen.text.partition("\n")[2]), PICTURE)


def test_without_the_extra_nothing_is_asked():
    code = "import importlib.util as u, sys; u.find_spec = lambda name: None; from cnnfilter.cli import main"
    command = [sys.executable, "-c", f"{code}; sys.exit(main.main())"]
    in_half_blocks(on(Terminal(kitty=True, what=SIXEL), *SHOW, command=command))


def test_what_is_typed_ahead_stays_for_the_shell():
    screen = Terminal(kitty=True, what=SIXEL, typed=b"ls\n")
    assert screen.run(".", *SHOW) == 0
    assert screen.left == b"ls\n"
    screen.shown = screen.shown.removeprefix(b"ls\r\n")  # as the terminal's own echo
    in_half_blocks(screen)


def test_a_terminal_that_is_not_ours_is_not_asked():
    in_half_blocks(on(Terminal(kitty=True, what=SIXEL, controlling=False), *SHOW))
    code = "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:], process_group=0))"
    in_background = [sys.executable, "-c", code, *COMMAND]
    in_half_blocks(on(Terminal(kitty=True, what=SIXEL), *SHOW, "-f", command=in_background))


def test_a_dumb_terminal_is_told_shades_and_asked_nothing():
    text = on(Terminal(kitty=True, what=SIXEL), *SHOW, TERM="dumb").text
    assert set(text.split("\n", 1)[1]) <= set(" \u2591\u2592\u2593\u2588\n")
    assert len(text.splitlines()) == 7


def test_the_terminal_is_asked_where_standard_input_is_another():
    assert len(sixels(on(Terminal(what=SIXEL, stdin=False), *SHOW).shown)) == 1


def test_a_terminal_that_says_nothing_is_waited_for_once_and_a_late_answer_is_nobody_s():
    os.mkfifo("late.ppm")
    sent = []

    def answer_late(process, master):
        if b"wrote b/a-identity.png" in screen.shown and not sent:
            sent.append(os.write(master, b"\x1b[?62;4c"))
            Path("late.ppm").write_bytes(b"P6 1 1 255 abc")

    screen = Terminal(what=b"")
    begin = time.monotonic()
    on(screen, "apply", "identity", "a.png", "late.ppm", "-o", "b/", "--show", meanwhile=answer_late)
    assert terminal.PATIENCE < time.monotonic() - begin < 20 * terminal.PATIENCE
    assert sent
    assert b"\x1bP" not in screen.shown
    assert files()[1:] == ["b", "late.ppm"]


@pytest.mark.parametrize("late", [False, True])
def test_an_interrupt_leaves_the_terminal_as_it_was(late):
    def interrupt(process, master):
        if b"\x1b[c" in screen.shown and not sent:
            sent.append(os.write(master, b"\x1b[?62;4c" * late + b"\x03"))

    sent = []
    screen = Terminal(what=b"")
    on(screen, *SHOW, code=-signal.SIGINT, meanwhile=interrupt)
    assert screen.shown.endswith(b"cnnfilter: error: interrupted\r\n")
    assert files() == ["a.png"]


def test_an_interrupted_picture_ends():
    def interrupt(process, master):
        if b"\x1bP" in screen.shown and not sent:
            sent.append(os.write(master, b"\x03"))

    save("a.png", np.random.default_rng(6).integers(0, 256, (400, 800, 3), dtype=np.uint8))
    sent = []
    screen = Terminal(what=SIXEL, lines=40)
    on(screen, *SHOW, code=-signal.SIGINT, meanwhile=interrupt)
    end = b"\x1b\\\x1b[0m\r\n", b"\r\x1b[K\x1b[?25h", b"cnnfilter: error: interrupted\r\n"
    assert screen.shown.endswith(b"".join(end))
    assert screen.shown.count(b"\x1b\\") == 3  # of two questions, and this one


def test_the_files_are_written_though_the_terminal_closes():
    unheard = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", *COMMAND]
    save("c.png", PICTURE)
    arguments = ("apply", "identity", "a.png", "c.png", "-o", "b/", "--show")
    assert Terminal(closes=True).run(".", *arguments, command=unheard) == 0
    assert np.array_equal(load("b/c-identity.png"), PICTURE)


@pytest.mark.parametrize(("features", "draws"), [("256,sixel,title", True), ("256,title", False), (None, False)])
def test_tmux_is_believed_where_its_own_terminal_has_sixel(tmp_path, features, draws):
    programs = tmp_path / "bin"
    programs.mkdir()
    program = programs / "tmux"
    program.write_text(f'#!/bin/sh\n[ "$*" = "display-message -p #{{client_termfeatures}}" ] && echo {features}\n')
    program.chmod(0o755 if features else 0o644)
    path = os.pathsep.join([str(programs), *([os.environ["PATH"]] if features else [])])
    screen = on(Terminal(what=b"1;2;4", kitty=True), *SHOW, TMUX="/tmp/tmux-0/default,1,0", PATH=path)
    assert len(sixels(screen.shown)) == draws
    assert b"\x1b_" not in screen.shown  # which would be the window's title


@pytest.mark.parametrize("kind", ["tmux-256color", "screen"])
def test_tmux_on_another_machine_is_not_believed(tmp_path, kind):
    screen = on(Terminal(what=b"1;2;4", kitty=True), *SHOW, TERM=kind, PATH=str(tmp_path))
    assert b"\x1b_" not in screen.shown
    assert np.array_equal(half_blocks(screen.text.partition("\n")[2]), PICTURE)


def test_a_message_of_another_thread_waits_for_the_end_of_a_picture(monkeypatch, capsys):
    def write_slowly(text, picture):
        thread = threading.Thread(target=render.message, args=["compiling"])
        thread.start()
        thread.join()
        assert capsys.readouterr().err == ""

    monkeypatch.setattr(render, "out", write_slowly)
    with Path("a.txt").open("w") as stream:
        monkeypatch.setenv("TERM", "dumb")
        Preview(stream).show(Picture(PICTURE))
    assert capsys.readouterr().err == "compiling\n"


# What no test can bring about on a terminal of this system


def test_without_terminals_as_posix_has_them_nothing_is_asked(monkeypatch):
    monkeypatch.setitem(sys.modules, "termios", None)
    assert terminal._asked(1, b"?") == b""


def test_a_cell_of_no_known_size_has_the_usual_one():
    with Path("a.png").open() as stream:
        assert terminal._measured(stream.fileno()) == terminal.USUAL_CELL
    master, slave = os.openpty()
    assert terminal._measured(slave) == terminal.USUAL_CELL
    os.close(master)
    os.close(slave)


def test_what_is_being_asked_or_drawn_is_ended_by_a_signal(monkeypatch):
    master, slave = os.openpty()
    before = termios.tcgetattr(slave)
    monkeypatch.setattr(terminal, "_asking", [(slave, before)])
    tty.setcbreak(slave)
    os.write(master, b"\x1b[?62c")
    terminal.restore()
    assert termios.tcgetattr(slave) == before
    monkeypatch.setattr(terminal, "_asking", [])
    with os.fdopen(slave, "w", closefd=False) as stream, terminal.drawing(stream):
        terminal.restore()
    assert os.read(master, 100) == b"\x1b\\\x1b[0m\r\n"
    os.close(master)
    os.close(slave)


# In a real terminal


@pytest.fixture
def tmux(tmp_path):
    """Runs a script in tmux, and gives the screen when it has printed `done`, with its colours."""
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    own = ["tmux", "-S", str(tmp_path / "socket"), "-f", os.devnull]

    def run(script, columns=60, lines=20):
        variables = {name: value for name, value in os.environ.items() if name not in ("TMUX", "NO_COLOR")}
        variables |= {"PYTHONPATH": str(ROOT), "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"}
        command = ["bash", "-c", f"{script}; echo done; exec sleep 60"]
        size = ["-x", str(columns), "-y", str(lines)]
        subprocess.run([*own, "new-session", "-d", *size, *command], check=True, env=variables, cwd=tmp_path)
        for _ in range(300):
            shown = subprocess.run([*own, "capture-pane", "-eNp", "-t", "0"], check=True, capture_output=True)
            if b"\ndone" in shown.stdout:
                title = subprocess.run(
                    [*own, "display-message", "-p", "#{pane_title}"], check=True, capture_output=True
                )
                assert b"=" not in title.stdout
                return shown.stdout.decode().partition("\ndone")[0]
            time.sleep(0.05)
        pytest.fail(shown.stdout.decode())

    yield run
    subprocess.run([*own, "kill-server"], check=False)


def test_tmux_shows_the_picture_and_is_left_nothing_to_read(tmux):
    command = shlex.join([*COMMAND, *SHOW])
    screen = tmux(f'{command}; read -rs -t 0.2 -n 99 rest; printf "left %q\\n" "$rest"')
    first, *picture, left = screen.split("\n")
    assert first == "wrote b.png  17x12"
    assert left.endswith("left ''")
    assert np.array_equal(half_blocks("\n".join(picture)), PICTURE)
