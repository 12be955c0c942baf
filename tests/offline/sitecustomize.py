"""On the path of a process and of all that it starts: whoever asks outside is noted and fails."""

import ipaddress
import os
import socket
import sys

_LOG = os.environ["OUTSIDE_LOG"]
_OWN = {"", "localhost", "localhost.localdomain", socket.gethostname()}


def _is_own(host):
    if host is None or host in _OWN:
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _watch(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None  # others are of this machine
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        host = arguments[0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    if not _is_own(host):
        with open(_LOG, "a") as log:
            log.write(f"{host}: {event} by {sys.argv[:4]}\n")
        raise OSError(f"{host} is outside")


sys.addaudithook(_watch)
