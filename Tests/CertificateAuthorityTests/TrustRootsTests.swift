import CertificateAuthority
import Foundation
import SwiftASN1
import Testing
import X509

struct TrustRootsTests {
    private let authority: CertificateAuthority
    private let roots: TrustRoots
    private let now = Date()

    init() throws {
        authority = try CertificateAuthority(now: Date())
        roots = try TrustRoots(pem: try authority.files.certificatePEM)
    }

    private func der(_ certificate: Certificate) throws -> [UInt8] {
        try certificate.serializeAsPEM().derBytes
    }

    private func refusal(_ presented: [[UInt8]]) async -> CertificateAuthorityError.Code? {
        do {
            _ = try await roots.clientChain(of: presented)
            return nil
        } catch {
            return error.code
        }
    }

    @Test func aClientOfTheAuthorityIsTakenWithItsWholeChain() async throws {
        for role in [CertificateRole.agent(cluster: "c", node: "n"), .user(role: .viewer, name: "ana")] {
            let leaf = try authority.issue(role, now: now).certificate
            let chain = try await roots.clientChain(of: [try der(leaf)])
            #expect(chain == [try der(leaf), try der(authority.certificate)])
        }
    }

    @Test func othersAreNot() async throws {
        let stranger = try CertificateAuthority(now: now)
        let strangersLeaf = try stranger.issue(.agent(cluster: "c", node: "n"), now: now).certificate
        #expect(await refusal([try der(strangersLeaf)]) == .untrusted)
        // Nor when it brings its own authority along.
        #expect(await refusal([try der(strangersLeaf), try der(stranger.certificate)]) == .untrusted)
        let server = try authority.issue(.coordinator(hosts: ["localhost"]), now: now).certificate
        #expect(await refusal([try der(server)]) == .untrusted)
        #expect(await refusal([try der(authority.certificate)]) == .untrusted)
    }

    @Test func onlyWhileTheyAreValid() async throws {
        let old = try CertificateAuthority(now: now - 7200)
        let roots = try TrustRoots(pem: try old.files.certificatePEM)
        func isTaken(from start: Date) async throws -> Bool {
            let agent = CertificateRole.agent(cluster: "c", node: "n")
            let leaf = try old.issue(agent, now: start, validity: .seconds(3600)).certificate
            return (try? await roots.clientChain(of: [try der(leaf)])) != nil
        }
        #expect(try await isTaken(from: now))
        #expect(try await !isTaken(from: now - 3660))
        #expect(try await !isTaken(from: now + 3600))
    }

    @Test func bytesThatAreNoCertificateAreRefused() async throws {
        let certificate = try authority.issue(.agent(cluster: "c", node: "n"), now: now).certificate
        let leaf = try der(certificate)
        #expect(await refusal([]) == .malformed)
        #expect(await refusal(Array(repeating: leaf, count: TrustRoots.presentedMax + 1)) == .malformed)
        var seed: UInt64 = 7
        for _ in 0..<150 {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            var bytes = leaf
            bytes[Int(seed >> 33) % bytes.count] ^= UInt8(1 << ((seed >> 20) % 8))
            if await refusal([bytes]) == nil {
                // The count of unused bits in front of the signature is not signed; whatever is must be as it was.
                let taken = try Certificate(derEncoded: bytes)
                #expect(taken.publicKey == certificate.publicKey && taken.extensions == certificate.extensions)
                #expect(taken.serialNumber == certificate.serialNumber && taken.subject == certificate.subject)
                #expect(taken.notValidAfter == certificate.notValidAfter)
            }
            #expect(await refusal([Array(leaf.prefix(Int(seed >> 40) % leaf.count))]) == .malformed)
        }
    }

    @Test func aFileMayHoldSeveralRootsForTheTimeOfAChange() async throws {
        let next = try CertificateAuthority(now: now)
        let both = try TrustRoots(pem: try authority.files.certificatePEM + next.files.certificatePEM)
        #expect(both.count == 2)
        for authority in [authority, next] {
            let leaf = try authority.issue(.user(role: .admin, name: "ana"), now: now).certificate
            _ = try await both.clientChain(of: [try der(leaf)])
        }
    }

    @Test func aFileOfRootsIsLookedAt() throws {
        let leaf = try authority.issue(.user(role: .viewer, name: "ana"), now: now).certificatePEM
        for text in ["", "nothing", leaf, try authority.files.certificatePEM + leaf] {
            let error = #expect(throws: CertificateAuthorityError.self) { try TrustRoots(pem: text) }
            #expect(error?.code == .malformed)
        }
    }

    @Test(arguments: [
        CertificateRole.coordinator(hosts: ["localhost", "*.tocsin.svc", "127.0.0.1", "::1"]),
        .agent(cluster: "prod/eu", node: "node-1"), .user(role: .responder, name: "ana"),
    ])
    func aCertificateSaysWhatItIsFor(role: CertificateRole) throws {
        let files = try authority.issue(role, now: now, validity: .seconds(3600))
        let summary = try CertificateSummary(pem: files.certificatePEM + (try authority.files.certificatePEM))
        #expect(summary.role == role)
        #expect(abs(summary.notValidAfter.timeIntervalSince(now) - 3600) < 2)
        #expect(throws: CertificateAuthorityError.self) { try CertificateSummary(pem: "nothing") }
        #expect(throws: CertificateAuthorityError.self) {
            try CertificateSummary(pem: try authority.files.certificatePEM)
        }
    }
}
