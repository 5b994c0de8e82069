"""What `import cnnfilter` offers."""

import pytest

import cnnfilter


def test_every_name_is_there():
    for name in cnnfilter.__all__:
        assert callable(getattr(cnnfilter, name))
    assert set(cnnfilter.__all__) <= set(dir(cnnfilter))


def test_other_names_are_not():
    with pytest.raises(AttributeError, match="module 'cnnfilter' has no attribute 'conv3d'"):
        _ = cnnfilter.conv3d
