"""Errors that speak to the person: each message says what was wrong, with which value, and what to do."""


class VaeError(ValueError):
    """Something the person can mend. The message is shown as it is, on a page or on the command line."""


class ConfigError(VaeError):
    """A setting is unknown, missing or out of bounds."""


class DataError(VaeError):
    """A data set is unknown, missing, truncated or altered."""


class CheckpointError(VaeError):
    """A checkpoint is missing, incomplete, or holds what its card does not promise."""


class ExportError(VaeError):
    """A network holds a layer that cannot be described to another runtime."""


class BusyError(VaeError):
    """Another process is at work on the same thing."""


class StoreError(VaeError):
    """A shared store of checkpoints cannot be reached, or does not take what it is given."""


class RunError(VaeError):
    """What was asked of a run cannot be done in the state it is in."""
