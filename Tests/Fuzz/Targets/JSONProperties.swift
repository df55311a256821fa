import CallKit
import HTTPCore
import TenantApp

/// What is read is written and read again as the same; writing what was written changes nothing.
enum JSONProperties {
    static func check(_ input: [UInt8]) throws(Violation) {
        guard let value = try? JSON.parse(input) else { return }
        let written = value.encoded()
        guard let again = try? JSON.parse(written) else { throw Violation("what was written is not read") }
        // Texts are compared as bytes too: to Swift, composed and decomposed characters are equal.
        try demand(again == value && again.encoded() == written, "what was written is read as another value")
    }
}

/// Whatever JSON there is, reading fields of it ends with a value or with an error that names the field.
enum FieldProperties {
    private enum Choice: String, CaseIterable { case a, b }

    static func check(_ input: [UInt8]) throws(Violation) {
        guard let value = try? JSON.parse(input) else { return }
        guard case .object(let members) = value else {
            try demand(FieldReader(value).errors.count == 1, "no object and no error")
            return
        }
        for member in members.prefix(20) {
            try one(value) { $0.string(member.name) != nil }
            try one(value) { $0.email(member.name) != nil }
            try one(value) { $0.integer(member.name, in: -5...1_000_000) != nil }
            try one(value) { $0.bool(member.name) != nil }
            try one(value) { $0.choice(member.name, as: Choice.self) != nil }
            try one(value) { $0.array(member.name, count: 0...3) != nil }
            try one(value) { $0.money(member.name) != nil }
            try one(value) { $0.percent(member.name) != nil }
            try one(value) { reader in
                guard var nested = reader.object(member.name) else { return false }
                _ = nested.string("x")
                reader.absorb(nested)
                return nested.errors.isEmpty
            }
        }
    }

    private static func one(_ value: JSON, _ read: (inout FieldReader) -> Bool) throws(Violation) {
        var reader = FieldReader(value)
        let isRead = read(&reader)
        try demand(isRead == reader.errors.isEmpty, "a required field that was neither read nor refused")
        // By bytes: a name may begin with a combining character, which joins the slash.
        for error in reader.errors { try demand(error.pointer.utf8.first == 0x2F, "an error that names no field") }
    }
}
