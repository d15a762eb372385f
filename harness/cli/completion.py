"""Prints what makes a shell complete commands, options, scenarios and codes: SHELL is bash, zsh or fish.

\b
rehearse completion bash > ~/.local/share/bash-completion/completions/rehearse
rehearse completion zsh > "${fpath[1]}/_rehearse"
rehearse completion fish > ~/.config/fish/completions/rehearse.fish
"""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem, get_completion_class

from harness.cli.screen import json_option, put_json
from harness.errors import HarnessError
from harness.model.codes import explanations


@click.command("completion", help=__doc__)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@json_option
@click.pass_context
def command(context: click.Context, shell: str, machine: bool) -> None:
    kind = get_completion_class(shell)
    if kind is None:
        raise HarnessError(f"click knows no completion for {shell}")
    root = context.find_root()
    script = kind(root.command, {}, "rehearse", "_REHEARSE_COMPLETE").source()
    if machine:
        put_json({"shell": shell, "script": script})
    else:
        click.echo(script)


def codes(context: click.Context, parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """Codes of findings that begin so, with their titles."""
    return [
        CompletionItem(known.code, help=known.title)
        for known in explanations().values()
        if known.code.startswith(begun.upper())
    ]
