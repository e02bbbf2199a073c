"""A colleague joins in a real browser, over the local network's HTTPS, with scripts switched off, and looks after their
signing in. Screenshots are kept in build/screenshots."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest

from tests.browser import BROWSER, Chromium
from tests.conftest import MakeAppliance
from tests.pages import blocks, wrong_at
from tests.running import PASSWORD, Appliance, Colleague, NetworkNamespace

BASE = f"https://{Colleague.HOST_ADDRESS}:8443"
NEW = "seven grey herons wait"
JOIN = f"http://{Colleague.HOST_ADDRESS}:8000/join"

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium here (apt install chromium)")


@pytest.fixture(scope="module")
def box(appliances: MakeAppliance, namespace: NetworkNamespace, colleague: Colleague) -> Appliance:
    made = appliances(model=True, port=8000, namespace=namespace)
    done = made.command("lan", "on")
    assert done.returncode == 0, done.stderr
    return made


@pytest.fixture(scope="module")
def authority(box: Appliance, colleague: Colleague, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("authority") / "gatehouse-ca.pem"
    done = colleague.run("curl", "-fsS", "-o", str(file), f"{JOIN}/ca.pem")
    assert done.returncode == 0, done.stderr
    return file


@pytest.fixture(scope="module")
def browser(colleague: Colleague, authority: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with Chromium(tmp_path_factory.mktemp("browser") / "trusting", colleague.prefix, authority) as opened:
        yield opened


def invited(box: Appliance, *words: str) -> str:
    done = box.command("users", "invite", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def pictures(browser: Chromium, name: str) -> None:
    """Light, dark, and as narrow as a small telephone: nothing may stick out there."""
    browser.picture(f"{name}-light")
    browser.picture(f"{name}-dark", dark=True)
    path, width = browser.picture(f"{name}-narrow", width=320)
    assert width <= 320, (path, width)
    browser.picture(f"{name}-light")


def test_without_the_authority_the_browser_warns(box: Appliance, colleague: Colleague, tmp_path: Path) -> None:
    with Chromium(tmp_path / "wary", colleague.prefix) as wary:
        assert wary.open(f"{BASE}/me") == "net::ERR_CERT_AUTHORITY_INVALID"


def test_a_colleague_joins_calls_and_looks_at_their_page(
    box: Appliance, colleague: Colleague, browser: Chromium, authority: Path
) -> None:
    link = invited(box, "ada@example.com", "--name", "Ada Lovelace")
    assert link.startswith(f"{BASE}/join/")
    assert browser.open(link) == "", "a warning, although the authority is trusted"
    pictures(browser, "join-form")
    browser.type("#password", PASSWORD)
    browser.type("#again", f"{PASSWORD}4")
    browser.press_enter()
    assert "not the same" in wrong_at(browser.text(), "again")
    pictures(browser, "join-refused")
    browser.type("#password", PASSWORD)
    browser.type("#again", PASSWORD)
    browser.click("button")
    page = browser.text()
    assert "Welcome, Ada Lovelace" in page
    pictures(browser, "join-welcome")
    key, certificate, curl, *_ = blocks(page)
    assert f"{JOIN}/ca.pem" in certificate
    done = colleague.run("bash", "-c", f"cd {authority.parent} && {curl}")
    assert json.loads(done.stdout)["choices"][0]["message"]["content"], done.stderr
    browser.open(link)
    assert "used already" in browser.text()
    pictures(browser, "join-used")

    assert browser.open(f"{BASE}/me") == ""
    pictures(browser, "me-sign-in")
    browser.type("#email", "ada@example.com")
    browser.type("#password", PASSWORD)
    browser.press_enter()
    assert browser.address == f"{BASE}/me"
    page = browser.text()
    assert key not in page
    assert re.search(r'<th scope="row">[^<]+</th><td>1</td>', page), page
    browser.type("#name", "Notebook")
    pictures(browser, "me-page")
    browser.click("form[action='/me/keys'] button")
    second = blocks(browser.text())[0]
    pictures(browser, "me-new-key")
    asked = colleague.run("curl", "-sS", "--cacert", str(authority), "-H", f"Authorization: Bearer {second}", f"{BASE}/v1/models")
    assert json.loads(asked.stdout)["data"], asked.stderr
    browser.click("a[href='/me']")
    browser.click("button[aria-label='Revoke Notebook']")
    assert "Notebook" not in browser.text()
    asked = colleague.run("curl", "-sS", "--cacert", str(authority), "-H", f"Authorization: Bearer {second}", f"{BASE}/v1/models")
    assert json.loads(asked.stdout)["error"]["code"] == "revoked_api_key"
    browser.click("form[action='/me/sign-out'] button")
    assert 'id="password"' in browser.text()


def test_a_colleague_looks_after_their_signing_in(
    box: Appliance, colleague: Colleague, browser: Chromium, authority: Path
) -> None:
    browser.open(invited(box, "bela@example.com", "--name", "Bela"))
    browser.type("#password", PASSWORD)
    browser.type("#again", PASSWORD)
    browser.press_enter()
    login = json.dumps({"email": "bela@example.com", "password": PASSWORD})
    for agent in ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Mobile Safari/604.1", "ops-script/1.0"):
        words = ["-A", agent, "--json", login, f"{BASE}/api/v1/admin/auth/login"]
        assert "access_token" in colleague.run("curl", "-sS", "--cacert", str(authority), *words).stdout
    sign_in(browser, PASSWORD)
    browser.click("a[href='/me/security']")
    pictures(browser, "security-page")
    assert "Safari on iPhone" in browser.text()
    browser.click("button[aria-label^='End ops-script']")
    assert "That sign-in has ended" in browser.text()

    browser.type("#current_password", PASSWORD)
    browser.type("#new_password", "Password1")
    browser.type("#again", "Password1")
    browser.press_enter()
    assert "most common" in wrong_at(browser.text(), "new_password")
    pictures(browser, "security-refused")
    for field, words in (("current_password", PASSWORD), ("new_password", NEW), ("again", NEW)):
        browser.type(f"#{field}", words)
    browser.press_enter()
    page = browser.text()
    assert "Your password is changed" in page
    assert "Safari on iPhone" not in page
    pictures(browser, "security-changed")

    browser.type("#password", NEW)
    browser.press_enter()
    pictures(browser, "security-begun")
    app = pyotp.TOTP(blocks(browser.text())[0])
    assert "<path" in browser.text()
    browser.type("#code", "000000")
    browser.press_enter()
    assert "not the code of now" in wrong_at(browser.text(), "code")
    pictures(browser, "security-wrong-code")
    browser.type("#code", app.now())
    browser.press_enter()
    pictures(browser, "security-codes")
    codes = blocks(browser.text())[0].splitlines()
    browser.click("a[href='/me/security']")
    pictures(browser, "security-with-factor")
    browser.click("form[action='/me/security/sign-out-everywhere'] button")
    sign_in(browser, NEW, codes[0])
    browser.open(f"{BASE}/me/security")
    browser.type("#password", NEW)
    browser.type("#code", codes[1])
    browser.click("button[formaction$='/remove']")
    assert "The second factor is off" in browser.text()
    browser.click("form[action='/me/sign-out'] button")


def sign_in(browser: Chromium, password: str, code: str = "") -> None:
    assert browser.open(f"{BASE}/me") == ""
    browser.type("#email", "bela@example.com")
    browser.type("#password", password)
    if code:
        browser.type("#code", code)
    browser.press_enter()
    assert browser.address == f"{BASE}/me", browser.text()


def test_over_https_the_cookies_are_secure(box: Appliance, colleague: Colleague, authority: Path) -> None:
    done = colleague.run("curl", "-sS", "-D", "-", "-o", "/dev/null", "--cacert", str(authority), f"{BASE}/me")
    (cookie,) = [line for line in done.stdout.splitlines() if line.lower().startswith("set-cookie:")]
    for rule in ("__Secure-gatehouse-form=", "Secure;", "HttpOnly", "SameSite=strict", "Path=/me"):
        assert rule in cookie + ";", cookie
