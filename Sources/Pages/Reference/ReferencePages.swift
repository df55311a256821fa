package import CallKit
import HTML
package import HTTPCore
package import PageKit
package import TenantRegistry

/// The reference of one API for people (U6), made of the description that programs read: `…/docs` lists its calls, and
/// each call and event has a page.
package struct ReferencePages: Dialect {
    package let name: String
    package let basePath: String
    package let isAlwaysThere: Bool
    package let isDescribed = false
    package let title: String
    package let routes: [Route]

    /// Who has signed in at the tenant, whatever for; nil where nobody has.
    package typealias Visitor = @Sendable (TenantReader, Call) throws -> KeyRole?

    package init(_ api: any Dialect, _ surroundings: @escaping Site.Around, visitor: @escaping Visitor) {
        name = api.name
        basePath = api.basePath
        isAlwaysThere = api.isAlwaysThere
        title = "\(api.title) reference"
        let reference = Reference(api)
        routes = [
            Self.route("/docs", "Read about this API") { call, reader in
                try reference.index(call, surroundings(reader, call), visitor: visitor(reader, call))
            },
            Self.route("/docs/{call}", "Read about one call or event") { call, reader in
                try reference.call(call.parameters[0], call, surroundings(reader, call))
            },
        ]
    }

    package func credential(in head: RequestHead) -> Range<Int>? { nil }

    package func render(_ refusal: Refusal, requestID: RequestID) -> Response {
        Problem.response(refusal, requestID: requestID)
    }

    package func render(
        _ refusal: Refusal, requestID: RequestID, for head: RequestHead?, at tenant: TenantRecord?
    ) -> Response {
        guard let head, !head.prefersJSON else { return render(refusal, requestID: requestID) }
        let index = Link("/docs", below: Link(path: head.rootPath + basePath))
        return RefusalPage(
            refusal, requestID: requestID, at: head, of: tenant, back: head.path == index.text ? nil : index, title
        ).response
    }

    private static func route(
        _ pattern: String, _ summary: String, _ write: @escaping @Sendable (Call, TenantReader) throws -> OpenPage
    ) -> Route {
        Route(.get, pattern, summary, access: .open, openCalls: .shared, ignoresUnknownParameters: true) { call in
            .read { reader in try write(call, reader).answer }
        }
    }
}
