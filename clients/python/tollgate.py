"""A client for Tollgate's wholesale orders (`/api/partner/v1`): Python 3.11 or newer, the standard library alone.

    from tollgate import Tollgate
    shop = Tollgate("https://tollgate.example/t/acme", key="tgh_live_…", secret="whsec_…")
    placed = shop.place_order("vps-1", "monthly", 1, {"external_id": "c-1"}, idempotency_key="order-1001")

Answers are the gateway's JSON, with types for it. Money is a decimal string: use decimal.Decimal, never float."""

import base64, calendar, hashlib, hmac, json, random, re, time, uuid
import email.utils, http.client, urllib.error, urllib.parse, urllib.request
from typing import Any, Callable, Iterator, Literal, NotRequired, TypedDict

PATH, PAGE_ROWS = "/api/partner/v1", 100
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, WEBHOOK_TOLERANCE_SECONDS = 0.5, 30.0, 300
NOT_KEPT = ("idempotency_key_reused", "path_not_found", "quota_exceeded", "tenant_not_found")

Term = Literal["monthly", "quarterly", "semi_annual", "annual", "hourly"]
OrderCustomer = TypedDict("OrderCustomer", {"external_id": str, "email": NotRequired[str | None],
    "name": NotRequired[str | None]})
TermPrice = TypedDict("TermPrice", {"wholesale": str, "net": str | None})
Product = TypedDict("Product", {"product": str, "name": str, "fulfilment": str, "terms": dict[str, TermPrice],
    "setup_fee": str, "discount_rate": str, "max_quantity": int | None, "currency": str})
NewOrder = TypedDict("NewOrder", {"id": str, "state": str, "product": str, "term": str, "quantity": int,
    "customer_external_id": str, "reference": str | None, "created_at": str})
NewService = TypedDict("NewService", {"id": str, "status": str})
Service = TypedDict("Service", {"id": str, "order_id": str, "product": str, "status": str, "term": str,
    "customer_external_id": str, "created_at": str, "activated_at": str | None, "renews_at": str | None,
    "ends_at": str | None, "period": int, "term_price": str, "discount_rate": str, "past_due_since": str | None,
    "suspended_by": str | None, "revision": int})
Detail = TypedDict("Detail", {"value": str, "secret": bool})
Customer = TypedDict("Customer", {"id": str, "external_id": str | None, "email": str | None, "name": str | None,
    "created_at": str})
Balance = TypedDict("Balance", {"balance": str, "held": str, "credit_limit": str, "available": str, "currency": str,
    "standing": str})
Posting = TypedDict("Posting", {"posting": str, "kind": str, "reference": str | None, "at": str, "amount": str,
    "balance_after": str, "currency": str})
Event = TypedDict("Event", {"id": str, "type": str, "timestamp": str, "data": dict[str, Any]})
Refund = TypedDict("Refund", {"id": str, "amount": str, "currency": str, "reason": str, "service_id": str | None,
    "period": int | None, "refunded_at": str})
BegunTopUp = TypedDict("BegunTopUp", {"ok": bool, "id": str, "order_id": str, "payment_url": str, "status": str,
    "amount": str, "currency": str, "expires_at": str})
TopUp = TypedDict("TopUp", {"id": str, "order_id": str, "status": str, "amount": str, "currency": str,
    "payment_url": str | None, "created_at": str, "expires_at": str, "decided_at": str | None, "balance": str})
EventPage = TypedDict("EventPage", {"data": list[Event], "has_more": bool, "next_cursor": str})
Quote = TypedDict("Quote", {"product": str, "term": str, "quantity": int, "line_total": str, "setup_total": str,
    "wholesale_total": str, "hourly_total": NotRequired[str], "first_day": NotRequired[str], "currency": str})
PlacedOrder = TypedDict("PlacedOrder", {"order": NewOrder, "services": list[NewService], "line_total": str,
    "setup_total": str, "wholesale_total": str, "hourly_total": NotRequired[str], "first_day": NotRequired[str],
    "currency": str})
