import Cryptography
import Foundation
import HTTPCore
import HTTPServer
import TestPrograms
import Testing

/// Certificates by `openssl`, clients are curl, `openssl s_client` and Python: none of them our own code.
@Suite struct TLSTests {
    @Test("TLS 1.2 and 1.3 serve, older versions do not", arguments: [("1.2", true), ("1.3", true), ("1.1", false)])
    func versions(_ version: String, _ works: Bool) throws {
        let folder = try Certificates()
        let server = try folder.server(host: "gate.example")
        let result = try curl(server, folder, "gate.example", "/hello?tls", ["--tlsv\(version)", "--tls-max", version])
        #expect((result == "hello tls") == works)
        if works { #expect(server.handler.peers.withLock { $0.first?.isEncrypted } == true) }
    }

    @Test(
        "SNI chooses the certificate, of whatever key type, and an unknown name gets the default",
        arguments: ["1.2", "1.3"])
    func serverName(_ version: String) throws {
        let folder = try Certificates()
        let server = try folder.server(host: "gate.example")
        let options = ["--tlsv\(version)", "--tls-max", version]
        folder.table.replace(
            default: try folder.certificate("gate.example"),
            byHost: [
                "shop.example": try folder.certificate("shop.example", key: "ec"),
                "*.wild.example": try folder.certificate("*.wild.example"),
            ])
        #expect(try curl(server, folder, "gate.example", "/hello?1", options) == "hello 1")
        #expect(try curl(server, folder, "shop.example", "/hello?2", options) == "hello 2")
        #expect(try curl(server, folder, "a.wild.example", "/hello?3", options) == "hello 3")
        #expect(try curl(server, folder, "a.b.wild.example", "/hello?4", options) != "hello 4")
        #expect(try curl(server, folder, "other.example", "/hello?5", options) != "hello 5")
    }

    @Test(
        "P2 a certificate serves the names that it is for, from its first second to its last",
        arguments: [
            ("shop.example", "shop.example", true), ("shop.example", "other.example", false),
            ("shop.example", "a.shop.example", false), ("*.wild.example", "a.wild.example", true),
            ("*.wild.example", "a.b.wild.example", false), ("*.wild.example", "wild.example", false),
        ])
    func names(_ name: String, _ host: String, _ fits: Bool) throws {
        let certificate = try Certificates().certificate(name)
        let now = Int64(Date().timeIntervalSince1970)
        #expect((certificate.fault(serving: host, atUnixSeconds: now) == nil) == fits)
        guard fits else { return }
        let year: Int64 = 366 * 86_400
        #expect(certificate.fault(serving: host, atUnixSeconds: now - 20 * year)?.contains("not valid yet") == true)
        #expect(certificate.fault(serving: host, atUnixSeconds: now + 200 * year)?.contains("expired") == true)
    }

    @Test("a new certificate serves from the next handshake on, and connections stay")
    func reload() throws {
        let folder = try Certificates()
        let server = try folder.server(host: "old.example")
        let script = """
            import socket, ssl, sys
            def say(s):
                s.sendall(b'GET /hello?py HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n')
                return s.recv(65536).endswith(b'hello py')
            context = ssl.create_default_context(cafile=sys.argv[2])
            old = context.wrap_socket(socket.create_connection(('127.0.0.1', int(sys.argv[1]))), server_hostname='old.example')
            print('first', say(old), old.selected_alpn_protocol(), flush=True)
            sys.stdin.readline()
            print('kept', say(old), flush=True)
            new = context.wrap_socket(socket.create_connection(('127.0.0.1', int(sys.argv[1]))), server_hostname='new.example')
            print('new', say(new), flush=True)
            """
        let python = try Running("python3", ["-c", script, "\(server.port)", folder.authority])
        #expect(try python.line() == "first True None")
        folder.table.replace(default: try folder.certificate("new.example"), byHost: [:])
        python.say("go\n")
        #expect(try python.line() == "kept True")
        #expect(try python.line() == "new True")
    }

    @Test("bodies of any size go both ways under TLS, with records cut anywhere")
    func bodies() throws {
        let folder = try Certificates()
        let server = try folder.server(host: "gate.example")
        let upload = folder.path + "/upload"
        let text = String(repeating: "0123456789abcdef", count: 60_000)
        try text.write(toFile: upload, atomically: true, encoding: .utf8)
        #expect(try curl(server, folder, "gate.example", "/echo", ["--data-binary", "@\(upload)"]) == text)
        #expect(try curl(server, folder, "gate.example", "/sink", ["-T", upload, "-X", "POST"]) == "960000")
        #expect(
            try curl(server, folder, "gate.example", "/long-stream", ["-o", upload, "-w", "%{size_download}"])
                == "20000000")
        #expect(try curl(server, folder, "gate.example", "/large", ["-o", upload]) == "")
        #expect(try Data(contentsOf: URL(fileURLWithPath: upload)) == Data(TestHandler.large))
    }

