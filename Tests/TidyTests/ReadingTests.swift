import Testing

/// How Tidy tells code, comments and strings apart.
@Suite struct ReadingTests {
    private func words(_ text: String) -> [String] {
        SourceFile(path: "a.swift", text: text).tokens.filter { $0.kind == .word }.map(\.text)
    }

    @Test(
        "what is code and what is not",
        arguments: [
            ("a // b\nc", ["a", "c"]), ("a /* b /* c */ d */ e", ["a", "e"]), ("a \"b\" c", ["a", "c"]),
            (#"a "b \(c + "d \(e) f") g" h"#, ["a", "c", "e", "h"]), (#"a "\"b" c"#, ["a", "c"]),
            ("a #\"b \\(c) \" d\"# e", ["a", "e"]), ("a #\"b \\#(c)\"# e", ["a", "c", "e"]),
            ("a \"\"\"\nb \"c\" d\n\\(e)\n\"\"\" f", ["a", "e", "f"]), ("let a = /b[\"]c/; d", ["let", "a", "d"]),
            ("let a = #/b/c\"/#; d", ["let", "a", "d"]), ("a / b / c", ["a", "b", "c"]), ("`default`", ["default"]),
            ("f(/a\\/b/) g", ["f", "g"]),
        ])
    func told(text: String, code: [String]) {
        #expect(words(text) == code)
    }

    @Test("lines are counted through comments and strings")
    func lines() throws {
        let file = SourceFile(path: "a.swift", text: "/* 1\n2 */ a\n\"\"\"\n4 \\\n5\n\"\"\" + b // c\n")
        #expect(file.tokens.filter { $0.kind == .word }.map(\.line) == [2, 6])
        #expect(file.comments.map(\.line) == [1, 6])
        #expect(file.textLines == Set(3...6))
    }

    @Test("declarations have names, owners and ends")
    func declarations() {
        let text = """
            package struct Outer: Sendable {
                private static let table: [Int] = [1].map { $0 }
                var count: Int { get { 1 } }
                init(_ a: Int = { 1 }()) {
                    let local = a
                    func inner() {}
                }
                enum Inner { case a; class func make() {} }
            }
            extension A.B { subscript(a: Int) -> Int { a } }
            protocol P { func required(); var wanted: Int { get } }
            func free() {
            }
            """
        let file = SourceFile(path: "a.swift", text: text)
        #expect(file.openBraces == 0)
        let all = file.declarations
        #expect(
            all.map(\.name) == [
                "Outer", "table", "count", "init", "inner", "Inner", "make", "subscript", "P", "required", "wanted",
                "free",
            ])
        #expect(all.filter(\.isLocal).map(\.name) == ["inner"])
        #expect(all.filter(\.isPrivate).map(\.name) == ["table"])
        #expect(all.first { $0.name == "Outer" }?.lastLine == 9)
        #expect(all.first { $0.name == "make" }?.owner == ["Outer", "Inner"])
        #expect(all.first { $0.name == "subscript" }?.owner == ["B"])
        #expect(all.last?.lastLine == 13)
    }

    @Test("a brace that is never closed is noticed")
    func open() {
        #expect(SourceFile(path: "a.swift", text: "func a() { if b {").openBraces == 2)
        #expect(SourceFile(path: "a.swift", text: "f(a").openBraces == 1)
    }
}
