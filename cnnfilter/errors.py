"""Every error that cnnfilter raises on purpose.

::

    CnnfilterError
    ├── ArgumentError (also ValueError)   a value outside its limits: a stride of 0, a NaN in a kernel
    │   ├── ShapeError                    sizes that do not fit: a window larger than its padded input
    │   │   └── RoomError (also MemoryError)    a result larger than memory
    │   └── GrammarError                  text of stages that cannot be read, with the place
    ├── KernelError                       an unknown kernel, or a weight file that cannot be used
    ├── PictureError                      a picture that cannot be decoded, encoded, or is refused
    ├── OutputError                       an output that may not or could not be written
    │   ├── ExistsError                   a file that exists and may not be overwritten
    │   ├── DiskFullError                 there is no room left to write it
    │   └── ConflictError                 outputs that a plan refuses, a line for each; in `batch.plan`
    ├── ClusterError                      a cluster that cannot be reached, or does not fit
    └── MissingExtraError                 an optional library that is not installed

    CnnfilterWarning (a UserWarning)          what was left out or decided, and should be known

A message is one line for a person: the value, the limit, and what to do. Whether an error ends the
whole run (exit code 2) or fails one input (1) depends on when it is raised, not on its class.
"""


class CnnfilterError(Exception):
    """Base of every error raised on purpose."""


class ArgumentError(CnnfilterError, ValueError):
    """A value outside its limits."""


class ShapeError(ArgumentError):
    """Sizes that do not fit together."""


class RoomError(ShapeError, MemoryError):
    """A result for which there is no memory."""


class GrammarError(ArgumentError):
    """Text of stages that cannot be read.

    Parameters
    ----------
    message : str
        With the place in words.
    stage : int, optional
        Which stage, counted from 1.
    column : int, optional
        Which character of the text, or of the line of a file, counted from 1.
    """

    def __init__(self, message: str, *, stage: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.stage = stage
        self.column = column


class KernelError(CnnfilterError):
    """An unknown kernel, or a weight file that cannot be used."""


class PictureError(CnnfilterError):
    """A picture that cannot be decoded, cannot be encoded, or is refused."""


class OutputError(CnnfilterError):
    """An output that may not be written, or whose writing failed."""


class ExistsError(OutputError):
    """A file that exists and may not be overwritten."""


class DiskFullError(OutputError):
    """An output for which there is no room left."""


class ClusterError(CnnfilterError):
    """A cluster that cannot be reached, or whose workers do not fit."""


class CnnfilterWarning(UserWarning):
    """What was left out or decided, which a person should know; one line, told once."""


class MissingExtraError(CnnfilterError):
    """An optional library that is not installed; the message holds the command that installs it."""
