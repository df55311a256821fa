"""What stands at the gateway's edge: the command line, upgrades, the package, and the clients (not compiled)."""

from table import Mutant

TERMINAL = "Sources/TollgateCommand/Terminal.swift"
PYTHON = "clients/python/tollgate.py"
PHP = "clients/php/Tollgate.php"
JAVASCRIPT = "clients/js/tollgate.mjs"
SHOP = "clients/php/shop/"

MUTANTS = [
    # P6
    Mutant(
        "P6", "coloured-pipe", "a pipe gets colours", TERMINAL,
        "guard isThere(descriptor), text(", "guard MUTANT || isThere(descriptor), text(",
        "Contract/terminal.py", "shows titles and states in colours"),
    Mutant(
        "P6", "narrow-letters", "a wide letter is taken for one column", TERMINAL,
        "? 2 : 1", "? (MUTANT ? 1 : 2) : 1", "Contract/terminal.py", "line up"),
    Mutant(
        "P6", "half-completed", "completion forgets an option", "Sources/TollgateCommand/Completion.swift",
        "let all = command.options.map(\\.name) + [",
        "let all = command.options.dropFirst(MUTANT ? 1 : 0).map(\\.name) + [",
        "Contract/terminal.py", "bash completes every"),
    # G8
    Mutant(
        "G8", "hung-up", "a hand-over closes kept connections while a request is on its way",
        "Sources/HTTPServer/Loop/EventLoop+Accept.swift",
        "&& !connection.waitsForTurn && !handsOver {", "&& !connection.waitsForTurn && (!handsOver || MUTANT) {",
        "Contract/handover.py", "under load"),
    Mutant(
        "G8", "let-go", "an upgrade lets the listening sockets go",
        "Sources/TollgateCommand/Serve/ServeCommand.swift",
        "successor == nil ? [] :", "successor == nil || MUTANT ? [] :", "Contract/handover.py", "under load"),
    Mutant(
        "G8", "unasked", "a program that is no Tollgate gets the place",
        "Sources/TollgateCommand/Serve/Succession.swift",
        "guard words.hasPrefix(", "guard MUTANT || words.hasPrefix(", "Contract/handover.py", "gets no place"),
    # G9
    Mutant(
        "G9", "open-folder", "the package's data folder is open to others", "deploy/package/tmpfiles.conf",
        "0700", "0750", "Contract/package.py", "the package installs"),
    Mutant(
        "G9", "forgotten-options", "an upgrade of the package overwrites its options", "package",
        "printf '/etc/default/tollgate\\n' >", "printf '' >", "Contract/package.py", "keeps its changed options"),
    Mutant(
        "G9", "left-off", "the package stays off where it comes back after a removal", "deploy/package/preinst",
        ": >/run/tollgate.again;", ":;", "Contract/package.py", "again after a removal"),
    # The clients
    Mutant(
        "W5", "python-path", "the Python client signs the path without its prefix", PYTHON,
        "sign(self._secret, now, method, target,", "sign(self._secret, now, method, target[1:],",
        "Contract/clients.py", "every call works"),
    Mutant(
        "W7", "js-hurried", "the JavaScript client comes back before Retry-After", JAVASCRIPT,
        "await sleep(Math.max(wait, ", "await sleep(Math.min(wait, ", "Contract/clients.py", "Retry-After is honoured"),
    Mutant(
        "G4", "php-new-key", "the PHP client places an order again under another key", PHP,
        '$headers[] = "Idempotency-Key: $key";',
        '$headers[] = "Idempotency-Key: $key" . random_int(1, 999999999);',
        "Contract/clients.py", "is placed again under its key"),
    Mutant(
        "W6", "js-renamed", "the JavaScript client calls a field by another name", JAVASCRIPT,
        "credit_limit: string", "creditLimit: string", "Contract/clients.py", "each type that it declares"),
    Mutant(
        "H2", "php-stale", "the PHP client takes webhooks of any age", PHP,
        "> WEBHOOK_TOLERANCE_SECONDS", "> PHP_INT_MAX", "Contract/clients.py", "a webhook that is old"),
    Mutant(
        "G4", "shop-renumbered", "the example shop's worker orders under a new number", SHOP + "shop.php",
        "$customer, $number, \"shop", "$customer, bin2hex(random_bytes(16)), \"shop",
        "Contract/exampleshop.py", "is placed later, once"),
    Mutant(
        "G4", "shop-gave-up", "the example shop ends an order for a refusal of one try", SHOP + "shop.php",
        "if ($isLookedUp || !$error->isKept()) {", "if ($error->isPassing()) {", "Contract/exampleshop.py",
        "a refusal of one try ends no order"),
    Mutant(
        "G4", "shop-forgot", "the example shop buys an order again whose answer is kept no more", SHOP + "shop.php",
        "$isLookedUp ? sold($number, $tollgate) : null;", "null;", "Contract/exampleshop.py", "is looked up"),
    Mutant(
        "G4", "php-kept-quota", "the PHP client takes a used-up quota for the end of an order", PHP,
        "'quota_exceeded', ", "", "Contract/exampleshop.py", "a refusal of one try ends no order"),
    Mutant(
        "G4", "php-proxys-code", "the PHP client takes any JSON for a problem of Tollgate's", PHP,
        "array_filter($texts, 'is_string') === $texts ? $json : []", "is_array($json) ? $json : []",
        "Contract/clients.py", "a proxy's JSON"),
    Mutant(
        "H1", "shop-late", "the example shop takes the kept answer of an order whose events it gave up",
        SHOP + "shop.php", "const LOOKED_UP_SECONDS = 86400;", "const LOOKED_UP_SECONDS = 29 * 86400;",
        "Contract/exampleshop.py", "is looked up"),
    Mutant(
        "G4", "python-dripped", "the Python client waits for ever for an answer that drips", PYTHON,
        "answer.fp.raw.readinto = read_in_time", "pass", "Contract/clients.py", "an answer that drips"),
    Mutant(
        "G4", "python-keyless", "the Python client orders without a key under a new one", PYTHON,
        "and not (repeats or is_signed):", "and not repeats:", "Contract/clients.py", "told before"),
    Mutant(
        "H1", "shop-backwards", "the example shop lets an older state replace a newer one", SHOP + "shop.php",
        "if ($data['revision'] <= $before) return null;", "", "Contract/exampleshop.py", "never an older state"),
]
