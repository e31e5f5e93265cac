"""The errors that whyset raises on purpose: each says what was expected, what came, where, and what to do."""


class WhysetError(Exception):
    """Base of all errors raised on purpose."""


class InputError(WhysetError, ValueError):
    """What the user gave does not fit; the command line answers with this one line and exit code 2."""


class MissingPreprocessingError(InputError):
    """Images have to be made into the model's input, and nothing states how; `images` names them.

    The message is for Python; the command line has options, and replaces it.
    """

    def __init__(self, images: str) -> None:
        super().__init__(images)
        self.images = images

    def __str__(self) -> str:
        return (
            f"{self.images} have no preprocessing that makes them the model's input: pass "
            "preprocessing=Preprocessing(size=..., mean=..., std=...), from whyset.runner"
        )


class MissingExtraError(WhysetError, ImportError):
    """An optional package is not installed; the message carries the `pip install` that brings it."""


class UnseenOperationError(WhysetError, RuntimeError):
    """Something between the input and the output of a model is hidden from interception."""


class UnknownOperationError(WhysetError, RuntimeError):
    """An operation has no rule, and the composite was told to raise (`on_unknown="raise"`)."""


class UncommittedRowsError(WhysetError, IndexError):
    """Rows were read that no commit vouches for."""


class BrokenRunError(WhysetError, RuntimeError):
    """A run folder is damaged: a file is missing, truncated or does not match its checksum."""


class RunMismatchError(InputError):
    """A run folder belongs to another configuration than the one it was to be continued with."""


class StorageError(WhysetError, RuntimeError):
    """Nothing can be written where a run is: the disk is full, the quota used up, the file system read-only."""


class JobStoppedError(WhysetError, RuntimeError):
    """Work was stopped because it could not be kept; what is finished is kept, and the same command continues."""


class EngineLostError(WhysetError, RuntimeError):
    """The workers of an engine can no longer be reached; what they finished is kept."""
