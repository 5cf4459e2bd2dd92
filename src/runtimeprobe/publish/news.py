"""A change as a sentence: what the feed, the site and GitHub's summary say of it."""

from runtimeprobe.history.model import Change, Key, Kind, Spell
from runtimeprobe.publish.interface import safe


def short(model: str) -> str:
    """`gemma-4-e4b` is E4B to whoever reads of it."""
    name = model.removeprefix("gemma-4-")
    return name.upper() if name != model else model


def subject(key: Key, version: str) -> str:
    """`mlx-vlm 0.7.11: E4B generate.audio`."""
    weights = "" if key.weights == "twin" else f" ({' '.join(filter(None, (key.weights, key.quantization)))})"
    where = f" on {key.platform}" if key.platform else ""
    return safe(f"{f'{key.engine} {version}'.strip()}: {short(key.model)}{weights} {key.route}{where}")


def sentence(change: Change) -> str:
    before, after = change.before, change.after
    version = after.engine_version if after else before.engine_version if before else ""
    return safe(f"{subject(change.key, version)} {said(change.kind, before, after)}")


def said(kind: Kind, before: Spell | None, after: Spell | None) -> str:
    was, now = before.verdict.value if before else "", after.verdict.value if after else ""
    match kind:
        case Kind.IMPROVED | Kind.REGRESSED:
            return f"{kind} from {was} to {now}{since(before, after)}"
        case Kind.BROKEN:
            return f"is worse than the known issue: {now}, was {was}{since(before, after)}"
        case Kind.FLAKY:
            return f"is flaky: {was} and {now} with the same version"
        case Kind.NEW:
            return f"is new: {now}"
        case Kind.GONE:
            return f"is gone; it was {was}"
        case Kind.STALE:
            return f"has not been measured since {before.last[:10]}" if before else "has not been measured for long"
        case Kind.FIXED:
            return f"fixed: {now}, against what the known issue let us expect"
        case _:
            return f"{kind}: {was} to {now}" if was else f"{kind}: {now}"


def since(before: Spell | None, after: Spell | None) -> str:
    """The versions on both sides, where they differ."""
    if not before or not after or before.engine_version == after.engine_version or not before.engine_version:
        return ""
    return f" (was {before.engine_version})"
