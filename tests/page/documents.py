"""What pages embed, as tests take it apart again."""

import base64
import json
import re
import zlib

import numpy as np


def document_of(html):
    """What a page embeds."""
    (text,) = re.findall(r'<script type="application/json" id="document">(.*?)</script>', html, re.DOTALL)
    return json.loads(text)


def unpacked(packed):
    """An array as the page's scripts read it."""
    data = zlib.decompress(base64.b64decode(packed["data"]))
    return np.frombuffer(data, np.dtype(packed["type"]).newbyteorder("<")).reshape(packed["shape"])
