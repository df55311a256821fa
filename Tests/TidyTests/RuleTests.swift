import Testing

/// Each rule of Tidy, tried with what it must refuse and with what it must let pass.
@Suite struct RuleTests {
    private func file(_ text: String, _ path: String = "Sources/TenantApp/Orders/PlaceOrder.swift") -> SourceFile {
        SourceFile(path: path, text: text)
    }

    private func whats(_ violations: [Violation]) -> [String] { violations.map(\.what) }

    @Test("an allowance is counted: one too many is a complaint, and so is one too few")
    func allowances() {
        let two = [Violation("a.swift", 1, "x", ""), Violation("a.swift", 2, "x", "")]
        #expect(complaints(two).count == 2)
        #expect(complaints(two, [Allowance("a.swift", "x", "", times: 2)]) == [])
        #expect(complaints(two, [Allowance("a.swift", "x", "", times: 1)]).count == 2)
        #expect(complaints(two, [Allowance("a.swift", "x", "", times: 3)]).count == 1)
        #expect(complaints([], [Allowance("a.swift", "x", "")]).count == 1)
        #expect(complaints(two, [Allowance("b.swift", "x", "", times: 2)]).count == 3)
    }

    // MARK: kinds

    @Test(
        "the kind of a file is read from its name",
        arguments: [
            ("PlaceOrder", Kind.operation), ("OperatorAdmin+Orders", .wire), ("WholesaleOrders", .wire),
            ("ActivationPages", .pages), ("OrderCheck", .proof), ("Migration0001", .schema), ("Pricing", .value),
            ("SignUpUser", .operation), ("FieldReader+Keys", .wire),
        ])
    func kind(name: String, kind: Kind) {
        #expect(Kinds.kind(of: file("", "Sources/TenantApp/Orders/\(name).swift")) == kind)
    }

    @Test("a plural noun is a table where it has statements, and nothing that is known where it has none")
    func plural() {
        let path = "Sources/TenantApp/Orders/Refunds/Refunds.swift"
        #expect(Kinds.kind(of: file("let sql = \"SELECT 1\"", path)) == .table)
        #expect(whats(Kinds.violations(file("let sql = 1", path))) == ["Refunds"])
        #expect(whats(Kinds.violations(file("", "Sources/TenantApp/Orders/Stuff.swift"))) == ["Stuff"])
    }

    @Test(
        "a file names what its kind may",
        arguments: [
            ("PlaceOrder", "func run(_ call: Call) {}", ["Call"]),
            ("PlaceOrder", "let route = Route()", ["Route"]),
            ("PlaceOrder", "import SQLite", ["SQLite"]),
            ("PlaceOrder", "let sql = \"\"\"\n    SELECT 1\n    \"\"\"", ["SQL"]),
            ("Orders", "let sql = \"SELECT 1\"; let body: JSONWriter", ["JSONWriter"]),
            ("Orders", "let sql = \"SELECT 1\"; let schema: Schema", ["Schema"]),
            ("OrderPages", "import SQLite", ["SQLite"]),
            ("OrderCheck", "import SQLite\nlet sql = \"SELECT 1\"; let call: Call", ["Call"]),
            ("OperatorAdmin+Orders", "let route: Route; let call: Call; let body: JSONWriter", []),
            ("OperatorAdmin+Orders", "let sql = \"DELETE FROM orders\"", ["SQL"]),
            // Not the names, but what looks like them.
            ("PlaceOrder", "// Call, Route\nlet text = \"Call Route\"; x.Route(); let caller: Caller", []),
        ])
    func names(name: String, text: String, broken: [String]) {
        #expect(whats(Kinds.violations(file(text, "Sources/TenantApp/Orders/\(name).swift"))) == broken)
    }

    @Test(
        "a route that throws a conflict, or judges a book, is told; one that answers with a conflict is not",
        arguments: [
            ("OperatorAdmin+Orders", "guard isFree else { throw Refusal.conflict(.taken) }", ["conflict"]),
            ("OperatorAdmin+Orders", "try book.judgeWrite(to: order.book)", ["judgeWrite"]),
            ("OperatorAdmin+Orders", "return .keeping(.conflict(.taken)); case .conflict: 409", []),
            ("PlaceOrder", "try book.judgeWrite(to: book); throw Refusal.conflict(.taken)", []),
        ])
    func judging(name: String, text: String, broken: [String]) {
        #expect(whats(Kinds.judging(file(text, "Sources/TenantApp/Orders/\(name).swift"))) == broken)
    }

    // MARK: features and targets

