"""The examination of a server: ours breaks nothing, and each rule is noticed in answers that break it alone."""

import csv
import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import places
import pytest
from hostile import Far, serving
from places import EXAMPLES
from servers import Server
from validation import schema_errors

from oai_server.readiness import asking, endpoint_report
from oai_server.readiness.asking import Asking
from oai_server.readiness.endpoint import RULES, Broken, NotServer, Reply, Unanswered, examine

PAGE = 100


@pytest.fixture(scope="module")
def server(new_installation) -> Iterator[Server]:
    installation = new_installation("sqlite", page_size=PAGE, identifiers_page_size=PAGE)
    installation.run("import", "--source", "tate", "--profile", EXAMPLES / "tate.toml", EXAMPLES / "tate-sample.csv")
    installation.run("delete", "oai:archive.example.org:A00001")
    with installation.serve() as running:
        yield running


@pytest.fixture(scope="module")
def remembered(server) -> Callable[..., Reply]:
    """What asks the server, and remembers what it said: many examinations ask the same."""
    ask = Asking(server.base_url, "test")
    known: dict[object, Reply] = {}

    def remember(arguments, method, headers):
        key = tuple(arguments), method, tuple(headers.items())
        if key not in known:
            known[key] = ask(arguments, method, headers)
        return known[key]

    return remember


def test_our_own_server_breaks_no_rule(server):
    assert examine(server.base_url, Asking(server.base_url, "test"), schema_errors, pages=0) == []


# Each alteration: the rule that it breaks (and those that cannot but be broken with it), and the altered answer.

Alteration = Callable[[dict[str, str], Reply], Reply]
ALTERATIONS: list[tuple[str, str, Alteration]] = []


def alteration(*rules: str) -> Callable[[Alteration], Alteration]:
    def enter(function: Alteration) -> Alteration:
        ALTERATIONS.append((rules[0], " ".join(rules[1:]), function))
        return function

    return enter


def sub(pattern: str, new: str, verb: str = "", rules: str = "", count: int = 0) -> None:
    """Enter an alteration of the text of answers to a verb (or all)."""
    first, *more = rules.split()

    def alter(given: dict[str, str], reply: Reply) -> Reply:
        if verb and given.get("verb") != verb:
            return reply
        body = re.sub(pattern, new, reply.body.decode(), count=count, flags=re.DOTALL)
        return reply._replace(body=body.encode())

    ALTERATIONS.append((first, " ".join(more), alter))