    @Test("http/1.1 is agreed on by ALPN, and a client that knows only other protocols is refused")
    func applicationProtocol() throws {
        let folder = try Certificates()
        let server = try folder.server(host: "gate.example")
        let script = """
            import socket, ssl, sys
            for protocols in (['h2', 'http/1.1'], ['h2']):
                context = ssl.create_default_context(cafile=sys.argv[2])
                context.set_alpn_protocols(protocols)
                try:
                    s = context.wrap_socket(socket.create_connection(('127.0.0.1', int(sys.argv[1]))), server_hostname='gate.example')
                    print(s.selected_alpn_protocol(), flush=True)
                except ssl.SSLError:
                    print('refused', flush=True)
            """
        let python = try Running("python3", ["-c", script, "\(server.port)", folder.authority])
        #expect(try python.line() == "http/1.1")
        #expect(try python.line() == "refused")
    }

    @Test("pipelined requests that share one TLS record are all answered")
    func pipelined() throws {
        let folder = try Certificates()
        let server = try folder.server(host: "gate.example")
        let script = """
            import socket, ssl, sys
            context = ssl.create_default_context(cafile=sys.argv[2])
            s = context.wrap_socket(socket.create_connection(('127.0.0.1', int(sys.argv[1]))), server_hostname='gate.example')
            s.sendall(b''.join(b'GET /%s?%d HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n' % ([b'hello', b'later'][n % 2], n) for n in range(100))
                      + b'GET /hello HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n')
            got = b''
            while True:
                piece = s.recv(65536)
                if not piece: break
                got += piece
            print(got.count(b'HTTP/1.1 200 OK'), flush=True)
            """
        let python = try Running("python3", ["-c", script, "\(server.port)", folder.authority])
        #expect(try python.line() == "101")
    }

    @Test("G6 a handshake that is not finished in time, or is none, ends the connection")
    func handshakeDeadline() throws {
        let folder = try Certificates()
        var limits = ServerLimits.patient
        limits.tlsHandshakeMilliseconds = 100
        let server = try folder.server(host: "gate.example", limits: limits)
        #expect(try server.client().isClosed())
        let plain = try server.client()
        try plain.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        _ = try? plain.rest()
        #expect(try curl(server, folder, "gate.example", "/hello?on", []) == "hello on")
    }

