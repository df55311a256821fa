import Foundation
import HTTPClient
import Testing

/// What the server says that it was sent.
private struct Echo: Decodable {
    let method: String
    let path: String
    let length: Int
    let sha256: String
    let headers: [[String]]

    init(_ response: HTTPClientResponse) throws {
        self = try JSONDecoder().decode(Echo.self, from: Data(response.body))
    }

    func values(_ name: String) -> [String] { headers.filter { $0[0] == name }.map { $0[1] } }
}

@Suite("HTTP client")
struct HTTPClientTests {
    let server: EchoServer

    init() throws { server = try EchoServer() }

    @Test("a request arrives as it was asked for, with its key and its headers")
    func request() throws {
        let client = try HTTPClient(baseURL: server.baseURL + "/", bearer: "vfc_live_key")
        let response = try client.send(
            method: "POST", path: "/a/../b?x=%20y", headers: [("Content-Type", "application/json"), ("X-Empty", "")],
            body: .bytes([UInt8]("abc".utf8)))
        #expect(response.status == 200 && response.isSuccess)
        #expect(response.headers.filter { $0.name == "X-Twice" }.map(\.value) == ["one", "two"])
        #expect(response.header("x-twice") == "one" && response.header("missing") == nil)
        let echo = try Echo(response)
        #expect(echo.method == "POST" && echo.path == "/a/../b?x=%20y" && echo.length == 3)
        #expect(echo.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(echo.values("authorization") == ["Bearer vfc_live_key"])
        #expect(echo.values("content-type") == ["application/json"])
        #expect(echo.values("x-empty") == [""])
    }

    @Test(
        "each method goes out as itself; one that may have a body says that it has none",
        arguments: [
            ("GET", []), ("DELETE", []), ("POST", ["0"]), ("PUT", ["0"]), ("PATCH", ["0"]),
        ])
    func methods(method: String, lengths: [String]) throws {
        let echo = try Echo(HTTPClient(baseURL: server.baseURL).send(method: method, path: "/"))
        #expect(echo.method == method && echo.values("content-length") == lengths)
        #expect(echo.values("content-type") == [] && echo.values("authorization") == [])
    }

    @Test("HEAD gives the head of an answer and waits for no body")
    func head() throws {
        let response = try HTTPClient(baseURL: server.baseURL).send(method: "HEAD", path: "/")
        #expect(response.status == 200 && response.body.isEmpty && response.header("content-length") != "0")
    }

    @Test("P6 a gateway is reached by its socket file")
    func unixSocket() throws {
        let server = try EchoServer(onSocket: true)
        let client = try HTTPClient(baseURL: "http://tollgate", unixSocketPath: server.socketPath)
        let echo = try Echo(client.send(method: "PUT", path: "/provider/v1/tenants", body: .bytes([1, 2, 3])))
        #expect(echo.length == 3 && echo.values("host") == ["tollgate"])
    }

    @Test("P5 a file of several megabytes streams up whole, and down whole with its progress")
    func files() throws {
        let client = try HTTPClient(baseURL: server.baseURL)
        let path = server.file("upload")
        try Data(repeating: UInt8(ascii: "x"), count: 5_000_000).write(to: URL(fileURLWithPath: path))
        let up = try Echo(client.send(method: "POST", path: "/", body: .file(path: path)))
        #expect(up.length == 5_000_000 && up.values("content-length") == ["5000000"])
        let target = server.file("download")
        var last: (Int64, Int64?) = (0, nil)
        let response = try client.send(
            method: "GET", path: "/bytes/5000000", sink: .file(path: target) { last = ($0, $1) })
        #expect(response.status == 200 && response.body.isEmpty)
        #expect(last.0 == 5_000_000 && last.1 == 5_000_000)
        #expect(FileManager.default.contentsEqual(atPath: path, andPath: target))
        #expect(!FileManager.default.fileExists(atPath: target + ".part"))
        _ = try client.send(method: "GET", path: "/bytes/0", sink: .file(path: target))
        #expect(try Data(contentsOf: URL(fileURLWithPath: target)).isEmpty)
    }

