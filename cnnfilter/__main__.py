"""`python -m cnnfilter` is the command `cnnfilter`, and this is where both begin."""

import sys

# With `-m`, Python looks for modules in the working folder first: a `numpy.py` among pictures would be run. (What
# Python itself and `cnnfilter/__init__.py` have loaded by now could only be kept from there by `python -P -m`.)
if __name__ == "__main__" and sys.argv[0] == __file__ and not sys.flags.safe_path:
    del sys.path[0]

import signal  # noqa: E402

# Until `main` sees to signals there is nothing to clean up: one that comes while modules load ends the process as it
# ends any other, where Python would show a traceback.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from cnnfilter.cli.main import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
