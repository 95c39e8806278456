import CZlib

/// Raw DEFLATE (RFC 1951, no zlib or gzip wrapper: the block has its own checksum) of whole buffers.
package enum Deflate {
    /// No DEFLATE stream inflates to more than 1032 times its size (zlib technical notes), plus its last bytes.
    package static func largestInflation(of bytes: Int) -> Int {
        bytes.multipliedReportingOverflow(by: 1032).overflow ? .max : bytes * 1032 + 64
    }

    /// The deflated bytes; nil when zlib has no memory or when they would not be fewer.
    package static func compress(_ input: [UInt8], level: Int32 = 6) -> [UInt8]? {
        var stream = z_stream()
        let size = Int32(MemoryLayout<z_stream>.size)
        let started = deflateInit2_(
            &stream, level, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY, zlibVersion(), size)
        guard started == Z_OK else { return nil }
        defer { deflateEnd(&stream) }
        var complete = false
        let output = [UInt8](unsafeUninitializedCapacity: input.count) { target, count in
            input.withUnsafeBufferPointer { source in
                stream.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
                stream.avail_in = uInt(source.count)
                stream.next_out = target.baseAddress
                stream.avail_out = uInt(target.count)
                complete = deflate(&stream, Z_FINISH) == Z_STREAM_END
            }
            count = target.count - Int(stream.avail_out)
        }
        return complete && output.count < input.count ? output : nil
    }

    /// Inflates into exactly `size` bytes; an error when the stream is damaged or gives fewer or more.
    package static func decompress(_ input: UnsafeBufferPointer<UInt8>, size: Int) throws(SampleBlockError) -> [UInt8] {
        var stream = z_stream()
        let started = inflateInit2_(&stream, -MAX_WBITS, zlibVersion(), Int32(MemoryLayout<z_stream>.size))
        guard started == Z_OK else {
            throw SampleBlockError(.limitExceeded, "no memory to inflate", offset: 0, expected: UInt64(size))
        }
        defer { inflateEnd(&stream) }
        var result = Z_OK
        // One byte more than needed, so that a longer stream shows instead of looking complete.
        let output = [UInt8](unsafeUninitializedCapacity: size + 1) { target, count in
            stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
            stream.avail_in = uInt(input.count)
            stream.next_out = target.baseAddress
            stream.avail_out = uInt(size + 1)
            result = inflate(&stream, Z_FINISH)
            count = size + 1 - Int(stream.avail_out)
        }
        guard result == Z_STREAM_END, output.count == size, stream.avail_in == 0 else {
            throw SampleBlockError(
                .malformed, "the body does not inflate to its size", offset: input.count - Int(stream.avail_in),
                found: UInt64(output.count), expected: UInt64(size))
        }
        return output
    }
}
