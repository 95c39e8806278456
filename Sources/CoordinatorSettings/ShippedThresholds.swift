/// The text of `deploy/config/thresholds.yaml`, so that the program has it wherever it runs.
///
/// A test compares the two and, told so, writes this file.
enum ShippedThresholds {
    static let text = #"""
        # What is wrong when, and how bad it is: the shipped values. docs/configuration.md explains every key. Each
        # number has its source beside it. "Runbook" is the on-call runbook that this product automates; the other names
        # are the rules that the projects ship. A number without a source is ours. Try another value on your own history
        # before you page on it.
        kind: thresholds

        checks:
          # --- Errors and latency of services -----------------------------------------------------------------------
          error-rate:
            family: error-rate
            title: High error rate
            signal: error_ratio
            above: 5%            # Runbook: error rate > 5 %; Netdata web_log critical: 5xx > 5 %
            leave: 2.5%          # half the entry level; Netdata web_log leaves at 2 %
            for: 2m              # Kubernetes' own API server burn-rate rule: 2 min
            leaveFor: 10m        # Netdata web_log delays the all-clear by up to 15 min
            window: 5m           # Coroot's short window: 5 min
            minimumVolume: 50    # one failed request of a quiet service pages nobody; Netdata: 120 a minute
            lowVolume:           # a quiet service: 1 error in 3 requests is chance, 9 in 10 are none; pyrra#1925
              confidence: 99.9%  # one false breach in a thousand looks at a ratio of 5 %
              window: 1h
              enoughErrors: 20   # so many are no chance, whatever the volume
          error-rate-low:
            family: error-rate
            group: error-rate
            title: Raised error rate
            signal: error_ratio
            above: 2%            # Netdata web_log warning: 5xx > 2 %
            leave: 1%            # Netdata web_log leaves at 1 %
            for: 5m
            leaveFor: 10m
            window: 5m
            minimumVolume: 50
          error-budget:
            family: error-rate
            group: error-rate
            title: Error budget burns fast
            signal: error_ratio
            burnRate:            # Google, The Site Reliability Workbook, chapter 5: multi-window, multi-burn-rate
              objective: 99%     # Coroot's objective: 99 % of requests succeed
              long: 1h
              short: 5m          # Coroot and kubernetes-mixin: 1 h and 5 min
            above: 14.4          # Coroot and kubernetes-mixin: 2 % of a 30-day budget in one hour
            leave: 14.4
            for: 2m              # kubernetes-mixin: 2 min
            leaveFor: 10m
            minimumVolume: 500   # of the hour: 72 errors at least
          latency:
            family: latency
            title: High latency
            signal: latency_mean_seconds
            above: 1s            # Netdata web_log critical: mean > 1000 ms
            leave: 500ms         # Coroot's objective: 500 ms
            for: 5m
            leaveFor: 10m
            window: 5m
            minimumVolume: 50
          latency-p95:           # where the application gives buckets; told by counts, see docs/detection.md
            family: latency
            group: latency
            title: Slow requests
            signal: latency_p95_seconds
            above: 2s            # twice the mean's: at 1 s alone quiet services open 1.3 times a week (docs/detection.md)
            leave: 1s            # awesome-prometheus-alerts, API server: p99 > 1 s
            for: 5m
            leaveFor: 10m
            window: 2m           # one slow minute must not fill the five that it has to hold
            minimumVolume: 50
          latency-p95-risen:
            family: latency
            group: latency
            title: More slow requests than usual
            signal: latency_p95_seconds
            above: 1s            # awesome-prometheus-alerts, API server: p99 > 1 s
            leave: 700ms
            timesUsual: 2        # Netdata web_log: > 2x the mean of the last 10 min; here of the same hour of other days
            for: 5m
            leaveFor: 10m
            window: 2m
            minimumVolume: 50
            enabled: false       # for steady services, by an override: on all it opens 0.17 times a week (docs/detection.md)
          latency-unusual:
            family: latency
            group: latency
            title: Unusually high latency
            signal: latency_mean_seconds
            surprise:            # odd against its own past; what it finds and what it costs: docs/detection.md
              side: up
              minimumRatio: 3    # a deploy or a nightly batch doubles it
              minimumValue: 100ms  # below that three times as much is nothing to people
            above: 2             # twice what is told of; chosen on simulated months, see docs/detection.md
            leave: 1
            for: 5m              # a second cell of five minutes
            leaveFor: 30m
            minimumVolume: 5     # requests a cell: a mean of fewer is chance

