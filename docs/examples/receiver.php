<?php
// A receiver of Tollgate's webhooks for PHP 8: no extension but what every PHP has.
//
//     TOLLGATE_WEBHOOK_SECRET=whsec_… TOLLGATE_INBOX=inbox php -S 127.0.0.1:8080 receiver.php
//     TOLLGATE_INBOX=inbox php receiver.php        (works on what has come; from cron or a service)
//
// It answers as soon as the event is kept, and works on it afterwards: an event is never lost, worked on once, and an
// older state of an object never replaces a newer one.

declare(strict_types=1);

const TOLERANCE_SECONDS = 300;
const BODY_BYTES_MAX = 65536;

// Whether Tollgate signed these very bytes within the last five minutes (Standard Webhooks 1.0.0).
function verify(string $secret, string $id, string $timestamp, string $signatures, string $body, ?int $now = null): bool
{
    if ($id === '' || !preg_match('/^[0-9]{1,15}$/D', $timestamp)) {
        return false;
    }
    if (abs(($now ?? time()) - (int) $timestamp) > TOLERANCE_SECONDS) {
        return false;
    }
    $key = base64_decode(preg_replace('/^whsec_/', '', $secret));
    // The bytes as they came: JSON that was parsed and written again is other bytes.
    $expected = base64_encode(hash_hmac('sha256', "$id.$timestamp.$body", $key, true));
    // While a secret is being rotated there are several signatures: one that fits is enough.
    foreach (explode(' ', $signatures) as $signature) {
        [$version, $text] = explode(',', $signature, 2) + [1 => ''];
        if ($version === 'v1' && hash_equals($expected, $text)) {
            return true;
        }
    }
    return false;
}

// An event is a file that is named by its id, on disk before anything is answered. The same id again is kept once.
function keep(string $inbox, string $id, string $body): void
{
    $name = "$inbox/" . bin2hex($id);
    if (file_exists("$name.json") || file_exists("$name.done")) {
        return;
    }
    $half = tempnam($inbox, 'half');
    $file = fopen($half, 'w');
    if (fwrite($file, $body) !== strlen($body) || !fsync($file)) {
        throw new RuntimeException('The inbox cannot be written.');
    }
    fclose($file);
    rename($half, "$name.json");
}

// Objects by their ids in one file. In earnest they are rows of yours, and an event is done in their transaction.
function work(string $inbox): void
{
    $lock = fopen("$inbox/lock", 'c');
    flock($lock, LOCK_EX);
    $path = "$inbox/objects";
    $objects = file_exists($path) ? json_decode(file_get_contents($path), true) : [];
    foreach (glob("$inbox/*.json") as $name) {
        $event = json_decode(file_get_contents($name), true);
        $id = $event['data']['id'] ?? $event['data']['_id'] ?? null;
        $revision = $event['data']['revision'] ?? null;
        // Events may come in another order than they were made in: the highest revision is the state.
        if ($id !== null && $revision !== null && ($objects[$id]['revision'] ?? 0) < $revision) {
            $objects[$id] = $event['data'];
            file_put_contents("$path.half", json_encode($objects));
            rename("$path.half", $path);
            echo "{$event['type']} $id revision $revision\n";
        }
        rename($name, substr($name, 0, -5) . '.done');
    }
}

if (realpath($_SERVER['SCRIPT_FILENAME']) !== __FILE__ && PHP_SAPI === 'cli') {
    return; // Another program uses these functions.
}
$inbox = getenv('TOLLGATE_INBOX') ?: 'inbox';
if (!is_dir($inbox)) {
    mkdir($inbox, 0700, true);
}
if (PHP_SAPI === 'cli') {
    work($inbox);
    exit;
}
$body = file_get_contents('php://input', length: BODY_BYTES_MAX + 1);
if (strlen($body) > BODY_BYTES_MAX) {
    http_response_code(413);
    exit;
}
$id = $_SERVER['HTTP_WEBHOOK_ID'] ?? '';
$timestamp = $_SERVER['HTTP_WEBHOOK_TIMESTAMP'] ?? '';
$signatures = $_SERVER['HTTP_WEBHOOK_SIGNATURE'] ?? '';
if (!verify((string) getenv('TOLLGATE_WEBHOOK_SECRET'), $id, $timestamp, $signatures, $body)) {
    http_response_code(401);
    exit;
}
keep($inbox, $id, $body);
http_response_code(204);
