import GRDB

/// Why a store could not do what it was asked.
package struct StoreError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kinds of failure.
    package enum Code: String, Sendable {
        /// The disk, or the file's own limit, is full. Nothing was written; trying again may help later.
        case full
        /// The file is damaged. It is set aside at the next opening.
        case corrupt
        /// Reading or writing the file failed.
        case io
        /// Another process holds the file.
        case busy
        /// What was to be stored is already there in another form.
        case conflict
        /// The file was written by a newer version.
        case newerSchema
        /// The caller's values cannot be stored.
        case invalid
        /// The answer would be larger than allowed.
        case tooLarge
        /// Anything else.
        case other
    }

    /// The kind of failure.
    package var code: Code
    /// One sentence for people; holds no stored values.
    package var message: String

    /// Makes an error.
    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The error that stands for what SQLite or the system reported.
    package init(_ error: any Error) {
        switch error {
        case let error as StoreError:
            self = error
        case let error as DatabaseError:
            // The message is SQLite's own; statements and arguments stay out of it.
            self.init(
                Self.code(of: error), "\(error.message ?? "no message") (SQLite \(error.extendedResultCode.rawValue))")
        case is RowDecodingError:
            // We never write such a value; the error's own words hold what is stored.
            self.init(.corrupt, "a stored value is of another type than it was written with")
        default:
            self.init(.other, "\(error)")
        }
    }

    package var description: String { "\(code.rawValue): \(message)" }

    package static func == (lhs: StoreError, rhs: StoreError) -> Bool { lhs.code == rhs.code }

    private static func code(of error: DatabaseError) -> Code {
        // Out of space while the WAL index grows comes as an I/O error of its own.
        if error.extendedResultCode == .SQLITE_IOERR_SHMSIZE { return .full }
        return switch error.resultCode {
        case .SQLITE_FULL: .full
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: .corrupt
        case .SQLITE_IOERR, .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_PERM: .io
        case .SQLITE_BUSY, .SQLITE_LOCKED: .busy
        case .SQLITE_CONSTRAINT: .conflict
        default: .other
        }
    }
}
