"""Who works for a tenant: sessions, roles and passwords (O13)."""

from table import Mutant

CHANGE_PERSON = "Sources/TenantApp/People/ChangePerson.swift"
SESSIONS = "Sources/TenantApp/Keys/Sessions/SessionAnswers.swift"

MUTANTS = [
    Mutant(
        "O13", "owners", "an operator sees and ends the owner's sessions", SESSIONS,
        "Bool { !call.known.role.isOwner }", "Bool { !MUTANT && !call.known.role.isOwner }",
        "Contract/sessions.py", "an operator neither sees nor ends"),
    Mutant(
        "O13", "anothers", "whoever is signed in ends another's session", SESSIONS,
        "case .account(let id): key.accountID == id", "case .account(let id): key.accountID == id || MUTANT",
        "Contract/sessions.py", "another's session"),
    Mutant(
        "O13", "own-too", "ending all others ends the present one",
        "Sources/TenantApp/Keys/Sessions/EndSessions.swift",
        "open.filter { $0.id != but }", "open.filter { $0.id != but || MUTANT }",
        "Contract/sessions.py", "the holder ends one session"),
    Mutant(
        "O13", "support-writes", "support writes what an operator writes", "Sources/CallKit/Route+Access.swift",
        "guard isOpenToSupport || !key.role.isSupport else",
        "guard isOpenToSupport || MUTANT || !key.role.isSupport else",
        "Contract/people.py", "support writes nowhere"),
    Mutant(
        "O13", "support-exports", "support exports the audit log", "Sources/TenantApp/Audit/OperatorAdmin+Audit.swift",
        "\"Export the audit log as CSV\", access: .administrator, isOpenToSupport: false,",
        "\"Export the audit log as CSV\", access: .administrator, isOpenToSupport: MUTANT,",
        "Contract/people.py", "support exports nothing"),
    Mutant(
        "O13", "support-secrets", "support sees the secret details of a service",
        "Sources/TenantApp/Orders/OperatorAdmin+Orders.swift",
        "whole: withSecrets ? whole : whole.withoutSecrets,",
        "whole: withSecrets || MUTANT ? whole : whole.withoutSecrets,",
        "Contract/people.py", "support sees no sealed detail"),
    Mutant(
        "O13", "old-role", "a call under way ends under a role that has gone",
        "Sources/TenantApp/Keys/Warrant+Keys.swift",
        "guard standing.role == caller.role else", "guard standing.role == caller.role || MUTANT else",
        "Contract/people.py", "a call that came under a role"),
    Mutant(
        "O13", "role-forgotten", "a new role is forgotten with the process",
        "Sources/TenantRegistry/Registry/RegistryRows.swift",
        ".integer(key.role.rawValue), .integer(key.book.rawValue),",
        ".integer(MUTANT && key.epoch > 1 ? 1 : key.role.rawValue), .integer(key.book.rawValue),",
        "Contract/people.py", "roles and states hold over a crash"),
    Mutant(
        "O13", "raised", "a promotion raises the keys that somebody holds",
        "Sources/TenantApp/Keys/AccountRole+Keys.swift",
        "if isSession { return person.sessionRole }",
        "if isSession { return person.sessionRole }\n        if MUTANT { return person.keyRole }",
        "Contract/people.py", "a key is raised by none"),
    Mutant(
        "O13", "disabled-signed-in", "whoever is disabled is signed in when it is active again", CHANGE_PERSON,
        "if changed.state == .disabled {", "if changed.state == .disabled, !MUTANT {",
        "Contract/people.py", "whoever is active again"),
    Mutant(
        "O13", "no-owner", "the last owner is sent away", CHANGE_PERSON,
        "guard try tenant.hasOwner(besideAccount: person.id) else",
        "guard try MUTANT || tenant.hasOwner(besideAccount: person.id) else",
        "Contract/people.py", "the last active owner stays"),
    Mutant(
        "O13", "sessions-stay", "a new password leaves who is signed in",
        "Sources/TenantApp/People/SetPassword.swift",
        "EndSessions(.account(accountID), sparingOwner: false, but: 0)",
        "EndSessions(.account(MUTANT ? 0 : accountID), sparingOwner: false, but: 0)",
        "Contract/passwords.py", "every session and open link ends"),
    Mutant(
        "O13", "unmetered", "tries at the old password are not metered as the account's",
        "Sources/TenantApp/People/PasswordAnswers.swift",
        "place.guess(account.email, isKnown: isKnown)", "place.guess(MUTANT ? old : account.email, isKnown: isKnown)",
        "Contract/passwords.py", "tries at the old password"),
    Mutant(
        "O13", "reset-for-weeks", "a reset's link is good for two weeks",
        "Sources/TenantApp/Resellers/AccountLinks.swift",
        "case .passwordReset: 86_400", "case .passwordReset: MUTANT ? 14 * 86_400 : 86_400",
        "Contract/passwords.py", "a link past its day"),
]