    @Test("neither a refusal nor an answer that was cut off replaces the file that is there")
    func keptFile() throws {
        let client = try HTTPClient(baseURL: server.baseURL)
        let target = URL(fileURLWithPath: server.file("download"))
        try Data("old".utf8).write(to: target)
        let refused = try client.send(method: "GET", path: "/refused", sink: .file(path: target.path))
        #expect(refused.status == 422 && !refused.body.isEmpty)
        #expect(throws: HTTPClientError.self) {
            try client.send(method: "GET", path: "/cut", sink: .file(path: target.path))
        }
        #expect(try Data(contentsOf: target) == Data("old".utf8))
        #expect(!FileManager.default.fileExists(atPath: target.path + ".part"))
    }

    @Test("a redirect is an answer: the key goes nowhere else")
    func redirect() throws {
        let response = try HTTPClient(baseURL: server.baseURL, bearer: "key").send(method: "GET", path: "/redirect")
        #expect(response.status == 302 && response.header("Location") == "/bytes/5" && response.body.isEmpty)
    }

    @Test("an answer longer than the caller takes is given up at the bound")
    func bound() throws {
        let client = try HTTPClient(baseURL: server.baseURL)
        #expect(throws: HTTPClientError.responseTooLong(bytesMax: 999)) {
            try client.send(method: "GET", path: "/bytes/1000", sink: .memory(bytesMax: 999))
        }
        #expect(try client.send(method: "GET", path: "/bytes/1000", sink: .memory(bytesMax: 1000)).body.count == 1000)
    }

    @Test("each way to get no answer has its own error, and none holds the key")
    func failures() throws {
        let key = "vfc_live_secretkey"
        let nobody = try HTTPClient(
            baseURL: "http://tollgate", unixSocketPath: server.file("nobody.sock"), bearer: key)
        let unreachable = try #require(throws: HTTPClientError.self) { try nobody.send(method: "GET", path: "/") }
        guard case .unreachable = unreachable else { throw unreachable }
        let client = try HTTPClient(baseURL: server.baseURL, bearer: key, timeoutSeconds: 1)
        #expect(throws: HTTPClientError.timedOut) { try client.send(method: "GET", path: "/silent") }
        let cut = try #require(throws: HTTPClientError.self) { try client.send(method: "GET", path: "/cut") }
        guard case .broken = cut else { throw cut }
        let missing = try #require(throws: HTTPClientError.self) {
            try client.send(method: "POST", path: "/", body: .file(path: server.file("missing")))
        }
        #expect(missing == .file(path: server.file("missing"), reason: "No such file or directory"))
        let folder = try #require(throws: HTTPClientError.self) {
            try client.send(method: "GET", path: "/bytes/5", sink: .file(path: server.file("no/such/folder")))
        }
        guard case .file = folder else { throw folder }
        // TLS spoken to a server that does not: no fall-back to plain text.
        let tls = try HTTPClient(baseURL: "https" + server.baseURL.dropFirst(4), bearer: key)
        #expect(throws: HTTPClientError.self) { try tls.send(method: "GET", path: "/") }
        for error in [unreachable, cut, missing, folder] { #expect(!error.description.contains("secretkey")) }
    }

    @Test("the key is sent only to a server whose certificate is trusted and names it")
    func certificates() throws {
        let server = try EchoServer(withTLS: true)
        let authority = server.file("certificate.pem")
        let stranger = try HTTPClient(baseURL: server.baseURL, bearer: "key")
        let error = try #require(throws: HTTPClientError.self) { try stranger.send(method: "GET", path: "/") }
        guard case .untrusted = error else { throw error }
        let known = try HTTPClient(baseURL: server.baseURL, bearer: "key", certificateAuthorityPath: authority)
        #expect(try Echo(known.send(method: "GET", path: "/")).values("authorization") == ["Bearer key"])
        let otherName = server.baseURL.replacingOccurrences(of: "127.0.0.1", with: "localhost")
        let misnamed = try HTTPClient(baseURL: otherName, certificateAuthorityPath: authority)
        let mismatch = try #require(throws: HTTPClientError.self) { try misnamed.send(method: "GET", path: "/") }
        guard case .untrusted = mismatch else { throw mismatch }
    }

    @Test("what could smuggle a line, a user or another protocol into a request is refused before it is sent")
    func injection() throws {
        for url in [
            "ftp://h", "file:///etc/passwd", "h", "http://user:pass@h", "http://h?x", "http://h\r\nX: y", "http://é",
        ] {
            #expect(throws: HTTPClientError.self, "\(url)") { try HTTPClient(baseURL: url) }
        }
        for bearer in ["", "a\r\nX: y", "a b"] {
            #expect(throws: HTTPClientError.self) { try HTTPClient(baseURL: "http://h", bearer: bearer) }
        }
        let client = try HTTPClient(baseURL: server.baseURL)
        for path in ["", "x", "/a b", "/a\r\nX: y", "/#a", "/é"] {
            #expect(throws: HTTPClientError.self, "\(path)") { try client.send(method: "GET", path: path) }
        }
        for method in ["", "GET /x", "get", "GET\r\n"] {
            #expect(throws: HTTPClientError.self) { try client.send(method: method, path: "/") }
        }
        for (name, value) in [("", "x"), ("A b", "x"), ("A:", "x"), ("A", "x\r\nB: y"), ("A", "x\u{0}y")] {
            #expect(throws: HTTPClientError.self) {
                try client.send(method: "GET", path: "/", headers: [(name, value)])
            }
        }
    }
}
