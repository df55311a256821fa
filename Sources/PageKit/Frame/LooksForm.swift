import CallKit
package import HTML
package import HTTPCore

/// How the reader likes pages: light or dark, and how high the rows of tables are. Each choice is kept in a cookie that
/// says no more than that, and what the page decides by itself in none. A value: any thread.
struct LooksForm: MarkupPart {
    fileprivate enum Choice: String, CaseIterable {
        case light, rows

        var cookieName: String { "tollgate-\(rawValue)" }

        var values: [String] {
            switch self {
            case .light: Layout.Light.allCases.map(\.rawValue)
            case .rows: Layout.Rows.allCases.map(\.rawValue)
            }
        }
    }

    private let visit: Visit

    private static let path: StaticString = "/looks"
    private static let seconds = 365 * 86_400

    init(_ visit: Visit) { self.visit = visit }

    var html: HTML {
        Form(open: visit.tokens, next: visit.here(), to: visit.link(path: Self.path)) {
            """
            \(field("Light", .light, "As the device"))\(field("Rows", .rows, "Medium"))\(Button("Set", .quiet))
            """
        }.html
    }

    /// `none`: what there is without a choice.
    private func field(_ label: String, _ choice: Choice, _ none: String) -> FormField {
        FormField(
            label, name: choice.rawValue,
            kind: .select([FormField.Option("", none)] + choice.values.map { FormField.Option($0, $0.capitalized) }),
            value: visit.call.head.chosen(choice), isRequired: false)
    }

    /// POST: sets the cookies and goes back.
    static func route(of site: Site) -> Route {
        Route(
            .post, "\(path)", "Choose light or dark, and how high rows are", access: site.access,
            openIn: [.pending, .suspended], isOpenToSupport: true, ignoresUnknownParameters: true
        ) { call in
            let visit = Visit(call, of: site)
            let form = try FormInput(call)
            let cookies = try Choice.allCases.compactMap { try cookie($0, form[$0.rawValue], call) }
            return .answer(.seeOther(form.next(visit, Row(.null)), cookies: cookies))
        }
    }

    /// `value`: empty takes the choice back; nil leaves it as it is.
    private static func cookie(_ choice: Choice, _ value: String?, _ call: Call) throws -> String? {
        guard let value else { return nil }
        guard value.isEmpty || choice.values.contains(value) else {
            throw Refusal.field(
                "/\(choice.rawValue)", "choice", "must be empty or one of \(choice.values.joined(separator: ", "))")
        }
        return "\(choice.cookieName)=\(value); Path=/; Max-Age=\(value.isEmpty ? 0 : seconds); SameSite=Lax"
            + (call.isSecure ? "; Secure" : "") + "; HttpOnly"
    }
}

extension RequestHead {
    /// What the reader chose; nil where the device decides.
    package var chosenLight: Layout.Light? { chosen(.light).flatMap { Layout.Light(rawValue: $0) } }

    /// What the reader chose; nil: the pages' own.
    var chosenRows: Layout.Rows? { chosen(.rows).flatMap { Layout.Rows(rawValue: $0) } }

    fileprivate func chosen(_ choice: LooksForm.Choice) -> String? {
        let found = cookies.first { $0.name.elementsEqual(choice.cookieName.utf8) }
        return found.flatMap { String(validating: bytes[$0.value], as: Unicode.ASCII.self) }
    }
}
