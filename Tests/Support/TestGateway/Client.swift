/// A way to a gateway: tests are written once and run by each.
package enum Door: String, CaseIterable, Sendable, CustomStringConvertible {
    /// Heads and bodies are handed to the pipeline, answers taken out of it; there is no socket.
    case inProcess = "in process"
    /// A gateway that listens, and a client with sockets.
    case live

    package var description: String { rawValue }
}

/// Sends requests to one gateway. Any task.
package protocol Client: Sendable {
    /// Sends a request whole and waits for its answer.
    func send(_ request: TestRequest) async throws -> TestResponse
    /// Sends the head and so much of the body. When it returns, the gateway has judged the head and waits for the rest,
    /// or has answered.
    func begin(_ request: TestRequest, bodyBytes: Int) async throws -> any HeldRequest
}

/// A request whose body is not complete. One task drives it.
package protocol HeldRequest: Sendable {
    /// The gateway answered without the body.
    var isAnswered: Bool { get }
    /// Sends the rest and waits for the answer.
    func finish() async throws -> TestResponse
    /// The client goes.
    func abandon() async throws
}
