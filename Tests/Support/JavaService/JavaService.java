import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Executors;

/**
 * A small real service: its own heap, collections, threads and request numbers, given out as Spring Boot's actuator does it.
 *
 * <p>Application: {@code /ok /boom /unavailable /slow?ms= /orders/N /hold?ms= /alloc?mb= /free /churn?mb=}. Switches (not counted as
 * requests): {@code /admin/hang-health?on= /admin/auth?mode=none|basic|login /admin/broken?on= /admin/health?status= /admin/zombie
 * /admin/login?user=&ok=&from=&times= /admin/audit?type= /admin/exit?code=}. With {@code --auditevents} that endpoint is exposed. Prints {@code READY port=N} when it serves.
 */
public final class JavaService {
    private static final String V3 = "application/vnd.spring-boot.actuator.v3+json";
    private static final List<String> JSON_TYPES =
        List.of(V3, "application/vnd.spring-boot.actuator.v2+json", "application/json");
    private static final List<String> TEXT_TYPES = List.of(
        "text/plain;version=0.0.4;charset=utf-8", "application/openmetrics-text;version=1.0.0;charset=utf-8");

    private final Map<String, String> options;
    private final Meters meters = new Meters();
    private final ConnectionPool pool;
    private final AuditLog audit = new AuditLog();
    private final Meters.Family requests;
    private final Meters.Family logs;
    private final List<byte[]> retained = new ArrayList<>();
    private volatile boolean healthHangs = false;
    private volatile boolean broken = false;
    private volatile boolean zombie = false;
    private volatile String authentication = "none";
    private volatile String orders = "UP";

    private JavaService(Map<String, String> options) {
        this.options = options;
        new ProcessMeters(meters);
        pool = new ConnectionPool(meters, number("pool-size", 5), number("pool-timeout-ms", 2000));
        requests = meters.family("http.server.requests", "http_server_requests_seconds", null, "seconds", Meters.Kind.TIMER);
        if (options.containsKey("histogram")) requests.withHistogram();
        logs = meters.family(
            "logback.events", "logback_events_total", "Number of log events that were enabled by the effective log level",
            "events", Meters.Kind.COUNTER);
        for (String level : List.of("trace", "debug", "info", "warn", "error")) logs.meter("level", level);
    }

    public static void main(String[] arguments) throws IOException {
        System.setProperty("sun.net.httpserver.nodelay", "true");
        Map<String, String> options = new TreeMap<>();
        for (int i = 0; i < arguments.length; i++) {
            String name = arguments[i].substring(2);
            boolean hasValue = i + 1 < arguments.length && !arguments[i + 1].startsWith("--");
            options.put(name, hasValue ? arguments[++i] : "true");
        }
        new JavaService(options).serve();
    }

    private int number(String option, int fallback) {
        return Integer.parseInt(options.getOrDefault(option, Integer.toString(fallback)));
    }

    private void serve() throws IOException {
        String address = options.getOrDefault("address", "127.0.0.1");
        HttpServer server = HttpServer.create(new InetSocketAddress(address, number("port", 0)), 512);
        server.setExecutor(Executors.newFixedThreadPool(number("workers", 20)));
        server.createContext("/", this::handle);
        server.start();
        logs.meter("level", "info").increment(1);
        System.out.println("READY port=" + server.getAddress().getPort());
        System.out.flush();
    }

    // --- One exchange

    /** What is answered, and the tags under which the request is counted. */
    private static final class Answer {
        final int status;
        final String type;
        final String body;
        final String uri;
        String error = "none";
        final Map<String, String> headers = new TreeMap<>();

        Answer(int status, String type, String body, String uri) {
            this.status = status;
            this.type = type;
            this.body = body;
            this.uri = uri;
        }

        Answer with(String name, String value) {
            headers.put(name, value);
            return this;
        }
    }

    private void handle(HttpExchange exchange) throws IOException {
        long started = System.nanoTime();
        String path = exchange.getRequestURI().getPath();
        Answer answer;
        try {
            while (zombie) Thread.sleep(1000);
            answer = route(exchange, path);
        } catch (OutOfMemoryError error) {
            answer = failed(exchange, path, "OutOfMemoryError");
        } catch (Exception error) {
            answer = failed(exchange, path, error.getClass().getSimpleName());
        }
        boolean isCounted = !path.startsWith("/admin/");
        // Counted before the last byte leaves, so that a client's next look has its last request in it.
        if (isCounted) count(exchange.getRequestMethod(), answer, (System.nanoTime() - started) / 1e9);
        send(exchange, answer);
    }

