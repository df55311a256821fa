/// How long a line, a function and a file may be.
enum Sizes {
    static let columnsMax = 120
    /// Of a line on which a text stands: a statement or a message may be wider than code.
    static let textColumnsMax = 160
    static let functionLinesMax = 70
    static let fileLinesMax = 500
    static let folderFilesMax = 22

    static func wideLines(_ path: String, _ lines: [Substring], texts: Set<Int> = []) -> [Violation] {
        lines.enumerated().compactMap { index, line in
            let most = texts.contains(index + 1) ? textColumnsMax : columnsMax
            // Counting bytes is quick; few lines are worth counting characters.
            guard line.utf8.count > most, line.count > most else { return nil }
            return Violation(path, index + 1, "columns", "\(line.count) columns, \(most) are allowed")
        }
    }

    static func longFile(_ path: String, _ lines: [Substring]) -> [Violation] {
        // The last line feed ends a line and begins none.
        let count = lines.last == "" ? lines.count - 1 : lines.count
        guard count > fileLinesMax else { return [] }
        return [Violation(path, count, "file", "\(count) lines, \(fileLinesMax) are allowed")]
    }

    /// Files of the folder itself, not of those within it.
    static func wideFolders(_ paths: [String]) -> [Violation] {
        Dictionary(grouping: paths) { $0.split(separator: "/").dropLast().joined(separator: "/") }
            .filter { $0.value.count > folderFilesMax }
            .map { Violation($0.key, 0, "folder", "\($0.value.count) files, \(folderFilesMax) are allowed") }
    }

    static func longFunctions(_ file: SourceFile) -> [Violation] {
        file.declarations.compactMap { declaration in
            let count = declaration.lastLine - declaration.line + 1
            guard declaration.kind != .type, count > functionLinesMax else { return nil }
            return Violation(
                file.path, declaration.line, declaration.name, "\(count) lines, \(functionLinesMax) are allowed")
        }
    }

    /// A function of Python ends where the next line stands no deeper than its `def`.
    static func longFunctions(python path: String, _ lines: [Substring]) -> [Violation] {
        var found: [Violation] = []
        var open: [(name: String, depth: Int, line: Int)] = []
        var last = 0
        func close(_ depth: Int) {
            while let function = open.last, function.depth >= depth {
                open.removeLast()
                let count = last - function.line + 1
                guard count > functionLinesMax else { continue }
                found.append(
                    Violation(path, function.line, function.name, "\(count) lines, \(functionLinesMax) are allowed"))
            }
        }
        for (index, line) in lines.enumerated() {
            let depth = line.prefix { $0 == " " }.count
            let text = line.dropFirst(depth)
            if text.isEmpty || text.hasPrefix("#") { continue }
            // What closes a bracket or a text belongs to what stands before.
            if !text.hasPrefix(")"), !text.hasPrefix("]"), !text.hasPrefix("}"), !text.hasPrefix("\"\"\"") {
                close(depth)
            }
            if text.hasPrefix("def ") {
                open.append((String(text.dropFirst(4).prefix { $0 != "(" }), depth, index + 1))
            }
            last = index + 1
        }
        close(0)
        return found
    }
}
