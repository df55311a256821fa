package import HTTPCore

/// What a route takes of a query and of a body, before its handler reads them.
extension Route {
    /// Names that a query of it may have; nil where it may hold anything.
    package func parameterNames(in surface: any Surface) -> [String]? {
        if ignoresUnknownParameters || surface.ignoresUnknownParameters { return nil }
        let credentials = surface.credentials.compactMap { if case .query(let name) = $0 { name } else { nil } }
        return parameters.filter { $0.place == .query }.map(\.name) + credentials
    }

    /// Names that stand once in a query of it though it may hold others, of an API that passes those over; credentials
    /// have rules of their own there.
    package func namesReadOnce(in surface: any Surface) -> [String] {
        guard surface.isDescribed, surface.ignoresUnknownParameters else { return [] }
        return parameters.filter { $0.place == .query }.map(\.name)
    }

    /// A route without a body takes none that says anything: nobody would hear it.
    package func expectNothing(in body: [UInt8]) throws(Refusal) {
        if body.isEmpty { return }
        guard let json = try? JSON.parse(sent: body) else { throw .unparseable("This call takes no body.") }
        var fields = FieldReader(json, refusesUnknown: true)
        fields.expectNoOthers(than: [])
        try fields.finish()
    }
}

extension RequestHead {
    /// The query, in which every parameter is one of `names` and stands once.
    package func readQuery(knowing names: [String]) throws(Refusal) -> Query {
        let query = try readQuery()
        for pair in query.pairs where !names.contains(pair.name) {
            throw .badQuery(.unknown(pair.name, known: names))
        }
        if let name = query.repeated { throw .badQuery(.repeated(name)) }
        return query
    }

    /// The query, in which each of `names` stands once, and others as they like.
    package func readQuery(onceEach names: [String]) throws(Refusal) -> Query {
        let query = try readQuery()
        if let name = query.repeated(of: names) { throw .badQuery(.repeated(name)) }
        return query
    }
}