def headed(rules: str, **headers: str | None) -> None:
    first, *more = rules.split()

    def alter(_: dict[str, str], reply: Reply) -> Reply:
        said = {**reply.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return reply._replace(headers={name: value for name, value in said.items() if value is not None})

    ALTERATIONS.append((first, " ".join(more), alter))


@alteration("HT-1")
def _(given, reply):
    return reply._replace(status=404) if given.get("identifier", "").startswith("oai:no.such") else reply


@alteration("HT-2", "ID-1")
def _(given, reply):
    return reply._replace(status=301, headers={"location": "https://elsewhere.example.org/"})


headed("HT-3", content_type="text/xml")
headed("HT-3 HT-5", content_type="text/html; charset=utf-8")
sub("<setSpec>([^<]*)</setSpec></header>", r"<setSpec>\1</setSpec><setSpec>unheard-of</setSpec></header>", "", "SE-5")
headed("HT-9", content_length=None)


@alteration("HT-4", "HT-1")
def _(given, reply):
    return reply._replace(status=405) if reply.request.startswith("POST") else reply


@alteration("HT-5")
def _(given, reply):
    html = {**reply.headers, "content-type": "text/html; charset=utf-8"}
    return reply._replace(headers=html) if "html" in given.get("@Accept", "") else reply


@alteration("HT-6")
def _(given, reply):
    return reply._replace(encoding="gzip")


@alteration("HT-7")
def _(given, reply):
    return reply._replace(seconds=11.0)


@alteration("HT-8")
def _(given, reply):
    return reply._replace(encoding="")


sub("Tate", "Ta\x0cte", "ListRecords", "XM-1 TO-1")
sub("</OAI-PMH>", "", "ListSets", "XM-1")
sub("OAI/2.0/", "OAI/1.9/", "GetRecord", "XM-2 XM-4")
sub(r"\A", "\ufeff", "", "XM-3")
sub(r"(\?>)", r"\1<!DOCTYPE OAI-PMH>", "Identify", "XM-3", count=1)
sub("</dc:title>", "</dc:title><dc:titel/>", "GetRecord", "XM-4")
sub(r"http://www.openarchives.org/OAI/2.0/ http://www.openarchives.org/OAI/2.0/OAI-PMH.xsd", "a b", "", "XM-6")
sub(r"(<responseDate>.{10})T", r"\1 ", "", "EN-1 XM-4")
sub(r"(<responseDate>)....", r"\g<1>2001", "", "EN-5")
sub(r"(<request[^>]*>)http://127.0.0.1", r"\1http://localhost", "", "EN-2")
sub(r'(<request verb="GetRecord") identifier="[^"]*"', r"\1", "GetRecord", "EN-3")
sub(r"<request>", '<request verb="ListRecords">', "ListRecords", "EN-3")
sub('code="cannotDisseminateFormat"', 'code="noSuchFormat"', "", "EN-4 ER-1 XM-4")
sub('(<error code="[^"]*">)[^<]*', r"\1", "", "ER-2")
sub("<baseURL>http", "<baseURL>https", "", "ID-2")
sub("<protocolVersion>2.0", "<protocolVersion>1.1", "", "ID-3 XM-4")
sub("<adminEmail>[^<]*", "<adminEmail>mailto:root@localhost", "", "ID-4 XM-4")
sub("<granularity>[^<]*", "<granularity>YYYY-MM-DDThh:mm:ss.sZ", "", "ID-5 XM-4")
sub("<earliestDatestamp>[^<]*", "<earliestDatestamp>2999-01-01T00:00:00Z", "", "ID-6 DA-3")
sub("<earliestDatestamp>[^<]*", "<earliestDatestamp>0001-01-01T00:00:00Z", "", "ID-9")
sub("<deletedRecord>[^<]*", "<deletedRecord>no", "", "ID-7")
sub("<repositoryIdentifier>[^<]*", "<repositoryIdentifier>museum.example.org", "", "ID-11")
sub("(<description><oai-identifier.*?</description>)", r"\1\1", "Identify", "ID-10")
sub("<metadataPrefix>oai_dc", "<metadataPrefix>dc", "ListMetadataFormats", "FO-1")
sub("<set>.*</set>", "", "ListSets", "SE-1 XM-4")
sub("<setSpec>[^<]*", "<setSpec>a b", "ListSets", "SE-2 SE-5 XM-4")
sub(r"<set><setSpec>[^<:]*</setSpec>.*?</set>\s*", "", "ListSets", "SE-3 SE-5")
sub("<setSpec>[^<]*</setSpec>", "", "ListIdentifiers", "SE-4 GE-1")
sub("(<header[^>]*>.*?</header>)", r"\1\1", "ListRecords", "LI-3 TO-5 XM-4", count=1)
sub(r'completeListSize="\d+"', 'completeListSize="5"', "", "TO-5")
sub('cursor="100"', 'cursor="2"', "", "TO-5")
sub(r'expirationDate="[^"]*"', "", "", "TO-6")
sub("<resumptionToken/>", "", "", "TO-8")
sub("<resumptionToken/>", '<resumptionToken cursor="200"/>', "", "TO-9")
sub("</metadata>", "<more/></metadata>", "GetRecord", "RE-1 XM-4")
sub("(</header>)(</record>)", r"\1<metadata/>\2", "", "RE-2 XM-4")
sub("(<datestamp>.{10})T.{8}Z", r"\1", "ListIdentifiers", "RE-4 GE-1 DA-1")
sub(r' xmlns:dc="[^"]*"', "", "ListRecords", "XM-1 TO-1")
sub(r'(<oai_dc:dc[^>]*) xsi:schemaLocation="[^"]*"', r"\1", "GetRecord", "RE-5")
sub("<(/?)error", "<\\1errors", "", "ER-1 DA-3 EN-3 XM-4")


@alteration("XM-5")
def _(given, reply):
    text = reply.body.decode().replace("<OAI-PMH xmlns=", "<o:OAI-PMH xmlns:o=").replace("</OAI-PMH>", "</o:OAI-PMH>")
    names = (
        "responseDate|request|error|Identify|ListSets|ListMetadataFormats|ListIdentifiers|ListRecords|GetRecord|header"
    )
    names += (
        "|identifier|datestamp|setSpec|record|metadata|resumptionToken|set|setName|metadataFormat|metadataPrefix|schema"
    )
    names += "|metadataNamespace|repositoryName|baseURL|protocolVersion|adminEmail|earliestDatestamp|deletedRecord"
    names += "|granularity|compression|description|setDescription"
    text = re.sub(rf"<(/?)({names})(?=[\s/>])", r"<\1o:\2", text)
    return reply._replace(body=text.encode())


@alteration("RE-5")
def _(given, reply):
    text = reply.body.decode()
    text = text.replace(' xmlns:dc="http://purl.org/dc/elements/1.1/"', "")
    text = text.replace("<OAI-PMH ", '<OAI-PMH xmlns:dc="http://purl.org/dc/elements/1.1/" ')
    return reply._replace(body=text.encode())


@alteration("ID-1", "XM-4")
def _(given, reply):
    return reply._replace(body=reply.body.replace(b"<Identify>", b"<!--").replace(b"</Identify>", b"-->"))


@alteration("ID-8")
def _(given, reply):
    text = reply.body.decode().replace("<granularity>YYYY-MM-DDThh:mm:ssZ", "<granularity>YYYY-MM-DD")
    text = re.sub("(<(?:earliestDatestamp|datestamp)>.{10})T.{8}Z", r"\1", text)
    return reply._replace(body=text.encode())


@alteration("LI-1", "EN-3")
def _(given, reply):
    if given == {"verb": "ListRecords", "metadataPrefix": "oai_dc"}:
        return reply._replace(
            body=re.sub(
                rb"<ListRecords>.*</ListRecords>", b'<error code="badArgument">no</error>', reply.body, flags=re.DOTALL
            )
        )
    return reply


@alteration("LI-2", "LI-4", "TO-5", "XM-4")
def _(given, reply):
    if given == {"verb": "ListIdentifiers", "metadataPrefix": "oai_dc"}:
        return reply._replace(body=re.sub(rb"<header.*</header>", b"", reply.body, flags=re.DOTALL))
    return reply


@alteration("LI-4", "TO-5")
def _(given, reply):
    first = given == {"verb": "ListIdentifiers", "metadataPrefix": "oai_dc"}
    if not first:
        return reply
    few = re.sub(r"(?:<header[^\n]*</header>\n){60}", "", reply.body.decode(), count=1)
    return reply._replace(body=few.encode())


@alteration("LI-5", "GE-1", "ID-6")
def _(given, reply):
    if given.get("verb") != "ListIdentifiers" or "resumptionToken" not in given:
        return reply
    return reply._replace(body=re.sub(rb"<datestamp>....", b"<datestamp>2001", reply.body))


@alteration("TO-1")
def _(given, reply):
    if "resumptionToken" not in given or given["resumptionToken"] == "no-such-token" or given["verb"] == "ListRecords":
        return reply
    return reply._replace(
        body=re.sub(
            rb"<ListIdentifiers>.*</ListIdentifiers>",
            b'<error code="badResumptionToken">old</error>',
            reply.body,
            flags=re.DOTALL,
        )
    )


class Once:
    """A server that knows its tokens only once."""

    def __init__(self) -> None:
        self.seen: set[str] = set()

    def __call__(self, given, reply):
        token = given.get("resumptionToken", "")
        if token and token in self.seen and token != "no-such-token":
            body = re.sub(
                rb"<(ListIdentifiers|ListRecords)>.*</\1>",
                b'<error code="badResumptionToken">gone</error>',
                reply.body,
                flags=re.DOTALL,
            )
            return reply._replace(body=body)
        self.seen.add(token)
        return reply


ALTERATIONS.append(("TO-2", "", Once()))


@alteration("TO-3")
def _(given, reply):
    if given.get("resumptionToken", "no-such-token") == "no-such-token":
        return reply
    body = re.sub(rb"(<resumptionToken[^>]*>)[^<]*", rb"\g<1>" + given["resumptionToken"].encode(), reply.body)
    return reply._replace(body=body)


@alteration("TO-4", "EN-3")
def _(given, reply):
    return reply._replace(body=re.sub(rb"(<resumptionToken [^>]*>)([^<]+)", rb"\1a b|\2", reply.body))


@alteration("TO-7")
def _(given, reply):
    if given.get("verb") != "ListRecords" or "no-such-token" in given.values():
        return reply
    return reply._replace(body=re.sub(rb"<resumptionToken.*</resumptionToken>", b"<resumptionToken/>", reply.body))


@alteration("RE-3", "GE-1", "FO-2")
def _(given, reply):
    return reply._replace(body=reply.body.replace(b"<identifier>oai:archive.example.org:", b"<identifier>"))


@alteration("GE-1")
def _(given, reply):
    return (
        reply._replace(body=re.sub(rb"<datestamp>....", b"<datestamp>2999", reply.body))
        if given.get("verb") == "GetRecord"
        else reply
    )


@alteration("DA-1")
def _(given, reply):
    wide = "from" in given and given.get("from") == given.get("until") and len(given["from"]) > 10
    return reply._replace(body=re.sub(rb"<datestamp>....", b"<datestamp>2999", reply.body)) if wide else reply


@alteration("DA-2")
def _(given, reply):
    refused = len(given.get("until", "x" * 20)) == 10 and given.get("from") == given["until"]
    body = re.sub(
        rb"<ListIdentifiers>.*</ListIdentifiers>",
        b'<error code="noRecordsMatch">none</error>',
        reply.body,
        flags=re.DOTALL,
    )
    return reply._replace(body=body) if refused else reply


@alteration("DA-3")
def _(given, reply):
    return reply._replace(body=reply.body.replace(b'code="noRecordsMatch"', b'code="idDoesNotExist"'))


@alteration("DA-4")
def _(given, reply):
    body = re.sub(
        rb"<ListIdentifiers>.*</ListIdentifiers>",
        b'<error code="noRecordsMatch">none</error>',
        reply.body,
        flags=re.DOTALL,
    )
    return reply._replace(body=body) if given.get("from") == "1970-01-01" else reply


@alteration("FO-2")
def _(given, reply):
    if given.get("verb") != "ListMetadataFormats" or "no.such" in given.get("identifier", "no.such"):
        return reply
    body = re.sub(
        rb"<ListMetadataFormats>.*</ListMetadataFormats>",
        b'<error code="noMetadataFormats">none</error>',
        reply.body,
        flags=re.DOTALL,
    )
    return reply._replace(body=body)


@pytest.mark.parametrize(
    ("rule", "with_it", "alter"),
    ALTERATIONS,
    ids=[f"{rule}-{number}" for number, (rule, _, _) in enumerate(ALTERATIONS)],
)
def test_a_broken_rule_is_noticed_and_no_other(rule, with_it, alter, server, remembered):
    def altered(arguments, method, headers):
        # A token that was altered on its way out is given back as it was.
        given = [(name, value.removeprefix("a b|")) for name, value in arguments]
        return alter(
            dict(given) | {f"@{name}": value for name, value in headers.items()}, remembered(given, method, headers)
        )

    found = examine(server.base_url, altered, schema_errors, now=lambda: datetime.now(UTC))
    rules = {each.name for each in found}
    assert rule in rules, found
    assert rules - {rule} <= set(with_it.split()), found
    assert all(isinstance(each, Broken) and each.seen and each.request for each in found)


def test_every_rule_has_an_answer_that_breaks_it():
    assert {rule for rule, _, _ in ALTERATIONS} == set(RULES)


def test_a_server_that_is_not_there_is_told():
    with pytest.raises(NotServer, match=r"^http://127.0.0.1:9/oai\?verb=Identify: (?!HTTPConn).*Connection refused$"):
        examine("http://127.0.0.1:9/oai", Asking("http://127.0.0.1:9/oai", "test"))


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, b"\n<!DOCTYPE html><title>Welcome</title>", "an HTML page"),
        (200, b'{"a": 1}', "no answer of OAI-PMH"),
        (200, b"<rss/>", "no answer of OAI-PMH"),
        (404, b"", "HTTP 404"),
    ],
)
def test_what_is_no_server_of_oai_pmh_is_told(status: int, body: bytes, said: str):
    with pytest.raises(NotServer, match=rf"^http://far.example.org/: {said}; is this the base URL of an OAI-PMH"):
        examine("http://far.example.org/", lambda *_: Reply("http://far.example.org/", status, {}, body))


