import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.DoubleAdder;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.DoubleSupplier;

/** The meters of one process, and the two forms in which the actuator's contract gives them out. */
final class Meters {
    enum Kind { GAUGE, COUNTER, TIMER }

    /** A maximum over the last three minutes, one slot a minute: it decays to 0 when nothing happens. */
    static final class WindowMax {
        private static final long STEP_NANOS = 60_000_000_000L;
        private final double[] slots = new double[3];
        private int current = 0;
        private long turnedAt = System.nanoTime();

        synchronized void record(double value) {
            turn();
            for (int i = 0; i < slots.length; i++) slots[i] = Math.max(slots[i], value);
        }

        synchronized double poll() {
            turn();
            return slots[current];
        }

        private void turn() {
            long now = System.nanoTime();
            int steps = 0;
            while (now - turnedAt >= STEP_NANOS && steps < slots.length) {
                slots[current] = 0;
                current = (current + 1) % slots.length;
                turnedAt += STEP_NANOS;
                steps++;
            }
            if (now - turnedAt >= STEP_NANOS) turnedAt = now;
        }
    }

    /** One meter of a family: its tags with a gauge, a counter or a timer. */
    static final class Meter {
        final Map<String, String> tags;
        final DoubleSupplier gauge;
        final LongAdder count = new LongAdder();
        final DoubleAdder total = new DoubleAdder();
        final WindowMax max = new WindowMax();
        /** Upper bounds in nanoseconds; empty without a histogram. */
        final long[] bounds;
        /** Times in each bucket, one more than bounds. */
        final LongAdder[] buckets;

        Meter(Map<String, String> tags, DoubleSupplier gauge) {
            this(tags, gauge, new long[0]);
        }

        Meter(Map<String, String> tags, DoubleSupplier gauge, long[] bounds) {
            this.tags = tags;
            this.gauge = gauge;
            this.bounds = bounds;
            buckets = new LongAdder[bounds.length + 1];
            for (int i = 0; i < buckets.length; i++) buckets[i] = new LongAdder();
        }

        void increment(double by) {
            total.add(by);
        }

        void record(double seconds) {
            count.increment();
            total.add(seconds);
            max.record(seconds);
            int place = Arrays.binarySearch(bounds, Math.round(seconds * 1e9));
            buckets[place >= 0 ? place : -place - 1].increment();
        }
    }

    static final class Family {
        final String name;
        final String prometheusName;
        final String description;
        final String baseUnit;
        final Kind kind;
        final Map<Map<String, String>, Meter> meters = new ConcurrentHashMap<>();
        private long[] bounds = new long[0];

        Family(String name, String prometheusName, String description, String baseUnit, Kind kind) {
            this.name = name;
            this.prometheusName = prometheusName;
            this.description = description;
            this.baseUnit = baseUnit;
            this.kind = kind;
        }

        Meter meter(String... tags) {
            return meters.computeIfAbsent(tagMap(tags), key -> new Meter(key, null, bounds));
        }

        /** Meters made from now on have the buckets of Micrometer's percentiles-histogram: 1 ms to 30 s. */
        Family withHistogram() {
            bounds = percentileBounds(1_000_000L, 30_000_000_000L);
            return this;
        }

        Family gauge(DoubleSupplier supplier, String... tags) {
            meters.put(tagMap(tags), new Meter(tagMap(tags), supplier));
            return this;
        }
    }

    /** Thirds of the way between powers of four, and both ends of the range, as recorded. */
    static long[] percentileBounds(long least, long greatest) {
        TreeSet<Long> found = new TreeSet<>(List.of(least, greatest));
        for (int exponent = 2; exponent < 62; exponent += 2) {
            long start = 1L << exponent;
            long third = start / 3;
            for (long bound = start; bound < (start << 2) - third; bound += third) {
                if (bound > least && bound < greatest) found.add(bound);
            }
        }
        return found.stream().mapToLong(Long::longValue).toArray();
    }

    private final Map<String, Family> families = new TreeMap<>();

    Family family(String name, String prometheusName, String description, String baseUnit, Kind kind) {
        Family family = new Family(name, prometheusName, description, baseUnit, kind);
        synchronized (families) {
            families.put(name, family);
        }
        return family;
    }

    static Map<String, String> tagMap(String... tags) {
        Map<String, String> map = new TreeMap<>();
        for (int i = 0; i + 1 < tags.length; i += 2) map.put(tags[i], tags[i + 1]);
        return map;
    }

    private List<Family> present() {
        synchronized (families) {
            List<Family> list = new ArrayList<>();
            for (Family family : families.values()) if (!family.meters.isEmpty()) list.add(family);
            return list;
        }
    }

    String namesJSON() {
        List<String> names = new ArrayList<>();
        for (Family family : present()) names.add(Json.quote(family.name));
        return "{\"names\":[" + String.join(",", names) + "]}";
    }

    /** The merged measurements of the meters that carry all the tags; null when there is none. */
    String meterJSON(String name, List<String[]> tags) {
        Family family;
        synchronized (families) {
            family = families.get(name);
        }
        if (family == null) return null;
        List<Meter> matching = new ArrayList<>();
        for (Meter meter : family.meters.values()) {
            boolean matches = true;
            for (String[] tag : tags) matches &= tag[1].equals(meter.tags.get(tag[0]));
            if (matches) matching.add(meter);
        }
        if (matching.isEmpty()) return null;
        StringBuilder text = new StringBuilder("{\"name\":").append(Json.quote(name));
        if (family.description != null) text.append(",\"description\":").append(Json.quote(family.description));
        if (family.baseUnit != null) text.append(",\"baseUnit\":").append(Json.quote(family.baseUnit));
        text.append(",\"measurements\":[").append(measurements(family, matching)).append("],\"availableTags\":[");
        text.append(availableTags(matching, tags)).append("]}");
        return text.toString();
    }

