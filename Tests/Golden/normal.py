"""What every run has otherwise is put in a general form: ids, secrets, times, ports. Two runs of one binary then read
alike."""

import datetime
import json
import re

NOW = datetime.datetime.now(datetime.timezone.utc)
# A time that far from now was written by a script; one nearer was told by a clock.
NEAR = datetime.timedelta(days=800)
TEXT_LENGTH_MAX = 20_000

# They tell when, how much is left, or what differs by its nature: that the header is there is all that is compared.
VARYING_HEADERS = {
    "date", "request-id", "content-length", "ratelimit", "x-ratelimit-remaining", "x-ratelimit-reset", "retry-after",
    "audit-head", "audit-signature", "x-tollgate-signature", "x-tollgate-timestamp", "etag", "last-modified"}


def time(match):
    text = match.group(0)
    try:
        told = datetime.datetime.fromisoformat(text[:10] + "T00:00:00+00:00")
    except ValueError:
        return text
    if abs(told - NOW) > NEAR:
        return text
    return "<time>" if len(text) > 10 else "<date>"


def seconds(match):
    """Seconds or milliseconds since 1970."""
    near = abs(int(match.group(0)[:10]) - NOW.timestamp()) < NEAR.total_seconds()
    return "<seconds>" if near else match.group(0)


RULES = [
    # What is measured, signed or shortened, by the member's name.
    (re.compile(r'("(?:bytes|bytes_out|latency_us|requests_this_month)": ?)\d+'), r"\1<number>"),
    (re.compile(r'("(?:signature|public_key|apiKey|proxyPassword)": ?)"[^"]+"'), r'\1"<text>"'),
    (re.compile(r'("(?:prefix|apiKey)": ?)"[0-9a-f]{4}"'), r'\1"<hex>"'),
    (re.compile(r'("(?:audit_)?head": ?"\d+:)\d+:'), r"\1<number>:"),
    # What the service of a script names in turn.
    (re.compile(r'"pp_\d+"'), '"pp_<number>"'),
    # A row of the audit log as CSV: status, microseconds, request, bytes in and out.
    (re.compile(r",(\d{3}),\d+,(req_\w+,\d+),\d+,"), r",\1,<number>,\2,<number>,"),
    (re.compile(r"(audit-head-v1:[^:]+:\d+:)\d+:"), r"\1<number>:"),
    # An address that a script has made up, or numbered.
    (re.compile(r"\b[0-9a-f]{12}@"), "<hex>@"),
    (re.compile(r"\b([a-z]+-?)\d+@"), r"\1<number>@"),
    (re.compile(r"\bagain in \d+ s"), "again in <number> s"),
    # A port's name and login.
    (re.compile(r"\bpsx_[0-9A-Za-z]{6}_[0-9A-Za-z]{6}\b"), "psx_<name>"),
    (re.compile(r'("proxyLogin": ?)"user[0-9A-Za-z]{10}"'), r'\1"user<name>"'),
    # A licence key of the demo; one that a script made.
    (re.compile(r"\bps-[0-9A-Z]{4}-[0-9A-Z]{7}-[0-9A-Z]{3}\b|\bps-[0-9A-Fa-f]{12,}\b"), "ps-<key>"),
    (re.compile(r"\b([a-z]{2,16}_(?:live|test)_)[0-9A-Za-z]{4,}(?![0-9A-Za-z])"), r"\1<secret>"),
    (re.compile(r"whsec_[A-Za-z0-9+/=_-]{8,}"), "whsec_<secret>"),
    (re.compile(r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b"), "<uuid>"),
    (re.compile(r"\b([a-z]{1,6})_[0-9a-z]{20,}\b"), r"\1_<id>"),
    (re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"), time),
    (re.compile(r"(?<![\w.-])1[0-9]{9}(?:[0-9]{3})?(?![\w.-])"), seconds),
    (re.compile(r"(://(?:\[[^\]\s]*\]|[^/\"\s:]+):)\d{4,5}\b"), r"\1<port>"),
    (re.compile(r"((?:127(?:\.\d+){1,3}|localhost|\[::1\]):)\d{4,5}\b"), r"\1<port>"),
    (re.compile(r"/tmp/[A-Za-z0-9_./-]+"), "<path>"),
    (re.compile(
        r"(?<![0-9A-Za-z])(?=[0-9A-Fa-f]*[0-9])(?=[0-9A-Fa-f]*[A-Fa-f])[0-9A-Fa-f]{12,}(?![0-9A-Za-z])"), "<hex>"),
    # An invitation, a session, a password: letters of both cases and digits; a long one may have no digit.
    (re.compile(
        r"(?<![0-9A-Za-z_-])(?=[a-z0-9_-]*[A-Z])(?=[A-Z0-9_-]*[a-z])[0-9A-Za-z_-]{40,}(?![0-9A-Za-z_-])"), "<token>"),
    (re.compile(
        r"(?<![0-9A-Za-z_-])(?=[a-zA-Z_-]*[0-9])(?=[a-z0-9_-]*[A-Z])(?=[A-Z0-9_-]*[a-z])[0-9A-Za-z_-]{18,}"
        r"(?![0-9A-Za-z_-])"), "<token>"),
    (re.compile(r'((?:"(?:next_?)?cursor":"|cursor=))[A-Za-z0-9_%=.-]{8,}', re.I), r"\1<cursor>"),
]


# A line of /metrics.
SAMPLE = re.compile(r"^([a-z_]+(?:\{.*\})?) \S+$", re.M)


def text(value):
    """`value` with what varies in its general form."""
    for pattern, form in RULES:
        value = pattern.sub(form, value)
    return value


# How many calls of a second the audit log has put in one row hangs on the clock.
COUNTS = re.compile(r'"(seq|count)": ?\d+')
COUNTS_OF_CSV = re.compile(r"^\d+(,.*,<number>),\d+,", re.M)


def rows(told):
    """The audit log, as a page of JSON, as JSON lines or as CSV: which rows there are, each once, in the alphabet's
    order."""
    if told.startswith("seq,"):
        head, *lines = COUNTS_OF_CSV.sub(r"<number>\1,<number>,", told).splitlines()
        return "\n".join([head, *sorted(set(lines))])
    told = COUNTS.sub(r'"\1":"<number>"', told)
    if told.startswith('{"data":['):
        page = json.loads(re.sub(r'(?<!\\)(":) ?<number>', r'\1"<number>"', told))
        page["data"] = sorted({json.dumps(row) for row in page["data"]})
        return json.dumps(page)
    return "\n".join(sorted(set(told.splitlines())))


def body(data, call=""):
    """Text in its general form; of anything else, that it is there. `call`: what was answered."""
    try:
        told = data.decode()
    except UnicodeDecodeError:
        return "<bytes>"
    if "\0" in told:
        return "<bytes>"
    told = SAMPLE.sub(r"\1 <number>", told) if told.startswith("# HELP ") else text(told)
    if re.search(r"^GET \S*/audit/head(\?|$)", call):
        told = COUNTS.sub(r'"\1":"<number>"', told)
    elif re.search(r"^GET \S*/audit(\.csv|\.jsonl)?(\?|$)", call) and not told.startswith('{"type":'):
        told = rows(told)
    return told if len(told) <= TEXT_LENGTH_MAX else told[:TEXT_LENGTH_MAX] + "<more>"


def headers(pairs):
    """Names in lower case, in order of the alphabet; `Set-Cookie` and others may come twice."""
    return sorted(
        [name.lower(), "<any>" if name.lower() in VARYING_HEADERS else text(value)] for name, value in pairs)
