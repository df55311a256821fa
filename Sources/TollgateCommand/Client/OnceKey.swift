import CallKit
import Cryptography
import HTTPClient

/// Calls that are done once, however often they are sent (G4): each has an Idempotency-Key. Where nobody knows what
/// became of a call, or its answer could not be shown, the message names the key under which to ask again.
enum OnceKey {
    static let option = Option(
        "--idempotency-key", "KEY", "Under which the same call again does nothing more (a new one)")
    static let note =
        "Where no answer came or was shown, the message names the key: the same line with --idempotency-key KEY does "
        + "nothing twice."

    /// Makes the call and shows its answer. A reader that has gone has seen enough: what was asked for is done.
    static func send(
        _ invocation: Invocation, _ call: ((String, String)) throws(CommandFailure) -> HTTPClientResponse,
        show: (HTTPClientResponse) throws(CommandFailure) -> Void
    ) throws(CommandFailure) {
        let key = try key(invocation)
        let askAgain = "to ask again, say \(option.name) \(key)"
        let answer: HTTPClientResponse
        do {
            answer = try call(("Idempotency-Key", key))
        } catch {
            throw error.isRefusal ? error : error.adding(askAgain)
        }
        do {
            try show(answer)
        } catch {
            if case .readerGone = error { throw error }
            throw error.losing("it is done; to see the answer again: \(option.name) \(key)") ?? error.adding(askAgain)
        }
    }

    /// The one that was given, or a new one.
    private static func key(_ invocation: Invocation) throws(CommandFailure) -> String {
        guard let given = invocation.text(option.name) else { return Hex.encode(SystemRandom().bytes(16)) }
        guard let bare = IdempotencyKey(given)?.text else {
            throw .usage("\(option.name) takes 1 to 255 printable characters, no spaces or quotes")
        }
        return bare
    }
}
