package import HTTPCore

/// A call to somebody else's service, tried again where it may be: what an `OutboundCaller` sends.
///
/// Each attempt is the same bytes, so it must be safe to arrive twice. A value: any thread.
package struct OutboundCall: Sendable {
    package enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
    }

    package var method = Method.post
    package var url: String
    package var headers: [(name: String, value: String)]
    /// Empty for a GET.
    package var body: [UInt8]
    package var addressRule = AddressRule.publicOnly
    package var connectMilliseconds = 3_000
    /// One attempt, from connecting to the answer's last byte.
    package var attemptMilliseconds = 5_000
    /// All attempts and the pauses between them, waiting for a turn included.
    package var totalMilliseconds = 12_000
    package var attemptsMax = 3
    /// Before the second attempt; twice as long before the third.
    package var pauseMilliseconds = 250
    package var answerBytesMax = 64 << 10

    /// One attempt that may take so long: who calls tries again by itself.
    package mutating func tryOnce(withinMilliseconds milliseconds: Int, connecting: Int) {
        attemptsMax = 1
        attemptMilliseconds = milliseconds
        connectMilliseconds = min(connecting, milliseconds)
    }

    package init(url: String, headers: [(name: String, value: String)], body: [UInt8]) {
        self.url = url
        self.headers = headers
        self.body = body
    }

    /// Nobody answered, the responder broke off, or the service said that the fault was its own. An address that may
    /// not be called is tried again like one that nobody has, so that the time does not tell them apart.
    static func isWorthAnother(_ result: Result<HTTPClientResponse, HTTPClientError>) -> Bool {
        switch result {
        case .success(let answer): answer.status >= 500
        case .failure(.unreachable), .failure(.addressNotAllowed), .failure(.timedOut), .failure(.broken): true
        case .failure: false
        }
    }
}