Order = TypedDict("Order", {"id": str, "state": str, "product": str, "term": str, "quantity": int,
    "customer_external_id": str, "reference": str | None, "refunded": str, "created_at": str, "decided_at": str | None,
    "ready_units": int, "rejected_units": int, "reason": str | None, "revision": int, "line_total": str,
    "setup_total": str, "wholesale_total": str, "currency": str})


class OrderWithServices(Order):
    services: list[Service]
    refunds: list[Refund]
    hourly_total: NotRequired[str]
    first_day: NotRequired[str]


class ServiceWithDetails(Service):
    provisioning_state: str | None
    details: dict[str, Detail] | None


class TollgateError(Exception):
    """A refusal, or no answer (`status` 0, `code` "no_answer"). `errors`: of fields, each with its JSON Pointer."""

    def __init__(self, status: int, problem: dict[str, Any], retry_after: float | None = None):
        self.status, self.problem, self.retry_after = status, problem, retry_after
        self.code: str = problem.get("code") or f"http_{status}"
        self.detail: str = problem.get("detail") or f"The answer has status {status}."
        self.errors: list[dict[str, str]] = problem.get("errors") or []
        self.request_id: str | None = problem.get("request_id")
        super().__init__(f"{self.code}: {self.detail}")

    @property
    def pointers(self) -> list[str]:
        return [error["pointer"] for error in self.errors]

    @property
    def is_passing(self) -> bool:
        """The same call may get another answer later. False is not "not sold": 401 and 403 are of this try alone."""
        return self.status in (0, 408, 425, 429) or self.status >= 500

    @property
    def is_kept(self) -> bool:
        """Tollgate keeps this refusal with the key: nothing was sold under it, nor will be. False says nothing."""
        return self.status in (402, 404, 409, 422) and bool(self.request_id) and self.code not in NOT_KEPT


class BadWebhook(Exception):
    """Not signed by Tollgate within the last five minutes: answer 401."""


class _Opener(urllib.request.HTTPSHandler, urllib.request.HTTPHandler, urllib.request.HTTPRedirectHandler):
    """A socket's timeout bounds each read alone: here all of an answer comes in time, however slowly it drips."""

    def redirect_request(self, *_):
        return None  # The key goes nowhere else.

    def do_open(self, kind, request, **more):
        until = time.monotonic() + request.timeout

        def answered(sock, *given, **named):
            answer = http.client.HTTPResponse(sock, *given, **named)
            read = answer.fp.raw.readinto

            def read_in_time(buffer):
                if (left := until - time.monotonic()) <= 0:
                    raise TimeoutError("the answer took too long")
                sock.settimeout(left)
                return read(buffer)
            answer.fp.raw.readinto = read_in_time
            return answer

        return super().do_open(type("Timed", (kind,), {"response_class": staticmethod(answered)}), request, **more)


def _secret_bytes(secret: str) -> bytes:
    text = secret.removeprefix("whsec_")
    if not re.fullmatch("[A-Za-z0-9+/]+={0,2}", text):
        raise ValueError("the secret is no whole whsec_… secret: was one copied with dots in it?")
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def sign(secret: str, timestamp: int, method: str, path: str, idempotency_key: str, body: bytes) -> str:
    """What X-Tollgate-Signature carries. `path`: with its query, as it is sent."""
    signed = f"{timestamp}.{method}.{path}.{idempotency_key}.".encode() + body
    return "v1=" + hmac.new(_secret_bytes(secret), signed, hashlib.sha256).hexdigest()


def verify_webhook(secrets: str | list[str], headers: Any, body: bytes, now: float | None = None) -> Event:
    """The event, if one of your secrets signed these very bytes within five minutes; else BadWebhook. Events may come
    again, and in another order: keep ids, and drop a `data.revision` below the one you know."""
    named = {name.lower(): value for name, value in headers.items()}
    message, timestamp = named.get("webhook-id", ""), named.get("webhook-timestamp", "")
    if not message or not re.fullmatch("[0-9]{1,15}", timestamp):
        raise BadWebhook("webhook-id or webhook-timestamp is missing")
    if abs((time.time() if now is None else now) - int(timestamp)) > WEBHOOK_TOLERANCE_SECONDS:
        raise BadWebhook("webhook-timestamp is too old or too new")
    for secret in [secrets] if isinstance(secrets, str) else secrets:
        expected = hmac.new(_secret_bytes(secret), f"{message}.{timestamp}.".encode() + body, hashlib.sha256).digest()
        for signature in named.get("webhook-signature", "").split(" "):
            if hmac.compare_digest(signature.encode(errors="replace"), b"v1," + base64.b64encode(expected)):
                return {"id": message, **json.loads(body)}
    raise BadWebhook("no signature fits")


