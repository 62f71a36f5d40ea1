"""Prints the port that is given if nobody listens there on the loopback address, and 0 ("any") otherwise."""

import socket
import sys


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


if __name__ == "__main__":
    wanted = int(sys.argv[1])
    print(wanted if is_free(wanted) else 0)
