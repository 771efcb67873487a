"""An S3 server on this machine: moto, from the environment `services` (`make test` builds it)."""

import contextlib
import socket
import subprocess
import time
from pathlib import Path

PROGRAM = Path(__file__).parents[1] / ".tools" / "services" / "bin" / "moto_server"
#: What the server takes for a key: anything. boto3 wants one all the same.
KEYS = {"access_key": "test", "secret_key": "test"}


def unavailable():
    """Say why there can be no server here, or return None."""
    return None if PROGRAM.exists() else ".tools/services is not built (make services)"


@contextlib.contextmanager
def server(*, log):
    """Give the address of a running server; what it holds is gone in the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (
        open(log, "w") as out,
        subprocess.Popen([PROGRAM, "-H", "127.0.0.1", "-p", str(port)], stdout=out, stderr=out) as process,
    ):
        try:
            _wait(port=port, process=process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def _wait(*, port, process, seconds=120):
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.2)
    raise TimeoutError(f"no S3 server on port {port} within {seconds} s")


def environment(address):
    """Return the variables by which Snakemake's storage plugin finds the server."""
    settings = {"endpoint_url": address, **KEYS}
    return {f"SNAKEMAKE_STORAGE_S3_{name.upper()}": value for name, value in settings.items()}


def client(address):
    """Return a client of boto3."""
    import boto3

    return boto3.client(
        "s3",
        endpoint_url=address,
        region_name="us-east-1",
        aws_access_key_id=KEYS["access_key"],
        aws_secret_access_key=KEYS["secret_key"],
    )
