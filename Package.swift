// swift-tools-version: 6.2
import PackageDescription

/// One settings list for every target: Swift 6 mode (from the tools version), warnings are errors.
let settings: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

/// A C library: a module map and a shim header, imported by exactly one target.
func system(_ name: String, _ debianPackage: String?) -> Target {
    .systemLibrary(name: name, path: "Sources/\(name)", providers: debianPackage.map { [.apt([$0])] })
}

func module(_ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource] = []) -> Target {
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: settings)
}

/// One surface's pages, in `Sources/Pages/{surface}`.
func pages(_ surface: String) -> Target {
    .target(
        name: "\(surface)Pages", dependencies: ["PageKit", "HTML", "CallKit", "TenantRegistry", "HTTPCore"],
        path: "Sources/Pages/\(surface)", swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
    .testTarget(name: name, dependencies: dependencies, resources: resources, swiftSettings: settings)
}

// Imports go one way: a target may import what stands above it in its own list, never below.
let package = Package(
    name: "tollgate",
    products: [.executable(name: "tollgate", targets: ["TollgateCommand"])],
    targets: [
        system("CSQLite", "libsqlite3-dev"),
        system("COpenSSL", "libssl-dev"),
        system("CZlib", "zlib1g-dev"),
        system("CLZ4", "liblz4-dev"),
        system("CCurl", "libcurl4-openssl-dev"),
        system("CLinux", nil),
        // What a gateway answered once, built in for the descriptions of its APIs.
        .target(name: "CExamples", exclude: ["calls"]),
        // Finds libpq where a cluster is asked for; nothing is linked.
        .target(name: "CPostgres"),

        module("Compression", ["CZlib", "CLZ4"]),
        module("SQLite", ["CSQLite", "Compression"]),
        module("Cryptography", ["COpenSSL"]),
        module("HTTPCore"),
        module("HTTPClient", ["CCurl", "HTTPCore", "Cryptography"]),
        module("HTTPServer", ["CLinux", "HTTPCore", "Cryptography", "Compression"]),
        module("HTML"),
        module("RateLimiter"),
        module("TenantRegistry", ["SQLite", "Cryptography", "Compression", "RateLimiter"]),
        module("Cluster", ["CPostgres", "TenantRegistry", "Cryptography", "Compression"]),
        module("CallKit", ["CExamples", "TenantRegistry", "SQLite", "HTTPCore", "Cryptography", "RateLimiter"]),
        module("Archive", ["CallKit", "TenantRegistry", "HTTPClient", "HTTPCore", "Cryptography", "SQLite"]),
        module(
            "PageKit", ["HTML", "CallKit", "TenantRegistry", "HTTPCore", "Cryptography"],
            resources: [
                .embedInCode("Assets/app.css"), .embedInCode("Assets/app.js"), .embedInCode("Assets/sheet.js"),
                .embedInCode("Assets/icon.svg"),
            ]),
        module(
            "TenantApp",
            [
                "PageKit", "CallKit", "HTML", "TenantRegistry", "SQLite", "HTTPCore", "Cryptography", "Compression",
                "RateLimiter",
            ]),
        // Clients of the APIs inside the process: they cannot reach a file.
        pages("Admin"), pages("Console"), pages("Portal"), pages("Reference"),
        module(
            "Provider",
            [
                "TenantApp", "PageKit", "CallKit", "HTML", "Archive", "TenantRegistry", "HTTPCore", "Cryptography",
                "RateLimiter",
            ]),
        module(
            "Gateway",
            [
                "Provider", "Archive", "AdminPages", "ConsolePages", "PortalPages", "ReferencePages", "PageKit",
                "TenantApp",
                "CallKit",
                "HTTPServer", "HTTPClient", "TenantRegistry",
                "HTTPCore",
                "RateLimiter", "Cryptography", "SQLite",
            ]),
        .executableTarget(
            name: "TollgateCommand",
            dependencies: [
                "Gateway", "Provider", "Archive", "TenantApp", "CallKit", "Cluster", "TenantRegistry", "RateLimiter",
                "HTTPClient", "HTTPCore",
                "HTTPServer",
                "Cryptography",
            ],
            swiftSettings: settings),

        // What ./bench runs beside the gateway; not part of the product.
        .executableTarget(
            name: "LimiterBench", dependencies: ["RateLimiter"], path: "Benchmarks/LimiterBench",
            swiftSettings: settings),

        // What is left to chance in a test follows from a seed.
        .target(name: "TestSeeds", path: "Tests/Support/TestSeeds", swiftSettings: settings),
        tests("CryptographyTests", ["Cryptography"]),
        tests("HTMLTests", ["TestSeeds", "HTML", "PageKit", "TenantRegistry"]),
        tests("PageKitTests", ["PageKit", "CallKit", "HTML", "HTTPCore", "Cryptography"]),
        tests("HTTPCoreTests", ["TestSeeds", "HTTPCore"]),
        tests("DomainTests", ["TestSeeds", "TenantApp", "CallKit", "TenantRegistry", "HTTPCore"]),
        tests("CallKitTests", ["TenantApp", "CallKit", "TenantRegistry", "HTTPCore"]),
        tests("RateLimiterTests", ["TestSeeds", "RateLimiter"]),
        // Programs that run beside a test.
        .target(name: "TestPrograms", path: "Tests/Support/TestPrograms", swiftSettings: settings),
        tests("SQLiteTests", ["TestPrograms", "SQLite"]),
        tests("CompressionTests", ["TestPrograms", "Compression"]),
        tests(
            "OperatorTests",
            [
                "TestGateway", "TestTenants", "Gateway", "TenantApp", "CallKit", "TenantRegistry", "SQLite", "HTTPCore",
                "Cryptography", "RateLimiter",
            ]),
        tests(
            "HTTPServerTests",
            ["TestPrograms", "TestSeeds", "RawHTTP", "HTTPServer", "HTTPCore", "Cryptography", "Compression"]),
        tests("HTTPClientTests", ["TestPrograms", "TestTenants", "HTTPClient"]),
        .target(name: "RawHTTP", path: "Tests/Support/RawHTTP", swiftSettings: settings),
        // PostgreSQL's own server, begun on loopback and ended with the tests.
        .target(
            name: "TestPostgres", dependencies: ["TestPrograms", "TestTenants"], path: "Tests/Support/TestPostgres",
            swiftSettings: settings),
        tests(
            "ClusterTests",
            [
                "TestPostgres", "TestPrograms", "SharedLogs", "TestTenants", "Cluster", "TenantRegistry",
                "Cryptography",
            ]),
        // The gateway for tests: by heads and bodies in process, and by sockets.
        .target(
            name: "TestGateway",
            dependencies: [
                "RawHTTP", "TestTenants", "Gateway", "TenantApp", "CallKit", "HTTPServer", "TenantRegistry", "HTTPCore",
                "Cryptography", "RateLimiter", "SQLite",
            ],
            path: "Tests/Support/TestGateway", swiftSettings: settings),
        tests(
            "GatewayTests",
            [
                "RawHTTP", "TestPrograms", "TestSeeds", "TestGateway", "TestTenants", "Gateway", "Provider", "Archive",
                "TenantApp", "CallKit",
                "TenantRegistry", "HTTPCore", "HTTPServer", "HTTPClient", "SharedLogs",
                "Cryptography", "RateLimiter", "SQLite",
            ]),
        .target(
            name: "TestTenants",
            dependencies: [
                "TenantApp", "CallKit", "TenantRegistry", "SQLite", "HTTPCore", "Cryptography", "RateLimiter",
            ],
            path: "Tests/Support/TestTenants", swiftSettings: settings),
        // The rule of one importer per C library is for Sources: this one stands below SQLite, in place of the disk.
        .target(
            name: "FaultDisk", dependencies: ["CSQLite", "SQLite", "TenantRegistry"], path: "Tests/Support/FaultDisk",
            swiftSettings: settings),
        // The log that nodes share: one in memory that fails, and what each has to do.
        .target(
            name: "SharedLogs", dependencies: ["TestTenants", "TestSeeds", "TenantRegistry", "Cryptography"],
            path: "Tests/Support/SharedLogs", swiftSettings: settings),
        tests(
            "SurvivalTests",
            [
                "FaultDisk", "SharedLogs", "TestTenants", "TestSeeds", "TenantRegistry", "CallKit", "TenantApp",
                "SQLite", "Cryptography", "Compression",
            ]),
        tests(
            "TenantRegistryTests",
            [
                "TestTenants", "TenantRegistry", "CallKit", "TenantApp", "SQLite", "Cryptography", "Compression",
                "RateLimiter",
            ]),
        tests("LicenceTests", ["TestTenants", "TenantRegistry", "CallKit", "TenantApp", "SQLite", "Cryptography"]),
        tests(
            "CreditTests",
            ["TestTenants", "TenantRegistry", "CallKit", "TenantApp", "SQLite", "HTTPCore", "Cryptography"]),
        tests(
            "VerifierTests",
            ["TestTenants", "TenantRegistry", "CallKit", "TenantApp", "SQLite", "Cryptography", "Compression"]),
        // Where strangers' bytes are read, as libFuzzer and FuzzTests call it.
        .target(
            name: "FuzzTargets",
            dependencies: [
                "TestSeeds", "TestTenants", "HTTPCore", "HTTPServer", "Cryptography", "CallKit", "TenantRegistry",
                "TenantApp", "Gateway", "HTTPClient",
            ],
            path: "Tests/Fuzz/Targets", swiftSettings: settings),
        tests("FuzzTests", ["TestSeeds", "FuzzTargets"]),
        tests(
            "CodeTests",
            ["TestTenants", "TenantRegistry", "CallKit", "TenantApp", "SQLite", "HTTPCore", "Cryptography"]),
        tests(
            "PortTests",
            ["TestTenants", "TenantRegistry", "CallKit", "TenantApp", "SQLite", "HTTPCore", "Cryptography"]),
        tests(
            "WebhookTests",
            ["TestTenants", "TenantRegistry", "CallKit", "TenantApp", "SQLite", "HTTPCore", "Cryptography"]),
        // Rules about the sources that no compiler knows: it reads files and imports nothing of the product.
        tests("TidyTests", []),
        tests("MoneyTests", ["TestTenants", "TenantRegistry", "CallKit", "TenantApp", "Cryptography"]),
        tests(
            "PaymentTests",
            ["TestTenants", "TenantRegistry", "CallKit", "TenantApp", "SQLite", "HTTPCore", "Cryptography"]),
    ]
)

// The fuzzer's own program, which ./fuzz builds and nobody else: it has no main of its own.
if Context.environment["TOLLGATE_FUZZ"] != nil {
    package.products.append(.library(name: "FuzzDriver", type: .static, targets: ["FuzzDriver"]))
    package.targets.append(
        .target(name: "FuzzDriver", dependencies: ["FuzzTargets"], path: "Tests/Fuzz/Driver", swiftSettings: settings))
}
