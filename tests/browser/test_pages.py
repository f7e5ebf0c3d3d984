"""The pages for people, in a real browser: what they show, what their form sends, what a hostile record cannot do."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select
from servers import Installation, Server, fetch, wait_until

HOSTILE = '<script>alert(1)</script><img src="//evil.example.org/x" onerror="alert(2)">&amp; \'"'
LIVE, GONE = "oai:archive.example.org:live", "oai:archive.example.org:gone"
OAI = "{http://www.openarchives.org/OAI/2.0/}"


def record(key: str, title: str, *sets: str) -> str:
    titles = [{"value": "Another title", "type": "alternative"}, {"value": title}]
    words = [{"kind": "transcript", "value": "Not for everybody"}]
    return json.dumps({"id": key, "titles": titles, "sets": sets, "full_text": words, "extra": {"plugin": "inner"}})


@pytest.fixture(scope="module")
def server(new_installation: Callable[..., Installation]) -> Iterator[Server]:
    """Three records, one of them hostile and one deleted, in a set whose name is hostile too."""
    installation = new_installation("sqlite", repository_name=f"Archive {HOSTILE}")
    lines = [record("live", HOSTILE, "maps:old"), record("gone", "Soon gone", "maps"), record("ж/1 %", "Жена", HOSTILE)]
    installation.run("import", "-", stdin="\n".join(lines))
    installation.run("delete", GONE)
    with installation.serve(workers=1) as running:
        yield running


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """A headless Chromium that keeps its log; its own profile, no downloads of drivers."""
    programs = [shutil.which(name) for name in ("chromium", "chromedriver")]
    if not all(programs):
        pytest.skip("MISSING Chromium: apt-get install chromium chromium-driver")
    browser, driver = programs
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    arguments = ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1000,1300"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")  # Chromium's sandbox refuses root
    for argument in [*arguments, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"]:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    options.set_capability("unhandledPromptBehavior", "ignore")  # an alert must stay, to be seen
    made = webdriver.Chrome(options, webdriver.ChromeService(driver))
    yield made
    made.quit()


class Pages:
    """The pages of one server in one browser."""

    def __init__(self, browser: webdriver.Chrome, server: Server) -> None:
        self.browser = browser
        self.server = server

    def open(self, path: str) -> None:
        self.browser.get(self.server.url + path)

    def one(self, selector: str) -> WebElement:
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector: str = "main") -> str:
        return self.one(selector).text

    def rows(self, selector: str) -> list[list[str]]:
        """The cells of a table's body, row by row."""
        rows = self.browser.find_elements(By.CSS_SELECTOR, f"{selector} tbody tr")
        return [[cell.text for cell in row.find_elements(By.TAG_NAME, "td")] for row in rows]

    def choose(self, field: str, value: str) -> None:
        Select(self.one(f"#request [name={field}]")).select_by_visible_text(value)

    def send(self) -> str:
        """Press the button and return the query that the browser then asked for."""
        before = self.browser.current_url
        self.one("#request button").click()
        wait_until(lambda: self.browser.current_url != before, 10, "the answer to the form")
        return urlsplit(self.browser.current_url).query


@pytest.fixture
def pages(server: Server, chromium: webdriver.Chrome) -> Iterator[Pages]:
    """The pages; afterwards the browser's log must have no word of a refused script, a failed load or an error."""
    chromium.get("about:blank")
    chromium.get_log("browser")
    yield Pages(chromium, server)
    said = [entry["message"] for entry in chromium.get_log("browser") if "favicon.ico" not in entry["message"]]
    assert not said


def test_home_says_what_the_repository_is(pages: Pages) -> None:
    pages.open("/")
    assert pages.text("h1") == f"Archive {HOSTILE}"
    assert pages.text("#base-url") == pages.server.base_url
    assert pages.browser.title == f"Archive {HOSTILE}"
    formats = [(prefix, count) for prefix, _, count in pages.rows("#formats")]
    assert formats == [("oai_dc", "3"), ("mods", "3")]
    sets = {spec: (name, size) for spec, name, size in pages.rows("#sets")}
    assert sets.pop("maps") == ("maps", "2")
    assert sets.pop("maps:old") == ("maps:old", "1")
    assert [name for name, _ in sets.values()] == [HOSTILE]


def test_every_link_of_home_is_answered(pages: Pages) -> None:
    pages.open("/")
    links = [link.get_attribute("href") for link in pages.browser.find_elements(By.CSS_SELECTOR, "main a[href*=verb]")]
    assert len(links) == 5
    for link in links:
        answer = ElementTree.fromstring(fetch(link).body)
        assert answer.find(f"{OAI}ListRecords/{OAI}record") is not None, link


