import CCurl
import HTTPCore

/// An easy handle that sends one webhook after the other. Connections, sessions and addresses belong to the caller's
/// multi handle and shares. One thread.
final class WebhookHandle {
    private static let agent = "Tollgate"
    /// Libcurl's buffers, of which a handle that waits for an answer holds one.
    private static let receiveBytes = 4 << 10
    private static let sendBytes = 16 << 10

    let easy: EasyHandle
    private let answer = WebhookAnswer()
    private(set) var call: WebhookCall?
    private var then: WebhookCaller.Then?
    private(set) var startedAt: Int64 = 0
    private var body = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 0)

    init(authorities: String?) throws(HTTPClientError) {
        easy = try EasyHandle(answer, addressRule: .publicOnly)
        try easy.set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        try easy.set(CURLOPT_USERAGENT, Self.agent)
        try easy.set(CURLOPT_PATH_AS_IS, 1)
        try easy.set(CURLOPT_POST, 1)
        try easy.set(CURLOPT_BUFFERSIZE, Self.receiveBytes)
        try easy.set(CURLOPT_UPLOAD_BUFFERSIZE, Self.sendBytes)
        // Cookies, HSTS, Alt-Svc and .netrc are off in libcurl unless they are asked for: nothing that a receiver
        // answers changes how it or another is called.
        try easy.set(CURLOPT_QUICK_EXIT, 1)
        // With a folder beside the file libcurl would read both anew for every connection.
        try easy.forget(CURLOPT_CAPATH)
        if let authorities { try easy.set(CURLOPT_CAINFO, authorities) }
    }

    deinit { body.deallocate() }

    /// Takes the next call; addresses and times are set when they are known.
    func take(_ call: WebhookCall, startedAt: Int64, then: @escaping WebhookCaller.Then) throws(HTTPClientError) {
        self.call = call
        self.then = then
        self.startedAt = startedAt
        answer.startAnew()
        easy.startAnew()
        easy.addressRule = call.addressRule
        try easy.set(CURLOPT_URL, call.url)
        try easy.set(CURLOPT_FRESH_CONNECT, call.reuses ? 0 : 1)
        try easy.set(CURLOPT_FORBID_REUSE, call.keeps ? 0 : 1)
        try keep(call.body)
        try easy.addHeader("Expect:")
        // Nothing is to be unpacked: what is read is what came.
        try easy.addHeader("Accept-Encoding:")
        for line in call.headers { try easy.addHeader(line) }
        try easy.prepare()
    }

    private func keep(_ bytes: [UInt8]) throws(HTTPClientError) {
        if body.count < bytes.count {
            body.deallocate()
            body = .allocate(capacity: bytes.count)
        }
        _ = body.update(fromContentsOf: bytes)
        try easy.set(CURLOPT_POSTFIELDSIZE_LARGE, offset: Int64(bytes.count))
        try easy.set(CURLOPT_POSTFIELDS, UnsafeMutableRawPointer(body.baseAddress))
    }

    func limit(now: Int64) throws(HTTPClientError) {
        let spent = now - startedAt
        try easy.set(CURLOPT_TIMEOUT_MS, Int(max(1, WebhookCall.attemptMilliseconds - spent)))
        try easy.set(CURLOPT_CONNECTTIMEOUT_MS, Int(max(1, WebhookCall.connectMilliseconds - spent)))
    }

    /// Hands the result over; the handle is free again.
    func finish(_ ending: WebhookResult.Ending, now: Int64) {
        let result = WebhookResult(
            ending, milliseconds: Int(now - startedAt), address: easy.address, retryAfter: answer.retryAfter,
            excerpt: answer.excerpt)
        let then = then
        self.then = nil
        call = nil
        then?(result)
    }

    /// What libcurl's code says of this attempt.
    func ending(_ code: CURLcode) -> WebhookResult.Ending {
        if easy.metForbiddenAddress { return .addressRefused }
        if easy.lackedSocket { return .interrupted }
        if answer.isHeadTooLong { return .tooLong }
        // What was read suffices: the status is known, and the rest is not wanted.
        if answer.isCut { return .answered(status: answer.status) }
        return switch code {
        case CURLE_OK: .answered(status: answer.status)
        case CURLE_COULDNT_RESOLVE_HOST: .dns
        case CURLE_COULDNT_CONNECT: .refused
        case CURLE_OPERATION_TIMEDOUT: .timedOut
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
            CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_CLIENTCERT:
            .tls
        case CURLE_GOT_NOTHING, CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_PARTIAL_FILE, CURLE_SEND_FAIL_REWIND:
            .reset
        case CURLE_OUT_OF_MEMORY, CURLE_FAILED_INIT, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ENGINE_INITFAILED:
            .interrupted
        default: .unreadable
        }
    }
}

/// What is kept of the answer to one call. One thread.
private final class WebhookAnswer: Transfer {
    private static let retryAfterBytesMax = 64

    private(set) var status = 0
    private(set) var isHeadTooLong = false
    /// The empty line behind the head has come; those of interim answers (1xx) do not count.
    private var isHeadRead = false
    /// Enough of the body was read.
    private(set) var isCut = false
    private(set) var retryAfter: String?
    private(set) var excerpt: [UInt8] = []
    private var headBytes = 0
    private var bodyBytes = 0

    func startAnew() {
        status = 0
        isHeadTooLong = false
        isHeadRead = false
        isCut = false
        retryAfter = nil
        excerpt = []
        headBytes = 0
        bodyBytes = 0
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int? { nil }

    func receive(headLine line: UnsafeRawBufferPointer) -> Bool {
        headBytes += line.count
        if headBytes > WebhookCall.headBytesMax {
            isHeadTooLong = true
            return false
        }
        // What comes behind the body is no head, whatever it looks like.
        if isHeadRead { return true }
        if line.starts(with: "HTTP/".utf8) {
            status = Self.status(line)
            retryAfter = nil
        } else if line.allSatisfy({ $0 == 0x0D || $0 == 0x0A }) {
            isHeadRead = status >= 200
        } else if retryAfter == nil, let value = Self.retryAfter(line) {
            retryAfter = value
        }
        return true
    }

    func receive(body bytes: UnsafeRawBufferPointer) -> Bool {
        bodyBytes += bytes.count
        let room = WebhookCall.excerptBytesMax - excerpt.count
        if room > 0 { excerpt += bytes.prefix(room) }
        isCut = bodyBytes > WebhookCall.answerBytesMax
        return !isCut
    }

    private static func status(_ line: UnsafeRawBufferPointer) -> Int {
        let digits = line.drop { $0 != 0x20 }.dropFirst().prefix(3)
        guard digits.count == 3, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return 0 }
        return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }

    private static let retryAfterName = Array("retry-after:".utf8)

    private static func retryAfter(_ line: UnsafeRawBufferPointer) -> String? {
        let name = line.prefix(retryAfterName.count)
        guard name.count == retryAfterName.count, zip(name, retryAfterName).allSatisfy({ $0 | 0x20 == $1 || $0 == $1 })
        else { return nil }
        var value = line.dropFirst(retryAfterName.count)
        while let last = value.last, last <= 0x20 { value = value.dropLast() }
        while let first = value.first, first <= 0x20 { value = value.dropFirst() }
        guard 1...retryAfterBytesMax ~= value.count, value.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else { return nil }
        return String(decoding: value, as: UTF8.self)
    }
}
