import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** The last thousand audit events, given out as Spring Boot's in-memory repository and its endpoint do. */
final class AuditLog {
    private static final int EVENTS_MAX = 1000;

    private record Event(Instant at, String principal, String type, String address, String session) {}

    private final Deque<Event> events = new ArrayDeque<>();

    synchronized void add(String principal, boolean succeeded, String address, String session) {
        String type = succeeded ? "AUTHENTICATION_SUCCESS" : "AUTHENTICATION_FAILURE";
        add(new Event(Instant.now(), principal, type, address, session));
    }

    /** An event of the application's own. */
    synchronized void add(String principal, String type) {
        add(new Event(Instant.now(), principal, type, null, null));
    }

    private void add(Event event) {
        if (events.size() == EVENTS_MAX) events.removeFirst();
        events.addLast(event);
    }

    synchronized int size() {
        return events.size();
    }

    /** Oldest first; throws {@code DateTimeParseException} for an {@code after} that is no time with an offset. */
    synchronized String json(String after, String principal, String type) {
        Instant start = after == null ? null : OffsetDateTime.parse(after).toInstant();
        List<String> found = new ArrayList<>();
        for (Event event : events) {
            if (start != null && !event.at.isAfter(start)) continue;
            if (principal != null && !principal.equals(event.principal)) continue;
            if (type != null && !type.equals(event.type)) continue;
            found.add(json(event));
        }
        return "{\"events\":[" + String.join(",", found) + "]}";
    }

    private static String json(Event event) {
        StringBuilder text = new StringBuilder("{\"timestamp\":" + Json.quote(event.at.toString()));
        if (!event.principal.isEmpty()) text.append(",\"principal\":").append(Json.quote(event.principal));
        text.append(",\"type\":").append(Json.quote(event.type));
        if (event.address != null) {
            String session = event.session == null ? "null" : Json.quote(event.session);
            text.append(",\"data\":{\"details\":{\"remoteAddress\":" + Json.quote(event.address) + ",\"sessionId\":" + session + "}");
            if (event.type.equals("AUTHENTICATION_FAILURE")) {
                text.append(",\"type\":\"org.springframework.security.authentication.BadCredentialsException\"");
                text.append(",\"message\":\"Bad credentials\"");
            }
            text.append("}");
        }
        return text.append("}").toString();
    }
}
