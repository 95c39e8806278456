package import ConfigurationKit

extension ValueType where Value == String {
    /// Kind and name of a workload.
    package static let workload = ValueType(
        name: "KIND/NAME",
        schema: .record([
            "type": .string("string"), "pattern": .string("^[A-Z][A-Za-z]*/[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"),
        ]),
        allowsEnvironment: true, placeholder: "",
        parse: { text, context throws(ValueProblem) in
            let parts = text.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count == 2 else {
                throw ValueProblem("must be KIND/NAME, such as Deployment/oddsmaker-control")
            }
            let known = [
                "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod", "Rollout", "Service",
            ]
            let kind = String(parts[0])
            guard kind.first?.isUppercase == true, kind.allSatisfy({ $0.isASCII && $0.isLetter }) else {
                let meant = NearestName.of(kind, among: known) ?? known.first { $0.lowercased() == kind.lowercased() }
                throw ValueProblem(
                    "the kind is a word such as Deployment", suggestion: meant.map { "\($0)/\(parts[1])" })
            }
            guard let name = try? ValueType.name(lengthMax: 253).parse(String(parts[1]), context) else {
                throw ValueProblem("'\(parts[1])' is no name of a workload")
            }
            return "\(kind)/\(name)"
        },
        format: { $0 })
}
