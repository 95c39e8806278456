extension ValueType where Value == String {
    /// Text of 1 to `lengthMax` characters on one line.
    package static func text(lengthMax: Int = 200) -> ValueType {
        ValueType(
            name: "text", range: "1 to \(lengthMax) characters",
            schema: .record([
                "type": .string("string"), "minLength": .number(1), "maxLength": .number(Double(lengthMax)),
            ]),
            allowsEnvironment: true, placeholder: "",
            parse: { text, _ throws(ValueProblem) in
                guard !text.isEmpty else { throw ValueProblem("must not be empty") }
                guard text.unicodeScalars.count <= lengthMax else {
                    throw ValueProblem("must have at most \(lengthMax) characters")
                }
                guard text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7f }) else {
                    throw ValueProblem("must be one line without control characters")
                }
                return text
            },
            format: { $0 })
    }

    /// A name: ASCII letters, digits and `-._`, beginning and ending with a letter or digit.
    package static func name(lengthMax: Int = 63) -> ValueType {
        ValueType(
            name: "name", range: "1 to \(lengthMax) of `A-Z a-z 0-9 - . _`",
            schema: .record([
                "type": .string("string"), "pattern": .string("^[A-Za-z0-9]([-A-Za-z0-9._]*[A-Za-z0-9])?$"),
                "maxLength": .number(Double(lengthMax)),
            ]),
            allowsEnvironment: true, placeholder: "",
            parse: { text, _ throws(ValueProblem) in
                guard !text.isEmpty else { throw ValueProblem("must not be empty") }
                guard text.utf8.count <= lengthMax else {
                    throw ValueProblem("must have at most \(lengthMax) characters")
                }
                let isWellFormed =
                    text.unicodeScalars.allSatisfy { isAlphanumeric($0) || "-._".unicodeScalars.contains($0) }
                    && text.unicodeScalars.first.map(isAlphanumeric) == true
                    && text.unicodeScalars.last.map(isAlphanumeric) == true
                guard isWellFormed else {
                    throw ValueProblem("must be letters, digits and -._ between a letter or digit at both ends")
                }
                return text
            },
            format: { $0 })
    }

    /// The path of a file or folder; a relative one starts from the folder of the configuration file.
    package static let path = ValueType(
        name: "path",
        schema: .record(["type": .string("string"), "minLength": .number(1), "maxLength": .number(4096)]),
        allowsEnvironment: true, placeholder: "",
        parse: { text, context throws(ValueProblem) in
            guard !text.isEmpty else { throw ValueProblem("must not be empty") }
            guard text.utf8.count <= 4096, !text.utf8.contains(0) else { throw ValueProblem("is no path") }
            guard !text.hasPrefix("~") else { throw ValueProblem("'~' is not expanded; write the whole path") }
            return PathText.resolve(text, in: context.folder)
        },
        format: { $0 })

    /// A host name or an address, without a port.
    package static let host = ValueType(
        name: "host",
        schema: .record(["type": .string("string"), "minLength": .number(1), "maxLength": .number(253)]),
        allowsEnvironment: true, placeholder: "",
        parse: { text, _ throws(ValueProblem) in
            try HostPort.check(host: text)
            return text
        },
        format: { $0 })

    /// An absolute `http` or `https` URL without credentials, query and fragment; a slash at its end is dropped.
    package static let url = ValueType(
        name: "URL",
        schema: .record(["type": .string("string"), "pattern": .string("^https?://[^@?#\\s]+$")]),
        allowsEnvironment: true, placeholder: "",
        parse: { text, _ throws(ValueProblem) in try URLText.parse(text) },
        format: { $0 })

    /// Base64 of the SHA-256 of a public key's SubjectPublicKeyInfo; 64 hexadecimal digits are taken too and turned
    /// into it.
    package static let publicKeyPin = ValueType(
        name: "SHA-256",
        range: "44 characters of base64, or 64 hexadecimal digits",
        schema: .record([
            "type": .string("string"), "pattern": .string("^((sha256//)?[A-Za-z0-9+/]{43}=|[0-9A-Fa-f]{64})$"),
        ]),
        allowsEnvironment: true, placeholder: "",
        parse: { text, _ throws(ValueProblem) in try PinText.parse(text) },
        format: { $0 })

    private static func isAlphanumeric(_ scalar: Unicode.Scalar) -> Bool {
        scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
    }
}

extension ValueType where Value == HostPort {
    /// Where to connect to.
    package static let endpoint = address(portMin: 1)
    /// Where to listen; port 0 lets the system choose.
    package static let listener = address(portMin: 0)

    private static func address(portMin: Int) -> ValueType {
        ValueType(
            name: "host:port", range: portMin == 0 ? "port 0 lets the system choose" : nil,
            schema: .record([
                "type": .string("string"), "pattern": .string("^(\\[[0-9A-Fa-f:.%]+\\]|[^:\\s/]+):[0-9]{1,5}$"),
            ]),
            allowsEnvironment: true, placeholder: HostPort(host: "localhost", port: portMin),
            parse: { text, _ throws(ValueProblem) in
                let value = try HostPort(parsing: text)
                guard value.port >= portMin else { throw ValueProblem("the port must be 1 to 65535") }
                return value
            },
            format: \.description)
    }
}

