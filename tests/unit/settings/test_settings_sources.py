"""Where settings come from, and what is refused, with its place and the mend."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from appliance.home import Home
from appliance.settings import Settings, describe
from appliance.settings_rules import Problem, SettingsError
from appliance.settings_sources import Loaded, load

Read = Callable[..., Loaded]
SECRET = "sk-a-credential-that-nobody-may-see"


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Load settings from texts of the two files and an environment."""
    home = Home(tmp_path / "home").make()

    def read(toml: str = "", env_file: str = "", environ: Mapping[str, str] | None = None) -> Loaded:
        if toml:
            home.settings_file.write_text(toml, encoding="utf-8")
        if env_file:
            home.env_file.write_text(env_file, encoding="utf-8")
        return load(home, environ or {})

    return read


def problems(read: Read, **sources: Any) -> tuple[Problem, ...]:
    with pytest.raises(SettingsError) as refused:
        read(**sources)
    assert SECRET not in str(refused.value) + refused.value.fix
    return refused.value.problems


def problem(read: Read, **sources: Any) -> Problem:
    found = problems(read, **sources)
    assert len(found) == 1, found
    return found[0]


class TestOrder:
    def test_with_nothing_given_every_default_holds(self, read: Read) -> None:
        loaded = read()
        assert loaded.settings == Settings()
        assert set(loaded.sources.values()) == {"default"}
        assert list(loaded.sources) == [info.name for info in describe()]

    def test_the_mark_that_editors_of_windows_put_before_a_text_is_passed_over(self, read: Read) -> None:
        assert read("\ufeffport = 1001").settings.port == 1001

    def test_the_later_source_wins_and_is_named(self, read: Read) -> None:
        toml, env_file = "port = 1001\njwt_expires_in = 61", "GATEHOUSE_PORT=1002\nJWT_EXPIRES_IN=62"
        loaded = read(toml)
        assert (loaded.settings.port, loaded.sources["port"]) == (1001, "file")
        loaded = read(toml, env_file)
        assert (loaded.settings.port, loaded.sources["port"]) == (1002, ".env")
        assert (loaded.settings.jwt_expires_in, loaded.sources["jwt_expires_in"]) == (62, ".env")
        loaded = read(toml, env_file, {"GATEHOUSE_PORT": "1003"})
        assert (loaded.settings.port, loaded.sources["port"]) == (1003, "environment")
        assert loaded.sources["jwt_expires_in"] == ".env"

    @pytest.mark.parametrize("text", ["true", "1", "YES", "on", " True "])
    def test_a_yes_may_be_written_as_people_write_it(self, read: Read, text: str) -> None:
        assert read(environ={"GATEHOUSE_REGISTRATION_OPEN": text}).settings.registration_open is True

    @pytest.mark.parametrize("text", ["false", "0", "no", "Off"])
    def test_a_no_may_be_written_as_people_write_it(self, read: Read, text: str) -> None:
        assert read(environ={"GATEHOUSE_LOCAL_MODELS": text}).settings.local_models is False

    @pytest.mark.parametrize(
        "text", ["https://a.example, https://b.example:8443", '["https://a.example","https://b.example:8443"]']
    )
    def test_a_list_may_stand_between_commas_or_as_json(self, read: Read, text: str) -> None:
        loaded = read(environ={"CORS_ALLOWED_ORIGINS": text})
        assert loaded.settings.cors_allowed_origins == ["https://a.example", "https://b.example:8443"]

    def test_a_whole_number_may_be_given_where_a_fraction_may(self, read: Read) -> None:
        assert read("idle_seconds_max = 5").settings.idle_seconds_max == 5.0
        assert read(environ={"GATEHOUSE_IDLE_SECONDS_MAX": "2.5"}).settings.idle_seconds_max == 2.5

    def test_settings_of_files_and_pictures_may_stand_in_tables_of_their_own(self, read: Read) -> None:
        loaded = read('ocr_workers = 2\n[ocr]\nengine = "tesseract"\nlanguages = ["eng", "hin"]\n[files]\nworkers = 3\n')
        found = loaded.settings
        assert (found.ocr_engine, found.ocr_languages, found.ocr_workers) == ("tesseract", ["eng", "hin"], 2)
        assert (found.files_workers, loaded.sources["files_workers"]) == (3, "file")
        assert read("[ocr]", environ={"GATEHOUSE_OCR_ENGINE": "rapidocr"}).settings.ocr_engine == "rapidocr"

    @pytest.mark.parametrize(
        ("toml", "what", "mend"),
        [
            ('[ocr]\n\nengin = "auto"', "line 3: [ocr] has no setting 'engin'", "Did you mean engine?"),
            (
                '[ocr]\nengine = "best"',
                "line 2: ocr_engine is 'best', but must be one of auto, paddleocr",
                'Write engine = "auto"',
            ),
            ("files_workers = 1\n[files]\nworkers = 2", "line 3: files_workers stands in the file as well", "Keep one"),
            ("files = 3", "there is no setting 'files'", ""),
        ],
    )
    def test_a_table_is_checked_as_strictly(self, read: Read, toml: str, what: str, mend: str) -> None:
        with pytest.raises(SettingsError) as caught:
            read(toml)
        assert what in caught.value.message
        assert mend in caught.value.fix

    def test_a_common_name_left_empty_counts_as_not_set(self, read: Read) -> None:
        assert read(environ={"OPENAI_API_KEY": "", "DATABASE_URL": ""}).settings == Settings()

    def test_our_own_name_left_empty_empties_a_setting(self, read: Read) -> None:
        loaded = read(environ={"GATEHOUSE_DEMONSTRATION_ALIAS": "", "GATEHOUSE_CORS_ALLOWED_ORIGINS": ""})
        assert loaded.settings.demonstration_alias == ""
        assert loaded.settings.cors_allowed_origins == []

    def test_a_value_in_env_is_taken_as_it_stands(self, read: Read) -> None:
        secret = "p$4{HOME}${HOME}#x-0123456789-0123456789"
        assert read(env_file=f"JWT_SECRET_KEY='{secret}'").settings.jwt_secret_key == secret

    def test_what_is_no_setting_of_ours_in_the_environment_is_left_alone(self, read: Read) -> None:
        environ = {"PATH": "/bin", "GATEHOUSE_HOME": "/x", "GATEHOUSE_TEST": "1", "GATEHOUSE_TEST_FAULT": "x:1", "PORT": "3"}
        assert read(environ=environ).settings == Settings()

    def test_what_kubernetes_puts_into_a_pod_is_not_taken_for_settings(self, read: Read) -> None:
        environ = {
            "KUBERNETES_SERVICE_HOST": "10.0.0.1",
            "GATEHOUSE_PORT": "tcp://10.0.0.2:8000",
            "GATEHOUSE_SERVICE_HOST": "10.0.0.2",
            "GATEHOUSE_SERVICE_PORT": "8000",
            "GATEHOUSE_PORT_8000_TCP": "tcp://10.0.0.2:8000",
            "GATEHOUSE_PORT_8000_TCP_ADDR": "10.0.0.2",
        }
        assert read(environ=environ).settings.port == 8000
        assert read(environ={**environ, "GATEHOUSE_PORT": "9000"}).settings.port == 9000


