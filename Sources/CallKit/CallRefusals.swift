import HTTPCore
package import TenantRegistry

extension BadQuery {
    package static let unknownCursor = unknown(cursorAt: "cursor")

    /// `name`: the parameter that brings a cursor back.
    package static func unknown(cursorAt name: String) -> BadQuery {
        BadQuery(
            "unknown_cursor", "/\(name): is not a cursor that this list gave to this caller for this filter.",
            parameter: name)
    }

    package static func unknown(_ name: String, known: [String]) -> BadQuery {
        let known = known.isEmpty ? "This call takes none" : "Known are \(known.joined(separator: ", "))"
        return BadQuery(
            "unknown_parameter", "The query parameter \(name.quoted) is not known here. \(known).", parameter: name)
    }

    package static func repeated(_ name: String) -> BadQuery {
        BadQuery("repeated_parameter", "The query parameter \(name.quoted) stands twice.", parameter: name)
    }
}

extension Missing {
    package static let path = Missing("path")
    package static let providerKey = Missing("provider_key")
    package static let node = Missing("node")
    package static let tenant = Missing("tenant")
}

extension Forbidden {
    package static let resellerPending = Forbidden("reseller_pending", "The application has not been approved yet.")
    package static let resellerSuspended = Forbidden("reseller_suspended", "The reseller is suspended.")
    package static let apiAccessOff = Forbidden("api_access_off", "API access is switched off for this reseller.")
    package static let adminKeyOnly = Forbidden(
        "admin_key_only", "Only a provider key of the role admin may do this.")
    package static let ownerOnly = Forbidden("owner_only", "Only the tenant's owner may do this.")
    package static let supportReads = Forbidden(
        "support_reads",
        "Support reads, but no exports, sealed details and settings of services; and it writes nothing.")
    /// The person's role changed while the call was under way (G3).
    package static let roleChanged = Forbidden(
        "role_changed", "The role of the person who calls has just changed; nothing was done.")
    package static let sessionOnly = Forbidden("session_only", "Sign in to do this; a key will not do.")

    package static let foreignForm = Forbidden(
        "foreign_form", "This form was sent from a page of another site; nothing was changed.")
    package static let staleForm = Forbidden(
        "stale_form",
        "This form belongs to a session that is over, or cookies are switched off; nothing was changed. Go back, load "
            + "the page again and send it once more.")

    package static func scopeMissing(_ scopes: NamedScopes) -> Forbidden {
        let names = scopes.names.joined(separator: ", ")
        return Forbidden("scope_missing", "The key lacks the scope \(names).")
    }

    package static func scopesMissing(_ scopes: NamedScopes) -> Forbidden {
        scopeMissing(scopes).saying("The key has none of the scopes \(scopes.names.joined(separator: ", ")).")
    }

    /// A key of mode `test`, or a call that names the test book, and what is not in that book (X7).
    package static let liveOnly = Forbidden(
        "live_only", "live_only: a key or call of mode test changes the test book alone, and this is not in it.")

    package static func wrongRole(_ role: KeyRole) -> Forbidden {
        Forbidden("wrong_role", "A key of the role \(role.name) does not open this.")
    }

    package static func tenant(_ closure: TenantClosure) -> Forbidden {
        switch closure {
        case .suspended: Forbidden("tenant_suspended", "This tenant is suspended.")
        case .cancelled: Forbidden("tenant_cancelled", "This tenant is cancelled.")
        case .refunded: Forbidden("tenant_refunded", "This tenant is refunded.")
        case .moved(let baseURL): Forbidden("tenant_moved", "This tenant has moved to \(baseURL)", place: baseURL)
        }
    }
}

extension Conflict {
    package static let secretTaken = Conflict("secret_taken", "Try again.")
    package static let slugTaken = Conflict("slug_taken", "There is a tenant with this slug.", pointer: "/slug")
    package static let uuidLives = Conflict(
        "uuid_lives", "This tenant lives here, or moved away from here and is not deleted yet.")

    package static let lastAdminKey = Conflict(
        "last_admin_key",
        "It is the last provider key that may do everything. The control socket alone can revoke it.")
    package static let providerKeyExpired = Conflict(
        "provider_key_expired", "The provider key is past its end: make another.")
    package static let providerKeyRevoked = Conflict("provider_key_revoked", "The provider key is revoked.")

    package static func providerKeysFull(_ most: Int64) -> Conflict {
        Conflict("provider_keys_full", "There are \(most) provider keys in force, and no more are made.")
    }

    /// `pointer`: of the field that the host comes from; nil where a call may bring several.
    package static func hostTaken(_ host: String, pointer: String? = nil) -> Conflict {
        Conflict("host_taken", "\(host) belongs to another tenant.", pointer: pointer)
    }
}

extension Unprocessable {
    package static let amountTooLarge = Unprocessable(
        "amount_too_large", "The amount is larger than any balance can be.")
    /// A key of one call is not another's (G4).
    package static let idempotencyKeyReused = Unprocessable(
        "idempotency_key_reused", "This Idempotency-Key belongs to another call: method, path or body differ.")
}

extension Unavailable {
    package static let busy = Unavailable("busy", "Too much is waiting; nothing was done.", retryAfterSeconds: 1)
    package static let tenantUnavailable = Unavailable(
        "tenant_unavailable", "This tenant's data cannot be served now; nothing was done.", retryAfterSeconds: 5)
    package static let storageFull = Unavailable(
        "storage_full", "There is no room to write; nothing was done.", retryAfterSeconds: 30)
    package static let scratchFull = Unavailable(
        "scratch_full", "There is no room for more files on their way in; nothing was done.", retryAfterSeconds: 30)
    package static let crowdedAddress = busy.saying(
        "Too many calls of this address are under way; nothing was done.")
    package static let notCommitted = Unavailable(
        "not_committed", "The write failed; nothing was done.", retryAfterSeconds: 1)
    package static let outcomeUnknown = Unavailable(
        "outcome_unknown",
        "Whether this was done is being settled; ask again with the same Idempotency-Key, or look if it had none.",
        retryAfterSeconds: 5)
    /// The log that the nodes share cannot be reached, or this node has not been heard of for too long (N2, N3).
    package static let logUnavailable = Unavailable(
        "log_unavailable", "The nodes' log cannot be reached now; nothing was done.", retryAfterSeconds: 1)
    /// The tenant is on its way from one node to another (N3, N4).
    package static let tenantMoving = Unavailable(
        "tenant_moving", "This tenant is on its way to another node; nothing was done.", retryAfterSeconds: 1)
    package static let nodeUnreachable = Unavailable(
        "node_unreachable", "That node cannot be reached now; nothing was done.", retryAfterSeconds: 5)
    package static let closing = Unavailable(
        "closing", "The gateway is stopping; nothing was done.", retryAfterSeconds: 2)
    /// Rows of an import were staged, and are gone.
    package static let importInterrupted = Unavailable(
        "import_interrupted", "The import was interrupted; send it again.", retryAfterSeconds: 1)
}
