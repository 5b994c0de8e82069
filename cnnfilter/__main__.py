"""`python -m cnnfilter` is the command `cnnfilter`."""

import sys

from cnnfilter.cli.main import main

sys.exit(main())