class Tollgate:
    """`base_url`: the tenant's. `secret` signs orders. `attempts`: how often a call that is safe to repeat is tried.
    `longest_wait`: a Retry-After beyond it is not waited for; the error says it."""

    def __init__(
        self, base_url: str, key: str, secret: str | None = None, *, attempts: int = 6, timeout: float = 30,
        longest_wait: float = 60, sleep: Callable[[float], Any] = time.sleep,
    ):
        place = urllib.parse.urlsplit(base_url.rstrip("/") + PATH)
        if place.scheme not in ("https", "http") or not place.netloc or place.query or place.fragment:
            raise ValueError("base_url is no http(s) address")
        if not re.fullmatch("[!-~]+", key):
            raise ValueError("the key is no whole key, which has ASCII letters alone: was it copied with dots in it?")
        if secret is not None:
            _secret_bytes(secret)
        self._origin, self._path = f"{place.scheme}://{place.netloc}", place.path
        self._key, self._secret, self._timeout = key, secret, timeout
        self._attempts, self._longest_wait, self._sleep = attempts, longest_wait, sleep
        self._opener = urllib.request.build_opener(_Opener)

    def products(self) -> Iterator[Product]:
        return self._rows("/products")

    def quote(self, product: str, term: Term, quantity: int, customer: OrderCustomer) -> Quote:
        """The order's price, and what would refuse it; nothing is written."""
        body = {"product": product, "term": term, "quantity": quantity, "customer": customer}
        return self._call("POST", "/orders/quote", body=body, repeats=True)

    def place_order(
        self, product: str, term: Term, quantity: int, customer: OrderCustomer, idempotency_key: str,
        reference: str | None = None,
    ) -> PlacedOrder:
        """`idempotency_key`: your own number of this order, stored before you call. The same key never buys twice:
        after `no_answer` or a crash, call again with it. `reference`: what you call the order; it is found by that."""
        body = {"product": product, "term": term, "quantity": quantity, "customer": customer}
        body |= {} if reference is None else {"reference": reference}
        return self._call("POST", "/orders", body=body, idempotency_key=idempotency_key, is_signed=True)

    def orders(self, state: str | None = None, reference: str | None = None, customer: str | None = None,
               idempotency_key: str | None = None) -> Iterator[Order]:
        return self._rows(
            "/orders", state=state, reference=reference, customer=customer, idempotency_key=idempotency_key)

    def order(self, id: str) -> OrderWithServices:
        return self._call("GET", "/orders/" + _segment(id))

    def services(self, status: str | None = None, order: str | None = None) -> Iterator[Service]:
        """All but the cancelled ones, unless `status` says which."""
        return self._rows("/services", status=status, order=order)

    def service(self, id: str) -> ServiceWithDetails:
        return self._call("GET", "/services/" + _segment(id))

    def pay(self, service_id: str, idempotency_key: str | None = None) -> Service:
        return self._call("POST", f"/services/{_segment(service_id)}/pay", idempotency_key=idempotency_key)

    def cancel(self, service_id: str, idempotency_key: str | None = None) -> Service:
        """It ends with its term."""
        return self._call("POST", f"/services/{_segment(service_id)}/cancel", idempotency_key=idempotency_key)

    def keep(self, service_id: str) -> Service:
        """It renews after all."""
        return self._call("DELETE", f"/services/{_segment(service_id)}/cancel")

    def customers(self, external_id: str | None = None) -> Iterator[Customer]:
        return self._rows("/customers", external_id=external_id)

    def balance(self) -> Balance:
        return self._call("GET", "/balance")

    def top_up(self, amount: str, idempotency_key: str | None = None) -> BegunTopUp:
        """Send whoever pays to `payment_url`."""
        return self._call("POST", "/topup", body={"amount": amount}, idempotency_key=idempotency_key)

    def payment(self, id: str) -> TopUp:
        return self._call("GET", "/topup/" + _segment(id))

    def statement(self) -> Iterator[Posting]:
        return self._rows("/statement")

    def events(self, after: str | None = None, types: list[str] | None = None) -> EventPage:
        """One page of the feed, oldest first. Keep `next_cursor`, and give it as `after`."""
        return self._call("GET", "/events", {"after": after, "types": ",".join(types or []), "limit": PAGE_ROWS})

    def _rows(self, path: str, **query: str | None) -> Iterator[Any]:
        cursor = ""
        while cursor is not None:
            page = self._call("GET", path, {**query, "limit": PAGE_ROWS, "cursor": cursor})
            yield from page["data"]
            cursor = page["next_cursor"]

    def _call(
        self, method: str, path: str, query: dict[str, Any] | None = None, body: Any = None,
        idempotency_key: str | None = None, is_signed: bool = False, repeats: bool = False,
    ) -> Any:
        if idempotency_key is None and method == "POST" and not (repeats or is_signed):
            idempotency_key = str(uuid.uuid4())
        if (is_signed or idempotency_key is not None) and not re.fullmatch("[!#-~]{1,255}", idempotency_key or ""):
            raise ValueError("an idempotency key has 1 to 255 visible characters but quotes")
        asked = {name: value for name, value in (query or {}).items() if value not in (None, "")}
        target = self._path + path + ("?" + urllib.parse.urlencode(asked) if asked else "")
        raw = None if body is None else json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        for attempt in range(1, self._attempts + 1):
            try:
                return self._once(method, target, raw, idempotency_key, is_signed)
            except TollgateError as error:
                wait = error.retry_after or 0
                if not error.is_passing or attempt == self._attempts or wait > self._longest_wait:
                    raise
                pause = min(FIRST_PAUSE_SECONDS * 2 ** (attempt - 1), LONGEST_PAUSE_SECONDS)
                self._sleep(max(wait, pause * random.uniform(0.5, 1)))

    def _once(self, method: str, target: str, raw: bytes | None, idempotency_key: str | None, is_signed: bool) -> Any:
        headers = {"Authorization": f"Bearer {self._key}", "Accept": "application/json"}
        headers |= {} if raw is None else {"Content-Type": "application/json"}
        headers |= {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}
        if is_signed:
            if self._secret is None:
                raise ValueError("orders are signed: the client needs the signing secret")
            now = int(time.time())  # Each attempt is signed anew: a timestamp is good for five minutes.
            headers["X-Tollgate-Timestamp"] = str(now)
            headers["X-Tollgate-Signature"] = sign(self._secret, now, method, target, idempotency_key or "", raw or b"")
        request = urllib.request.Request(self._origin + target, raw, headers, method=method)
        try:
            with self._opener.open(request, timeout=self._timeout) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as refusal:
            raise _refused(refusal) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise TollgateError(0, {"code": "no_answer", "detail": f"No whole answer came: {error}"}) from error


def _segment(id: str) -> str:
    return urllib.parse.quote(id, safe="")


def _refused(refusal: urllib.error.HTTPError) -> TollgateError:
    try:
        problem = json.loads(refusal.read())
    except (OSError, http.client.HTTPException, ValueError):
        problem = {}  # Not the gateway's: a proxy's page.
    text = refusal.headers.get("Retry-After") or ""
    try:
        wait = float(text) if text.isdigit() else calendar.timegm(email.utils.parsedate(text)) - time.time()
    except (TypeError, ValueError, OverflowError):
        wait = None
    # A problem of Tollgate's has all of these; a proxy's JSON may have a code too.
    texts = [problem.get(name) for name in ("code", "detail", "request_id")] if isinstance(problem, dict) else [None]
    return TollgateError(refusal.code, problem if all(isinstance(text, str) for text in texts) else {}, wait)
