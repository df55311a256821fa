<?php
// A client for Tollgate's wholesale orders (`/api/partner/v1`): PHP 8.1 or newer with curl and json.
//
//     require 'Tollgate.php';
//     $shop = new Tollgate\Client('https://tollgate.example/t/acme', 'tgh_live_…', 'whsec_…');
//     $placed = $shop->placeOrder('vps-1', 'monthly', 1, ['external_id' => 'c-1'], 'order-1001');
//
// Answers are the gateway's JSON as arrays, with types for it. Money is a decimal string: use bcmath, never float.

declare(strict_types=1);
namespace Tollgate;

const PATH = '/api/partner/v1', PAGE_ROWS = 100;
const FIRST_PAUSE_SECONDS = 0.5, LONGEST_PAUSE_SECONDS = 30.0, WEBHOOK_TOLERANCE_SECONDS = 300;
const NOT_KEPT = ['idempotency_key_reused', 'path_not_found', 'quota_exceeded', 'tenant_not_found'];

/** A refusal, or no answer (`status` 0, `problemCode` "no_answer"). `errors`: of fields, each with its JSON Pointer. */
final class TollgateError extends \RuntimeException {
    public readonly string $problemCode;
    public readonly string $detail;
    /** @var list<array{pointer: string, code: string, detail: string}> */ public readonly array $errors;
    public readonly ?string $requestId;

    public function __construct(
        public readonly int $status, public readonly array $problem, public readonly ?float $retryAfter = null,
    ) {
        $this->problemCode = $problem['code'] ?? "http_$status";
        $this->detail = $problem['detail'] ?? "The answer has status $status.";
        $this->errors = $problem['errors'] ?? [];
        $this->requestId = $problem['request_id'] ?? null;
        parent::__construct("$this->problemCode: $this->detail");
    }

    /** @return list<string> */ public function pointers(): array { return array_column($this->errors, 'pointer'); }

    /** The same call may get another answer later. False is not "not sold": 401 and 403 are of this try alone. */
    public function isPassing(): bool { return $this->status >= 500 || in_array($this->status, [0, 408, 425, 429]); }

    /** Tollgate keeps this refusal with the key: nothing was sold under it, nor will be. False says nothing. */
    public function isKept(): bool {
        return in_array($this->status, [402, 404, 409, 422]) && $this->requestId !== null
            && !in_array($this->problemCode, NOT_KEPT, true);
    }
}

/** Not signed by Tollgate within the last five minutes: answer 401. */
final class BadWebhook extends \RuntimeException {}

function secretBytes(string $secret): string {
    $bytes = base64_decode(preg_replace('/^whsec_/', '', $secret), true);
    return $bytes ?: throw new \InvalidArgumentException('the secret is no whole whsec_… secret');
}

/** What X-Tollgate-Signature carries. `$path`: with its query, as it is sent. */
function sign(string $secret, int $time, string $method, string $path, string $idempotencyKey, string $body): string {
    return 'v1=' . hash_hmac('sha256', "$time.$method.$path.$idempotencyKey.$body", secretBytes($secret));
}

/**
 * The event, if one of your secrets signed these very bytes within five minutes; else BadWebhook. Events may come
 * again, and in another order: keep ids, and drop a `data.revision` below the one you know.
 *
 * @param string|list<string> $secrets
 * @param array<string, string> $headers by their names, or $_SERVER
 * @return Event
 */
function verifyWebhook(string|array $secrets, array $headers, string $body, ?float $now = null): array {
    $named = [];
    foreach ($headers as $name => $value)
        $named[preg_replace('/^http-/', '', strtr(strtolower((string) $name), '_', '-'))] = $value;
    [$id, $timestamp] = [$named['webhook-id'] ?? '', $named['webhook-timestamp'] ?? ''];
    if ($id === '' || !preg_match('/^[0-9]{1,15}$/D', $timestamp)) throw new BadWebhook('an id or a time is missing');
    $age = ($now ?? time()) - (int) $timestamp;
    if (abs($age) > WEBHOOK_TOLERANCE_SECONDS) throw new BadWebhook('it is too old or too new');
    foreach ((array) $secrets as $secret) {
        $expected = base64_encode(hash_hmac('sha256', "$id.$timestamp.$body", secretBytes($secret), true));
        $fits = fn (string $signature) => hash_equals("v1,$expected", $signature);
        if (array_filter(explode(' ', $named['webhook-signature'] ?? ''), $fits)) {
            return ['id' => $id] + json_decode($body, true, 64, JSON_THROW_ON_ERROR);
        }
    }
    throw new BadWebhook('no signature fits');
}

