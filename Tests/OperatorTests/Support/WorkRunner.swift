import CallKit
import Cryptography
import HTTPCore
import Synchronization
import TenantApp
import TenantRegistry

/// What a call was answered with.
struct Answered: Sendable {
    var status: Int
    var body: [UInt8]
    var replayBody: [UInt8]?
    var refusal: Refusal?
    var headers = ""

    static func refused(_ refusal: Refusal) -> Answered { Answered(status: refusal.status, body: [], refusal: refusal) }

    var text: String { String(decoding: body, as: UTF8.self) }
    var json: JSON { (try? JSON.parse(body)) ?? .null }
    /// Pointers of the fields that were refused.
    var pointers: [String] {
        if case .invalid(let errors) = refusal { errors.map(\.pointer) } else { [] }
    }
    subscript(_ name: String) -> String {
        switch json[name] {
        case .string(let text): text
        case .number(let number): number.text
        case .bool(let flag): String(flag)
        case .null: "null"
        case nil: "absent"
        default: "a part"
        }
    }
    var data: [JSON] { if case .array(let rows) = json["data"] { rows } else { [] } }
}

extension JSON {
    var string: String? { if case .string(let text) = self { text } else { nil } }
    var number: String? { if case .number(let number) = self { number.text } else { nil } }
}

/// Carries a route's work out as the gateway does: lane, savepoint, audit row, projection, registry.
struct WorkRunner: Sendable {
    let office: Office
    let call: Call
    let action: String

    func run(_ route: Route) async -> Answered {
        do {
            return try await run(try route.handle(call))
        } catch let refusal as Refusal {
            return .refused(refusal)
        } catch {
            return Answered(status: 500, body: Array("\(error)".utf8))
        }
    }

    private func run(_ work: Work) async throws -> Answered {
        switch work {
        case .answer(let answer): return Answered(answer)
        case .read(let body):
            let result = try await read(body)
            note(result)
            return result
        case .write(let body): return try await write(body)
        case .writeThen(let body): return try await run(try await commit(body) { _ in 202 })
        case .background(let body):
            return try await run(
                try await handedOver { done in
                    _ = office.fleet.background.submit { done.resume(with: Result(catching: body)) }
                })
        case .reserving(let hashes, let body):
            for hash in hashes {
                try await handedOver { done in
                    office.fleet.registry.reserve(hash, for: office.tenant.id) { done.resume(with: $0) }
                }
            }
            return try await write(body)
        case .later(let flow):
            return try await answered(try await handedOver { done in flow { done.resume(with: $0) } })
        case .streamed(let reader):
            reader.take(call.body)
            return try await answered(try await handedOver { done in reader.finish { done.resume(with: $0) } })
        }
    }

    private func answered(_ late: LateAnswer) async throws -> Answered {
        switch late {
        case .whole(let answer): return Answered(answer)
        case .proceed(let work): return try await run(work)
        case .stream(let status, let headers, let body, _):
            var bytes: [UInt8] = []
            while let piece = try await Self.piece(of: body) { bytes += piece }
            var answered = Answered(status: status, body: bytes)
            answered.headers = String(decoding: headers.bytes, as: UTF8.self)
            return answered
        }
    }

    private static func piece(of body: any ResponseStream) async throws -> [UInt8]? {
        try await handedOver { done in
            body.next { piece in
                switch piece {
                case .bytes(let bytes): done.resume(returning: bytes)
                case .end: done.resume(returning: nil)
                case .failed: done.resume(throwing: LaneFailure.unavailable)
                }
            }
        }
    }

    private func read(_ body: @escaping @Sendable (TenantReader) throws -> Answer) async throws -> Answered {
        try await handedOver { done in
            office.tenant.lane.submit(
                LaneJob(
                    writes: false,
                    perform: { store in
                        let result = Result { Answered(try body(store.reader)) }
                        return { _ in done.resume(with: result) }
                    },
                    fail: { done.resume(throwing: $0) }))
        }
    }

    private func write(
        _ body: @escaping @Sendable (TenantTransaction, inout AuditDetail) throws -> Answer
    ) async throws -> Answered { Answered(try await commit(body) { $0.status }) }

    private func commit<Value: Sendable>(
        _ body: @escaping @Sendable (TenantTransaction, inout AuditDetail) throws -> Value,
        status: @escaping @Sendable (Value) -> Int
    ) async throws -> Value {
        try await handedOver { done in
            office.tenant.lane.submit(
                LaneJob(
                    writes: true,
                    perform: { store in
                        var detail = AuditDetail()
                        let result = Result { try body(store.transaction, &detail) }
                        if case .failure = result {
                            try store.transaction.undoEffect()
                            return { _ in done.resume(with: result) }
                        }
                        var record = record(status: status(try result.get()))
                        record.resellerID = detail.resellerID ?? record.resellerID
                        if detail.hasMembers {
                            record.detail = "{\(String(decoding: detail.writer.bytes, as: UTF8.self))}"
                        }
                        store.note(record)
                        let changes = store.transaction.pendingProjections
                        return { _ in
                            office.fleet.registry.project(changes, of: office.tenant.id) { projected in
                                for change in changes { office.fleet.roster.apply(change.change, to: office.tenant) }
                                done.resume(with: projected.flatMap { result })
                            }
                        }
                    },
                    fail: { done.resume(throwing: $0) }))
        }
    }

    private func record(status: Int) -> AuditRecord {
        var record = AuditRecord(
            at: office.clock.now(), action: action, status: status, requestID: call.requestID)
        record.keyID = call.caller?.projection.keyID ?? 0
        record.accountID = call.caller?.projection.accountID ?? 0
        record.resellerID = call.caller?.projection.resellerID ?? 0
        return record
    }

    private func note(_ answered: Answered) { _ = office.tenant.readLog.append(record(status: answered.status)) }
}

extension Answered {
    init(_ answer: Answer) {
        self.init(status: answer.status, body: answer.body, replayBody: answer.replayBody, refusal: answer.refusal)
    }
}
