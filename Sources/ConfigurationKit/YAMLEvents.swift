import CLibYAML

/// One step of reading a YAML text, with the place where it starts.
struct YAMLEvent {
    enum Kind {
        case scalar(String, isPlain: Bool, anchor: String?)
        case sequenceStart(anchor: String?)
        case sequenceEnd
        case mappingStart(anchor: String?)
        case mappingEnd
        case alias(String)
        case documentStart
        case documentEnd
        case streamStart
        case streamEnd
    }

    var kind: Kind
    /// Line and column from 1, the column in Unicode scalars.
    var line: Int
    var column: Int
}

/// Where and why a text is not YAML.
struct YAMLProblem: Error {
    var line: Int
    var column: Int
    var reason: String
}

/// The events of a YAML text, read by libyaml, which holds what it needs of it and nothing more.
struct YAMLEvents: ~Copyable {
    /// It keeps its own address, so it must not move.
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    /// What the parser reads; it must stay until the parser is gone.
    private let bytes: UnsafeBufferPointer<UInt8>

    /// Starts at the beginning of a text in UTF-8, which must outlive the events.
    init(of bytes: UnsafeBufferPointer<UInt8>) throws(YAMLProblem) {
        let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
        guard yaml_parser_initialize(parser) == 1 else {
            parser.deallocate()
            throw YAMLProblem(line: 1, column: 1, reason: "no memory to parse it")
        }
        // Named, not guessed from the first bytes, which are known to be UTF-8.
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count)
        self.bytes = bytes
        self.parser = parser
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
    }

    /// The next event; after an error or the stream's end there is none to ask for.
    mutating func next() throws(YAMLProblem) -> YAMLEvent {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw problem() }
        defer { yaml_event_delete(&event) }
        let mark = event.start_mark
        return YAMLEvent(kind: try kind(of: event), line: Int(mark.line) + 1, column: Int(mark.column) + 1)
    }

    private func kind(of event: yaml_event_t) throws(YAMLProblem) -> YAMLEvent.Kind {
        switch event.type {
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            let value = UnsafeBufferPointer(start: scalar.value, count: scalar.value == nil ? 0 : scalar.length)
            return .scalar(
                String(decoding: value, as: UTF8.self), isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE,
                anchor: text(scalar.anchor))
        case YAML_SEQUENCE_START_EVENT: return .sequenceStart(anchor: text(event.data.sequence_start.anchor))
        case YAML_SEQUENCE_END_EVENT: return .sequenceEnd
        case YAML_MAPPING_START_EVENT: return .mappingStart(anchor: text(event.data.mapping_start.anchor))
        case YAML_MAPPING_END_EVENT: return .mappingEnd
        case YAML_ALIAS_EVENT: return .alias(text(event.data.alias.anchor) ?? "")
        case YAML_DOCUMENT_START_EVENT: return .documentStart
        case YAML_DOCUMENT_END_EVENT: return .documentEnd
        case YAML_STREAM_START_EVENT: return .streamStart
        // `YAML_NO_EVENT` is what libyaml gives when asked beyond the stream's end.
        default: return .streamEnd
        }
    }

    private func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        pointer.map { String(cString: $0) }
    }

    private func problem() -> YAMLProblem {
        let reason = parser.pointee.problem.map { String(cString: $0) } ?? "no memory to parse it"
        if parser.pointee.error == YAML_READER_ERROR {
            let place = place(ofByte: parser.pointee.problem_offset)
            return YAMLProblem(line: place.line, column: place.column, reason: reason)
        }
        let contextLine = parser.pointee.context_mark.line + 1
        let context = parser.pointee.context.map { " (\(String(cString: $0)) from line \(contextLine))" } ?? ""
        let mark = parser.pointee.problem_mark
        return YAMLProblem(line: Int(mark.line) + 1, column: Int(mark.column) + 1, reason: reason + context)
    }

    /// The reader counts bytes, not lines: they are counted again.
    private func place(ofByte offset: Int) -> (line: Int, column: Int) {
        let before = UnsafeBufferPointer(rebasing: bytes.prefix(max(0, offset)))
        let lineStart = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        let line = before.count { $0 == UInt8(ascii: "\n") } + 1
        // Continuation bytes belong to the scalar before them.
        return (line, before[lineStart...].count { $0 & 0xc0 != 0x80 } + 1)
    }
}