/**
 * @phpstan-type Term 'monthly'|'quarterly'|'semi_annual'|'annual'|'hourly'
 * @phpstan-type OrderCustomer array{external_id: string, email?: string|null, name?: string|null}
 * @phpstan-type TermPrice array{wholesale: string, net: string|null}
 * @phpstan-type Product array{product: string, name: string, fulfilment: string, terms: array<string, TermPrice>,
 *   setup_fee: string, discount_rate: string, max_quantity: int|null, currency: string}
 * @phpstan-type Totals array{line_total: string, setup_total: string, wholesale_total: string, currency: string}
 * @phpstan-type Hourly Totals&array{hourly_total?: string, first_day?: string}
 * @phpstan-type Quote Hourly&array{product: string, term: string, quantity: int}
 * @phpstan-type NewOrder array{id: string, state: string, product: string, term: string, quantity: int,
 *   customer_external_id: string, reference: string|null, created_at: string}
 * @phpstan-type NewService array{id: string, status: string}
 * @phpstan-type PlacedOrder Hourly&array{order: NewOrder, services: list<NewService>}
 * @phpstan-type Order NewOrder&Totals&array{refunded: string, decided_at: string|null, ready_units: int,
 *   rejected_units: int, reason: string|null, revision: int}
 * @phpstan-type Service array{id: string, order_id: string, product: string, status: string, term: string,
 *   customer_external_id: string, created_at: string, activated_at: string|null, renews_at: string|null,
 *   ends_at: string|null, period: int, term_price: string, discount_rate: string, past_due_since: string|null,
 *   suspended_by: string|null, revision: int}
 * @phpstan-type Refund array{id: string, amount: string, currency: string, reason: string, service_id: string|null,
 *   period: int|null, refunded_at: string}
 * @phpstan-type OrderWithServices Order&Hourly&array{services: list<Service>, refunds: list<Refund>}
 * @phpstan-type BegunTopUp array{ok: bool, id: string, order_id: string, payment_url: string, status: string,
 *   amount: string, currency: string, expires_at: string}
 * @phpstan-type TopUp array{id: string, order_id: string, status: string, amount: string, currency: string,
 *   payment_url: string|null, created_at: string, expires_at: string, decided_at: string|null, balance: string}
 * @phpstan-type Detail array{value: string, secret: bool}
 * @phpstan-type ServiceWithDetails Service&array{provisioning_state: string|null, details: array<string, Detail>|null}
 * @phpstan-type Customer array{id: string, external_id: string|null, email: string|null, name: string|null,
 *   created_at: string}
 * @phpstan-type Balance array{balance: string, held: string, credit_limit: string, available: string,
 *   currency: string, standing: string}
 * @phpstan-type Posting array{posting: string, kind: string, reference: string|null, at: string, amount: string,
 *   balance_after: string, currency: string}
 * @phpstan-type Event array{id: string, type: string, timestamp: string, data: array<string, mixed>}
 * @phpstan-type EventPage array{data: list<Event>, has_more: bool, next_cursor: string}
 */
final class Client {
    private readonly string $origin, $path;
    private ?\CurlHandle $curl = null;

    /**
     * `$baseURL`: the tenant's. `$secret` signs orders. `$attempts`: how often a call that is safe to repeat is tried.
     * `$longestWait`: a Retry-After beyond it is not waited for; the error says it.
     */
    public function __construct(
        string $baseURL, private readonly string $key, private readonly ?string $secret = null,
        private readonly int $attempts = 6, private readonly int $timeoutSeconds = 30,
        private readonly float $longestWait = 60, private readonly ?\Closure $sleep = null,
    ) {
        preg_match('~^(https?://[^/?#]+)([^?#]*?)/*$~Di', $baseURL, $parts)
            || throw new \InvalidArgumentException('the base URL is no http(s) address');
        preg_match('/^[!-~]+$/D', $key) || throw new \InvalidArgumentException('the key is no whole key, in ASCII');
        if ($secret !== null) secretBytes($secret);
        [$this->origin, $this->path] = [$parts[1], $parts[2] . PATH];
    }