    @Test("a feature that names one right of it is told, by type and by a member that it gives to others")
    func features() {
        let ledger = file(
            "struct Posting {}\nextension TenantReader { func balance() {} }", "Sources/TenantApp/Ledger/Ledger.swift")
        let order = "struct Order { let posting: Posting }"
        let right = file("\(order)\nlet a = tenant.balance()", "Sources/TenantApp/Orders/Orders.swift")
        #expect(Features.violations([ledger, right], below: []) == [])
        let left = file(
            "let a: Posting\nlet b = tenant.balance()", "Sources/TenantApp/Resellers/MoveReseller.swift")
        #expect(whats(Features.violations([ledger, left], below: [])) == ["Posting", "balance"])
        // A name that a target below has too says nothing.
        let kit = file("struct Posting {}\nfunc balance() {}", "Sources/CallKit/Call.swift")
        #expect(Features.violations([ledger, left], below: [kit]) == [])
        // The wire brings features together.
        let wire = file("let a: Posting", "Sources/TenantApp/Resellers/OperatorAdmin+Resellers.swift")
        #expect(Features.violations([ledger, wire], below: []) == [])
        #expect(whats(Features.violations([file("", "Sources/TenantApp/Nowhere/A.swift")], below: [])) == ["folder"])
    }

    private let targets = Targets(
        manifest: """
            targets: [system("CSQLite", nil), module("SQLite", ["CSQLite"]), module(
                "CallKit", ["SQLite"]), module("Gateway"), .executableTarget(
                    name: "Command", dependencies: [])]
            """)

    @Test("imports go up the manifest's list alone")
    func imports() {
        #expect(targets.names == ["CSQLite", "SQLite", "CallKit", "Gateway", "Command"])
        #expect(targets.upwardImports(file("package import SQLite\nimport Testing", "Sources/CallKit/A.swift")) == [])
        #expect(whats(targets.upwardImports(file("import CallKit", "Sources/SQLite/A.swift"))) == ["CallKit"])
        #expect(whats(targets.upwardImports(file("import CallKit", "Sources/CallKit/A.swift"))) == ["CallKit"])
        #expect(whats(targets.upwardImports(file("import SQLite", "Sources/Unknown/A.swift"))) == ["Unknown"])
        // A folder that is built into another target.
        #expect(targets.upwardImports(file("import CallKit", "Sources/Provider/A.swift")) == [])
    }

    @Test("a library in C has one importer")
    func libraries() {
        let first = file("import CSQLite", "Sources/SQLite/A.swift")
        #expect(targets.sharedLibraries([first, file("import CSQLite", "Sources/SQLite/B.swift")]) == [])
        let second = file("import CSQLite\nimport CallKit", "Sources/Gateway/A.swift")
        #expect(whats(targets.sharedLibraries([first, second])) == ["CSQLite"])
    }

    @Test("the framework names no product")
    func framework() {
        let product = file("struct PlaceOrder {}\nstruct Money {}")
        let kit = file("struct Money {}\nlet a: PlaceOrder\nlet b: Money", "Sources/CallKit/A.swift")
        #expect(whats(Targets.productNames(in: [kit], product: [product])) == ["PlaceOrder"])
    }

    // MARK: dead names

    @Test("a name that is declared and never said is dead; one that is said in an interpolation lives")
    func dead() {
        let text = """
            package struct Used { package var lives: Int { 1 }; package func dies() {}; package static let alsoDies = 2 }
            let used = Used()
            let text = "\\(used.lives) dies alsoDies"
            func run() { let local = text; _ = local; run() }
            """
        #expect(whats(DeadNames.violations([file(text)])) == ["dies", "alsoDies"])
        #expect(whats(DeadNames.violations([file("struct A {}\nextension A {}"), file("struct B {}")])) == ["B"])
    }

    // MARK: sizes

    @Test("a line of 121 columns is too wide; one of a text may have 160")
    func columns() {
        let wide = String(repeating: "é", count: 121)
        #expect(Sizes.wideLines("a", [Substring(wide.dropLast())]) == [])
        #expect(Sizes.wideLines("a", [Substring(wide)]).count == 1)
        let text = file("let a = \"\"\"\n\(wide)\n\"\"\"\n// \(wide)")
        #expect(Sizes.wideLines("a", text.lines, texts: text.textLines).map(\.line) == [4])
        #expect(Sizes.wideLines("a", [Substring(wide + wide)], texts: [1]).count == 1)
    }

