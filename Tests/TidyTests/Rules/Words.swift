/// Words that have no place in the repository, and sentences without a head.
enum Words {
    /// Notes to oneself, and papers, tools and paths that stand outside the repository.
    private static let banned = ["TODO", "FIXME", "XXX", "CONTRACT ", "DESIGN ", "HOUSE", "STYLE", "seed 00"]

    /// Sentences that a native reader stumbles over, as far as their words give them away.
    private static let headless = [
        "that there is not", "that there are not", "which there is not", "has it so", "have it so", "is one that there",
        "What is not of", "Who changes ", "Whoever changes ",
    ]

    static func banned(_ path: String, _ lines: [Substring]) -> [Violation] {
        var found: [Violation] = []
        for (index, line) in lines.enumerated() {
            let words =
                line.utf8.withContiguousStorageIfAvailable(Self.banned(in:)) ?? Self.banned(in: Array(line.utf8))
            for word in words { found.append(Violation(path, index + 1, word, "a word that has no place here")) }
        }
        return found
    }

    private static func banned(in line: some RandomAccessCollection<UInt8>) -> [String] {
        var found: [String] = []
        var before: UInt8 = 0
        for index in line.indices {
            let byte = line[index]
            // Most bytes begin none of the words, and none of the words begins inside another.
            if beginnings.contains(byte), !isLetter(before) {
                for word in banned where word.utf8.first == byte && stands(word, at: index, in: line) {
                    found.append(word)
                }
            }
            before = byte
        }
        return found
    }

    private static let beginnings = Set(banned.compactMap(\.utf8.first))

    /// By itself, not as a part of another word.
    private static func stands<Line: RandomAccessCollection<UInt8>>(_ word: String, at index: Line.Index, in line: Line)
        -> Bool
    {
        var rest = line[index...]
        for byte in word.utf8 where rest.popFirst() != byte { return false }
        return isBeginning(word) || !rest.prefix(1).contains(where: isWord)
    }

    /// What may go on: `CONTRACT W4`, `seed 004`.
    private static func isBeginning(_ word: String) -> Bool { word.hasSuffix(" ") || word.hasSuffix("0") }

    private static func isLetter(_ byte: UInt8) -> Bool {
        UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
            || byte == UInt8(ascii: "-")
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        isLetter(byte) || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
    }

    /// Comments alone: what a program says is tested elsewhere.
    static func headless(_ file: SourceFile) -> [Violation] {
        file.comments.flatMap { comment in
            headless.filter { holds(comment.text, $0) }
                .map { Violation(file.path, comment.line, $0, "begin with the subject") }
        }
    }

    /// By bytes: searching by characters takes ten times as long.
    private static func holds(_ text: String, _ words: String) -> Bool {
        var rest = text.utf8[...]
        while let place = rest.firstIndex(of: words.utf8.first ?? 0) {
            if rest[place...].starts(with: words.utf8) { return true }
            rest = rest[rest.index(after: place)...]
        }
        return false
    }

    /// `try!` anywhere; `print` outside the command.
    static func code(_ file: SourceFile) -> [Violation] {
        var found: [Violation] = []
        for (token, next) in zip(file.tokens, file.tokens.dropFirst()) where token.kind == .word && next.kind == .mark {
            if token.text == "try", next.text == "!", file.lines[token.line - 1].contains("try!") {
                found.append(Violation(file.path, token.line, "try!", "an error has to be answered"))
            }
            if token.text == "print", next.text == "(", !file.path.hasPrefix("Sources/TollgateCommand/") {
                found.append(Violation(file.path, token.line, "print", "the command alone prints"))
            }
        }
        return found
    }

    /// `@unchecked Sendable` has a line above it that says who owns what.
    static func owners(_ file: SourceFile) -> [Violation] {
        let comments = Dictionary(file.comments.map { ($0.line, $0.text) }, uniquingKeysWith: { first, _ in first })
        var found: [Violation] = []
        for (token, next) in zip(file.tokens, file.tokens.dropFirst())
        where token.text == "unchecked" && next.text == "Sendable" && next.kind == .word {
            var line = token.line - 1
            var above = ""
            while let comment = comments[line] {
                above = comment + " " + above
                line -= 1
            }
            if !above.contains("`@unchecked Sendable`:") {
                found.append(
                    Violation(file.path, token.line, "@unchecked Sendable", "a line says which thread owns what"))
            }
        }
        return found
    }
}
