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


SCHEDULED = """
publish = "published"
[schedules.weekly]
notebook = "capacity_overview"
cron = "0 6 * * 1"
timezone = "Europe/Berlin"
parameters = { horizon = "180d" }
keep = { last = 3, daily = 0 }
deliver = ["slack"]
timeout = "30m"
memory = "2GiB"
retries = 0
[delivery.slack]
url_env = "SLACK_URL"
severity = "warning"
after = "5m"
"""


def test_schedules_and_deliveries_are_read() -> None:
    """Every key, with the defaults of what is not said."""
    config = parse_config(SCHEDULED, path=Path("here/capacity.toml"))
    weekly = config.schedules["weekly"]
    assert (weekly.cron, weekly.timezone, weekly.parameters) == ("0 6 * * 1", "Europe/Berlin", {"horizon": "180d"})
    assert (weekly.keep.last, weekly.keep.daily, weekly.keep.monthly) == (3, 0, 24)
    assert (weekly.timeout.total_seconds(), weekly.memory_bytes, weekly.retries) == (1800.0, 2 * 2**30, 0)
    assert config.deliveries["slack"].url_env == "SLACK_URL"
    assert config.published == "here/published"
    assert parse_config('publish = "s3://b/r"', path=Path("here/x")).published == "s3://b/r"
    assert parse_config("", path=Path("here/x")).published == "here/out"


WRONG = [
    ('cron = "0 6 * *"', "expected five fields"),
    ('cron = "0 25 * * *"', "cannot be read"),
    ('cron = "0 0 30 2 *"', "cannot be read"),
    ('cron = "0 6 * * 1"\ntimezone = "Europe/Berln"', "Did you mean 'Europe/Berlin'?"),
    ('cron = "0 6 * * 1"\nparameters = { as_of = "2026" }', "as_of is the instant at which the report is due"),
    ('cron = "0 6 * * 1"\nparameters = { x = [1] }', "x is a list"),
    ('cron = "0 6 * * 1"\ndeliver = ["slak"]', "no delivery is called 'slak'. Did you mean 'slack'?"),
    ('cron = "0 6 * * 1"\nmemory = "4 seconds"', "expected an amount of memory"),
    ('cron = "0 6 * * 1"\nkeep = { last = 0 }', "keep.last"),
    ('crn = "0 6 * * 1"', "Did you mean 'cron'?"),
]


@pytest.mark.parametrize(("lines", "said"), WRONG)
def test_each_mistake_in_a_schedule_is_told(lines: str, said: str) -> None:
    """With what was expected, or what was probably meant."""
    text = f'[schedules.weekly]\nnotebook = "capacity_overview"\n{lines}\n[delivery.slack]\nurl_env = "SLACK_URL"'
    assert said in refused(text)


def test_a_schedules_name_is_a_folders() -> None:
    """It becomes one."""
    assert "becomes a folder" in refused('[schedules."../x"]\nnotebook = "a"\ncron = "0 6 * * 1"')
