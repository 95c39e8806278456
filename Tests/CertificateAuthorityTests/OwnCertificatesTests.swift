import CertificateAuthority
import Foundation
import Testing

/// What a coordinator makes for itself: once, and again before it ends.
struct OwnCertificatesTests {
    private let folder = NSTemporaryDirectory() + "tocsin-own-\(UUID().uuidString)"
    private let now = Date(timeIntervalSince1970: 1_790_000_000)

    private func own(_ hosts: [String] = ["tocsin.example", "::0001"]) -> OwnCertificates {
        OwnCertificates(path: folder + "/tls", hosts: hosts)
    }

    private func texts(_ own: OwnCertificates) throws -> [String] {
        try [own.authorityFile, own.certificateFile, own.keyFile].map { try CertificateDirectory.read($0) }
    }

    private func day(_ number: Double) -> Date { now.addingTimeInterval(number * 86_400) }

    @Test func itIsMadeOnceAndAgainBeforeItEnds() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let own = own()
        #expect(try own.prepare(now: now))
        let first = try texts(own)
        let summary = try CertificateSummary(pem: first[1])
        #expect(summary.role == .coordinator(hosts: ["tocsin.example", "::1", "localhost", "127.0.0.1"]))
        #expect(summary.notValidAfter == day(90))
        for name in ["coordinator.key", "ca.key"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: folder + "/tls/" + name)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
        }
        let directory = try FileManager.default.attributesOfItem(atPath: folder + "/tls")
        #expect(directory[.posixPermissions] as? Int == 0o700)
        #expect(try !own.prepare(now: day(59.9)))
        #expect(try texts(own) == first)
        #expect(try own.prepare(now: day(60.1)))
        let second = try texts(own)
        #expect(second[0] == first[0] && second[1] != first[1] && second[2] != first[2])
        #expect(try CertificateSummary(pem: second[1]).notValidAfter == day(150.1))
    }

    @Test func itIsMadeAgainWhenHostsChangeOrAPartIsAmiss() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try own().prepare(now: now)
        #expect(try own(["other.example"]).prepare(now: now))
        #expect(try !own(["other.example"]).prepare(now: now))
        let own = own(["other.example"])
        // A crash between the two writes leaves a key that is not the certificate's.
        let before = try CertificateDirectory.read(own.keyFile)
        let other = OwnCertificates(path: folder + "/other", hosts: [])
        try other.prepare(now: now)
        try CertificateDirectory.read(other.keyFile).write(toFile: own.keyFile, atomically: true, encoding: .utf8)
        #expect(try own.prepare(now: now))
        #expect(try CertificateDirectory.read(own.keyFile) != before)
        // A pair of another authority.
        for (from, to) in [(other.certificateFile, own.certificateFile), (other.keyFile, own.keyFile)] {
            try CertificateDirectory.read(from).write(toFile: to, atomically: true, encoding: .utf8)
        }
        #expect(try own.prepare(now: now))
        #expect(try !own.prepare(now: now))
    }

    @Test func anAuthorityThatCannotBeUsedIsNotReplaced() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let own = own()
        try own.prepare(now: now)
        try "nothing".write(toFile: own.authorityFile, atomically: true, encoding: .utf8)
        #expect(throws: CertificateAuthorityError.self) { try own.prepare(now: now) }
        #expect(try CertificateDirectory.read(own.authorityFile) == "nothing")
    }

    @Test func nearTheAuthoritysEndThePairIsMadeOnceADay() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let own = own()
        try own.prepare(now: now)
        let years = 10.0 * 365
        #expect(try own.prepare(now: day(years - 20)))
        #expect(try CertificateSummary(pem: CertificateDirectory.read(own.certificateFile)).notValidAfter == day(years))
        #expect(try !own.prepare(now: day(years - 19)))
        #expect(throws: CertificateAuthorityError.self) { try own.prepare(now: day(years + 1)) }
    }
}
