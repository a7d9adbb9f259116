import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.*;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import static java.nio.charset.StandardCharsets.UTF_8;

/** A sender without the kit, by the rules of docs/senders.md; ../README.md says what it leaves out. */
public final class Sender {
    // The journal is on disk before a call leaves, one for all instances. A row holds what is to be said if nothing
    // more is heard. A touch and its revocation contend for the same row, so the first of them wins.
    static final String TABLE = "CREATE TABLE IF NOT EXISTS touches"
        + " (id TEXT PRIMARY KEY, status TEXT, word TEXT, at INTEGER, ask_at INTEGER)";
    static final String INDEX = "CREATE INDEX IF NOT EXISTS to_ask ON touches (ask_at)";
    static final String ENTER = "INSERT OR IGNORE INTO touches VALUES (?, ?, ?, ?, ?)";
    static final String TAKE_BACK = "DELETE FROM touches WHERE id = ? AND status = 'unknown'";
    static final String SETTLE = "INSERT INTO touches VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET status = ?2,"
        + " word = ?3, ask_at = ?5 WHERE status = 'unknown' OR ?2 NOT IN ('unknown', 'accepted')";
    static final String TO_ASK = "UPDATE touches SET ask_at = 2 * ?1 - at WHERE id IN (SELECT id FROM touches"
        + " WHERE ask_at <= ?1 AND ask_at < at + 86400000 LIMIT 64) RETURNING word, at"; // for a day, less and less often
    static final int MAJOR = 1, PARALLEL = 64;
    static final long UNDER_WAY_MS = 30_000, JITTER_MS = 3_000;
    static final Duration PATIENCE = Duration.ofSeconds(2);

    static final class Item {
        ConsumerRecord<byte[], byte[]> record;
        ObjectNode touch; // null: not a message of the contract
        boolean isTooNew;
        long dueMs, expiresMs;
        String why = "expired";
        Future<Boolean> job; // under way
    }

    record Answer(int code, JsonNode said, long waitMs) {}

    static final String CHANNEL = env("WINBACK_SENDER_CHANNEL", "sms"), TOUCHES = env("WINBACK_TOPIC_TOUCHES", "win-back"),
        FEEDBACK = env("WINBACK_TOPIC_FEEDBACK", "win-back-feedback"),
        DEAD_LETTERS = env("WINBACK_TOPIC_DEAD_LETTERS", "winback-dead-letters");
    static final ObjectMapper JSON = new ObjectMapper();
    static volatile boolean isStopping;

    final HttpClient http = HttpClient.newBuilder().connectTimeout(PATIENCE).build();
    final Map<TopicPartition, Long> ends = new HashMap<>(); // of the partitions that are ours: where the log ended
    final Connection db;
    final KafkaProducer<byte[], byte[]> producer;
    final KafkaConsumer<byte[], byte[]> consumer;
    final List<Item> waiting = new LinkedList<>(); // in the order of the log

