import CallKit
import HTML
import HTTPCore

/// Light, dark, or as the reader's device has it: kept in a cookie that says no more than that. A value: any thread.
struct LightSwitch: MarkupPart {
    private let visit: Visit

    static let path: StaticString = "/light"
    private static let cookieName = "tollgate-light"
    private static let seconds = 365 * 86_400

    init(_ visit: Visit) { self.visit = visit }

    var html: HTML {
        let current = visit.call.head.chosenLight
        return Form(open: visit.tokens, next: visit.here(), to: visit.link(path: Self.path)) {
            """
            \(FormField(
                "Light", name: "light", kind: .select([
                    .init("", "As the device"), .init("light", "Light"), .init("dark", "Dark"),
                ]), value: current?.rawValue, isRequired: false))\(Button("Set", .quiet))
            """
        }.html
    }

    /// POST: sets the cookie and goes back.
    static func route(of site: Site) -> Route {
        Route(
            .post, "\(path)", "Choose light or dark", access: site.access, openIn: [.pending, .suspended],
            isOpenToSupport: true, ignoresUnknownParameters: true
        ) { call in
            let visit = Visit(call, of: site)
            let form = try FormInput(call)
            let light = form["light"].flatMap(Layout.Light.init)
            let cookie =
                "\(cookieName)=\(light?.rawValue ?? ""); Path=/; Max-Age=\(light == nil ? 0 : seconds); SameSite=Lax"
                + (call.isSecure ? "; Secure" : "") + "; HttpOnly"
            return .answer(.seeOther(form.next(visit, Row(.null)), cookie: cookie))
        }
    }

    static func chosen(in head: RequestHead) -> Layout.Light? {
        guard let cookies = head.value(of: .cookie) else { return nil }
        for pair in cookies.split(separator: ";") {
            let parts = pair.split(separator: "=", maxSplits: 1).map { $0.trimming(" ") }
            if parts.count == 2, parts[0] == cookieName { return Layout.Light(rawValue: String(parts[1])) }
        }
        return nil
    }
}

extension RequestHead {
    /// What the reader chose; nil where the device decides.
    var chosenLight: Layout.Light? { LightSwitch.chosen(in: self) }
}

extension Substring {
    fileprivate func trimming(_ space: Character) -> Substring { drop { $0 == space } }
}
