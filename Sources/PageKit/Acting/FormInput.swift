package import CallKit
import HTML
import HTTPCore

/// A form as it was sent: fields in order, and the file that came with them. A value: any thread.
package struct FormInput: Sendable {
    package let pairs: [(name: String, value: String)]
    /// The one that was chosen; nil where there is none.
    package let file: [UInt8]?

    /// More fields than that are no form of ours: a sheet of 300 rows has less.
    package static let pairsMax = 4_096

    package init(_ call: Call) throws(Refusal) {
        if let parts = try call.head.parts(call.body) {
            pairs = parts.pairs
            file = parts.file
            return
        }
        do throws(QueryError) {
            pairs = try Query(form: call.body, pairsMax: Self.pairsMax).pairs
            file = nil
        } catch {
            throw .unparseable("The form cannot be read: \(error.description).")
        }
    }

    /// The same form with a field for each line of the one of this name: a list that somebody pastes.
    package func splitting(_ name: String) -> FormInput {
        FormInput(
            pairs: pairs.flatMap { pair -> [(name: String, value: String)] in
                guard pair.name == name else { return [pair] }
                return pair.value.split(whereSeparator: \.isNewline).map { line in
                    (name, String(line.drop(while: \.isWhitespace)))
                }.filter { !$0.value.isEmpty }
            }, file: file)
    }

    private init(pairs: [(name: String, value: String)], file: [UInt8]?) {
        self.pairs = pairs
        self.file = file
    }

    /// The last field of this name; nil where there is none.
    package subscript(_ name: String) -> String? { pairs.last { $0.name == name }?.value }

    subscript(_ hidden: Form.Hidden) -> String? { self[hidden.rawValue] }

    /// The call that it makes: `PATCH /resellers/res_1`.
    var call: String? { self[.call] }

    /// Where to go once it is done: the page that it names, or the one that it came from. `{id}` stands for the new
    /// thing's.
    func next(_ visit: Visit, _ row: Row) -> Link {
        let id = row.optional("id") ?? row.row("order")?.optional("id") ?? ""
        return next(visit, self[.next]?.replacing("{id}", with: id.percentEncoded), said: self[.said])
    }

    /// Where to go where it had been done before. What it made is not known any more.
    func nextOfSent(_ visit: Visit) -> Link {
        let page = self[.next].flatMap { $0.contains("{id}") ? nil : $0 }
        return next(visit, page, said: Said.already.rawValue)
    }

    private func next(_ visit: Visit, _ page: String?, said: String?) -> Link {
        let said = said.map { [("said", $0)] } ?? []
        guard let page, let link = Link(path: page), link.isBelow(visit.call.head.rootPath + visit.site.basePath)
        else { return visit.here(said) }
        guard let said = said.first else { return link }
        let mark = link.text.contains("?") ? "&" : "?"
        return Link(path: link.text + mark + PercentEncoding.query([said])) ?? link
    }
}
