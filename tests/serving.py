"""Servers of files that fail when they are told to: buckets as S3 has them (moto's), and a folder over HTTP.

Each is a process of its own (`python -m tests.serving s3`, `python -m tests.serving http FOLDER`) that tests start by
`tests/buckets.py`. It tells its port as JSON, and ends with its standard input. What stands below `/-/` orders it:

    POST   /-/faults    {"kind", "count", "match", ...}: a kind of `FAULTS`, for the next `count` requests (null: for
                        all) whose line, as "PUT /bucket/a.jpg?partNumber=2", the pattern `match` is found in
    DELETE /-/faults    forgets all of them, and opens the gates
    GET    /-/requests  the requests that came, each with the key that it was signed with and its line
    DELETE /-/requests  forgets them
    GET    /-/held      how many requests wait at gates
    POST   /-/fill      {"bucket", "names", "data"}: puts the same bytes (base64) under many names
"""

import base64
import gzip
import io
import json
import logging
import os
import re
import sys
import threading
import time
from pathlib import Path

SIGNED_BY = re.compile(r"Credential=([^/]+)/")
ORDERS = "tests"
"""Who asks where a test does: such requests meet no faults, and are not counted."""
CODES = {403: "AccessDenied", 404: "NoSuchKey", 501: "NotImplemented", 503: "SlowDown"}
"""What S3 calls a status, where an order does not say."""
BOMB = 200 << 20
"""Bytes of zeros that `gzip` packs."""
BUCKETS = "s3"


class Orders:
    """What was ordered, and what came."""

    def __init__(self, kinds):
        self.kinds = kinds
        self.condition = threading.Condition()
        self.faults, self.requests = [], []
        self.held = 0

    def add(self, fault):
        if fault["kind"] not in self.kinds:
            raise KeyError(fault["kind"])
        self.faults.append(fault)

    def meet(self, who, line):
        """The fault that a request is to meet, as it was ordered; None for most."""
        with self.condition:
            self.requests.append((who, line))
            for fault in self.faults:
                if fault["count"] != 0 and re.search(fault["match"], line):
                    if fault["count"] is not None:
                        fault["count"] -= 1
                    return fault
        return None

    def wait(self, fault):
        """Hold a request until its gate is forgotten."""
        with self.condition:
            self.held += 1
            self.condition.wait_for(lambda: fault not in self.faults)
            self.held -= 1

    def forget(self):
        with self.condition:
            self.faults = []
            self.condition.notify_all()


class Faulty:
    """A WSGI application behind one lock, whose answers fail as it is ordered.

    The lock makes what S3 promises of what moto does: to look whether an object stands there, and to put it, is one.
    """

    def __init__(self, app, fill=None, orders=None):
        self.app, self.fill = app, fill
        self.orders = orders or Orders(FAULTS)
        self.lock = threading.Lock()

    def __call__(self, environ, start):
        return self.respond(environ)(environ, start)

    def respond(self, environ):
        body = _body(environ)
        path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
        line = f"{environ['REQUEST_METHOD']} {path}" + f"?{query}" * bool(query)
        if path.startswith("/-/"):
            return self.obey(line, body)
        if body is None:  # whoever sent it has gone in the middle
            return _lost
        signed = SIGNED_BY.search(environ.get("HTTP_AUTHORIZATION", ""))
        who = signed[1] if signed else ""
        fault = None if who == ORDERS else self.orders.meet(who, line)
        return self.answer(environ) if fault is None else FAULTS[fault["kind"]](self, environ, fault)

    def answer(self, environ):
        from werkzeug.wrappers import Response

        with self.lock:
            return Response.from_app(self.app, environ, buffered=True)

    def obey(self, line, body):
        from werkzeug.wrappers import Response

        orders = self.orders
        told = None
        if line == "POST /-/faults":
            orders.add(json.loads(body))
        elif line == "DELETE /-/faults":
            orders.forget()
        elif line == "GET /-/requests":
            told = orders.requests
        elif line == "DELETE /-/requests":
            orders.requests = []
        elif line == "GET /-/held":
            told = orders.held
        elif line == "POST /-/fill":
            order = json.loads(body)
            with self.lock:
                self.fill(order["bucket"], order["names"], base64.b64decode(order["data"]))
        else:
            return Response("no such order", 400)
        return Response(json.dumps(told))


