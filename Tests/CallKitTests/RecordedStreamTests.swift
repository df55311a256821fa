import CallKit
import HTTPCore
import Synchronization
import Testing

/// The line of a streamed answer: one, when it ends, with what was sent.
@Suite struct RecordedStreamTests {
    private final class Pieces: ResponseStream {
        let left: Mutex<[ResponsePiece]>
        let isCancelled = Atomic<Bool>(false)

        init(_ pieces: [ResponsePiece]) { left = Mutex(pieces) }

        func next(_ give: @escaping @Sendable (ResponsePiece) -> Void) {
            give(left.withLock { $0.isEmpty ? .end : $0.removeFirst() })
        }

        func cancel() { isCancelled.store(true, ordering: .relaxed) }
    }

    private final class Lines: Sendable {
        let all = Mutex<[String]>([])
        var text: [String] { all.withLock { $0 } }
    }

    private func stream(
        _ pieces: [ResponsePiece], length: Int? = nil, isHead: Bool = false
    ) -> (RecordedStream, Pieces, Lines) {
        let (inner, lines) = (Pieces(pieces), Lines())
        let stream = RecordedStream(inner, length: length, isHead: isHead) { bytes, end in
            lines.all.withLock { $0.append("\(bytes) \(end)") }
        }
        return (stream, inner, lines)
    }

    private func pull(_ stream: RecordedStream, _ times: Int) { for _ in 0..<times { stream.next { _ in } } }

    @Test("O6 a stream of no known length is recorded once, at its end, with all its bytes")
    func whole() {
        let (stream, _, lines) = stream([.bytes([1, 2, 3]), .bytes([4])])
        pull(stream, 2)
        #expect(lines.text.isEmpty)
        pull(stream, 2)
        stream.cancel()
        #expect(lines.text == ["4 whole"])
    }

    @Test("O6 a stream of known length is recorded with its last byte, before anybody can ask for its line")
    func known() {
        let (stream, _, lines) = stream([.bytes([1, 2]), .bytes([3])], length: 3)
        pull(stream, 1)
        #expect(lines.text.isEmpty)
        stream.next { _ in #expect(lines.text == ["3 whole"]) }
    }

    @Test("O6 a client that leaves, and a stream that breaks, are recorded as such with what was sent until then")
    func cut() {
        let (left, inner, lines) = stream([.bytes([1, 2]), .bytes([3])], length: 3)
        pull(left, 1)
        left.cancel()
        left.cancel()
        #expect(lines.text == ["2 clientLeft"] && inner.isCancelled.load(ordering: .relaxed))
        let (broken, _, more) = stream([.bytes([1]), .failed])
        pull(broken, 2)
        broken.cancel()
        #expect(more.text == ["1 failed"])
        let (unread, _, none) = stream([.bytes([1])])
        unread.cancel()
        #expect(none.text == ["0 clientLeft"])
    }

    @Test("O6 an answer to HEAD, whose stream is never asked for a piece, is whole with no bytes")
    func head() {
        let (stream, _, lines) = stream([.bytes([1])], isHead: true)
        stream.cancel()
        #expect(lines.text == ["0 whole"])
    }
}
