import FuzzTargets
import Glibc

/// libFuzzer's way in: the target by name in the environment; a broken property ends the program as a crash does.
private let target: FuzzTarget = {
    guard let name = getenv("TOLLGATE_FUZZ"), let target = FuzzTarget(rawValue: String(cString: name)) else {
        fatalError("TOLLGATE_FUZZ names one of \(FuzzTarget.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return target
}()

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    do {
        try target.check(Array(UnsafeBufferPointer(start: bytes, count: count)))
    } catch {
        fatalError("\(target): \(error)")
    }
    return 0
}
