package import PostgresClient
package import Telemetry

extension PostgresProbe {
    /// What a probe of one server needs to know.
    package struct Configuration: Hashable, Sendable {
        /// Name of the server for people: the label `instance`.
        package var name: String
        /// Address, login, TLS and the limits that the server itself enforces on our session.
        package var options: PostgresOptions
        /// Time between two rounds.
        package var interval: Duration
        /// Time after which a round gives up; at most `interval`.
        package var deadline: Duration
        /// Time for name, connection, TLS and login together; less than `deadline`.
        package var connectTimeout: Duration
        /// The dearer statements (sizes, ages, tables, figures by statement) are asked at most this often, and their
        /// values repeated in between.
        package var statisticsInterval: Duration
        /// Labels of every series beside `instance`.
        package var labels: LabelSet
        /// The operator's own statements.
        package var queries: [CustomQuery] = []
        /// Where logins are written down; nil: nowhere that we look at.
        package var audit: LoginAudit?

        /// Makes a configuration.
        package init(
            name: String, options: PostgresOptions, interval: Duration = .seconds(10), deadline: Duration = .seconds(5),
            connectTimeout: Duration = .seconds(3), statisticsInterval: Duration = .seconds(60),
            labels: LabelSet = LabelSet()
        ) {
            self.name = name
            self.options = options
            self.interval = interval
            self.deadline = deadline
            self.connectTimeout = connectTimeout
            self.statisticsInterval = statisticsInterval
            self.labels = labels
        }
    }
}