          # --- Logs, where the agents read them ---------------------------------------------------------------------
          log-errors:
            family: error-rate
            group: logs
            title: Many errors in the log
            signal: log_error_ratio
            above: 20%           # services differ: an override for those that log little but errors
            leave: 10%
            for: 5m
            leaveFor: 10m
            window: 5m
            minimumVolume: 100   # a quiet service's few lines say little
          log-new-error:
            family: error-rate
            group: logs
            title: New kind of error in the log
            signal: log_new_patterns
            above: 1             # Coroot: ten lines of a new pattern, which the agent counts
            leave: 1
            for: 0               # it has happened
            window: 15m

          # --- Memory of JVMs and containers ------------------------------------------------------------------------
          heap-live:
            family: memory
            group: heap
            title: Heap nearly full after collection
            signal: heap_live_ratio
            above: 85%           # Zabbix, Java by JMX: pools > 85 %; here of what a collection could not free
            leave: 80%
            for: 10m             # Zabbix, Java by JMX: 10 min
            leaveFor: 10m
          heap-used:
            family: memory
            group: heap
            title: Heap in use nearly full
            signal: heap_used_ratio
            above: 95%           # the Spring Boot mixin's 80 % is normal just before a collection
            leave: 85%
            for: 15m
            leaveFor: 10m
            enabled: false       # for collectors that report nothing after a collection; heap-live is the better check
          heap-leak:
            family: memory
            group: heap
            title: Heap leak
            signal: heap_live_ratio
            timeToExhaustion:    # robust slope of what no collection frees, per start of the JVM; 98 % bounds
              limit: 100%
              minimumLevel: 65%  # collectors leave garbage in the old generation up to about half of the heap
              minimumGrowth: 3%
              warmUp: 10m        # classes, caches and pools fill up
            below: 6h            # full in less than 6 h even at the slowest growth that the data allow
            leave: 12h
            for: 0               # what was looked at is 20 min to 2 h already
            leaveFor: 30m
          gc-overhead:
            family: memory
            group: heap
            title: JVM busy with garbage collection
            signal: gc_overhead
            above: 20%           # measured: healthy JVMs stay below 6 %, exhausted ones reach 48 to 87 %
            leave: 10%
            for: 5m              # awesome-prometheus-alerts: GC time, 5 min
            leaveFor: 10m
          container-memory:
            family: memory
            title: Container near its memory limit
            signal: working_set_ratio
            above: 90%           # Netdata: container memory > 90 % warning
            leave: 80%           # Netdata leaves at 80 %
            for: 5m
            leaveFor: 10m
          memory-leak:
            family: memory
            group: container-memory
            title: Memory leak
            signal: working_set_ratio
            timeToExhaustion:
              limit: 100%
              minimumLevel: 75%  # a JVM's heap may grow to its maximum; Coroot: growth of at least 5 % of the limit
              minimumGrowth: 3%
              warmUp: 10m
            below: 6h
            leave: 12h
            for: 0
            leaveFor: 30m
          oom-kill:
            family: memory
            group: container-memory
            title: Container killed for lack of memory
            signal: oom_kills
            above: 1             # Coroot: OOM > 0; Runbook: "OOM kills" is a symptom
            leave: 1
            for: 0               # it has happened
            window: 30m          # Netdata: OOM kills in 30 min

