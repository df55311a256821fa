package enum Deflate { package static func compress(_ b: [UInt8], level: Int32) throws -> [UInt8] { b }; package static func decompress(_ b: [UInt8], bytesMax: Int) throws -> [UInt8] { b } }
