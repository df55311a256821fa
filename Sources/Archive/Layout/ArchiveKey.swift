import Cryptography
package import TenantRegistry

/// Seals the objects of one place in an archive: a tenant's under a key that is derived from the tenant's own, so that
/// its history ends with that key, and the node's under one that is derived from the master key (B3).
///
/// An object is named by place and content: the same bytes at the same place are the same object, byte for byte,
/// whichever backup writes them, and nobody without the key learns what they are. A value: any thread.
package struct ArchiveKey: Sendable {
    private let naming: [UInt8]
    private let sealing: [UInt8]

    package init(of secret: [UInt8]) {
        let key = HMACSHA256.code(key: secret, Array("tollgate archive 1".utf8)).bytes
        naming = HMACSHA256.code(key: key, Array("names".utf8)).bytes
        sealing = HMACSHA256.code(key: key, Array("objects".utf8)).bytes
    }

    private static let nameBytes = 16

    /// The object's name, below the archive's folder, and its bytes.
    package func seal(_ plaintext: [UInt8], at place: String) throws -> (name: String, bytes: [UInt8]) {
        let code = code(of: plaintext, at: place)
        let name = "\(place)-\(Hex.encode(Array(code.prefix(Self.nameBytes))))"
        // One nonce for one plaintext: the key comes with no other under it.
        let nonce = Array(code.dropFirst(Self.nameBytes).prefix(AES256GCM.nonceBytes))
        return (
            name, try AES256GCM.seal(plaintext, key: sealing, associatedData: Array(name.utf8), nonce: nonce)
        )
    }

    /// What an object of this name holds. Throws `ArchiveFailure.damaged` where it is not the object that was written.
    package func open(_ bytes: [UInt8], _ name: String) throws -> [UInt8] {
        guard let plaintext = try? AES256GCM.open(bytes, key: sealing, associatedData: Array(name.utf8)),
            let dash = name.lastIndex(of: "-"),
            name[name.index(after: dash)...]
                == Hex.encode(
                    Array(code(of: plaintext, at: String(name[..<dash])).prefix(Self.nameBytes)))
        else { throw ArchiveFailure.damaged(name) }
        return plaintext
    }

    private func code(of plaintext: [UInt8], at place: String) -> [UInt8] {
        HMACSHA256.code(key: naming, parts: [Array(place.utf8), [0], plaintext]).bytes
    }
}

/// Where objects lie. Names are made of ids that we made.
package enum ArchivePlace {
    /// A file is cut into pieces of so many bytes, each at its number: what has not changed since the last backup is
    /// the same object.
    package static let pieceBytes = 256 << 10
    package static let format = "FORMAT"
    package static let formatText = "tollgate-archive 1\n"
    package static let registry = "registry"
    package static let manifests = "manifests"
    package static let log = "log"
    static let keysFolder = "keys"
    static let tenants = "tenants"
    /// What backups and prunings of a bucket tell each other.
    static let markOfBackup = "marks/backup"
    static let markOfPruning = "marks/pruning"

    package static func tenant(_ id: TenantID) -> String { "\(tenants)/\(id.text)" }
    package static func pages(of owner: String, _ number: Int) -> String {
        "\(owner)/pages/" + hexadecimal(UInt64(number), digits: 8)
    }
    /// A tenant's two secrets, wrapped: they go with the tenant.
    package static func keys(of id: TenantID) -> String { "\(keysFolder)/\(id.text)" }
    static func tenant(ofKeys name: String) -> TenantID? {
        let parts = place(of: name).split(separator: "/")
        return parts.count == 2 && parts[0] == keysFolder ? TenantID(text: String(parts[1])) : nil
    }

    /// What stands before the code in an object's name.
    static func place(of name: String) -> String { String(name[..<(name.lastIndex(of: "-") ?? name.endIndex)]) }
    /// The code itself.
    static func code(of name: String) -> [UInt8] {
        Hex.decode(String(name[(name.lastIndex(of: "-").map(name.index(after:)) ?? name.endIndex)...])) ?? []
    }

    static func hexadecimal(_ number: UInt64, digits: Int) -> String {
        let text = String(number, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }
    package static func index(of owner: String) -> String { "\(owner)/index" }
    /// Whose a file's index is.
    static func owner(of index: String) -> String { String(index[..<(index.lastIndex(of: "/") ?? index.startIndex)]) }

    /// Whether a name that came from elsewhere is one of ours: it leads nowhere else.
    package static func isName(_ name: String) -> Bool {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        return 2...5 ~= parts.count
            && parts.allSatisfy { part in
                !part.isEmpty
                    && part.utf8.allSatisfy { byte in
                        0x61...0x7A ~= byte || 0x30...0x39 ~= byte || byte == 0x2D || byte == 0x54 || byte == 0x5A
                    }
            }
    }
}

package enum ArchiveFailure: Error, Sendable, Equatable, CustomStringConvertible {
    case noArchive(String)
    case newer
    case noManifest
    /// No backup is of that moment or of an earlier one.
    case tooEarly(Timestamp, first: Timestamp)
    /// A node writes its log there, and its manifests say more than those of a backup.
    case isLive(String)
    /// A node's log is there: what is needed of it the manifests alone do not say.
    case holdsLog(String)
    /// Somebody else works on it.
    case isWritten(String, since: Timestamp)
    case isPruned(String, since: Timestamp)
    /// What a backup used again may have gone while it was written.
    case wasPruned
    /// Each of the node's files has a log of its own.
    case noLog
    case missing(String)
    case damaged(String)
    case wrongKey
    /// The backup has no master key in it.
    case needsMasterKey
    case wrongPassphrase
    /// The manifest of that name, and why.
    case unopened(String, String)
    /// The node's clock had leapt ahead, so that what it did before the moment is not known from what it did after it.
    case leapt(Timestamp)

    /// What was there is gone, or is not as it was; what came before it is good.
    var isLoss: Bool {
        switch self {
        case .missing, .damaged: true
        default: false
        }
    }

    package var description: String {
        switch self {
        case .noArchive(let path): "\(path) is no archive of Tollgate's"
        case .newer: "a newer Tollgate wrote this archive"
        case .noManifest: "there is no manifest in it: no backup was ever complete"
        case .tooEarly(let moment, let first):
            "it goes back to \(first.text), when its first backup was made, and not to \(moment.text)"
        case .isLive(let path): "a node keeps its archive at \(path); a backup goes elsewhere"
        case .holdsLog(let place): "\(place) is a node's archive, or was one: only backups are pruned"
        case .isWritten(let place, let since):
            "a backup is being written to \(place) since \(since.text); one that was cut off is waited for a day"
        case .isPruned(let place, let since):
            "\(place) is being pruned since \(since.text); a pruning that was cut off is waited for an hour"
        case .wasPruned: "it was pruned while the backup was written, so the backup has no manifest: run it again"
        case .noLog: "an archive is of the node's log: it needs --commits log"
        case .missing(let name): "\(name) is missing"
        case .damaged(let name): "\(name) is not as it was written"
        case .wrongKey: "the master key is not the one that this backup was made under, or its manifest is damaged"
        case .needsMasterKey: "the backup was made without a passphrase: its node's master key opens it"
        case .wrongPassphrase: "the passphrase does not open this backup"
        case .unopened(let name, let reason): "\(name): \(reason)"
        case .leapt(let moment):
            "the node's clock had leapt ahead: nobody can say which commits came before \(moment.text); name a moment "
                + "from before the leap, or from behind the time that the clock had leapt to"
        }
    }
}