    private static String measurements(Family family, List<Meter> meters) {
        double count = 0;
        double sum = 0;
        double max = 0;
        double value = 0;
        for (Meter meter : meters) {
            count += meter.count.sum();
            sum += meter.total.sum();
            max = Math.max(max, meter.max.poll());
            if (meter.gauge != null) value += meter.gauge.getAsDouble();
        }
        return switch (family.kind) {
            case GAUGE -> measurement("VALUE", value);
            case COUNTER -> measurement("COUNT", meters.get(0).gauge != null ? value : sum);
            case TIMER -> measurement("COUNT", count) + "," + measurement("TOTAL_TIME", sum) + "," + measurement("MAX", max);
        };
    }

    private static String measurement(String statistic, double value) {
        return "{\"statistic\":\"" + statistic + "\",\"value\":" + Json.number(value) + "}";
    }

    private static String availableTags(List<Meter> meters, List<String[]> asked) {
        Map<String, LinkedHashSet<String>> values = new LinkedHashMap<>();
        for (Meter meter : meters) {
            for (Map.Entry<String, String> tag : meter.tags.entrySet()) {
                values.computeIfAbsent(tag.getKey(), key -> new LinkedHashSet<>()).add(tag.getValue());
            }
        }
        for (String[] tag : asked) values.remove(tag[0]);
        List<String> parts = new ArrayList<>();
        for (Map.Entry<String, LinkedHashSet<String>> tag : values.entrySet()) {
            parts.add("{\"tag\":" + Json.quote(tag.getKey()) + ",\"values\":" + Json.array(tag.getValue()) + "}");
        }
        return String.join(",", parts);
    }

    /** The text exposition 0.0.4; with names, only those families. */
    String prometheus(Collection<String> names) {
        StringBuilder text = new StringBuilder();
        for (Family family : present()) {
            List<Meter> meters = new ArrayList<>(family.meters.values());
            meters.sort((a, b) -> labels(a.tags).compareTo(labels(b.tags)));
            String name = family.prometheusName;
            boolean wanted = names.isEmpty() || names.contains(name);
            switch (family.kind) {
                case GAUGE -> {
                    if (wanted) plain(text, name, "gauge", family, meters);
                }
                case COUNTER -> {
                    if (wanted) plain(text, name, "counter", family, meters);
                }
                case TIMER -> {
                    if (wanted) summary(text, name, family, meters);
                    if (names.isEmpty() || names.contains(name + "_max")) maxima(text, name + "_max", family, meters);
                }
            }
        }
        return text.toString();
    }

    private static void head(StringBuilder text, String name, String type, Family family) {
        String help = family.description == null ? " " : family.description;
        text.append("# HELP ").append(name).append(' ').append(help).append('\n');
        text.append("# TYPE ").append(name).append(' ').append(type).append('\n');
    }

    private static void plain(StringBuilder text, String name, String type, Family family, List<Meter> meters) {
        head(text, name, type, family);
        for (Meter meter : meters) {
            double value = meter.gauge != null ? meter.gauge.getAsDouble() : meter.total.sum();
            text.append(name).append(labels(meter.tags)).append(' ').append(value).append('\n');
        }
    }

    private static void summary(StringBuilder text, String name, Family family, List<Meter> meters) {
        boolean hasHistogram = meters.stream().anyMatch(meter -> meter.bounds.length > 0);
        head(text, name, hasHistogram ? "histogram" : "summary", family);
        for (Meter meter : meters) {
            buckets(text, name, meter);
            text.append(name).append("_count").append(labels(meter.tags)).append(' ').append(meter.count.sum()).append('\n');
            text.append(name).append("_sum").append(labels(meter.tags)).append(' ').append(meter.total.sum()).append('\n');
        }
    }

    private static void buckets(StringBuilder text, String name, Meter meter) {
        if (meter.bounds.length == 0) return;
        long count = 0;
        for (int i = 0; i <= meter.bounds.length; i++) {
            count += meter.buckets[i].sum();
            Map<String, String> tags = new LinkedHashMap<>(meter.tags);
            tags.put("le", i < meter.bounds.length ? Double.toString(meter.bounds[i] / 1e9) : "+Inf");
            text.append(name).append("_bucket").append(labels(tags)).append(' ').append(count).append('\n');
        }
    }

    private static void maxima(StringBuilder text, String name, Family family, List<Meter> meters) {
        head(text, name, "gauge", family);
        for (Meter meter : meters) {
            text.append(name).append(labels(meter.tags)).append(' ').append(meter.max.poll()).append('\n');
        }
    }

    private static String labels(Map<String, String> tags) {
        if (tags.isEmpty()) return "";
        List<String> parts = new ArrayList<>();
        for (Map.Entry<String, String> tag : tags.entrySet()) {
            String value = tag.getValue().replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n");
            parts.add(tag.getKey() + "=\"" + value + "\"");
        }
        return "{" + String.join(",", parts) + "}";
    }
}
