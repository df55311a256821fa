// A receiver of Tollgate's webhooks, for any Swift web framework: give `receive` the four things that it asks for, and
// answer with the status that it returns.
//
//     // Hummingbird; of Vapor's request the same four are taken alike.
//     router.post("tollgate") { request, _ in
//         let body = try await request.body.collect(upTo: Receiver.bodyBytesMax)
//         return HTTPResponse.Status(code: await receiver.receive(
//             id: request.headers[.init("webhook-id")!], timestamp: request.headers[.init("webhook-timestamp")!],
//             signatures: request.headers[.init("webhook-signature")!], body: Data(buffer: body)))
//     }
//
// It answers as soon as the event is kept, and works on it afterwards: an event is never lost, worked on once, and an
// older state of an object never replaces a newer one.

import Foundation

#if canImport(CryptoKit)
import CryptoKit
#else
import Crypto
#endif

public actor Receiver {
    public static let bodyBytesMax = 65_536
    private static let toleranceSeconds = 300.0

    private let key: SymmetricKey
    /// A file an event, named by its id, on disk before anything is answered.
    private let inbox: URL
    /// What is known of each object. In earnest it is a table of yours, and an event is done in its transaction.
    private var revisions: [String: Int] = [:]
    private let changed: @Sendable (_ type: String, _ id: String, _ revision: Int) -> Void

    /// `secret`: `whsec_…`, as Tollgate shows it once. `changed` is told each newer state.
    public init(
        secret: String, inbox: URL, changed: @escaping @Sendable (_ type: String, _ id: String, _ revision: Int) -> Void
    ) throws {
        guard let bytes = Data(base64Encoded: String(secret.trimmingPrefix("whsec_"))) else {
            throw CocoaError(.coderInvalidValue)
        }
        key = SymmetricKey(data: bytes)
        self.inbox = inbox
        self.changed = changed
        try FileManager.default.createDirectory(at: inbox, withIntermediateDirectories: true)
    }

    /// The status to answer with.
    public func receive(
        id: String?, timestamp: String?, signatures: String?, body: Data, now: Date = Date()
    ) -> Int {
        guard body.count <= Self.bodyBytesMax else { return 413 }
        guard let id, let timestamp, let signatures,
            isSigned(id: id, timestamp: timestamp, signatures: signatures, body: body, now: now)
        else { return 401 }
        let file = inbox.appendingPathComponent(id.utf8.map { String(format: "%02x", $0) }.joined() + ".json")
        // The same id again, of a retry or a replay, is kept once.
        if FileManager.default.fileExists(atPath: file.path) { return 204 }
        do {
            try body.write(to: file, options: .atomic)
        } catch {
            return 503
        }
        Task { self.take(body) }
        return 204
    }

    /// Whether Tollgate signed these very bytes within the last five minutes (Standard Webhooks 1.0.0).
    public nonisolated func isSigned(
        id: String, timestamp: String, signatures: String, body: Data, now: Date
    ) -> Bool {
        guard !id.isEmpty, let seconds = UInt32(timestamp),
            abs(now.timeIntervalSince1970 - Double(seconds)) <= Self.toleranceSeconds
        else { return false }
        // The bytes as they came: JSON that was parsed and written again is other bytes.
        let signed = Data("\(id).\(timestamp).".utf8) + body
        // While a secret is being rotated there are several signatures: one that fits is enough.
        return signatures.split(separator: " ").contains { signature in
            let parts = signature.split(separator: ",", maxSplits: 1)
            guard parts.count == 2, parts[0] == "v1", let given = Data(base64Encoded: String(parts[1])) else {
                return false
            }
            return HMAC<SHA256>.isValidAuthenticationCode(given, authenticating: signed, using: key)
        }
    }

    private func take(_ body: Data) {
        guard let event = try? JSONSerialization.jsonObject(with: body) as? [String: Any],
            let type = event["type"] as? String, let data = event["data"] as? [String: Any],
            let id = data["id"] as? String ?? data["_id"] as? String, let revision = data["revision"] as? Int
        else { return }
        // Events may come in another order than they were made in: the highest revision is the state.
        guard revisions[id, default: 0] < revision else { return }
        revisions[id] = revision
        changed(type, id, revision)
    }
}
