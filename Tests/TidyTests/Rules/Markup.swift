/// Markup has no way in for a text but an interpolation, which escapes.
enum Markup {
    /// Outside its own target `HTML(…)` takes a literal, and nobody names the ways by which the compiler makes one.
    static func violations(_ file: SourceFile) -> [Violation] {
        let target = file.folders.dropFirst().first
        guard target != "HTML" else { return [] }
        var found = target == "PageKit" ? [] : bareControls(file)
        for (index, token) in file.tokens.enumerated() where token.kind == .word {
            switch token.text {
            case "stringLiteral", "stringInterpolation", "StringInterpolation", "appendLiteral", "appendInterpolation":
                found.append(Violation(file.path, token.line, token.text, "an HTML is written as a literal"))
            case "HTML":
                guard index + 1 < file.tokens.count, file.tokens[index + 1].text == "(" else { continue }
                var value = index + 2
                // A label and its colon.
                if value + 1 < file.tokens.count, file.tokens[value + 1].text == ":" { value += 2 }
                guard value < file.tokens.count, file.tokens[value].kind == .string else {
                    found.append(Violation(file.path, token.line, "HTML", "only a literal is markup"))
                    continue
                }
                if value > index + 2, file.tokens[value].isFilledIn {
                    found.append(
                        Violation(file.path, token.line, "HTML", "what is not escaped is a literal as it stands"))
                }
            default: break
            }
        }
        return found
    }

    /// Forms carry tokens, and inputs their labels: both are written in one place.
    private static func bareControls(_ file: SourceFile) -> [Violation] {
        let controls = ["form", "input", "select", "textarea", "button"]
        return file.tokens.filter { $0.kind == .string }.flatMap { token in
            controls.filter { token.text.contains("<\($0)") }
                .map { Violation(file.path, token.line, "<\($0)", "it is written by Form, Field or Button") }
        }
    }
}
