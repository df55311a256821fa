<?php
// Where Tollgate tells of orders and services. It answers once the event is on disk, and works on it then.

declare(strict_types=1);

require __DIR__ . '/../shop.php';

const BODY_BYTES_MAX = 65536;

$body = file_get_contents('php://input', length: BODY_BYTES_MAX + 1);
if (strlen($body) > BODY_BYTES_MAX) {
    http_response_code(413);
    exit;
}
try {
    // While a secret is being rotated there are two: SHOP_WEBHOOK_SECRETS has both, with a space between.
    $event = Tollgate\verifyWebhook(explode(' ', setting('SHOP_WEBHOOK_SECRETS')), $_SERVER, $body);
} catch (Tollgate\BadWebhook | JsonException) {
    http_response_code(401);
    exit;
}
// The same id again, of a retry or a replay, is kept once.
$path = folder('inbox') . '/' . bin2hex($event['id']);
if (!is_file("$path.json") && !is_file("$path.done")) write("$path.json", json_encode($event, JSON_THROW_ON_ERROR));
if (is_file("$path.json") && take($event)) rename("$path.json", "$path.done");
http_response_code(204);
