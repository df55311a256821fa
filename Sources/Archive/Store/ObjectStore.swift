package import TenantRegistry

/// Where an archive's objects lie (B3). Names are of `ArchivePlace`; an object is written once and never changed, and
/// what has a name is whole and durable.
///
/// Where `FORMAT` is not, the archive is not: every call but those for `FORMAT` itself is then `.away`, so that nothing
/// is taken for done, for missing or for removed that is at another place.
///
/// One thread uses a store at a time; `giveUp` may come from any.
package protocol ObjectStore: AnyObject, Sendable {
    /// For people: no credentials are in it.
    var place: String { get }
    /// The same with the server that it is at, if any: two stores of one address have the same objects.
    var address: String { get }
    /// The object has its name, whole and durable, when it returns. True where the same bytes were there already.
    func put(_ name: String, _ bytes: [UInt8]) throws(StoreFailure) -> Bool
    /// Nil where there is none.
    func get(_ name: String) throws(StoreFailure) -> [UInt8]?
    /// Objects whose names begin so, in order, behind `after`; some of them. Empty: there are no more, or the store
    /// does not list them yet.
    func objects(_ prefix: String, after: String) throws(StoreFailure) -> [StoredObject]
    /// Whether there was one or not.
    func remove(_ name: String) throws(StoreFailure)
    /// What runs ends soon, and fails.
    func giveUp()
}

/// An object as a list tells of it. A value: any thread.
package struct StoredObject: Sendable, Equatable {
    /// More no store has; a list that says more is wrong.
    package static let bytesMax: Int64 = 1 << 53

    package let name: String
    package let bytes: Int64
    /// When it was written, by the store's clock; nil where the store does not say.
    package let writtenAt: Timestamp?

    package init(name: String, bytes: Int64, writtenAt: Timestamp?) {
        self.name = name
        self.bytes = bytes
        self.writtenAt = writtenAt
    }
}

extension ObjectStore {
    package var address: String { place }

    /// The names alone.
    package func list(_ prefix: String, after: String) throws(StoreFailure) -> [String] {
        try objects(prefix, after: after).map(\.name)
    }

    /// All names that begin so, behind `after`.
    package func all(_ prefix: String, after: String = "") throws(StoreFailure) -> [String] {
        try allObjects(prefix, after: after).map(\.name)
    }

    /// All objects whose names begin so, behind `after`.
    package func allObjects(_ prefix: String, after: String = "") throws(StoreFailure) -> [StoredObject] {
        var found: [StoredObject] = []
        while true {
            let page = try objects(prefix, after: found.last?.name ?? after)
            if page.isEmpty { return found }
            found += page
        }
    }
}

/// Why a store did not do it. No text of it holds credentials or a signature.
package enum StoreFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// It cannot be reached, or answers that it is busy: later it may go.
    case away(String)
    /// It says no, and will again.
    case refused(String)
    /// What came is not what it says it is.
    case damaged(String)
    case givenUp

    package var description: String {
        switch self {
        case .away(let reason): "the archive is away: \(reason)"
        case .refused(let reason): "the archive refuses: \(reason)"
        case .damaged(let reason): "the archive is damaged: \(reason)"
        case .givenUp: "it was given up"
        }
    }
}
