"""The file that a page is: what it embeds is data, and nothing else than its own scripts and styles runs."""

import base64
import hashlib
import json
import re

import numpy as np
import pytest

from cnnfilter.network.grammar import parse
from cnnfilter.page.assembly import assembled
from cnnfilter.page.document import Given, document


def made(stages, shape=(1, 6, 7), name="a.png"):
    return document(Given(parse(stages), np.arange(np.prod(shape), dtype=np.uint8).reshape(shape), name))


def test_scripts_and_styles_are_allowed_by_their_hashes_and_nothing_else():
    html = assembled(made("conv:edge,relu,maxpool:2"))
    (policy,) = re.findall(r'Content-Security-Policy" content="(.*?)"', html)
    assert policy.startswith("default-src 'none'; ")
    assert policy.endswith("; img-src data: blob:; base-uri 'none'; form-action 'none'")
    assert "unsafe" not in policy
    for tag in ("script", "style"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        assert "<!--" not in text
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


@pytest.mark.parametrize("name", ["</script><img onerror=alert(1)>", "<!--<script>", "a&b\u2028\udcff.png"])
def test_a_hostile_name_is_data(name):
    html = assembled(made("relu", name=name))
    (text,) = re.findall(r'<script type="application/json" id="document">(.*?)</script>', html, re.DOTALL)
    assert "<" not in text
    assert json.loads(text)["picture"]["name"] == name
    assert html.encode()
    assert "<" not in re.search(r"<title>(.*?)</title>", html)[1]
