// A client for Tollgate's wholesale orders (`/api/partner/v1`): an ES module for Node 18 and newer, nothing to install.
// Keep the key and the secret on your server, never in a page.
//
//     import { Tollgate } from "./tollgate.mjs";
//     const shop = new Tollgate("https://tollgate.example/t/acme", { key: "tgh_live_…", secret: "whsec_…" });
//     const placed = await shop.placeOrder("vps-1", "monthly", 1, { external_id: "c-1" }, "order-1001");
//
// Answers are the gateway's JSON, with types for it. Money is a decimal string: never make a number of it.

/** @typedef {"monthly" | "quarterly" | "semi_annual" | "annual" | "hourly"} Term */
/** @typedef {{external_id: string, email?: string | null, name?: string | null}} OrderCustomer */
/** @typedef {{wholesale: string, net: string | null}} TermPrice */
/** @typedef {{product: string, name: string, fulfilment: string, terms: Record<string, TermPrice>, setup_fee: string,
 *   discount_rate: string, max_quantity: number | null, currency: string}} Product */
/** @typedef {{line_total: string, setup_total: string, wholesale_total: string, currency: string}} Totals */
/** @typedef {Totals & {hourly_total?: string, first_day?: string}} Hourly */
/** @typedef {Hourly & {product: string, term: string, quantity: number}} Quote */
/** @typedef {{id: string, state: string, product: string, term: string, quantity: number, customer_external_id: string,
 *   reference: string | null, created_at: string}} NewOrder */
/** @typedef {{id: string, status: string}} NewService */
/** @typedef {Hourly & {order: NewOrder, services: NewService[]}} PlacedOrder */
/** @typedef {NewOrder & Totals & {refunded: string, decided_at: string | null, ready_units: number,
 *   rejected_units: number, reason: string | null, revision: number}} Order */
/** @typedef {{id: string, order_id: string, product: string, status: string, term: string,
 *   customer_external_id: string, created_at: string, activated_at: string | null, renews_at: string | null,
 *   ends_at: string | null, period: number, term_price: string, discount_rate: string,
 *   past_due_since: string | null, suspended_by: string | null, revision: number}} Service */
/** @typedef {{id: string, amount: string, currency: string, reason: string, service_id: string | null,
 *   period: number | null, refunded_at: string}} Refund */
/** @typedef {Order & Hourly & {services: Service[], refunds: Refund[]}} OrderWithServices */
/** @typedef {{ok: boolean, id: string, order_id: string, payment_url: string, status: string, amount: string,
 *   currency: string, expires_at: string}} BegunTopUp */
/** @typedef {{id: string, order_id: string, status: string, amount: string, currency: string,
 *   payment_url: string | null, created_at: string, expires_at: string, decided_at: string | null,
 *   balance: string}} TopUp */
/** @typedef {{value: string, secret: boolean}} Detail */
/** @typedef {Service & {provisioning_state: string | null,
 *   details: Record<string, Detail> | null}} ServiceWithDetails */
/** @typedef {{id: string, external_id: string | null, email: string | null, name: string | null,
 *   created_at: string}} Customer */
/** @typedef {{balance: string, held: string, credit_limit: string, available: string, currency: string,
 *   standing: string}} Balance */
/** @typedef {{posting: string, kind: string, reference: string | null, at: string, amount: string,
 *   balance_after: string, currency: string}} Posting */
/** @typedef {{id: string, type: string, timestamp: string, data: Record<string, any>}} Event */
/** @typedef {{data: Event[], has_more: boolean, next_cursor: string}} EventPage */

const [PATH, PAGE_ROWS] = ["/api/partner/v1", 100];
const [FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS] = [0.5, 30];
const WEBHOOK_TOLERANCE_SECONDS = 300;
const NOT_KEPT = ["idempotency_key_reused", "path_not_found", "quota_exceeded", "tenant_not_found"];

// Node 18 has it in a module alone.
const webcrypto = globalThis.crypto ?? (await import("node:crypto")).webcrypto;
const { subtle } = webcrypto;
const utf8 = new TextEncoder();

