// A receiver of Tollgate's webhooks for Node 18 and newer: nothing to install.
//
//     TOLLGATE_WEBHOOK_SECRET=whsec_… node receiver.mjs 8080 inbox
//
// It answers as soon as the event is kept, and works on it afterwards: an event is never lost, worked on once, and an
// older state of an object never replaces a newer one.

import { createHmac, timingSafeEqual } from "node:crypto";
import {
  closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, writeSync,
} from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const TOLERANCE_SECONDS = 300;
const BODY_BYTES_MAX = 64 << 10;

// Whether Tollgate signed these very bytes within the last five minutes (Standard Webhooks 1.0.0).
export function verify(secret, headers, body, now = Date.now() / 1000) {
  const id = headers["webhook-id"] ?? "";
  const timestamp = headers["webhook-timestamp"] ?? "";
  if (id === "" || !/^[0-9]{1,15}$/.test(timestamp)) return false;
  if (Math.abs(now - Number(timestamp)) > TOLERANCE_SECONDS) return false;
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  // The bytes as they came: JSON that was parsed and written again is other bytes.
  const expected = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest();
  // While a secret is being rotated there are several signatures: one that fits is enough.
  return (headers["webhook-signature"] ?? "").split(" ").some((signature) => {
    const [version, text] = signature.split(",", 2);
    const given = Buffer.from(text ?? "", "base64");
    return version === "v1" && given.length === expected.length && timingSafeEqual(given, expected);
  });
}

// What has come: a file an event, named by its id, on disk before anything is answered.
class Inbox {
  constructor(folder) {
    this.folder = folder;
    this.objects = new Map();
    this.seen = new Set();
    mkdirSync(folder, { recursive: true });
    // What is known of each object is made from the events again at a start. In earnest it is a table of yours, and an
    // event is marked as done in the transaction that takes it.
    for (const name of readdirSync(folder).filter((name) => name.endsWith(".json"))) {
      this.seen.add(name);
      this.take(JSON.parse(readFileSync(join(folder, name), "utf8")));
    }
  }

  // The same id again, of a retry or a replay, is kept once.
  keep(id, body) {
    const name = Buffer.from(id).toString("hex") + ".json";
    if (this.seen.has(name) || existsSync(join(this.folder, name))) return;
    const half = join(this.folder, name + ".half");
    const file = openSync(half, "w");
    writeSync(file, body);
    fsyncSync(file);
    closeSync(file);
    renameSync(half, join(this.folder, name));
    this.seen.add(name);
    // After the answer.
    setImmediate(() => this.take(JSON.parse(body.toString("utf8"))));
  }

  take(event) {
    const id = event.data.id ?? event.data._id;
    const revision = event.data.revision;
    if (id === undefined || revision === undefined) return;
    // Events may come in another order than they were made in: the highest revision is the state.
    if ((this.objects.get(id)?.revision ?? 0) >= revision) return;
    this.objects.set(id, event.data);
    console.log(`${event.type} ${id} revision ${revision}`);
  }
}

function serve(port, inbox, secret) {
  const server = createServer((request, response) => {
    const pieces = [];
    let bytes = 0;
    request.on("data", (piece) => {
      bytes += piece.length;
      if (bytes <= BODY_BYTES_MAX) pieces.push(piece);
    });
    request.on("end", () => {
      const body = Buffer.concat(pieces);
      if (bytes > BODY_BYTES_MAX) return response.writeHead(413).end();
      if (!verify(secret, request.headers, body)) return response.writeHead(401).end();
      inbox.keep(request.headers["webhook-id"], body);
      response.writeHead(204).end();
    });
  });
  server.listen(port, "127.0.0.1", () => console.log(`listening on ${server.address().port}`));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [port, folder] = process.argv.slice(2);
  serve(Number(port ?? 8080), new Inbox(folder ?? "inbox"), process.env.TOLLGATE_WEBHOOK_SECRET);
}
