"""The command `rehearse`: one module per sub-command, its docstring is its help text."""

from __future__ import annotations

import sys
import traceback

import click

from harness.cli import (
    baseline,
    compare,
    completion,
    created,
    doctor,
    explain,
    fuzz,
    gc,
    github,
    images,
    init,
    judge,
    load,
    replay,
    report,
    run,
    users,
    worker,
)
from harness.cli.ending import (
    Interrupted,
    end_now,
    explain_error,
    on_hard_exits,
    on_signals,
    on_trouble_beside,
    weightiest,
)
from harness.cli.streams import mask_streams
from harness.errors import HarnessError, UsageError
from harness.model.redaction import clean
from harness.report.text import inert
from harness.stage.leash import something_is_left


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="rehearse")
def cli() -> None:
    """Holds the dress rehearsal of a batch: what breaks, at how many users, why, and what to change.

    \b
    rehearse run scenarios/friday_payouts.py
    rehearse run scenarios/friday_payouts.py --scales 1,2 --stage process
    rehearse doctor
    """


for module in (
    init,
    run,
    load,
    worker,
    judge,
    replay,
    fuzz,
    report,
    compare,
    baseline,
    created,
    explain,
    users,
    images,
    doctor,
    gc,
    completion,
):
    cli.add_command(module.command)


def main() -> None:
    """Runs the command and ends the process with the exit code of the contract."""
    mask_streams()
    on_signals()
    on_hard_exits()
    on_trouble_beside()
    with github.commands_off():
        code = _run()
    if something_is_left():  # and nobody waits for threads that wait for an engine: the watchdog goes on
        sys.stdout.flush()
        sys.stderr.flush()
        end_now(code)
    sys.exit(code)


def _run() -> int:
    try:
        code = cli.main(standalone_mode=False)
    except click.exceptions.Exit as ending:
        code = ending.exit_code
    except click.ClickException as problem:
        problem.show()
        code = 2
    except (click.Abort, KeyboardInterrupt, Interrupted) as problem:
        code = getattr(problem, "exit_code", 130)
    except SystemExit as problem:  # a scenario that calls sys.exit(0) must not look READY
        explain_error(
            UsageError(
                f"something ended the process (sys.exit({problem.code!r}), or os._exit) while `rehearse` was at work",
                expected="a scenario that returns, or raises what is wrong",
                fix="take the call out of the scenario, and out of what it imports",
            )
        )
        code = UsageError.exit_code
    except HarnessError as problem:
        explain_error(problem)
        code = weightiest(problem)
    except BaseException:  # noqa: BLE001  # a defect of ours: 4, never Python's own 1, which means findings
        click.echo(inert(clean(traceback.format_exc())), err=True)
        click.echo(
            "error: the harness itself failed; this is a defect of rehearse, and says nothing of the batch",
            err=True,
        )
        code = 4
    return code if isinstance(code, int) else 0
