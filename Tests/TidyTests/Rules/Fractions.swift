/// Binary fractions, which cannot hold money (0006).
enum Fractions {
    private static let types: Set<String> = [
        "Double", "Float", "Float16", "Float32", "Float64", "Float80", "CGFloat", "CDouble", "CFloat", "NSNumber",
        "TimeInterval",
    ]
    private static let columns: Set<Substring> = ["REAL", "FLOAT", "DOUBLE", "NUMERIC", "DECIMAL"]

    static func inCode(_ file: SourceFile) -> [Violation] {
        file.tokens.filter { $0.kind == .word && types.contains($0.text) }
            .map { Violation(file.path, $0.line, $0.text, "money is a whole number of micros") }
    }

    /// Columns of tables, in any statement.
    static func inTables(_ file: SourceFile) -> [Violation] {
        file.tokens.filter { $0.kind == .string && $0.text.contains("CREATE TABLE") }.flatMap { token in
            token.text.split { !$0.isLetter && $0 != "_" }.filter { columns.contains($0) }
                .map { Violation(file.path, token.line, String($0), "money is a whole number of micros") }
        }
    }
}
