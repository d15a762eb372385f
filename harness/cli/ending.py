"""How a command ends: signals, and errors as a person should read them."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
import time
from types import FrameType
from typing import NoReturn

from rich.text import Text

from harness.cli.screen import screen
from harness.errors import EnvironmentProblem, HarnessError, LeftBehind, RecordFull
from harness.model.redaction import clean
from harness.report.text import inert

end_now = os._exit
AGAIN = 0.05
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """SIGINT, SIGTERM or SIGHUP arrived. A BaseException, so that no `except Exception` keeps it."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


def on_signals() -> None:
    """Turns the signals that end a process into Interrupted, so that every `with` closes what it holds.

    The first one does. The second ends the process at once: the watchdog then removes what is left.
    """

    def give_up(number: int, frame: FrameType | None) -> None:
        end_now(128 + number)

    def interrupt(number: int, frame: FrameType | None) -> None:
        for other in ENDING:
            signal.signal(other, give_up)
        raise Interrupted(number)

    usual = sys.unraisablehook

    def not_lost(dropped: sys.UnraisableHookArgs) -> None:
        """Python drops what is raised while an object is finalised: the interruption comes again a moment later."""
        if not isinstance(dropped.exc_value, Interrupted):
            usual(dropped)
            return
        number = dropped.exc_value.exit_code - 128
        signal.signal(number, interrupt)
        threading.Timer(AGAIN, os.kill, (os.getpid(), number)).start()

    sys.unraisablehook = not_lost
    for number in ENDING:
        signal.signal(number, interrupt)
    parent = os.environ.pop("REHEARSE_PARENT", "")
    if parent.isdigit():
        threading.Thread(target=_end_with, args=(int(parent),), daemon=True).start()


def on_hard_exits() -> None:
    """From here on `os._exit` in this process ends it as `sys.exit` does: what a scenario calls must not look READY,
    and every `with` closes what it holds. Processes that are forked off end as they are used to."""
    mine = os.getpid()

    def softly(status: int) -> NoReturn:
        if os.getpid() == mine:
            raise SystemExit(status)
        end_now(status)

    os._exit = softly


def _end_with(parent: int) -> None:
    """Interrupts this process once the one that started it is gone: a test run that was killed asks for nothing."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)


def full_disk(problem: BaseException) -> EnvironmentProblem | None:
    """What a full disk means, where that is what the problem is."""
    if not isinstance(problem, OSError) or problem.errno not in (errno.ENOSPC, errno.EDQUOT):
        return None
    return EnvironmentProblem(
        f"no space is left on the disk{f' for {problem.filename}' if problem.filename else ''}",
        expected="room for the record and its reports: 1 GiB is asked for at the start",
        cause="something else fills the same disk, or the services' logs and data do",
        fix="free some, or give another place with --out, and rehearse again",
    )


def on_trouble_beside() -> None:
    """A thread that meets a full disk, or a full record, ends quietly: the main thread meets it too, and tells of it
    once."""
    usual = threading.excepthook

    def told(problem: threading.ExceptHookArgs) -> None:
        value = problem.exc_value
        if value is None or not (isinstance(value, RecordFull) or full_disk(value)):
            usual(problem)

    threading.excepthook = told


def explain_error(problem: HarnessError) -> None:
    """Prints what was seen, what was expected, the likely cause and what to do."""
    console = screen(error=True)
    console.print(Text.assemble(("error: ", "bold red"), inert(clean(problem.seen))))
    for label, text in (
        ("expected", problem.expected),
        ("likely cause", problem.cause),
        ("fix", problem.fix),
    ):
        if text:
            console.print(Text.assemble((f"  {label}: ", "bold"), inert(clean(text))))


WEIGHT = (6, 4, 5, 7, 124, 130, 1, 3)
"""Exit codes, the weightiest first: of two things that went wrong, the command ends with the graver one's."""


def weightiest(problem: BaseException) -> int:
    """The exit code of a problem; where something could not be removed while another one was being dealt with, the
    graver of both."""
    codes = [_code(problem)]
    if isinstance(problem, LeftBehind) and problem.__cause__ is None and problem.__context__ is not None:
        codes.append(_code(problem.__context__))
    return min(codes, key=lambda code: WEIGHT.index(code) if code in WEIGHT else len(WEIGHT))


def _code(problem: BaseException) -> int:
    return int(getattr(problem, "exit_code", 4))
