"""What becomes of weight files that are cut, bent and forged, and the files that others wrote to begin with."""

import io
import pickletools
import zipfile

import numpy as np
from safetensors.numpy import save

from tests.command import ROOT
from tests.weights.torch_files import call, in_zip, items, name, number, sequence, table, text, zipped

DATA = ROOT / "tests" / "data" / "pytorch"
KERNELS = ROOT / "samples" / "kernels"
EDGES = [
    b"\0" * 4,
    b"\xff" * 4,
    b"\xff\xff\xff\x7f",
    b"\0\0\0\x80",
    b"\xff" * 8,
    b"\0" * 7 + b"\x80",
    b"\1" + b"\0" * 7,
]
"""Numbers at the ends of what fields hold."""
OPCODES = [opcode.code.encode("latin-1") for opcode in pickletools.opcodes]


def sources():
    """Real files of each kind: zip and other files of PyTorch's, .safetensors, .npz."""
    recorded = np.load(DATA / "expected.npz")
    net = {key.removeprefix("net/"): recorded[key] for key in recorded if key.startswith("net/")}
    zips = [*sorted(DATA.glob("*-zip.pt")), KERNELS / "gabor.pth"]
    return {
        "zip.pt": [path.read_bytes() for path in zips],
        "sequence.pt": [path.read_bytes() for path in (*sorted(DATA.glob("*-sequence.pt")), KERNELS / "pnet.pt")],
        "net.safetensors": [save(net), (KERNELS / "gabor.safetensors").read_bytes()],
        "net.npz": [(DATA / "expected.npz").read_bytes(), (KERNELS / "gabor.npz").read_bytes()],
    }


def mutated(data, chance):
    """A file with some damage, drawn by `chance`: cut, with bits flipped, with parts gone, doubled or overwritten."""
    damage = chance.choice(["cut", "flip", "flip", "gone", "doubled", "edge", "opcode", "opcode", "zeros"])
    if damage == "opcode" and data.startswith(b"PK"):
        return _with_other_pickle(data, chance)
    if damage == "cut":
        return data[: chance.randrange(len(data))]
    changed = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 8])):
        # half of the damage falls on the first or the last bytes, where headers and directories are
        place = chance.choice([chance.randrange(len(changed)), chance.randrange(min(len(changed), 900))])
        place = chance.choice([place, place, len(changed) - 1 - place])
        length = chance.choice([1, 4, 30])
        match damage:
            case "flip":
                changed[place] ^= 1 << chance.randrange(8)
            case "gone":
                del changed[place : place + length]
            case "doubled":
                changed[place:place] = changed[place : place + length]
            case "edge":
                edge = chance.choice(EDGES)
                changed[place : place + len(edge)] = edge
            case "opcode":
                changed[place : place + 1] = chance.choice(OPCODES)
            case "zeros":
                changed[place : place + length] = bytes(len(changed[place : place + length]))
    return bytes(changed)


def _with_other_pickle(data, chance):
    """A zip file of PyTorch's whose pickle has other opcodes, and whose checksums are right."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(stream, "w") as archive:
        for info in old.infolist():
            part = old.read(info)
            if info.filename.endswith("/data.pkl"):
                part = _with_other_opcodes(part, chance)
            archive.writestr(info.filename, part)
    return stream.getvalue()


def _with_other_opcodes(pickle, chance):
    changed, places = bytearray(pickle), [place for _, _, place in pickletools.genops(pickle)]
    for _ in range(chance.choice([1, 1, 2, 5])):
        one, two = chance.choice(places), chance.choice(places)
        if chance.random() < 0.5:
            changed[one : one + 1] = chance.choice(OPCODES)
        else:
            changed[one], changed[two] = changed[two], changed[one]
    return bytes(changed)


CALL = call("os", "system", text("touch ran"))
SELF = b"}q\0" + text("a") + b"h\0s"
EVIL = {
    "call": CALL,
    "protocol 0": b"cos\nsystem\n(S'touch ran'\ntR",
    "instance": b"(" + text("touch ran") + b"ios\nsystem\n",
    "object": b"(" + name("os", "system") + text("touch ran") + b"o",
    "new object": name("os", "system") + items(text("touch ran")) + b"\x81",
    "new object with keywords": name("os", "system") + items(text("touch ran")) + b"}\x92",
    "from the stack": text("os") + text("system") + b"\x93" + items(text("touch ran")) + b"R",
    "eval": call("builtins", "eval", text("__import__('os').system('touch ran')")),
    "exec in a state dict": table({"conv1.weight": call("builtins", "exec", text("open('ran', 'w')"))}),
    "getattr": call("builtins", "getattr", name("os", ""), text("system")) + items(text("touch ran")) + b"R",
    "build": name("os", "system") + b")\x81" + table({"__setstate__": name("os", "system")}) + b"b",
    "set state": name("pathlib", "Path") + b")\x81" + text("touch ran") + b"b",
    "reduced through a tensor": call(
        "torch._tensor", "_rebuild_from_type_v2", name("os", "system"), b"N", items(text("touch ran")), b"N"
    ),
    "a storage of a class": items(text("storage"), name("os", "system"), text("ran"), text("cpu"), number(1)) + b"Q",
    "a persistent text": b"Ptouch ran\n",
    "extension": b"\x82\x01",
    "extension 2": b"\x83\x01\x00",
    "extension 4": b"\x84\x01\x00\x00\x00",
    "buffer": b"\x97\x98",
    "itself": SELF,
    "itself in a list": b"]q\0h\0a",
    "a key that is deep": b"}" + b")" + b"\x85" * 30_000 + b"Ns",
    "deep lists": b"]" * 30_000 + b"a" * 29_999,
    "deep tables": b"}" + (text("a") + b"}") * 20_000 + b"s" * 20_000,
    "doubled tables": b"}q\0" + b"".join(
        b"0}q" + bytes([i]) + b"(" + text("a") + b"h" + bytes([i - 1]) + text("b") + b"h" + bytes([i - 1]) + b"u"
        for i in range(1, 60)
    ),
    "many": b"](" + b"}" * 20_000 + b"e",
    "a number without end": b"I" + b"9" * 100_000 + b"\n",
    "a long number": b"\x8b" + b"\0\0\2\0" + b"\x7f" * 0x20000,
    "a text that is not there": b"\x8d" + b"\xff" * 7 + b"\x7f" + b"abc",
    "bytes that are not there": b"\x8e" + b"\0" * 5 + b"\1\0\0" + b"abc",
    "a shape without end": call(
        "torch._utils", "_rebuild_tensor_v2",
        items(text("storage"), name("torch", "FloatStorage"), text("0"), text("cpu"), number(4)) + b"Q",
        number(0), items(*[number(2**62)] * 60), items(*[number(0)] * 60), b"\x89", b"N",
    ),
}  # fmt: skip
"""Pickles that would do harm if they were run, or take without end."""


def evil():
    """Files of PyTorch's kinds with these pickles, in the place of the state dict and within one, by a name."""
    made = {}
    for what, pickle in EVIL.items():
        within = table({"epoch": number(1), "state_dict": pickle})
        made[f"{what} zip"] = in_zip(within, _0=np.ones(4, np.float32))
        made[f"{what} sequence"] = sequence(pickle, {})
    plain = items(number(1))
    made["bomb"] = zipped(plain, {}, method=zipfile.ZIP_DEFLATED, padding=bytes(30_000_000))
    made["long pickle"] = zipped(b"N" * 17_000_000, {}, method=zipfile.ZIP_DEFLATED)
    made["first pickle"] = b"\x80\x02" + CALL + b"."
    return made
