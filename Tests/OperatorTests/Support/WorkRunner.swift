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

/// Carries a route's work out on the one write path, without the gateway's head and limits.
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

    private var terms: TenantWrite {
        TenantWrite(office.tenant, of: office.fleet, warrant: .node) { status, _ in record(status: status) }
    }

    private func run(_ work: Work) async throws -> Answered {
        switch work {
        case .answer(let answer): return Answered(answer)
        case .read(let body):
            let result = Answered(try await Steps(terms).read(body))
            note(result)
            return result
        case .write(let effect): return try await write(effect)
        case .flow(let flow): return try await run(try await flow(Steps(terms)))
        case .streamed(let reader):
            reader.take(call.body)
            return try await run(reader.finish())
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

    private func write(_ effect: @escaping TenantWrite.Effect<Answer>) async throws -> Answered {
        let outcome = try await handedOver { done in
            terms.submit(effect) { done.resume(returning: $0) }
        }
        switch outcome {
        case .answered(let answer, _), .refusedFirmly(_, let answer, _): return Answered(answer)
        case .replayed(let stored): return Answered(status: stored.status, body: stored.body)
        case .refused(let refusal): throw refusal
        case .failed(let failure): throw failure
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