def test_a_server_that_falls_silent_is_told(remembered, server):
    def silent(arguments, method, headers):
        if dict(arguments)["verb"] != "Identify":
            raise Unanswered("no answer")
        return remembered(arguments, method, headers)

    assert [each.name for each in examine(server.base_url, silent)] == ["HT-1"]


def test_the_command_says_what_a_server_breaks(server, new_installation, tmp_path):
    anywhere = new_installation("sqlite")
    unvalidated = anywhere.run("check", "--endpoint", server.base_url, "--fail-on", "warning").stdout
    assert unvalidated.startswith(
        "note: answers were not validated, for schemas are missing: run 'oai-server schemas fetch' (http://www.openarchives"
    )
    assert unvalidated.count("note: ") == 1
    clean = anywhere.run("check", "--endpoint", server.base_url, "--fail-on", "warning", schemas=places.schemas())
    assert re.fullmatch(r"http://\S+/oai: \d+ requests · rules broken: 0 errors · 0 warnings · 0 infos\n", clean.stdout)
    page = f"{server.url}/health/live"  # answers everything, and is no repository
    refused = anywhere.run("check", "--endpoint", page, "--json", check=False)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == f"oai-server: {page}: no answer of OAI-PMH; is this the base URL of an OAI-PMH server?\n"


