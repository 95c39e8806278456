import SampleCodec

#if canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Names inside the spool's directory.
enum SpoolLayout {
    static func lock(_ root: String) -> String { root + "/LOCK" }
    static func data(_ root: String) -> String { root + "/data" }
    static func next(_ root: String) -> String { root + "/data.next" }
    static func old(_ root: String) -> String { root + "/data.old" }
    static func quarantined(_ root: String) -> String { root + "/data.quarantined" }
}

/// The file that names the session: "TOCSPOOL", version 1 in 4 bytes, the 16 bytes, CRC-32 of all before.
enum SpoolIdentity: Hashable {
    case session(SpoolSession)
    case damaged
    case otherVersion(UInt32)
    case absent

    private static let magic = Array("TOCSPOOL".utf8)
    private static let version: UInt32 = 1
    private static let size = 32

    static func read(in folder: String) throws(SpoolError) -> SpoolIdentity {
        let path = folder + "/SPOOL"
        guard SpoolDirectory.exists(path) else { return .absent }
        let bytes = try SpoolFile(path, flags: O_RDONLY).read(size + 1, at: 0)
        guard bytes.count == size, bytes.starts(with: magic),
            bytes.little(UInt32.self, at: 28) == CRC32.checksum(bytes[..<28])
        else { return .damaged }
        let found = bytes.little(UInt32.self, at: 8)
        guard found == version else { return .otherVersion(found) }
        return SpoolSession(bytes: Array(bytes[12..<28])).map { .session($0) } ?? .damaged
    }

    /// Writes the file so that it is there whole or not at all.
    static func write(_ session: SpoolSession, in folder: String) throws(SpoolError) {
        var bytes = magic
        bytes.appendLittle(version)
        bytes += session.bytes
        bytes.appendLittle(CRC32.checksum(bytes))
        let path = folder + "/SPOOL"
        let file = try SpoolFile(path + ".new", flags: O_RDWR | O_CREAT | O_TRUNC)
        try file.write(bytes, at: 0)
        try file.sync()
        try SpoolDirectory.rename(path + ".new", to: path)
        try SpoolDirectory.sync(folder)
    }
}