    private void count(String method, Answer answer, double seconds) {
        String outcome = switch (answer.status / 100) {
            case 1 -> "INFORMATIONAL";
            case 2 -> "SUCCESS";
            case 3 -> "REDIRECTION";
            case 4 -> "CLIENT_ERROR";
            case 5 -> "SERVER_ERROR";
            default -> "UNKNOWN";
        };
        requests.meter(
            "error", answer.error, "exception", answer.error, "method", method, "outcome", outcome, "status",
            Integer.toString(answer.status), "uri", answer.uri).record(seconds);
        if (answer.status >= 500) logs.meter("level", "error").increment(1);
    }

    private static void send(HttpExchange exchange, Answer answer) throws IOException {
        try (exchange) {
            if (answer.type != null) exchange.getResponseHeaders().set("Content-Type", answer.type);
            answer.headers.forEach((name, value) -> exchange.getResponseHeaders().set(name, value));
            byte[] body = answer.body == null ? new byte[0] : answer.body.getBytes(StandardCharsets.UTF_8);
            boolean isHead = exchange.getRequestMethod().equals("HEAD");
            exchange.sendResponseHeaders(answer.status, body.length == 0 || isHead ? -1 : body.length);
            if (body.length > 0 && !isHead) exchange.getResponseBody().write(body);
        }
    }

    private Answer route(HttpExchange exchange, String path) throws InterruptedException {
        if (path.startsWith("/admin/")) return admin(exchange, path);
        Answer denied = authenticate(exchange, path);
        if (denied != null) return denied;
        if (path.equals("/actuator") || path.startsWith("/actuator/")) {
            if (broken) return new Answer(200, "text/html;charset=UTF-8", "<html><body>Welcome</body></html>", "/actuator");
            if (!List.of("GET", "HEAD").contains(exchange.getRequestMethod())) {
                return error(exchange, path, 405, "Method Not Allowed", "UNKNOWN").with("Allow", "GET");
            }
            return actuator(exchange, path);
        }
        return application(exchange, path);
    }

    // --- Security, as with Spring Security's defaults

    private Answer authenticate(HttpExchange exchange, String path) {
        if (authentication.equals("none") || path.equals("/login")) return null;
        if (authentication.equals("login")) return toLogin(exchange);
        String header = exchange.getRequestHeaders().getFirst("Authorization");
        String wanted = options.getOrDefault("user", "probe") + ":" + options.getOrDefault("password", "secret");
        String basic = "Basic " + Base64.getEncoder().encodeToString(wanted.getBytes(StandardCharsets.UTF_8));
        if (header != null) publish(exchange, header, basic.equals(header));
        if (basic.equals(header)) return null;
        if (header == null && path.equals("/actuator/health")) return null;
        String accept = exchange.getRequestHeaders().getFirst("Accept");
        boolean isXHR = "XMLHttpRequest".equals(exchange.getRequestHeaders().getFirst("X-Requested-With"));
        boolean isPlain = accept == null || accept.equals("*/*") || accept.equals("application/json");
        if (isXHR || isPlain) return new Answer(401, null, null, "UNKNOWN").with("WWW-Authenticate", "Basic realm=\"Realm\"");
        return toLogin(exchange);
    }

    /** Each request with credentials is a login for Spring Security, whichever way it ends. */
    private void publish(HttpExchange exchange, String header, boolean succeeded) {
        if (!header.startsWith("Basic ")) return;
        String pair = new String(Base64.getDecoder().decode(header.substring(6)), StandardCharsets.UTF_8);
        String address = exchange.getRemoteAddress().getAddress().getHostAddress();
        audit.add(pair.split(":", 2)[0], succeeded, address, null);
    }

    private Answer toLogin(HttpExchange exchange) {
        String host = exchange.getRequestHeaders().getFirst("Host");
        return new Answer(302, null, null, "UNKNOWN").with("Location", "http://" + host + "/login");
    }

    private boolean showsDetails(HttpExchange exchange) {
        String mode = options.getOrDefault("show-details", "always");
        if (mode.equals("never")) return false;
        return authentication.equals("none") || exchange.getRequestHeaders().containsKey("Authorization");
    }

    // --- Application

