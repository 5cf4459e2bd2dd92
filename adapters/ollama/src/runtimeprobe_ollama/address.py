"""Where Ollama listens: OLLAMA_HOST as Ollama itself reads it (envconfig/config.go, function Host)."""

import ipaddress
import re
from dataclasses import dataclass

from runtimeprobe.kit.address import is_loopback

DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 11434
HOST_PORT = re.compile(r"(?:\[(?P<six>[^\]]*)\]|(?P<name>[^:\[\]]*))(?::(?P<port>[0-9]{1,9}))?")
SCHEME_PORTS = {"http": 80, "https": 443}  # only where a scheme is written


@dataclass(frozen=True, slots=True)
class Address:
    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def loopback(self) -> bool:
        return is_loopback(self.host)


def parse(text: str) -> Address:
    """`host`, `host:port`, `:port`, `scheme://host:port/path`. An address to listen on everywhere is asked on the loopback."""
    scheme, found, rest = text.strip().strip("\"'").partition("://")
    if not found:
        scheme, rest, port = "http", scheme, DEFAULT_PORT
    else:
        port = SCHEME_PORTS.get(scheme, DEFAULT_PORT)
    match = HOST_PORT.fullmatch(rest.partition("/")[0])
    host, digits = ((match["six"] or match["name"] or ""), match["port"] or "") if match else (rest.partition("/")[0].strip("[]"), "")
    if digits and int(digits) <= 65535:
        port = int(digits)
    host = host or DEFAULT_HOST
    try:
        if ipaddress.ip_address(host).is_unspecified:
            host = DEFAULT_HOST
    except ValueError:
        pass
    return Address(scheme, host, port)
