"""Signing in to pages, what their forms need, and the provider's console (U1, U4)."""

from table import Mutant

GATE = "Sources/CallKit/Pages/FormGate.swift"
COOKIE = "Sources/CallKit/Pages/PageCookie.swift"
AUTHENTICATION = "Sources/Gateway/Authentication.swift"
PIPELINE = "Sources/Gateway/Pipeline.swift"
LINK = "Sources/HTML/Link.swift"
KEPT = "Sources/TenantApp/People/KeptFormPages.swift"
SIGN_IN = "Sources/TenantApp/People/SignInPages.swift"
CONSOLE = "Sources/TenantRegistry/Provider/ConsoleSessions.swift"

MUTANTS = [
    Mutant(
        "U4", "stranger-out", "whoever makes up a cookie writes a row by signing out",
        "Sources/TenantApp/People/SignOutPages.swift",
        "guard isOpen else { return .answer(left) }", "guard MUTANT || isOpen else { return .answer(left) }",
        "Contract/signin.py", "nothing is written"),
    Mutant(
        "U4", "held-in", "strangers at an address hold in whoever is signed in", "Sources/Gateway/Admission.swift",
        "if let session = request.session {", "if !MUTANT, let session = request.session {",
        "Contract/signin.py", "however much strangers"),
    Mutant(
        "U4", "token", "a form's token may be anybody's", GATE,
        "guard constantTimeEqual(Array(token.utf8), Array(Self.token(for: cookie).utf8)) else {",
        "guard MUTANT || constantTimeEqual(Array(token.utf8), Array(Self.token(for: cookie).utf8)) else {",
        "Contract/signin.py", "is refused, and changes nothing"),
    Mutant(
        "U4", "site", "a browser's word for another site is not heard", GATE,
        'if let site, site != "same-origin", site != "none" { throw .forbidden(.foreignForm) }',
        'if !MUTANT, let site, site != "same-origin", site != "none" { throw .forbidden(.foreignForm) }',
        "Contract/signin.py", "is refused, and changes nothing"),
    Mutant(
        "U4", "origin", "a form may come from any origin", GATE,
        'if origin == "null", site == "same-origin" { return }',
        'if MUTANT || origin == "null" && site == "same-origin" { return }',
        "Contract/signin.py", "is refused, and changes nothing"),
    Mutant(
        "U4", "domain", "a page's cookie is a bearer token", "Sources/TenantApp/Keys/MintedSecret.swift",
        "hash = domain.map { [text] in", "hash = (MUTANT ? nil : domain).map { [text] in",
        "Contract/signin.py", "no bearer token"),
    Mutant(
        "U4", "planted", "over TLS a cookie counts that anybody could plant", COOKIE,
        "if unguarded == nil, !isSecure {", "if unguarded == nil, MUTANT || !isSecure {",
        "Contract/signin.py", "over TLS, a trusted"),
    Mutant(
        "U4", "idle", "a session lasts however long nobody looks", AUTHENTICATION,
        "!key.usedByPage(at: routed.now, idleSecondsMax: SessionTerms.pageIdleSeconds)",
        "!key.usedByPage(at: routed.now, idleSecondsMax: MUTANT ? 1 << 40 : SessionTerms.pageIdleSeconds)",
        "Contract/signin.py", "two hours without a page"),
    Mutant(
        "U4", "elsewhere", "a sign-in leads wherever its address says", LINK,
        "guard text.hasPrefix(home), !text.contains(\"\\\\\") else { return false }",
        "guard MUTANT || text.hasPrefix(home), !text.contains(\"\\\\\") else { return false }",
        "Contract/signin.py", "wherever its address says"),
    Mutant(
        "U4", "up", "a sign-in leads up and out of the tenant's pages", LINK,
        'return !path.contains("//") && !path.contains("..") && !path.contains("%2e")',
        'return MUTANT || !path.contains("//") && !path.contains("..") && !path.contains("%2e")',
        "Contract/signin.py", "wherever its address says"),
    Mutant(
        "U4", "foreign-kept", "what another page sent is kept, and offered to whoever signs in", KEPT,
        "(try? FormGate.session.judge(call.head, body: call.body, isSecure: call.isSecure)) != nil",
        "MUTANT || (try? FormGate.session.judge(call.head, body: call.body, isSecure: call.isSecure)) != nil",
        "Contract/signin.py", "is not kept"),
    Mutant(
        "U4", "signed-out", "signing out takes the cookie alone", "Sources/TenantApp/People/SignOutPages.swift",
        "try tenant.revokeKey(key.id)", "if !MUTANT { try tenant.revokeKey(key.id) }",
        "Contract/signin.py", "signing out ends the session"),
    Mutant(
        "U4", "rotated", "a console's session outlives its key", AUTHENTICATION,
        "let key = fleet.providerKeys.key(secret, at: routed.now)",
        "let key = fleet.providerKeys.key(secret, at: MUTANT ? Timestamp(milliseconds: 0) : routed.now)",
        "Contract/console.py", "a session ends with its key"),
    Mutant(
        "U4", "console-total", "a console's session never ends while it is used", CONSOLE,
        "now < session.endsAt && now < session.usedAt", "(MUTANT || now < session.endsAt) && now < session.usedAt",
        "Contract/console.py", "twelve hours in all"),
    Mutant(
        "U1", "hosts", "the console is at tenants' hosts too", "Sources/Gateway/Routing.swift",
        "node.contains { !$0.isPages && $0.has(path) }", "node.contains { (MUTANT || !$0.isPages) && $0.has(path) }",
        "Contract/console.py", "at no tenant's host"),
    Mutant(
        "U1", "worst-first", "the worst trouble stands last", "Sources/Provider/Tenants/TenantMatters.swift",
        "left == .bad && right == .warn }",
        "MUTANT ? left == .warn && right == .bad : left == .bad && right == .warn }",
        "Contract/console.py", "trouble first"),
    Mutant(
        "U4", "lost-silently", "a form that is not kept is lost without a word", SIGN_IN,
        "} else if attempt.isLate {", "} else if !MUTANT, attempt.isLate {", "Contract/signin.py", "is not kept"),
]
