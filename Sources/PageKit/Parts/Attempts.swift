package import HTML

/// Words for how an attempt at a webhook ended (H3).
package enum Outcome {
    package static func text(_ outcome: String) -> String { words[outcome] ?? outcome }

    /// What came back: the status, or the word for why there is none; nothing before the first attempt.
    package static func answer(_ outcome: String?, status: String?) -> HTML {
        guard let outcome else { return "" }
        guard let status else { return "\(text(outcome))" }
        return "<code>\(status)</code>\(if: outcome == "redirect" || outcome == "gone", " \(text(outcome))")"
    }

    private static let words = [
        "delivered": "delivered", "status": "answered with an error", "redirect": "a redirect, which is not followed",
        "gone": "gone for good", "dns": "its name leads nowhere", "refused": "connection refused",
        "reset": "connection reset", "tls": "no TLS", "timed_out": "timed out", "too_long": "answer too long",
        "address_refused": "address not allowed", "unreadable": "unreadable answer", "interrupted": "interrupted by us",
    ]
}

extension Strip {
    /// What the last attempts at an endpoint came to, oldest first: `delivered` or `failed` each.
    package static func attempts(_ recent: [String]) -> HTML {
        if recent.isEmpty { return #"<span class="sub">not called yet</span>"# }
        let failed = recent.count { $0 == "failed" }
        return Strip(
            recent.map { $0 == "delivered" ? .good : .bad },
            label: "Last \(recent.count): \(recent.count - failed) delivered, \(failed) failed"
        ).html
    }
}
