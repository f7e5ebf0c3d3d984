"""What a running OAI-PMH server must keep: the rules of the protocol, and of those who harvest.

HT: how it answers over HTTP. XM: the XML. EN: the envelope. ID, FO, SE: Identify, ListMetadataFormats, ListSets. LI,
TO: lists and their resumptionTokens. RE, GE: records, in lists and alone. DA: selecting by date. ER: errors.
"""

from __future__ import annotations

from typing import NamedTuple

from oai_server.readiness.finding import Severity

SLOW = 10
"""Seconds after which validators give an answer up."""
BATCH = (100, 500)
"""Records on a page that aggregators ask for, at least and at most."""


class Rule(NamedTuple):
    """A rule of the protocol or of those who harvest: how bad it is to break it, what must hold, what goes wrong."""

    severity: Severity
    says: str
    why: str


ERROR, WARNING, INFO = Severity

RULES = {
    "HT-1": Rule(ERROR, "every request is answered with status 200, errors of the protocol too",
                 "harvesters take another status for a broken server and stop"),
    "HT-2": Rule(ERROR, "the base URL answers by itself, without a redirect",
                 "many clients follow no redirect, or lose the arguments of a POST"),
    "HT-3": Rule(ERROR, "Content-Type is text/xml; charset=utf-8",
                 "without the charset some clients decode as ISO-8859-1, silently"),
    "HT-4": Rule(ERROR, "POST gives what GET gives",
                 "validators refuse a server that answers only one of them"),
    "HT-5": Rule(ERROR, "the answer is XML whatever the Accept header says",
                 "Java clients put text/html first and would get a page for people"),
    "HT-6": Rule(ERROR, "an answer is compressed only where the request accepts it",
                 "clients that did not ask cannot read it"),
    "HT-7": Rule(WARNING, f"an answer takes less than {SLOW} seconds",
                 "validators give up; a harvest of many pages takes days"),
    "HT-8": Rule(INFO, "gzip is given where it is accepted, and Identify says so",
                 "without it a harvest moves four times the bytes"),
    "HT-9": Rule(INFO, "the length of an answer is announced (Content-Length or chunks)",
                 "a connection that breaks is taken for the end of the list"),
    "XM-1": Rule(ERROR, "answers are well-formed XML without characters that XML forbids",
                 "one bad character ends a harvest"),
    "XM-2": Rule(ERROR, "the root is OAI-PMH in its namespace", "no client finds anything in another document"),
    "XM-3": Rule(ERROR, "answers are UTF-8 without a byte order mark, and without a document type",
                 "clients refuse them or garble what is not ASCII"),
    "XM-4": Rule(ERROR, "answers are valid by the schemas of OAI-PMH and of the formats",
                 "validators and portals refuse what is not valid"),
    "XM-5": Rule(WARNING, "elements of OAI-PMH have no namespace prefix", "five clients find no record at all"),
    "XM-6": Rule(WARNING, "the root names the schema of OAI-PMH in xsi:schemaLocation",
                 "the registry's validator looks for it"),
    "EN-1": Rule(ERROR, "responseDate is UTC to the second: 2026-01-02T03:04:05Z",
                 "harvesters ask from there the next time, and fail"),
    "EN-2": Rule(ERROR, "the text of <request> is the base URL, without arguments",
                 "validators compare it character by character"),
    "EN-3": Rule(ERROR, "<request> repeats the arguments as attributes, but none after badVerb or badArgument",
                 "an answer is not valid by the schema, or cannot be told from another"),
    "EN-4": Rule(ERROR, "error codes are the eight of the protocol", "clients know no others"),
    "EN-5": Rule(WARNING, "responseDate is now", "harvesters that take it for their next from miss changes"),
    "ID-1": Rule(ERROR, "Identify answers", "every harvest begins with it"),
    "ID-2": Rule(ERROR, "baseURL is the address that is used, character by character",
                 "registries and validators refuse the repository"),
    "ID-3": Rule(ERROR, "protocolVersion is 2.0", "clients refuse others"),
    "ID-4": Rule(ERROR, "there is an adminEmail, a bare address with a domain",
                 "validators write to it; the schema wants it"),
    "ID-5": Rule(ERROR, "granularity is YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ",
                 "harvesters cannot form from and until"),
    "ID-6": Rule(ERROR, "earliestDatestamp is a date in the granularity, and no record is earlier",
                 "harvesters that begin there miss the earlier records"),
    "ID-7": Rule(WARNING, "deletedRecord is persistent or transient",
                 "aggregators keep what you have deleted for ever"),
    "ID-8": Rule(WARNING, "granularity is to the second",
                 "changes of one day are fetched again or missed, as the harvester chooses"),
    "ID-9": Rule(WARNING, "earliestDatestamp is not a made-up date long before the first record",
                 "clients that go month by month ask for centuries"),
    "ID-10": Rule(ERROR, "there is at most one oai-identifier description", "validators refuse the repository"),
    "ID-11": Rule(INFO, "identifiers are in the namespace that oai-identifier names",
                  "those of other repositories may be meant; else clients cannot take them apart"),
    "FO-1": Rule(ERROR, "ListMetadataFormats names oai_dc with its namespace", "the protocol wants it of everybody"),
    "FO-2": Rule(ERROR, "ListMetadataFormats answers for one identifier", "portals ask what an item has"),
    "SE-1": Rule(ERROR, "ListSets answers with sets, or with noSetHierarchy", "portals choose a set before they begin"),
    "SE-2": Rule(ERROR, "setSpecs are legal and each once", "a set that cannot be asked for cannot be harvested"),
    "SE-3": Rule(WARNING, "ancestors of a listed set are listed", "clients that build a tree lose the branch"),
    "SE-4": Rule(ERROR, "a list of a set has only records of that set or below", "portals get what is not theirs"),
    "SE-5": Rule(WARNING, "sets in headers are listed by ListSets", "validators look every set up"),
    "LI-1": Rule(ERROR, "ListIdentifiers and ListRecords answer in oai_dc", "there is nothing to harvest"),
    "LI-2": Rule(ERROR, "no page is empty", "clients take it for the end, or for an error"),
    "LI-3": Rule(ERROR, "no record comes twice in one list", "a list that repeats itself may never end"),
    "LI-4": Rule(WARNING, f"a page has {BATCH[0]} to {BATCH[1]} records",
                 "smaller pages make a harvest slow, larger ones time out"),
    "LI-5": Rule(INFO, "records come by ascending datestamp",
                 "careless clients go on from the last datestamp that they saw"),
    "TO-1": Rule(ERROR, "a resumptionToken gives the next page", "no harvest gets behind the first page"),
    "TO-2": Rule(ERROR, "a resumptionToken can be sent again and gives the same page",
                 "a connection that broke costs the harvest"),
    "TO-3": Rule(ERROR, "no page gives the token that asked for it", "clients stop, or never do"),
    "TO-4": Rule(WARNING, "tokens are made of letters, digits and -._~",
                 "a client that does not encode them stops at the first page"),
    "TO-5": Rule(WARNING, "completeListSize and cursor are there, right, and the same size on every page",
                 "portals take the number of records from them; one client crashes without"),
    "TO-6": Rule(WARNING, "expirationDate is 23 hours ahead or more", "slow harvests lose their place"),
    "TO-7": Rule(ERROR, "a list in one page has no resumptionToken", "the registry's validator fails"),
    "TO-8": Rule(ERROR, "the last page of a longer list ends with an empty resumptionToken",
                 "the protocol says so; clients compare"),
    "TO-9": Rule(WARNING, "the empty resumptionToken of the last page has no attributes", "one client loops for ever"),
    "RE-1": Rule(ERROR, "a live record has one metadata element, of the format that was asked for",
                 "portals refuse records without"),
    "RE-2": Rule(ERROR, "a deleted record is a header alone", "clients index what is gone"),
    "RE-3": Rule(ERROR, "identifiers are URIs", "the schema wants it; clients use them as keys"),
    "RE-4": Rule(ERROR, "datestamps have the granularity of Identify", "from and until do not find them"),
    "RE-5": Rule(WARNING, "metadata declares its namespaces and schema on its own root",
                 "clients that copy it get XML that nobody can read"),
    "GE-1": Rule(ERROR, "GetRecord gives every record of the lists, with the same header",
                 "Europeana asks for records one by one"),
    "DA-1": Rule(ERROR, "from and until are kept, both inclusive, in full form", "changes are missed or sent again"),
    "DA-2": Rule(ERROR, "dates in day form are taken, and until covers its whole day",
                 "every server must take them, whatever its granularity"),
    "DA-3": Rule(ERROR, "where nothing matches the answer is noRecordsMatch",
                 "clients take an empty list for an error, and other errors for a broken server"),
    "DA-4": Rule(ERROR, "from may be earlier than the first record, until in the future",
                 "clients begin with 1970 and end with now"),
    "ER-1": Rule(ERROR, "requests that are wrong get the error that the protocol names",
                 "clients cannot tell what to do"),
    "ER-2": Rule(WARNING, "errors have a text", "people cannot tell what to do"),
}  # fmt: skip
