<?php
// What the pages, the receiver and the worker of the example shop share: its settings, its orders on disk, and how one is
// placed at Tollgate. A module for WHMCS or FOSSBilling has these functions over tables of its own.

declare(strict_types=1);

require __DIR__ . '/../Tollgate.php';

use Tollgate\Client;
use Tollgate\TollgateError;

const MARKUP_PERCENT = 25;
// So long the worker keeps events of an order that it does not know. An order that is older is looked up: the answer that
// Tollgate keeps with its number, for 30 days, says how it was when it was placed.
const LOOKED_UP_SECONDS = 86400;

function setting(string $name): string {
    $value = getenv($name);
    return $value === false || $value === '' ? throw new RuntimeException("$name is not set") : $value;
}

/** While a customer waits one short try is enough: the worker goes on. */
function tollgate(int $attempts, int $timeoutSeconds): Client {
    return new Client(
        setting('TOLLGATE_URL'), setting('TOLLGATE_KEY'), setting('TOLLGATE_SECRET'), $attempts, $timeoutSeconds,
        longestWait: $attempts > 1 ? 60 : 0);
}

/** A folder of the shop's data, which lies outside of what the web server serves. */
function folder(string $name): string {
    $path = setting('SHOP_DATA') . "/$name";
    if (!is_dir($path) && !@mkdir($path, 0700, true) && !is_dir($path)) throw new RuntimeException("no folder $path");
    return $path;
}

/** Whole and on disk when this returns, or not there at all. */
function write(string $path, string $text): void {
    $half = tempnam(dirname($path), '.half');
    $file = fopen($half, 'w');
    if (fwrite($file, $text) !== strlen($text) || !fsync($file)) throw new RuntimeException("$path cannot be written");
    fclose($file);
    rename($half, $path);
}

/** One order: number, state (placing, refused, or Tollgate's), what was asked, what came. null: there is none. */
function order(string $number): ?array {
    $path = folder('orders') . "/$number.json";
    return preg_match('/^[0-9a-f]{32}$/D', $number) && is_file($path)
        ? json_decode(file_get_contents($path), true, 64, JSON_THROW_ON_ERROR) : null;
}

/** Reads, changes and writes an order, alone. `$change` gets the order and returns the new one, or null to leave it. */
function change(string $number, callable $change): ?array {
    $lock = fopen(folder('orders') . '/lock', 'c');
    flock($lock, LOCK_EX);
    $changed = $change(order($number));
    if ($changed !== null) write(folder('orders') . "/$number.json", json_encode($changed, JSON_THROW_ON_ERROR));
    return $changed ?? order($number);
}

/**
 * The order of this number, if Tollgate has sold it, as `placeOrder` gives it. After 30 days Tollgate forgets what it
 * answered, and would sell the order again.
 */
function sold(string $number, Client $tollgate): ?array {
    foreach ($tollgate->orders(idempotency_key: $number) as $found) {
        $order = $tollgate->order($found['id']);
        return ['order' => $order, 'services' => $order['services']];
    }
    return null;
}

/**
 * Places an order that is on disk. Its number is the Idempotency-Key: whatever breaks, whoever asks again, and however
 * often, Tollgate sells it once. Take the customer's money before. False: Tollgate cannot answer for now.
 */
function place(string $number, Client $tollgate): bool {
    $order = order($number);
    if ($order === null || $order['state'] !== 'placing') return true;
    $isLookedUp = strtotime($order['at']) < time() - LOOKED_UP_SECONDS;
    try {
        $placed = $isLookedUp ? sold($number, $tollgate) : null;
        $isLookedUp = false;
        $customer = ['external_id' => $order['email'], 'email' => $order['email']];
        $placed ??= $tollgate->placeOrder(
            $order['product'], $order['term'], $order['quantity'], $customer, $number, "shop $number");
    } catch (TollgateError $error) {
        // An order is over where Tollgate keeps its refusal with the number. Whatever else it says, and what a proxy
        // says in its place, is of one try alone: an earlier one may have been sold, and its answer lost.
        if ($isLookedUp || !$error->isKept()) {
            // The worker asks again with the same number. What does not pass needs you.
            $wait = $error->isPassing() ? 'is not placed yet' : 'may be sold or not, and waits for you to mend this';
            error_log("order $number $wait: {$error->getMessage()}");
            return !$error->isPassing();
        }
        error_log("order $number was refused: {$error->getMessage()} " . implode(' ', $error->pointers()));
        // Give the customer's money back. What Tollgate said is for you, not for them.
        change($number, fn ($order) => ['state' => 'refused'] + $order);
        return true;
    }
    write(folder('by-id') . "/{$placed['order']['id']}", $number);
    // An event may have been faster than the answer: the highest revision stands. What is just placed comes before all.
    change($number, function (array $order) use ($placed): array {
        $revision = $placed['order']['revision'] ?? 0;
        if (($order['revision'] ?? -1) < $revision) {
            $order = ['state' => $placed['order']['state'], 'revision' => $revision] + $order;
        }
        foreach ($placed['services'] as $service) {
            $service += ['revision' => 0];
            $before = $order['services'][$service['id']]['revision'] ?? -1;
            if ($before < $service['revision']) $order['services'][$service['id']] = $service;
        }
        return $order + ['services' => []];
    });
    return true;
}

/** What became of an event: true, it is done with; false, its order is still being placed. */
function take(array $event): bool {
    $data = $event['data'];
    [$kind] = explode('.', $event['type']);
    $orderID = match ($kind) { 'order' => $data['id'], 'service' => $data['order_id'], default => null };
    if ($orderID === null) return true;
    $known = setting('SHOP_DATA') . '/by-id/' . basename($orderID);
    if (!is_file($known)) return false;
    change(file_get_contents($known), function (array $order) use ($kind, $data): ?array {
        // Events may come in another order than they were made in: the highest revision is the state.
        $before = ($kind === 'order' ? $order : $order['services'][$data['id']] ?? [])['revision'] ?? 0;
        if ($data['revision'] <= $before) return null;
        if ($kind === 'order') return ['state' => $data['state'], 'revision' => $data['revision']] + $order;
        $order['services'][$data['id']] = ['id' => $data['id'], 'status' => $data['status'], 'revision' => $data['revision']];
        return $order;
    });
    return true;
}

/** The price for customers, rounded up to the minor unit, as `$net` has it: a set-up fee may have more digits. */
function retail(string $price, string $net): string {
    [$whole, $part] = explode('.', $price) + [1 => ''];
    $digits = strlen(explode('.', $net)[1] ?? '');
    $scale = 100 * 10 ** (strlen($part) - $digits);
    $units = intdiv((int) ($whole . $part) * (100 + MARKUP_PERCENT) + $scale - 1, $scale);
    $text = str_pad((string) $units, $digits + 1, '0', STR_PAD_LEFT);
    return $digits === 0 ? $text : substr($text, 0, -$digits) . '.' . substr($text, -$digits);
}
