package import HTTPCore

extension Answer {
    /// An answer that shows a secret once: a replay of the call gives it without, with `already_shown`.
    /// `write` is told whether the secret is to be shown.
    package static func shownOnce(
        _ status: Int, _ write: (_ json: inout JSONWriter, _ isShown: Bool) throws -> Void
    ) rethrows -> Answer {
        var answer = try Answer.json(status) { json in try write(&json, true) }
        answer.replayBody = try JSONWriter.object { json in
            try write(&json, false)
            json.field("already_shown", true)
        }
        return answer
    }
}