          # --- Availability of services -----------------------------------------------------------------------------
          crash-loop:
            family: availability
            group: availability
            title: Container restarts again and again
            signal: restarts
            above: 3             # awesome-prometheus-alerts: > 3 restarts
            leave: 1
            for: 0
            window: 10m          # the back-off between restarts reaches 5 min after the sixth
          not-ready:
            family: availability
            group: availability
            title: Not all pods ready
            signal: ready_ratio
            below: 99.9%         # any pod of up to a thousand
            leave: 99.9%
            for: 5m              # kubernetes-mixin waits 15 min; a JVM that starts needs about one
            leaveFor: 2m
          half-not-ready:
            family: availability
            group: availability
            title: Half of the pods not ready
            signal: ready_ratio
            below: 50%           # Coroot warns below 75 % available
            leave: 60%
            for: 2m              # Coroot: 2 min
            leaveFor: 2m
          none-ready:
            family: availability
            group: availability
            title: No pod ready
            signal: ready_ratio
            below: 0%            # Runbook P1: service completely down
            leave: 0%
            for: 1m
            leaveFor: 2m
          health-down:
            family: availability
            group: availability
            title: Health check says DOWN
            signal: health_up
            below: 0.5           # Runbook: health check failures
            leave: 0.5
            for: 1m
            leaveFor: 2m

          traffic-drop:
            family: availability
            group: traffic
            title: Unusually little traffic
            signal: request_rate
            deviation:           # learned by hour of day and week; says nothing for the first two days
              side: down
              minimumRatio: 3    # Netdata compares with the 5 min before: a quarter is critical
            above: 8             # usual spreads; chosen on a simulated month of 200 workloads: make detect-bench
            leave: 4
            for: 5m              # Netdata traffic shift: 5 min
            leaveFor: 10m
            window: 2m

