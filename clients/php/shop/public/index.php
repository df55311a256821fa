<?php
// The shop: a form for each product, and a page for each order. An order's number is long and random, and the only way to
// its page; a form has the number of the order that it makes, so that pressing twice buys once.

declare(strict_types=1);

require __DIR__ . '/../shop.php';

const TERMS = ['monthly' => 'a month', 'quarterly' => 'a quarter', 'semi_annual' => 'half a year', 'annual' => 'a year'];
const STATES = [
    'placing' => 'We are working on your order. You need not order again.',
    'refused' => 'We cannot carry out this order. You will not be charged.',
    'rejected' => 'We cannot carry out this order. You will not be charged.',
    'pending' => 'Your order waits for a person to set it up.',
    'completed' => 'Your order is done.',
];

function h(mixed $text): string {
    return htmlspecialchars((string) $text, ENT_QUOTES | ENT_SUBSTITUTE | ENT_HTML5, 'UTF-8');
}

function page(string $title, string $markup, int $status = 200): never {
    http_response_code($status);
    header("Content-Security-Policy: default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'");
    header('Cache-Control: no-store');
    header('Referrer-Policy: no-referrer');
    echo '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
        '<title>', h($title), '</title><h1>', h($title), '</h1>', $markup, '</html>';
    exit;
}

function products(): never {
    try {
        $products = iterator_to_array(tollgate(1, 10)->products(), false);
    } catch (Tollgate\TollgateError $error) {
        error_log("the price list did not come: {$error->getMessage()}");
        page('The shop is closed for a moment', '<p>Please try again soon.</p>', 503);
    }
    $markup = '';
    foreach ($products as $product) {
        $options = '';
        foreach (array_intersect_key($product['terms'], TERMS) as $term => $price) {
            if ($price['net'] === null) continue;
            $net = $price['net'];
            $text = retail($net, $net) . ' ' . $product['currency'] . ' ' . TERMS[$term];
            $options .= '<option value="' . h($term) . '">' . h($text) . '</option>';
        }
        if ($options === '') continue;
        $setup = trim($product['setup_fee'], '0.') !== ''
            ? '<p>Set-up, once: ' . h(retail($product['setup_fee'], $net) . ' ' . $product['currency']) . '</p>' : '';
        $markup .= '<form method="post"><h2>' . h($product['name']) . "</h2>$setup"
            . '<input type="hidden" name="number" value="' . bin2hex(random_bytes(16)) . '">'
            . '<input type="hidden" name="product" value="' . h($product['product']) . '">'
            . "<p><label>Term <select name=\"term\">$options</select></label>"
            . ' <label>How many <input name="quantity" type="number" min="1" max="100" value="1" required></label>'
            . ' <label>E-mail <input name="email" type="email" required></label> <button>Order</button></p></form>';
    }
    page('Our products', $markup ?: '<p>There is nothing for sale.</p>');
}

function ordered(): never {
    $text = fn (string $name) => is_string($_POST[$name] ?? null) ? trim($_POST[$name]) : '';
    $quantity = filter_var($text('quantity'), FILTER_VALIDATE_INT, ['options' => ['min_range' => 1, 'max_range' => 100]]);
    $number = $text('number');
    if (!$quantity || !filter_var($text('email'), FILTER_VALIDATE_EMAIL) || !isset(TERMS[$text('term')])
        || $text('product') === '' || !preg_match('/^[0-9a-f]{32}$/D', $number)) {
        page('Please look again', '<p>Something is missing in the form. Go back and mend it.</p>', 422);
    }
    // On disk before Tollgate hears of it: an order that is asked for is never forgotten, nor asked for under two numbers.
    change($number, fn (?array $order) => $order !== null ? null : [
        'number' => $number, 'state' => 'placing', 'product' => $text('product'), 'term' => $text('term'),
        'quantity' => $quantity, 'email' => $text('email'), 'at' => date(DATE_ATOM)]);
    place($number, tollgate(1, 10));
    header("Location: /?order=$number", true, 303);
    exit;
}

function shown(string $number): never {
    $order = order($number) ?? page('There is no such order', '<p>Look at the link again.</p>', 404);
    $rows = '';
    foreach ($order['services'] ?? [] as $service) {
        $rows .= '<li>' . h($service['status']);
        if ($service['status'] === 'active') $rows .= details($service['id']);
        $rows .= '</li>';
    }
    page('Your order', '<p>' . h(STATES[$order['state']] ?? $order['state']) . "</p><ul>$rows</ul>");
}

/** What the customer needs to log in. Secrets are not for a page that a link opens: send them, or ask for a password. */
function details(string $serviceID): string {
    try {
        $details = tollgate(1, 10)->service($serviceID)['details'] ?? [];
    } catch (Tollgate\TollgateError) {
        return '';
    }
    $markup = '';
    foreach ($details as $name => $detail) {
        $markup .= '<dt>' . h($name) . '</dt><dd>' . h($detail['secret'] ? '(we send it to you)' : $detail['value']) . '</dd>';
    }
    return $markup === '' ? '' : "<dl>$markup</dl>";
}

match (true) {
    $_SERVER['REQUEST_METHOD'] === 'POST' => ordered(),
    is_string($_GET['order'] ?? null) => shown($_GET['order']),
    default => products(),
};