    private Answer application(HttpExchange exchange, String path) throws InterruptedException {
        Map<String, String> query = query(exchange);
        switch (path) {
            case "/ok":
                return new Answer(200, "text/plain;charset=UTF-8", "ok", path);
            case "/boom":
                throw new IllegalStateException("boom");
            case "/unavailable":
                return error(exchange, path, 503, "Service Unavailable", path);
            case "/slow":
                Thread.sleep(Long.parseLong(query.getOrDefault("ms", "1200")));
                return new Answer(200, "text/plain;charset=UTF-8", "slow", path);
            case "/hold":
                if (pool.use(Long.parseLong(query.getOrDefault("ms", "1000")))) {
                    return new Answer(200, "text/plain;charset=UTF-8", "held", path);
                }
                return error(exchange, path, 500, "Internal Server Error", path);
            case "/alloc":
                return allocate(Integer.parseInt(query.getOrDefault("mb", "1")));
            case "/free":
                synchronized (retained) {
                    retained.clear();
                }
                return new Answer(200, "text/plain;charset=UTF-8", "freed", path);
            case "/churn":
                long sum = 0;
                for (int i = Integer.parseInt(query.getOrDefault("mb", "1")); i > 0; i--) sum += new byte[1 << 20].length;
                return new Answer(200, "text/plain;charset=UTF-8", Long.toString(sum), path);
            case "/login":
                return new Answer(200, "text/html;charset=UTF-8", "<html><body>Please sign in</body></html>", path);
            default:
                if (path.matches("/orders/\\d+")) {
                    return new Answer(200, "application/json", "{\"id\":" + path.substring(8) + "}", "/orders/{id}");
                }
                return error(exchange, path, 404, "Not Found", "/**");
        }
    }

    private Answer allocate(int megabytes) {
        synchronized (retained) {
            for (int i = 0; i < megabytes; i++) retained.add(new byte[1 << 20]);
            return new Answer(200, "text/plain;charset=UTF-8", retained.size() + " MiB", "/alloc");
        }
    }

    private Answer failed(HttpExchange exchange, String path, String error) {
        Answer answer = error(exchange, path, 500, "Internal Server Error", path.matches("/orders/.*") ? "/orders/{id}" : path);
        answer.error = error;
        return answer;
    }

    // --- Switches

    private Answer admin(HttpExchange exchange, String path) {
        Map<String, String> query = query(exchange);
        boolean on = Boolean.parseBoolean(query.getOrDefault("on", "true"));
        switch (path) {
            case "/admin/hang-health" -> healthHangs = on;
            case "/admin/broken" -> broken = on;
            case "/admin/zombie" -> zombie = true;
            case "/admin/auth" -> authentication = query.getOrDefault("mode", "none");
            case "/admin/health" -> orders = query.getOrDefault("status", "UP");
            case "/admin/login" -> {
                int times = Integer.parseInt(query.getOrDefault("times", "1"));
                boolean succeeded = Boolean.parseBoolean(query.getOrDefault("ok", "false"));
                for (int i = 0; i < times; i++) {
                    audit.add(query.getOrDefault("user", "alice"), succeeded, query.getOrDefault("from", "10.1.2.3"), query.get("session"));
                }
            }
            case "/admin/audit" -> audit.add(query.getOrDefault("user", "alice"), query.getOrDefault("type", "ORDER_PLACED"));
            case "/admin/exit" -> Runtime.getRuntime().halt(Integer.parseInt(query.getOrDefault("code", "0")));
            default -> {
                return new Answer(404, "text/plain", "no such switch", path);
            }
        }
        return new Answer(200, "text/plain", "done", path);
    }

    // --- Actuator

    private Answer actuator(HttpExchange exchange, String path) throws InterruptedException {
        if (path.equals("/actuator")) return json(exchange, path, 200, path, links(exchange));
        if (path.equals("/actuator/health") || path.startsWith("/actuator/health/")) return health(exchange, path);
        if (path.equals("/actuator/metrics") && isExposed("metrics")) return json(exchange, path, 200, path, meters.namesJSON());
        if (path.startsWith("/actuator/metrics/") && isExposed("metrics")) return meter(exchange, path);
        if (path.equals("/actuator/prometheus") && isExposed("prometheus")) return prometheus(exchange, path);
        if (path.equals("/actuator/auditevents") && options.containsKey("auditevents")) return auditEvents(exchange, path);
        return error(exchange, path, 404, "Not Found", "/**");
    }

