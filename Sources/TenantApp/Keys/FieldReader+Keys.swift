package import CallKit
package import HTTPCore
package import RateLimiter
package import TenantRegistry

/// Fields that several dialects read alike.
extension FieldReader {
    /// Names of scopes; left out: all of `allowed` (O1).
    package mutating func scopes(_ name: String, allowed: NamedScopes) -> Scopes {
        guard let values = optionalArray(name, count: 1...32) else { return allowed.bits }
        var scopes = Scopes()
        for value in values {
            guard case .string(let text) = value, let scope = allowed[text] else {
                fail(name, code: "choice", detail: "must be names out of \(allowed.names.joined(separator: ", "))")
                return allowed.bits
            }
            scopes.formUnion(scope)
        }
        return scopes
    }

    /// `live` or `test`; left out: live.
    package mutating func mode(_ name: String) -> Book {
        guard let text = optionalString(name) else { return .live }
        guard let book = Book(name: text) else {
            fail(name, code: "choice", detail: "must be one of live, test")
            return .live
        }
        return book
    }

    /// A time to come, RFC 3339.
    package mutating func expiry(_ name: String, after now: Timestamp) -> Timestamp? {
        guard let text = optionalString(name) else { return nil }
        guard let time = Timestamp(parsing: text) else {
            fail(name, code: "format", detail: "must be an RFC 3339 time")
            return nil
        }
        guard time > now else {
            fail(name, code: "range", detail: "must be in the future")
            return nil
        }
        return time
    }

    /// `{requests, window_seconds, burst?}`; burst defaults to requests (O2).
    package mutating func policy() -> Policy? {
        let requests = integer("requests", in: 1...Int64(Policy.requestsMax))
        let window = integer("window_seconds", in: 1...Int64(Policy.windowSecondsMax))
        let burst = optionalInteger("burst", in: 1...Int64(Policy.burstMax))
        guard let requests, let window else { return nil }
        guard let policy = Policy(requests: Int(requests), windowSeconds: Int(window), burst: Int(burst ?? requests))
        else {
            fail("burst", code: "range", detail: "a burst at this rate would take too long to fill again")
            return nil
        }
        return policy
    }

    /// The same, in an object of its own; null or left out: none.
    package mutating func optionalPolicy(_ name: String) -> Policy? {
        guard var nested = optionalObject(name) else { return nil }
        let policy = nested.policy()
        absorb(nested)
        return policy
    }

    /// An absolute http or https URL without credentials or fragment.
    package mutating func webhookURL(_ name: String) -> String? {
        guard let text = string(name, characters: 8...2_000) else { return nil }
        guard
            let rest = ["https://", "http://"].first(where: { text.hasPrefix($0) }).map({ text.dropFirst($0.count) }),
            let authority = rest.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).first,
            !authority.isEmpty, !authority.contains("@"), !text.contains("#"),
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else {
            fail(name, code: "format", detail: "must be an absolute http or https URL without credentials or fragment")
            return nil
        }
        return text
    }

    /// Names of events, each once.
    package mutating func events(_ name: String, allowed: [String]) -> [String]? {
        guard let values = array(name, count: 1...64) else { return nil }
        var events: [String] = []
        for value in values {
            guard case .string(let text) = value, allowed.contains(text) else {
                fail(name, code: "choice", detail: "must be names out of \(allowed.joined(separator: ", "))")
                return nil
            }
            if !events.contains(text) { events.append(text) }
        }
        return events
    }
}
