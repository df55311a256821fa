package import HTTPCore

/// What a write leaves in the audit log beside who and when: public ids and amounts, as JSON members.
package struct AuditDetail {
    package var writer = JSONWriter()
    /// The reseller that the call concerned, where it is not the caller's own.
    package var resellerID: Int64?
    /// The account that an open call turned out to be of: whoever signed in.
    package var accountID: Int64?
    package var isOrder = false
    package private(set) var hasMembers = false
    /// Postings noted so far: each has a member of its own.
    package var postingCount = 0

    package init() {}

    /// The members as one JSON object; empty where there are none.
    package var json: String {
        guard hasMembers else { return "" }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(writer.bytes.count + 2)
        bytes.append(0x7B)
        bytes.append(contentsOf: writer.bytes)
        bytes.append(0x7D)
        return String(decoding: bytes, as: UTF8.self)
    }

    package mutating func note(_ name: StaticString, _ value: String) {
        hasMembers = true
        writer.field(name, value)
    }

    /// A value that was another one before, which is noted too: `status` and `status_was`.
    package mutating func note(_ name: StaticString, from old: String, to new: String) {
        note(name, new)
        if old != new { note(named: "\(name)\(Self.before)", old) }
    }

    /// What the name of a value ends with that is no more.
    package static let before = "_was"

    package mutating func note(named name: String, _ value: String) {
        hasMembers = true
        writer.field(named: name, .string(value))
    }
}
