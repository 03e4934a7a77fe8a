# SPDX-License-Identifier: Apache-2.0
"""Amazon's own DynamoDB for tests ("DynamoDB local"), which knows transactions,
believes signatures, and runs on Java; as npm has it, 56 MB."""
import subprocess

from .. import Process
from . import npm

PACKAGE = "amplify-dynamodb-simulator"
VERSION = "2.9.30"


def emulator():
    """Its folder; fetched once."""
    archive = npm(f"{PACKAGE}-{VERSION}.tgz", "pack", "--silent",
                  f"{PACKAGE}@{VERSION}")
    home = archive.parent / "package" / "emulator"
    if not (home / "DynamoDBLocal.jar").exists():
        subprocess.run(["tar", "-xzf", archive, "-C", archive.parent],
                       check=True)
    return home


def server(folder, port):
    """A context manager; the table is to be made."""
    home = emulator()
    return Process(["java", f"-Djava.library.path={home}/DynamoDBLocal_lib",
                    "-jar", home / "DynamoDBLocal.jar", "-inMemory",
                    "-sharedDb", "-disableTelemetry", "-port", port], folder,
                   ("127.0.0.1", port))
