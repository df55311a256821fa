import CallKit
import Cryptography
package import HTTPCore
package import RateLimiter
import SQLite
package import TenantRegistry

/// From where somebody tries a password: an address as it is metered, at whose accounts. Kept of those whose password
/// was right, so that a crowd of guessers elsewhere does not lock them out (G6); as a keyed hash, since an address is
/// personal.
package struct KnownPlace: Sendable {
    /// Whose passwords: two people may have one address at a tenant.
    package enum Realm: Int64, Sendable {
        case account = 0
        case subscriber = 1
        case testSubscriber = 2
    }

    let realm: Realm
    let hash: [UInt8]
    private let place: AddressKey
    private let tenant: TenantID

    package init(_ realm: Realm, at address: IPAddress, of record: TenantRecord) {
        self.realm = realm
        tenant = record.id
        place = AddressKey(address, at: tenant)
        let number = withUnsafeBytes(of: place.subject.bigEndian) { Array($0) }
        hash = Array(HMACSHA256.code(key: record.secretKey, number).bytes.prefix(Self.hashBytes))
    }

    private static let hashBytes = 16
    /// How long a place is known.
    static let days: Int64 = 30

    /// One password tried for an account by its e-mail address, whether there is one or not.
    package func guess(_ email: String, isKnown: Bool) -> PasswordMeters.Guess {
        let name = "\(realm.rawValue) \(email.lowercased())"
        return PasswordMeters.Guess(
            account: AddressKey(name, at: tenant), place: place,
            accountAtPlace: AddressKey("\(name) \(place.subject)", at: tenant), isKnownPlace: isKnown)
    }
}

extension TenantReader {
    /// Whether this person signed in from there not long ago.
    package func knows(_ place: KnownPlace, of person: Int64) throws -> Bool {
        try connection.row(
            "SELECT 1 FROM known_place WHERE realm = ?1 AND person_id = ?2 AND place = ?3 AND at > ?4",
            .integer(place.realm.rawValue), .integer(person), .blob(place.hash),
            .time(now.adding(days: -KnownPlace.days))
        ) { try $0.int() } != nil
    }
}

extension TenantTransaction {
    package func remember(_ place: KnownPlace, of person: Int64) throws {
        try connection.run(
            """
            INSERT INTO known_place (realm, person_id, place, at) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT (realm, person_id, place) DO UPDATE SET at = excluded.at
            """,
            .integer(place.realm.rawValue), .integer(person), .blob(place.hash), .time(now))
    }

    /// Those of an account, or of another's: what was right there is right no more.
    package func forgetPlaces(of person: Int64, in realm: KnownPlace.Realm = .account) throws {
        try connection.run(
            "DELETE FROM known_place WHERE realm = ?1 AND person_id = ?2", .integer(realm.rawValue), .integer(person))
    }

    /// Those from where nobody has signed in for long.
    package func purgeKnownPlaces(limit: Int) throws {
        try connection.run(
            """
            DELETE FROM known_place WHERE (realm, person_id, place) IN
                (SELECT realm, person_id, place FROM known_place WHERE at <= ?1 LIMIT ?2)
            """,
            .time(now.adding(days: -KnownPlace.days)), .int(limit))
    }
}
