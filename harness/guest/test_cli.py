# SPDX-License-Identifier: MIT
"""The command line takes what the documentation promises and refuses the rest in one line."""

import argparse
import json
from pathlib import Path

import pytest

from harness.guest import cli, module, verbs
from harness.guest.errors import GuestError


def _parse(*arguments: str) -> argparse.Namespace:
    root = verbs.Parser(prog="kevbench")
    cli.add_guest_parser(root.add_subparsers(dest="verb", required=True))
    return root.parse_args(["guest", *arguments])


def test_command_is_taken_as_it_stands_after_the_dashes() -> None:
    args = _parse("exec", "--kernel", "6.1", "--", "prog", "--kernel", "x", "--", "-h", "")
    assert args.kernel == "6.1"
    assert args.command == ["prog", "--kernel", "x", "--", "-h", ""]


def test_repeatable_options_add_up() -> None:
    args = _parse("exec", "--add", "a", "--add", "b", "--env", "K=v", "--", "prog")
    assert args.add == [Path("a"), Path("b")]
    assert cli.pairs(args.env, "--env") == {"K": "v"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["exec"],
        ["exec", "--kernel", "5.10", "--", "true"],
        ["exec", "--smp", "many", "--", "true"],
        ["exec", "--no-module", "--module", "x.ko", "--", "true"],
        ["exec", "--nonsense", "--", "true"],
        ["up"],
        [],
    ],
)
def test_usage_error_leaves_with_status_4(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        _parse(*arguments)
    assert caught.value.code == 4
    assert capsys.readouterr().err.splitlines()[-1].startswith("kevbench")


@pytest.mark.parametrize("verb", ["exec", "test", "status", "check", "up", "down", "ssh", "logs"])
def test_every_verb_helps_with_examples(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        _parse(verb, "--help")
    assert caught.value.code == 0
    assert f"  kevbench guest {verb}" in capsys.readouterr().out.partition("examples:")[2]


@pytest.mark.parametrize("text", ["", "novalue", "=x"])
def test_variable_without_name_or_value_is_refused(text: str) -> None:
    with pytest.raises(GuestError, match="give it as NAME=VALUE"):
        cli.pairs([text], "--env")
    assert cli.pairs(["A=b=c", "B="], "--env") == {"A": "b=c", "B": ""}


def test_module_that_cannot_be_built_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "kmod_dir", lambda: tmp_path / "kmod")
    assert cli.main(_parse("exec", "--", "true")) == 4
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "use --no-module or --module PATH" in error


def test_unknown_program_is_said_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(_parse("exec", "--no-module", "--", "no-such-program-anywhere")) == 4
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.endswith("is not on the PATH; name an executable of this machine")


def test_check_and_status_speak_json(capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(_parse("check", "--json"))
    found = json.loads(capsys.readouterr().out)
    assert found["schema"] == "kvb.guest-check"
    assert {"disk", "memory", "accelerator", "kernel 6.1"} <= {
        finding["name"] for finding in found["findings"]
    }
    assert cli.main(_parse("status", "--json")) == 0
    assert json.loads(capsys.readouterr().out)["schema"] == "kvb.guest-status"
