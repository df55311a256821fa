/// Names that are declared in Sources and said nowhere else there.
enum DeadNames {
    /// What the language or a library calls by itself.
    private static let calledByOthers: Set<String> = ["description", "next", "makeIterator", "main", "body", "hash"]

    static func violations(_ files: [SourceFile]) -> [Violation] {
        var said: [String: Int] = [:]
        var declared: [String: Int] = [:]
        for file in files {
            for token in file.tokens where token.kind == .word { said[token.text, default: 0] += 1 }
            for declaration in file.declarations { declared[declaration.name, default: 0] += 1 }
        }
        return files.flatMap { file in
            file.declarations.filter { declaration in
                guard !declaration.isLocal, declaration.kind != .initialiser, let times = said[declaration.name] else {
                    return false
                }
                return times == declared[declaration.name] && !calledByOthers.contains(declaration.name)
            }.map { Violation(file.path, $0.line, $0.name, "named nowhere else in Sources") }
        }
    }
}