    @Test("a key that does not match, and what is no certificate, are refused before they serve")
    func invalid() throws {
        let folder = try Certificates()
        _ = try folder.certificate("a.example")
        _ = try folder.certificate("b.example")
        #expect(throws: TLSError.self) {
            try TLSCertificate(chainFile: folder.path + "/a.example.pem", keyFile: folder.path + "/b.example.key")
        }
        #expect(throws: TLSError.self) { try TLSCertificate(chainPEM: [], keyPEM: []) }
        #expect(throws: TLSError.unreadable("/nowhere")) {
            try TLSCertificate(chainFile: "/nowhere", keyFile: "/nowhere")
        }
    }

    @Test("P2 a chain with a damaged certificate is refused, and one with other text around its certificates is not")
    func damagedChain() throws {
        let folder = try Certificates()
        _ = try folder.certificate("a.example")
        let (leaf, key) = try (folder.text("a.example.pem"), folder.text("a.example.key"))
        let issuer = try folder.text("ca.pem")
        let now = Int64(Date().timeIntervalSince1970)
        func fault(_ chain: String) throws -> String? {
            try TLSCertificate(chainPEM: Array(chain.utf8), keyPEM: Array(key.utf8))
                .fault(serving: "a.example", atUnixSeconds: now)
        }
        for chain in [leaf, leaf + issuer, "a\n" + leaf + "b\n" + issuer + "c", leaf + "\r\n\r\n"] {
            #expect(try fault(chain) == nil)
        }
        let lines = issuer.split(separator: "\n")
        for damaged in [
            lines.dropLast(2).joined(separator: "\n"), (lines.prefix(3) + lines.suffix(1)).joined(separator: "\n"),
            issuer.replacing("\(lines[2])", with: "!"),
        ] {
            #expect(try fault(leaf + damaged + "\n" + issuer)?.contains("certificate chain") == true)
            try Data((leaf + damaged).utf8).write(to: URL(filePath: folder.path + "/damaged.pem"))
            #expect(throws: TLSError.self) {
                try TLSCertificate(chainFile: folder.path + "/damaged.pem", keyFile: folder.path + "/a.example.key")
            }
        }
    }

    private func curl(
        _ server: TestServer, _ folder: Certificates, _ host: String, _ target: String, _ options: [String]
    ) throws -> String {
        let curl = try Running(
            "curl",
            ["-sS", "--max-time", "20", "--cacert", folder.authority, "--resolve", "\(host):\(server.port):127.0.0.1"]
                + options + ["https://\(host):\(server.port)\(target)"])
        return curl.output()
    }
}

/// A folder with an authority and the certificates that it signed.
final class Certificates {
    let path = NSTemporaryDirectory() + "tollgate-tls-\(UUID().uuidString)"
    var authority: String { path + "/ca.pem" }
    private(set) var table: TLSCertificates!

    init() throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try openssl(
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=Test authority", "-keyout",
            path + "/ca.key",
            "-out", authority)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func certificate(_ host: String, key: String = "rsa:2048") throws -> TLSCertificate {
        let base = path + "/" + host
        let kind = key == "ec" ? ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"] : ["-newkey", key]
        try openssl(
            arguments: [
                "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=\(host)", "-addext", "subjectAltName=DNS:\(host)",
            ]
                + ["-addext", "basicConstraints=critical,CA:FALSE"]
                + ["-CA", authority, "-CAkey", path + "/ca.key", "-keyout", base + ".key", "-out", base + ".pem"] + kind
        )
        return try TLSCertificate(chainFile: base + ".pem", keyFile: base + ".key")
    }

    func text(_ name: String) throws -> String {
        try String(contentsOf: URL(filePath: path + "/" + name), encoding: .utf8)
    }

    func server(host: String, limits: ServerLimits = .patient) throws -> TestServer {
        table = TLSCertificates(default: try certificate(host))
        let context = TLSServerContext(certificates: table)
        return try TestServer(limits: limits, listeners: [Listener(.tcp(.loopback, port: 0), tls: context)])
    }

    private func openssl(_ arguments: String...) throws { try openssl(arguments: arguments) }

    private func openssl(arguments: [String]) throws {
        let openssl = try Running("openssl", arguments)
        _ = openssl.output()
        try #require(openssl.status == 0)
    }
}

/// A program that runs beside the test.
final class Running {
    private let process = Program()
    private let input = Pipe()
    private let standardOutput = Pipe()
    private var pending = Data()

    init(_ program: String, _ arguments: [String]) throws {
        process.arguments = [program] + arguments
        process.standardInput = input
        process.standardOutput = standardOutput
        process.standardError = FileHandle.nullDevice
        try process.run()
    }

    deinit {
        if process.isRunning { process.terminate() }
        process.waitUntilExit()
    }

    var status: Int32 {
        process.waitUntilExit()
        return process.terminationStatus
    }

    func say(_ text: String) { input.fileHandleForWriting.write(Data(text.utf8)) }

    func line() throws -> String {
        while true {
            if let end = pending.firstIndex(of: 0x0A) {
                let line = String(decoding: pending[..<end], as: UTF8.self)
                pending = Data(pending[(end + 1)...])
                return line
            }
            let more = standardOutput.fileHandleForReading.availableData
            if more.isEmpty { return String(decoding: pending, as: UTF8.self) + "<end>" }
            pending += more
        }
    }

    func output() -> String {
        let data = standardOutput.fileHandleForReading.readDataToEndOfFile()
        return String(decoding: data, as: UTF8.self)
    }
}
