import FoundationEssentials
import Glibc
import SystemPackage

extension Error {
    /// Why a file could not be used, in the system's words: "Permission denied".
    var systemReason: String {
        guard let posix = (self as? CocoaError)?.underlying as? POSIXError else { return "\(self)" }
        return Errno(rawValue: posix.code.rawValue).description
    }
}
