package import CallKit
package import HTTPCore
import Synchronization
import TenantRegistry

/// What a page has while it is written: its visit, and the answers of the APIs that it asks.
package protocol PageView {
    var visit: Visit { get }
}

/// A page's view inside the one read job that gathers it: whatever it asks is of one moment. On the tenant's lane.
package struct View: PageView {
    package let visit: Visit
    let reader: TenantReader

    /// What `GET path` of the surface's API answers this caller. Throws its refusal. `api`: another API's base path.
    package func get(_ path: String, _ query: [(String, String?)] = [], of api: String? = nil) throws -> Row {
        try answer(of: try visit.work(path, query, of: api))
    }

    /// The same; nil where the caller may not ask it, or there is no such thing.
    package func ask(_ path: String, _ query: [(String, String?)] = [], of api: String? = nil) throws -> Row? {
        do {
            return try get(path, query, of: api)
        } catch let refusal as Refusal where refusal.isClosed {
            return nil
        }
    }

    /// What a call answers that changes nothing though it takes a body, as `SlowView.tried`.
    package func tried(
        _ path: String, _ fields: [(name: String, value: String)], of api: String? = nil
    ) throws -> (row: Row?, view: View) {
        do {
            return (try answer(of: try visit.trial(path, fields, of: api)), self)
        } catch let refusal as Refusal where refusal.isOfTrial {
            return (nil, refusing(refusal, fields, of: path))
        }
    }

    /// The same view of what was asked by the page's address alone, with what is wrong in it. `path`: of the call.
    package func refusing(_ refusal: Refusal, _ fields: [(name: String, value: String)], of path: String) -> View {
        View(visit: visit.showing(Attempt(refusal, fields, call: path)), reader: reader)
    }

    /// The same view of a form that nothing was done with, as its page shows beforehand what it would do: with what is
    /// wrong in it.
    package func finding(_ errors: [FieldError]) -> View {
        guard let attempt = visit.attempt, attempt.refusal == nil, !errors.isEmpty else { return self }
        let found = Attempt(.invalid(errors), attempt.pairs, call: attempt.call)
        return View(visit: visit.showing(found), reader: reader)
    }

    private func answer(of work: Work) throws -> Row {
        switch work {
        case .answer(let answer): try Row(answer)
        case .read(let read): try Row(try read(reader))
        // What takes several steps is asked by pages of several steps (`SlowView`).
        case .write, .protect, .flow, .stream, .streamed, .inner: throw Refusal.defect
        }
    }
}

/// A page's view where what it asks takes several steps, each of its own moment: the node's pages, and those that look
/// through files.
package struct SlowView: PageView, Sendable {
    package let visit: Visit
    let steps: Steps

    package func get(_ path: String, _ query: [(String, String?)] = [], of api: String? = nil) async throws -> Row {
        try await answer(of: try visit.work(path, query, of: api))
    }

    package func ask(_ path: String, _ query: [(String, String?)] = [], of api: String? = nil) async throws -> Row? {
        do {
            return try await get(path, query, of: api)
        } catch let refusal as Refusal where refusal.isClosed {
            return nil
        }
    }

    /// What a call answers that changes nothing though it takes a body, say a rehearsal: `fields` are its members, as a
    /// form's. Where they are wrong there is no answer, and `view` shows what is wrong beside its fields.
    package func tried(
        _ path: String, _ fields: [(name: String, value: String)]
    ) async throws -> (row: Row?, view: SlowView) {
        do {
            return (try await answer(of: try visit.trial(path, fields, of: nil)), self)
        } catch let refusal as Refusal where refusal.isOfTrial {
            return (nil, SlowView(visit: visit.showing(Attempt(refusal, fields, call: path)), steps: steps))
        }
    }

    /// Several reads of the tenant in one job.
    package func reading<Value: Sendable>(_ body: @escaping @Sendable (View) throws -> Value) async throws -> Value {
        let visit = visit
        return try await steps.read { try body(View(visit: visit, reader: $0)) }
    }

    private func answer(of work: Work) async throws -> Row {
        switch work {
        case .answer(let answer): try Row(answer)
        case .read(let read): try Row(try await steps.read { try read($0) })
        case .flow(let flow): try await answer(of: try await flow(steps))
        case .stream(_, _, let body, _): try await whole(body)
        case .write, .protect, .streamed, .inner: throw Refusal.defect
        }
    }

    private func whole(_ body: any ResponseStream) async throws -> Row {
        let bytes = try await steps.callback { done in WholeStream(body, done).take() }
        return Row(try JSON.parse(bytes))
    }
}

/// An answer that comes piece by piece, put together. Pieces come one after the other, on whatever thread.
private final class WholeStream: Sendable {
    private let body: any ResponseStream
    private let done: @Sendable (Result<[UInt8], any Error>) -> Void
    private let bytes = Mutex<[UInt8]>([])

    /// No page shows more of it.
    private static let bytesMax = 8 << 20

    init(_ body: any ResponseStream, _ done: @escaping @Sendable (Result<[UInt8], any Error>) -> Void) {
        self.body = body
        self.done = done
    }

    func take() {
        body.next { [self] piece in
            switch piece {
            case .end: return done(.success(bytes.withLock { $0 }))
            case .bytes(let more):
                let count = bytes.withLock { bytes in
                    bytes += more
                    return bytes.count
                }
                if count <= Self.bytesMax { return take() }
            case .failed: break
            }
            body.cancel()
            done(.failure(Refusal.defect))
        }
    }
}

extension Row {
    init(_ answer: Answer) throws {
        if let refusal = answer.refusal { throw refusal }
        self.init(answer.body.isEmpty ? .null : try JSON.parse(answer.body))
    }
}

extension Refusal {
    /// What was tried is wrong, not whoever tries it.
    fileprivate var isOfTrial: Bool { [402, 404, 409, 422].contains(status) }

    /// The caller may not, or there is nothing.
    var isClosed: Bool {
        switch self {
        case .forbidden, .notFound: true
        default: false
        }
    }
}