    private Answer auditEvents(HttpExchange exchange, String path) {
        Map<String, String> query = query(exchange);
        try {
            return json(exchange, path, 200, path, audit.json(query.get("after"), query.get("principal"), query.get("type")));
        } catch (java.time.format.DateTimeParseException error) {
            return error(exchange, path, 400, "Bad Request", path);
        }
    }

    private boolean isExposed(String endpoint) {
        return !options.containsKey("no-" + endpoint);
    }

    private String links(HttpExchange exchange) {
        String base = "http://" + exchange.getRequestHeaders().getFirst("Host") + "/actuator";
        List<String> links = new ArrayList<>(List.of(
            link("self", base, false), link("health", base + "/health", false), link("health-path", base + "/health/{*path}", true)));
        if (options.containsKey("auditevents")) links.add(link("auditevents", base + "/auditevents", false));
        if (isExposed("prometheus")) links.add(link("prometheus", base + "/prometheus", false));
        if (isExposed("metrics")) {
            links.add(link("metrics-requiredMetricName", base + "/metrics/{requiredMetricName}", true));
            links.add(link("metrics", base + "/metrics", false));
        }
        return "{\"_links\":{" + String.join(",", links) + "}}";
    }

    private static String link(String name, String href, boolean templated) {
        return "\"" + name + "\":{\"href\":\"" + href + "\",\"templated\":" + templated + "}";
    }

    private Answer health(HttpExchange exchange, String path) throws InterruptedException {
        while (healthHangs) Thread.sleep(50);
        String uri = path.equals("/actuator/health") ? path : "/actuator/health/**";
        boolean details = showsDetails(exchange);
        String component = path.equals(uri) ? null : path.substring("/actuator/health/".length());
        if (component != null && List.of("liveness", "readiness").contains(component)) {
            return json(exchange, path, 200, uri, "{\"status\":\"UP\"}");
        }
        Map<String, String> components = new TreeMap<>();
        List<String> states = new ArrayList<>();
        boolean database = pool.use(0);
        states.add(database ? "UP" : "DOWN");
        components.put("db", database
            ? "{\"status\":\"UP\",\"details\":{\"database\":\"PostgreSQL\",\"validationQuery\":\"isValid()\"}}"
            : "{\"status\":\"DOWN\",\"details\":{\"error\":\"org.springframework.jdbc.CannotGetJdbcConnectionException:"
                + " Could not get JDBC Connection\"}}");
        components.put("diskSpace", "{\"status\":\"UP\",\"details\":" + disk() + "}");
        components.put("livenessState", "{\"status\":\"UP\"}");
        components.put("orders", "{\"status\":" + Json.quote(orders) + ",\"details\":{\"queueDepth\":3}}");
        states.add(orders);
        components.put("ping", "{\"status\":\"UP\"}");
        components.put("readinessState", "{\"status\":\"UP\"}");
        components.put("ssl", "{\"status\":\"UP\",\"details\":{\"validChains\":[],\"invalidChains\":[]}}");
        if (component != null) {
            String body = details ? components.get(component) : null;
            if (body == null) return new Answer(404, null, null, uri);
            return json(exchange, path, body.startsWith("{\"status\":\"DOWN\"") ? 503 : 200, uri, body);
        }
        String aggregate = states.contains("DOWN") ? "DOWN" : states.contains("OUT_OF_SERVICE") ? "OUT_OF_SERVICE" : "UP";
        StringBuilder body = new StringBuilder("{\"status\":\"" + aggregate + "\",\"groups\":[\"liveness\",\"readiness\"]");
        if (details) {
            List<String> parts = new ArrayList<>();
            components.forEach((name, text) -> parts.add("\"" + name + "\":" + text));
            body.append(",\"components\":{").append(String.join(",", parts)).append("}");
        }
        return json(exchange, path, aggregate.equals("UP") ? 200 : 503, uri, body.append("}").toString());
    }

    private static String disk() {
        java.io.File root = new java.io.File("/");
        return "{\"total\":" + root.getTotalSpace() + ",\"free\":" + root.getUsableSpace()
            + ",\"threshold\":10485760,\"path\":\"/\",\"exists\":true}";
    }

