import Cryptography
package import HTTPCore

/// A picture that may be a tenant's logo (O12): PNG or WebP, whole, `sideMax` pixels a side at most. It is judged by
/// its bytes, whatever it is called: whoever loads it gets nothing that is anything else as well. Pure: any thread.
package struct LogoImage: Sendable, Equatable {
    package static let bytesMax = 64 << 10
    package static let sideMax = 1_024

    package enum Kind: String, Sendable, CaseIterable {
        case png = "image/png"
        case webp = "image/webp"
    }

    package let kind: Kind
    package let width: Int
    package let height: Int

    /// Why bytes are no logo.
    package enum Fault: Error, Equatable {
        case neither
        case damaged(Kind)
        case tooLarge(width: Int, height: Int)

        package var fieldError: FieldError {
            switch self {
            case .neither: FieldError(pointer: "", code: "format", detail: "must be a PNG or WebP picture")
            case .damaged(.png): FieldError(pointer: "", code: "format", detail: "is not a whole PNG picture")
            case .damaged(.webp): FieldError(pointer: "", code: "format", detail: "is not a whole WebP picture")
            case .tooLarge(let width, let height):
                FieldError(
                    pointer: "", code: "range",
                    detail: "has \(width) × \(height) pixels; \(LogoImage.sideMax) a side are allowed")
            }
        }
    }

    package init(_ bytes: [UInt8]) throws(Fault) {
        if bytes.starts(with: Self.pngMark) {
            kind = .png
            guard let size = Self.sizeOfPNG(bytes) else { throw .damaged(.png) }
            (width, height) = size
        } else if bytes.count >= 12, bytes.starts(with: Self.riff), bytes[8..<12].elementsEqual(Self.webp) {
            kind = .webp
            guard let size = Self.sizeOfWebP(bytes) else { throw .damaged(.webp) }
            (width, height) = size
        } else {
            throw .neither
        }
        guard width <= Self.sideMax, height <= Self.sideMax else { throw .tooLarge(width: width, height: height) }
    }

    // MARK: PNG (RFC 2083, §3)

    private static let pngMark: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

    /// Chunks one after the other, each with its check sum: one header, which is the first, some data, the end last and
    /// at the end.
    private static func sizeOfPNG(_ bytes: [UInt8]) -> (Int, Int)? {
        var place = pngMark.count
        var size: (Int, Int)?
        var hasData = false
        while bytes.count - place >= 12 {
            let length = bigEndian(bytes, place, 4)
            guard length <= bytes.count - place - 12 else { return nil }
            let name = Array(bytes[place + 4..<place + 8])
            let sum = bigEndian(bytes, place + 8 + length, 4)
            guard sum == Int(CRC32.checksum(Array(bytes[place + 4..<place + 8 + length]))) else { return nil }
            let isHeader = name == Array("IHDR".utf8)
            guard isHeader == (size == nil) else { return nil }
            if isHeader {
                guard length == 13 else { return nil }
                size = (bigEndian(bytes, place + 8, 4), bigEndian(bytes, place + 12, 4))
            }
            place += 12 + length
            if name == Array("IDAT".utf8) { hasData = true }
            if name == Array("IEND".utf8) { break }
        }
        guard place == bytes.count, hasData, let size, size.0 > 0, size.1 > 0,
            bytes.suffix(8).prefix(4).elementsEqual("IEND".utf8)
        else { return nil }
        return size
    }

    // MARK: WebP (RFC 9649, §2)

    private static let riff = Array("RIFF".utf8)
    private static let webp = Array("WEBP".utf8)

    /// The canvas is as large as the largest picture on it.
    private static func sizeOfWebP(_ bytes: [UInt8]) -> (Int, Int)? {
        guard littleEndian(bytes, 4, 4) == bytes.count - 8, bytes.count % 2 == 0 else { return nil }
        var place = 12
        var size = (0, 0)
        var hasPicture = false
        while bytes.count - place >= 8 {
            let name = String(decoding: bytes[place..<place + 4], as: UTF8.self)
            let length = littleEndian(bytes, place + 4, 4)
            let start = place + 8
            guard length <= bytes.count - start else { return nil }
            switch name {
            case "VP8 ", "VP8L", "VP8X":
                guard let part = sizeOfPart(name, bytes[start..<start + length]) else { return nil }
                size = (max(size.0, part.0), max(size.1, part.1))
                hasPicture = hasPicture || name != "VP8X"
            case "ANMF":
                guard length >= 16 else { return nil }
                let (width, height) = (littleEndian(bytes, start + 6, 3) + 1, littleEndian(bytes, start + 9, 3) + 1)
                size = (max(size.0, width), max(size.1, height))
                hasPicture = true
            default: break
            }
            // Parts of an odd length are followed by a byte that counts for nothing.
            place = start + length + length % 2
        }
        return place == bytes.count && hasPicture && size.0 > 0 && size.1 > 0 ? size : nil
    }

    private static func sizeOfPart(_ name: String, _ part: ArraySlice<UInt8>) -> (Int, Int)? {
        let bytes = Array(part)
        switch name {
        case "VP8 ":
            guard bytes.count >= 10, bytes[3..<6].elementsEqual([0x9D, 0x01, 0x2A]) else { return nil }
            return (littleEndian(bytes, 6, 2) & 0x3FFF, littleEndian(bytes, 8, 2) & 0x3FFF)
        case "VP8L":
            guard bytes.count >= 5, bytes[0] == 0x2F else { return nil }
            let bits = littleEndian(bytes, 1, 4)
            return (bits & 0x3FFF + 1, bits >> 14 & 0x3FFF + 1)
        default:
            guard bytes.count >= 10 else { return nil }
            return (littleEndian(bytes, 4, 3) + 1, littleEndian(bytes, 7, 3) + 1)
        }
    }

    private static func bigEndian(_ bytes: [UInt8], _ place: Int, _ count: Int) -> Int {
        bytes[place..<place + count].reduce(0) { $0 << 8 | Int($1) }
    }

    private static func littleEndian(_ bytes: [UInt8], _ place: Int, _ count: Int) -> Int {
        bytes[place..<place + count].reversed().reduce(0) { $0 << 8 | Int($1) }
    }
}