          # --- Databases --------------------------------------------------------------------------------------------
          pool-pending:
            family: database
            group: connections
            title: Threads wait for a database connection
            signal: pool_pending
            above: 1             # Runbook: connection pool exhaustion
            leave: 1
            for: 1m
            leaveFor: 5m
          connections:
            family: database
            group: connections
            title: Database connections nearly used up
            signal: connection_ratio
            above: 80%           # postgres_exporter mixin and Grafana's observability library: > 80 %
            leave: 70%           # Netdata leaves at 70 %
            for: 5m              # Grafana's observability library: 5 min
            leaveFor: 5m
          connections-full:
            family: database
            group: connections
            title: Database connections used up
            signal: connection_ratio
            above: 95%           # check_postgres critical: 95 %
            leave: 90%
            for: 1m              # postgres_exporter mixin: full for 1 min
            leaveFor: 5m
          database-down:
            family: database
            group: down
            title: Database down
            signal: database_up
            below: 0.5           # Runbook P1: database failure
            leave: 0.5
            for: 30s             # pgmonitor: no primary for 30 s; others wait 1 to 2 min
            leaveFor: 1m
          long-query:
            family: database
            title: Long-running query
            signal: longest_query_seconds
            above: 5m            # Runbook: queries > 5 minutes; CloudNativePG and Grafana's library: > 300 s
            leave: 5m
            for: 0               # it has run for five minutes already
            leaveFor: 1m
          idle-in-transaction:
            family: database
            title: Session idle in transaction
            signal: idle_in_transaction_seconds
            above: 5m            # pgmonitor warning: 5 min
            leave: 5m
            for: 0
            leaveFor: 1m
          lock-wait:
            family: database
            group: locks
            title: Long wait for a lock
            signal: longest_lock_wait_seconds
            above: 30s           # check_postgres warns from 1 min; Runbook: look at locks that are not granted
            leave: 15s
            for: 0               # the wait itself has lasted
            leaveFor: 1m
          lock-waiters:
            family: database
            group: locks
            title: Many sessions wait for locks
            signal: lock_waiters
            above: 20            # a common pool has 10 connections: two applications stand still
            leave: 10
            for: 30s
            leaveFor: 1m
          replication-stalled:
            family: database
            group: replication
            title: Replication stands still
            signal: replication_stalled_seconds
            above: 30s           # Grafana's observability library and Coroot: lag > 30 s; here behind and no progress
            leave: 10s
            for: 2m              # Coroot: 2 min
            leaveFor: 2m
          replication-lag:
            family: database
            group: replication
            title: Replication lags
            signal: replication_lag_seconds
            above: 5m            # CloudNativePG: > 300 s; peers range from 5 s to 1 h
            leave: 1m
            for: 5m              # postgres_exporter mixin: 5 min; a bulk load may take that long
            leaveFor: 2m
          slot-unused:
            family: database
            group: replication
            title: Replication slot without a consumer
            signal: slot_inactive_seconds
            above: 30m           # postgres_exporter mixin and Grafana's observability library: 30 min
            leave: 30m
            for: 0               # the signal counts already
            leaveFor: 2m
          slot-wal:
            family: database
            group: replication
            title: Replication slot holds back much WAL
            signal: slot_retained_bytes
            above: 10GiB         # ten times the default of max_wal_size
            leave: 5GiB
            for: 5m
            leaveFor: 5m
          slot-lost:
            family: database
            group: replication
            title: Replication slot has lost WAL
            signal: slot_lost
            above: 0.5           # PostgreSQL: wal_status `lost`, the slot is of no use any more; its consumer starts anew
            leave: 0.5
            for: 0               # it does not come back
            leaveFor: 2m
          archiving:
            family: database
            title: WAL archiving fails
            signal: archiver_failing
            above: 0.5
            leave: 0.5
            for: 5m              # Grafana's observability library, Coroot, pgmonitor: failing for 5 min
            leaveFor: 2m
          wraparound:
            family: database
            group: maintenance
            title: Transaction ids run out
            signal: wraparound_ratio
            above: 50%           # Coroot and pgmonitor: 50 %; autovacuum's own emergency begins at 10 % (freeze_max_age)
            leave: 45%
            for: 5m              # Coroot: 5 min
            leaveFor: 10m
          dead-rows:
            family: database
            group: maintenance
            title: Large table full of dead rows
            signal: dead_row_ratio
            above: 50%           # Coroot: > 50 % of a table beyond 1 GB
            leave: 40%
            for: 10m             # Coroot: 10 min
            leaveFor: 10m
          deadlocks:
            family: database
            group: locks
            title: Deadlocks
            signal: deadlocks
            above: 5             # awesome-prometheus-alerts: > 5 in 1 min; Netdata: > 10 in 1 min
            leave: 1
            for: 0               # they have happened
            leaveFor: 5m
            window: 1m
          rollbacks:
            family: database
            title: Many transactions rolled back
            signal: rollback_ratio
            above: 10%           # postgres_exporter mixin and Grafana's observability library: > 10 %
            leave: 5%
            for: 5m              # the same two: 5 min
            leaveFor: 10m
            window: 5m
            minimumVolume: 100
          checksums:
            family: database
            group: corruption
            title: Data pages are damaged
            signal: checksum_failures
            above: 1             # PostgreSQL counts a page whose checksum is wrong: each is damage on disk or in memory
            leave: 1
            for: 0               # it has happened
            window: 1h
          checkpoints:
            family: database
            group: maintenance
            title: Checkpoints come before their time
            signal: checkpoint_requested_ratio
            above: 50%           # postgres_exporter mixin: less than half of the checkpoints are timed ones
            leave: 30%
            for: 15m             # the mixin waits 5 min; a bulk load is over after 15
            leaveFor: 15m
            window: 15m
            minimumVolume: 4     # three timed ones come in 15 min; fewer say nothing
          cache-misses:
            family: database
            group: maintenance
            title: Database reads past its cache
            signal: cache_miss_ratio
            above: 10%           # Grafana's observability library and Zabbix: hit ratio < 90 %
            leave: 5%
            for: 15m             # Grafana's observability library: 15 min
            leaveFor: 15m
            window: 5m
            minimumVolume: 30000  # 100 blocks a second: an idle server's few reads are no sign

