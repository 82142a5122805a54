"""What can go wrong, each with the exit code that a caller can rely on.

Tests that drive the stack tell "it failed" (1) from "it cannot run here" (3): the latter is reported as skipped, with the
reason, and never passes in silence.
"""


class StackError(Exception):
    """Something failed at run time."""

    code = 1


class UsageError(StackError):
    """The command line is wrong."""

    code = 2


class Skipped(StackError):
    """This machine lacks something that the stack needs."""

    code = 3