    Sender() throws IOException, SQLException {
        var state = Files.createDirectories(Path.of(env("WINBACK_SENDER_STATE", "build/sender")));
        db = DriverManager.getConnection("jdbc:sqlite:" + state + "/touches.db?busy_timeout=10000&journal_mode=WAL&synchronous=FULL");
        try { exec(TABLE); } catch (SQLException busy) { exec(TABLE); } // another instance may be making it
        exec(INDEX);
        var servers = System.getenv("WINBACK_KAFKA_BOOTSTRAP");
        producer = new KafkaProducer<>(Map.of("bootstrap.servers", servers), new ByteArraySerializer(), new ByteArraySerializer());
        var session = (int) (1000 * Double.parseDouble(env("WINBACK_SESSION_TIMEOUT_S", "10")));
        consumer = new KafkaConsumer<>(Map.of("bootstrap.servers", servers, "isolation.level", "read_committed",
            "group.id", env("WINBACK_SENDER_GROUP", "winback-sender-" + CHANNEL), "enable.auto.commit", false,
            "auto.offset.reset", "earliest", "fetch.max.wait.ms", 100, "session.timeout.ms", session,
            "heartbeat.interval.ms", session / 4), new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    public static void main(String[] args) throws Exception {
        var main = Thread.currentThread();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            isStopping = true;
            try { main.join(); } catch (InterruptedException stop) { main.interrupt(); }
        }));
        try { new Sender().run(); } catch (Exception | Error failure) { failure.printStackTrace(); Runtime.getRuntime().halt(1); }
    }

    void run() throws Exception {
        consumer.subscribe(List.of(TOUCHES), new ConsumerRebalanceListener() {
            public void onPartitionsAssigned(Collection<TopicPartition> fresh) { ends.putAll(consumer.endOffsets(fresh)); }
            public void onPartitionsRevoked(Collection<TopicPartition> lost) {
                try { consumer.commitSync(finished()); } catch (KafkaException refused) { /* the next owner finds the journal */ }
                onPartitionsLost(lost);
            }
            public void onPartitionsLost(Collection<TopicPartition> lost) {
                ends.keySet().removeAll(lost);
                waiting.removeIf(item -> lost.contains(partition(item)));
            }
        });
        var pool = Executors.newFixedThreadPool(PARALLEL + 1);
        Future<?> asking = pool.submit(this::follow);
        for (long last = 0; !isStopping; ) {
            for (var record : consumer.poll(Duration.ofMillis(50))) take(record);
            turn(pool);
            if (System.currentTimeMillis() - last < 500) continue;
            last = System.currentTimeMillis();
            consumer.commitAsync(finished(), null);
            if (!asking.isDone()) continue;
            asking.get();
            asking = pool.submit(this::follow);
        }
        pool.shutdown();
        pool.awaitTermination(20, TimeUnit.SECONDS);
        turn(pool);
        consumer.close(); // commits what is finished: onPartitionsRevoked
        producer.close();
    }

    void take(ConsumerRecord<byte[], byte[]> record) throws SQLException {
        if (record.value() == null) return;
        var item = new Item();
        item.record = record;
        var schema = record.headers().lastHeader("ce_dataschema");
        item.isTooNew = schema != null && !new String(schema.value(), UTF_8).endsWith(":" + MAJOR);
        try {
            if (JSON.readTree(record.value()) instanceof ObjectNode found && isWhole(found)) item.touch = found;
        } catch (IOException notJson) { /* a dead letter */ }
        if (item.touch != null && text(item.touch, "type").equals("touch.revoked")) {
            exec(ENTER, row(item.touch, null, "failed", "unsent", "revoked", ""));
        } else if (item.touch == null || text(item.touch, "type").equals("touch.requested") && text(item.touch, "channel").equals(CHANNEL)) {
            item.dueMs = item.touch == null ? 0 : instant(text(item.touch, "not_before"));
            item.expiresMs = item.touch == null ? 0 : instant(text(item.touch, "expires_at"));
            waiting.add(item);
        }
    }

    /** Begins the first touch of each user, if it is due and what stands behind it in the log has been seen. */
    void turn(ExecutorService pool) throws Exception {
        var users = new HashSet<String>();
        var busy = waiting.stream().filter(item -> item.job != null && !item.job.isDone()).count();
        for (var items = waiting.iterator(); items.hasNext(); ) {
            var item = items.next();
            if (item.job != null && item.job.isDone()) {
                var isSaid = item.job.get();
                item.job = null; // not sent: its time comes again
                if (isSaid) items.remove();
                if (isSaid) continue;
            }
            var isFirst = users.add(item.touch == null ? null : text(item.touch, "user_id"));
            var hasSeenAll = consumer.position(partition(item)) >= ends.get(partition(item));
            if (!isFirst || !hasSeenAll || item.job != null || isStopping || System.currentTimeMillis() < item.dueMs || busy++ >= PARALLEL) continue;
            item.job = pool.submit(() -> work(item));
        }
    }

    /** Returns true when the first word on a touch is said. */
    boolean work(Item item) throws Exception {
        if (item.touch == null) return write(DEAD_LETTERS, item.record.key(), item.record.value());
        var id = text(item.touch, "touch_id");
        var known = select("SELECT word, at FROM touches WHERE id = ?", id);
        if (!known.isEmpty()) return write(FEEDBACK, item.record.key(), known.get(0).getKey().getBytes(UTF_8));
        if (item.isTooNew) {
            write(DEAD_LETTERS, item.record.key(), item.record.value());
            return say(item.touch, "failed", "unsent", "unknown_version", "");
        }
        if (System.currentTimeMillis() >= item.expiresMs) return say(item.touch, "failed", "unsent", item.why, "");
        var user = URLEncoder.encode(text(item.touch, "user_id"), UTF_8).replace("+", "%20");
        var found = call(System.getenv("ADDRESSES_URL") + "/" + user + "/" + CHANNEL, null);
        if (found.code == 404) return say(item.touch, "failed", "hard", "no_address", "");
        if (found.code != 200) return later(item, found.waitMs);
        if (isStopping || System.currentTimeMillis() >= item.expiresMs) return false;
        var underWay = row(item.touch, System.currentTimeMillis() + UNDER_WAY_MS, "unknown", "", "interrupted", "");
        if (exec(ENTER, underWay) == 0) return false;
        var body = JSON.createObjectNode().put("id", id).put("to", text(found.said, "address"));
        body.set("template", item.touch.get("template_key"));
        body.set("params", item.touch.get("params"));
        var answer = call(System.getenv("PROVIDER_URL") + "/messages", body);
        if (answer.code == 429 || answer.code == 503) {
            exec(TAKE_BACK, id);
            return later(item, answer.waitMs);
        }
        var reason = text(answer.said, "error");
        if (answer.code == 202) return say(item.touch, "accepted", "", "", text(answer.said, "ref"));
        if (answer.code != 400) return say(item.touch, "unknown", "", "timed_out", "");
        return say(item.touch, "failed", reason.equals("bad_number") ? "hard" : "unsent", reason, "");
    }

    /** Asks what became of what the provider took, or may have taken. */
    Void follow() throws Exception {
        for (var row : select(TO_ASK, System.currentTimeMillis())) {
            var touch = (ObjectNode) JSON.readTree(row.getKey());
            var answer = call(System.getenv("PROVIDER_URL") + "/messages?id=" + URLEncoder.encode(text(touch, "touch_id"), UTF_8), null);
            var status = text(answer.said, "status");
            var isLost = answer.code == 404 && text(touch, "status").equals("unknown") && System.currentTimeMillis() - row.getValue() > UNDER_WAY_MS;
            if (isLost) say(touch, "failed", "unsent", "provider_unavailable", "");
            if (answer.code == 200 && !status.equals(text(touch, "status"))) say(touch, status, "", "", text(answer.said, "ref"));
        }
        return null;
    }

    Map<TopicPartition, OffsetAndMetadata> finished() {
        var offsets = new HashMap<TopicPartition, OffsetAndMetadata>();
        for (var partition : ends.keySet()) offsets.put(partition, new OffsetAndMetadata(consumer.position(partition)));
        for (var item : waiting) offsets.merge(partition(item), new OffsetAndMetadata(item.record.offset()), (a, b) -> a.offset() < b.offset() ? a : b);
        return offsets;
    }

    /** Calls with a body or without; 503 if the connection was refused, 0 if nobody knows. */
    Answer call(String url, JsonNode body) throws InterruptedException, JsonProcessingException {
        var request = HttpRequest.newBuilder(URI.create(url)).timeout(PATIENCE);
        if (body != null) request.POST(HttpRequest.BodyPublishers.ofString(JSON.writeValueAsString(body)));
        try {
            var answer = http.send(request.build(), BodyHandlers.ofByteArray());
            var waitMs = 1000 * answer.headers().firstValueAsLong("retry-after").orElse(0);
            var isClear = answer.statusCode() >= 400 && answer.statusCode() != 400;
            return new Answer(answer.statusCode(), isClear ? null : JSON.readTree(answer.body()), waitMs);
        } catch (ConnectException | HttpConnectTimeoutException refused) {
            return new Answer(503, null, 0);
        } catch (IOException unclear) {
            return new Answer(0, null, 0);
        }
    }

    boolean later(Item item, long waitMs) {
        item.dueMs = System.currentTimeMillis() + waitMs + ThreadLocalRandom.current().nextLong(JITTER_MS);
        item.why = "provider_unavailable";
        return false;
    }

    boolean say(JsonNode touch, String status, String outcome, String reason, String ref) throws Exception {
        var isOpen = status.equals("accepted") || status.equals("unknown");
        var row = row(touch, isOpen ? System.currentTimeMillis() + 1000 : null, status, outcome, reason, ref);
        exec(SETTLE, row);
        return write(FEEDBACK, text(touch, "user_id").getBytes(UTF_8), ((String) row[2]).getBytes(UTF_8));
    }

    static Object[] row(JsonNode touch, Long askAt, String status, String outcome, String reason, String ref) {
        var word = JSON.createObjectNode().put("touch_id", text(touch, "touch_id")).put("user_id", text(touch, "user_id"))
            .put("status", status).put("outcome", outcome).put("reason", reason).put("channel", CHANNEL)
            .put("provider", "postbox").put("provider_ref", ref).put("at", System.currentTimeMillis());
        return new Object[] {text(touch, "touch_id"), status, word.toString(), System.currentTimeMillis(), askAt};
    }

    boolean write(String topic, byte[] key, byte[] value) throws Exception {
        producer.send(new ProducerRecord<>(topic, key, value)).get();
        return true;
    }

    synchronized int exec(String sql, Object... values) throws SQLException {
        try (var statement = db.prepareStatement(sql)) {
            for (var i = 0; i < values.length; i++) statement.setObject(i + 1, values[i]);
            return statement.executeUpdate();
        }
    }

    synchronized List<Map.Entry<String, Long>> select(String sql, Object value) throws SQLException {
        var found = new ArrayList<Map.Entry<String, Long>>();
        try (var statement = db.prepareStatement(sql)) {
            statement.setObject(1, value);
            for (var rows = statement.executeQuery(); rows.next(); ) found.add(Map.entry(rows.getString(1), rows.getLong(2)));
        }
        return found;
    }

    static boolean isWhole(JsonNode message) {
        var type = text(message, "type");
        return !type.isEmpty() && (!type.startsWith("touch.re") || !text(message, "touch_id").isEmpty() && !text(message, "user_id").isEmpty());
    }

    static TopicPartition partition(Item item) { return new TopicPartition(TOUCHES, item.record.partition()); }

    static String text(JsonNode of, String name) { return of == null ? "" : of.path(name).asText(""); }

    static long instant(String text) {
        try { return Instant.parse(text).toEpochMilli(); } catch (DateTimeException none) { return 0; }
    }

    static String env(String name, String usual) { return System.getenv().getOrDefault(name, usual); }
}
