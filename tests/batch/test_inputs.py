"""What a person names becomes a list of files: folders, patterns, lists, and what a folder's own outputs are."""

import json
import os
from pathlib import Path

import pytest

from cnnfilter.batch import inputs
from cnnfilter.batch.found import Input
from cnnfilter.batch.inputs import find_inputs
from tests.command import failed, files, load, refused, run, save


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def tree(*names):
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        if Path(name).suffix == ".txt" or Path(name).name.startswith("."):
            Path(name).write_text("text")
        else:
            save(name)


def names(*arguments, **options):
    return [each.name for each in find_inputs(arguments, **options).inputs]


def test_a_folder_gives_its_pictures_in_order_and_counts_the_rest():
    tree("in/b.png", "in/a.JPG", "in/notes.txt", "in/.hidden.png", "in/.folder/c.png", "in/sub/d.png")
    found = find_inputs(["in"])
    assert found.inputs == [Input("in/a.JPG", ""), Input("in/b.png", "")]
    assert (found.files, found.folders) == ({"hidden": 1, ".txt": 1}, 1)


def test_with_recursive_the_folders_in_it_are_entered():
    tree("in/b.png", "in/sub/d.png", "in/sub/deep/e.png", "in/.folder/c.png")
    found = find_inputs(["in"], recursive=True)
    assert found.inputs == [Input("in/b.png", ""), Input("in/sub/d.png", "sub"), Input("in/sub/deep/e.png", "sub/deep")]
    assert (found.files, found.folders) == ({}, 0)


@pytest.mark.parametrize("target", [".", "..", "../in/sub", "in"])
def test_folders_linked_in_a_circle_end(target):
    tree("in/sub/a.png")
    Path("in/aa").symlink_to(target)
    Path("in/sub/loop").symlink_to("..")
    assert names("in", recursive=True) == ["in/sub/a.png"]


def test_a_linked_folder_elsewhere_is_entered_once():
    tree("in/a.png", "other/b.png")
    Path("in/one").symlink_to("../other")
    Path("in/two").symlink_to("../other")
    assert names("in", recursive=True) == ["in/a.png", "in/one/b.png"]


def test_a_named_pipe_in_a_folder_is_not_waited_for_and_a_dangling_link_fails_by_itself():
    Path("in").mkdir()
    os.mkfifo("in/a.png")
    Path("in/b.png").symlink_to("nothing")
    found = find_inputs(["in"])
    assert ([each.name for each in found.inputs], found.files) == (["in/b.png"], {"special": 1})


def test_the_output_folder_is_not_looked_into_unless_it_is_named():
    tree("in/a.png", "in/out/a-edge.png")
    assert names("in", recursive=True, output="in/out") == ["in/a.png"]
    assert names("in/out", output="in/out") == ["in/out/a-edge.png"]


