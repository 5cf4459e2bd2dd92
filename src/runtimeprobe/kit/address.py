"""Which servers may be spoken to. Standard library alone."""

import ipaddress
from urllib.parse import urlsplit

from runtimeprobe.contract import EngineMissing


def is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def checked(address: str, *, allow_remote: bool = False) -> str:
    """`scheme://host:port/path` without a slash at its end. Raises EngineMissing for what is no server's address, or may not be asked."""
    parts = urlsplit(address if "//" in address else f"http://{address}")
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or parts.fragment or port == -1:
        raise EngineMissing(f"{address} is not the address of a server.", fix="Give it as http://127.0.0.1:PORT.")
    if not allow_remote and not is_loopback(parts.hostname):
        raise EngineMissing(f"{parts.hostname} is not this machine.", fix="Pass --allow-remote if you mean to send clips there.")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
