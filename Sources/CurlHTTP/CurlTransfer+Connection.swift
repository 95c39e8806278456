import CLibcurl
import Probing
import Telemetry

extension CurlTransfer {
    /// Options of the connection itself.
    func configureConnection() {
        if job.request.usesFreshConnection {
            long(CURLOPT_FRESH_CONNECT, 1)
            long(CURLOPT_FORBID_REUSE, 1)
            long(CURLOPT_CERTINFO, 1)
        }
        if job.request.connectsOnly { long(CURLOPT_CONNECT_ONLY, 1) }
    }

    /// curl's times all run from the start; a step that did not happen has the time of none.
    var timing: HTTPTiming {
        let lookup = time(CURLINFO_NAMELOOKUP_TIME_T)
        let connected = max(lookup, time(CURLINFO_CONNECT_TIME_T))
        let encrypted = time(CURLINFO_APPCONNECT_TIME_T)
        let ready = max(connected, encrypted)
        return HTTPTiming(
            nameLookup: .microseconds(lookup), connect: .microseconds(connected - lookup),
            handshake: .microseconds(encrypted > 0 ? max(0, encrypted - connected) : 0),
            firstByte: .microseconds(max(0, time(CURLINFO_STARTTRANSFER_TIME_T) - ready)))
    }

    /// The earliest end of the certificates that the server presented; nil where curl has none or writes it in
    /// another form.
    var certificateNotAfter: Timestamp? {
        guard job.request.usesFreshConnection else { return nil }
        var info: UnsafeMutablePointer<curl_certinfo>?
        guard tocsin_easy_getinfo_certinfo(handle, &info) == CURLE_OK, let info else { return nil }
        var earliest: Timestamp?
        for index in 0..<Int(max(0, info.pointee.num_of_certs)) {
            var line = info.pointee.certinfo?[index]
            while let current = line {
                let text = current.pointee.data.map { String(cString: $0) } ?? ""
                if text.hasPrefix("Expire date:"), let end = CertificateDate.parse(text.dropFirst("Expire date:".count))
                {
                    earliest = min(earliest ?? end, end)
                }
                line = current.pointee.next
            }
        }
        return earliest
    }
}

/// Reads a certificate's dates as OpenSSL prints them: `Nov 25 01:02:03 2027 GMT`.
enum CertificateDate {
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    static func parse(_ text: Substring) -> Timestamp? {
        let words = text.split(separator: " ")
        guard words.count == 5, words[4] == "GMT", let month = months.firstIndex(of: String(words[0])),
            let day = Int64(words[1]), let year = Int64(words[3])
        else { return nil }
        let clock = words[2].split(separator: ":").compactMap { Int64($0) }
        guard clock.count == 3, (1...31).contains(day), (1950...9999).contains(year) else { return nil }
        let seconds = days(year, Int64(month) + 1, day) * 86_400 + clock[0] * 3600 + clock[1] * 60 + clock[2]
        return Timestamp(millis: seconds * 1000)
    }

    /// Days since 1970 of a date of the Gregorian calendar.
    ///
    /// Source: Hinnant, "chrono-compatible low-level date algorithms".
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}
