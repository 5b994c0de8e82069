"""Buckets and folders over HTTP whose servers fail when a test orders it (`tests/serving.py` has the other half).

Each server is a process of its own: its threads, and what its libraries warn of, are none of the tests'.
"""

import base64
import contextlib
import html
import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request

from tests.command import ROOT
from tests.serving import BUCKETS, ORDERS

AUTHORIZATION = "AWS4-HMAC-SHA256 Credential={}/20260101/us-east-1/s3/aws4_request, SignedHeaders=, Signature="
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "KEYOFTESTS", "AWS_SECRET_ACCESS_KEY": "secret-of-tests"}


@contextlib.contextmanager
def process(*arguments):
    """Start a server; what it tells of itself. It ends with the context, or with this process."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    command = [sys.executable, "-m", *map(str, arguments)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, env=environment, start_new_session=True
    ) as server:
        try:
            yield json.loads(server.stdout.readline())
        finally:
            server.kill()


@contextlib.contextmanager
def buckets(*names):
    """A server of these buckets, as a `Buckets`."""
    with process("tests.serving", BUCKETS) as told:
        server = Buckets(told["port"])
        for name in names:
            server.ask("PUT", f"/{name}")
        yield server


@contextlib.contextmanager
def web(folder):
    """A server of a folder over HTTP, as a `Server`."""
    with process("tests.serving", "http", folder) as told:
        yield Server(told["port"])


class Server:
    """What a test tells a server, and asks it; `url` is its address."""

    def __init__(self, port):
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def ask(self, method, path, data=None, key=ORDERS, **headers):
        """The body of an answer; an `OSError` if it was refused. One signed with another key meets faults."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers |= {"Authorization": AUTHORIZATION.format(key), "Content-Type": "application/octet-stream"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            with error:
                raise OSError(error.code, error.read().decode()) from None

    def order(self, kind, match="", count=1, **more):
        """Have the next `count` requests that match fail so; all of them, if it is None."""
        self.ask("POST", "/-/faults", json.dumps({"kind": kind, "match": match, "count": count, **more}).encode())

    def forget(self):
        """No more faults; the gates are open, and no requests remembered."""
        self.ask("DELETE", "/-/faults")
        self.ask("DELETE", "/-/requests")

    def requests(self, match="", by=""):
        """The lines of those requests that match, and were signed with a key."""
        lines = json.loads(self.ask("GET", "/-/requests"))
        return [line for who, line in lines if re.search(match, line) and by in who]

    def held(self):
        """How many requests wait at gates."""
        return json.loads(self.ask("GET", "/-/held"))


class Buckets(Server):
    """A server of buckets."""

    def environment(self, key=None, **more):
        """The environment in which `cnnfilter` finds it, signed with another key if one is given."""
        quiet = {
            "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true", "AWS_DEFAULT_REGION": "us-east-1", "NO_PROXY": "127.0.0.1",
        }  # fmt: skip
        signed = CREDENTIALS | ({} if key is None else {"AWS_ACCESS_KEY_ID": key})
        return {**os.environ, **quiet, **signed, "AWS_ENDPOINT_URL": self.url, **more}

    def put(self, name, data):
        """Put an object, whatever stands there; `name` begins with its bucket."""
        self.ask("PUT", "/" + urllib.parse.quote(name), data)

    def get(self, name):
        return self.ask("GET", "/" + urllib.parse.quote(name))

    def fill(self, bucket, names, data):
        """Put the same bytes under many names."""
        order = {"bucket": bucket, "names": list(names), "data": base64.b64encode(data).decode()}
        self.ask("POST", "/-/fill", json.dumps(order).encode())

    def keys(self, bucket, prefix=""):
        """The names of all objects of a bucket, in order."""
        names, after = [], ""
        while True:
            query = urllib.parse.urlencode({"list-type": 2, "prefix": prefix, "start-after": after})
            found = re.findall(r"<Key>(.*?)</Key>", self.ask("GET", f"/{bucket}?{query}").decode(), re.DOTALL)
            if not found:
                return names
            names += map(html.unescape, found)
            after = names[-1]

    def contents(self, bucket, prefix=""):
        """The bytes of each object of a bucket, by its name without the prefix."""
        return {name.removeprefix(prefix): self.get(f"{bucket}/{name}") for name in self.keys(bucket, prefix)}