    private Answer meter(HttpExchange exchange, String path) {
        String uri = "/actuator/metrics/{requiredMetricName}";
        List<String[]> tags = new ArrayList<>();
        for (String tag : values(exchange, "tag")) {
            for (String part : tag.split(",")) {
                int colon = part.indexOf(':');
                if (colon < 1) return error(exchange, path, 400, "Bad Request", uri).with("Content-Disposition", "inline;filename=f.txt");
                tags.add(new String[] {part.substring(0, colon), part.substring(colon + 1)});
            }
        }
        String body = meters.meterJSON(path.substring("/actuator/metrics/".length()), tags);
        if (body == null) return new Answer(404, null, null, uri);
        return json(exchange, path, 200, uri, body).with("Content-Disposition", "inline;filename=f.txt");
    }

    private Answer prometheus(HttpExchange exchange, String path) {
        List<String> accepted = accepted(exchange);
        if (accepted.stream().noneMatch(range -> range.equals("*/*") || range.startsWith("text/"))) {
            return error(exchange, path, 406, "Not Acceptable", path).with("Accept", String.join(", ", TEXT_TYPES));
        }
        List<String> names = new ArrayList<>();
        for (String list : values(exchange, "includedNames")) names.addAll(Arrays.asList(list.split(",")));
        return new Answer(200, TEXT_TYPES.get(0), meters.prometheus(names), path);
    }

    // --- Forms

    private Answer json(HttpExchange exchange, String path, int status, String uri, String body) {
        String type = negotiated(exchange);
        if (type == null) return error(exchange, path, 406, "Not Acceptable", uri).with("Accept", String.join(", ", JSON_TYPES));
        return new Answer(status, type, body, uri);
    }

    /** The first acceptable JSON type in the client's order; null when there is none. */
    private static String negotiated(HttpExchange exchange) {
        for (String range : accepted(exchange)) {
            if (range.equals("*/*") || range.equals("application/*")) return V3;
            if (JSON_TYPES.contains(range)) return range;
        }
        return null;
    }

    /** Media ranges of the Accept field, best first. */
    private static List<String> accepted(HttpExchange exchange) {
        String field = exchange.getRequestHeaders().getFirst("Accept");
        if (field == null) return List.of("*/*");
        List<String[]> ranges = new ArrayList<>();
        for (String part : field.split(",")) {
            String[] pieces = part.trim().split(";");
            String quality = "1";
            for (String piece : pieces) if (piece.trim().startsWith("q=")) quality = piece.trim().substring(2);
            ranges.add(new String[] {pieces[0].trim(), quality});
        }
        ranges.sort((a, b) -> Double.compare(Double.parseDouble(b[1]), Double.parseDouble(a[1])));
        List<String> list = new ArrayList<>();
        for (String[] range : ranges) list.add(range[0]);
        return list;
    }

    private Answer error(HttpExchange exchange, String path, int status, String reason, String uri) {
        List<String> accepted = accepted(exchange);
        boolean isHTML = accepted.contains("text/html");
        boolean isJSON = accepted.stream().anyMatch(range -> range.equals("*/*") || range.equals("application/*") || range.contains("json"));
        if (!isHTML && !isJSON) return new Answer(status, null, null, uri);
        if (isHTML) {
            String text = "<html><body><h1>Whitelabel Error Page</h1><p>There was an unexpected error (type=" + reason + ", status="
                + status + ").</p></body></html>";
            return new Answer(status, "text/html;charset=UTF-8", text, uri);
        }
        String now = DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSxxx").format(Instant.now().atOffset(ZoneOffset.UTC));
        String body = "{\"timestamp\":\"" + now + "\",\"status\":" + status + ",\"error\":\"" + reason + "\",\"path\":"
            + Json.quote(path) + "}";
        return new Answer(status, "application/json", body, uri);
    }

    private static Map<String, String> query(HttpExchange exchange) {
        Map<String, String> map = new TreeMap<>();
        for (String[] pair : pairs(exchange)) map.put(pair[0], pair[1]);
        return map;
    }

    private static List<String> values(HttpExchange exchange, String name) {
        List<String> values = new ArrayList<>();
        for (String[] pair : pairs(exchange)) if (pair[0].equals(name)) values.add(pair[1]);
        return values;
    }

    private static List<String[]> pairs(HttpExchange exchange) {
        List<String[]> pairs = new ArrayList<>();
        String query = exchange.getRequestURI().getRawQuery();
        if (query == null) return pairs;
        for (String part : query.split("&")) {
            int equals = part.indexOf('=');
            String value = equals < 0 ? "" : java.net.URLDecoder.decode(part.substring(equals + 1), StandardCharsets.UTF_8);
            pairs.add(new String[] {equals < 0 ? part : part.substring(0, equals), value});
        }
        return pairs;
    }
}
