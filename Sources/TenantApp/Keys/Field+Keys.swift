package import CallKit
import HTTPCore
package import RateLimiter
package import TenantRegistry

/// Fields of keys that several APIs take.
extension Field {
    /// Names out of these scopes (O1).
    package static func scopes(_ name: String, _ allowed: NamedScopes) -> BodyField<Scopes> {
        BodyField(name, .scopes(allowed)) { fields, name, _ in
            guard let values = fields.array(name, count: 1...32) else { return nil }
            var scopes = Scopes()
            for value in values {
                guard case .string(let text) = value, let scope = allowed[text] else {
                    fields.fail(
                        name, code: "choice", detail: "must be names out of \(allowed.names.joined(separator: ", "))")
                    return nil
                }
                scopes.formUnion(scope)
            }
            return scopes
        }
    }

    /// `live` or `test`.
    package static func mode(_ name: String) -> BodyField<Book> {
        BodyField(name, .book) { fields, name, _ in
            guard let text = fields.string(name) else { return nil }
            guard let book = Book(name: text) else {
                fields.fail(name, code: "choice", detail: "must be one of live, test")
                return nil
            }
            return book
        }
    }

    /// A time to come, RFC 3339.
    package static func expiry(_ name: String) -> BodyField<Timestamp> {
        BodyField(name, .time) { fields, name, reading in
            guard let text = fields.string(name) else { return nil }
            guard let time = Timestamp(parsing: text) else {
                fields.fail(name, code: "format", detail: "must be an RFC 3339 time")
                return nil
            }
            guard time > reading.now else {
                fields.fail(name, code: "range", detail: "must be in the future")
                return nil
            }
            return time
        }
    }

    /// A limit, in an object of its own.
    package static func policy(_ name: String) -> BodyField<Policy> { object(name, KeyBodies.newLimit) }
}
