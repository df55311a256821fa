import CallKit
package import HTML
import HTTPCore

/// A list as its filters find it. What they name that is not there is said in the list's place, and the filters stay as
/// they were typed. A value: any thread.
package struct Found: Sendable {
    /// Without rows where what was asked is refused.
    package let list: Row
    private let problem: String?

    private static let none = Row(
        .object([
            JSONMember(name: "data", value: .array([])), JSONMember(name: "has_more", value: .bool(false)),
            JSONMember(name: "next_cursor", value: .null),
        ]))

    fileprivate init(_ ask: () async throws -> Row) async throws {
        do { self.init(try await ask()) } catch let refusal as Refusal { self = try Found(refusal) }
    }

    fileprivate init(_ ask: () throws -> Row) throws {
        do { self.init(try ask()) } catch let refusal as Refusal { self = try Found(refusal) }
    }

    private init(_ list: Row) {
        self.list = list
        problem = nil
    }

    private init(_ refusal: Refusal) throws {
        guard [400, 404, 422].contains(refusal.status), !refusal.isOfPlace else { throw refusal }
        list = Self.none
        problem = refusal.sentence
    }

    package var rows: [Row] { list.rows() }
    /// Of the amounts in it.
    package var currency: String? { rows.first?.optional("currency") }
    package var isRefused: Bool { problem != nil }

    /// What a page shows of what is asked; what is wrong with what was asked, where there is no such thing.
    package static func shown(_ show: () throws -> HTML) throws -> HTML {
        do { return try show() } catch let refusal as Refusal { return try Found(refusal).shown("") }
    }

    /// What the page makes of the list; what is wrong with what was asked, where there is none.
    package func shown(_ part: @autoclosure () throws -> HTML) rethrows -> HTML {
        guard let problem else { return try part() }
        return Notice(.bad, "<p>\(problem)</p>").html
    }
}

extension SlowView {
    /// How often a page that is one list looks further by itself before it says that nothing was found so far.
    package static let looksMax = 4

    /// `looks`: how many pages of the API it reads at most to find a row. Each is bounded as the API's are.
    package func found(
        _ path: String, _ query: [(String, String?)], of api: String? = nil, looks: Int = 1
    ) async throws -> Found {
        try await Found { try await firstWithRows(path, query, of: api, looks) }
    }

    /// The first page of the list that has a row, or the last one that was looked at.
    private func firstWithRows(
        _ path: String, _ query: [(String, String?)], of api: String?, _ looks: Int
    ) async throws -> Row {
        var list = try await get(path, query, of: api)
        for _ in 1..<looks {
            guard let cursor = list.optional("next_cursor"), list.rows().isEmpty else { break }
            var behind = query.filter { $0.0 != "cursor" }
            behind.append(("cursor", cursor))
            list = try await get(path, behind, of: api)
        }
        return list
    }
}

extension View {
    package func found(_ path: String, _ query: [(String, String?)], of api: String? = nil) throws -> Found {
        try Found { try get(path, query, of: api) }
    }
}
