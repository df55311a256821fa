/// Which target may import which, as Package.swift lists them.
struct Targets {
    /// In the order of the manifest.
    let names: [String]
    private let places: [String: Int]

    init(manifest: String) {
        var reader = TokenReader(manifest)
        reader.read()
        let tokens = reader.tokens
        var names: [String] = []
        for index in tokens.indices.dropLast(2) where ["system", "module", "pages"].contains(tokens[index].text) {
            guard tokens[index + 1].text == "(", tokens[index + 2].kind == .string else { continue }
            names.append(tokens[index + 2].text + (tokens[index].text == "pages" ? "Pages" : ""))
        }
        for index in tokens.indices.dropLast(4) where tokens[index].text == "executableTarget" {
            if tokens[index + 2].text == "name" { names.append(tokens[index + 4].text) }
        }
        self.names = names
        places = Dictionary(names.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Folders of Sources that are built into another target.
    private static let homes = ["Provider": "Gateway"]

    func target(of file: SourceFile) -> String {
        let folder = file.folders.count > 1 ? String(file.folders[1]) : ""
        // Each surface's pages are a target of their own.
        if folder == "Pages", file.folders.count > 2 { return "\(file.folders[2])Pages" }
        return places[folder] == nil ? Self.homes[folder] ?? folder : folder
    }

    /// A file imports only what the manifest lists above its own target.
    func upwardImports(_ file: SourceFile) -> [Violation] {
        let own = target(of: file)
        guard let place = places[own] else {
            return [Violation(file.path, 1, own, "Package.swift has no such target")]
        }
        return file.imports.compactMap { name, line in
            guard let other = places[name], other >= place else { return nil }
            return Violation(file.path, line, name, "\(own) stands above it in Package.swift")
        }
    }

    /// Each library in C has one target that imports it: the pointers stay there.
    func sharedLibraries(_ files: [SourceFile]) -> [Violation] {
        var owner: [String: String] = [:]
        var found: [Violation] = []
        for file in files {
            for (name, line) in file.imports where name.hasPrefix("C") && names.contains(name) && isLibrary(name) {
                let own = target(of: file)
                if let first = owner[name], first != own {
                    found.append(Violation(file.path, line, name, "\(first) imports it already"))
                } else {
                    owner[name] = own
                }
            }
        }
        return found
    }

    private func isLibrary(_ name: String) -> Bool {
        let second = name.dropFirst().first
        return second?.isUppercase == true
    }

    /// The framework names nothing that the product declares.
    static func productNames(in kit: [SourceFile], product: [SourceFile]) -> [Violation] {
        let known = Set(kit.flatMap { $0.declarations.map(\.name) })
        let names = Set(
            product.flatMap { file in
                file.declarations.filter { $0.kind == .type && $0.owner.isEmpty }.map(\.name)
            }
        ).subtracting(known)
        return kit.flatMap { file in
            var found: [Violation] = []
            file.words { word, line in
                if names.contains(word) {
                    found.append(Violation(file.path, line, word, "the framework knows no product"))
                }
            }
            return found
        }
    }
}

extension SourceFile {
    /// The modules that it imports, with the line.
    var imports: [(name: String, line: Int)] {
        tokens.indices.dropLast().filter { tokens[$0].text == "import" && tokens[$0].kind == .word }
            .map { (tokens[$0 + 1].text, tokens[$0].line) }
    }
}
