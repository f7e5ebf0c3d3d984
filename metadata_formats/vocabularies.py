"""The vocabularies that crosswalks speak: codes to terms and URIs, as tables (crosswalk, section 3.3).

What a table does not know is answered with None, never guessed: a code that is not on the list it claims to be from
would mislead whoever follows it.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from typing import NamedTuple

import langcodes


def _words(table: str) -> frozenset[str]:
    return frozenset(table.split())


def _codes(table: str) -> dict[str, str]:
    """Read ``code term`` lines."""
    lines = (line.partition(" ") for line in table.strip().splitlines())
    return {code: term for code, _, term in lines}


RELATOR_URI = "http://id.loc.gov/vocabulary/relators"
LANGUAGE_URI = "http://id.loc.gov/vocabulary/iso639-2"
RESOURCE_TYPE_URI = "http://id.loc.gov/vocabulary/resourceTypes"

CREATOR_ROLES = _words("aut cre art cmp pht scl ctg arc drt inv lbt lyr prg ive ivr")
"""MARC relator codes of those who made the item; a repository may name others (``creator_roles``)."""
EDITOR_ROLES = frozenset({"edt", "com"})
"""Roles that may stand for the creator where an item has none."""
PUBLISHER_ROLE = "pbl"

AUTHORITY_URIS = {
    "aat": "http://vocab.getty.edu/aat/",
    "agrovoc": "http://aims.fao.org/aos/agrovoc/",
    "cona": "http://vocab.getty.edu/cona/",
    "eurovoc": "http://eurovoc.europa.eu/",
    "fast": "http://id.worldcat.org/fast/",
    "geonames": "https://sws.geonames.org/",
    "gnd": "https://d-nb.info/gnd/",
    "homoit": "https://homosaurus.org/v3/",
    "isni": "https://isni.org/isni/",
    "lcdgt": "http://id.loc.gov/authorities/demographicTerms",
    "lcgft": "http://id.loc.gov/authorities/genreForms",
    "lcmpt": "http://id.loc.gov/authorities/performanceMediums",
    "lcnaf": "http://id.loc.gov/authorities/names",
    "lcsh": "http://id.loc.gov/authorities/subjects",
    "lcshac": "http://id.loc.gov/authorities/childrensSubjects",
    "lctgm": "http://id.loc.gov/vocabulary/graphicMaterials",
    "marccountry": "http://id.loc.gov/vocabulary/countries",
    "marcgac": "http://id.loc.gov/vocabulary/geographicAreas",
    "marcgt": "http://id.loc.gov/vocabulary/marcgt",
    "marctarget": "http://id.loc.gov/vocabulary/targetAudiences",
    "mesh": "http://id.nlm.nih.gov/mesh/",
    "naf": "http://id.loc.gov/authorities/names",
    "orcid": "https://orcid.org/",
    "ram": "http://data.bnf.fr/",
    "rbmscv": "http://id.loc.gov/vocabulary/rbmscv",
    "ror": "https://ror.org/",
    "tgm": "http://id.loc.gov/vocabulary/graphicMaterials",
    "tgn": "http://vocab.getty.edu/tgn/",
    "ulan": "http://vocab.getty.edu/ulan/",
    "unescot": "http://vocabularies.unesco.org/thesaurus/",
    "viaf": "http://viaf.org/viaf/",
    "wikidata": "http://www.wikidata.org/entity/",
}
"""Source code of a vocabulary -> the address that all its terms share."""
_BY_ADDRESS = sorted(
    ((uri, name) for name, uri in AUTHORITY_URIS.items()), key=lambda known: (-len(known[0]), len(known[1]))
)


def scheme_of(uri: str) -> str | None:
    """Return the source code of the vocabulary that an address is of."""
    return next((name for start, name in _BY_ADDRESS if uri.startswith(start)), None)


RIGHTS_VOCABULARIES = (
    "http://rightsstatements.org/vocab/",
    "http://creativecommons.org/licenses/",
    "https://creativecommons.org/licenses/",
    "http://creativecommons.org/publicdomain/",
    "https://creativecommons.org/publicdomain/",
)

RIGHTS_LABELS = {
    "http://rightsstatements.org/vocab/InC/1.0/": "In Copyright",
    "http://rightsstatements.org/vocab/InC-OW-EU/1.0/": "In Copyright - EU Orphan Work",
    "http://rightsstatements.org/vocab/InC-EDU/1.0/": "In Copyright - Educational Use Permitted",
    "http://rightsstatements.org/vocab/InC-NC/1.0/": "In Copyright - Non-Commercial Use Permitted",
    "http://rightsstatements.org/vocab/InC-RUU/1.0/": "In Copyright - Rights-holder(s) Unlocatable or Unidentifiable",
    "http://rightsstatements.org/vocab/NoC-CR/1.0/": "No Copyright - Contractual Restrictions",
    "http://rightsstatements.org/vocab/NoC-NC/1.0/": "No Copyright - Non-Commercial Use Only",
    "http://rightsstatements.org/vocab/NoC-OKLR/1.0/": "No Copyright - Other Known Legal Restrictions",
    "http://rightsstatements.org/vocab/NoC-US/1.0/": "No Copyright - United States",
    "http://rightsstatements.org/vocab/CNE/1.0/": "Copyright Not Evaluated",
    "http://rightsstatements.org/vocab/UND/1.0/": "Copyright Undetermined",
    "http://rightsstatements.org/vocab/NKC/1.0/": "No Known Copyright",
    "http://creativecommons.org/publicdomain/zero/1.0/": "CC0 1.0 Universal",
    "http://creativecommons.org/publicdomain/mark/1.0/": "Public Domain Mark 1.0 Universal",
    "http://creativecommons.org/licenses/by/4.0/": "Attribution 4.0 International",
    "http://creativecommons.org/licenses/by-sa/4.0/": "Attribution-ShareAlike 4.0 International",
    "http://creativecommons.org/licenses/by-nd/4.0/": "Attribution-NoDerivatives 4.0 International",
    "http://creativecommons.org/licenses/by-nc/4.0/": "Attribution-NonCommercial 4.0 International",
    "http://creativecommons.org/licenses/by-nc-sa/4.0/": "Attribution-NonCommercial-ShareAlike 4.0 International",
    "http://creativecommons.org/licenses/by-nc-nd/4.0/": "Attribution-NonCommercial-NoDerivatives 4.0 International",
}
"""Rights URI (``http:``, trailing slash) -> its official label, in English."""


class Term(NamedTuple):
    """A term and its URI."""

    label: str
    uri: str


ACCESS_URI = "http://purl.org/coar/access_right/"
ACCESS = {
    "open": Term("open access", ACCESS_URI + "c_abf2"),
    "restricted": Term("restricted access", ACCESS_URI + "c_16ec"),
    "embargoed": Term("embargoed access", ACCESS_URI + "c_f1cf"),
    "metadata_only": Term("metadata only access", ACCESS_URI + "c_14cb"),
}
"""``rights.access`` -> the COAR access right."""


class ResourceType(NamedTuple):
    """A MODS type of resource: the suffix of its id.loc.gov URI, and its DCMI type (None: by genre or collection)."""

    suffix: str
    dcmi: str | None


RESOURCE_TYPES = {
    "text": ResourceType("txt", "Text"),
    "cartographic": ResourceType("car", "Image"),
    "notated music": ResourceType("not", "Text"),
    "sound recording-musical": ResourceType("aum", "Sound"),
    "sound recording-nonmusical": ResourceType("aun", "Sound"),
    "sound recording": ResourceType("aud", "Sound"),
    "still image": ResourceType("img", "StillImage"),
    "moving image": ResourceType("mov", "MovingImage"),
    "three dimensional object": ResourceType("art", "PhysicalObject"),
    "software, multimedia": ResourceType("mul", None),
    "mixed material": ResourceType("mix", None),
}

_SOFTWARE_GENRES = (
    ("Dataset", ("dataset", "data set", "database", "statistics")),
    ("InteractiveResource", ("interactive", "game", "web site", "website", "virtual reality", "exhibition")),
)


def dcmi_types(resource_type: str | None, collection: bool, genres: Iterable[str]) -> list[str]:
    """Return the DCMI types of an item; software is told from data and interactive resources by its genre labels."""
    found = ["Collection"] if collection else []
    if resource_type == "mixed material":
        return found or ["PhysicalObject"]
    if resource_type == "software, multimedia":
        return [_software_type(" ".join(genres).lower()), *found]
    if resource_type is not None and (dcmi := RESOURCE_TYPES[resource_type].dcmi):
        return [dcmi, *found]
    return found


def _software_type(genres: str) -> str:
    return next((dcmi for dcmi, words in _SOFTWARE_GENRES if any(word in genres for word in words)), "Software")


class LanguageName(NamedTuple):
    """A language as its code list has it: ``scheme`` is iso639-2b where that knows it, else iso639-3; None: no code."""

    code: str
    scheme: str | None
    name: str | None


@lru_cache(maxsize=8192)
def language(code: str) -> LanguageName:
    """Return a language code in its bibliographic form (``ger`` for ``deu`` and ``de``) and its English name."""
    try:
        known = langcodes.Language.make(language=langcodes.Language.get(code).language)
    except ValueError:
        return LanguageName(code, None, None)
    if code not in _ISO639_2B:
        with suppress(LookupError):
            code = known.to_alpha3(variant="B")
    scheme = "iso639-2b" if code in _ISO639_2B else "iso639-3" if len(code) == 3 else None
    name = known.display_name("en")
    return LanguageName(code, scheme, None if name.startswith("Unknown language [") or name == code else name)


@lru_cache(maxsize=8192)
def says_more(tag: str, code: str) -> bool:
    """Tell whether a BCP 47 tag says more than the three-letter code beside it: ``pt-BR`` does, ``pt`` does not."""
    try:
        known = langcodes.Language.get(tag)
        return known.to_dict().keys() != {"language"} or language(known.to_alpha3()).code != language(code).code
    except (ValueError, LookupError):
        return False


RELATORS = _codes("""
abr abridger
acp art copyist
act actor
adi art director
adp adapter
aft author of afterword, colophon, etc.
anc announcer
anl analyst
anm animator
ann annotator
ant bibliographic antecedent
ape appellee
apl appellant
app applicant
aqt author in quotations or text abstracts
arc architect
ard artistic director
arr arranger
art artist
asg assignee
asn associated name
ato autographer
att attributed name
auc auctioneer
aud author of dialog
aue audio engineer
aui author of introduction, etc.
aup audio producer
aus screenwriter
aut author
bdd binding designer
bjd bookjacket artist
bka book artist
bkd book designer
bkp book producer
blw blurb writer
bnd binder
bpd bookplate designer
brd broadcaster
brl braille embosser
bsl bookseller
cad casting director
cas caster
ccp conceptor
chr choreographer
cli client
cll calligrapher
clr colorist
clt collotyper
cmm commentator
cmp composer
cmt compositor
cnd conductor
cng cinematographer
cns censor
coe contestant-appellee
col collector
com compiler
con conservator
cop camera operator
cor collection registrar
cos contestant
cot contestant-appellant
cou court governed
cov cover designer
cpc copyright claimant
cpe complainant-appellee
cph copyright holder
cpl complainant
cpt complainant-appellant
cre creator
crp correspondent
crr corrector
crt court reporter
csl consultant
csp consultant to a project
cst costume designer
ctb contributor
cte contestee-appellee
ctg cartographer
ctr contractor
cts contestee
ctt contestee-appellant
cur curator
cwt commentator for written text
dbd dubbing director
dbp distribution place
dfd defendant
dfe defendant-appellee
dft defendant-appellant
dgc degree committee member
dgg degree granting institution
dgs degree supervisor
dis dissertant
djo DJ
dln delineator
dnc dancer
dnr donor
dpc depicted
dpt depositor
drm draftsman
drt director
dsr designer
dst distributor
dtc data contributor
dte dedicatee
dtm data manager
dto dedicator
dub dubious author
edc editor of compilation
edd editorial director
edm editor of moving image work
edt editor
egr engraver
elg electrician
elt electrotyper
eng engineer
enj enacting jurisdiction
etr etcher
evp event place
exp expert
fac facsimilist
fds film distributor
fld field director
flm film editor
fmd film director
fmk filmmaker
fmo former owner
fmp film producer
fnd funder
fon founder
fpy first party
frg forger
gdv game developer
gis geographic information specialist
grt graphic technician
his host institution
hnr honoree
hst host
ill illustrator
ilu illuminator
ink inker
ins inscriber
inv inventor
isb issuing body
itr instrumentalist
ive interviewee
ivr interviewer
jud judge
jug jurisdiction governed
lbr laboratory
lbt librettist
ldr laboratory director
led lead
lee libelee-appellee
lel libelee
len lender
let libelee-appellant
lgd lighting designer
lie libelant-appellee
lil libelant
lit libelant-appellant
lsa landscape architect
lse licensee
lso licensor
ltg lithographer
ltr letterer
lyr lyricist
mcp music copyist
mdc metadata contact
med medium
mfp manufacture place
mfr manufacturer
mka makeup artist
mod moderator
mon monitor
mrb marbler
mrk markup editor
msd musical director
mte metal engraver
mtk minute taker
mup music programmer
mus musician
mxe mixing engineer
nan news anchor
nrt narrator
onp onscreen participant
opn opponent
org originator
orm organizer
osp onscreen presenter
oth other
own owner
pad place of address
pan panelist
pat patron
pbd publisher director
pbl publisher
pdr project director
pfr proofreader
pht photographer
plt platemaker
pma permitting agency
pmn production manager
pnc penciller
pop printer of plates
ppm papermaker
ppt puppeteer
pra praeses
prc process contact
prd production personnel
pre presenter
prf performer
prg programmer
prm printmaker
prn production company
pro producer
prp production place
prs production designer
prt printer
prv provider
pta patent applicant
pte plaintiff-appellee
ptf plaintiff
pth patent holder
ptt plaintiff-appellant
pup publication place
rap rapporteur
rbr rubricator
rcd recordist
rce recording engineer
rcp addressee
rdd radio director
red redaktor
ren renderer
res researcher
rev reviewer
rpc radio producer
rps repository
rpt reporter
rpy responsible party
rse respondent-appellee
rsg restager
rsp respondent
rsr restorationist
rst respondent-appellant
rth research team head
rtm research team member
rxa remix artist
sad scientific advisor
sce scenarist
scl sculptor
scr scribe
sde sound engineer
sds sound designer
sec secretary
sfx special effects provider
sgd stage director
sgn signer
sht supporting host
sll seller
sng singer
spk speaker
spn sponsor
spy second party
srv surveyor
std set designer
stg setting
stl storyteller
stm stage manager
stn standards body
str stereotyper
swd software developer
tad technical advisor
tau television writer
tcd technical director
tch teacher
ths thesis advisor
tld television director
tlg television guest
tlh television host
tlp television producer
trc transcriber
trl translator
tyd type designer
tyg typographer
uvp university place
vac voice actor
vdg videographer
vfx visual effects provider
voc vocalist
wac writer of added commentary
wal writer of added lyrics
wam writer of accompanying material
wat writer of added text
waw writer of afterword
wdc woodcutter
wde wood engraver
wfs writer of film story
wft writer of intertitles
wfw writer of foreword
win writer of introduction
wit witness
wpr writer of preface
wst writer of supplementary textual content
wts writer of television story
""")
"""MARC relator code -> term."""

_ISO639_2B = _words("""
aar abk ace ach ada ady afa afh afr ain aka akk alb ale alg alt amh ang anp apa ara arc arg arm arn arp art arw
asm ast ath aus ava ave awa aym aze bad bai bak bal bam ban baq bas bat bej bel bem ben ber bho bih bik bin bis
bla bnt bos bra bre btk bua bug bul bur byn cad cai car cat cau ceb cel cha chb che chg chi chk chm chn cho chp
chr chu chv chy cmc cnr cop cor cos cpe cpf cpp cre crh crp csb cus cze dak dan dar day del den dgr din div doi
dra dsb dua dum dut dyu dzo efi egy eka elx eng enm epo est ewe ewo fan fao fat fij fil fin fiu fon fre frm fro
frr frs fry ful fur gaa gay gba gem geo ger gez gil gla gle glg glv gmh goh gon gor got grb grc gre grn gsw guj
gwi hai hat hau haw heb her hil him hin hit hmn hmo hrv hsb hun hup iba ibo ice ido iii ijo iku ile ilo ina inc
ind ine inh ipk ira iro ita jav jbo jpn jpr jrb kaa kab kac kal kam kan kar kas kau kaw kaz kbd kha khi khm kho
kik kin kir kmb kok kom kon kor kos kpe krc krl kro kru kua kum kur kut lad lah lam lao lat lav lez lim lin lit
lol loz ltz lua lub lug lui lun luo lus mac mad mag mah mai mak mal man mao map mar mas may mdf mdr men mga mic
min mis mkh mlg mlt mnc mni mno moh mon mos mul mun mus mwl mwr myn myv nah nai nap nau nav nbl nde ndo nds nep
new nia nic niu nno nob nog non nor nqo nso nub nwc nya nym nyn nyo nzi oci oji ori orm osa oss ota oto paa pag
pal pam pan pap pau peo per phi phn pli pol pon por pra pro pus que raj rap rar roa roh rom rum run rup rus sad
sag sah sai sal sam san sas sat scn sco sel sem sga sgn shn sid sin sio sit sla slo slv sma sme smi smj smn smo
sms sna snd snk sog som son sot spa srd srn srp srr ssa ssw suk sun sus sux swa swe syc syr tah tai tam tat tel
tem ter tet tgk tgl tha tib tig tir tiv tkl tlh tli tmh tog ton tpi tsi tsn tso tuk tum tup tur tut tvl twi tyv
udm uga uig ukr umb und urd uzb vai ven vie vol vot wak wal war was wel wen wln wol xal xho yao yap yid yor ypk
zap zbl zen zha znd zul zun zxx zza
""")
