"""``capacity.toml``: read strictly, without secrets, and beaten by the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from capacity.errors import ConfigError
from reports.config import Config, find_config, load_config, parse_config

TEXT = """
source = "prod"
catalog = "mine.toml"
out = "reports"
[sources.prod]
url = "http://vm:8428"
token_env = "VM_TOKEN"
[sources.lab]
url = "snapshot:pulled"
"""


def refused(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, path=Path("capacity.toml"))
    return str(caught.value)


def test_paths_are_those_beside_the_file(tmp_path: Path) -> None:
    """Catalogue and output folder are found from anywhere; a built-in catalogue's name stays a name."""
    (tmp_path / "capacity.toml").write_text(TEXT)
    config = load_config(tmp_path / "capacity.toml")
    assert config.catalog == str(tmp_path / "mine.toml")
    assert config.out == tmp_path / "reports"
    assert parse_config('catalog = "dwcp"', path=tmp_path / "capacity.toml").catalog == "dwcp"


def test_without_a_file_there_are_defaults(tmp_path: Path) -> None:
    """The demo, the built-in catalogue, and a folder called out."""
    assert find_config(folder=tmp_path) == Config(None, ("demo:",), "dwcp", Path("out"), {})


def test_the_file_in_the_folder_is_found(tmp_path: Path) -> None:
    """capacity.toml of the working folder is read without being named."""
    (tmp_path / "capacity.toml").write_text(TEXT)
    assert find_config(folder=tmp_path).source == ("prod",)


def test_what_is_asked_for_beats_the_file() -> None:
    """A URL, or another source's name, instead of the default."""
    config = parse_config(TEXT, path=Path("capacity.toml"))
    assert [each.url for each in config.source_configs()] == ["http://vm:8428"]
    assert [each.url for each in config.source_configs(["lab"])] == ["snapshot:pulled"]
    assert [each.url for each in config.source_configs(["demo:", "prod"])] == ["demo:", "http://vm:8428"]


def test_the_only_source_is_the_default() -> None:
    """Who names one source means it."""
    assert parse_config('[sources.a]\nurl = "demo:"', path=Path("x")).source == ("a",)


def test_credentials_come_from_the_variables_that_are_named() -> None:
    """The file names them, the environment holds them; a variable that is not set is told by its name."""
    prod = parse_config(TEXT, path=Path("capacity.toml")).sources["prod"]
    assert prod.credentials({"VM_TOKEN": "s3cret"}) == {"token": "s3cret"}
    with pytest.raises(ConfigError, match="takes its credentials from VM_TOKEN, which is not set"):
        prod.credentials({})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('sorce = "demo:"', "line 1, sorce: unknown key. Did you mean 'source'?"),
        (
            '[sources.a]\nurl = "demo:"\ntoken = "s3cret"',
            "line 3, sources.a.token: unknown key. Did you mean 'token_env'?",
        ),
        ('[sources.a]\nurl = "http://me:s3cret@vm"', "credentials do not belong into a file"),
        ('[sources.a]\nurl = "demo:"\ntoken_env = "s3cret-value"', "expected the name of an environment variable"),
        ('[sources.a]\ntoken_env = "A"', "line 1, sources.a: 'url' is missing."),
        (
            'source = "prd"\n[sources.prod]\nurl = "demo:"',
            "line 1, source: no source is called 'prd'. Did you mean 'prod'?",
        ),
        ('[sources.a]\nurl = "vm"', "'vm' is no URL"),
        ("source = 3", "line 1, source: expected text, got a number (3)."),
        ('source = "demo:', "is not valid TOML"),
    ],
)
def test_each_mistake_is_told_without_a_secret(text: str, said: str) -> None:
    """The file, the line, the key, what was meant; a secret that stands in it is not repeated."""
    message = refused(text)
    assert said in message
    assert message.startswith("capacity.toml")
    assert "s3cret" not in message


def test_a_name_that_is_no_source_is_told_with_the_nearest() -> None:
    """What has no colon is a name."""
    with pytest.raises(ConfigError, match=r"'prd' is neither a source's name nor a URL\. Did you mean 'prod'\?"):
        parse_config(TEXT, path=Path("capacity.toml")).source_configs(["prd"])


def test_a_file_that_was_named_has_to_be_there(tmp_path: Path) -> None:
    """--config FILE does not fall back to defaults."""
    with pytest.raises(ConfigError, match="There is no"):
        find_config(tmp_path / "other.toml")
