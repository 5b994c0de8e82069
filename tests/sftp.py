"""A server of files over SFTP (asyncssh's), a process of its own: `python -m tests.sftp FOLDER HOME`.

It serves the folder as its root, to the user `USER` with the password `PASSWORD` or the key that it lays into
`HOME/.ssh`, where `known_hosts` has its own. It is ordered as those of `tests/serving.py` are; lines are "open /a.jpg",
"write", "rename /.a.tmp /a.jpg", "posix_rename ...", "remove ...", and kinds those of `FAULTS`.
"""

import asyncio
import contextlib
import os
import sys
from pathlib import Path

from cnnfilter.runtime import store
from tests.buckets import Server, process
from tests.serving import Faulty, Orders, serve, tell

USER, PASSWORD = "ada", "geheim"


class Files(Server):
    """What a test tells a server of files, and asks it; `address` is that of its root, without a user."""

    def __init__(self, told, home):
        super().__init__(told["orders"])
        self.host = f"127.0.0.1:{told['port']}"
        self.home = home

    def address(self, path="", user=USER, password=None):
        """The address of a file; with the user's password, where one is given."""
        return f"sftp://{user}{'' if password is None else ':' + password}@{self.host}/{path}"

    def environment(self, **more):
        """The environment in which the server is known, and a key is there that it knows; machine code stays stored."""
        kept = store.folder()
        kept = {} if kept is None else {"CNNFILTER_CACHE_DIR": str(kept)}
        return {**os.environ, "HOME": str(self.home), "SSH_AUTH_SOCK": "", **kept, **more}


@contextlib.contextmanager
def sftp(folder, home):
    """A server of a folder; a home is made where it is known and has a key of its own."""
    home.mkdir()
    with process("tests.sftp", folder, home) as told:
        yield Files(told, home)


def _fail(channel):
    import asyncssh

    msg = "as ordered"
    raise asyncssh.SFTPFailure(msg)


def _lose(channel):
    channel.get_connection().abort()


FAULTS = {"failure": _fail, "lost": _lose}


async def _serve(folder, home, orders):
    import asyncssh

    ssh = Path(home) / ".ssh"
    ssh.mkdir(mode=0o700)
    host, person = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    person.write_private_key(ssh / "id_ed25519")
    (ssh / "id_ed25519").chmod(0o600)

    class Door(asyncssh.SSHServer):
        def begin_auth(self, username):
            return True

        def public_key_auth_supported(self):
            return True

        def validate_public_key(self, username, key):
            return username == USER and key == person.convert_to_public()

        def password_auth_supported(self):
            return True

        def validate_password(self, username, password):
            return (username, password) == (USER, PASSWORD)

    class Room(asyncssh.SFTPServer):
        def meet(self, *words):
            line = " ".join(word if isinstance(word, str) else os.fsdecode(word) for word in words)
            fault = orders.meet(self.channel.get_extra_info("username"), line)
            if fault is not None:
                FAULTS[fault["kind"]](self.channel)

        def open(self, path, pflags, attrs):
            self.meet("open", path)
            return super().open(path, pflags, attrs)

        def write(self, file_obj, offset, data):
            self.meet("write")
            return super().write(file_obj, offset, data)

        def rename(self, oldpath, newpath):
            self.meet("rename", oldpath, newpath)
            return super().rename(oldpath, newpath)

        def posix_rename(self, oldpath, newpath):
            self.meet("posix_rename", oldpath, newpath)
            return super().posix_rename(oldpath, newpath)

        def remove(self, path):
            self.meet("remove", path)
            return super().remove(path)

    server = await asyncssh.create_server(
        Door, "127.0.0.1", 0, server_host_keys=[host], sftp_factory=lambda channel: Room(channel, chroot=folder)
    )
    port = server.get_port()
    (ssh / "known_hosts").write_text(f"[127.0.0.1]:{port} {host.export_public_key().decode()}")
    tell(port=port, orders=serve(Faulty(None, orders=orders)))
    await asyncio.Event().wait()


def main(folder, home):
    asyncio.run(_serve(folder, home, Orders(FAULTS)))


if __name__ == "__main__":
    main(*sys.argv[1:])
