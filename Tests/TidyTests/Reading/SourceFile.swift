/// A Swift file as Tidy reads it: code as tokens, comments and strings apart. A value: any thread.
struct SourceFile: Sendable {
    /// Below the repository's root: `Sources/TenantApp/Orders/PlaceOrder.swift`.
    let path: String
    let lines: [Substring]
    let tokens: [Token]
    let comments: [Comment]
    let declarations: [Declaration]
    /// Braces and parentheses that were never closed: zero, or Tidy cannot read the file.
    let openBraces: Int

    init(path: String, text: String) {
        self.path = path
        lines = text.splitIntoLines()
        var reader = TokenReader(text)
        reader.read()
        tokens = reader.tokens
        comments = reader.comments
        (declarations, openBraces) = DeclarationReader.read(reader.tokens)
    }

    /// `PlaceOrder` of `Sources/TenantApp/Orders/PlaceOrder.swift`.
    var name: String { String(path.split(separator: "/").last?.dropLast(".swift".count) ?? "") }

    /// `["Sources", "TenantApp", "Orders"]`.
    var folders: [Substring] { path.split(separator: "/").dropLast() }

    /// The words of the code that name something of their own: not a member behind a point.
    func words(_ visit: (_ word: String, _ line: Int) -> Void) {
        var isMember = false
        for token in tokens {
            if token.kind == .word, !isMember { visit(token.text, token.line) }
            isMember = token.kind == .mark && token.text == "."
        }
    }

    /// The lines on which a string stands.
    var textLines: Set<Int> {
        var lines: Set<Int> = []
        for token in tokens where token.kind == .string { lines.formUnion(token.line...(token.lastLine ?? token.line)) }
        return lines
    }

    /// Whether a string of the file is a statement of SQL.
    var hasSQL: Bool {
        tokens.contains { token in
            guard token.kind == .string else { return false }
            let text = token.text.drop { $0 == " " || $0 == "\n" }
            return ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WITH ", "CREATE "].contains { text.hasPrefix($0) }
        }
    }
}

struct Token: Sendable, Equatable {
    enum Kind: Sendable {
        case word
        case number
        case mark
        /// A literal; `text` is what stands between the quotes, without what is interpolated.
        case string
        case pattern
    }

    let kind: Kind
    let text: String
    let line: Int
    /// A string with something interpolated.
    var isFilledIn = false
    /// The line on which a string ends, where that is another.
    var lastLine: Int?
}

struct Comment: Sendable, Equatable {
    /// Without the slashes and the space behind them.
    let text: String
    let line: Int
}

/// Something that has a name: a type, a function, a property.
struct Declaration: Sendable, Equatable {
    enum Kind: Sendable {
        case type
        case function
        case property
        case initialiser
    }

    let kind: Kind
    let name: String
    let line: Int
    /// The line of the closing brace; its own line where there is no body.
    var lastLine: Int
    /// The types around it, outermost first; none for what stands in the file itself.
    let owner: [String]
    let isPrivate: Bool
    /// Inside a function: nobody else can name it.
    let isLocal: Bool
}
