"""The options of the command line that choose an engine."""

from whyset.options.option import Flag

ENGINE = (
    Flag(
        "Where to run: serial (this process), local (worker processes on this machine), dask (a Dask cluster) or "
        "static (this process is one of several ranks started by Slurm or torchrun).",
        "--engine",
        default="serial",
        choices=("serial", "local", "dask", "static"),
    ),
    Flag(
        "Number of worker processes of engine local, or of each rank of engine static.",
        "--workers",
        kind=int,
        default=None,
        least=1,
    ),
    Flag(
        "Address of the scheduler of engine dask, such as tcp://HOST:8786.",
        "--scheduler",
        default=None,
        shown="DASK_SCHEDULER_ADDRESS",
        metavar="ADDRESS",
    ),
)
