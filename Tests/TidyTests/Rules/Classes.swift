/// Classes of markup: one that the stylesheet does not know looks like nothing (0050).
enum Classes {
    private static let attribute = "class=\""

    /// The names behind a point in a stylesheet, its comments left out.
    static func known(in stylesheet: String) -> Set<String> {
        var names: Set<String> = []
        for rule in stylesheet.splitIntoLines() where !rule.hasPrefix("/*") {
            for piece in rule.split(separator: ".", omittingEmptySubsequences: false).dropFirst() {
                let name = piece.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
                if name.first?.isLetter ?? false { names.insert(String(name)) }
            }
        }
        return names
    }

    static func unknown(_ file: SourceFile, known: Set<String>) -> [Violation] {
        var found: [Violation] = []
        for token in file.tokens where token.kind == .string {
            let text = token.text.filter { $0 != "\\" }
            for piece in text.split(separator: attribute, omittingEmptySubsequences: false).dropFirst() {
                for name in piece.prefix(while: { $0 != "\"" }).split(separator: " ")
                where !known.contains(String(name)) {
                    found.append(Violation(file.path, token.line, String(name), "app.css does not know this class"))
                }
            }
        }
        return found
    }
}
