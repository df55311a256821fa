import CCurl
import Synchronization

/// Calls to a server that wants them signed by AWS's Signature Version 4, one after the other on kept connections.
///
/// Credentials are in no error: libcurl is handed them and nobody else.
///
/// `@unchecked Sendable`: one thread calls and sets `bounds`; `giveUp`, an atomic alone, may come from any.
package final class SignedCaller: @unchecked Sendable {
    /// Who calls. Its text tells nothing.
    package struct Credentials: Sendable, CustomStringConvertible, CustomDebugStringConvertible {
        let accessKey: String
        let secretKey: String
        let sessionToken: String?

        /// Nil where one of them could not be sent.
        package init?(accessKey: String, secretKey: String, sessionToken: String? = nil) {
            guard !accessKey.isEmpty, !secretKey.isEmpty, accessKey.isPrintable, secretKey.isPrintable,
                !accessKey.contains(":"), sessionToken?.isPrintable != false
            else { return nil }
            self.accessKey = accessKey
            self.secretKey = secretKey
            self.sessionToken = sessionToken
        }

        package var description: String { "credentials" }
        package var debugDescription: String { description }
    }

    package struct Bounds: Sendable {
        package var connectMilliseconds = 5_000
        /// Of a whole call; a body of 8 MiB is through in it at 280 KiB/s.
        package var callMilliseconds = 30_000
        package var answerBytesMax = 64 << 20

        package init() {}
    }

    private let baseURL: String
    private let scope: String
    private let authorities: String?
    private let multi: UnsafeMutableRawPointer
    private let isGivenUp = Atomic<Bool>(false)
    package var bounds: Bounds

    /// `scope`: the region, and the service at it.
    package init(
        baseURL: String, region: String, service: String, authorities: String? = nil, bounds: Bounds = Bounds()
    ) throws(HTTPClientError) {
        guard CurlLibrary.isStarted, let multi = curl_multi_init() else { throw .broken("libcurl does not start") }
        self.baseURL = baseURL
        scope = "aws:amz:\(region):\(service)"
        self.authorities = authorities
        self.multi = multi
        self.bounds = bounds
    }

    deinit { curl_multi_cleanup(multi) }

    /// Whatever runs ends soon, and nothing begins any more. Any thread.
    package func giveUp() {
        isGivenUp.store(true, ordering: .releasing)
        curl_multi_wakeup(multi)
    }

    /// `path` and `query` as they go over the wire, percent-encoded; the query's fields in the order of their names:
    /// as sent is as signed. `bodyDigest`: SHA-256 of the body in hexadecimal.
    package func send(
        method: String, path: String, query: String = "", headers: [(String, String)] = [], body: [UInt8],
        bodyDigest: String, as credentials: Credentials
    ) throws(HTTPClientError) -> HTTPClientResponse {
        let transfer = try ClientTransfer(
            body: body.isEmpty && method != "PUT" ? .none : .bytes(body),
            sink: .memory(bytesMax: bounds.answerBytesMax))
        let easy = try EasyHandle(transfer)
        try easy.set(
            url: baseURL + path + (query.isEmpty ? "" : "?\(query)"), method: method, bodyLength: transfer.bodyLength)
        try easy.set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        try easy.set(CURLOPT_CONNECTTIMEOUT_MS, bounds.connectMilliseconds)
        try easy.set(CURLOPT_TIMEOUT_MS, bounds.callMilliseconds)
        try easy.set(CURLOPT_QUICK_EXIT, 1)
        if let authorities { try easy.set(CURLOPT_CAINFO, authorities) }
        try easy.set(CURLOPT_AWS_SIGV4, scope)
        try easy.set(CURLOPT_USERNAME, credentials.accessKey)
        try easy.set(CURLOPT_PASSWORD, credentials.secretKey)
        // Taken away as others are ("Expect:"), libcurl 7.88 signs it all the same.
        try easy.set(CURLOPT_EXPECT_100_TIMEOUT_MS, Self.expectMilliseconds)
        try easy.add("x-amz-content-sha256", bodyDigest)
        if let token = credentials.sessionToken { try easy.add("x-amz-security-token", token) }
        for (name, value) in headers { try easy.add(name, value) }
        try easy.prepare()
        do throws(HTTPClientError) {
            try easy.check(try run(easy))
        } catch {
            throw transfer.failure ?? error
        }
        return try transfer.finish()
    }

    private func run(_ easy: EasyHandle) throws(HTTPClientError) -> CURLcode {
        guard curl_multi_add_handle(multi, easy.pointer) == CURLM_OK else { throw .broken("no memory") }
        defer { curl_multi_remove_handle(multi, easy.pointer) }
        while !isGivenUp.load(ordering: .acquiring) {
            var left: Int32 = 0
            curl_multi_perform(multi, &left)
            var waiting: Int32 = 0
            while let message = curl_multi_info_read(multi, &waiting) {
                if message.pointee.msg == CURLMSG_DONE { return message.pointee.data.result }
            }
            curl_multi_poll(multi, nil, 0, Self.pollMilliseconds, nil)
        }
        throw .broken("it was given up")
    }

    private static let pollMilliseconds: Int32 = 1_000
    /// How long a server may take to say that it wants a large body.
    private static let expectMilliseconds = 200
}