def test_the_command_says_what_a_broken_server_breaks(new_installation, tmp_path):
    anywhere, far = new_installation("sqlite"), Far()
    far.answer = lambda _: "<Identify>"
    with serving(far) as page:
        examined(anywhere, page, tmp_path)


def examined(anywhere, page, tmp_path):
    broken = anywhere.run("check", "--endpoint", page, "--json", "--fail-on", "error", check=False)
    assert broken.returncode == 1
    told = json.loads(broken.stdout)
    assert {finding["rule"] for finding in told["findings"]} >= {"XM-1", "ID-1"}
    assert all(tuple(finding) == endpoint_report.COLUMNS for finding in told["findings"])
    assert told["summary"]["endpoint"] == page
    file = tmp_path / "findings.csv"
    said = anywhere.run("check", "--endpoint", page, "--csv", "--report", file).stdout
    assert said.startswith(f"{page}: 1 request · rules broken: 2 errors · ")
    assert [row["rule"] for row in csv.DictReader(file.read_text().splitlines())] == [
        finding["rule"] for finding in told["findings"]
    ]
    text = anywhere.run("check", "--endpoint", page).stdout
    assert "  ID-1 error: Identify answers\n    why: every harvest begins with it\n" in text


@pytest.mark.parametrize(
    "arguments",
    [["not-an-address"], ["ftp://example.org/"], ["http://x/oai", "--set", "a"], ["http://x/oai", "oai:a:1"]],
)
def test_an_examination_that_makes_no_sense_is_refused(new_installation, arguments):
    refused = new_installation("sqlite").run("check", "--endpoint", *arguments, check=False)
    assert refused.returncode == 2
    assert refused.stderr.startswith("oai-server: --endpoint")


def test_an_answer_without_end_is_cut_off(monkeypatch):
    monkeypatch.setattr(asking, "LARGEST", 100_000)

    class Endless(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/xml; charset=utf-8")
            self.end_headers()
            with suppress(OSError):
                while True:
                    self.wfile.write(b"<OAI-PMH>" * 1000)

        def log_message(self, *_):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Endless)
    Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/oai"
    try:
        with pytest.raises(NotServer, match="longer than"):
            examine(url, Asking(url, "test"))
    finally:
        server.shutdown()
        server.server_close()
