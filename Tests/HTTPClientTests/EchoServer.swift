import Foundation
import TestPrograms

/// A small server in Python, in a process of its own: what it answers is written by other hands than the client's.
final class EchoServer: Sendable {
    let baseURL: String
    let socketPath: String?
    let folder: String
    private let process: Program
    /// Open for as long as the server is to run: it ends with its input, also where the tests were killed.
    private let lifeline: Pipe

    /// On a free loopback port, in plain text or by TLS with a certificate for 127.0.0.1 alone that nobody vouches for,
    /// or on a socket file.
    init(onSocket: Bool = false, withTLS: Bool = false) throws {
        folder = NSTemporaryDirectory() + "tollgate-client-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        socketPath = onSocket ? folder + "/server.sock" : nil
        if withTLS { try Self.makeCertificate(in: folder) }
        process = Program()
        process.arguments = ["python3", "-u", "-c", Self.program] + (socketPath.map { [$0] } ?? [])
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        lifeline = Pipe()
        process.standardInput = lifeline
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        // It writes its port once it listens.
        let port = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        baseURL = (withTLS ? "https" : "http") + "://127.0.0.1:" + port.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private static func makeCertificate(in folder: String) throws {
        let process = Program()
        process.arguments = [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
            "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2", "-keyout", folder + "/key.pem", "-out",
            folder + "/certificate.pem",
        ]
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
    }

    func file(_ name: String) -> String { folder + "/" + name }

    deinit {
        try? lifeline.fileHandleForWriting.close()
        process.waitUntilExit()
        try? FileManager.default.removeItem(atPath: folder)
    }

    private static let program = """
        import hashlib, http.server, json, os, socket, socketserver, ssl, sys, threading

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'
            def address_string(self): return 'client'
            def log_message(self, *arguments): pass
            def answer(self):
                length = int(self.headers.get('Content-Length', 0))
                digest = hashlib.sha256()
                left = length
                while left > 0:
                    piece = self.rfile.read(min(left, 65536))
                    digest.update(piece)
                    left -= len(piece)
                if self.path.startswith('/bytes/'):
                    size = int(self.path.split('/')[2])
                    self.send_response(200)
                    self.send_header('Content-Length', str(size))
                    self.end_headers()
                    self.wfile.write(b'x' * size)
                elif self.path == '/cut':
                    self.send_response(200)
                    self.send_header('Content-Length', '1000')
                    self.end_headers()
                    self.wfile.write(b'x' * 10)
                    self.close_connection = True
                elif self.path == '/redirect':
                    self.send_response(302)
                    self.send_header('Location', '/bytes/5')
                    self.send_header('Content-Length', '0')
                    self.end_headers()
                elif self.path == '/silent':
                    self.rfile.read(1)
                else:
                    body = json.dumps({'method': self.command, 'path': self.path, 'length': length,
                        'sha256': digest.hexdigest(), 'resumed': getattr(self.connection, 'session_reused', None),
                        'headers': [[name.lower(), value] for name, value in self.headers.items()]}).encode()
                    self.send_response(422 if self.path == '/refused' else 200)
                    self.send_header('Content-Length', str(len(body)))
                    self.send_header('X-Twice', 'one')
                    self.send_header('X-Twice', 'two')
                    self.end_headers()
                    if self.command != 'HEAD': self.wfile.write(body)
            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = answer

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            if len(sys.argv) > 1: address_family = socket.AF_UNIX
        server = Server(sys.argv[1] if len(sys.argv) > 1 else ('127.0.0.1', 0), Handler)
        if os.path.exists('certificate.pem'):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain('certificate.pem', 'key.pem')
            server.socket = context.wrap_socket(server.socket, server_side=True)
        print(0 if len(sys.argv) > 1 else server.server_address[1])
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdin.read()
        """
}
