"""A URL is read in one way, or not at all."""

import pytest

from appliance.upstream.origin import NotReachable, Origin, taken_apart


@pytest.mark.parametrize(
    ("url", "origin", "target"),
    [
        ("https://api.example.org/v1/chat?x=1", Origin("api.example.org", 443, True), "/v1/chat?x=1"),
        ("HTTP://Api.Example.ORG.:8080", Origin("api.example.org", 8080, False), "/"),
        ("http://[::1]:11434/v1", Origin("::1", 11434, False), "/v1"),
        ("http://[0:0:0:0:0:0:0:1]/", Origin("::1", 80, False), "/"),
        ("http://[::FFFF:10.0.0.1]/", Origin("::ffff:a00:1", 80, False), "/"),
        ("http://bücher.example/", Origin("xn--bcher-kva.example", 80, False), "/"),
        ("http://my_service:8000/v1", Origin("my_service", 8000, False), "/v1"),
        ("http://１２７.0.0.1/", Origin("127.0.0.1", 80, False), "/"),  # noqa: RUF001 -- full width is the point
        ("http://169。254。169。254/", Origin("169.254.169.254", 80, False), "/"),
        ("http://①②⑦.0.0.1/", Origin("127.0.0.1", 80, False), "/"),
    ],
)
def test_a_url_is_brought_into_its_plain_form(url: str, origin: Origin, target: str) -> None:
    assert taken_apart(url) == (origin, target)


@pytest.mark.parametrize(
    "host",
    [
        "2852039166",
        "0xa9fea9fe",
        "0xA9.0xFE.0xA9.0xFE",
        "0251.0376.0251.0376",
        "169.254.43518",
        "169.16689662",
        "127.1",
        "0",
        "127.0.0.01",
        "169.254.169.254.1",
        "169.254.169.0xfe",
        "256.0.0.1",
        "1.2.3.4.",
    ],
)
def test_an_address_in_an_unusual_spelling_is_refused_since_others_read_it_otherwise(host: str) -> None:
    if host == "1.2.3.4.":  # a dot at the end alone changes nothing
        assert taken_apart(f"http://{host}/")[0].host == "1.2.3.4"
        return
    with pytest.raises(NotReachable, match="unusual way"):
        taken_apart(f"http://{host}/")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a/",
        "file:///etc/passwd",
        "//a/",
        "a",
        "http://",
        "http://u:p@a/",
        "http://good.example@169.254.169.254/",
        "http://@a/",
        "http://a:99999/",
        "http://a:0/",
        "http://a\\@b/",
        "http://a\\.b/",
        "http://a%2eb/",
        "http://169.254.169%2e254/",
        "http://a..b/",
        "http://.a/",
        "http://-/",
        "http://a b/",
        "http://[::1",
        "http://[::g]/",
        "http://[127.0.0.1]/",
        "http://[fe80::1%25a%0d%0ab]/",
        "http://" + "a" * 254 + "/",
        "http://\ud800/",
        "http://a/b c",
        "http://a/\u00e9",
        "http://a/b\x7f",
    ],
)
def test_what_is_no_plain_web_address_is_refused(url: str) -> None:
    with pytest.raises(NotReachable):
        taken_apart(url)


@pytest.mark.parametrize("url", ["http://a/b\r\nX:y", "http://a/b\nc", "http://a\r\n/b?c\td"])
def test_line_ends_never_reach_a_requests_first_line(url: str) -> None:
    _, target = taken_apart(url)
    assert target.isprintable()
