import com.sun.management.GarbageCollectionNotificationInfo;
import com.sun.management.GcInfo;
import com.sun.management.UnixOperatingSystemMXBean;
import java.io.File;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.lang.management.MemoryUsage;
import java.lang.management.ThreadMXBean;
import java.util.ArrayDeque;
import java.util.Map;
import javax.management.NotificationEmitter;
import javax.management.openmbean.CompositeData;

/** The process's own numbers, from the platform beans: memory, collections, threads, CPU. */
final class ProcessMeters {
    private static final double WINDOW_SECONDS = 300;
    private final Meters meters;
    private final ArrayDeque<double[]> pauses = new ArrayDeque<>();
    private final MemoryPoolMXBean longLived;
    private volatile double liveBytes = 0;
    private volatile long youngAfter = 0;

    ProcessMeters(Meters meters) {
        this.meters = meters;
        this.longLived = longLivedPool();
        memory();
        collections();
        threads();
        process();
    }

    private static MemoryPoolMXBean longLivedPool() {
        for (MemoryPoolMXBean pool : ManagementFactory.getMemoryPoolMXBeans()) {
            String name = pool.getName();
            boolean isOld = name.endsWith("Old Gen") || name.endsWith("Tenured Gen") || name.equals("ZGC Old Generation")
                || name.equals("ZHeap") || name.equals("Shenandoah");
            if (pool.getType() == MemoryType.HEAP && isOld) return pool;
        }
        return null;
    }

