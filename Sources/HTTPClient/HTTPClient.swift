import CCurl

/// The command line's client: one request at a time, each on a connection of its own, to a server by its address or by
/// its socket file. Blocks the calling thread. Redirects are answers like others; certificates are always checked;
/// proxies from the environment are not used.
package struct HTTPClient: Sendable {
    package static let connectSecondsMax = 10

    private let baseURL: String
    private let unixSocketPath: String?
    private let bearer: String?
    private let timeoutSeconds: Int
    private let certificateAuthorityPath: String?

    /// `baseURL` is `http(s)://host[:port][/prefix]`; with a socket file its host only stands in the request.
    /// `timeoutSeconds` bounds a whole responder in memory, and the longest pause of one with a file.
    /// `certificateAuthorityPath` names the authorities to trust in place of the system's. Throws `invalidRequest`.
    package init(
        baseURL: String, unixSocketPath: String? = nil, bearer: String? = nil, timeoutSeconds: Int = 30,
        certificateAuthorityPath: String? = nil
    ) throws(HTTPClientError) {
        guard baseURL.hasPrefix("http://") || baseURL.hasPrefix("https://"), baseURL.isPrintable else {
            throw .invalidRequest("an address starts with http:// or https://")
        }
        // A password in the address would show in process lists and errors; ? and # would swallow the path.
        guard !baseURL.contains(where: { "@?#".contains($0) }) else {
            throw .invalidRequest("an address has neither user nor query")
        }
        if let bearer, !bearer.isPrintable || bearer.isEmpty { throw .invalidRequest("a key has no white space") }
        self.baseURL = baseURL.hasSuffix("/") ? String(baseURL.dropLast()) : baseURL
        self.unixSocketPath = unixSocketPath
        self.bearer = bearer
        self.timeoutSeconds = timeoutSeconds
        self.certificateAuthorityPath = certificateAuthorityPath
    }

    /// Sends a request and waits for its answer, of whatever status. `path` starts with `/` and may have a query, both
    /// percent-encoded.
    package func send(
        method: String, path: String, headers: [(String, String)] = [], body: RequestBody = .none,
        sink: ResponseSink = .memory(bytesMax: 16 << 20)
    ) throws(HTTPClientError) -> HTTPClientResponse {
        guard path.hasPrefix("/"), path.isPrintable, !path.contains("#") else {
            throw .invalidRequest("a path starts with / and is percent-encoded")
        }
        guard !method.isEmpty, method.utf8.allSatisfy({ $0 >= 0x41 && $0 <= 0x5A }) else {
            throw .invalidRequest("a method is in capitals")
        }
        let transfer = try ClientTransfer(body: body, sink: sink)
        let easy = try EasyHandle(transfer)
        try easy.set(url: baseURL + path, method: method, bodyLength: transfer.bodyLength)
        if let unixSocketPath { try easy.set(CURLOPT_UNIX_SOCKET_PATH, unixSocketPath) }
        if let certificateAuthorityPath { try easy.set(CURLOPT_CAINFO, certificateAuthorityPath) }
        try setTimeouts(easy, body, sink)
        for (name, value) in headers { try easy.add(name, value) }
        if let bearer { try easy.add("Authorization", "Bearer " + bearer) }
        do {
            try easy.perform()
        } catch {
            throw transfer.failure ?? error
        }
        return try transfer.finish()
    }

    private func setTimeouts(
        _ easy: EasyHandle, _ body: RequestBody, _ sink: ResponseSink
    ) throws(HTTPClientError) {
        try easy.set(CURLOPT_CONNECTTIMEOUT, min(timeoutSeconds, Self.connectSecondsMax))
        var isStreamed = false
        if case .file = body { isStreamed = true }
        switch sink {
        case .file, .stream: isStreamed = true
        case .memory: break
        }
        if isStreamed {
            // A large file takes as long as it takes, but it moves.
            try easy.set(CURLOPT_LOW_SPEED_LIMIT, 1)
            try easy.set(CURLOPT_LOW_SPEED_TIME, timeoutSeconds)
        } else {
            try easy.set(CURLOPT_TIMEOUT, timeoutSeconds)
        }
    }
}

extension String {
    /// 0x21 to 0x7E alone: nothing that could end a line or a word of the request.
    var isPrintable: Bool { utf8.allSatisfy { $0 >= 0x21 && $0 <= 0x7E } }
}
