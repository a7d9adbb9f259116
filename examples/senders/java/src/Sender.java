import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.*;
import java.net.http.*;
import java.sql.*;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.*;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.serialization.*;
import static java.nio.charset.StandardCharsets.UTF_8;

/** A sender without the kit, by the rules of docs/senders.md; ../README.md says what it leaves out. */
public final class Sender {
    // SQLite is the queue: on disk, in the order of the log, one for all instances. A row holds the word that is to be said from
    // `at` on if nothing more is heard; `due` is when the touch may be sent, or asked about. What is revoked expires at 0.
    static final String SCHEMA = """
        CREATE TABLE IF NOT EXISTS touches (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, user TEXT NOT NULL, part INT, body TEXT,
        due INT, expires INT NOT NULL, state TEXT, reason TEXT, ref TEXT DEFAULT '', at INT, said TEXT);
        CREATE INDEX IF NOT EXISTS of_user ON touches (user); CREATE INDEX IF NOT EXISTS to_do ON touches (state, due);
        CREATE INDEX IF NOT EXISTS to_say ON touches (at) WHERE state IS NOT said""";
    record Row(long n, String id, String user, String state, String text) {}
    record Answer(int code, JsonNode said, String pause) {
        String text(String name) { return said.path(name).asText(""); }
    }
    record Word(String state, String reason, Answer answer) {}

    static final Map<String, String> ENV = System.getenv();
    static final String CHANNEL = ENV.get("WINBACK_SENDER_CHANNEL"), MESSAGES = ENV.get("PROVIDER_URL") + "/messages";
    static final Duration PATIENCE = Duration.ofSeconds(2);
    static final HttpClient HTTP = HttpClient.newBuilder().connectTimeout(PATIENCE).build();
    static final int PARALLEL = 64;
    static volatile boolean isStopping;
    static Connection db;

    static synchronized List<Row> query(String sql, Object... values) throws SQLException {
        try (var statement = db.prepareStatement(sql)) {
            for (var i = 0; i < values.length; i++) statement.setObject(i + 1, values[i]);
            var found = new ArrayList<Row>();
            for (var row = statement.execute() ? statement.getResultSet() : null; row != null && row.next(); )
                found.add(new Row(row.getLong(1), row.getString(2), row.getString(3), row.getString(4), row.getString(5)));
            return found;
        }
    }

    static Answer call(String url, String body) throws Exception { // GET without a body
        var request = HttpRequest.newBuilder(URI.create(url)).timeout(PATIENCE);
        if (body != null) request.POST(HttpRequest.BodyPublishers.ofString(body));
        try {
            var answer = HTTP.send(request.build(), HttpResponse.BodyHandlers.ofString());
            var isJson = answer.headers().firstValue("content-type").orElse("").startsWith("application/json");
            var said = new ObjectMapper().readTree(isJson ? answer.body() : "{}");
            return new Answer(answer.statusCode(), said, answer.headers().firstValue("retry-after").orElse(""));
        } catch (IOException failure) { // 503: nothing has left
            var isRefused = failure instanceof ConnectException || failure instanceof HttpConnectTimeoutException;
            return new Answer(isRefused ? 503 : 0, new ObjectMapper().nullNode(), "");
        }
    }

    static String quote(String text) { return URLEncoder.encode(text, UTF_8).replace("+", "%20"); }

    static Word send(Row row) throws Exception {
        var found = call(ENV.get("ADDRESSES_URL") + "/" + quote(row.user) + "/" + CHANNEL, null);
        if (found.code == 404) return new Word("failed", "no_address", found);
        var last = query("""
            SELECT n, id, user, state, json_object('id', id, 'to', ?2, 'template', body ->> 'template_key', 'params', body -> 'params')
            FROM touches WHERE n = ?1 AND expires > ?3 AND ?2 > ''""", row.n, found.text("address"), System.currentTimeMillis());
        if (last.isEmpty()) return new Word("requested", "provider_unavailable", found); // or revoked or expired by now
        var answer = call(MESSAGES, last.get(0).text);
        if (answer.code == 429 || answer.code == 503) return new Word("requested", "provider_unavailable", answer);
        if (answer.code == 202 && !answer.text("ref").isEmpty()) return new Word("accepted", "", answer);
        if (answer.code == 400 && !answer.text("error").isEmpty()) return new Word("failed", answer.text("error"), answer);
        return new Word("unknown", "timed_out", answer);
    }

