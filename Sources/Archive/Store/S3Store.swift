package import Cryptography
import Foundation
package import HTTPClient
import Synchronization
import TenantRegistry

/// Objects in a bucket, by path (`ENDPOINT/BUCKET/KEY`), with the calls that every server of the kind has: PUT, GET,
/// DELETE of one object and ListObjectsV2.
///
/// A call that the server did not answer, or answered by 5xx, 429 or 408, is made again, after a pause that doubles.
/// What was sent is checked by the server (`x-amz-content-sha256`, `x-amz-checksum-sha256`); what comes is checked by
/// whoever opens the object's seal. A bucket without `FORMAT` is not the archive: it was emptied, or is another. What
/// it lacks says nothing, and what is put there is not in the archive: that is away. One thread at a time.
package final class S3Store: ObjectStore {
    package struct Pace: Sendable {
        package var attemptsMax = 6
        package var pauseMilliseconds = 100
        package var pauseMillisecondsMax = 5_000

        package init() {}
    }

    private let bucket: String
    private let prefix: String
    private let settings: S3Settings
    private let caller: SignedCaller
    private let pace: Pace
    private let isGivenUp = Atomic<Bool>(false)
    /// When `FORMAT` was last seen; 0: not yet.
    private let judgedAt = Atomic<UInt64>(0)
    private let random: any RandomSource

    package var place: String { "s3://\(bucket)/\(prefix)" }
    package var address: String { "\(settings.endpoint)/\(bucket)/\(prefix)" }

    /// One page of names at most.
    private static let namesMax = 1_000
    private static let errorCodeCharactersMax = 64
    /// What is put between two looks may lie in another bucket.
    private static let judgeMilliseconds: UInt64 = 1_000

    package init(
        bucket: String, prefix: String, _ settings: S3Settings, pace: Pace = Pace(),
        bounds: SignedCaller.Bounds = SignedCaller.Bounds(), random: any RandomSource = SystemRandom()
    ) throws(StoreFailure) {
        self.bucket = bucket
        self.prefix = prefix
        self.settings = settings
        self.pace = pace
        self.random = random
        do {
            caller = try SignedCaller(
                baseURL: settings.endpoint, region: settings.region, service: "s3", authorities: settings.authorities,
                bounds: bounds)
        } catch {
            throw .away("\(error)")
        }
    }

    package func giveUp() {
        isGivenUp.store(true, ordering: .releasing)
        caller.giveUp()
    }

    // MARK: Objects

    /// Throws where the bucket has no `FORMAT`.
    private func judgeRoot() throws(StoreFailure) {
        guard try get(ArchivePlace.format) != nil else {
            judgedAt.store(0, ordering: .relaxed)
            throw .away("\(place) has no \(ArchivePlace.format): what was there is not there now")
        }
        judgedAt.store(monotonicMilliseconds(), ordering: .relaxed)
    }

    package func put(_ name: String, _ bytes: [UInt8]) throws(StoreFailure) -> Bool {
        guard name != ArchivePlace.format else { return try write(name, bytes) }
        if judgedAt.load(ordering: .relaxed) == 0 { try judgeRoot() }
        let wasThere = try write(name, bytes)
        // It may have gone meanwhile.
        if monotonicMilliseconds() - judgedAt.load(ordering: .relaxed) > Self.judgeMilliseconds { try judgeRoot() }
        return wasThere
    }

    private func write(_ name: String, _ bytes: [UInt8]) throws(StoreFailure) -> Bool {
        let sum = Base64.encode(SHA256.hash(bytes).bytes)
        let answer = try call(
            "PUT", try path(name),
            headers: [
                ("Content-Type", "application/octet-stream"), ("x-amz-checksum-sha256", sum),
                // An object has one content: what is there is what would be written.
                ("If-None-Match", "*"),
            ], body: bytes, accepting: [412])
        guard answer.status == 412 else { return false }
        if try get(name) == bytes { return true }
        // Damaged, or half of it: it is written anew.
        _ = try call("PUT", try path(name), headers: [("x-amz-checksum-sha256", sum)], body: bytes)
        return false
    }

    package func get(_ name: String) throws(StoreFailure) -> [UInt8]? {
        let answer = try call("GET", try path(name), accepting: [404]) { answer in
            // A body that was cut shows by its length; one that was changed does not, and its seal does not open.
            guard answer.status == 200, let length = answer.header("Content-Length") else { return true }
            return Int(length) == answer.body.count
        }
        if answer.status == 404 {
            let code = Self.code(of: answer)
            if code == "NoSuchKey" {
                if name != ArchivePlace.format { try judgeRoot() }
                return nil
            }
            if code == "NoSuchBucket" { throw .refused(code) }
            // Whatever stands before the store says 404 too, while the store is away.
            throw .away(code.isEmpty ? "status 404" : code)
        }
        return answer.body
    }

    package func remove(_ name: String) throws(StoreFailure) {
        _ = try call("DELETE", try path(name), accepting: [404])
        try judgeRoot()
    }

    package func objects(_ start: String, after: String) throws(StoreFailure) -> [StoredObject] {
        // In the order of the names: as sent is as signed.
        var query = "list-type=2&max-keys=\(Self.namesMax)&prefix=\(Self.escaped(prefix + start))"
        if !after.isEmpty { query += "&start-after=\(Self.escaped(prefix + after))" }
        let answer = try call("GET", "/\(bucket)", query: query) { Self.isWhole($0.body) }
        let text = String(decoding: answer.body, as: UTF8.self)
        var found: [String: StoredObject] = [:]
        for entry in Self.texts(of: "Contents", in: text) {
            guard let key = Self.texts(of: "Key", in: entry).first, key.hasPrefix(prefix) else { continue }
            let name = String(key.dropFirst(prefix.count))
            // Servers that do not know `start-after`, or mind neither order nor prefix, are seen through.
            guard name > after, name.hasPrefix(start), ArchivePlace.isName(name) else { continue }
            found[name] = StoredObject(
                name: name, bytes: try Self.size(of: name, in: entry),
                writtenAt: Self.texts(of: "LastModified", in: entry).first.flatMap { Timestamp(parsing: $0) })
        }
        if found.isEmpty { try judgeRoot() }
        return found.values.sorted { $0.name < $1.name }
    }

    private func path(_ name: String) throws(StoreFailure) -> String {
        guard ArchivePlace.isName(name) || name == ArchivePlace.format else { throw .refused("\(name) is no name") }
        return "/\(bucket)/\(prefix)\(name)"
    }

    private static func escaped(_ text: String) -> String { text.replacing("/", with: "%2F") }

    /// What a list says of an object; 0 where it says nothing.
    private static func size(of name: String, in entry: String) throws(StoreFailure) -> Int64 {
        guard let text = texts(of: "Size", in: entry).first else { return 0 }
        guard let bytes = Int64(text), 0...StoredObject.bytesMax ~= bytes else {
            throw .damaged("its list gives \(name) a size that no object has")
        }
        return bytes
    }

    /// The list came to its end.
    private static func isWhole(_ body: [UInt8]) -> Bool {
        String(decoding: body.suffix(64), as: UTF8.self).contains("</ListBucketResult>")
    }

    /// Names have nothing that XML escapes.
    private static func texts(of element: String, in text: String) -> [String] {
        text.components(separatedBy: "<\(element)>").dropFirst().compactMap { part in
            part.range(of: "</\(element)>").map { String(part[..<$0.lowerBound]) }
        }
    }

    // MARK: Calls

    private func call(
        _ method: String, _ path: String, query: String = "", headers: [(String, String)] = [], body: [UInt8] = [],
        accepting others: Set<Int> = [], isWhole: (HTTPClientResponse) -> Bool = { _ in true }
    ) throws(StoreFailure) -> HTTPClientResponse {
        let digest = Hex.encode(SHA256.hash(body).bytes)
        var failure = StoreFailure.givenUp
        for attempt in 0..<pace.attemptsMax {
            if attempt > 0 { pause(attempt) }
            if isGivenUp.load(ordering: .acquiring) { throw .givenUp }
            let answer: HTTPClientResponse
            do throws(HTTPClientError) {
                answer = try caller.send(
                    method: method, path: path, query: query, headers: headers, body: body, bodyDigest: digest,
                    as: settings.credentials)
            } catch {
                switch error {
                case .unreachable, .timedOut, .broken, .untrusted: failure = .away("\(error)")
                case .invalidRequest, .addressNotAllowed, .responseTooLong, .file: throw .refused("\(error)")
                }
                continue
            }
            if answer.isSuccess || others.contains(answer.status) {
                if isWhole(answer) { return answer }
                failure = .away("an answer was cut")
                continue
            }
            failure = Self.failure(answer)
            if case .refused = failure { throw failure }
        }
        throw failure
    }

    private static func failure(_ answer: HTTPClientResponse) -> StoreFailure {
        let code = code(of: answer)
        let text = code.isEmpty ? "status \(answer.status)" : "\(answer.status) \(code)"
        // What was damaged on its way is sent again.
        let again = [
            "BadDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch", "IncompleteBody",
            "RequestTimeout", "SlowDown", "OperationAborted", "RequestTimeTooSkewed", "InvalidDigest",
        ]
        if answer.status >= 500 || [408, 409, 425, 429].contains(answer.status) || again.contains(code) {
            return .away(text)
        }
        return .refused(text)
    }

    /// Its code alone: what else an error says may repeat what was signed.
    private static func code(of answer: HTTPClientResponse) -> String {
        let text = String(decoding: answer.body.prefix(4_096), as: UTF8.self)
        let code = texts(of: "Code", in: text).first ?? ""
        return String(code.prefix(errorCodeCharactersMax)).filter { $0.isLetter || $0.isNumber }
    }

    /// Longer each time, and never the same for two who failed together.
    private func pause(_ attempt: Int) {
        let full = min(pace.pauseMillisecondsMax, pace.pauseMilliseconds << min(attempt - 1, 16))
        var left = full / 2 + Int(random.uint64() % UInt64(full / 2 + 1))
        while left > 0, !isGivenUp.load(ordering: .acquiring) {
            let step = min(left, 100)
            usleep(UInt32(step) * 1_000)
            left -= step
        }
    }
}
