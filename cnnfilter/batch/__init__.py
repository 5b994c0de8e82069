"""Many files, safely: which input makes which output, and how it is written."""
