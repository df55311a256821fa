import Foundation

// Calls docs/examples/Receiver.swift as a web framework would: each line of standard input is a request, each line of
// standard output the status of the answer to it, or a newer state of an object.

@Sendable func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

let words = CommandLine.arguments
let receiver = try Receiver(secret: words[1], inbox: URL(fileURLWithPath: words[2])) { type, id, revision in
    say("\(type) \(id) revision \(revision)")
}
while let line = readLine() {
    guard let call = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] else { break }
    let now = (call["now"] as? Double).map { Date(timeIntervalSince1970: $0) } ?? Date()
    let status = await receiver.receive(
        id: call["id"] as? String, timestamp: call["timestamp"] as? String, signatures: call["signatures"] as? String,
        body: Data((call["body"] as? String ?? "").utf8), now: now)
    say("status \(status)")
}
