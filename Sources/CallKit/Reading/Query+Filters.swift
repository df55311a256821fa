package import HTTPCore
package import TenantRegistry

/// What the native lists filter by.
extension Query {
    /// An RFC 3339 time, or a day, which stands for its first instant in UTC.
    package func time(_ name: String) throws(Refusal) -> Timestamp? {
        guard let text = self[name] else { return nil }
        guard let time = Timestamp(parsingTimeOrDay: text) else {
            throw .field("/\(name)", "format", "must be an RFC 3339 time or a day (YYYY-MM-DD)")
        }
        return time
    }

    /// The same, or milliseconds since 1970: for APIs whose answers give times that way.
    package func anyTime(_ name: String) throws(Refusal) -> Timestamp? {
        guard let text = self[name] else { return nil }
        guard let time = AnyTime.parse(text) else { throw .field("/\(name)", "format", AnyTime.expected) }
        return time
    }

    /// `from` and `to`: a time that is over before it begins is a mistake, not an empty list.
    package func period() throws(Refusal) -> (from: Timestamp?, to: Timestamp?) {
        try Self.ordered(from: time("from"), to: time("to"))
    }

    /// The same, each as `anyTime` has it.
    package func periodInAnyTime() throws(Refusal) -> (from: Timestamp?, to: Timestamp?) {
        try Self.ordered(from: anyTime("from"), to: anyTime("to"))
    }

    private static func ordered(
        from: Timestamp?, to: Timestamp?
    ) throws(Refusal) -> (from: Timestamp?, to: Timestamp?) {
        if let from, let to, from > to { throw .field("/from", "range", "must not be after to") }
        return (from, to)
    }

    /// The one of two names of a parameter that the query has; both at once might say two things.
    package func either(_ name: String, _ other: String) throws(Refusal) -> String {
        guard self[other] != nil else { return name }
        guard self[name] == nil else {
            throw .field("/\(other)", "choice", "is the same as \(name): only one of them can be given")
        }
        return other
    }

    /// `?name=true|false`; left out: false.
    package func flag(_ name: String) throws(Refusal) -> Bool {
        switch self[name] {
        case nil, "false": return false
        case "true": return true
        default: throw .field("/\(name)", "choice", "must be true or false")
        }
    }

    /// In decimal digits alone.
    package func integer(_ name: String, in range: ClosedRange<Int>) throws(Refusal) -> Int? {
        guard let text = self[name] else { return nil }
        guard let number = JSONNumber(plain: text)?.integer().map(Int.init), range.contains(number) else {
            throw .field("/\(name)", "range", "must be from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// An id or a reference, in NFC, as what it is compared with.
    package func id(_ name: String, charactersMax: Int = 255) throws(Refusal) -> String? {
        guard let text = self[name]?.composed else { return nil }
        guard 1...charactersMax ~= text.unicodeScalars.count else {
            throw .field("/\(name)", "length", "must have 1 to \(charactersMax) characters")
        }
        if let fault = TextRule.id.fault(in: text) { throw .field("/\(name)", "format", fault) }
        return text
    }

    /// `?q=`: the beginning of a text that is searched for, folded as such texts are.
    package func search() throws(Refusal) -> String? {
        guard let text = self["q"]?.folded else { return nil }
        guard 1...255 ~= text.unicodeScalars.count else {
            throw .field("/q", "length", "must have 1 to 255 characters")
        }
        if let fault = TextRule.line.fault(in: text) { throw .field("/q", "format", fault) }
        return text
    }

    /// An address as `EmailAddress` has it.
    package func email(_ name: String) throws(Refusal) -> String? {
        guard let text = self[name] else { return nil }
        guard let address = EmailAddress.canonical(text) else {
            throw .field("/\(name)", "format", "must be an email address")
        }
        return address
    }

    /// `?mode=live|test`; left out: `book`.
    package func mode(or book: Book) throws(Refusal) -> Book { try self.book("mode") ?? book }

    /// A book by its name.
    package func book(_ name: String) throws(Refusal) -> Book? {
        guard let text = self[name] else { return nil }
        guard let book = Book(name: text) else { throw .field("/\(name)", "choice", "must be one of live, test") }
        return book
    }

    /// A reseller's state by its name.
    package func resellerState(_ name: String) throws(Refusal) -> ResellerState? {
        guard let text = self[name] else { return nil }
        guard let state = ResellerState(name: text) else {
            let allowed = ResellerState.allCases.map(\.name).joined(separator: ", ")
            throw .field("/\(name)", "choice", "must be one of \(allowed)")
        }
        return state
    }
}