    static Word ask(Row row) throws Exception {
        var answer = call(MESSAGES + "?id=" + quote(row.id), null);
        if (answer.code == 404 && row.text.equals("lost")) return new Word("failed", "provider_unavailable", answer);
        return new Word(answer.text("status"), "", answer);
    }

    static Void work(Row row) throws Exception {
        var word = row.text.equals("new") ? send(row) : ask(row);
        query("""
            UPDATE touches SET state = ?3, reason = ?4, ref = ?5, at = iif(?3 = 'requested', NULL, ?7), due = ?7 + 1000 * ?6
            + abs(random() % 3000) WHERE n = ?1 AND state = ?2 AND ?3 > '' AND (?3 <> state OR at > ?7)""", row.n, row.state,
            word.state, word.reason, word.answer.text("ref"), word.answer.pause, System.currentTimeMillis());
        return null;
    }

    /** Notes a touch or its revocation, whichever comes first; false: a dead letter. */
    static boolean take(ConsumerRecord<byte[], byte[]> record) throws SQLException {
        var version = record.headers().lastHeader("ce_dataschema");
        var isNew = version != null && !new String(version.value(), UTF_8).endsWith(":1");
        try {
            query("""
                INSERT INTO touches (id, user, part, body, due, expires, state, reason) SELECT m ->> 'touch_id', m ->> 'user_id', ?2, m,
                1000 * unixepoch(m ->> 'not_before', 'subsec'), CASE WHEN m ->> 'type' = 'touch.revoked' THEN 0 WHEN ?3 THEN 1 ELSE
                1000 * unixepoch(m ->> 'expires_at', 'subsec') END, substr(m ->> 'type', 7), iif(?3, 'unknown_version', 'expired')
                FROM (SELECT ?1 AS m) WHERE m ->> 'type' IN ('touch.requested', 'touch.revoked') AND coalesce(m ->> 'channel', ?4) = ?4
                ON CONFLICT (id) DO UPDATE SET expires = min(expires, excluded.expires), state = iif(state = 'revoked', excluded.state, state)""",
                new String(record.value(), UTF_8), record.partition(), isNew, CHANNEL);
            return !isNew;
        } catch (SQLException unreadable) { // no JSON, or not its fields; if the journal is broken the commit fails, too
            return false;
        }
    }

