import Cryptography
import HTTPCore
import TenantRegistry

/// Makes the cursors of one list, as one caller asks for it, and opens them again: they tell nothing of the rows behind
/// them. A cursor of another list, filter, caller or tenant is none (decision 0027).
///
/// Invariant: equal places give equal cursors, so that an answer's bytes follow from what it shows. The keys are the
/// tenant's, or the node's: cursors outlive restarts and moves. A value: any thread.
package struct CursorSeal: Sendable {
    private let secret: [UInt8]
    private let list: String
    private let parameters: [String]
    private let query: Query
    /// The parameter that brings a cursor back.
    private let name: String
    /// Account, reseller and book; nil for the provider.
    private let caller: (account: Int64, reseller: Int64, book: Book)?

    package init(_ call: Call, at name: String = "cursor") throws(Refusal) {
        self.name = name
        query = try call.query()
        list = call.list
        parameters = call.parameters
        switch call.realm {
        case .tenant(let tenant): secret = tenant.secretKey
        case .node, .entrance: secret = call.services.fleet.secretOfLists
        }
        caller = call.caller.map { ($0.projection.accountID, $0.projection.resellerID, $0.book) }
    }

    package func seal(_ place: [UInt8]) -> String {
        let bound = self.bound
        // The nonce follows from all that is sealed, as in SIV modes: it comes again with the same bytes alone.
        let nonce = Array(
            HMACSHA256.code(key: key("nonce"), bound, place).bytes.prefix(AES256GCM.nonceBytes))
        return Base64.encodeURL(
            required { () throws(CryptographyError) in
                try AES256GCM.seal(place, key: key("seal"), associatedData: bound, nonce: nonce)
            })
    }

    package func open(_ cursor: String) throws(Refusal) -> [UInt8] {
        guard let sealed = Base64.decodeURL(cursor),
            let place = try? AES256GCM.open(sealed, key: key("seal"), associatedData: bound)
        else { throw .badQuery(.unknown(cursorAt: name)) }
        return place
    }

    private func key(_ purpose: String) -> [UInt8] {
        HMACSHA256.code(key: secret, Array("tollgate-cursor-v1 \(purpose)".utf8)).bytes
    }

    /// What does not say which rows there are: how many at once, how long a call may wait for one, and a key, which may
    /// be another one of the same caller.
    private static let passing: Set<String> = ["limit", "wait", "api_token"]

    /// Whose place in which list it is.
    private var bound: [UInt8] {
        var canonical = CanonicalBytes("tollgate-cursor-v1")
        canonical.append(list)
        for parameter in parameters { canonical.append(parameter) }
        let filters = query.pairs.filter { $0.name != name && !Self.passing.contains($0.name) }
        for filter in filters.sorted(by: { $0.name < $1.name }) {
            canonical.append(filter.name)
            canonical.append(filter.value)
        }
        if let caller {
            canonical.append(String(caller.account))
            canonical.append(String(caller.reseller))
            canonical.append(caller.book.name)
        }
        return canonical.bytes
    }

    /// Keys and lengths are ours: sealing cannot fail.
    private func required(_ seal: () throws(CryptographyError) -> [UInt8]) -> [UInt8] {
        do throws(CryptographyError) { return try seal() } catch { preconditionFailure("\(error)") }
    }
}

/// Whole numbers in a cursor, eight bytes each.
extension [UInt8] {
    package init(places: Int64...) {
        self = places.flatMap { place in (0..<8).map { UInt8(truncatingIfNeeded: place >> Int64(56 - 8 * $0)) } }
    }

    /// The number at this place of those that `init(places:)` wrote.
    package func place(_ index: Int) -> Int64? {
        guard count >= 8 * (index + 1) else { return nil }
        return Int64(bitPattern: self[8 * index..<8 * index + 8].reduce(0) { $0 << 8 | UInt64($1) })
    }
}