@pytest.mark.parametrize(
    ("verb", "filled", "sent"),
    [
        ("ListRecords", {}, {"metadataPrefix": ["oai_dc"]}),
        ("ListRecords", {"from": " "}, {"metadataPrefix": ["oai_dc"]}),
        ("ListIdentifiers", {"from": "2020-01-01"}, {"metadataPrefix": ["oai_dc"], "from": ["2020-01-01"]}),
        ("GetRecord", {"identifier": LIVE}, {"metadataPrefix": ["oai_dc"], "identifier": [LIVE]}),
        ("Identify", {}, {}),
        ("ListSets", {}, {}),
        ("ListMetadataFormats", {"identifier": LIVE}, {"identifier": [LIVE]}),
    ],
)
def test_the_form_sends_what_the_verb_takes_and_no_empty_argument(
    pages: Pages, verb: str, filled: dict[str, str], sent: dict[str, list[str]]
) -> None:
    pages.open("/")
    pages.choose("verb", verb)
    for field, value in filled.items():
        pages.one(f"#request [name={field}]").send_keys(value)
    query = pages.send()
    assert parse_qs(query, keep_blank_values=True) == {"verb": [verb], **sent}
    answer = fetch(f"{pages.server.base_url}?{query}")
    assert answer.headers.get_content_type() == "text/xml"
    root = ElementTree.fromstring(answer.body)
    assert root.tag == f"{OAI}OAI-PMH"
    assert root.find(f"{OAI}{verb}") is not None, answer.text


def test_the_form_works_again_after_going_back(pages: Pages) -> None:
    pages.open("/")
    pages.send()
    pages.browser.back()
    wait_until(lambda: pages.browser.find_elements(By.ID, "request"), 10, "the first page")
    assert pages.one("#request [name=from]").is_enabled()
    pages.choose("set", "maps:old")
    assert parse_qs(pages.send())["set"] == ["maps:old"]


def test_a_record_shows_its_title_as_text_whatever_is_in_it(pages: Pages) -> None:
    pages.open(f"/records/{LIVE}")
    assert pages.text("h1") == HOSTILE
    assert pages.rows("#described")[0] == [f"Another title\n{HOSTILE}"]
    assert pages.text("pre") == ""  # folded away
    pages.one("summary").click()
    shown = json.loads(pages.text("pre"))
    assert shown["titles"][-1] == {"value": HOSTILE}
    assert not {"full_text", "extra"} & shown.keys()
    [linked] = pages.browser.find_elements(By.CSS_SELECTOR, "main script, main img")
    said = json.loads(linked.get_attribute("textContent"))
    assert (said["@context"], said["name"]) == ("https://schema.org", HOSTILE)
    assert [(prefix, state) for prefix, _, state in pages.rows("#formats")] == [("oai_dc", "live"), ("mods", "live")]
    pages.one("#formats a").click()
    assert parse_qs(urlsplit(pages.browser.current_url).query)["identifier"] == [LIVE]


def test_a_deleted_record_says_so_and_shows_nothing_else(pages: Pages) -> None:
    pages.open(f"/records/{GONE}")
    assert pages.text("h1") == "Deleted record"
    assert "Soon gone" not in pages.browser.page_source
    assert {state for _, _, state in pages.rows("#formats")} == {"deleted"}


def test_an_identifier_with_escapes_has_a_page_and_its_links_work(pages: Pages, server: Server) -> None:
    listed = ElementTree.fromstring(server.get(verb="ListIdentifiers", metadataPrefix="oai_dc").body)
    escaped = next(e.text for e in listed.iter(f"{OAI}identifier") if e.text not in (LIVE, GONE))
    pages.open(f"/records/{escaped.replace('%', '%25')}")
    assert pages.text("h1") == "Жена"
    link = pages.one("#formats a").get_attribute("href")
    assert ElementTree.fromstring(fetch(link).body).find(f"{OAI}GetRecord") is not None


def test_scripts_of_others_are_refused_by_the_browser(chromium: webdriver.Chrome, server: Server) -> None:
    """The policy works: a script put into the page does not run, and the browser says why."""
    chromium.get(server.url)
    chromium.execute_script(
        "const s = document.createElement('script'); s.textContent = 'window.owned = 1'; document.body.append(s)"
    )
    assert chromium.execute_script("return window.owned") is None
    assert any("Content Security Policy" in entry["message"] for entry in chromium.get_log("browser"))


def test_a_record_that_never_was_is_404(server: Server) -> None:
    assert fetch(f"{server.url}/records/oai:archive.example.org:never").status == 404


def test_a_record_that_the_model_takes_no_longer_has_a_page_still(
    new_installation: Callable[..., Installation],
) -> None:
    """As after an upgrade, until its source is mended: `render` rejects it and says why."""
    installation = new_installation("sqlite")
    installation.run("import", "-", stdin=record("old", "Old words"))
    with closing(sqlite3.connect(installation.folder / "repository.sqlite")) as database:
        [(stored,)] = database.execute("SELECT json FROM canonical")
        older = json.dumps(json.loads(stored) | {"colour": "red"}).encode()
        database.execute("UPDATE canonical SET json = ?", (older,))
        database.commit()
    with installation.serve(workers=1) as running:
        page = fetch(f"{running.url}/records/oai:archive.example.org:old")
    assert page.status == 200, page.text
    assert "Canonical record" in page.text
    assert "ld+json" not in page.text