    public static void main(String[] args) throws Exception {
        var main = Thread.currentThread();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            isStopping = true;
            try { main.join(); } catch (InterruptedException stop) { main.interrupt(); }
        }));
        var url = "jdbc:sqlite:" + ENV.get("WINBACK_SENDER_STATE") + "/touches.db";
        db = DriverManager.getConnection(url + "?busy_timeout=10000&synchronous=FULL&transaction_mode=IMMEDIATE");
        try { db.createStatement().executeUpdate("PRAGMA journal_mode = WAL"); } catch (SQLException busy) { /* another instance does it */ }
        db.createStatement().executeUpdate(SCHEMA);
        var servers = ENV.get("WINBACK_KAFKA_BOOTSTRAP");
        var session = (int) (1000 * Double.parseDouble(ENV.get("WINBACK_SESSION_TIMEOUT_S")));
        var producer = new KafkaProducer<>(Map.of("bootstrap.servers", servers), new ByteArraySerializer(), new ByteArraySerializer());
        var consumer = new KafkaConsumer<>(Map.of("bootstrap.servers", servers, "group.id", ENV.get("WINBACK_SENDER_GROUP"),
            "isolation.level", "read_committed", "auto.offset.reset", "earliest", "session.timeout.ms", session,
            "heartbeat.interval.ms", session / 4, "fetch.max.wait.ms", 100), new ByteArrayDeserializer(), new ByteArrayDeserializer());
        consumer.subscribe(List.of(ENV.get("WINBACK_TOPIC_TOUCHES")));
        var pool = new ForkJoinPool(PARALLEL);
        var jobs = new ArrayList<ForkJoinTask<Void>>();
        for (long last = 0, polled = 0; !isStopping || !jobs.isEmpty(); last = polled) {
            polled = System.currentTimeMillis();
            var records = consumer.poll(Duration.ofMillis(50)); // commits offsets of what came before: it is in the table
            synchronized (Sender.class) { // in one transaction
                db.setAutoCommit(false);
                query("UPDATE touches SET state = 'failed', reason = iif(expires, reason, 'revoked'), at = ?1"
                    + " WHERE state = 'requested' AND expires <= ?1", polled);
                for (var record : records)
                    if (record.value() != null && !take(record))
                        producer.send(new ProducerRecord<>(ENV.get("WINBACK_TOPIC_DEAD_LETTERS"), record.key(), record.value())).get();
                db.setAutoCommit(true);
            }
            var now = System.currentTimeMillis();
            var ready = new ArrayList<Integer>(); // partitions that were read to their end
            for (var part : consumer.assignment()) if (consumer.currentLag(part).orElse(1) == 0) ready.add(part.partition());
            var free = isStopping || now - last > 500 ? 0 : Math.max(0, PARALLEL - jobs.size()); // what was polled must be of now
            // The first open touch of each user, if it is due and the log behind it was read: that it is begun is on disk from here on.
            var rows = query("""
                UPDATE touches SET state = 'unknown', reason = 'interrupted', at = ?1 + 5000, due = ?1 + 5000 WHERE n IN (SELECT n
                FROM touches t WHERE state = 'requested' AND due <= ?1 AND expires > ?1 AND part IN (SELECT value FROM json_each(?2))
                AND NOT EXISTS (SELECT 1 FROM touches e WHERE e.user = t.user AND e.n < t.n AND (e.state = 'requested' OR e.at > ?1)) ORDER BY n LIMIT ?3)
                RETURNING n, id, user, state, 'new'""", now, ready.toString(), free);
            // What is not settled is asked about, less and less often.
            rows.addAll(query("""
                UPDATE touches SET due = 2 * ?1 - at + 1000 WHERE state IN ('unknown', 'accepted') AND due <= ?1 AND ?2
                RETURNING n, id, user, state, iif(state = 'unknown' AND at < ?1 - 30000, 'lost', '')""", now, free));
            for (var row : rows) jobs.add(pool.submit(() -> work(row)));
            jobs.removeIf(job -> job.isDone() && job.join() == null); // throws what work threw: without the journal nothing is sent
            var words = query("""
                SELECT n, id, user, state, json_object('touch_id', id, 'user_id', user, 'status', state, 'reason', reason, 'at', at, 'channel', ?3,
                'provider', 'postbox', 'provider_ref', ref, 'outcome', CASE WHEN reason IN ('no_address', 'bad_number') THEN 'hard' WHEN
                state = 'failed' AND reason > '' THEN 'unsent' ELSE '' END) FROM touches WHERE state IS NOT said AND at <= ?1
                AND part IN (SELECT value FROM json_each(?2)) ORDER BY at""", System.currentTimeMillis(), ready.toString(), CHANNEL);
            var said = new ArrayList<Future<RecordMetadata>>();
            for (var word : words) said.add(producer.send(new ProducerRecord<>(ENV.get("WINBACK_TOPIC_FEEDBACK"), word.user.getBytes(UTF_8), word.text.getBytes(UTF_8))));
            for (var word : said) word.get();
            query("UPDATE touches SET said = value FROM json_each(?) WHERE n = key", new ObjectMapper().valueToTree(
                words.stream().collect(Collectors.toMap(Row::n, Row::state))).toString());
        }
        consumer.close();
        producer.close();
    }
}
