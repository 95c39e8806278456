"""What the comparisons with peers share: processes, workloads, remote write, a counting proxy, figures."""
