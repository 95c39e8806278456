import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** A bounded pool of permits with the numbers of a connection pool; a permit stands for a connection. */
final class ConnectionPool {
    private final int size;
    private final long timeoutMillis;
    private final Semaphore permits;
    private final AtomicInteger waiting = new AtomicInteger();
    private final Meters.Meter timeouts;
    private final Meters.Meter acquire;
    private final Meters.Meter usage;

    ConnectionPool(Meters meters, int size, long timeoutMillis) {
        this.size = size;
        this.timeoutMillis = timeoutMillis;
        this.permits = new Semaphore(size, true);
        String[] pool = {"pool", "HikariPool-1"};
        gauge(meters, "hikaricp.connections", "hikaricp_connections", "Total connections").gauge(() -> size, pool);
        gauge(meters, "hikaricp.connections.active", "hikaricp_connections_active", "Active connections").gauge(this::active, pool);
        gauge(meters, "hikaricp.connections.idle", "hikaricp_connections_idle", "Idle connections").gauge(permits::availablePermits, pool);
        gauge(meters, "hikaricp.connections.pending", "hikaricp_connections_pending", "Pending threads").gauge(waiting::get, pool);
        gauge(meters, "hikaricp.connections.max", "hikaricp_connections_max", "Max connections").gauge(() -> size, pool);
        gauge(meters, "hikaricp.connections.min", "hikaricp_connections_min", "Min connections").gauge(() -> size, pool);
        timeouts = meters.family(
            "hikaricp.connections.timeout", "hikaricp_connections_timeout_total", "Connection timeout total count", null,
            Meters.Kind.COUNTER).meter(pool);
        acquire = timer(meters, "acquire", "Connection acquire time", pool);
        usage = timer(meters, "usage", "Connection usage time", pool);
        timer(meters, "creation", "Connection creation time", pool);
    }

    private static Meters.Family gauge(Meters meters, String name, String prometheusName, String description) {
        return meters.family(name, prometheusName, description, null, Meters.Kind.GAUGE);
    }

    private static Meters.Meter timer(Meters meters, String name, String description, String[] tags) {
        return meters.family(
            "hikaricp.connections." + name, "hikaricp_connections_" + name + "_seconds", description, "seconds",
            Meters.Kind.TIMER).meter(tags);
    }

    private double active() {
        return size - permits.availablePermits();
    }

    /** Uses a connection for a while; false when none came free in time. */
    boolean use(long millis) throws InterruptedException {
        long started = System.nanoTime();
        waiting.incrementAndGet();
        boolean got;
        try {
            got = permits.tryAcquire(timeoutMillis, TimeUnit.MILLISECONDS);
        } finally {
            waiting.decrementAndGet();
        }
        acquire.record((System.nanoTime() - started) / 1e9);
        if (!got) {
            timeouts.increment(1);
            return false;
        }
        long from = System.nanoTime();
        try {
            if (millis > 0) Thread.sleep(millis);
        } finally {
            permits.release();
            usage.record((System.nanoTime() - from) / 1e9);
        }
        return true;
    }
}
