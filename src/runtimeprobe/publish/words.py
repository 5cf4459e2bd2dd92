"""What the symbols and verdicts mean, in plain words for somebody who comes from a search engine; and what a cell says at a glance."""

from runtimeprobe.contract import Claim
from runtimeprobe.results import NOT_EVALUATED, Cell, Struct, Verdict

PLAIN = {
    Verdict.HEARD: "It works. Two different recordings came back as the right words, and without the recording they did not.",
    Verdict.GARBLED: "Something of the sound gets through: the answer changes with the recording, but the words are wrong.",
    Verdict.DEAF: "The sound takes up room in the prompt, and the answer is the same whatever the recording says.",
    Verdict.IGNORED: "The request succeeds and the sound is dropped on the way. Nothing tells you: the model answers without it.",
    Verdict.REJECTED: "It refuses, and says so. An honest no.",
    Verdict.FAILED: "Another error, quoted in the evidence.",
    Verdict.CRASHED: "The runtime's process died while it was asked.",
    Verdict.TIMEOUT: "No answer within the time limit.",
    Verdict.SKIPPED: "Not measured, with the reason. Says nothing about the runtime.",
    Verdict.ERROR: "Our own tool failed. Says nothing about the runtime.",
}
ACCEPTS = (Verdict.HEARD, Verdict.GARBLED, Verdict.DEAF, Verdict.IGNORED)
REFUSES = (Verdict.REJECTED, Verdict.FAILED, Verdict.CRASHED, Verdict.TIMEOUT)


class Glance(Struct, frozen=True, kw_only=True):
    """Three answers, each yes, no or unknown: does it say it takes sound, did it take the request, did the model hear."""

    claimed: str
    accepted: str
    heard: str
    broken: bool  # it says yes, takes the request without an error, and the model does not hear: nothing warns a program

    @property
    def spoken(self) -> str:
        """The same for a screen reader."""
        claimed = {"yes": "claims yes", "no": "claims no", "unknown": "makes no claim"}[self.claimed]
        accepted = {"yes": "accepted", "no": "not accepted", "unknown": "acceptance unknown"}[self.accepted]
        heard = {"yes": "heard", "no": "not heard", "unknown": "hearing unknown"}[self.heard]
        return f"{claimed}, {accepted}, {heard}"


def glance(cell: Cell) -> Glance:
    measured = cell.verdict not in NOT_EVALUATED
    claimed = {Claim.YES: "yes", Claim.NO: "no"}.get(cell.claim, "unknown")
    accepted = "yes" if cell.verdict in ACCEPTS else "no" if cell.verdict in REFUSES else "unknown"
    heard = "unknown" if not measured else "yes" if cell.verdict is Verdict.HEARD else "no"
    return Glance(claimed=claimed, accepted=accepted, heard=heard, broken=(claimed, accepted, heard) == ("yes", "yes", "no"))
