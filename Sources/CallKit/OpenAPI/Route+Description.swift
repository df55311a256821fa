import HTTPCore
import Synchronization
import TenantRegistry

/// A description that is made when it is first asked for: a route table cannot hold a description of itself. Any
/// thread.
package final class LazyDescription: Sendable {
    private let make: @Sendable () -> APIDescription
    private let made = Mutex<OpenAPIDocument?>(nil)

    package init(_ make: @escaping @Sendable () -> APIDescription) { self.make = make }

    /// OpenAPI 3.1 as JSON, with the server at `baseURL`.
    package func bytes(baseURL: String) -> [UInt8] {
        let document = made.withLock { made in
            if let made { return made }
            let document = OpenAPIDocument(make())
            made = document
            return document
        }
        return document.bytes(baseURL: baseURL)
    }
}

extension Route {
    /// A route that gives the API's description, without a credential.
    package static func description(
        _ pattern: String, of surface: @escaping @Sendable () -> some Surface
    ) -> Route {
        let description = LazyDescription { APIDescription(surface()) }
        return Route(
            .get, pattern, "Describe this API (OpenAPI 3.1)", access: .open,
            gives: .read(["openapi": .string, "info": .object, "paths": .object]), description: description
        ) { call in
            .answer(Answer(status: 200, body: description.bytes(baseURL: call.baseURL)))
        }
    }
}

extension Surface {
    /// The routes that are served: the surface's own, and the one that describes them.
    package var servedRoutes: [Route] {
        guard isDescribed else { return routes }
        let surface = self
        return routes + [Route.description(OpenAPIDocument.pattern, of: { surface })]
    }
}
