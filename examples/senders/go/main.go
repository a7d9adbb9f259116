// A sender without the kit, by the rules of docs/senders.md; ../README.md says what it leaves out.
package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/samber/lo"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	_ "modernc.org/sqlite"
)

// SQLite is the queue: on disk, in the order of the log, one for all instances. A row holds the word that is to be said from
// `at` on if nothing more is heard; `due` is when the touch may be sent, or asked about. What is revoked expires at 0.
const schema = `CREATE TABLE IF NOT EXISTS touches (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, user TEXT NOT NULL, part INT,
	body TEXT, due INT, expires INT NOT NULL, state TEXT, reason TEXT, ref TEXT DEFAULT '', at INT, said TEXT);
	CREATE INDEX IF NOT EXISTS of_user ON touches (user); CREATE INDEX IF NOT EXISTS to_do ON touches (state, due);
	CREATE INDEX IF NOT EXISTS to_say ON touches (at) WHERE state IS NOT said`

type row struct{ N, ID, User, State, Text string }

type answer struct{ Address, Ref, Status, Error, code, wait string }

var (
	env              = os.Getenv
	channel, touches = env("WINBACK_SENDER_CHANNEL"), env("WINBACK_TOPIC_TOUCHES")
	db               = sqlx.MustOpen("sqlite", env("WINBACK_SENDER_STATE")+"/touches.db?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=synchronous(FULL)")
	now              = func() int64 { return time.Now().UnixMilli() }
	slots            = make(chan bool, 64) // calls under way
)

func query(sql string, args ...any) (found []row) {
	lo.Must0(db.Select(&found, sql, args...)) // without the journal nothing is sent
	return found
}

func call(method, url, body string) (said answer) {
	response, err := http.DefaultClient.Do(lo.Must(http.NewRequest(method, url, strings.NewReader(body))))
	if err != nil {
		return answer{code: err.Error()}
	}
	defer response.Body.Close()
	_ = json.NewDecoder(response.Body).Decode(&said)
	said.code, said.wait = response.Status[:3], response.Header.Get("Retry-After")
	return said
}

func send(r row) (state, reason string, said answer) {
	found := call("GET", env("ADDRESSES_URL")+"/"+url.PathEscape(r.User)+"/"+channel, "")
	last := query(`SELECT json_object('id', id, 'to', ?2, 'template', body ->> 'template_key', 'params', body -> 'params') AS text
		FROM touches WHERE n = ?1 AND expires > ?3 AND ?2 > ''`, r.N, found.Address, now()) // neither revoked nor expired by now
	if found.code == "404" {
		return "failed", "no_address", found
	} else if len(last) == 0 {
		return "requested", "provider_unavailable", found
	}
	switch said = call("POST", env("PROVIDER_URL")+"/messages", last[0].Text); {
	case said.code == "429", said.code == "503", strings.HasSuffix(said.code, "connection refused"):
		return "requested", "provider_unavailable", said
	case said.code == "202" && said.Ref != "":
		return "accepted", "", said
	case said.code == "400" && said.Error != "":
		return "failed", said.Error, said
	}
	return "unknown", "timed_out", said
}

func ask(r row) (state, reason string, said answer) {
	said = call("GET", env("PROVIDER_URL")+"/messages?id="+url.QueryEscape(r.ID), "")
	if said.code == "404" && r.Text == "lost" {
		return "failed", "provider_unavailable", said
	}
	return said.Status, "", said
}

func work(r row) {
	state, reason, said := lo.Ternary(r.Text == "new", send, ask)(r)
	query(`UPDATE touches SET state = ?3, reason = ?4, ref = ?5, at = iif(?3 = 'requested', NULL, ?7), due = ?7 + 1000 * ?6 + abs(random() % 3000)
		WHERE n = ?1 AND state = ?2 AND ?3 > '' AND (?3 <> state OR at > ?7)`, r.N, r.State, state, reason, said.Ref, said.wait, now())
	<-slots
}