    private void memory() {
        Meters.Family used = meters.family("jvm.memory.used", "jvm_memory_used_bytes", "The amount of used memory", "bytes", Meters.Kind.GAUGE);
        Meters.Family committed = meters.family(
            "jvm.memory.committed", "jvm_memory_committed_bytes",
            "The amount of memory in bytes that is committed for the Java virtual machine to use", "bytes", Meters.Kind.GAUGE);
        Meters.Family max = meters.family(
            "jvm.memory.max", "jvm_memory_max_bytes",
            "The maximum amount of memory in bytes that can be used for memory management", "bytes", Meters.Kind.GAUGE);
        for (MemoryPoolMXBean pool : ManagementFactory.getMemoryPoolMXBeans()) {
            String[] tags = {"area", pool.getType() == MemoryType.HEAP ? "heap" : "nonheap", "id", pool.getName()};
            used.gauge(() -> pool.getUsage().getUsed(), tags);
            committed.gauge(() -> pool.getUsage().getCommitted(), tags);
            max.gauge(() -> pool.getUsage().getMax(), tags);
        }
        Meters.Family buffers = meters.family(
            "jvm.buffer.memory.used", "jvm_buffer_memory_used_bytes",
            "An estimate of the memory that the Java virtual machine is using for this buffer pool", "bytes", Meters.Kind.GAUGE);
        for (BufferPoolMXBean pool : ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class)) {
            buffers.gauge(pool::getMemoryUsed, "id", pool.getName());
        }
    }

    private void collections() {
        meters.family(
            "jvm.memory.usage.after.gc", "jvm_memory_usage_after_gc",
            "The percentage of long-lived heap pool used after the last GC event, in the range [0..1]", null, Meters.Kind.GAUGE)
            .gauge(this::usageAfterCollection, "area", "heap", "pool", "long-lived");
        meters.family(
            "jvm.gc.overhead", "jvm_gc_overhead",
            "An approximation of the percent of CPU time used by GC activities over the last lookback period or since monitoring"
                + " began, whichever is shorter, in the range [0..1]", null, Meters.Kind.GAUGE)
            .gauge(this::overhead);
        meters.family(
            "jvm.gc.live.data.size", "jvm_gc_live_data_size_bytes", "Size of long-lived heap memory pool after reclamation",
            "bytes", Meters.Kind.GAUGE).gauge(() -> liveBytes);
        meters.family(
            "jvm.gc.max.data.size", "jvm_gc_max_data_size_bytes", "Max size of long-lived heap memory pool", "bytes",
            Meters.Kind.GAUGE).gauge(() -> longLived == null ? 0 : longLived.getUsage().getMax());
        Meters.Meter allocated = meters.family(
            "jvm.gc.memory.allocated", "jvm_gc_memory_allocated_bytes_total",
            "Incremented for an increase in the size of the (young) heap memory pool after one GC to before the next", "bytes",
            Meters.Kind.COUNTER).meter();
        Meters.Meter promoted = meters.family(
            "jvm.gc.memory.promoted", "jvm_gc_memory_promoted_bytes_total",
            "Count of positive increases in the size of the old generation memory pool before GC to after GC", "bytes",
            Meters.Kind.COUNTER).meter();
        Meters.Family pause = meters.family("jvm.gc.pause", "jvm_gc_pause_seconds", "Time spent in GC pause", "seconds", Meters.Kind.TIMER);
        Meters.Family concurrent = meters.family(
            "jvm.gc.concurrent.phase.time", "jvm_gc_concurrent_phase_time_seconds", "Time spent in concurrent phase", "seconds",
            Meters.Kind.TIMER);
        for (GarbageCollectorMXBean bean : ManagementFactory.getGarbageCollectorMXBeans()) {
            ((NotificationEmitter) bean).addNotificationListener((notification, handback) -> {
                if (!notification.getType().equals(GarbageCollectionNotificationInfo.GARBAGE_COLLECTION_NOTIFICATION)) return;
                GarbageCollectionNotificationInfo info =
                    GarbageCollectionNotificationInfo.from((CompositeData) notification.getUserData());
                String[] tags = {"action", info.getGcAction(), "cause", info.getGcCause(), "gc", info.getGcName()};
                double seconds = info.getGcInfo().getDuration() / 1000.0;
                boolean isConcurrent = info.getGcCause().equals("No GC") || info.getGcName().endsWith("Cycles")
                    || info.getGcName().endsWith("Concurrent GC");
                (isConcurrent ? concurrent : pause).meter(tags).record(seconds);
                if (!isConcurrent) addPause(seconds);
                afterCollection(info.getGcInfo(), allocated, promoted);
            }, null, null);
        }
    }

    private void afterCollection(GcInfo info, Meters.Meter allocated, Meters.Meter promoted) {
        long youngBefore = 0;
        long young = 0;
        for (Map.Entry<String, MemoryUsage> pool : info.getMemoryUsageBeforeGc().entrySet()) {
            if (pool.getKey().contains("Eden") || pool.getKey().equals("ZGC Young Generation")) {
                youngBefore += pool.getValue().getUsed();
                young += info.getMemoryUsageAfterGc().get(pool.getKey()).getUsed();
            }
        }
        allocated.increment(Math.max(0, youngBefore - youngAfter));
        youngAfter = young;
        if (longLived == null) return;
        MemoryUsage before = info.getMemoryUsageBeforeGc().get(longLived.getName());
        MemoryUsage after = info.getMemoryUsageAfterGc().get(longLived.getName());
        if (before == null || after == null) return;
        promoted.increment(Math.max(0, after.getUsed() - before.getUsed()));
        if (after.getUsed() < before.getUsed()) liveBytes = after.getUsed();
    }

    private synchronized void addPause(double seconds) {
        pauses.addLast(new double[] {uptime(), seconds});
        while (pauses.size() > 100_000) pauses.removeFirst();
    }

    private synchronized double overhead() {
        double now = uptime();
        while (!pauses.isEmpty() && pauses.peekFirst()[0] < now - WINDOW_SECONDS) pauses.removeFirst();
        double sum = 0;
        for (double[] pause : pauses) sum += pause[1];
        return Math.min(1, sum / Math.max(1, Math.min(WINDOW_SECONDS, now)));
    }

    private double usageAfterCollection() {
        MemoryUsage usage = longLived == null ? null : longLived.getCollectionUsage();
        if (usage == null || usage.getMax() <= 0) return Double.NaN;
        return (double) usage.getUsed() / usage.getMax();
    }

    private void threads() {
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        gauge("jvm.threads.live", "jvm_threads_live_threads", "The current number of live threads including both daemon and non-daemon threads", "threads")
            .gauge(threads::getThreadCount);
        gauge("jvm.threads.daemon", "jvm_threads_daemon_threads", "The current number of live daemon threads", "threads")
            .gauge(threads::getDaemonThreadCount);
        gauge("jvm.threads.peak", "jvm_threads_peak_threads", "The peak live thread count since the Java virtual machine started or peak was reset", "threads")
            .gauge(threads::getPeakThreadCount);
        Meters.Family states = gauge("jvm.threads.states", "jvm_threads_states_threads", "The current number of threads", "threads");
        for (Thread.State state : Thread.State.values()) {
            String name = state.name().toLowerCase().replace('_', '-');
            states.gauge(() -> count(threads, state), "state", name);
        }
        gauge("jvm.classes.loaded", "jvm_classes_loaded_classes", "The number of classes that are currently loaded in the Java virtual machine", "classes")
            .gauge(() -> ManagementFactory.getClassLoadingMXBean().getLoadedClassCount());
        gauge("jvm.info", "jvm_info", "JVM version info", null).gauge(
            () -> 1, "runtime", System.getProperty("java.runtime.name"), "vendor", System.getProperty("java.vm.vendor"),
            "version", System.getProperty("java.runtime.version"));
    }

    private static int count(ThreadMXBean threads, Thread.State state) {
        int count = 0;
        for (var info : threads.getThreadInfo(threads.getAllThreadIds())) {
            if (info != null && info.getThreadState() == state) count++;
        }
        return count;
    }

    private void process() {
        UnixOperatingSystemMXBean system = (UnixOperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        gauge("process.cpu.usage", "process_cpu_usage", "The \"recent cpu usage\" for the Java Virtual Machine process", null)
            .gauge(system::getProcessCpuLoad);
        meters.family("process.cpu.time", "process_cpu_time_ns_total", "The \"cpu time\" used by the Java Virtual Machine process", "ns", Meters.Kind.COUNTER)
            .gauge(system::getProcessCpuTime);
        gauge("system.cpu.usage", "system_cpu_usage", "The \"recent cpu usage\" of the system the application is running in", null)
            .gauge(system::getCpuLoad);
        gauge("system.cpu.count", "system_cpu_count", "The number of processors available to the Java virtual machine", null)
            .gauge(() -> Runtime.getRuntime().availableProcessors());
        gauge("system.load.average.1m", "system_load_average_1m",
            "The sum of the number of runnable entities queued to available processors and the number of runnable entities"
                + " running on the available processors averaged over a period of time", null)
            .gauge(system::getSystemLoadAverage);
        gauge("process.uptime", "process_uptime_seconds", "The uptime of the Java virtual machine", "seconds").gauge(ProcessMeters::uptime);
        double startedAt = ManagementFactory.getRuntimeMXBean().getStartTime() / 1000.0;
        gauge("process.start.time", "process_start_time_seconds", "Start time of the process since unix epoch.", "seconds")
            .gauge(() -> startedAt);
        gauge("process.files.open", "process_files_open_files", "The open file descriptor count", "files")
            .gauge(system::getOpenFileDescriptorCount);
        gauge("process.files.max", "process_files_max_files", "The maximum file descriptor count", "files")
            .gauge(system::getMaxFileDescriptorCount);
        gauge("disk.free", "disk_free_bytes", "Usable space for path", "bytes").gauge(() -> new File("/").getUsableSpace(), "path", "/");
        gauge("disk.total", "disk_total_bytes", "Total space for path", "bytes").gauge(() -> new File("/").getTotalSpace(), "path", "/");
    }

    private Meters.Family gauge(String name, String prometheusName, String description, String unit) {
        return meters.family(name, prometheusName, description, unit, Meters.Kind.GAUGE);
    }

    static double uptime() {
        return ManagementFactory.getRuntimeMXBean().getUptime() / 1000.0;
    }
}
