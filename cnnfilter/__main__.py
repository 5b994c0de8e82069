"""`python -m cnnfilter` is the command `cnnfilter`, and this is where both begin."""

import signal

# Until `main` sees to signals there is nothing to clean up: one that comes while modules load ends the process as it
# ends any other, where Python would show a traceback.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import sys  # noqa: E402

from cnnfilter.cli.main import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