          # --- Nodes ------------------------------------------------------------------------------------------------
          node-not-ready:
            family: availability
            group: node
            title: Node not ready
            signal: node_ready
            below: 0.5           # kubernetes-mixin: KubeNodeNotReady, KubeNodeUnreachable
            leave: 0.5
            for: 2m              # not ready some 50 s after its kubelet stopped, and its pods go after 5 min; the mixin: 15 min
            leaveFor: 2m
          node-pressure:
            family: availability
            group: node
            title: Node short of memory, disk, process ids or network
            signal: node_pressure
            above: 0.5           # kubernetes-mixin: KubeNodePressure
            leave: 0.5
            for: 10m             # kubernetes-mixin: 10 min; the kubelet itself holds a pressure for 5 min
            leaveFor: 5m
          node-memory:
            family: memory
            title: Node short of memory
            signal: node_memory_used_ratio
            above: 90%           # node-mixin: NodeMemoryHighUtilization, > 90 %
            leave: 85%
            for: 10m             # node-mixin: 15 min
            leaveFor: 10m
          node-oom-kill:
            family: memory
            group: node-memory
            title: Processes killed for lack of memory on the node
            signal: node_oom_kills
            above: 1             # node-problem-detector reports each; also kills of a child, which no container shows
            leave: 1
            for: 0               # it has happened
            window: 30m          # Netdata: OOM kills in 30 min
          disk-space:
            family: availability
            group: disk
            title: File system nearly full
            signal: disk_used_ratio
            above: 85%           # the kubelet evicts pods from 85 % (images) and 90 % (nodefs) used
            leave: 82%
            for: 5m
            leaveFor: 10m
          disk-inodes:
            family: availability
            group: disk
            title: File system nearly out of inodes
            signal: inode_used_ratio
            above: 90%           # the kubelet evicts pods from 95 % used
            leave: 88%
            for: 5m
            leaveFor: 10m

          # --- Certificates -----------------------------------------------------------------------------------------
          certificate-expiry:
            family: availability
            group: certificate
            title: Certificate expires soon
            signal: certificate_remaining_seconds
            below: 21d           # blackbox exporter's usual rule: 20 to 30 days; ACME clients renew at 30 days left
            leave: 22d
            for: 10m             # one server of several behind a name may have been renewed already
            leaveFor: 10m

          # --- The observer itself ----------------------------------------------------------------------------------
          target-down:
            family: fleet
            group: probe
            title: Target does not answer
            signal: probe_up
            below: 0.5
            leave: 0.5
            for: 1m              # the Grafana mixins' "down" rules: 1 to 2 min
            leaveFor: 1m

        # The first row from the top whose conditions all hold gives the level. Levels are the runbook's: P1 service
        # completely down or data at risk, P2 a major feature unavailable, P3 degraded performance, P4 minor. Each check
        # ends with a row without conditions. agent-silent, agents-blind, login-* and configuration-refused are checks that
        # the coordinator makes itself; their times are in coordinator.yaml.
        severity:
          # P1: completely down.
          - {check: none-ready, level: P1, because: no replica is ready}
          - {check: database-down, level: P1, because: the database does not answer}
          - {check: "error-rate*", value: 50%, level: P1, because: at least half of all requests fail}
          - {check: crash-loop, scopeAtLeast: 100%, level: P1, because: every replica is in a crash loop}
          - {check: health-down, scopeAtLeast: 100%, level: P1, because: every replica says it is down}
          - {check: wraparound, value: 95%, level: P1, because: the server is about to refuse all writes}
          - {check: checksums, level: P1, because: data are damaged}  # Runbook P1: data loss
          - {check: connections-full, value: 100%, level: P1, because: the database has no connection slot left}

