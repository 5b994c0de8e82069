"""Pictures are read from addresses as from files: the same pixels, sizes and refusals, and their bytes are memory."""

import fsspec
import numpy as np
import pytest

from cnnfilter.addresses.address import located
from cnnfilter.addresses.reading import Fetched
from cnnfilter.errors import ArgumentError, PictureError
from cnnfilter.imaging.formats import format_for_path, recognise
from cnnfilter.imaging.limits import ALL_FRAMES, Limits
from cnnfilter.imaging.reading import read, read_frames
from cnnfilter.imaging.size import read_frame_count, read_size
from tests.command import ROOT

SAMPLES = ROOT / "samples"
NAMES = ["coffee.jpg", "camera.png"]


@pytest.fixture
def put():
    def there(name, data):
        fsspec.filesystem("memory").pipe_file(f"/box/{name}", data)
        return f"memory://box/{name}"

    return there


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_at_an_address_has_the_pixels_of_the_file(put, name):
    here, text = SAMPLES / name, put(name, (SAMPLES / name).read_bytes())
    expected = read(here)
    for source in (text, located(text), Fetched(located(text))):
        found = read(source)
        assert np.array_equal(found.pixels, expected.pixels)
        assert (found.format, found.notes) == (expected.format, expected.notes)
    assert read_size(text) == read_size(located(text)) == read_size(here)
    assert read_frame_count(text) is None


def test_what_has_no_signature_goes_by_the_name(put):
    text = put("kernel.csv", b"1,2\n3,4\n")
    assert read(text).pixels.tolist() == [[1, 2], [3, 4]]
    assert read_size(text) == (2, 2, 1)
    assert format_for_path("https://host/a.PNG?size=1.jpg") == "PNG"
    assert format_for_path(located("s3://box/a.tga")) == recognise(b"\0" * 18, located("s3://box/a.tga")) == "TGA"
    with pytest.raises(PictureError, match="not a picture"):
        read(put("kernel", b"1,2\n3,4\n"))


def test_the_bytes_of_what_was_fetched_are_admitted_as_memory(put):
    data = (SAMPLES / "camera.png").read_bytes()
    needed = []
    for source in (SAMPLES / "camera.png", put("camera.png", data)):
        read(source, admit=lambda *need: needed.append(need))
    assert needed[1] == (*needed[0][:3], needed[0][3] + len(data))


def test_no_more_is_fetched_than_was_allowed(put):
    text = put("camera.png", (SAMPLES / "camera.png").read_bytes())
    with pytest.raises(PictureError, match="cannot be read: more than 100 bytes"):
        next(read_frames(text, Limits(download=100)))
    with pytest.raises(PictureError, match="cannot be read: more than 100 bytes"):
        read_size(text, 100)


def test_what_cannot_be_read_is_told_as_of_a_file(box):
    for question in (read, read_size):
        with pytest.raises(PictureError, match="^no such bucket$"):
            question("s3://none/a.png")
    with pytest.raises(PictureError, match="^no such file$"):
        read("memory://box/none.png")
    with pytest.raises(PictureError, match="^no such file$"):
        read_size("memory://box/none.png")
    with pytest.raises(PictureError, match="cannot be read: is a folder"):
        next(read_frames("s3://box/folder/", ALL_FRAMES))
    with pytest.raises(ArgumentError, match="the address file:///etc/passwd: it is of this machine"):
        read("file:///etc/passwd")