/** A refusal, or no answer at all (`status` 0, `code` "no_answer"). `errors`: of fields, each with its JSON Pointer. */
export class TollgateError extends Error {
  /** @param {number} status @param {Record<string, any>} problem @param {number | null} retryAfter in seconds */
  constructor(status, problem, retryAfter = null, cause = undefined) {
    const code = problem.code ?? `http_${status}`;
    const detail = problem.detail ?? `The answer has status ${status}.`;
    super(`${code}: ${detail}`, { cause });
    this.name = "TollgateError";
    Object.assign(this, { status, code, detail, problem, retryAfter });
    /** @type {{pointer: string, code: string, detail: string}[]} */ this.errors = problem.errors ?? [];
    /** @type {string | null} */ this.requestId = problem.request_id ?? null;
  }

  get pointers() { return this.errors.map((error) => error.pointer); }

  /** The same call may get another answer later. False is not "not sold": 401 and 403 are of this try alone. */
  get isPassing() { return [0, 408, 425, 429].includes(this.status) || this.status >= 500; }

  /** Tollgate keeps this refusal with the key: nothing was sold under it, nor will be. False says nothing. */
  get isKept() {
    const isTollgates = this.requestId !== null && !NOT_KEPT.includes(this.code);
    return isTollgates && [402, 404, 409, 422].includes(this.status);
  }
}

/** Not signed by Tollgate within the last five minutes: answer 401. */
export class BadWebhook extends Error {}

const decoded = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const joined = (text, body) => Uint8Array.from([...utf8.encode(text), ...body]);

function secretBytes(secret) {
  const text = secret.replace(/^whsec_/, "");
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) throw new TypeError("the secret is no whole whsec_… secret");
  return decoded(text);
}

function hmacKey(secret, use) {
  return subtle.importKey("raw", secretBytes(secret), { name: "HMAC", hash: "SHA-256" }, false, [use]);
}

/**
 * What X-Tollgate-Signature carries. `path`: with its query, as it is sent.
 * @param {string} secret @param {number} timestamp @param {string} method @param {string} path
 * @param {string} idempotencyKey @param {string | Uint8Array} body @returns {Promise<string>}
 */