          # P2: a major feature unavailable.
          - {check: error-rate, level: P2, because: more than 5 % of requests fail}
          - {check: error-budget, level: P2, because: the error budget of a month is spent within two days}
          - {check: latency, value: 5s, level: P2, because: the mean request takes more than 5 s}
          - {check: latency-p95, value: 5s, level: P2, because: one request in twenty takes more than 5 s}
          - {check: heap-live, value: 95%, level: P2, because: collections free almost nothing}
          - {check: "*-leak", value: 1h, level: P2, because: the memory is used up within an hour}
          - {check: gc-overhead, level: P2, because: the JVM spends its time collecting garbage}
          - {check: half-not-ready, level: P2, because: at least half of the replicas are not ready}
          - {check: health-down, scopeAtLeast: 50%, level: P2, because: at least half of the replicas say they are down}
          - {check: pool-pending, value: 10, level: P2, because: ten or more threads wait for a connection}
          - {check: connections-full, level: P2, because: new connections are about to be refused}
          - {check: lock-waiters, level: P2, because: many sessions stand still behind locks}
          - {check: wraparound, value: 75%, level: P2, because: the server is about to refuse writes}  # pgmonitor critical
          - {check: target-down, scopeAtLeast: 100%, durationAtLeast: 5m, level: P2, because: nothing of it answers}
          - {check: disk-space, value: 97%, level: P2, because: less than 3 % of the room is left}  # node-mixin critical
          - {check: disk-inodes, value: 97%, level: P2, because: less than 3 % of the inodes are left}  # node-mixin critical
          - {check: agents-blind, level: P2, because: a part of the fleet is unwatched}
          - {check: login-after-failures, level: P2, because: a password may have been guessed}

          # P3: degraded.
          - {check: error-rate-low, level: P3, because: 2 to 5 % of requests fail}
          - {check: latency, level: P3, because: the mean request takes more than 1 s}
          - {check: latency-p95, level: P3, because: one request in twenty takes more than 2 s}
          - {check: latency-p95-risen, level: P3, because: one request in twenty takes more than 1 s and twice the usual}
          - {check: "*-leak", level: P3, because: the memory is used up within hours}
          - {check: "heap-*", level: P3, because: the heap is nearly full}
          - {check: container-memory, value: 98%, level: P3, because: the container is about to be killed}  # Netdata
          - {check: oom-kill, value: 2, level: P3, because: killed for memory again within half an hour}
          - {check: crash-loop, level: P3, because: a container keeps restarting}
          - {check: not-ready, durationAtLeast: 15m, level: P3, because: a replica is out for long}  # kubernetes-mixin
          - {check: health-down, level: P3, because: a replica says it is down}
          - {check: pool-pending, level: P3, because: requests wait for a connection}
          - {check: connections, level: P3, because: more than 80 % of the connection slots are taken}
          - {check: long-query, level: P3, because: a query runs for more than 5 minutes}
          - {check: idle-in-transaction, value: 15m, level: P3, because: a transaction holds up vacuum}  # pgmonitor
          - {check: lock-wait, value: 2m, level: P3, because: someone waits minutes for a lock}  # check_postgres
          - {check: deadlocks, level: P3, because: transactions keep killing one another}
          - {check: replication-stalled, level: P3, because: a standby lacks data and does not catch up}
          - {check: replication-lag, value: 1h, level: P3, because: a failover would lose an hour}  # postgres_exporter mixin
          - {check: slot-wal, value: 50GiB, level: P3, because: a slot fills the disk with WAL}
          - {check: slot-lost, level: P3, because: a standby or a consumer has to be built anew}
          - {check: archiving, level: P3, because: "backups miss what is written, and WAL piles up"}
          - {check: wraparound, level: P3, because: vacuum does not keep up with transaction ids}
          - {check: target-down, scopeAtLeast: 100%, level: P3, because: nothing of it answers}
          - {check: node-not-ready, level: P3, because: "the node takes no pods, and its own are about to go"}
          - {check: node-memory, value: 97%, level: P3, because: the node is about to kill processes}
          - {check: node-oom-kill, value: 3, level: P3, because: the node keeps killing processes for memory}
          - {check: disk-space, value: 90%, level: P3, because: the kubelet evicts pods}
          - {check: disk-inodes, value: 95%, level: P3, because: the kubelet evicts pods}
          - {check: certificate-expiry, value: 7d, level: P3, because: a certificate expires within a week}
          - {check: "login-*", level: P3, because: somebody tries passwords}

