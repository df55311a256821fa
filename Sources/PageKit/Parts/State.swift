package import HTML

/// How good a state is. The stylesheet draws a shape for each, so that none is told by its colour alone.
package enum Tone: String, Sendable, CaseIterable {
    case good, warn, bad, info, quiet
}

/// A state by the API's own word, `past_due` as “past due”. A value: any thread.
package struct State: MarkupPart {
    package let html: HTML

    package init(_ word: String, tone: Tone? = nil) {
        let shown = word.replacing("_", with: " ")
        html = #"<span class="state \#((tone ?? Self.tone(of: word)).rawValue)">\#(shown)</span>"#
    }

    /// One state looks the same on all pages.
    static func tone(of word: String) -> Tone { tones.first { $0.words.contains(word) }?.tone ?? .quiet }

    private static let tones: [(tone: Tone, words: Set<String>)] = [
        (
            .good,
            [
                "active", "approved", "available", "completed", "confirmed", "credited", "delivered", "done", "enabled",
                "fulfilled", "healthy", "live", "matched", "ok", "paid", "provisioned", "sound",
            ]
        ),
        (
            .warn,
            [
                "disputed", "expiring", "failing", "in_review", "low", "past_due", "pending", "pending_approval",
                "pending_payment", "provisioning", "retrying", "rotating", "suspended", "throttled", "waiting",
                "waiting_approval",
            ]
        ),
        (.bad, ["broken", "dead", "denied", "disabled", "error", "failed", "refused", "rejected", "terminated"]),
        (.info, ["assigned", "draft", "new", "open", "queued", "redeemed", "running", "sandbox", "scheduled", "test"]),
    ]
}

/// What became of the last so many, oldest first. A value: any thread.
package struct Strip: MarkupPart {
    package let html: HTML

    package init(_ tones: [Tone], label: String) {
        html = """
            <span class="strip" role="img" aria-label="\(label)">\
            \(each: tones, { #"<i class="\#($0.rawValue)"></i>"# })</span>
            """
    }
}
