import RawHTTP
import Synchronization
import TenantRegistry
import TestTenants

/// A client with sockets, which keeps connections alive. It blocks on threads of its own.
package final class LiveClient: Client {
    private let port: UInt16
    private let idle = Mutex<[RawClient]>([])

    package init(port: UInt16) { self.port = port }

    package func send(_ request: TestRequest) async throws -> TestResponse {
        try await Self.onThread { [self] in
            let connection = try connection()
            try Self.send(request.headBytes(), connection)
            for piece in request.pieces(of: request.bodyBytes) { try Self.send(piece, connection) }
            return try answer(to: request, connection)
        }
    }

    package func begin(_ request: TestRequest, bodyBytes: Int) async throws -> any HeldRequest {
        try await Self.onThread { [self] in
            precondition(request.hasBody, "a body is held back, so there has to be one")
            let connection = try connection()
            try connection.send(request.headBytes(expectingContinue: true))
            // The gateway asks for the body once it has judged the head.
            let first = try connection.answer()
            guard first.status == 100 else {
                return LiveRequest(request, connection, self, unsent: [], answered: Self.response(first))
            }
            let body = request.bodyBytes
            try connection.send(Array(body.prefix(bodyBytes)))
            return LiveRequest(
                request, connection, self, unsent: Array(body.dropFirst(bodyBytes)), answered: nil)
        }
    }

    fileprivate static func onThread<Value: Sendable>(
        _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await handedOver { done in startThread("client") { done.resume(with: Result { try body() }) } }
    }

    private func connection() throws -> RawClient {
        try idle.withLock { $0.popLast() } ?? RawClient(port: port)
    }

    /// A gateway that has answered may take no more; its answer is there to be read.
    fileprivate static func send(_ bytes: [UInt8], _ connection: RawClient) throws {
        do { try connection.send(bytes) } catch RawClient.Failure.ended {}
    }

    fileprivate func answer(to request: TestRequest, _ connection: RawClient) throws -> TestResponse {
        let answer = try connection.answer(toHead: request.method == "HEAD")
        if answer.field("Connection") != "close" { idle.withLock { $0.append(connection) } }
        return Self.response(answer)
    }

    private static func response(_ answer: RawClient.Answer) -> TestResponse {
        // Behind the status line.
        let fields = answer.head.split(separator: "\r\n").dropFirst().joined(separator: "\r\n")
        return TestResponse(status: answer.status, head: fields, body: answer.body)
    }
}

private final class LiveRequest: HeldRequest {
    private let request: TestRequest
    private let connection: RawClient
    private let client: LiveClient
    private let unsent: [UInt8]
    private let answered: TestResponse?

    init(
        _ request: TestRequest, _ connection: RawClient, _ client: LiveClient, unsent: [UInt8],
        answered: TestResponse?
    ) {
        self.request = request
        self.connection = connection
        self.client = client
        self.unsent = unsent
        self.answered = answered
    }

    var isAnswered: Bool { answered != nil }

    func finish() async throws -> TestResponse {
        if let answered { return answered }
        return try await LiveClient.onThread { [self] in
            for piece in request.pieces(of: unsent) { try LiveClient.send(piece, connection) }
            return try client.answer(to: request, connection)
        }
    }

    /// As somebody does whose program ends.
    func abandon() async throws { connection.finishSending() }
}
