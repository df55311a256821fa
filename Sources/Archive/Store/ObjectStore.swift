/// Where an archive's objects lie (B3). Names are of `ArchivePlace`; an object is written once and never changed, and
/// what has a name is whole and durable.
///
/// One thread uses a store at a time; `giveUp` may come from any.
package protocol ObjectStore: AnyObject, Sendable {
    /// For people: no credentials are in it.
    var place: String { get }
    /// The object has its name, whole and durable, when it returns. True where the same bytes were there already.
    func put(_ name: String, _ bytes: [UInt8]) throws(StoreFailure) -> Bool
    /// Nil where there is none.
    func get(_ name: String) throws(StoreFailure) -> [UInt8]?
    /// Names that begin so, in order, behind `after`; some of them. Empty: there are no more, or the store does not
    /// list them yet.
    func list(_ prefix: String, after: String) throws(StoreFailure) -> [String]
    /// Whether there was one or not.
    func remove(_ name: String) throws(StoreFailure)
    /// What runs ends soon, and fails.
    func giveUp()
}

extension ObjectStore {
    /// All names that begin so, behind `after`.
    package func all(_ prefix: String, after: String = "") throws(StoreFailure) -> [String] {
        var names: [String] = []
        while true {
            let page = try list(prefix, after: names.last ?? after)
            if page.isEmpty { return names }
            names += page
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
        case .damaged(let name): "\(name) does not come whole"
        case .givenUp: "it was given up"
        }
    }
}