    /** @return \Generator<Product> */
    public function products(): \Generator { return $this->rows('/products'); }

    /** The order's price, and what would refuse it; nothing is written. @return Quote */
    public function quote(string $product, string $term, int $quantity, array $customer): array {
        $body = compact('product', 'term', 'quantity', 'customer');
        return $this->call('POST', '/orders/quote', body: $body, repeats: true);
    }

    /**
     * `$idempotencyKey`: your own number of this order, stored before you call. The same key never buys twice: after
     * `no_answer` or a crash, call again with it. `$reference`: what you call the order; it is found by that.
     *
     * @param Term $term
     * @param OrderCustomer $customer
     * @return PlacedOrder
     */
    public function placeOrder(
        string $product, string $term, int $quantity, array $customer, string $idempotencyKey,
        ?string $reference = null,
    ): array {
        $body = compact('product', 'term', 'quantity', 'customer') + ($reference === null ? [] : compact('reference'));
        return $this->call('POST', '/orders', body: $body, idempotencyKey: $idempotencyKey, isSigned: true);
    }

    /** @return \Generator<Order> */
    public function orders(
        ?string $state = null, ?string $reference = null, ?string $customer = null, ?string $idempotency_key = null,
    ): \Generator {
        return $this->rows('/orders', compact('state', 'reference', 'customer', 'idempotency_key'));
    }

    /** @return OrderWithServices */
    public function order(string $id): array { return $this->call('GET', '/orders/' . rawurlencode($id)); }

    /** All but the cancelled ones, unless `$status` says which. @return \Generator<Service> */
    public function services(?string $status = null, ?string $order = null): \Generator {
        return $this->rows('/services', compact('status', 'order'));
    }

    /** @return ServiceWithDetails */
    public function service(string $id): array { return $this->call('GET', '/services/' . rawurlencode($id)); }

    /** @return Service */
    public function pay(string $serviceId, ?string $idempotencyKey = null): array {
        return $this->ask($serviceId, 'pay', $idempotencyKey);
    }

    /** It ends with its term. @return Service */
    public function cancel(string $serviceId, ?string $idempotencyKey = null): array {
        return $this->ask($serviceId, 'cancel', $idempotencyKey);
    }

    /** It renews after all. @return Service */
    public function keep(string $serviceId): array {
        return $this->call('DELETE', '/services/' . rawurlencode($serviceId) . '/cancel');
    }

    /** @return \Generator<Customer> */
    public function customers(?string $externalId = null): \Generator {
        return $this->rows('/customers', ['external_id' => $externalId]);
    }

    /** @return Balance */
    public function balance(): array { return $this->call('GET', '/balance'); }

    /** Send whoever pays to `payment_url`. @return BegunTopUp */
    public function topUp(string $amount, ?string $idempotencyKey = null): array {
        return $this->call('POST', '/topup', body: compact('amount'), idempotencyKey: $idempotencyKey);
    }

    /** @return TopUp */
    public function payment(string $id): array { return $this->call('GET', '/topup/' . rawurlencode($id)); }

    /** @return \Generator<Posting> */
    public function statement(): \Generator { return $this->rows('/statement'); }

    /** One page, oldest first. Keep `next_cursor`, and give it as `$after`. @return EventPage */
    public function events(string $after = '', array $types = []): array {
        $query = ['after' => $after, 'types' => implode(',', $types), 'limit' => PAGE_ROWS];
        return $this->call('GET', '/events', $query);
    }

    private function ask(string $serviceId, string $verb, ?string $key): array {
        return $this->call('POST', '/services/' . rawurlencode($serviceId) . "/$verb", idempotencyKey: $key);
    }

    private function rows(string $path, array $query = []): \Generator {
        $cursor = null;
        do {
            $page = $this->call('GET', $path, $query + ['limit' => PAGE_ROWS, 'cursor' => $cursor]);
            foreach ($page['data'] as $row) yield $row;
            $cursor = $page['next_cursor'];
        } while ($cursor !== null);
    }

