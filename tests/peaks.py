"""How much memory this process takes at most, since the last reset.

`getrusage` begins with what the process that started this one took, and knows no reset: of a child of a large process
it tells nothing. Linux has both in /proc; elsewhere, `getrusage` has to do.
"""

import contextlib
import re
import resource
import sys
from pathlib import Path

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def reset():
    """Let `peak` begin with what is held now."""
    with contextlib.suppress(OSError):
        _RESET.write_text("5")


def peak():
    """Bytes that were held at most."""
    if _STATUS.exists() and (found := re.search(r"VmHWM:\s*(\d+) kB", _STATUS.read_text())):
        return 1024 * int(found[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
