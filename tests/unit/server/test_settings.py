"""Settings come from three places, and a bad one is named."""

from pathlib import Path

import pytest

from entrepot.server.settings import BadSetting, Settings


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """An entrepot.toml that sets a text, a path, a number and a truth."""
    file = tmp_path / "entrepot.toml"
    file.write_text('region = "eu-west-1"\ndata = "from-file"\nworkers = 2\ncreate_on_push = true\n')
    return file


def test_the_file_is_read(file: Path) -> None:
    """Every type of setting can be written in TOML."""
    settings = Settings.load({}, {}, file)

    assert (settings.region, settings.data, settings.workers) == ("eu-west-1", Path("from-file"), 2)
    assert settings.create_on_push


def test_the_environment_goes_before_the_file(file: Path) -> None:
    """Every type of setting can be written as a variable."""
    variables = {"ENTREPOT_DATA": "from-environment", "ENTREPOT_WORKERS": "3", "ENTREPOT_CREATE_ON_PUSH": "false"}

    settings = Settings.load({}, variables, file)

    assert (settings.region, settings.data, settings.workers) == ("eu-west-1", Path("from-environment"), 3)
    assert not settings.create_on_push


def test_the_command_line_goes_before_all(file: Path) -> None:
    """An option that is given counts; one that is None was not given."""
    settings = Settings.load({"data": Path("from-option"), "workers": None}, {"ENTREPOT_DATA": "other"}, file)

    assert (settings.data, settings.workers) == (Path("from-option"), 2)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("data", 5),
        ("workers", 0),
        ("listen", "5000"),
        ("account_id", "12"),
        ("region", "Europe!"),
        ("public_url", "registry.example.com"),
        ("access_key_id", "AKIAWITHOUTASECRET0"),
        ("profile", "aws"),
        ("quotas", "on"),
        ("database", "mysql://u:p@localhost/entrepot"),
        ("database", "postgresql://u:p@localhost"),
        ("database", "postgresql://u:p@localhost/"),
        ("database", "postgresql://u:p@[::1/entrepot"),
        ("database", "postgresql://u:p@localhost:port/entrepot"),
        ("no_such_setting", 1),
    ],
)
def test_a_bad_setting_is_named(name: str, value: object) -> None:
    """The one line that keeps the registry from starting says which setting it is."""
    with pytest.raises(BadSetting) as refused:
        Settings.load({name: value}, {}, None)

    assert name in refused.value.message


@pytest.mark.parametrize("text", ["", "6d" * 31, "6d" * 33, "zz" * 32, "ZmFyIHRvbyBzaG9ydA==", "é" * 32])
def test_a_bad_master_key_is_named_and_not_shown(text: str) -> None:
    """A line of refusal ends up in logs."""
    with pytest.raises(BadSetting) as refused:
        Settings.load({"master_key": text}, {}, None)

    assert refused.value.message == "the setting master_key is bad: it is not 32 bytes in hexadecimal or base64"


@pytest.mark.parametrize("name", ["secret_access_key", "database", "master_key"])
def test_a_secret_is_never_shown(name: str) -> None:
    """Neither `config show` nor a log of the settings gives it away."""
    given = {
        "access_key_id": "AKIAEXAMPLEEXAMPLE00",
        "secret_access_key": "a-secret-of-no-value",
        "database": "postgresql://entrepot:a-secret-of-no-value@localhost/entrepot",
        "master_key": "6d" * 32,
    }

    settings = Settings.load(given, {}, None)

    assert settings.shown()[name] == "(hidden)"
    assert "a-secret-of-no-value" not in repr(settings)
    assert "6d" * 32 not in repr(settings)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://entrepot:p%40ss%2Fword@db.example.com:5433/entrepot",
        "postgres://entrepot@[2001:db8::1]:5432/entrepot?sslmode=verify-full&sslrootcert=/etc/ca.pem",
        "postgresql://entrepot@one:5432,two:5432/entrepot",
        "postgresql:///entrepot?host=/run/postgresql",
    ],
)
def test_a_database_is_named_as_libpq_has_it(url: str) -> None:
    """With addresses, several servers, parameters, and sockets."""
    assert Settings.load({"database": url}, {}, None).database == url


@pytest.mark.parametrize("password", ["pa/ss", "pa#ss", "pa?ss", "12/ss@x"])
def test_a_bad_url_of_a_database_does_not_give_its_password_away(password: str) -> None:
    """A character that had to be encoded is the commonest mistake, and its line ends up in logs."""
    with pytest.raises(BadSetting) as refused:
        Settings.load({"database": f"postgresql://entrepot:{password}@localhost:5432/entrepot"}, {}, None)

    assert "ss" not in refused.value.message.replace("password", "").replace("PASSWORD", "")
