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

    package init(_ api: any Dialect, _ surroundings: @escaping Site.Around) {
        name = api.name
        basePath = api.basePath
        isAlwaysThere = api.isAlwaysThere
        title = "\(api.title) reference"
        let reference = Reference(api)
        routes = [
            Self.route("/docs", "Read about this API", surroundings) { call, around in
                reference.index(call, around)
            },
            Self.route("/docs/{call}", "Read about one call or event", surroundings) { call, around in
                try reference.call(call.parameters[0], call, around)
            },
        ]
    }

    package func credential(in head: RequestHead) -> Range<Int>? { nil }

    package func render(_ refusal: Refusal, requestID: RequestID) -> Response {
        Problem.response(refusal, requestID: requestID)
    }

    package func render(_ refusal: Refusal, requestID: RequestID, for head: RequestHead?) -> Response {
        if head?.prefersJSON ?? true { return render(refusal, requestID: requestID) }
        return RefusalPage(refusal, requestID: requestID).response
    }

    private static func route(
        _ pattern: String, _ summary: String, _ surroundings: @escaping Site.Around,
        _ write: @escaping @Sendable (Call, Surroundings) throws -> OpenPage
    ) -> Route {
        Route(.get, pattern, summary, access: .open, openCalls: .shared, ignoresUnknownParameters: true) { call in
            .read { reader in try write(call, try surroundings(reader, call)).answer }
        }
    }
}
