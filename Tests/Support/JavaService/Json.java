import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/** The little JSON that the service writes; a number that JSON cannot say becomes a string, as Jackson does it. */
final class Json {
    private Json() {}

    static String quote(String text) {
        StringBuilder out = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                default -> {
                    if (c < 0x20) out.append(String.format("\\u%04x", (int) c));
                    else out.append(c);
                }
            }
        }
        return out.append('"').toString();
    }

    static String number(double value) {
        return Double.isNaN(value) || Double.isInfinite(value) ? quote(Double.toString(value)) : Double.toString(value);
    }

    static String array(Collection<String> values) {
        List<String> quoted = new ArrayList<>();
        for (String value : values) quoted.add(quote(value));
        return "[" + String.join(",", quoted) + "]";
    }
}
