import Testing

/// Rules about the sources that no compiler knows, applied to the repository.
@Suite struct TidyTests {
    private var product: [SourceFile] { Repository.sources.filter { $0.folders.dropFirst().first == "TenantApp" } }
    private var kit: [SourceFile] { Repository.sources.filter { $0.folders.dropFirst().first == "CallKit" } }
    private var swift: [SourceFile] { Repository.sources + Repository.tests }
    /// Tidy's own rules spell out what they look for.
    private var others: [SourceFile] { swift.filter { !$0.path.hasPrefix("Tests/TidyTests/") } }

    private func expectNone(
        _ violations: [Violation], _ allowances: [Allowance] = [], _ place: SourceLocation = #_sourceLocation
    ) {
        for complaint in complaints(violations, allowances) { Issue.record("\(complaint)", sourceLocation: place) }
    }

    @Test("files were found, and every one of them is read to its end")
    func found() {
        #expect(Repository.sources.count > 300)
        #expect(Repository.tests.count > 100)
        #expect(Repository.scripts.count > 30)
        for file in swift { #expect(file.openBraces == 0, "\(file.path)") }
    }

    @Test("each file of a feature is of one kind, and names what its kind may")
    func kinds() {
        expectNone(product.flatMap(Kinds.violations), Allowances.kinds)
    }

    @Test("routes judge nothing that an operation would have to know of")
    func judging() {
        expectNone(product.flatMap(Kinds.judging), Allowances.judging)
    }

    @Test("a feature names features left of it alone")
    func features() {
        let below = Repository.sources.filter { $0.folders.dropFirst().first != "TenantApp" }
        expectNone(Features.violations(product, below: below), Allowances.features)
    }

    @Test("imports go one way, and a library in C has one importer")
    func imports() {
        let targets = Targets(manifest: Repository.manifest)
        #expect(targets.names.count > 15)
        expectNone(Repository.sources.flatMap(targets.upwardImports) + targets.sharedLibraries(Repository.sources))
    }

    @Test("CallKit names no feature")
    func framework() {
        #expect(kit.count > 20)
        expectNone(Targets.productNames(in: kit, product: product))
    }

    @Test("every name of Sources is said somewhere else in Sources")
    func dead() {
        expectNone(DeadNames.violations(Repository.sources), Allowances.dead)
    }

    @Test("lines have 120 columns, functions 70 lines, files 500 lines at most")
    func sizes() {
        var violations = swift.flatMap { Sizes.longFunctions($0) + Sizes.longFile($0.path, $0.lines) }
        violations += swift.flatMap { Sizes.wideLines($0.path, $0.lines, texts: $0.textLines) }
        for file in Repository.headers { violations += Sizes.wideLines(file.path, file.lines) }
        for file in Repository.scripts {
            violations += Sizes.longFile(file.path, file.lines)
            violations += Sizes.longFunctions(python: file.path, file.lines)
            // One number for the scripts of a folder.
            violations += Sizes.wideLines(file.path, file.lines).map {
                Violation("\(file.path.prefix { $0 != "/" })/*.py", $0.line, $0.what, "\(file.path): \($0.says)")
            }
        }
        expectNone(violations, Allowances.sizes)
    }

    @Test("a folder of the sources has 22 files at most: more of them are divided by theme")
    func folders() {
        expectNone(Sizes.wideFolders(Repository.sources.map(\.path)), Allowances.folders)
    }

    @Test("no note to oneself, nothing that stands outside the repository, no try!, no print outside the command")
    func words() {
        let files = others.map { ($0.path, $0.lines) } + Repository.scripts.map { ($0.path, $0.lines) }
        expectNone(files.flatMap(Words.banned) + Repository.sources.flatMap(Words.code), Allowances.words)
    }

    @Test("every @unchecked Sendable says who owns what")
    func owners() {
        expectNone(Repository.sources.flatMap(Words.owners))
    }

    @Test("comments begin with their subject")
    func headless() {
        expectNone(others.flatMap(Words.headless))
    }

    @Test("markup is written as a literal")
    func markup() {
        expectNone(Repository.sources.flatMap(Markup.violations), Allowances.markup)
    }

    @Test("pages have no class that the stylesheet does not know")
    func classes() {
        let known = Classes.known(in: Repository.stylesheet)
        #expect(known.count > 80)
        expectNone(Repository.sources.flatMap { Classes.unknown($0, known: known) }, Allowances.classes)
    }

    @Test("jobs of lanes are made by TenantWrite and Steps, and by those whom decision 0023 names")
    func lanes() {
        expectNone(Repository.sources.flatMap(LaneUsers.violations))
    }

    @Test("no Double and no Float stands in the sources, but where the list says why")
    func noBinaryFractions() {
        expectNone(Repository.sources.flatMap(Fractions.inCode), Allowances.fractions)
    }

    @Test("the tables have no column for one")
    func noRealColumns() {
        expectNone(Repository.sources.flatMap(Fractions.inTables))
    }
}
