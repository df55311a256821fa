/// The body that goes out and the answer that comes in, for one request of HTTPClient. Lives on the caller's thread.
final class ClientTransfer: Transfer {
    /// What is kept of an answer that was to go to a file but is an error.
    static let errorBodyBytesMax = 1 << 20

    private(set) var status = 0
    private(set) var headers: [(name: String, value: String)] = []
    private(set) var body: [UInt8] = []
    /// What went wrong on our side, which libcurl knows only as "given up".
    private(set) var failure: HTTPClientError?

    private let requestBody: RequestBody
    private let source: FileSource?
    private let sink: ResponseSink
    private var target: FileTarget?
    /// The empty line behind the head has come; those of interim answers (1xx) do not count.
    private var isHeadRead = false
    private var sent = 0
    private var received: Int64 = 0

    init(body: RequestBody, sink: ResponseSink) throws(HTTPClientError) {
        requestBody = body
        self.sink = sink
        if case .file(let path) = body { source = try FileSource(path: path) } else { source = nil }
    }

    /// Bytes of the body; nil where there is none.
    var bodyLength: Int64? {
        switch requestBody {
        case .none: nil
        case .bytes(let bytes): Int64(bytes.count)
        case .file: source?.length
        }
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
        switch requestBody {
        case .none: return 0
        case .bytes(let bytes):
            let piece = bytes[sent..<min(sent + buffer.count, bytes.count)]
            buffer.copyBytes(from: piece)
            sent += piece.count
            return piece.count
        case .file(let path):
            do {
                let count = try source?.read(into: buffer) ?? 0
                sent += count
                // The length was announced: a body that ends before it would leave both sides waiting.
                if count == 0, sent < source?.length ?? 0 { throw HTTPClientError.file(path: path, reason: "was cut") }
                return count
            } catch {
                failure = error as? HTTPClientError
                return nil
            }
        }
    }

    func receive(headLine: UnsafeRawBufferPointer) -> Bool {
        // What comes behind the body is no head, whatever it looks like.
        if isHeadRead { return true }
        let line = String(decoding: headLine, as: UTF8.self).trimmed
        if line.isEmpty {
            isHeadRead = status >= 200
        } else if line.hasPrefix("HTTP/") {
            status = line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
            headers.removeAll()
        } else if let colon = line.firstIndex(of: ":") {
            headers.append((String(line[..<colon]), String(line[line.index(after: colon)...]).trimmed))
        }
        return true
    }

    func receive(body bytes: UnsafeRawBufferPointer) -> Bool {
        do {
            try take(bytes)
            return true
        } catch {
            failure = error
            return false
        }
    }

    /// The responder has ended well: a file gets its name, an empty one too.
    func finish() throws(HTTPClientError) -> HTTPClientResponse {
        if case .file(let path, _) = sink, isSuccess {
            try openTarget(path).finish()
        }
        return HTTPClientResponse(status: status, headers: headers, body: body)
    }

    private var isSuccess: Bool { (200..<300).contains(status) }

    private func take(_ bytes: UnsafeRawBufferPointer) throws(HTTPClientError) {
        switch sink {
        case .memory(let bytesMax): try keep(bytes, bytesMax: bytesMax)
        case .stream(let give):
            guard isSuccess else { return try keep(bytes, bytesMax: Self.errorBodyBytesMax) }
            do { try give(bytes) } catch { throw error as? HTTPClientError ?? .broken("\(error)") }
        case .file(let path, let progress):
            guard isSuccess else { return try keep(bytes, bytesMax: Self.errorBodyBytesMax) }
            try openTarget(path).write(bytes)
            received += Int64(bytes.count)
            progress?(received, headers.first { $0.name.lowercased() == "content-length" }.flatMap { Int64($0.value) })
        }
    }

    private func openTarget(_ path: String) throws(HTTPClientError) -> FileTarget {
        if let target { return target }
        let opened = try FileTarget(path: path)
        target = opened
        return opened
    }

    private func keep(_ bytes: UnsafeRawBufferPointer, bytesMax: Int) throws(HTTPClientError) {
        guard body.count + bytes.count <= bytesMax else { throw .responseTooLong(bytesMax: bytesMax) }
        body.append(contentsOf: bytes)
    }
}

extension String {
    fileprivate var trimmed: String {
        var text = self[...]
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
