/// Why a call is refused: a code for programs and a sentence for people. A feature declares each code once, as a static
/// member in its file of refusals; rules compare the values, never their spelling.
package protocol Reason: Sendable, Equatable {
    var code: String { get }
    var text: String { get }
    /// The same reason in other words, for a call where the first ones would not fit.
    func saying(_ text: String) -> Self
}

/// 400: a query that the call does not take.
package struct BadQuery: Sendable, Equatable {
    package let code: String
    package let text: String
    /// As it was sent.
    package let parameter: String

    package init(_ code: String, _ text: String, parameter: String) {
        self.code = code
        self.text = text
        self.parameter = parameter
    }
}

/// 404: there is no such thing, or it is somebody else's.
package struct Missing: Sendable, Equatable {
    /// As the code and the sentence have it: `x_not_found`, "There is no such x."
    package let name: String
    /// Whether its name is a secret that somebody could guess at: misses are metered per address.
    package let isGuessable: Bool

    package init(_ name: String, isGuessable: Bool = false) {
        self.name = name
        self.isGuessable = isGuessable
    }

    package var code: String { "\(name)_not_found" }
    package var text: String { "There is no such \(name.replacing("_", with: " "))." }
}

/// 403: the caller is known, and may not do this.
package struct Forbidden: Reason {
    package let code: String
    package let text: String
    /// Where it may be done instead; nil for most.
    package let place: String?

    package init(_ code: String, _ text: String, place: String? = nil) {
        self.code = code
        self.text = text
        self.place = place
    }

    package func saying(_ text: String) -> Self { Self(code, text) }
}

/// 409: the state of things does not allow it; 412 where the caller named the state that it meant.
package struct Conflict: Reason {
    package let code: String
    package let text: String
    package let status: Int
    /// Of the field that names what is taken; nil for most.
    package let pointer: String?

    package init(_ code: String, _ text: String, status: Int = 409, pointer: String? = nil) {
        self.code = code
        self.text = text
        self.status = status
        self.pointer = pointer
    }

    package func saying(_ text: String) -> Self { Self(code, text, status: status, pointer: pointer) }
}

/// 422: well formed, and impossible for a reason with a code of its own.
package struct Unprocessable: Reason {
    package let code: String
    package let text: String
    /// Of the field whose value is to blame; nil where none is, or where calls name it in different ways.
    package let pointer: String?

    package init(_ code: String, _ text: String, pointer: String? = nil) {
        self.code = code
        self.text = text
        self.pointer = pointer
    }

    package func saying(_ text: String) -> Self { Self(code, text, pointer: pointer) }
    /// For calls that have the field.
    package func saying(_ text: String, pointer: String) -> Self { Self(code, text, pointer: pointer) }
}

/// 429: others wait for the same, and there are too many of them.
package struct Crowded: Sendable, Equatable {
    package let code: String
    package let text: String
    package let retryAfterSeconds: Int

    package init(_ code: String, _ text: String, retryAfterSeconds: Int) {
        self.code = code
        self.text = text
        self.retryAfterSeconds = retryAfterSeconds
    }
}

/// 503: nothing was done, and later it may be.
package struct Unavailable: Reason {
    package let code: String
    package let text: String
    package let retryAfterSeconds: Int

    package init(_ code: String, _ text: String, retryAfterSeconds: Int) {
        self.code = code
        self.text = text
        self.retryAfterSeconds = retryAfterSeconds
    }

    package func saying(_ text: String) -> Self { Self(code, text, retryAfterSeconds: retryAfterSeconds) }
    package func saying(_ text: String, retryAfterSeconds: Int) -> Self {
        Self(code, text, retryAfterSeconds: retryAfterSeconds)
    }
}
