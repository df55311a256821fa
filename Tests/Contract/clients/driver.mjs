// Calls the JavaScript client as each line of standard input says, and answers in a line (clients.py).

import { createInterface } from "node:readline";
import { BadWebhook, Tollgate, TollgateError, sign, verifyWebhook } from "../../../clients/js/tollgate.mjs";

let client;
let pauses = [];

const does = {
  new({ base_url, key, secret, attempts, longest_wait, timeout }) {
    const sleep = async (seconds) => pauses.push(seconds);
    client = new Tollgate(
      base_url, { key, secret, attempts, longestWait: longest_wait, timeoutSeconds: timeout, sleep });
  },
  async call({ name, arguments: given }) {
    const result = client[name](...given.map((value) => value ?? undefined));
    if (!result[Symbol.asyncIterator]) return result;
    const rows = [];
    for await (const row of result) rows.push(row);
    return rows;
  },
  sign: ({ arguments: given }) => sign(...given),
  verify: ({ secrets, headers, body, now }) => verifyWebhook(secrets, headers, new TextEncoder().encode(body), now),
  methods: () => Object.getOwnPropertyNames(Tollgate.prototype).filter((name) => name !== "constructor"),
};

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  pauses = [];
  let answer;
  try {
    answer = { result: (await does[command.do](command)) ?? null };
  } catch (error) {
    if (error instanceof TollgateError) {
      const { status, code, detail, pointers, retryAfter, requestId, problem, isKept } = error;
      answer = {
        error: "refused", status, code, detail, pointers, retry_after: retryAfter, request_id: requestId, problem,
        is_kept: isKept };
    } else if (error instanceof BadWebhook || error instanceof TypeError) {
      answer = { error: error.constructor.name, detail: error.message };
    } else throw error;
  }
  console.log(JSON.stringify({ ...answer, pauses }));
}
