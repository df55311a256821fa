<?php
// Calls the PHP client as each line of standard input says, and answers in a line (clients.py).

declare(strict_types=1);

require __DIR__ . '/../../../clients/php/Tollgate.php';

$client = null;
$pauses = [];

$does = [
    'new' => function (array $command) use (&$client, &$pauses): void {
        $sleep = function (float $seconds) use (&$pauses): void { $pauses[] = $seconds; };
        $client = new Tollgate\Client(
            $command['base_url'], $command['key'], $command['secret'] ?? null, $command['attempts'] ?? 6,
            timeoutSeconds: $command['timeout'] ?? 30, longestWait: $command['longest_wait'] ?? 60, sleep: $sleep);
    },
    'call' => function (array $command) use (&$client): array {
        $result = $client->{$command['name']}(...$command['arguments']);
        return $result instanceof Generator ? iterator_to_array($result, false) : $result;
    },
    'sign' => fn (array $command) => Tollgate\sign(...$command['arguments']),
    'verify' => fn (array $command) => Tollgate\verifyWebhook(
        $command['secrets'], $command['headers'], $command['body'], (float) $command['now']),
    'methods' => fn () => array_values(array_filter(
        array_map(
            fn ($method) => $method->name,
            (new ReflectionClass(Tollgate\Client::class))->getMethods(ReflectionMethod::IS_PUBLIC)),
        fn ($name) => $name !== '__construct')),
];

while (($line = fgets(STDIN)) !== false) {
    $command = json_decode($line, true);
    $pauses = [];
    try {
        $answer = ['result' => $does[$command['do']]($command)];
    } catch (Tollgate\TollgateError $error) {
        $answer = [
            'error' => 'refused', 'status' => $error->status, 'code' => $error->problemCode, 'detail' => $error->detail,
            'pointers' => $error->pointers(), 'retry_after' => $error->retryAfter, 'request_id' => $error->requestId,
            'problem' => $error->problem, 'is_kept' => $error->isKept()];
    } catch (Tollgate\BadWebhook | InvalidArgumentException | LogicException | TypeError $error) {
        $answer = ['error' => (new ReflectionClass($error))->getShortName(), 'detail' => $error->getMessage()];
    }
    echo json_encode($answer + ['pauses' => $pauses]), "\n";
}
