"""The `domainqa` command: its groups, its common options, and what becomes of an error."""

import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from app.cli import (
    accounts,
    adapters,
    ask,
    collections,
    doctor,
    documents,
    evaluate,
    ingest,
    mcp,
    models,
    pairs,
    retrain,
    search,
    serve,
    train,
)
from app.cli.output import messages
from app.cli.state import Collection, Home, NoServer, remember
from knowledge_base.errors import DomainqaError

INTERRUPTED = 130
_EPILOG = """\b
Exit codes:
  0    success
  1    unexpected error, with a traceback
  2    unknown command or option
  3    invalid input: a question, a setting, a line of a batch
  4    not found: a collection, document, model, adapter or retraining
  5    some files could not be read; all others were ingested
  6    made with another embedder, or another version of domainqa or of the prompt
  7    in use by another process: the home folder, a port, a retraining
  8    the home folder cannot be read or written
  9    a model is missing, damaged or unsuitable
  10   a server does not answer
  11   doctor found a failure
  12   most documents of a folder are gone; nothing was changed
  130  stopped by Ctrl-C
"""


class Commands(TyperGroup):
    """The group of all commands; turns expected failures into one message and an exit code."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - the library's own signature
        """Run the command that was named."""
        try:
            return super().invoke(ctx)
        except DomainqaError as error:
            messages().print(f"Error: {error}", style="red", markup=False, soft_wrap=True)
            raise typer.Exit(error.exit_code) from error
        except KeyboardInterrupt:
            messages().print("Stopped. Everything that was reported as done is kept.")
            raise typer.Exit(INTERRUPTED) from None


cli = typer.Typer(
    cls=Commands,
    epilog=_EPILOG,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
for command in (serve.serve, ask.ask, ingest.ingest, search.search, mcp.mcp):
    cli.command()(command)
cli.add_typer(collections.group, name="collections")
cli.add_typer(documents.group, name="documents")
cli.add_typer(models.group, name="models")
cli.add_typer(pairs.group, name="pairs")
cli.command()(retrain.retrain)
cli.command()(train.train)
cli.command()(evaluate.evaluate)
cli.add_typer(adapters.group, name="adapters")
cli.add_typer(accounts.keys, name="keys")
cli.add_typer(accounts.users, name="users")
cli.command()(doctor.doctor)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"domainqa {version('domainqa')}")
        raise typer.Exit


@cli.callback()
def common(
    ctx: typer.Context,
    home: Home = None,
    collection: Collection = None,
    no_server: NoServer = False,
    shown: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Answer questions from your own documents, on your own machine.

    --home and --collection can be given before or after the command. Every setting can also be set in the
    environment (DOMAINQA_READ_K=3) or in settings.toml in the home folder. While `domainqa serve` runs on the
    home folder, it carries out most commands, and they need not load the models.

    \b
    Example:
      domainqa ingest samples/bank
      domainqa ask "What is the annual fee of the platinum card this year?"
    """
    remember(ctx, home, collection, no_server)


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of the script `domainqa`."""
    # Libraries that load models would draw bars of their own into ours.
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    cli(args=list(sys.argv[1:] if arguments is None else arguments), prog_name="domainqa")
