/// One field that a request got wrong (docs/contract.md, “Native APIs”: `errors[]`).
package struct FieldError: Sendable, Equatable {
    /// RFC 6901, say `/customer/email`.
    package let pointer: String
    /// required, type, length, format, range, choice, count, or what an operation adds.
    package let code: String
    /// For a person, in English.
    package let detail: String

    package init(pointer: String, code: String, detail: String) {
        self.pointer = pointer
        self.code = code
        self.detail = detail
    }
}

/// Reads the members of a JSON object and gathers every error, so that a client hears of all of them at once.
///
/// Invariant: a required read that returned nil has recorded an error; an optional one returns nil without an error
/// only where the member is absent or null. A value: one thread at a time.
package struct FieldReader: Sendable {
    package private(set) var errors: [FieldError] = []
    private let json: JSON
    private let pointer: String
    /// Whether a member that nobody reads is an error; parts that `object` gives out are read alike.
    package let refusesUnknown: Bool

    /// So many of them are named at most.
    private static let unknownNamedMax = 16

    /// Anything but an object is an error at `pointer`.
    package init(_ json: JSON, at pointer: String = "", refusesUnknown: Bool = false) {
        self.json = json
        self.pointer = pointer
        self.refusesUnknown = refusesUnknown
        if case .object = json { return }
        errors.append(FieldError(pointer: pointer, code: "type", detail: "must be an object"))
    }

    // MARK: What is there

    /// Whether the member is there; null counts.
    package func has(_ name: String) -> Bool { json[name] != nil }

    package func isNull(_ name: String) -> Bool { json[name] == .null }

    package func value(_ name: String) -> JSON? { json[name] }

    /// In the order in which they were sent; none where this is no object.
    package var memberNames: [String] {
        guard case .object(let members) = json else { return [] }
        return members.map(\.name)
    }

    // MARK: Errors

    package mutating func fail(_ name: String, code: String, detail: String) {
        errors.append(FieldError(pointer: path(to: name), code: code, detail: detail))
    }

    /// Of the object itself.
    package mutating func failWhole(code: String, detail: String) {
        errors.append(FieldError(pointer: pointer, code: code, detail: detail))
    }

    /// Where the reader refuses what nobody reads: no member but these, and those that have an error already.
    package mutating func expectNoOthers(than names: [String]) {
        guard refusesUnknown, case .object(let members) = json else { return }
        let unknown = members.filter { !names.contains($0.name) }
        for name in unknown.prefix(Self.unknownNamedMax).map(\.name)
        where !errors.contains(where: { $0.pointer == path(to: name.quoted) }) {
            let known =
                names.isEmpty ? "is not known: this takes none" : "is not one of \(names.joined(separator: ", "))"
            fail(name.quoted, code: "unknown", detail: known)
        }
    }

    /// Takes over the errors of a reader that `object` gave out.
    package mutating func absorb(_ nested: FieldReader) { errors += nested.errors }

    // MARK: Text

    /// Text of this many Unicode scalars, in NFC; `rule` says what it may hold.
    package mutating func string(
        _ name: String, characters: ClosedRange<Int> = 1...255, _ rule: TextRule = .line
    ) -> String? {
        required(name).flatMap { text($0, name, characters, rule) }
    }

    package mutating func optionalString(
        _ name: String, characters: ClosedRange<Int> = 1...255, _ rule: TextRule = .line
    ) -> String? {
        present(name).flatMap { text($0, name, characters, rule) }
    }

    /// Text of this many Unicode scalars without control characters, as it was sent: for passwords.
    package mutating func textAsSent(_ name: String, characters: ClosedRange<Int>) -> String? {
        required(name).flatMap { textAsSent($0, name, characters) }
    }

    /// An address as `EmailAddress` has it: folded, since addresses are compared so (C2).
    package mutating func email(_ name: String) -> String? { required(name).flatMap { email($0, name) } }

    // MARK: Numbers and flags

    package mutating func integer(_ name: String, in range: ClosedRange<Int64>) -> Int64? {
        required(name).flatMap { integer($0, name, range) }
    }

    package mutating func optionalInteger(_ name: String, in range: ClosedRange<Int64>) -> Int64? {
        present(name).flatMap { integer($0, name, range) }
    }

    package mutating func bool(_ name: String) -> Bool? { required(name).flatMap { flag($0, name) } }

    package mutating func optionalBool(_ name: String) -> Bool? { present(name).flatMap { flag($0, name) } }

    /// The text of a string or number member, for values that come in either form, say amounts.
    package mutating func numberText(_ name: String) -> String? { required(name).flatMap { numberText($0, name) } }

    package mutating func optionalNumberText(_ name: String) -> String? {
        present(name).flatMap { numberText($0, name) }
    }

    // MARK: Choices

    package mutating func choice<T: RawRepresentable & CaseIterable>(_ name: String, as type: T.Type = T.self) -> T?
    where T.RawValue == String {
        required(name).flatMap { choice($0, name, type) }
    }

    package mutating func optionalChoice<T: RawRepresentable & CaseIterable>(
        _ name: String, as type: T.Type = T.self
    ) -> T? where T.RawValue == String {
        present(name).flatMap { choice($0, name, type) }
    }

    // MARK: Parts

    /// A reader for a member that must be an object; give its errors back with `absorb`.
    package mutating func object(_ name: String) -> FieldReader? { required(name).flatMap { object($0, name) } }

    package mutating func optionalObject(_ name: String) -> FieldReader? { present(name).flatMap { object($0, name) } }

    package mutating func array(_ name: String, count: ClosedRange<Int>) -> [JSON]? {
        required(name).flatMap { array($0, name, count) }
    }

    package mutating func optionalArray(_ name: String, count: ClosedRange<Int>) -> [JSON]? {
        present(name).flatMap { array($0, name, count) }
    }

    /// A reader for an element of a member that `array` gave out; give its errors back with `absorb`.
    package func reader(of element: JSON, at index: Int, in name: String) -> FieldReader {
        FieldReader(element, at: "\(path(to: name))/\(index)", refusesUnknown: refusesUnknown)
    }

    // MARK: Judging one value

    private func path(to name: String) -> String { "\(pointer)/\(name.pointerStep)" }

    private func present(_ name: String) -> JSON? {
        let value = json[name]
        return value == .null ? nil : value
    }

    /// Whatever the member is; nil where it is missing, which is told.
    package mutating func required(_ name: String) -> JSON? {
        if let value = present(name) { return value }
        // A body that is no object has its one error already.
        if case .object = json { fail(name, code: "required", detail: "is required") }
        return nil
    }

    private mutating func text(
        _ value: JSON, _ name: String, _ characters: ClosedRange<Int>, _ rule: TextRule
    ) -> String? {
        guard case .string(let sent) = value else { return refuse(name, "type", "must be a string") }
        if sent.holdsPrivateKey { return refuse(name, "secret", "holds a private key") }
        if sent.isPlain(rule), characters.contains(sent.utf8.count) { return sent }
        let text = sent.composed
        guard characters.contains(text.unicodeScalars.count) else { return refuse(name, "length", characters) }
        if let fault = rule.fault(in: text) { return refuse(name, "format", fault) }
        return text
    }

    private mutating func textAsSent(_ value: JSON, _ name: String, _ characters: ClosedRange<Int>) -> String? {
        guard case .string(let text) = value else { return refuse(name, "type", "must be a string") }
        guard characters.contains(text.unicodeScalars.count) else { return refuse(name, "length", characters) }
        guard !text.unicodeScalars.contains(where: \.isControl) else {
            return refuse(name, "format", "must not hold control characters")
        }
        return text.holdsPrivateKey ? refuse(name, "secret", "holds a private key") : text
    }

    private mutating func email(_ value: JSON, _ name: String) -> String? {
        guard case .string(let text) = value else { return refuse(name, "type", "must be a string") }
        guard let address = EmailAddress.canonical(text) else {
            return refuse(name, "format", "must be an email address")
        }
        return address
    }

    private mutating func integer(_ value: JSON, _ name: String, _ range: ClosedRange<Int64>) -> Int64? {
        guard case .number(let number) = value else { return refuse(name, "type", "must be an integer") }
        let bounds = "must be from \(range.lowerBound) to \(range.upperBound)"
        guard let integer = number.integer() else {
            // Too large for any range, or no integer at all.
            return number.isInteger ? refuse(name, "range", bounds) : refuse(name, "type", "must be an integer")
        }
        guard range.contains(integer) else { return refuse(name, "range", bounds) }
        return integer
    }

    private mutating func flag(_ value: JSON, _ name: String) -> Bool? {
        guard case .bool(let flag) = value else { return refuse(name, "type", "must be true or false") }
        return flag
    }

    private mutating func numberText(_ value: JSON, _ name: String) -> String? {
        switch value {
        case .string(let text): text
        case .number(let number): number.text
        default: refuse(name, "type", "must be a decimal string or a number")
        }
    }

    private mutating func choice<T: RawRepresentable & CaseIterable>(_ value: JSON, _ name: String, _: T.Type) -> T?
    where T.RawValue == String {
        guard case .string(let text) = value else { return refuse(name, "type", "must be a string") }
        if let choice = T(rawValue: text) { return choice }
        return refuse(name, "choice", "must be one of \(T.allCases.map(\.rawValue).joined(separator: ", "))")
    }

    private mutating func object(_ value: JSON, _ name: String) -> FieldReader? {
        guard case .object = value else { return refuse(name, "type", "must be an object") }
        return FieldReader(value, at: path(to: name), refusesUnknown: refusesUnknown)
    }

    private mutating func array(_ value: JSON, _ name: String, _ count: ClosedRange<Int>) -> [JSON]? {
        guard case .array(let elements) = value else { return refuse(name, "type", "must be an array") }
        guard count.contains(elements.count) else {
            return refuse(name, "count", "must have \(count.lowerBound) to \(count.upperBound) elements")
        }
        return elements
    }

    private mutating func refuse<T>(_ name: String, _ code: String, _ characters: ClosedRange<Int>) -> T? {
        refuse(name, code, "must have \(characters.lowerBound) to \(characters.upperBound) characters")
    }

    private mutating func refuse<T>(_ name: String, _ code: String, _ detail: String) -> T? {
        fail(name, code: code, detail: detail)
        return nil
    }
}

extension String {
    /// As one step of a pointer (RFC 6901), where a tilde and a slash mean something else.
    package var pointerStep: String {
        if !utf8.contains(where: { $0 == 0x7E || $0 == 0x2F }) { return self }
        var step = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            switch scalar {
            case "~": step.append(contentsOf: "~0".unicodeScalars)
            case "/": step.append(contentsOf: "~1".unicodeScalars)
            default: step.append(scalar)
            }
        }
        return String(step)
    }

    /// Whether it is ASCII that needs no second look: what nearly every text is.
    fileprivate func isPlain(_ rule: TextRule) -> Bool {
        guard utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }), let first = utf8.first else { return false }
        return first != 0x20 && (rule == .line || utf8.last != 0x20)
    }
}

extension String {
    private static let shorterThanAnyKey = 64
    private static let keyMark = "PRIVATE KEY-----"

    /// A key that was pasted into the wrong field would stand in rows and answers for ever.
    fileprivate var holdsPrivateKey: Bool { utf8.count > Self.shorterThanAnyKey && contains(Self.keyMark) }
}
