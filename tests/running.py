"""The command line, run as users run it but in this process."""

from typer.testing import CliRunner

from skticket.cli import app

QUICK = ["--epochs", "2", "--hidden", "20,10"]


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def assert_one_line_error(result, *parts):
    assert result.exit_code == 2
    line = result.stderr.strip()
    assert line.startswith("skticket: error: ") and "\n" not in line
    for part in parts:
        assert part in line
    assert "Traceback" not in result.output
