"""The errors that whyset raises on purpose; each states what was expected, what was got, where, and what to do."""


class WhysetError(Exception):
    """Base of all errors raised on purpose."""


class InputError(WhysetError, ValueError):
    """Invalid input; the command line prints the message as one line and returns exit code 2."""


class MissingPreprocessingError(InputError):
    """Images need a preprocessing that is not given; `images` names them.

    The message is for Python; the command line replaces it by one that names its options.
    """

    def __init__(self, images: str) -> None:
        super().__init__(images)
        self.images = images

    def __str__(self) -> str:
        return (
            f"{self.images} have no preprocessing that turns them into the model's input: pass "
            "preprocessing=Preprocessing(size=..., mean=..., std=...), from whyset.runner"
        )


class MissingExtraError(WhysetError, ImportError):
    """An optional package is not installed; the message contains the `pip install` command."""


class UnseenOperationError(WhysetError, RuntimeError):
    """An operation between the input and the output of a model cannot be intercepted."""


class UnknownOperationError(WhysetError, RuntimeError):
    """An operation has no rule, and the composite has `on_unknown="raise"`."""


class UncommittedRowsError(WhysetError, IndexError):
    """Rows were read that have not been committed."""


class BrokenRunError(WhysetError, RuntimeError):
    """A run folder is damaged: a file is missing, truncated or does not match its checksum."""


class RunMismatchError(InputError):
    """A run folder holds another configuration than the one to continue with."""


class NotTestedError(InputError):
    """The effects of interventions cannot be measured for a run, for example because its model cannot be loaded."""


class StorageError(WhysetError, RuntimeError):
    """A run cannot be written: the disk is full, the quota is exceeded, or the file system is read-only."""


class JobStoppedError(WhysetError, RuntimeError):
    """Work was stopped because results could not be stored; finished work is kept, and the same command continues."""


class EngineLostError(WhysetError, RuntimeError):
    """The workers of an engine can no longer be reached; finished work is kept."""
