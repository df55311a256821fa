package import HTTPCore

/// What a write leaves in the audit log beside who and when: public ids and amounts, as JSON members.
package struct AuditDetail {
    package var writer = JSONWriter()
    /// The reseller that the call concerned, where it is not the caller's own.
    package var resellerID: Int64?
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

    package mutating func note(named name: String, _ value: String) {
        hasMembers = true
        writer.field(named: name, .string(value))
    }
}