export async function sign(secret, timestamp, method, path, idempotencyKey, body) {
  const head = `${timestamp}.${method}.${path}.${idempotencyKey}.`;
  const signed = joined(head, typeof body === "string" ? utf8.encode(body) : body);
  const code = new Uint8Array(await subtle.sign("HMAC", await hmacKey(secret, "sign"), signed));
  return "v1=" + Array.from(code, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * The event, if one of your secrets signed these very bytes within five minutes; else BadWebhook. Events may come
 * again, and in another order: keep ids, and drop a `data.revision` below the one you know.
 * @param {string | string[]} secrets @param {Headers | Record<string, any>} headers in any case, HTTP/2's too
 * @param {Uint8Array} body as it came @returns {Promise<Event>}
 */
export async function verifyWebhook(secrets, headers, body, now = Date.now() / 1000) {
  const pairs = typeof headers[Symbol.iterator] === "function" ? [...headers] : Object.entries(headers);
  const named = new Map(pairs.map(([name, value]) => [name.toLowerCase(), String(value)]));
  const [id, timestamp] = [named.get("webhook-id") ?? "", named.get("webhook-timestamp") ?? ""];
  if (id === "" || !/^[0-9]{1,15}$/.test(timestamp)) throw new BadWebhook("webhook-id or webhook-timestamp is missing");
  if (Math.abs(now - Number(timestamp)) > WEBHOOK_TOLERANCE_SECONDS) {
    throw new BadWebhook("webhook-timestamp is too old or too new");
  }
  for (const secret of [secrets].flat()) {
    const key = await hmacKey(secret, "verify");
    for (const signature of (named.get("webhook-signature") ?? "").split(" ")) {
      const fit = /^v1,([A-Za-z0-9+/]{43}=)$/.exec(signature);
      // In constant time.
      if (fit && (await subtle.verify("HMAC", key, decoded(fit[1]), joined(`${id}.${timestamp}.`, body)))) {
        return { id, ...JSON.parse(new TextDecoder().decode(body)) };
      }
    }
  }
  throw new BadWebhook("no signature fits");
}

/** Calls that are safe to repeat are repeated, with pauses that grow, and never sooner than Retry-After says. */
export class Tollgate {
  /**
   * @param {string} baseURL the tenant's
   * @param {{key: string, secret?: string, attempts?: number, timeoutSeconds?: number, longestWait?: number,
   *   sleep?: (seconds: number) => Promise<any>}} options `secret` signs orders; a Retry-After beyond `longestWait` is
   *   not waited for
   */
  constructor(baseURL, { key, secret, attempts = 6, timeoutSeconds = 30, longestWait = 60, sleep = pause }) {
    const place = new URL(baseURL.replace(/\/+$/, "") + PATH);
    if (!/^https?:[^?#]+$/i.test(baseURL)) throw new TypeError("baseURL is no http(s) address");
    if (!/^[!-~]+$/.test(key ?? "")) throw new TypeError("the key is no whole key, which has ASCII letters alone");
    if (secret) secretBytes(secret);
    [this.#origin, this.#path] = [place.origin, place.pathname];
    this.#options = { key, secret, attempts, timeoutSeconds, longestWait, sleep };
  }

  #origin; #path; #options;

  /** @returns {AsyncGenerator<Product>} */
  products() { return this.#rows("/products"); }

  /**
   * The order's price, and what would refuse it; nothing is written.
   * @param {string} product @param {Term} term @param {number} quantity @param {OrderCustomer} customer
   * @returns {Promise<Quote>}
   */
  quote(product, term, quantity, customer) {
    return this.#call("POST", "/orders/quote", { body: { product, term, quantity, customer } });
  }

  /**
   * `idempotencyKey`: your own number of this order, stored before you call. The same key never buys twice: after
   * `no_answer` or a crash, call again with it. `reference`: what you call the order; it is found by that.
   * @param {string} product @param {Term} term @param {number} quantity @param {OrderCustomer} customer
   * @param {string} idempotencyKey @param {string} [reference] @returns {Promise<PlacedOrder>}
   */
  placeOrder(product, term, quantity, customer, idempotencyKey, reference) {
    const body = { product, term, quantity, customer, reference };
    return this.#call("POST", "/orders", { body, idempotencyKey, isSigned: true });
  }

  /**
   * @param {string} [state] @param {string} [reference] @param {string} [customer] @param {string} [idempotencyKey]
   * @returns {AsyncGenerator<Order>}
   */
  orders(state, reference, customer, idempotencyKey) {
    return this.#rows("/orders", { state, reference, customer, idempotency_key: idempotencyKey });
  }

  /** @param {string} id @returns {Promise<OrderWithServices>} */
  order(id) { return this.#call("GET", `/orders/${encodeURIComponent(id)}`); }

  /**
   * All but the cancelled, unless `status` says which.
   * @param {string} [status] @param {string} [order] @returns {AsyncGenerator<Service>}
   */
  services(status, order) { return this.#rows("/services", { status, order }); }

  /** @param {string} id @returns {Promise<ServiceWithDetails>} */
  service(id) { return this.#call("GET", `/services/${encodeURIComponent(id)}`); }

  /** @param {string} serviceID @returns {Promise<Service>} */
  pay(serviceID, idempotencyKey = webcrypto.randomUUID()) {
    return this.#call("POST", `/services/${encodeURIComponent(serviceID)}/pay`, { idempotencyKey });
  }

  /** It ends with its term. @param {string} serviceID @returns {Promise<Service>} */
  cancel(serviceID, idempotencyKey = webcrypto.randomUUID()) {
    return this.#call("POST", `/services/${encodeURIComponent(serviceID)}/cancel`, { idempotencyKey });
  }

  /** It renews after all. @param {string} serviceID @returns {Promise<Service>} */
  keep(serviceID) { return this.#call("DELETE", `/services/${encodeURIComponent(serviceID)}/cancel`); }

  /** @param {string} [externalID] @returns {AsyncGenerator<Customer>} */
  customers(externalID) { return this.#rows("/customers", { external_id: externalID }); }

  /** @returns {Promise<Balance>} */
  balance() { return this.#call("GET", "/balance"); }

  /** Send whoever pays to `payment_url`. @param {string} amount @returns {Promise<BegunTopUp>} */
  topUp(amount, idempotencyKey = webcrypto.randomUUID()) {
    return this.#call("POST", "/topup", { body: { amount }, idempotencyKey });
  }

  /** @param {string} id @returns {Promise<TopUp>} */
  payment(id) { return this.#call("GET", `/topup/${encodeURIComponent(id)}`); }

  /** @returns {AsyncGenerator<Posting>} */
  statement() { return this.#rows("/statement"); }

  /** One page, oldest first. Keep `next_cursor`, and give it as `after`. @returns {Promise<EventPage>} */
  events(after = "", types = []) {
    return this.#call("GET", "/events", { query: { after, types: types.join(","), limit: PAGE_ROWS } });
  }

  async *#rows(path, query = {}) {
    let cursor = null;
    do {
      const page = await this.#call("GET", path, { query: { ...query, limit: PAGE_ROWS, cursor } });
      yield* page.data;
      cursor = page.next_cursor;
    } while (cursor !== null);
  }

  async #call(method, path, { query = {}, body, idempotencyKey, isSigned = false } = {}) {
    if ((isSigned || idempotencyKey !== undefined) && !/^[!#-~]{1,255}$/.test(idempotencyKey ?? "")) {
      throw new TypeError("an idempotency key has 1 to 255 visible characters but quotes");
    }
    const asked = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
    const target = this.#path + path + (asked.length ? `?${new URLSearchParams(asked)}` : "");
    const raw = body === undefined ? undefined : JSON.stringify(body);
    const { attempts, longestWait, sleep } = this.#options;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#once(method, target, raw, idempotencyKey, isSigned);
      } catch (error) {
        const wait = error.retryAfter ?? 0;
        if (!error.isPassing || attempt >= attempts || wait > longestWait) throw error;
        const seconds = Math.min(FIRST_PAUSE_SECONDS * 2 ** (attempt - 1), LONGEST_PAUSE_SECONDS);
        await sleep(Math.max(wait, seconds * (0.5 + Math.random() / 2)));
      }
    }
  }

  async #once(method, target, raw, idempotencyKey, isSigned) {
    const { key, secret, timeoutSeconds } = this.#options;
    const headers = { Authorization: `Bearer ${key}`, Accept: "application/json" };
    if (raw !== undefined) headers["Content-Type"] = "application/json";
    if (idempotencyKey !== undefined) headers["Idempotency-Key"] = idempotencyKey;
    if (isSigned) {
      if (!secret) throw new TypeError("orders are signed: the client needs the signing secret");
      const now = Math.floor(Date.now() / 1000); // Each attempt is signed anew: a timestamp is good for five minutes.
      headers["X-Tollgate-Timestamp"] = String(now);
      headers["X-Tollgate-Signature"] = await sign(secret, now, method, target, idempotencyKey, raw);
    }
    let answer, json;
    try {
      // The key goes nowhere else than asked.
      const signal = AbortSignal.timeout(timeoutSeconds * 1000);
      answer = await fetch(this.#origin + target, { method, headers, body: raw, redirect: "manual", signal });
      json = JSON.parse(await answer.text());
    } catch (error) {
      // What a proxy says in words of its own has a status all the same.
      if (!answer || answer.ok) {
        throw new TollgateError(0, { code: "no_answer", detail: `No whole answer came: ${error}` }, null, error);
      }
    }
    if (answer.ok) return json;
    // A problem of Tollgate's has all of these; a proxy's JSON may have a code too.
    const isProblem = ["code", "detail", "request_id"].every((name) => typeof json?.[name] === "string");
    throw new TollgateError(answer.status, isProblem ? json : {}, waitOf(answer.headers.get("Retry-After")));
  }
}

const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

function waitOf(text) {
  if (text === null) return null;
  const seconds = /^\d+$/.test(text) ? Number(text) : (Date.parse(text.replace(/ GMT$|$/, " GMT")) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? null : seconds;
}
