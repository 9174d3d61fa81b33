"""What can go wrong, by whose fault: the audio's, the model's, the options', a worker's, or the disk's."""


class BirdfastError(Exception):
    """Anything that birdfast reports in words instead of a traceback."""


class AudioError(BirdfastError):
    """A recording that cannot be read: the message names the file and the reason."""


class ModelError(BirdfastError):
    """A model that cannot be used: missing, damaged, or not what it claims to be."""


class ModelMemoryError(ModelError):
    """Too little memory for a model, which says nothing about the model: with more of it, it may do."""


class ConfigError(BirdfastError):
    """An option, or a combination of options, that makes no sense."""


class WorkerError(BirdfastError):
    """A worker process that ended twice at the same sound: it crashed, was killed, or fell silent."""


class OutputError(BirdfastError):
    """An output folder that takes nothing more: full, read-only, or gone."""