    private function call(
        string $method, string $path, array $query = [], ?array $body = null, ?string $idempotencyKey = null,
        bool $isSigned = false, bool $repeats = false,
    ): array {
        if ($method === 'POST' && !$repeats) $idempotencyKey ??= bin2hex(random_bytes(16));
        if ($idempotencyKey !== null && !preg_match('/^[!#-~]{1,255}$/D', $idempotencyKey)) {
            throw new \InvalidArgumentException('an idempotency key has 1 to 255 visible characters but quotes');
        }
        $query = http_build_query(array_filter($query, fn ($value) => $value !== null && $value !== ''));
        $target = $this->path . $path . ($query === '' ? '' : "?$query");
        $flags = JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_THROW_ON_ERROR;
        $raw = $body === null ? null : json_encode($body, $flags);
        for ($attempt = 1;; $attempt++) {
            try {
                return $this->once($method, $target, $raw, $idempotencyKey, $isSigned);
            } catch (TollgateError $error) {
                $wait = $error->retryAfter ?? 0.0;
                if ($attempt >= $this->attempts || $wait > $this->longestWait || !$error->isPassing()) throw $error;
                $pause = min(FIRST_PAUSE_SECONDS * 2 ** ($attempt - 1), LONGEST_PAUSE_SECONDS);
                $seconds = max($wait, $pause * random_int(500, 1000) / 1000);
                $this->sleep ? ($this->sleep)($seconds) : usleep((int) ($seconds * 1e6));
            }
        }
    }

    private function once(string $method, string $target, ?string $raw, ?string $key, bool $isSigned): array {
        $headers = ["Authorization: Bearer $this->key", 'Accept: application/json', 'Expect:'];
        $headers[] = $raw === null ? 'Content-Type:' : 'Content-Type: application/json';
        if ($key !== null) $headers[] = "Idempotency-Key: $key";
        if ($isSigned) {
            $secret = $this->secret ?? throw new \LogicException('orders need the signing secret');
            $now = time(); // Each attempt is signed anew: a timestamp is good for five minutes.
            $signature = sign($secret, $now, $method, $target, (string) $key, (string) $raw);
            array_push($headers, "X-Tollgate-Timestamp: $now", "X-Tollgate-Signature: $signature");
        }
        $retryAfter = null;
        curl_reset($this->curl ??= curl_init());
        curl_setopt_array($this->curl, [
            CURLOPT_URL => $this->origin . $target, CURLOPT_CUSTOMREQUEST => $method, CURLOPT_HTTPHEADER => $headers,
            CURLOPT_RETURNTRANSFER => true, CURLOPT_TIMEOUT => $this->timeoutSeconds, CURLOPT_PATH_AS_IS => true,
            CURLOPT_PROTOCOLS => CURLPROTO_HTTP | CURLPROTO_HTTPS,
            CURLOPT_FOLLOWLOCATION => false, // The key goes nowhere else than asked.
            CURLOPT_HEADERFUNCTION => function ($_, string $line) use (&$retryAfter): int {
                if (preg_match('/^retry-after:\s*(.+?)\s*$/i', $line, $match)) {
                    $at = ctype_digit($match[1]) ? time() + (int) $match[1] : strtotime("$match[1] GMT");
                    $retryAfter = $at === false ? null : (float) ($at - time());
                }
                return strlen($line);
            },
        ]);
        if ($raw !== null || $method === 'POST') curl_setopt($this->curl, CURLOPT_POSTFIELDS, (string) $raw);
        $answer = curl_exec($this->curl);
        $status = curl_getinfo($this->curl, CURLINFO_RESPONSE_CODE);
        $json = is_string($answer) ? json_decode($answer, true) : null;
        if (is_array($json) && $status >= 200 && $status < 300) return $json;
        $none = 'No whole answer came: ' . (curl_error($this->curl) ?: 'it is no JSON');
        // What a proxy says in words of its own has a status all the same; half an answer is none.
        if ($answer === false || $status < 300) throw new TollgateError(0, ['code' => 'no_answer', 'detail' => $none]);
        // A problem of Tollgate's has all of these; a proxy's JSON may have a code too.
        $texts = array_map(fn ($name) => $json[$name] ?? null, ['code', 'detail', 'request_id']);
        throw new TollgateError($status, array_filter($texts, 'is_string') === $texts ? $json : [], $retryAfter);
    }
}
