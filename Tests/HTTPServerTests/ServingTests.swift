import HTTPCore
import HTTPServer
import Testing

@Suite struct ServingTests {
    @Test("requests on one connection are answered one after another, and the connection stays open")
    func keepAlive() throws {
        let server = try TestServer()
        let client = try server.client()
        for number in 0..<5 {
            let answer = try client.exchange("GET /hello?\(number) HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(answer.status == 200)
            #expect(answer.text == "hello \(number)")
            #expect(answer.field("Connection") == nil)
            #expect(answer.field("Date")?.hasSuffix(" GMT") == true)
        }
    }

    @Test("pipelined requests are answered in their order, whether the answers come at once or later")
    func pipelining() throws {
        let server = try TestServer()
        let client = try server.client()
        var requests = ""
        for number in 0..<60 {
            switch number % 3 {
            case 0: requests += "GET /hello?\(number) HTTP/1.1\r\nHost: a\r\n\r\n"
            case 1: requests += "GET /later?\(number) HTTP/1.1\r\nHost: a\r\n\r\n"
            default: requests += "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n\(number % 90 + 10)"
            }
        }
        try client.send(requests)
        for number in 0..<60 {
            let expected = ["hello \(number)", "later \(number)", "\(number % 90 + 10)"][number % 3]
            #expect(try client.answer().text == expected)
        }
    }
}
