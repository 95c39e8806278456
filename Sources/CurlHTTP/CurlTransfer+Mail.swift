import CLibcurl
import Probing

extension CurlTransfer {
    /// What a mail needs beside the options of every transfer.
    func configure(_ mail: Mail) {
        string(CURLOPT_MAIL_FROM, "<\(mail.from)>")
        set(CURLOPT_MAIL_RCPT, mail.recipients.map { "<\($0)>" })
        long(CURLOPT_UPLOAD, 1)
        tocsin_easy_setopt_off(handle, CURLOPT_INFILESIZE_LARGE, curl_off_t(mail.message.count))
        // "Try" would go on in the clear when somebody strips STARTTLS from the server's greeting.
        long(CURLOPT_USE_SSL, Int(mail.protection == .none ? CURLUSESSL_NONE.rawValue : CURLUSESSL_ALL.rawValue))
        if let login = mail.login {
            string(CURLOPT_USERNAME, login.user)
            string(CURLOPT_PASSWORD, login.password)
        }
        tocsin_easy_setopt_write(handle, CURLOPT_READFUNCTION) { buffer, size, count, context in
            guard let buffer, let context else { return 0 }
            let transfer = Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
            return transfer.giveMail(UnsafeMutableRawBufferPointer(start: buffer, count: size * count))
        }
        tocsin_easy_setopt_pointer(handle, CURLOPT_READDATA, Unmanaged.passUnretained(self).toOpaque())
    }

    /// Hands curl the next bytes of the message; 0 at its end.
    private func giveMail(_ buffer: UnsafeMutableRawBufferPointer) -> Int {
        guard let message = job.mail?.message else { return 0 }
        let part = message[mailBytesSent...].prefix(buffer.count)
        buffer.copyBytes(from: part)
        mailBytesSent += part.count
        return part.count
    }

    /// Refuses what would break out of its line in the dialogue, and credentials for a peer that nobody checks.
    static func check(_ mail: Mail) throws(HTTPFailureError) {
        let addresses = [mail.from] + mail.recipients
        let isClean = addresses.allSatisfy { address in
            !address.isEmpty && address.utf8.allSatisfy { $0 > 32 && $0 != 127 && $0 != 60 && $0 != 62 }
        }
        guard isClean, !mail.recipients.isEmpty else { throw HTTPFailureError("A mail address is malformed.") }
        if mail.login != nil, mail.trust == .insecure || mail.protection == .none {
            throw HTTPFailureError("Credentials are not sent to a mail server that nobody checks.")
        }
    }
}