class TestRefusals:
    @pytest.mark.parametrize(
        ("toml", "line", "what", "mend"),
        [
            ("\n# x\nprot = 9000\n", 3, "there is no setting 'prot'", "Did you mean port?"),
            ('host = "::1"\n\n[logging]\nlevel = 1\n', 3, "there is no setting 'logging'", ""),
            (
                "port = 90000",
                1,
                "port is 90000, but must be a whole number of at most 65535",
                "Write port = 8000 (a whole number from 1 to 65535).",
            ),
            ("port = 0", 1, "port is 0, but must be a whole number of at least 1", "Write port = 8000"),
            ('port = "8001"', 1, "port is '8001', but must be a whole number", "Write port = 8001 "),
            ("port = 1.5", 1, "port is 1.5, but must be a whole number", ""),
            ("host = 5", 1, "host is 5, but must be text", 'Write host = "127.0.0.1"'),
            ("local_models = 1", 1, "local_models is 1, but must be true or false", "= true (or false)."),
            (
                'log_level = "loud"',
                1,
                "log_level is 'loud', but must be one of debug, info, warning, error",
                '"info" (or "debug",',
            ),
            ("idle_seconds_max = 0", 1, "idle_seconds_max is 0, but must be a number above 0", "= 60.0 (a number above 0)."),
            ("idle_seconds_max = inf", 1, "idle_seconds_max must be a finite number", "= 60.0"),
            ("cors_allowed_origins = [\n  1,\n]", 1, "cors_allowed_origins must have entries that are text", '["…", "…"]'),
            ('host = "::1"\ncors_allowed_origins = "x"', 2, "cors_allowed_origins is 'x', but must be a list", '["x"]'),
        ],
    )
    def test_the_file_is_refused_with_its_line(self, read: Read, toml: str, line: int, what: str, mend: str) -> None:
        found = problem(read, toml=toml)
        assert found.where.endswith(f"gatehouse.toml, line {line}")
        assert found.what.startswith(what)
        assert mend in found.mend

    def test_a_statement_of_several_lines_is_named_by_its_first(self, read: Read) -> None:
        toml = 'x = """\nport = 3\n"""\ncors_allowed_origins = [\n "https://a", # ]\n "https://b"]\nport = "a"\n'
        lines = [found.where.rpartition(" ")[2] for found in problems(read, toml=toml)]
        assert lines == ["1", "7"]

    def test_a_line_end_that_toml_does_not_know_does_not_count(self, read: Read) -> None:
        assert problem(read, toml='# a\u2028b\u0085c\nhost = "127.0.0.1"\nprot = 1\n').where.endswith("line 3")

    def test_a_file_that_is_no_toml_is_refused_without_quoting_it(self, read: Read) -> None:
        found = problem(read, toml=f'host = "127.0.0.1"\nopenai_api_key = "{SECRET}" "x"\n')
        assert found.where.endswith("gatehouse.toml, line 2")
        assert 'host = "127.0.0.1"' in found.mend

    def test_a_file_that_is_not_utf8_is_refused(self, tmp_path: Path) -> None:
        home = Home(tmp_path).make()
        home.settings_file.write_bytes(b'# fine\nhost = "\xff"\n')
        with pytest.raises(SettingsError, match=r"line 2: this is no UTF-8 text"):
            load(home, {})

    @pytest.mark.parametrize(
        ("env_file", "line", "what", "mend"),
        [
            ("\n\n# c\nGATEHOUSE_PORTT=3\n", 4, "there is no setting GATEHOUSE_PORTT", "Did you mean GATEHOUSE_PORT?"),
            ("GATEHOUSE_PORT=x", 1, "port is 'x', but must be a whole number", "Write GATEHOUSE_PORT=8000 "),
            ("port=3", 1, "nothing reads port", "Write GATEHOUSE_PORT."),
            ("A_STRANGER=3", 1, "nothing reads A_STRANGER", ""),
            ("OPENAI_APIKEY=x", 1, "nothing reads OPENAI_APIKEY", "Did you mean OPENAI_API_KEY?"),
            ("GATEHOUSE_PORT=1\nGATEHOUSE_PORT=2", 2, "GATEHOUSE_PORT stands here for the second time", ""),
            ("GATEHOUSE_PORT", 1, "GATEHOUSE_PORT has no value", "Write NAME=value."),
            ("GATEHOUSE_HOST=::1\nwhat is this", 2, "this can't be read", ""),
        ],
    )
    def test_env_is_refused_with_its_line(self, read: Read, env_file: str, line: int, what: str, mend: str) -> None:
        found = problem(read, env_file=env_file)
        assert found.where.endswith(f".env, line {line}")
        assert found.what.startswith(what)
        assert mend in found.mend

    def test_the_environment_is_refused_by_the_variable_s_name(self, read: Read) -> None:
        found = problem(read, environ={"GATEHOUSE_LOG_LEVL": "info"})
        assert found.what == "there is no setting GATEHOUSE_LOG_LEVL"
        assert found.mend == "Did you mean GATEHOUSE_LOG_LEVEL?"
        found = problem(read, environ={"GATEHOUSE_REGISTRATION_OPEN": "maybe"})
        assert found.where == "GATEHOUSE_REGISTRATION_OPEN in the environment"
        assert found.mend == "Write GATEHOUSE_REGISTRATION_OPEN=false (or true)."

    def test_everything_that_is_wrong_is_said_at_once(self, read: Read) -> None:
        with pytest.raises(SettingsError) as refused:
            read("prot = 1\nhost = 5", environ={"GATEHOUSE_PORT": "x"})
        assert refused.value.message.startswith("3 settings are wrong:")
        assert len(refused.value.message.splitlines()) == 1 + 2 * 3

    def test_two_names_of_one_setting_may_not_differ(self, read: Read) -> None:
        environ = {"GATEHOUSE_JWT_EXPIRES_IN": "100", "JWT_EXPIRES_IN": "200"}
        found = problem(read, environ=environ)
        assert "GATEHOUSE_JWT_EXPIRES_IN and JWT_EXPIRES_IN are the same setting with different values" in found.what
        assert found.mend == "Set only GATEHOUSE_JWT_EXPIRES_IN."
        assert read(environ={**environ, "JWT_EXPIRES_IN": "100"}).settings.jwt_expires_in == 100

    def test_a_secret_of_the_wrong_kind_is_not_shown(self, read: Read) -> None:
        found = problem(read, toml=f'openai_api_key = ["{SECRET}"]')
        assert found.what == "openai_api_key must be text"
        assert problem(read, environ={"DATABASE_URL": f"postgresql://me:{SECRET}@db/x"})

    @pytest.mark.parametrize(
        ("toml", "what"),
        [
            ("local_model = ''", "local_models is on, but local_model names none"),
            ('database_url = "postgresql://u:p@h/d"', "database_url is of the kind postgresql, which is not offered"),
            ('database_url = "sqlite:///:memory:"', "database_url names no file"),
            ('database_url = "nonsense"', "database_url is of the kind unknown"),
            ('jwt_secret_key = "short"', "jwt_secret_key is shorter than 32 characters"),
            ('host = "http://127.0.0.1"', "host is 'http://127.0.0.1', which is no address"),
            ('cors_allowed_origins = ["https://a.example/"]', "'https://a.example/' is no web origin"),
            ('openai_api_key = "k"\nopenai_base_url = "http://localhost:8000/v1"', "the provider openai is this appliance"),
        ],
    )
    def test_what_cannot_hold_is_refused(self, read: Read, toml: str, what: str) -> None:
        found = problem(read, toml=toml)
        assert found.what.startswith(what)
        assert "gatehouse.toml, line " in found.where
        assert found.mend

    def test_no_setting_may_be_missing_from_what_a_value_can_be_read_as(self, read: Read) -> None:
        """Each setting's default, written as text, is read back from the environment as itself."""
        for info in describe():
            if info.name == "providers":
                continue
            text = str(info.default) if not isinstance(info.default, list) else ",".join(info.default)
            if text:
                assert getattr(read(environ={info.env[0]: text}).settings, info.name) == info.default


def test_one_port_for_two_doors_is_refused_with_its_place(read: Read) -> None:
    found = problem(read, toml="port = 9000\nlan_port = 9000\n")
    assert "both 9000" in found.what
    assert found.where.endswith("line 2")
    assert "both 8443" in problem(read, toml="port = 8443\n").what
