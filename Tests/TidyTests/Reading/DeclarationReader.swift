/// Finds what a file declares, and where each declaration's braces end.
struct DeclarationReader {
    private enum Scope {
        case type(String)
        /// A body of code, of a declaration or of a closure; its declaration's place where it has one.
        case code(Int?)
    }

    private static let modifiers: Set<String> = [
        "package", "private", "fileprivate", "public", "internal", "open", "static", "class", "final", "mutating",
        "nonmutating", "consuming", "borrowing", "lazy", "weak", "unowned", "override", "convenience", "required",
        "indirect", "nonisolated", "prefix", "postfix", "infix",
    ]

    /// What `class` may stand before.
    private static let keywords: Set<String> = ["func", "var", "let", "subscript"]

    private let tokens: [Token]
    private var found: [Declaration] = []
    private var scopes: [(scope: Scope, declaration: Int?)] = []
    /// The declaration whose brace may come next, and how deep in parentheses it stands.
    private var waiting: (declaration: Int?, scope: Scope, depth: Int)?
    private var depth = 0

    /// `openBraces` is zero where the file was read rightly.
    static func read(_ tokens: [Token]) -> (declarations: [Declaration], openBraces: Int) {
        var reader = DeclarationReader(tokens: tokens)
        reader.read()
        return (reader.found, reader.scopes.count + abs(reader.depth))
    }

    private init(tokens: [Token]) {
        self.tokens = tokens
    }

    private mutating func read() {
        for index in tokens.indices {
            let token = tokens[index]
            switch token.kind {
            case .mark: readMark(token)
            case .word where !(index > 0 && tokens[index - 1].text == "." && tokens[index - 1].kind == .mark):
                readKeyword(token.text, index)
            default: break
            }
        }
    }

    private mutating func readMark(_ token: Token) {
        switch token.text {
        case "(", "[": depth += 1
        case ")", "]": depth -= 1
        case "{":
            if let waiting, waiting.depth == depth {
                scopes.append((waiting.scope, waiting.declaration))
                self.waiting = nil
            } else {
                scopes.append((.code(nil), nil))
            }
        case "}":
            guard let closed = scopes.popLast() else { return }
            if let declaration = closed.declaration { found[declaration].lastLine = token.line }
        default: break
        }
    }

    private mutating func readKeyword(_ word: String, _ index: Int) {
        switch word {
        case "struct", "enum", "protocol", "actor", "class":
            guard let name = self.word(index + 1), !Self.modifiers.contains(name), !Self.keywords.contains(name) else {
                return
            }
            declare(.type, name, index)
            waiting = (found.count - 1, .type(name), depth)
        case "extension":
            guard let name = self.word(index + 1) else { return }
            var last = name
            var place = index + 2
            while place + 1 < tokens.count, tokens[place].text == ".", let part = self.word(place + 1) {
                last = part
                place += 2
            }
            waiting = (nil, .type(last), depth)
        case "typealias", "associatedtype":
            if let name = self.word(index + 1) { declare(.type, name, index) }
        case "func":
            guard index + 1 < tokens.count else { return }
            declare(.function, tokens[index + 1].text, index)
            waiting = (found.count - 1, .code(found.count - 1), depth)
        case "init", "deinit", "subscript":
            guard !isInCode, index + 1 < tokens.count, "(?!<{".contains(tokens[index + 1].text) else { return }
            declare(.initialiser, word, index)
            waiting = (found.count - 1, .code(found.count - 1), depth)
        case "var", "let":
            guard !isInCode, let name = self.word(index + 1) else { return }
            declare(.property, name, index)
            waiting = (found.count - 1, .code(found.count - 1), depth)
        default: break
        }
    }

    private func word(_ index: Int) -> String? {
        index < tokens.count && tokens[index].kind == .word ? tokens[index].text : nil
    }

    private var isInCode: Bool {
        scopes.contains { if case .code = $0.scope { true } else { false } }
    }

    private mutating func declare(_ kind: Declaration.Kind, _ name: String, _ index: Int) {
        var isPrivate = false
        var before = index - 1
        while before >= 0 {
            let text = tokens[before].text
            if text == ")" || text == "(" || text == "set" || text == "unsafe" {
                before -= 1
            } else if Self.modifiers.contains(text) {
                if text == "private" || text == "fileprivate", tokens[before + 1].text != "(" { isPrivate = true }
                before -= 1
            } else {
                break
            }
        }
        let owner = scopes.compactMap { scope -> String? in
            if case .type(let name) = scope.scope { name } else { nil }
        }
        found.append(
            Declaration(
                kind: kind, name: name, line: tokens[index].line, lastLine: tokens[index].line, owner: owner,
                isPrivate: isPrivate, isLocal: isInCode))
    }
}
