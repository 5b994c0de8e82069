"""Run a command and write how long it took, on the clock and of the processors, and the most memory it held, as JSON.

A process of its own, run without the benchmarks' imports: what a parent holds at the start of a child counts in the
child's peak.
"""

import json
import os
import sys
import time

KILOBYTE = 1 if sys.platform == "darwin" else 1024


def main(command):
    nowhere = (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)
    begin = time.perf_counter()
    child = os.posix_spawn(command[0], command, os.environ, file_actions=[nowhere])
    _, status, usage = os.wait4(child, 0)
    seconds = time.perf_counter() - begin
    processors = usage.ru_utime + usage.ru_stime
    json.dump({"seconds": seconds, "processors": processors, "peak": usage.ru_maxrss * KILOBYTE}, sys.stdout)
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