def test_a_folder_that_cannot_be_looked_into_fails_by_itself(monkeypatch):
    tree("in/a.png", "in/sub/b.png")
    scandir = os.scandir

    def fail(path):
        if path.endswith("sub"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(inputs.os, "scandir", fail)
    result = run("apply", "edge", "in", "-r", "-o", "out")
    assert result.exit_code == 1
    assert result.messages == [
        "wrote out/a-edge.png  45x30",
        "cnnfilter: error: in/sub: cannot be looked into: Permission denied",
        "1 written, 1 failed",
    ]


def test_a_pattern_that_the_shell_did_not_expand_is_expanded_unless_a_file_has_that_name():
    tree("b.png", "a.png", "[x].png", "sub/c.png")
    assert names("?.png") == ["a.png", "b.png"]
    assert names("[x].png") == ["[x].png"]
    assert names("**/*.png") == ["[x].png", "a.png", "b.png", "sub/c.png"]
    assert names("*.gif") == ["*.gif"]
    assert names("su*") == ["sub/c.png"]
    assert names("a\0b.png") == ["a\0b.png"]


def test_what_a_pattern_stands_for_is_counted_at_the_end_and_a_pipe_among_it_passed_over():
    tree("a.png", "b.png")
    os.mkfifo("c.png")
    result = run("apply", "edge", "*.png", "-o", "out/")
    assert result.exit_code == 0, result.err
    assert result.messages[2:] == ["passed over 1 file (1 special)", "2 written"]
    assert names("c.png") == ["c.png"]  # a person who names one has somebody who writes to it
    assert run("apply", "edge", "a*.png", "-o", "one/").messages == ["wrote one/a-edge.png  45x30"]


def test_a_list_names_files_and_folders_and_nothing_in_it_is_a_pattern():
    tree("a.png", "in/b.png")
    assert names(listed=["a.png", "in", "*.png", "-"]) == ["a.png", "in/b.png", "*.png", "./-"]


def test_the_tree_is_mirrored_and_what_was_passed_over_is_counted():
    tree("in/a.png", "in/sub/b.jpg", "in/notes.txt", "in/.x")
    Path("in/weights.npz").write_bytes(b"weights, which are no picture")
    result = run("apply", "edge", "in", "-r", "-o", "out")
    assert result.exit_code == 0, result.err
    assert result.messages == [
        "wrote out/a-edge.png  45x30",
        "wrote out/sub/b-edge.jpg  45x30",
        "passed over 3 files (1 .npz, 1 .txt, 1 hidden)",
        "2 written",
    ]
    (result,) = (run("apply", "edge", "in", "-o", "flat"),)
    assert result.messages[1:] == [
        "passed over 3 files (1 .npz, 1 .txt, 1 hidden) and 1 folder (-r enters them)",
        "1 written",
    ]
    Path("in/.x").unlink()
    assert "passed over 2 files (1 .npz, 1 .txt)" in run("apply", "edge", "in", "-r", "-o", "out", "-f").messages


def test_a_run_does_not_take_its_own_outputs_for_inputs():
    tree("in/a.png")
    for _ in range(2):
        result = run("apply", "edge", "in", "-r", "-o", "in/out", "--force")
        assert result.messages == ["wrote in/out/a-edge.png  45x30", "1 written"]
    line = "outputs would go into '{}', among the inputs, and be inputs of the next run; name another folder"
    assert refused("edge", "in", "-o", "in") == line.format(Path("in").absolute())
    tree("in/in/b.png")
    assert refused("edge", "in", "-r", "-o", ".") == line.format(Path("in").absolute())


def test_a_folder_needs_a_folder_for_its_outputs():
    tree("in/a.png")
    assert refused("edge", "in") == "the pictures of a folder need a folder to go to; name one with -o, such as -o out/"
    assert run("apply", "edge", "in", "-o", "{dir}/{name}-x.{ext}").exit_code == 0
    assert Path("in/a-x.png").is_file()


def test_what_stands_in_the_way_of_a_mirrored_folder_is_found_first(monkeypatch):
    tree("in/sub/a.png", "out/b.png")
    Path("out/sub").write_text("no folder")
    assert (
        refused("edge", "in", "-r", "-o", "out") == "'out/sub' is no folder, so it cannot hold the output 'a-edge.png'"
    )
    Path("out/sub").unlink()
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write everywhere
    assert refused("edge", "in", "-r", "-o", "out") == (
        "the folder 'out' of the output 'a-edge.png' cannot be written to"
    )


def test_a_list_from_standard_input_with_the_oddest_names():
    odd = ["new\nline.png", "[bold].png", "-dash.png", "%d.png", "a:b.png"]
    for name in odd:
        save(name)
    listed = b"".join(os.fsencode(f"./{name}") + b"\0" for name in odd)
    result = run("apply", "identity", "--files-from", "-", "-0", "-o", "out/", stdin=listed)
    assert result.exit_code == 0, result.err
    assert result.messages[0] == "wrote out/new\\nline-identity.png  45x30"
    assert result.messages[-1] == "5 written"
    assert len(list(Path("out").iterdir())) == 5


def test_an_empty_list_is_no_error():
    result = run("apply", "edge", "--files-from", "-")
    assert (result.exit_code, result.messages) == (0, ["0 written"])
    assert run("run", "gray", "--files-from", "-", "-n").messages == ["0 to write"]


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["-0"], "-0 is for the list of --files-from, which is not given"),
        (["-", "--files-from", "-"], "standard input cannot be both a picture and the list of --files-from"),
        (["--in-place", "-o", "x"], "--in-place writes over the inputs, and -o elsewhere; give one of them"),
        (["--in-place", "--format", "png"],
         "--in-place keeps names, and with them the formats, and --format sets one; give one of them"),
        (["--in-place", "--skip-existing"],
         "--in-place writes where something exists, and --skip-existing does not; give one of them"),
        (["-f", "--skip-existing"],
         "--force overwrites what exists, and --skip-existing leaves it; give one of them"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("command", ["apply", "run"])
def test_options_that_exclude_each_other(options, line, command):
    save("a.png")
    kernel = {"apply": "edge", "run": "gray"}[command]
    assert refused(kernel, "a.png", *options, command=command) == f"{line}; see cnnfilter {command} --help"


# Plans


def test_a_dry_run_shows_the_plan_and_does_nothing():
    tree("in/a.png", "in/sub/b\nc.png")
    before = files()
    result = run("apply", "edge", "in", "none.png", "-r", "-o", "out", "--dry-run")
    assert result.exit_code == 1, result.err
    assert result.out.splitlines() == [
        "in/a.png -> out/a-edge.png",
        "in/sub/b\\nc.png -> out/sub/b\\nc-edge.png",
        "none.png: no such file",
    ]
    size = sum(Path(name).stat().st_size for name in ("in/a.png", "in/sub/b\nc.png"))
    assert result.messages == [f"2 to write, 1 failed; {size / 1000:.1f} kB to read"]
    unknown = run("apply", "edge", "in/a.png", "-", "-n", "-o", "out/").messages
    assert unknown == [f"2 to write; {size / 2000:.1f} kB to read and 1 of unknown size"]
    assert run("apply", "edge", "-", "-nq").out == "standard input -> standard output\n"
    assert files() == before


def test_a_dry_run_counts_an_output_that_exists_as_a_run_does():
    """Whether its input is still there makes no difference to what is left alone."""
    tree("out/gone-edge.png")
    for arguments in (["-n"], []):
        result = run("apply", "edge", "gone.png", "b.png", "-o", "out", "--skip-existing", *arguments)
        assert result.exit_code == 1
        assert result.messages[-1] in ("0 to write, 1 skipped, 1 failed", "0 written, 1 skipped, 1 failed")


def test_a_dry_run_knows_the_name_that_follows_what_an_input_holds():
    save("colours.gif")
    save("b.png")
    Path("b.png").rename("b.jpg")
    for arguments, word in ((["-n"], "->"), ([], "wrote")):
        result = run("apply", "edge", "colours.gif", "b.jpg", "-o", "out/", *arguments)
        assert result.exit_code == 0, result.err
        lines = result.out.splitlines() if arguments else result.messages[:2]
        assert [line.split(word)[1].split()[0] for line in lines] == ["out/colours-edge.png", "out/b-edge.png"]
    again = run("apply", "edge", "colours.gif", "b.jpg", "-o", "out/", "-n", "--skip-existing")
    assert again.messages == ["0 to write, 2 skipped"]
    taken = run("apply", "edge", "colours.gif", "-o", "out/", "-n")
    assert taken.out == "colours.gif: 'out/colours-edge.png' exists already; --force overwrites it\n"
    assert taken.messages == ["0 to write, 1 failed"]


@pytest.mark.parametrize("name", ["a.png/x.png", "x" * 300 + ".png"])
def test_why_an_input_cannot_be_looked_at_is_what_reading_it_tells(name):
    save("a.png")
    (one,) = find_inputs([name, "none.png"]).inputs[:1]
    assert one.error is None
    assert "no such file" not in run("apply", "edge", name, "-o", "b.png").err
    assert find_inputs(["none.png"]).inputs == [Input("none.png", error="no such file")]


def test_a_pattern_of_folders_in_folders_passes_links_and_what_is_hidden_by():
    tree("in/a/b.png", "in/b/c.png", "in/d.png", "in/.e/f.png", "in/a/.g.png")
    for folder in ("a", "b"):
        Path("in", folder, "up").symlink_to("..")
    assert names("in/**/*.png") == ["in/a/b.png", "in/b/c.png", "in/d.png"]
    assert sorted(names("in/**")) == ["in/a/b.png", "in/b/c.png", "in/d.png"]
    assert names(str(Path("in/**/b.png").absolute())) == [str(Path("in/a/b.png").absolute())]
    assert names("in/.e/**/*.png") == ["in/.e/f.png"]
    assert names("in/**/.g.png") == ["in/a/.g.png"]


def test_a_dry_run_may_be_json_and_knows_what_will_fail(monkeypatch):
    tree("in/a.png")
    run("apply", "edge", "in", "-o", "out")
    result = run("apply", "edge", "in", "-o", "out", "-n", "--json", "--skip-existing")
    size = Path("in/a.png").stat().st_size
    assert json.loads(result.out) == {
        "input": "in/a.png", "output": "out/a-edge.png", "bytes": size, "skipped": True, "error": None
    }  # fmt: skip
    assert result.messages == ["0 to write, 1 skipped"]
    result = run("apply", "edge", "in", "-o", "out", "-n", "--skip-existing")
    assert result.out == "in/a.png -> out/a-edge.png (exists, skipped)\n"

    def fail(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(inputs.os, "scandir", fail)
    result = run("apply", "edge", "in", "-o", "out", "-n")
    assert result.exit_code == 1
    assert result.out == "in: cannot be looked into: Permission denied\n"
    assert result.messages == ["0 to write, 1 failed"]


def test_skip_existing_does_what_is_missing():
    tree("a.png", "b.png", "c.png")
    run("apply", "edge", "b.png", "-o", "out/")
    before = Path("out/b-edge.png").stat()
    result = run("apply", "edge", "a.png", "b.png", "c.png", "none.png", "-o", "out", "--skip-existing", "-v")
    assert result.exit_code == 1
    assert result.messages[1] == "skipped b.png: its output exists"
    assert result.messages[-1] == "2 written, 1 skipped, 1 failed"
    assert Path("out/b-edge.png").stat() == before
    result = run("apply", "edge", "a.png", "b.png", "c.png", "-o", "out", "--skip-existing")
    assert result.messages == ["0 written, 3 skipped"]


def test_skip_existing_knows_a_name_that_changes_only_when_the_picture_is_read():
    save("a.gif")
    Path("a.gif").rename("a.jpg")  # a GIF of many colours: its result is a PNG
    Path("a-edge.png").write_text("mine")
    result = run("apply", "edge", "a.jpg", "--skip-existing")
    assert (result.exit_code, result.messages) == (0, [])
    assert Path("a-edge.png").read_text() == "mine"


def test_skip_existing_writes_the_maps_that_are_missing():
    save("a.png")
    run("run", "gray,conv:sobel-x+sobel-y", "a.png", "--maps", "each")
    Path("a-chain-1.png").unlink()
    before = Path("a-chain-0.png").stat()
    result = run("run", "gray,conv:sobel-x+sobel-y", "a.png", "--maps", "each", "--skip-existing")
    assert result.messages[-1].startswith("wrote a-chain-1.png")
    assert Path("a-chain-0.png").stat() == before


def test_in_place_replaces_each_input():
    tree("in/a.png", "in/sub/b.png", "in/c.tif")
    expected = 255 - load("in/a.png")
    result = run("apply", "-1", "in", "-r", "--in-place", "--bias", "255")
    assert result.exit_code == 0, result.err
    assert result.messages[-1] == "3 written"
    for name in ("in/a.png", "in/sub/b.png", "in/c.tif"):
        assert (load(name) == expected).all()
    assert run("run", "conv:box", "in", "--in-place").exit_code == 0


def test_in_place_refuses_what_would_lose_something():
    save("a.png")
    assert refused("edge", "-", "--in-place") == "standard input has no place for the output; leave out --in-place"
    line = "--in-place replaces a picture by a picture, and this chain gives none of the same kind; leave it out"
    assert refused("gray,conv:sobel-x+sobel-y", "a.png", "--in-place", command="run") == line
    assert refused("gray,flatten", "a.png", "--in-place", command="run") == line
    from PIL import Image

    frames = [Image.new("L", (4, 4), shade) for shade in (0, 100, 200)]
    frames[0].save("b.gif", save_all=True, append_images=frames[1:])
    before = Path("b.gif").read_bytes()
    result = run("apply", "box", "b.gif", "--in-place")
    assert result.exit_code == 1
    assert result.messages == ["cnnfilter: error: b.gif: in place, 2 of its 3 frames would be lost; write it elsewhere"]
    assert Path("b.gif").read_bytes() == before


def test_times_are_kept_if_asked_for():
    save("a.png")
    os.utime("a.png", ns=(10**18, 10**18 + 5 * 10**9))
    run("apply", "edge", "a.png", "--preserve-times")
    assert Path("a-edge.png").stat().st_mtime_ns == 10**18 + 5 * 10**9
    result = run("apply", "edge", "none.png", "--preserve-times")
    assert result.messages == ["cnnfilter: error: none.png: no such file"]
    assert run("apply", "edge", "-", "--preserve-times", stdin=Path("a.png").read_bytes()).exit_code == 0


def test_of_what_was_meant_as_an_address_it_is_said_how_those_begin():
    told = "no such file; an address begins with s3://, and no blank before it"
    Path("out").mkdir()
    for name in ("s3:/photos/a.png", " s3://photos/a.png", "S3:/a.png"):
        assert failed("edge", name, "-o", "out/") == f"{Path(name)}: {told}"
    Path("list").write_text("  s3://photos/a.png\n# a comment\n")
    result = run("apply", "edge", "--files-from", "list", "-o", "out/")
    assert result.messages[:2] == [
        f"cnnfilter: error:   s3:/photos/a.png: {told}", "cnnfilter: error: # a comment: no such file"
    ]  # fmt: skip