extension ValueType where Value == Glob {
    /// A pattern over names.
    package static let glob = ValueType(
        name: "glob", range: "`*` any run, `?` one character",
        schema: .record(["type": .string("string"), "minLength": .number(1), "maxLength": .number(400)]),
        placeholder: Glob(""),
        parse: { text, _ throws(ValueProblem) in
            guard !text.isEmpty else { throw ValueProblem("must not be empty") }
            guard text.unicodeScalars.count <= 400 else { throw ValueProblem("must have at most 400 characters") }
            let other = text.unicodeScalars.first { $0.value < 0x21 || "[]{}\\!^$|()".unicodeScalars.contains($0) }
            if let other {
                let shown = other.value < 0x21 ? "a space" : "'\(other)'"
                throw ValueProblem("a glob knows only * and ?, not \(shown)")
            }
            return Glob(text)
        },
        format: \.pattern)
}

/// Paths relative to a configuration file.
enum PathText {
    /// The path with `folder` in front unless it is absolute, `.` and inner `..` folded; symbolic links are not looked
    /// at.
    static func resolve(_ path: String, in folder: String) -> String {
        let whole = path.hasPrefix("/") || folder == "." ? path : "\(folder)/\(path)"
        var parts: [Substring] = []
        for part in whole.split(separator: "/") where part != "." {
            if part == "..", let last = parts.last, last != ".." { parts.removeLast() } else { parts.append(part) }
        }
        return (whole.hasPrefix("/") ? "/" : "") + parts.joined(separator: "/")
    }
}

/// URLs of targets.
enum URLText {
    static func parse(_ text: String) throws(ValueProblem) -> String {
        guard let separator = text.firstRange(of: "://") else {
            throw ValueProblem(
                "must be an absolute URL, such as http://127.0.0.1:8086/actuator", hidesValue: text.contains("@"))
        }
        let scheme = text[..<separator.lowerBound]
        let rest = text[separator.upperBound...]
        let authority = rest.prefix { !"/?#".contains($0) }
        guard !authority.contains("@") else {
            throw ValueProblem(
                "a URL must not hold credentials; name a file with them under 'credentials'", hidesValue: true)
        }
        guard scheme == "http" || scheme == "https" else {
            throw ValueProblem(
                "the scheme must be http or https",
                suggestion: NearestName.of(String(scheme), among: ["http", "https"]))
        }
        guard text.unicodeScalars.allSatisfy({ $0.isASCII && $0.value > 0x20 && $0.value != 0x7f }) else {
            throw ValueProblem("a URL has no spaces and only ASCII characters")
        }
        guard !rest.contains("?"), !rest.contains("#") else {
            throw ValueProblem("a URL here has no query and no fragment", hidesValue: true)
        }
        try checkAuthority(String(authority))
        var url = text
        while url.hasSuffix("/"), url.utf8.count > scheme.utf8.count + 3 { url.removeLast() }
        return url
    }

    private static func checkAuthority(_ authority: String) throws(ValueProblem) {
        let hasPort = authority.hasPrefix("[") ? authority.contains("]:") : authority.contains(":")
        _ = try HostPort(parsing: hasPort ? authority : "\(authority):80")
    }

    /// The host of a URL that `parse` accepted, an IPv6 address without brackets.
    static func host(of url: String) -> String {
        guard let separator = url.firstRange(of: "://") else { return "" }
        let authority = String(url[separator.upperBound...].prefix { $0 != "/" })
        if authority.hasPrefix("[") { return String(authority.dropFirst().prefix { $0 != "]" }) }
        return String(authority.prefix { $0 != ":" })
    }
}

/// Hashes of public keys.
enum PinText {
    static func parse(_ text: String) throws(ValueProblem) -> String {
        let digits = text.hasPrefix("sha256//") ? String(text.dropFirst(8)) : text
        if digits.utf8.count == 64, digits.allSatisfy({ $0.isASCII && $0.isHexDigit }) { return base64(ofHex: digits) }
        let isBase64 =
            digits.utf8.count == 44 && digits.hasSuffix("=")
            && digits.dropLast().allSatisfy {
                $0.isASCII && ($0.isLetter || $0.isWholeNumber || $0 == "+" || $0 == "/")
            }
        guard isBase64 else {
            throw ValueProblem(
                "must be the SHA-256 of the public key: 44 characters of base64 or 64 hexadecimal digits")
        }
        return digits
    }

    private static func base64(ofHex hex: String) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        let bits = hex.compactMap(\.hexDigitValue).flatMap { digit in (0..<4).map { digit >> (3 - $0) & 1 } }
        // 256 bits are 42 groups of six and four bits more, which two zero bits and one "=" complete.
        let padded = bits + [0, 0]
        let characters = stride(from: 0, to: padded.count, by: 6).map { start in
            alphabet[padded[start..<start + 6].reduce(0) { $0 << 1 | $1 }]
        }
        return String(characters) + "="
    }
}
