<?php
// From cron, each minute: works on events that have come, and places what is still to be placed.
//
//     php worker.php

declare(strict_types=1);

require __DIR__ . '/shop.php';

$lock = fopen(folder('orders') . '/worker', 'c');
if (!flock($lock, LOCK_EX | LOCK_NB)) exit(0); // The one before is still at work.

foreach (glob(folder('inbox') . '/*.json') as $path) {
    $event = json_decode(file_get_contents($path), true, 64, JSON_THROW_ON_ERROR);
    // An order of another shop with the same key never becomes ours; one of ours is looked up by now.
    $isOld = filemtime($path) < time() - LOOKED_UP_SECONDS;
    if (take($event) || $isOld) rename($path, substr($path, 0, -5) . '.done');
}

$tollgate = tollgate(attempts: 4, timeoutSeconds: 30);
$paths = glob(folder('orders') . '/*.json');
shuffle($paths); // So that no order stands before the others for ever.
foreach ($paths as $path) {
    // What cannot be answered for now cannot for the next order either. In a minute there is another try.
    if (!place(basename($path, '.json'), $tollgate)) break;
}