          # P4: minor.
          - {check: container-memory, level: P4, because: little memory is left}
          - {check: oom-kill, level: P4, because: a container was killed for memory once}
          - {check: not-ready, level: P4, because: a replica is out}
          - {check: idle-in-transaction, level: P4, because: a session holds a transaction open}
          - {check: lock-wait, level: P4, because: someone waits for a lock}
          - {check: replication-lag, level: P4, because: a standby lags}
          - {check: slot-unused, level: P4, because: nobody reads from a replication slot}
          - {check: slot-wal, level: P4, because: a slot holds back WAL}
          - {check: checkpoints, level: P4, because: WAL outgrows max_wal_size between checkpoints}
          - {check: cache-misses, level: P4, because: the working set does not fit into the cache}
          - {check: dead-rows, level: P4, because: a large table is mostly dead rows}
          - {check: rollbacks, level: P4, because: more than 10 % of transactions are rolled back}
          - {check: latency-unusual, level: P4, because: requests take several times as long as they did}
          - {check: log-errors, level: P4, because: a large part of what is logged are errors}
          - {check: log-new-error, level: P4, because: an error is logged again and again that was not there before}
          - {check: traffic-drop, level: P4, because: fewer requests come than usual at this hour}
          - {check: agent-silent, level: P4, because: one agent is silent}
          - {check: configuration-refused, level: P4, because: a changed file is not in force}
          - {check: target-down, level: P4, because: part of it does not answer}
          - {check: node-pressure, level: P4, because: the kubelet evicts pods or takes no more}
          - {check: node-memory, level: P4, because: the node is short of memory}
          - {check: node-oom-kill, level: P4, because: the node killed a process for memory}
          - {check: disk-space, level: P4, because: little room is left}
          - {check: disk-inodes, level: P4, because: few inodes are left}
          - {check: certificate-expiry, level: P4, because: a certificate expires within three weeks}

        # Who is called when. The matrix, the response times and the update intervals are the runbook's. It gives 30 minutes
        # and 1 hour for every level although a P4 has 24 hours to be answered, so the clock of P3 and P4 starts at the missed
        # response deadline; it names the intervals 15, 30 and 60 minutes without a level each. `retriggerAfter` is ours.
        # "-" is the runbook's: nobody follows. Contacts and channels are in coordinator.yaml.
        escalation:
          P1:
            respondWithin: 15m
            clock: detected
            retriggerAfter: 30m
            updateEvery: 15m
            customerUpdateEvery: 30m
            steps:
              - {after: 0s, role: On-call Engineer}
              - {after: 30m, role: Engineering Manager}
              - {after: 1h, role: CTO}
          P2:
            respondWithin: 30m
            clock: detected
            retriggerAfter: 1h
            updateEvery: 30m
            customerUpdateEvery: 1h
            steps:
              - {after: 0s, role: On-call Engineer}
              - {after: 30m, role: Engineering Manager}
              - {after: 1h, role: CTO}
          P3:
            respondWithin: 2h
            clock: responseDeadline
            retriggerAfter: 8h
            updateEvery: 1h
            customerUpdateEvery: 1h
            steps:
              - {after: 0s, role: On-call Engineer}
              - {after: 30m, role: Team Lead}
              - {after: 1h, role: Engineering Manager}
          P4:
            respondWithin: 24h
            clock: responseDeadline
            retriggerAfter: 0s     # never
            updateEvery: 0s        # when something changes
            customerUpdateEvery: 0s
            steps:
              - {after: 0s, role: On-call Engineer}
              - {after: 30m, role: Team Lead}
              - {after: 1h, role: "-"}
          # Who is called with the first of the steps, by the family of the incident, from a level on: the runbook's contacts
          # have a DBA and a Security Lead whom its matrix does not name. `role: "-"` calls nobody beside.
          families:
            database: {role: DBA, from: P2}
            security: {role: Security Lead, from: P3}

        # Other values for some subjects: NAMESPACE/KIND/NAME of a workload, postgresql/NAME, node/NAME,
        # target/KIND/NAME. Of several overrides that match and name a check, the most specific applies to that check as
        # a whole; what it does not say comes from the check above.
        overrides: []
        #  - subject: reporting/Deployment/*
        #    checks:
        #      latency: {above: 10s, leave: 5s}
        #  - subject: postgresql/warehouse
        #    checks:
        #      long-query: {above: 2h, leave: 2h}
        #      connections: {enabled: false}

        """#
}
