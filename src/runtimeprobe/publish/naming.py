"""File names for engines, runtimes and models, whatever they are called."""

import hashlib
import re


def file_name(text: str) -> str:
    """Lower case letters, digits, dots and dashes; one that had to change more than its case and spaces gets a digest, to stay unique."""
    plain = re.sub(r"[^a-z0-9.-]+", "-", text.lower().replace(" ", "-")).strip(".-")[:80]
    if plain and plain == text.lower().replace(" ", "-"):
        return plain
    made = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{plain}-{made}" if plain else made


def https(address: str) -> str:
    """An address one may link to, or "": whatever is not plain http(s) could be a script."""
    return address if re.fullmatch(r"https?://[\x21-\x7e]{1,500}", address) else ""
