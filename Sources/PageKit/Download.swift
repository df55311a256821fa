package import CallKit
import HTTPCore

/// A file that a page hands out: what an API's route gives, under a session's cookie in place of a key. A value: any
/// thread.
package struct Download: Sendable {
    private let pattern: String
    private let source: String
    private let title: String
    private let api: String?

    /// `pattern`: below the surface, say `/resellers/{id}/statement.csv`. `source`: of the API, with the same
    /// parameters in the same order. The page's query goes along.
    package init(_ pattern: String, _ source: String, _ title: String, of api: String? = nil) {
        self.pattern = pattern
        self.source = source
        self.title = title
        self.api = api
    }

    package func route(of site: Site) -> Route {
        Route(
            .get, pattern, title, access: site.access, openIn: [.pending, .suspended], ignoresUnknownParameters: true
        ) { call in
            let visit = Visit(call, of: site)
            // The book goes along by itself, to a call that has both; the list that was seen is the pages' own.
            let query = try call.query().pairs.filter { $0.name != "mode" && $0.name != SeenList.name }
                .map { ($0.name, Optional($0.value)) }
            return attached(try visit.work(filled(call.parameters), query, of: api), as: name(call))
        }
    }

    private func filled(_ parameters: [String]) -> String {
        var rest = parameters[...]
        return source.split(separator: "/", omittingEmptySubsequences: false).map { part in
            part.contains("{") ? (rest.popFirst() ?? "").percentEncoded : String(part)
        }.joined(separator: "/")
    }

    /// What a browser saves it as: the last part of the page's path.
    private func name(_ call: Call) -> String {
        String(call.head.path.split(separator: "/").last ?? "file").filter {
            $0.isASCII && ($0.isLetter || $0.isNumber || ".-_".contains($0))
        }
    }

    private func attached(_ work: Work, as name: String) -> Work {
        switch work {
        case .answer(let answer): return .answer(attached(answer, as: name))
        case .read(let read): return .read { attached(try read($0), as: name) }
        case .flow(let flow): return .flow { attached(try await flow($0), as: name) }
        case .stream(let status, var headers, let body, let length):
            Self.attach(&headers, as: name)
            return .stream(status: status, headers: headers, body: body, length: length)
        case .write, .protect, .streamed, .inner: return work
        }
    }

    private func attached(_ answer: Answer, as name: String) -> Answer {
        var answer = answer
        Self.attach(&answer.headers, as: name)
        return answer
    }

    /// An API that names its file goes first.
    private static func attach(_ headers: inout ResponseHeaders, as name: String) {
        if String(decoding: headers.bytes, as: UTF8.self).contains("Content-Disposition:") { return }
        headers.add("Content-Disposition", "attachment; filename=\"\(name)\"")
    }
}