    @Test("a function of 71 lines is too long, a computed property too; a type may be longer")
    func functions() {
        func body(_ head: String, _ lines: Int) -> String {
            "\(head) {\n" + String(repeating: "    _ = { 1 }\n", count: lines - 2) + "}\n"
        }
        #expect(Sizes.longFunctions(file(body("func short()", 70))) == [])
        #expect(
            whats(Sizes.longFunctions(file(body("func long(_ a: [Int] = [], b: () -> Void = {})", 71)))) == ["long"])
        #expect(whats(Sizes.longFunctions(file("struct A {\n\(body("var long: Int", 71))}"))) == ["long"])
        #expect(whats(Sizes.longFunctions(file("struct A {\n\(body("init?()", 71))}"))) == ["init"])
        #expect(Sizes.longFunctions(file("struct A {\n\(body("func a()", 60))\(body("func b()", 60))}")) == [])
    }

    @Test("a function of Python ends where its indentation does")
    func python() {
        func lines(_ count: Int) -> [Substring] {
            ["class A:", "    def long(", "    ):"] + Array(repeating: "        pass", count: count - 2) + [
                "", "x = 1",
            ]
        }
        #expect(Sizes.longFunctions(python: "a.py", lines(70)) == [])
        #expect(whats(Sizes.longFunctions(python: "a.py", lines(71))) == ["long"])
    }

    @Test("a file of 501 lines is too long")
    func files() {
        let lines = Array(repeating: Substring("x"), count: 500)
        #expect(Sizes.longFile("a", lines + [""]) == [])
        #expect(Sizes.longFile("a", lines + ["x", ""]).count == 1)
    }

    @Test("a folder of 23 files is too wide; what stands in folders within it counts there")
    func folders() {
        let paths = (1...22).map { "Sources/A/\($0).swift" }
        #expect(Sizes.wideFolders(paths + ["Sources/A/B/1.swift"]) == [])
        #expect(Sizes.wideFolders(paths + ["Sources/A/23.swift"]).map(\.path) == ["Sources/A"])
    }

    // MARK: words and markup

    @Test(
        "words that have no place here",
        arguments: [
            ("// TODO", ["TODO"]), ("let a = 1  // FIXME: b", ["FIXME"]), ("/// (CONTRACT W4)", ["CONTRACT "]),
            ("// see DESIGN 3", ["DESIGN "]), ("// seed 004", ["seed 00"]),
            ("// HOUSE §2", ["HOUSE"]), ("// WAREHOUSE, XXXX, ps-XXX, /workers, TODOS, DESIGNER", []),
        ])
    func banned(line: String, words: [String]) {
        #expect(whats(Words.banned("a", [Substring(line)])) == words)
    }

    @Test("try! is told, and print outside the command; not in texts and comments")
    func code() {
        #expect(whats(Words.code(file("let a = try! b()\nprint(a)"))) == ["try!", "print"])
        #expect(Words.code(file("print(1)", "Sources/TollgateCommand/main.swift")) == [])
        #expect(Words.code(file("// try! print(\nlet a = \"try! print(\"\nguard try !b() else {}")) == [])
    }

    @Test("an @unchecked Sendable without a line that says who owns what")
    func owners() {
        #expect(
            whats(Words.owners(file("/// A queue.\nfinal class A: @unchecked Sendable {}"))) == ["@unchecked Sendable"])
        let said =
            "/// A queue.\n/// `@unchecked Sendable`: the loop\n/// owns it.\nfinal class A: @unchecked Sendable {}"
        #expect(Words.owners(file(said)) == [])
    }

    @Test("a sentence without a head")
    func headless() {
        #expect(whats(Words.headless(file("/// A tenant that there is not."))) == ["that there is not"])
        #expect(Words.headless(file("/// There is no such tenant.\nlet a = \"that there is not\"")) == [])
    }

    @Test(
        "markup that is not a literal",
        arguments: [
            ("let a = HTML(text)", ["HTML"]), ("let a = HTML(raw: text)", ["HTML"]),
            ("let a = HTML(raw: \"<p>\\(text)\")", ["HTML"]), ("let a = HTML(\"<p>\")", []),
            ("let a = HTML(raw: \"<p>\")", []), ("let a: HTML = \"<p>\\(text)</p>\"", []),
            ("let a = HTML(stringLiteral: text)", ["HTML", "stringLiteral"]),
            ("extension HTML.StringInterpolation {}", ["StringInterpolation"]),
            ("let a: HTML = \"<form method=\\\"post\\\"></form>\"", ["<form"]),
            ("let a: HTML = \"<p>\\(x)<input></p>\"", ["<input"]),
        ])
    func markup(text: String, broken: [String]) {
        #expect(whats(Markup.violations(file(text))) == broken)
        #expect(Markup.violations(file(text, "Sources/HTML/HTML.swift")) == [])
    }

    @Test("a class that no rule of the stylesheet names")
    func classes() {
        let known = Classes.known(in: "/* .note */\n.a,.b-c:hover>.d2{margin:.5rem}p.e{x:y}")
        #expect(known == ["a", "b-c", "d2", "e"])
        let source = file("let a: HTML = #\"<p class=\"a d2 z\"></p><i class=\"e\">class</i>\"#")
        #expect(whats(Classes.unknown(source, known: known)) == ["z"])
    }

    @Test("a job of a lane outside the list")
    func lanes() {
        let text = "lane.submit(LaneJob(writes: true)) // LaneJob"
        #expect(whats(LaneUsers.violations(file(text))) == ["LaneJob"])
        #expect(LaneUsers.violations(file(text, "Sources/Gateway/CallRun.swift")) == [])
        #expect(LaneUsers.violations(file(text, "Sources/TenantRegistry/Fleet/Fleet.swift")) == [])
    }

    @Test("a binary fraction in code and in a table")
    func fractions() {
        #expect(whats(Fractions.inCode(file("let a: Double = 1 // Float\nlet b = \"Float\""))) == ["Double"])
        #expect(whats(Fractions.inTables(file("let a = \"CREATE TABLE a (b REAL)\""))) == ["REAL"])
        #expect(Fractions.inTables(file("let a = \"CREATE TABLE a (b INTEGER, realm TEXT)\"; let b = \"REAL\"")) == [])
    }
}
