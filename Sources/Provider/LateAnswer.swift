import CallKit
import HTTPCore

/// An answer of an operation that spans the registry and a lane: whole, or streamed.
enum LateAnswer: Sendable {
    case whole(Answer)
    case stream(status: Int, headers: ResponseHeaders, body: any ResponseStream, length: Int?)
}