func main() {
	stop, _ := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	http.DefaultClient.Timeout = 2 * time.Second
	_, _ = db.Exec("PRAGMA journal_mode = WAL") // fails if another instance does it
	db.MustExec(schema)
	var ends atomic.Value // where the log ended when partitions were assigned
	client := lo.Must(kgo.NewClient(kgo.SeedBrokers(strings.Split(env("WINBACK_KAFKA_BOOTSTRAP"), ",")...), kgo.ConsumeTopics(touches),
		kgo.ConsumerGroup(env("WINBACK_SENDER_GROUP")), kgo.SessionTimeout(lo.Must(time.ParseDuration(env("WINBACK_SESSION_TIMEOUT_S")+"s"))),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(), kgo.FetchMaxWait(100*time.Millisecond),
		kgo.AutoCommitInterval(200*time.Millisecond), kgo.ProducerBatchCompression(kgo.NoCompression()), // partitions by murmur2, as Java does
		kgo.OnPartitionsAssigned(func(ctx context.Context, client *kgo.Client, _ map[string][]int32) {
			ends.Store(lo.Must(json.Marshal(lo.Must(kadm.NewClient(client).ListCommittedOffsets(ctx, touches))[touches])))
		})))
	write := func(topic string, key, value []byte) {
		lo.Must0(client.ProduceSync(context.Background(), &kgo.Record{Topic: topic, Key: key, Value: value}).FirstErr())
	}
	for last, polled, busy := now(), now(), 0; stop.Err() == nil || busy > 0; last = polled {
		polled, busy = now(), len(slots)
		soon, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		fetches := client.PollFetches(soon) // offsets of what was polled before are committed: it is in the table
		cancel()
		tx := db.MustBegin()
		fetches.EachRecord(func(record *kgo.Record) {
			isNew := slices.ContainsFunc(record.Headers, func(header kgo.RecordHeader) bool {
				return header.Key == "ce_dataschema" && !strings.HasSuffix(string(header.Value), ":1")
			})
			_, err := tx.Exec(`INSERT INTO touches (id, user, part, body, due, expires, state, reason) SELECT m ->> 'touch_id', m ->> 'user_id', ?2, m,
				1000 * unixepoch(m ->> 'not_before', 'subsec'), CASE WHEN m ->> 'type' = 'touch.revoked' THEN 0 WHEN ?3 THEN 1 ELSE
				1000 * unixepoch(m ->> 'expires_at', 'subsec') END, substr(m ->> 'type', 7), iif(?3, 'unknown_version', 'expired')
				FROM (SELECT ?1 AS m) WHERE m ->> 'type' IN ('touch.requested', 'touch.revoked') AND coalesce(m ->> 'channel', ?4) = ?4
				ON CONFLICT (id) DO UPDATE SET expires = min(expires, excluded.expires), state = iif(state = 'revoked', excluded.state, state)`,
				string(record.Value), record.Partition, isNew, channel)
			if (err != nil || isNew) && record.Value != nil && !record.Attrs.IsControl() {
				write(env("WINBACK_TOPIC_DEAD_LETTERS"), record.Key, record.Value)
			}
		})
		lo.Must0(tx.Commit())
		ready := query(`SELECT json_group_array(c.key + 0) AS text FROM json_each(?1) c JOIN json_each(?2) e USING (key)
			WHERE c.value ->> 'Offset' >= e.value ->> 'Offset'`, lo.Must(json.Marshal(client.CommittedOffsets()[touches])), ends.Load())[0].Text
		query(`UPDATE touches SET state = 'failed', reason = iif(expires, reason, 'revoked'), at = ?1 WHERE state = 'requested' AND expires <= ?1`, now())
		free := lo.Ternary(stop.Err() == nil && now()-last < 500, cap(slots)-len(slots), 0) // what was polled must be of now
		// The first open touch of each user, if it is due and the log behind it was read: that it is begun is on disk from here on.
		todo := query(`UPDATE touches SET state = 'unknown', reason = 'interrupted', at = ?1 + 5000, due = ?1 + 5000 WHERE n IN (SELECT n
			FROM touches t WHERE state = 'requested' AND due <= ?1 AND expires > ?1 AND part IN (SELECT value FROM json_each(?2))
			AND NOT EXISTS (SELECT 1 FROM touches e WHERE e.user = t.user AND e.n < t.n AND (e.state = 'requested' OR e.at > ?1)) ORDER BY n LIMIT ?3)
			RETURNING n, id, user, state, 'new' AS text`, now(), ready, free)
		// What is not settled is asked about, less and less often.
		for _, r := range append(todo, query(`UPDATE touches SET due = 2 * ?1 - at + 1000 WHERE state IN ('unknown', 'accepted') AND due <= ?1 AND ?2
			RETURNING n, id, user, state, iif(state = 'unknown' AND at < ?1 - 30000, 'lost', '') AS text`, now(), free > 0)...) {
			slots <- true
			go work(r)
		}
		for _, word := range query(`SELECT n, user, state, json_object('touch_id', id, 'user_id', user, 'status', state, 'reason', reason, 'at', at,
			'channel', ?3, 'provider', 'postbox', 'provider_ref', ref, 'outcome', CASE WHEN reason IN ('no_address', 'bad_number') THEN 'hard'
			WHEN state = 'failed' AND reason > '' THEN 'unsent' ELSE '' END) AS text FROM touches WHERE state IS NOT said AND at <= ?1
			AND part IN (SELECT value FROM json_each(?2)) ORDER BY at`, now(), ready, channel) {
			write(env("WINBACK_TOPIC_FEEDBACK"), []byte(word.User), []byte(word.Text))
			query(`UPDATE touches SET said = ?2 WHERE n = ?1`, word.N, word.State)
		}
	}
	client.Close()
}
