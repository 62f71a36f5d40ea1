import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/** Ask with what Java 11 brings, and print the answer as JSON: java Ask.java QUESTION */
public class Ask {
    public static void main(String[] arguments) throws Exception {
        String url = System.getenv().getOrDefault("DOMAINQA_URL", "http://127.0.0.1:7860");
        String key = System.getenv("DOMAINQA_KEY");
        String body = "{\"input\": " + quoted(arguments[0])
            + ", \"adapter_id\": \"base\", \"collection\": \"bank\"}";

        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url + "/v1/generate"))
            .timeout(Duration.ofMinutes(5))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body));
        if (key != null) {
            request.header("Authorization", "Bearer " + key);
        }

        HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        var response = client.send(request.build(), BodyHandlers.ofString(StandardCharsets.UTF_8));
        new PrintStream(System.out, true, StandardCharsets.UTF_8).println(response.body());
        System.exit(response.statusCode() == 200 ? 0 : 1);
    }

    /** A text as JSON writes it; every sign but plain ASCII as its number. */
    private static String quoted(String text) {
        StringBuilder json = new StringBuilder("\"");
        for (char sign : text.toCharArray()) {
            boolean plain = sign >= ' ' && sign <= '~' && sign != '"' && sign != '\\';
            json.append(plain ? String.valueOf(sign) : String.format("\\u%04x", (int) sign));
        }
        return json.append('"').toString();
    }
}