def _body(environ):
    """What was sent, whole, which is then read from memory; None if its sender has gone in the middle."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    try:
        data = environ["wsgi.input"].read(*([] if environ.get("wsgi.input_terminated") else [length]))
    except OSError:
        return None
    if len(data) < length:
        return None
    environ["wsgi.input"] = io.BytesIO(data)
    return data


def _lost(environ, start):
    """An answer that never comes: the connection ends."""
    environ["werkzeug.socket"].shutdown(2)
    start("200 OK", [])
    return [b""]


def _status(faulty, environ, fault):
    """A refusal: `status`, and what S3 calls it (`code`)."""
    from werkzeug.wrappers import Response

    code = fault.get("code") or CODES.get(fault["status"], "InternalError")
    text = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>as ordered</Message></Error>"
    return Response(text, fault["status"], content_type="application/xml")


def _truncate(faulty, environ, fault):
    """Half of the answer's body, under the length of the whole; then the connection ends."""
    answer = faulty.answer(environ)
    body = answer.get_data()
    headers = answer.headers.to_wsgi_list()

    def cut(environ, start):
        start(answer.status, headers)
        yield body[: len(body) // 2]
        environ["werkzeug.socket"].shutdown(2)

    return cut


def _lose_answer(faulty, environ, fault):
    """It is done, and nobody told."""
    faulty.answer(environ)
    return _lost


def _hang(faulty, environ, fault):
    """Nothing for `seconds`; then the answer."""
    time.sleep(fault["seconds"])
    return faulty.answer(environ)


def _hold(faulty, environ, fault):
    """The answer, once the gate is forgotten."""
    faulty.orders.wait(fault)
    return faulty.answer(environ)


def _endless(faulty, environ, fault):
    """A body without an end."""
    from itertools import repeat

    from werkzeug.wrappers import Response

    return Response(repeat(b"x" * 65536))


def _gzip(faulty, environ, fault):
    """A small body that says it is packed, and is large."""
    from werkzeug.wrappers import Response

    return Response(gzip.compress(bytes(BOMB), 1), headers={"Content-Encoding": "gzip"})


def _redirect(faulty, environ, fault):
    """To the address `to`."""
    from werkzeug.wrappers import Response

    return Response(status=302, headers={"Location": fault["to"]})


FAULTS = {
    "status": _status,
    "truncate": _truncate,
    "lost": lambda faulty, environ, fault: _lost,
    "lost-answer": _lose_answer,
    "hang": _hang,
    "gate": _hold,
    "endless": _endless,
    "gzip": _gzip,
    "redirect": _redirect,
}


def _s3():
    """Moto's application, and what puts many objects."""
    from moto.core import DEFAULT_ACCOUNT_ID
    from moto.moto_server.werkzeug_app import create_backend_app
    from moto.s3.models import s3_backends

    def fill(bucket, names, data):
        for name in names:
            s3_backends[DEFAULT_ACCOUNT_ID]["aws"].put_object(bucket, name, data)

    return create_backend_app("s3"), fill


def _folder(folder):
    """An application that reads the files of a folder, whole or in part."""
    from werkzeug.utils import safe_join, send_file
    from werkzeug.wrappers import Response

    def app(environ, start):
        path = safe_join(folder, environ["PATH_INFO"].lstrip("/"))
        found = path is not None and Path(path).is_file()
        answer = send_file(path, environ) if found else Response("not found", 404)
        return answer(environ, start)

    return app


def end_with_standard_input():
    """End this process when whoever started it has."""
    sys.stdin.buffer.read()
    os._exit(0)


def serve(app):
    """The port at which an application is served by threads of this process, which ends with its standard input."""
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    threading.Thread(target=end_with_standard_input, daemon=True).start()
    return server.server_port


def tell(**facts):
    """Tell whoever started this process, once."""
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def main(kind, *folder):
    tell(port=serve(Faulty(*_s3()) if kind == BUCKETS else Faulty(_folder(*folder))))
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
