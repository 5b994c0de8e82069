import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from cnnfilter.messages import (
    LONGEST_NAME,
    LONGEST_QUOTE,
    alternatives,
    either,
    keys_named,
    nearest,
    options_named,
    printable,
    quoted,
    readable,
    shortened,
    show_bytes,
    without_secrets,
)


def test_words_are_joined_as_people_join_them():
    assert alternatives(["a"]) == "a"
    assert alternatives(["a", "b"]) == "a or b"
    assert alternatives(["a", "b", "c"], "and") == "a, b and c"


def test_nearest_names_what_a_word_may_have_meant():
    assert nearest("reflekt", ["reflect", "circular"]) == "; did you mean reflect?"
    assert nearest("Sobelx", ["sobel-x", "sobel-y", "edge"]) == "; did you mean sobel-x or sobel-y?"
    assert nearest("sobelx", ["sobel-x", "sobel-y", "sobel"]) == "; did you mean sobel-x, sobel or sobel-y?"
    assert nearest("qqq", ["reflect"]) == ""


def test_messages_name_what_their_reader_can_give():
    def said():
        return either("--depth 8", "depth=8")

    assert said() == "depth=8"
    with options_named(), ThreadPoolExecutor() as pool:
        assert said() == pool.submit(said).result() == "--depth 8"
        with keys_named():
            assert said() == "depth=8"
            assert pool.submit(said).result() == "--depth 8"
        assert said() == "--depth 8"
    assert said() == "depth=8"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("edge", "'edge'"),
        ("a\nb", r"'a\nb'"),
        ("caf\udce9", r"'caf\xe9'"),
        ("é", "'é'"),
        (1.5, "1.5"),
        ((1, 2), "(1, 2)"),
        ("x" * LONGEST_QUOTE, f"'{'x' * LONGEST_QUOTE}'"),
    ],
)
def test_a_value_is_repeated_as_it_was_given(value, shown):
    assert quoted(value) == shown


@pytest.mark.parametrize("value", ["x" * 61, "x" * 10_000_000, "\n" * 100, list(range(1000))])
def test_a_long_value_is_cut(value):
    shown = quoted(value)
    assert len(shown) == LONGEST_QUOTE + 2
    assert shown.endswith(("...'", "...]"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("sftp://ann:secret@host:22/a@b.npz", "sftp://ann@host:22/a@b.npz"),
        ("sftp://ann:se?c@ret@host/a", "sftp://host/a"),
        ("sftp://ann:se/cret@host/a", "sftp://host/a"),
        ("https://token:secret@host/a", "https://host/a"),
        ("https://host:80/a@b?secret=1", "https://host:80/a@b?..."),
        ("https://host?to=https://other/b&key='secret", "https://host?..."),
        ("simplecache::https://host/a#secret", "simplecache::https://host/a#..."),
        ("s3://key:sec/ret@photos/a", "s3://photos/a"),
        ("s3://photos/a?b@2.png", "s3://photos/a?b@2.png"),
        ("HTTPS:/token:secret@host/a?secret=1", "HTTPS:/host/a?..."),
        ("out/sftp:/ann:secret@host/a?b.png", "out/sftp:/ann@host/a?b.png"),
        ("C:/photos/a?b@2.png", "C:/photos/a?b@2.png"),
        ("ftp://host/a?secret, 'ftp://host/b?secret': no", "ftp://host/a?..., 'ftp://host/b?...': no"),
        ("https://host/a?secret: no such file", "https://host/a?...: no such file"),
        ("conv:https://host/a?secret:name=b,relu", "conv:https://host/a?..."),
        ("conv:https://host/a?...:name=b,https://host/c?secret", "conv:https://host/a?...:name=b,https://host/c?..."),
    ],
)
def test_what_opens_an_address_is_shown_nowhere(text, shown):
    assert without_secrets(text) == shortened(text) == readable(text) == without_secrets(shown) == shown
    assert quoted(text) in (f"'{shown}'", f'"{shown}"')
    assert "secret" not in quoted([text, text])
    assert "secret" not in quoted(f"sftp://a:{'secret' * 100}@host/")


@pytest.mark.parametrize("unit", ["://", "a://", "@", "?", "a", "':", "a:/", "s3://:@", "' "])
def test_looking_for_secrets_takes_time_in_proportion(unit):
    begin = time.process_time()
    without_secrets("s3://" + unit * (200_000 // len(unit)))
    assert time.process_time() - begin < 5


def test_a_file_name_is_shown_on_one_line():
    assert readable("a b.npy") == "a b.npy"
    assert readable("a\nb") == r"'a\nb'"
    assert readable("caf\udce9") == r"'caf\xe9'"


def test_a_number_that_python_does_not_write_is_told_by_its_length():
    assert quoted(10**5000) == "a number of over 4,300 digits"


def test_a_long_file_name_is_shown_without_its_middle():
    whole = "a" * (LONGEST_NAME // 2) + "b" * 10**6 + "c" * (LONGEST_NAME // 2)
    assert readable(whole) == "a" * (LONGEST_NAME // 2) + "..." + "c" * (LONGEST_NAME // 2)
    assert len(readable("\x1b" * 10**6)) == LONGEST_NAME + 3


def test_bytes_are_told_in_megabytes_or_gigabytes():
    sizes = (10, 12_345_678, 2_500_000_000, 10**12)
    assert [show_bytes(size) for size in sizes] == ["0 MB", "12 MB", "2.5 GB", "1,000.0 GB"]
    assert show_bytes(12_345_678, 1) == "12.3 MB"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a b-ä.png", "a b-ä.png"),
        ("[bold]%d\\n", "[bold]%d\\n"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\x1b[31m\x7f\x85", "\\x1b[31m\\x7f\\x85"),
        ("\udcff\udce4", "\\xff\\xe4"),
        ("\ud800", "\\ud800"),
        ("\u202egnp.a\u2028", "\\u202egnp.a\\u2028"),
        ("\U000e0001", "\\U000e0001"),
    ],
)
def test_what_a_terminal_would_obey_is_shown_escaped(text, shown):
    assert printable(text) == shown
